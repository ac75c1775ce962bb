//! Documents and operands from and to what the application holds, checked.
//!
//! serde_json writes what it can (`NaN` becomes `null`, a duplicate key is written twice); what
//! is stored must mean the same on every backend, so the serializers here refuse it instead.

mod check;
mod document;
mod key;
mod operand;
mod writer;

use den_backend::{Error, ErrorKind, Result, Value};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use self::check::{Decimal, MAX_DEPTH};
use crate::links::expanded::{as_ids, as_ids_of_stored};

/// The JSON text of a document.
///
/// # Behavior
///
/// - Integers are exact; a float is written as [`float_text`](den_backend::value::float_text)
///   writes it.
/// - Bytes are a list of numbers, enums and map keys are as serde_json writes them.
///
/// # Errors
///
/// `InvalidDocument`, naming the dotted path, for `NaN`, infinities, integers outside `i64`, text
/// or keys with NUL, duplicate keys, keys that are not text, nesting too deep to be read back, a
/// document that is not an object, and whatever the type's own `Serialize` refuses.
pub(crate) fn document<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    as_ids(|| document::write(value)).map_err(|why| {
        Error::new(
            ErrorKind::InvalidDocument,
            format!("the document cannot be stored: {why}"),
        )
    })
}

/// The value that a query, a patch or a key compares with or stores.
///
/// # Behavior
///
/// - The same text, number or object that [`document`] would write for it; `None` and `()` are null.
///
/// # Errors
///
/// `InvalidQuery` for what [`document`] refuses inside a document.
pub(crate) fn operand<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    as_ids_of_stored(|| operand::value(value))
        .map_err(|why| Error::new(ErrorKind::InvalidQuery, why))
}

/// The document in `body`, as stored in `collection` under `id`.
///
/// # Errors
///
/// `Corrupt`, naming collection and id, when it does not read as a `T`; the source says why.
pub(crate) fn decode<T: DeserializeOwned>(collection: &str, id: &str, body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|why| {
        Error::new(ErrorKind::Corrupt, "the stored document cannot be read")
            .with_collection(collection)
            .with_id(id)
            .with_source(why)
    })
}

#[cfg(test)]
mod tests;
