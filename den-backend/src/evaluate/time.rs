//! Times in den's own form: `2024-02-29T23:59:58.123456Z`.
//!
//! The calendar is the proleptic Gregorian one. Days are counted as Howard Hinnant does in
//! "chrono-Compatible Low-Level Date Algorithms" (`days_from_civil`, `civil_from_days`).

use std::fmt;

use crate::TimeUnit;

/// The form of a time, `0` standing for a digit.
const FORM: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";

const DAY: i64 = 86_400_000_000;

/// A time: microseconds since 1970, within the years 0001 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(i64);

impl Moment {
    /// Reads a time; none if the text is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let fits = bytes.len() == FORM.len()
            && bytes.iter().zip(FORM).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            });
        if !fits {
            return None;
        }
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let exists = year >= 1
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let seconds = (hour * 60 + minute) * 60 + second;
        exists.then_some(Self(
            days(year, month, day) * DAY + seconds * 1_000_000 + number(20, 26)?,
        ))
    }

    /// The start of its unit.
    pub(super) fn truncated(self, unit: TimeUnit) -> Self {
        let day = self.0.div_euclid(DAY);
        let (year, month, _) = date(day);
        let to = |length: i64| self.0 - self.0.rem_euclid(length);
        Self(match unit {
            TimeUnit::Minute => to(60_000_000),
            TimeUnit::Hour => to(3_600_000_000),
            TimeUnit::Day => to(DAY),
            // 1970 began on a Thursday, and year 1 on a Monday.
            TimeUnit::Week => (day - (day + 3).rem_euclid(7)) * DAY,
            TimeUnit::Month => days(year, month, 1) * DAY,
            TimeUnit::Year => days(year, 1, 1) * DAY,
        })
    }

    /// The seconds from another time to this one, rounded to the nearest double once.
    pub(super) fn seconds_since(self, other: Self) -> f64 {
        // Two times within ten thousand years are no further apart than `i64` reaches.
        let micros = self.0 - other.0;
        // The text of an integer and an exponent is a float.
        format!("{micros}e-6").parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0.div_euclid(DAY));
        let micros = self.0.rem_euclid(DAY);
        let seconds = micros / 1_000_000;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z",
            micros % 1_000_000
        )
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The days from 1970-01-01 to a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that a leap day is the last of one.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The year, month and day so many days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_comes_back() {
        let first = days(1, 1, 1);
        assert_eq!(date(first), (1, 1, 1));
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
        let last = days(9999, 12, 31);
        let mut before = (0, 12, 31);
        for day in first..=last {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
            let (y, m, d) = before;
            let next = match (m, d) {
                (12, 31) => (y + 1, 1, 1),
                (m, d) if d == days_in(y, m) => (y, m + 1, 1),
                (m, d) => (y, m, d + 1),
            };
            assert_eq!((year, month, of_month), next);
            before = next;
        }
        assert_eq!(before, (9999, 12, 31));
    }

    #[test]
    fn only_dens_own_form_of_an_existing_time_is_a_time() {
        for good in [
            "0001-01-01T00:00:00.000000Z",
            "2000-02-29T23:59:59.999999Z",
            "9999-12-31T23:59:59.999999Z",
        ] {
            assert_eq!(Moment::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "0000-01-01T00:00:00.000000Z",
            "1900-02-29T00:00:00.000000Z",
            "2024-00-01T00:00:00.000000Z",
            "2024-13-01T00:00:00.000000Z",
            "2024-04-31T00:00:00.000000Z",
            "2024-01-00T00:00:00.000000Z",
            "2024-01-01T24:00:00.000000Z",
            "2024-01-01T00:60:00.000000Z",
            "2024-01-01T00:00:60.000000Z",
            "2024-01-01T00:00:00.00000Z",
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00.000000z",
            "2024-01-01 00:00:00.000000Z",
            "2024-01-01T00:00:00.000000+",
            "+024-01-01T00:00:00.000000Z",
            "2024-01-01T00:00:00.000000Z ",
            "٢٠٢٤-01-01T00:00:00.000000Z",
        ] {
            assert_eq!(Moment::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        for (time, monday) in [
            ("0001-01-01T05:00:00.000000Z", "0001-01-01T00:00:00.000000Z"),
            ("1970-01-01T00:00:00.000000Z", "1969-12-29T00:00:00.000000Z"),
            ("2024-01-07T23:59:59.999999Z", "2024-01-01T00:00:00.000000Z"),
            ("2024-01-08T00:00:00.000000Z", "2024-01-08T00:00:00.000000Z"),
            ("2000-01-01T00:00:00.000001Z", "1999-12-27T00:00:00.000000Z"),
        ] {
            let moment = Moment::parse(time).unwrap();
            assert_eq!(moment.truncated(TimeUnit::Week).to_string(), monday);
        }
    }
}
