//! `#[serde(with = "den::times::chrono")]` for `chrono::DateTime` of any zone.
//!
//! # Examples
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Meeting {
//!     #[serde(with = "den::times::chrono")]
//!     starts: chrono::DateTime<chrono::Utc>,
//!     #[serde(default, with = "den::times::chrono::option")]
//!     ends: Option<chrono::DateTime<chrono::Utc>>,
//! }
//!
//! let meeting = Meeting { starts: chrono::DateTime::UNIX_EPOCH, ends: None };
//! assert_eq!(
//!     serde_json::to_string(&meeting)?,
//!     r#"{"starts":"1970-01-01T00:00:00.000000Z","ends":null}"#
//! );
//! # Ok::<(), serde_json::Error>(())
//! ```

use ::chrono::{DateTime, TimeZone, Utc};
use serde::{Deserializer, Serializer};

use super::Moment;
use crate::{Expr, Field, Operand, Result, Timestamp, Value, update_parts::ValueFor};

impl<Z: TimeZone> Moment for DateTime<Z>
where
    Self: From<DateTime<Utc>>,
{
    fn to_timestamp(&self) -> Option<Timestamp> {
        // Rounds towards the past, as chrono counts fractions from the second before.
        Timestamp::from_unix_micros(self.timestamp_micros())
    }

    fn from_timestamp(it: Timestamp) -> Option<Self> {
        DateTime::<Utc>::from_timestamp_micros(it.as_unix_micros()).map(Self::from)
    }
}

impl<D, Z: TimeZone> Operand<D, Timestamp> for DateTime<Z>
where
    Self: From<DateTime<Utc>>,
{
    type Nulls = crate::Required;

    fn into_operand(self) -> Result<Expr> {
        super::operand(&self)
    }
}

impl<D, N, Z: TimeZone> ValueFor<Field<D, Timestamp, N>> for DateTime<Z>
where
    Self: From<DateTime<Utc>>,
{
    fn __value(self) -> Result<Value> {
        super::value(&self)
    }
}

/// Writes the stored text of the time.
///
/// # Errors
///
/// A time outside the years 0 to 9999 is refused.
pub fn serialize<Z: TimeZone, S: Serializer>(
    it: &DateTime<Z>,
    serializer: S,
) -> Result<S::Ok, S::Error>
where
    DateTime<Z>: From<DateTime<Utc>>,
{
    super::serialize(it, serializer)
}

/// Reads any RFC 3339 time.
///
/// # Errors
///
/// Anything else is refused.
pub fn deserialize<'de, D: Deserializer<'de>, Z: TimeZone>(
    deserializer: D,
) -> Result<DateTime<Z>, D::Error>
where
    DateTime<Z>: From<DateTime<Utc>>,
{
    super::deserialize(deserializer)
}

/// The same for an `Option`.
pub mod option {
    use ::chrono::{DateTime, TimeZone, Utc};
    use serde::{Deserializer, Serializer};

    /// Writes the stored text of the time, or null.
    ///
    /// # Errors
    ///
    /// A time outside the years 0 to 9999 is refused.
    pub fn serialize<Z: TimeZone, S: Serializer>(
        it: &Option<DateTime<Z>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error>
    where
        DateTime<Z>: From<DateTime<Utc>>,
    {
        super::super::serialize_option(it, serializer)
    }

    /// Reads any RFC 3339 time, or null.
    ///
    /// # Errors
    ///
    /// Anything else is refused.
    pub fn deserialize<'de, D: Deserializer<'de>, Z: TimeZone>(
        deserializer: D,
    ) -> Result<Option<DateTime<Z>>, D::Error>
    where
        DateTime<Z>: From<DateTime<Utc>>,
    {
        super::super::deserialize_option(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Event {
        #[serde(with = "super")]
        at: DateTime<Utc>,
        #[serde(default, with = "super::option")]
        until: Option<DateTime<Utc>>,
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
    fn any_zone_is_stored_as_the_same_instant() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Zoned {
            #[serde(with = "super")]
            at: DateTime<::chrono::FixedOffset>,
        }
        let at = DateTime::parse_from_rfc3339("1969-12-31T22:59:59.9999999-01:00").unwrap();
        let json = serde_json::to_string(&Zoned { at }).unwrap();
        assert_eq!(json, r#"{"at":"1969-12-31T23:59:59.999999Z"}"#);
        let back: Zoned = serde_json::from_str(&json).unwrap();
        assert_eq!(back.at.timestamp_micros(), at.timestamp_micros());
    }

    #[test]
    fn a_time_that_does_not_sort_is_refused() {
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert!(serde_json::to_string(&Event { at, until: None }).is_err());
        }
    }
}
