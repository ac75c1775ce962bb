//! Moments in time, in the one form that is stored.

use std::{
    fmt,
    ops::{Add, Sub},
    str::FromStr,
    time::Duration,
};

use den_backend::{Error, ErrorKind, Result};
use jiff::{SignedDuration, tz::Offset};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
    ser,
};

/// A moment in time, to the microsecond, in UTC.
///
/// # Behavior
///
/// - It is stored as RFC 3339 text of fixed width, `2025-01-31T12:00:00.123456Z`, so that the
///   order of the text is the order of time.
/// - Anything finer than a microsecond is cut off towards the past, when the value is made: what
///   is read back equals what was written, and the order of any two moments is kept.
/// - Any RFC 3339 text is read: another offset is converted, any number of fraction digits is
///   taken.
/// - A moment before the year 0 can be held but not stored: its text would not sort.
/// - The default is [`UNIX_EPOCH`](Self::UNIX_EPOCH), so that documents can derive `Default`.
/// - `+` and `-` stop at the first and the last moment there is; see
///   [`checked_add`](Self::checked_add).
///
/// # Examples
///
/// ```
/// use den::Timestamp;
///
/// let noon: Timestamp = "2025-01-31T13:00:00+01:00".parse()?;
/// assert_eq!(noon.to_string(), "2025-01-31T12:00:00.000000Z");
/// assert!(noon < Timestamp::now());
/// # Ok::<(), den::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp); // Invariant: whole microseconds.

/// The length of the stored text.
const WIDTH: usize = "2025-01-31T12:00:00.123456Z".len();

impl Timestamp {
    /// Midnight of 1 January 1970.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The current time.
    pub fn now() -> Self {
        jiff::Timestamp::now().into()
    }

    /// The moment so many microseconds after [`UNIX_EPOCH`](Self::UNIX_EPOCH), or before it;
    /// `None` outside the years -9999 to 9999.
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        // `jiff::Timestamp::from_microsecond` refuses the last second of all.
        let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1000).ok()?;
        let it = jiff::Timestamp::new(micros.div_euclid(1_000_000), nanos);
        it.ok().map(Self)
    }

    /// Microseconds since [`UNIX_EPOCH`](Self::UNIX_EPOCH), negative before it.
    pub fn as_unix_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Reads an RFC 3339 time.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for anything else, also for a time without an offset.
    pub fn parse(text: &str) -> Result<Self> {
        let it: jiff::Timestamp = text.parse().map_err(|why: jiff::Error| {
            Error::new(ErrorKind::InvalidQuery, "the text is not an RFC 3339 time").with_source(why)
        })?;
        Ok(it.into())
    }

    /// The moment `duration` later; `None` outside the years -9999 to 9999.
    pub fn checked_add(self, duration: SignedDuration) -> Option<Self> {
        self.0.checked_add(duration).ok().map(Self::from)
    }

    /// The moment `duration` earlier; `None` outside the years -9999 to 9999.
    pub fn checked_sub(self, duration: SignedDuration) -> Option<Self> {
        self.0.checked_sub(duration).ok().map(Self::from)
    }

    /// The time that passed from `earlier` until this moment, negative if it is later.
    pub fn duration_since(self, earlier: Self) -> SignedDuration {
        self.0.duration_since(earlier.0)
    }

    /// The stored text; `None` before the year 0.
    fn stored(self) -> Option<[u8; WIDTH]> {
        let civil = Offset::UTC.to_datetime(self.0);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        digits(&mut text[0..4], u32::try_from(civil.year()).ok()?);
        let parts = [
            (5, civil.month()),
            (8, civil.day()),
            (11, civil.hour()),
            (14, civil.minute()),
            (17, civil.second()),
        ];
        for (at, part) in parts {
            digits(&mut text[at..at + 2], part.try_into().ok()?);
        }
        let nanos = u32::try_from(civil.subsec_nanosecond()).ok()?;
        digits(&mut text[20..26], nanos / 1000);
        Some(text)
    }
}

