//! Operators of map fields.

use std::collections::{BTreeMap, HashMap};

use den_backend::Expr;

use crate::{Field, Filter, Json, Untyped, fields::untyped};

macro_rules! object_operators {
    ($([$($generics:tt)*] $type:ty),+ $(,)?) => {$(
        impl<D, N, $($generics)*> Field<D, $type, N> {
            /// True if the object has this key, taken literally; its value may be `null`.
            pub fn has_key(self, key: impl Into<String>) -> Filter<D> {
                Filter::new(Ok(Expr::HasKey {
                    object: self.expr(),
                    key: key.into(),
                }))
            }

            /// The value under this key, taken literally, as an untyped field.
            pub fn key(self, key: impl Into<String>) -> Untyped {
                untyped::below(&self.path(), key.into())
            }
        }
    )+};
}

object_operators!([K, V] BTreeMap<K, V>, [K, V, S] HashMap<K, V, S>, [] Json);
