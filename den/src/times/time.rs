//! `#[serde(with = "den::times::time")]` for `time::OffsetDateTime`.
//!
//! # Examples
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Meeting {
//!     #[serde(with = "den::times::time")]
//!     starts: time::OffsetDateTime,
//!     #[serde(default, with = "den::times::time::option")]
//!     ends: Option<time::OffsetDateTime>,
//! }
//!
//! let meeting = Meeting { starts: time::OffsetDateTime::UNIX_EPOCH, ends: None };
//! assert_eq!(
//!     serde_json::to_string(&meeting)?,
//!     r#"{"starts":"1970-01-01T00:00:00.000000Z","ends":null}"#
//! );
//! # Ok::<(), serde_json::Error>(())
//! ```

use super::Moment;
use crate::{Expr, Field, Operand, Result, Timestamp, Value, update_parts::ValueFor};
use ::time::OffsetDateTime;

impl Moment for OffsetDateTime {
    fn to_timestamp(&self) -> Option<Timestamp> {
        let micros = self.unix_timestamp_nanos().div_euclid(1000);
        Timestamp::from_unix_micros(i64::try_from(micros).ok()?)
    }

    fn from_timestamp(it: Timestamp) -> Option<Self> {
        Self::from_unix_timestamp_nanos(i128::from(it.as_unix_micros()) * 1000).ok()
    }
}

impl<D> Operand<D, Timestamp> for OffsetDateTime {
    type Nulls = crate::Required;

    fn into_operand(self) -> Result<Expr> {
        super::operand(&self)
    }
}

impl<D, N> ValueFor<Field<D, Timestamp, N>> for OffsetDateTime {
    fn __value(self) -> Result<Value> {
        super::value(&self)
    }
}

super::serde_helpers!(OffsetDateTime);

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Event {
        #[serde(with = "super")]
        at: OffsetDateTime,
        #[serde(default, with = "super::option")]
        until: Option<OffsetDateTime>,
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

    #[test]
    fn any_offset_is_stored_as_the_same_instant() {
        let offset = ::time::UtcOffset::from_hms(-1, 0, 0).unwrap();
        let at = OffsetDateTime::from_unix_timestamp_nanos(-1)
            .unwrap()
            .to_offset(offset);
        let json = serde_json::to_string(&Event { at, until: None }).unwrap();
        assert_eq!(json, r#"{"at":"1969-12-31T23:59:59.999999Z","until":null}"#);
    }
}
