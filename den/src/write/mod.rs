//! Reading and writing documents in hand.
//!
//! | module | holds |
//! |---|---|
//! | `read` | documents by their ids |
//! | `put` | one insert, update, save or replace |
//! | `batch` | several of them |
//! | `bulk` | several of them, with an outcome for each |
//! | `chain` | a write with all that belongs to it: hooks, rules, links |
//! | `delete` | deletes, with all that belongs to them |
//! | `mark` | the one statement that marks a document as deleted, or restores it |
//! | `changed` | a save of what was changed only |
//! | `draft` | what documents were before, and how they are made ready to be written |
//! | `update` | changes to all documents of a query |
//! | `upsert` | insert, or do something about what is in the way |
//! | `arithmetic` | what is said of changes that cannot be computed |
//! | `unknown` | what is stored in a document and its type says nothing of |
//! | `refusal` | why a write did not happen |

mod arithmetic;
mod atomic;
mod batch;
mod bulk;
mod chain;
mod changed;
mod delete;
mod draft;
mod mark;
mod put;
mod read;
mod refusal;
mod unknown;
mod update;
mod upsert;

pub(crate) use self::{
    atomic::atomically,
    batch::{insert_many, save_all},
    bulk::bulk,
    chain::put_within,
    changed::save_changes,
    delete::{
        RunHooks, begin_delete, delete, delete_all, delete_begun, delete_one, is_plain_delete,
        marks,
    },
    draft::{encoded, new_revision},
    mark::{deleted_patch, own_field, restore, restored_patch, set_or_unset, settle},
    put::{Intent, put_one},
    read::{get, get_many, refresh},
    refusal::{no_id, not_found, refusal_error},
    update::{locked, rows, update, update_json},
    upsert::{Aim, OnHit, upsert},
};
