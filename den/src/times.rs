//! Serde helpers that store the times of other crates in the form that sorts.
//!
//! A time stored as its own crate writes it may carry any offset and any number of digits, and
//! then text order is not time order. Each helper here stores what [`Timestamp`] stores: UTC, six
//! fraction digits, `Z`; what is finer is cut off towards the past. Each reads any RFC 3339 time.
//!
//! | module | for | feature |
//! |---|---|---|
//! | [`jiff`] | `jiff::Timestamp` | |
//! | `chrono` | `chrono::DateTime` of any zone | `chrono` |
//! | `time` | `time::OffsetDateTime` | `time` |
//!
//! The handle of such a field is a `Field<_, Timestamp>`, which can be compared with a [`Timestamp`]
//! and with times of these crates. Each has a module `option` for `Option`s of it; a field that may be missing needs
//! `#[serde(default)]` as well.
//!
//! # Examples
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Meeting {
//!     #[serde(with = "den::times::jiff")]
//!     starts: jiff::Timestamp,
//!     #[serde(default, with = "den::times::jiff::option")]
//!     ends: Option<jiff::Timestamp>,
//! }
//!
//! let text = r#"{"starts":"2025-01-31T13:00:00+01:00"}"#;
//! let meeting: Meeting = serde_json::from_str(text)?;
//! assert_eq!(
//!     serde_json::to_string(&meeting)?,
//!     r#"{"starts":"2025-01-31T12:00:00.000000Z","ends":null}"#
//! );
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! In a document, such a field is found and sorted as a time:
//!
//! ```
//! # use den::prelude::*;
//! # use serde::{Deserialize, Serialize};
//! #[derive(Debug, Clone, Serialize, Deserialize, Document)]
//! struct Meeting {
//!     #[serde(flatten)]
//!     base: Base<Meeting>,
//!     #[den(index)]
//!     #[serde(with = "den::times::jiff")]
//!     starts: jiff::Timestamp,
//! }
//!
//! async fn upcoming(db: &Db) -> den::Result<Vec<Meeting>> {
//!     let m = Meeting::fields();
//!     Meeting::query(db)
//!         .filter(m.starts.gt(jiff::Timestamp::now()))
//!         .sort(m.starts.asc())
//!         .all()
//!         .await
//! }
//! ```

/// The four functions that `#[serde(with = "..")]` looks for, for one type.
macro_rules! serde_helpers {
    ($type:ty) => {
        /// Writes the stored text of the time.
        ///
        /// # Errors
        ///
        /// A time outside the years 0 to 9999 is refused.
        pub fn serialize<S: serde::Serializer>(
            it: &$type,
            serializer: S,
        ) -> std::result::Result<S::Ok, S::Error> {
            super::serialize(it, serializer)
        }

        /// Reads any RFC 3339 time.
        ///
        /// # Errors
        ///
        /// Anything else is refused.
        pub fn deserialize<'de, D: serde::Deserializer<'de>>(
            deserializer: D,
        ) -> std::result::Result<$type, D::Error> {
            super::deserialize(deserializer)
        }

        /// The same for an `Option`.
        pub mod option {
            use super::*;

            /// Writes the stored text of the time, or null.
            ///
            /// # Errors
            ///
            /// A time outside the years 0 to 9999 is refused.
            pub fn serialize<S: serde::Serializer>(
                it: &Option<$type>,
                serializer: S,
            ) -> std::result::Result<S::Ok, S::Error> {
                super::super::serialize_option(it, serializer)
            }

            /// Reads any RFC 3339 time, or null.
            ///
            /// # Errors
            ///
            /// Anything else is refused.
            pub fn deserialize<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Option<$type>, D::Error> {
                super::super::deserialize_option(deserializer)
            }
        }
    };
}
use serde_helpers;

#[cfg(feature = "chrono")]
pub mod chrono;
pub mod jiff;
#[cfg(feature = "time")]
pub mod time;

use den_backend::{Error, ErrorKind, Expr, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::{Timestamp, encode};

/// A type of another crate that names a moment.
trait Moment: Sized {
    /// `None` if it is too far away.
    fn to_timestamp(&self) -> Option<Timestamp>;

    /// `None` if it is too far away.
    fn from_timestamp(it: Timestamp) -> Option<Self>;
}

const TOO_FAR: &str = "the time is outside the years 0 to 9999";

/// The moment as an operand of a field that holds a [`Timestamp`].
fn operand(it: &impl Moment) -> Result<Expr, Error> {
    value(it).map(Expr::Value)
}

/// The moment as a field that holds a [`Timestamp`] has it.
fn value(it: &impl Moment) -> Result<Value, Error> {
    let it = it
        .to_timestamp()
        .ok_or_else(|| Error::new(ErrorKind::InvalidQuery, TOO_FAR))?;
    encode::operand(&it)
}

fn serialize<S: Serializer>(it: &impl Moment, serializer: S) -> Result<S::Ok, S::Error> {
    let it = it
        .to_timestamp()
        .ok_or_else(|| ser::Error::custom(TOO_FAR))?;
    it.serialize(serializer)
}

fn deserialize<'de, D: Deserializer<'de>, T: Moment>(deserializer: D) -> Result<T, D::Error> {
    let it = Timestamp::deserialize(deserializer)?;
    T::from_timestamp(it).ok_or_else(|| de::Error::custom(TOO_FAR))
}

fn serialize_option<S: Serializer>(
    it: &Option<impl Moment>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match it {
        Some(it) => serialize(it, serializer),
        None => serializer.serialize_none(),
    }
}

fn deserialize_option<'de, D: Deserializer<'de>, T: Moment>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let Some(it) = Option::<Timestamp>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let it = T::from_timestamp(it).ok_or_else(|| de::Error::custom(TOO_FAR))?;
    Ok(Some(it))
}
