//! Which handle stands for a field of a type.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
};

use den_backend::FieldKind;

use crate::{
    Field, Id, Timestamp,
    fields::{path::Path, schema::Schema},
};

/// A type that den knows as a field of a document.
///
/// # Contract
///
/// - Derived by `#[derive(Embedded)]` for your own structs, newtypes and enums.
/// - For a type of another crate, put `#[den(kind = "text")]` (or `number`, `bool`, ..) on the
///   field instead.
#[diagnostic::on_unimplemented(
    message = "den does not know `{Self}` as a field of a document",
    label = "not a field type",
    note = "derive `Embedded` for `{Self}`, or say what it is stored as: `#[den(kind = \"text\")]` on the field"
)]
pub trait FieldType: Sized {
    /// The handle: a [`Field`], or for an embedded struct a struct of handles.
    type Handle<D, N>;

    /// What values of this type are stored as.
    const KIND: FieldKind;

    /// The handle of a field at `path`.
    fn handle<D, N>(path: Path) -> Self::Handle<D, N>;

    /// Tells the schema about a field at `path`, and about the fields and indexes below it.
    fn describe(schema: &mut Schema, path: Path);
}

/// A struct stored inside a document; derived.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no fields that den knows, so it cannot be flattened",
    label = "not an embedded struct",
    note = "leave out `#[serde(flatten)]`, or put `#[den(kind = \"object\")]` on the field: it is then stored, but has no handles"
)]
pub trait Embedded: FieldType {}

macro_rules! leaf {
    ($kind:ident: $([$($generics:tt)*] $type:ty),+ $(,)?) => {$(
        impl<$($generics)*> FieldType for $type {
            type Handle<D, N> = Field<D, Self, N>;

            const KIND: FieldKind = FieldKind::$kind;

            fn handle<D, N>(path: Path) -> Self::Handle<D, N> {
                Field::__new(path, Self::KIND)
            }

            fn describe(schema: &mut Schema, path: Path) {
                schema.field(path, Self::KIND);
            }
        }
    )+};
}

leaf!(Text: [] String, [] &'static str, [] Cow<'static, str>, [] char, [] Timestamp, [T] Id<T>);
leaf!(Number: [] i8, [] i16, [] i32, [] i64, [] isize, [] u8, [] u16, [] u32, [] u64, [] usize, [] f32, [] f64);
leaf!(Bool: [] bool);
leaf!(Array: [T] Vec<T>, [T] VecDeque<T>, [T] BTreeSet<T>, [T, S] HashSet<T, S>, [T, const LEN: usize] [T; LEN]);
leaf!(Object: [K, V] BTreeMap<K, V>, [K, V, S] HashMap<K, V, S>);
leaf!(Any: [] serde_json::Value);