/// Fills `place` with the decimal digits of `number`, from the right.
fn digits(place: &mut [u8], mut number: u32) {
    for it in place.iter_mut().rev() {
        // A remainder by ten is a digit.
        *it = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

impl Default for Timestamp {
    /// [`UNIX_EPOCH`](Self::UNIX_EPOCH).
    fn default() -> Self {
        Self::UNIX_EPOCH
    }
}

impl From<jiff::Timestamp> for Timestamp {
    /// Cuts off what is finer than a microsecond, towards the past.
    fn from(it: jiff::Timestamp) -> Self {
        // jiff counts fractions from 1970, so they are negative before it.
        let finer = i64::from(it.subsec_nanosecond().rem_euclid(1000));
        if finer == 0 {
            return Self(it);
        }
        // The first moment there is is a whole second, so there is always one before.
        let floor = it.checked_sub(SignedDuration::from_nanos(finer));
        Self(floor.unwrap_or(it))
    }
}

impl From<Timestamp> for jiff::Timestamp {
    fn from(it: Timestamp) -> Self {
        it.0
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// As [`parse`](Self::parse).
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Timestamp {
    /// Writes the stored text; before the year 0, RFC 3339 with a signed year of six digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stored() {
            Some(text) => f.pad(str::from_utf8(&text).map_err(|_| fmt::Error)?),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl Add<SignedDuration> for Timestamp {
    type Output = Self;

    fn add(self, duration: SignedDuration) -> Self {
        let end = if duration.is_negative() {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        };
        self.checked_add(duration).unwrap_or(end.into())
    }
}

impl Sub<SignedDuration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: SignedDuration) -> Self {
        let end = if duration.is_negative() {
            jiff::Timestamp::MAX
        } else {
            jiff::Timestamp::MIN
        };
        self.checked_sub(duration).unwrap_or(end.into())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self + SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        self - SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.stored();
        let text = text.as_ref().and_then(|it| str::from_utf8(it).ok());
        let text = text
            .ok_or_else(|| ser::Error::custom("a time before the year 0 has no text that sorts"))?;
        serializer.serialize_str(text)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimestampVisitor)
    }
}

struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an RFC 3339 time")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse::<jiff::Timestamp>()
            .map(Timestamp::from)
            .map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn text_has_fixed_width_and_utc() {
        let cases = [
            ("2025-01-31T12:00:00Z", "2025-01-31T12:00:00.000000Z"),
            ("2025-01-31T12:00:00.1Z", "2025-01-31T12:00:00.100000Z"),
            (
                "2025-01-31T12:00:00.123456789Z",
                "2025-01-31T12:00:00.123456Z",
            ),
            ("2025-01-31T23:30:00.5-02:00", "2025-02-01T01:30:00.500000Z"),
            (
                "1969-12-31T23:59:59.9999999Z",
                "1969-12-31T23:59:59.999999Z",
            ),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z"),
            (
                "9999-12-30T21:59:59.9999999Z",
                "9999-12-30T21:59:59.999999Z",
            ),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000000Z"),
        ];
        for (text, stored) in cases {
            let it = at(text);
            assert_eq!(it.to_string(), stored);
            let json = serde_json::to_string(&it).unwrap();
            assert_eq!(json, format!("\"{stored}\""));
            assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), it);
        }
        assert_eq!(
            format!("{:>30}", Timestamp::default()),
            "   1970-01-01T00:00:00.000000Z"
        );
    }

    #[test]
    fn text_order_is_time_order() {
        let micros = [
            -62_167_219_200_000_000,
            -62_000_000_000_000_001,
            -1_000_001,
            -1,
            0,
            1,
            999_999,
            1_000_000,
            1_700_000_000_000_000,
            253_402_207_200_999_999,
        ];
        let times = micros.map(|it| Timestamp::from_unix_micros(it).unwrap());
        assert!(times.is_sorted());
        assert!(times.map(|it| it.to_string()).is_sorted());
        assert_eq!(times.map(Timestamp::as_unix_micros), micros);
    }

    #[test]
    fn what_is_finer_is_cut_off_towards_the_past() {
        for (nanos, micros) in [
            (-1, -1),
            (-999, -1),
            (-1000, -1),
            (-1001, -2),
            (999, 0),
            (1000, 1),
        ] {
            let it = jiff::Timestamp::from_nanosecond(nanos).unwrap();
            assert_eq!(Timestamp::from(it).as_unix_micros(), micros, "{nanos}");
        }
        assert_eq!(
            jiff::Timestamp::from(Timestamp::from(jiff::Timestamp::MIN)),
            jiff::Timestamp::MIN
        );
        let now = Timestamp::now();
        assert_eq!(at(&now.to_string()), now);
    }

    #[test]
    fn before_the_year_0_there_is_no_stored_text() {
        let it = Timestamp::UNIX_EPOCH - Duration::from_secs(62_167_219_201);
        assert_eq!(it.to_string(), "-000001-12-31T23:59:59Z");
        assert!(
            serde_json::to_string(&it)
                .unwrap_err()
                .to_string()
                .contains("year 0")
        );
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        let last: Timestamp = jiff::Timestamp::MAX.into();
        let first: Timestamp = jiff::Timestamp::MIN.into();
        assert_eq!(Timestamp::UNIX_EPOCH + Duration::MAX, last);
        assert_eq!(Timestamp::UNIX_EPOCH - Duration::MAX, first);
        assert_eq!(Timestamp::UNIX_EPOCH + SignedDuration::MIN, first);
        assert_eq!(Timestamp::UNIX_EPOCH - SignedDuration::MIN, last);
        assert_eq!(last.checked_add(SignedDuration::from_secs(1)), None);
        let later = Timestamp::UNIX_EPOCH + Duration::from_millis(1500);
        assert_eq!(later.as_unix_micros(), 1_500_000);
        assert_eq!(
            later.duration_since(Timestamp::UNIX_EPOCH),
            SignedDuration::from_millis(1500)
        );
        assert_eq!(
            (Timestamp::UNIX_EPOCH - SignedDuration::from_nanos(1)).as_unix_micros(),
            -1
        );
    }

    #[test]
    fn what_is_no_rfc_3339_time_is_refused() {
        for text in [
            "",
            "now",
            "2025-01-31",
            "2025-01-31T12:00:00",
            "2025-02-30T00:00:00Z",
        ] {
            let error = text.parse::<Timestamp>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{text}");
        }
        assert!(serde_json::from_str::<Timestamp>("12").is_err());
    }
}
