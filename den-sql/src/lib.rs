//! SQL text for den backends: one renderer, one dialect per engine, no I/O.
//!
//! A backend hands in a [`Query`](den_backend::Query) and the [`Layout`] of its collection and gets
//! back a [`Statement`]: text with numbered placeholders, and what to bind to them. Both dialects
//! live here, [`SQLITE`] and [`POSTGRES`], so that one test shows them side by side.
//!
//! | module | holds |
//! |---|---|
//! | [`statement`] | [`Statement`] and [`Param`]: what a backend sends |
//! | [`layout`] | [`Layout`]: where the fields of a collection lie |
//! | [`query`] | `select`, `count`, `exists`, `delete_matching` |
//! | [`mod@update`] | `update`: changes to the rows of a query |
//! | [`mod@upsert`] | `upsert`: a new document, or a change to what is in the way |
//! | [`mod@group`] | `group`: groups and aggregates |
//! | [`document`] | `get`, `put`, `delete` and their like: text that depends on the collection only |
//! | [`schema`] | tables, columns, indexes, the catalog |
//! | [`constraint`] | constraints: their records, and the conditions that documents keep |
//! | [`search`] | what search indexes need |
//! | [`changes`] | patches, as the dialects see them |
//! | [`dialect`] | what the two engines spell differently |
//! | [`source`] | operands, as the dialects see them |
//! | [`placeholders`] | statements that an application wrote itself |
//! | [`writer`] | `SqlWriter`: the only thing that numbers placeholders |
//! | [`sqlite_functions`] | the functions a SQLite connection must have |

pub mod changes;
mod computed;
pub mod constraint;
pub mod dialect;
pub mod document;
mod filter;
pub mod group;
pub mod layout;
mod order;
pub mod placeholders;
mod postgres;
pub mod query;
pub mod schema;
pub mod search;
mod seek;
pub mod source;
mod spelling;
mod sqlite;
pub mod sqlite_functions;
pub mod statement;
mod text;
pub mod update;
pub mod upsert;
pub mod writer;

/// Definitions that PostgreSQL alone has.
pub use crate::postgres::only as postgres_only;
/// What enforces constraints in SQLite.
pub use crate::sqlite::constraints as sqlite_constraints;
/// Statements that SQLite alone has.
pub use crate::sqlite::only as sqlite_only;
pub use crate::{
    computed::{Computed, Mode},
    dialect::{Dialect, POSTGRES, SQLITE},
    document::{ExpectationKind, delete, get, get_for_update, get_many, put, put_many, state_of},
    group::group,
    layout::{Layout, Layouts, column_name},
    query::{count, delete_matching, exists, select},
    statement::{Param, Statement},
    update::{patch_failure, update},
    upsert::upsert,
};
