//! The contract between den and the databases it stores documents in.
//!
//! An application uses the `den` crate. This crate is for authors of backends: it holds the
//! [`Backend`] trait, the plain data a backend is asked with ([`Query`], [`Expr`], [`Value`],
//! [`FieldPath`], [`CollectionMeta`]), the [`Error`] it answers with, and the [registry](Driver)
//! in which it announces its URL schemes.
//!
//! | module | holds |
//! |---|---|
//! | [`backend`] | the traits [`ReadWrite`], [`Transaction`] and [`Backend`] |
//! | [`query`] | [`Query`]: filter, sort, window, position, lock |
//! | [`expr`] | [`Expr`]: every operator and what it means |
//! | [`function`] | [`Function`], [`ArithmeticOp`]: what expressions compute |
//! | [`native`] | [`Native`]: what one engine alone computes |
//! | [`grouping`] | [`Grouping`]: groups and aggregates |
//! | [`search`] | [`Search`]: full text |
//! | [`upsert`] | [`Upsert`]: insert, or change what is in the way |
//! | [`value`] | [`Value`]: one JSON value with exact comparison |
//! | [`path`] | [`FieldPath`]: where in a document |
//! | [`evaluate`](mod@evaluate) | what an expression is for one document, and a patch makes of it |
//! | [`raw`] | the text of statements that an application wrote itself |
//! | [`order`] | the total order of a query: sort keys, positions |
//! | [`patch`] | [`Patch`]: changes to documents where they lie |
//! | [`pattern`] | [`Pattern`]: a regular expression that every engine reads alike |
//! | [`document`] | [`RawDocument`], [`Put`], [`Expectation`], [`PutOutcome`] |
//! | [`meta`] | [`CollectionMeta`]: fields and indexes of one collection |
//! | [`constraint`] | [`ConstraintMeta`]: rules that the database keeps |
//! | [`schema`] | [`SchemaChange`], [`PlannedChange`] |
//! | [`capability`] | [`Capabilities`]: what a backend can do |
//! | [`check`] | the one place where a query is checked before it reaches a backend |
//! | [`driver`] | [`Driver`], the registry, [`DatabaseUrl`] |
//! | [`error`] | [`Error`], [`ErrorKind`] |
//! | `memory` | feature `memory`: the reference backend, the plain-Rust statement of the rules |
//! | `conformance` | feature `conformance`: the suite every backend must pass |

pub mod backend;
pub mod capability;
pub mod check;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod constraint;
pub mod document;
pub mod driver;
pub mod error;
pub mod evaluate;
pub mod expr;
pub mod function;
pub mod grouping;
#[cfg(feature = "memory")]
pub mod memory;
pub mod meta;
pub mod native;
pub mod order;
pub mod patch;
pub mod path;
pub mod pattern;
pub mod query;
pub mod raw;
pub mod schema;
pub mod search;
pub mod upsert;
pub mod url;
pub mod value;

pub use crate::{
    backend::{
        Access, Backend, Explain, ExplainMode, Isolation, PoolStats, ReadWrite, RowStream,
        SavepointId, Transaction, TxOptions,
    },
    capability::{Capabilities, Capability},
    constraint::{ConstraintKind, ConstraintMeta, JsonType},
    document::{DeleteOutcome, Expectation, OnRefusal, Put, PutOutcome, RawDocument, Refusal},
    driver::{Driver, OpenOptions, drivers, find_driver},
    error::{Constraint, ConstraintRule, Error, ErrorKind, Result, Violation},
    expr::{CompareOp, Expr, Field, FieldKind, Root, TextOp},
    function::{ArithmeticOp, Function, TimeUnit},
    grouping::{Aggregate, AggregateFunction, Grouping},
    meta::{CollectionMeta, FieldMeta, IndexKind, IndexMeta, RecordedIndex},
    native::{ArgumentMode, Native, NativeKind, Piece},
    patch::{Change, Patch, Returning, Updated},
    path::FieldPath,
    pattern::Pattern,
    query::{Direction, LockMode, Nulls, Query, Seek, Select, Sort},
    schema::{PlannedAction, PlannedChange, SchemaChange},
    search::{Search, SearchOptions, SearchQuery, SearchTerm},
    upsert::{ConflictTarget, OnConflict, Upsert, UpsertOutcome},
    url::DatabaseUrl,
    value::Value,
};

/// What the macros of this crate expand to; not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use inventory;
}
