//! Field handles, filters and orders: everything that says *which* documents, without I/O.

mod array;
pub(crate) mod field;
pub(crate) mod field_type;
pub(crate) mod filter;
mod object;
mod operand;
pub(crate) mod path;
pub(crate) mod schema;
mod text;
mod untyped;

pub use self::{
    array::{ElementOf, Length},
    field::{Field, Nullability, Nullable, Ordered, Required},
    field_type::{Embedded, FieldType},
    filter::{Filter, Order},
    operand::{Comparable, Operand},
    untyped::{IntoFieldPath, IntoUntyped, Untyped, field},
};
