//! The stored names of fields, which are not always those in Rust.

use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque},
    marker::PhantomData,
    rc::Rc,
    sync::Arc,
};

/// A type whose fields have known names; derived with `Document` and `Embedded`.
#[diagnostic::on_unimplemented(
    message = "den does not know the fields of `{Self}`",
    label = "neither a document nor an embedded type",
    note = "derive `Document` or `Embedded` for `{Self}`"
)]
pub trait Named {
    /// The fields in order of declaration; of a container those of what it holds.
    #[doc(hidden)]
    const FIELD_NAMES: &'static [FieldName];
}

/// A field, in Rust and in the stored document.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(feature = "validate"),
    expect(dead_code, reason = "only violations ask for the names")
)]
pub struct FieldName {
    /// The name in Rust.
    pub(super) name: &'static str,
    /// The key; none for a field that is flattened.
    pub(super) key: Option<&'static str>,
    /// The fields of its type. A function, because a type may hold itself.
    pub(super) inside: fn() -> &'static [Self],
}

impl FieldName {
    /// A field under a key.
    pub const fn keyed(
        name: &'static str,
        key: &'static str,
        inside: fn() -> &'static [Self],
    ) -> Self {
        Self {
            name,
            key: Some(key),
            inside,
        }
    }

    /// A field under a key, without fields of its own.
    pub const fn plain(name: &'static str, key: &'static str) -> Self {
        Self::keyed(name, key, || &[])
    }

    /// A field whose own fields lie beside the others.
    pub const fn flattened(name: &'static str, inside: fn() -> &'static [Self]) -> Self {
        Self {
            name,
            key: None,
            inside,
        }
    }
}

/// Answers for any type, also for one that is not [`Named`]; see `links::Probe`.
#[doc(hidden)]
#[derive(Debug)]
pub struct FieldsOf<T: ?Sized>(PhantomData<fn() -> PhantomData<T>>);

impl<T: Named + ?Sized> FieldsOf<T> {
    /// The fields.
    pub fn list() -> &'static [FieldName] {
        T::FIELD_NAMES
    }
}

/// The answer of [`FieldsOf`] for a type whose fields are not known.
#[doc(hidden)]
pub trait Unnamed {
    /// No fields.
    fn list() -> &'static [FieldName] {
        &[]
    }
}

impl<T: ?Sized> Unnamed for FieldsOf<T> {}

macro_rules! container {
    ($([$($generics:tt)*] $container:ty),+ $(,)?) => {$(
        impl<T: Named, $($generics)*> Named for $container {
            const FIELD_NAMES: &'static [FieldName] = T::FIELD_NAMES;
        }
    )+};
}

container!(
    [] Option<T>, [] Box<T>, [] Rc<T>, [] Arc<T>,
    [] Vec<T>, [] VecDeque<T>, [] LinkedList<T>, [] BinaryHeap<T>,
    [] BTreeSet<T>, [S] HashSet<T, S>, [const LEN: usize] [T; LEN],
    [K] BTreeMap<K, T>, [K, S] HashMap<K, T, S>,
);
