//! `#[serde(with = "den::times::jiff")]` for `jiff::Timestamp`.
//!
//! # Examples
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Meeting {
//!     #[serde(with = "den::times::jiff")]
//!     starts: jiff::Timestamp,
//!     #[serde(default, with = "den::times::jiff::option")]
//!     ends: Option<jiff::Timestamp>,
//! }
//!
//! let meeting = Meeting { starts: jiff::Timestamp::UNIX_EPOCH, ends: None };
//! assert_eq!(
//!     serde_json::to_string(&meeting)?,
//!     r#"{"starts":"1970-01-01T00:00:00.000000Z","ends":null}"#
//! );
//! # Ok::<(), serde_json::Error>(())
//! ```

use super::Moment;
use crate::{Expr, Field, Operand, Result, Timestamp, Value, update_parts::ValueFor};
use ::jiff::Timestamp as Foreign;

impl Moment for Foreign {
    fn to_timestamp(&self) -> Option<Timestamp> {
        Some((*self).into())
    }

    fn from_timestamp(it: Timestamp) -> Option<Self> {
        Some(it.into())
    }
}

impl<D> Operand<D, Timestamp> for Foreign {
    type Nulls = crate::Required;

    fn into_operand(self) -> Result<Expr> {
        super::operand(&self)
    }
}

impl<D, N> ValueFor<Field<D, Timestamp, N>> for Foreign {
    fn __value(self) -> Result<Value> {
        super::value(&self)
    }
}

super::serde_helpers!(Foreign);

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Event {
        #[serde(with = "super")]
        at: Foreign,
        #[serde(default, with = "super::option")]
        until: Option<Foreign>,
    }

    #[test]
    fn what_is_written_sorts_and_reads_back() {
        let text = r#"{"at":"2025-01-31T13:00:00.1234567+01:00","until":"1969-12-31T23:59:59.1Z"}"#;
        let event: Event = serde_json::from_str(text).unwrap();
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(
            json,
            r#"{"at":"2025-01-31T12:00:00.123456Z","until":"1969-12-31T23:59:59.100000Z"}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
        for text in [
            r#"{"at":"1970-01-01T00:00:00Z"}"#,
            r#"{"at":"1970-01-01T00:00:00Z","until":null}"#,
        ] {
            let event: Event = serde_json::from_str(text).unwrap();
            assert_eq!(event.until, None);
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(json, r#"{"at":"1970-01-01T00:00:00.000000Z","until":null}"#);
        }
        assert!(serde_json::from_str::<Event>(r#"{"at":"yesterday"}"#).is_err());
    }
}
