//! Which handle stands for a field of a type.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
};

use den_backend::FieldKind;

use crate::{
    Field, Id, Number, Timestamp,
    fields::{
        path::Path,
        schema::{Reads, Schema},
    },
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
    ($kind:ident, $reads:expr; $([$($generics:tt)*] $type:ty),+ $(,)?) => {$(
        impl<$($generics)*> FieldType for $type {
            type Handle<D, N> = Field<D, Self, N>;

            const KIND: FieldKind = FieldKind::$kind;

            fn handle<D, N>(path: Path) -> Self::Handle<D, N> {
                Field::__new(path, Self::KIND)
            }

            fn describe(schema: &mut Schema, path: Path) {
                schema.field(path, Self::KIND);
                let reads: Option<Reads> = $reads;
                if let Some(reads) = reads {
                    schema.reads(path, reads);
                }
            }
        }
    )+};
}

macro_rules! integers {
    ($($type:ty),+) => {$(
        leaf!(Number, <$type as Number>::__RANGE.map(|(least, most)| Reads::Integers(least, most)); [] $type);
    )+};
}

leaf!(Text, Some(Reads::Text); [] String, [] Cow<'static, str>);
leaf!(Text, None; [] &'static str, [] char, [] Timestamp, [T] Id<T>);
leaf!(Number, Some(Reads::Number); [] f32, [] f64);
leaf!(Bool, Some(Reads::Bool); [] bool);
leaf!(Array, None; [T] Vec<T>, [T] VecDeque<T>, [T] BTreeSet<T>, [T, S] HashSet<T, S>, [T, const LEN: usize] [T; LEN]);
leaf!(Object, None; [K, V] BTreeMap<K, V>, [K, V, S] HashMap<K, V, S>);
leaf!(Any, Some(Reads::Json); [] serde_json::Value);
integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);
