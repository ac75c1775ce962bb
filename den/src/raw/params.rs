//! The parameters of raw statements.

use den_backend::{Error, ErrorKind, Result, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::encode;

/// Parameters of a raw statement, one by one; [`params!`](crate::params) makes them.
///
/// A tuple, an array or a slice will do, too, and `()` where there are none.
#[derive(Debug, Clone, Default)]
#[must_use = "parameters do nothing until they are given to a statement"]
pub struct Params(Vec<Result<Value>>);

/// The parameters of a raw statement, of any number and of any types that serialise.
///
/// ```
/// # let (name, limit) = ("x", 5);
/// let params = den::params![name, limit, Some(2.5), den::Timestamp::now()];
/// # let _ = params;
/// ```
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        $crate::raw::Params::new()$(.and(&$value))*
    };
}

impl Params {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub fn and<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        self.0.push(encode::operand(value));
        self
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let values: Result<Vec<&Value>> = self
            .0
            .iter()
            .map(Result::as_ref)
            .collect::<std::result::Result<_, &Error>>()
            .map_err(Clone::clone);
        values.map_err(ser::Error::custom)?.serialize(serializer)
    }
}

/// The values of a list of parameters, checked.
pub(super) fn values(params: &impl Serialize) -> Result<Vec<Value>> {
    match encode::operand(params)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => Ok(values),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Object(_) => {
            Err(Error::new(
                ErrorKind::InvalidQuery,
                "parameters are given as a list: `(a, b)`, `[a, b]`, `den::params![a, b]`, or `()` \
                 for none",
            ))
        }
    }
}

/// For fields of rows: a bool, also where the engine has none and answers 1 or 0, as SQLite does.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Row {
///     #[serde(deserialize_with = "den::raw::truth")]
///     is_cheap: bool,
/// }
/// # let row: Row = serde_json::from_str(r#"{"is_cheap":1}"#).unwrap();
/// # assert!(row.is_cheap);
/// ```
///
/// # Errors
///
/// Anything else than a bool, 1 and 0.
pub fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(it) => Ok(it),
        Value::Int(0) => Ok(false),
        Value::Int(1) => Ok(true),
        Value::Null
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Array(_)
        | Value::Object(_) => Err(de::Error::custom("expected a bool, 1 or 0")),
    }
}
