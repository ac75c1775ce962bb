//! Computed values: arithmetic, functions and choices over the fields of a document.

mod aggregate;
mod arithmetic;
mod choice;
mod computed;
pub(crate) mod fitting;
mod functions;
mod literal;
mod untyped;
pub(crate) mod walk;

pub(crate) use self::aggregate::{aggregate_of, refuse_aggregates};
pub use self::{
    aggregate::{Aggregated, count},
    arithmetic::{Mix, Number},
    choice::{Several, case_when, coalesce, concat, greatest, least},
    computed::{Computed, Labeled},
    functions::{TextType, now},
    literal::{Assign, IntoComputed, Literal, null, value},
};
