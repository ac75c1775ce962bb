//! Reading and writing documents in hand.
//!
//! | module | holds |
//! |---|---|
//! | `read` | documents by their ids |
//! | `put` | one insert, update, save or replace |
//! | `batch` | several of them |
//! | `chain` | a write with all that belongs to it: hooks, rules, links |
//! | `delete` | deletes, with all that belongs to them |
//! | `mark` | the one statement that marks a document as deleted, or restores it |
//! | `changed` | a save of what was changed only |
//! | `draft` | what documents were before, and how they are made ready to be written |
//! | `refusal` | why a write did not happen |

mod atomic;
mod batch;
mod chain;
mod changed;
mod delete;
mod draft;
mod mark;
mod put;
mod read;
mod refusal;

pub(crate) use self::{
    atomic::atomically,
    batch::{insert_many, save_all},
    chain::put_within,
    changed::save_changes,
    delete::{
        RunHooks, begin_delete, delete, delete_all, delete_begun, delete_one, is_plain_delete,
        marks,
    },
    draft::{encoded, new_revision},
    mark::{deleted_patch, own_field, restore, restored_patch, settle},
    put::{Intent, put_one},
    read::{get, get_many, refresh},
    refusal::{not_found, refusal_error},
};
