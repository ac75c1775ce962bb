//! Declared rules: `#[den(validate)]` checks them on every write.
//!
//! The rules themselves are those of the crate [`validator`](https://docs.rs/validator), declared
//! with its derive. They need den's feature `validate`.
#![cfg_attr(feature = "validate", doc = include_str!("validation/example.md"))]
//!
//! # Behavior
//!
//! - The rules are checked on every write that has the document in hand: `insert`, `update`,
//!   `save`, `replace`, `insert_many`, `save_all`, `save_changes`, `upsert`; and for each document that
//!   an update of a query has changed: one that breaks them takes all changes back. Deleting and
//!   restoring does not check them.
//! - They are checked after the hooks that may change the document, and before
//!   [`Hooks::validate`](crate::Hooks::validate), which runs only if they hold. Nothing reaches
//!   the database unless both agree.
//! - What is wrong comes as [`Violation`](crate::Violation)s, in the order in which the fields are
//!   declared: the path of the field under its stored names (`lines.0.unitPrice`; empty for a rule
//!   about the whole document), a code (`length`, `range`, or what `code = ".."` says), and a
//!   message (what `message = ".."` says, or one of den's).
//! - Messages of den name the bounds that are declared, never what the document holds.
//!
//! # Why `validator`
//!
//! A violation has a code that programs can rely on. In `validator` every rule has one by nature,
//! and a custom rule gives its own; in `garde`, which has fewer dependencies, an error is a text
//! and no more. What `validator` lacks is made good here: the order of the fields, the keys of
//! maps, the stored names, readable messages, and its errors carry the offending value, which den
//! drops.

#[cfg(feature = "validate")]
mod keys;
#[cfg(feature = "validate")]
mod messages;
mod names;
#[cfg(feature = "validate")]
mod report;

use den_backend::Result;

#[cfg(feature = "validate")]
use den_backend::Error;
#[cfg(feature = "validate")]
use serde::Serialize;

use crate::Document;

pub use self::names::{FieldName, FieldsOf, Named, Unnamed};

/// A type with declared rules: one that derives `validator::Validate`.
#[cfg_attr(
    feature = "validate",
    diagnostic::on_unimplemented(
        message = "`{Self}` has no rules to check: derive `validator::Validate` for it",
        label = "no rules are declared",
        note = "`#[derive(validator::Validate)]`, and rules such as `#[validate(length(min = 3))]` on the fields; rules that need a `context` cannot be checked on a write"
    )
)]
#[cfg_attr(
    not(feature = "validate"),
    diagnostic::on_unimplemented(
        message = "`#[den(validate)]` needs the feature `validate` of `den`",
        label = "the rules of this type cannot be checked",
        note = "in Cargo.toml: `den = {{ version = \"..\", features = [\"validate\"] }}`"
    )
)]
pub trait Rules {
    /// Checks the rules.
    #[cfg(feature = "validate")]
    #[doc(hidden)]
    fn check_rules(&self) -> Result<(), validator::ValidationErrors>;
}

#[cfg(feature = "validate")]
#[diagnostic::do_not_recommend]
impl<T: validator::Validate> Rules for T {
    fn check_rules(&self) -> Result<(), validator::ValidationErrors> {
        self.validate()
    }
}

/// Checks the declared rules of a document, or of an embedded struct, outside of a write.
///
/// # Behavior
///
/// - [`Hooks::validate`](crate::Hooks::validate) is not run: it belongs to a write.
///
/// # Errors
///
/// `Validation`, with all [`violations`](den_backend::Error::violations).
#[cfg(feature = "validate")]
pub fn validate<T: Rules + Named + Serialize>(value: &T) -> Result<()> {
    value
        .check_rules()
        .map_err(|errors| Error::validation(report::violations(value, errors)))
}

/// What `#[den(validate)]` expands to. The write adds which document it is about.
#[doc(hidden)]
#[cfg(feature = "validate")]
pub fn run_validation<D: Document + Rules + Named>(document: &D) -> Result<()> {
    validate(document)
}

/// What `#[den(validate)]` expands to; without the feature no type has [`Rules`].
#[doc(hidden)]
#[cfg(not(feature = "validate"))]
pub fn run_validation<D: Document + Rules>(_document: &D) -> Result<()> {
    Ok(())
}
