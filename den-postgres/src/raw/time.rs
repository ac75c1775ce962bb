//! PostgreSQL's times, as text.

use std::fmt::Write as _;

/// From 0000-03-01, with which the days of the leap cycle begin, to 2000-01-01, where PostgreSQL counts
/// from.
const DAYS_TO_2000: i64 = 730_425;

/// Days of 400 years, after which the calendar repeats.
const CYCLE: i64 = 146_097;

const DAY: i64 = 86_400_000_000;

/// The date so many days after 2000-01-01, in the Gregorian calendar.
pub(crate) fn date(days: i32) -> String {
    match days {
        i32::MAX => return "infinity".to_owned(),
        i32::MIN => return "-infinity".to_owned(),
        _ => {}
    }
    let mut text = String::with_capacity(10);
    push_date(&mut text, i64::from(days));
    text
}

/// The time of day so many microseconds after midnight.
pub(super) fn time_of_day(micros: i64) -> String {
    let mut text = String::with_capacity(15);
    push_time(&mut text, micros);
    text
}

/// The moment so many microseconds after 2000-01-01T00:00, written as den writes times: fixed in width,
/// with `zone` at the end.
pub(super) fn moment(micros: i64, zone: &'static str) -> String {
    match micros {
        i64::MAX => return "infinity".to_owned(),
        i64::MIN => return "-infinity".to_owned(),
        _ => {}
    }
    let mut text = String::with_capacity(27);
    push_date(&mut text, micros.div_euclid(DAY));
    text.push('T');
    push_time(&mut text, micros.rem_euclid(DAY));
    text.push_str(zone);
    text
}

/// Counted from March, leap days are the last of their year, and all months before them have the lengths
/// of a straight line.
fn push_date(text: &mut String, days_since_2000: i64) {
    let days = days_since_2000 + DAYS_TO_2000;
    let (cycle, day) = (days.div_euclid(CYCLE), days.rem_euclid(CYCLE));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + 400 * cycle + i64::from(month <= 2);
    // Writing into a `String` has no way to fail.
    let _ = write!(text, "{year:04}-{month:02}-{day_of_month:02}");
}

fn push_time(text: &mut String, micros: i64) {
    let seconds = micros / 1_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let (seconds, fraction) = (seconds % 60, micros % 1_000_000);
    let _ = write!(text, "{hours:02}:{minutes:02}:{seconds:02}.{fraction:06}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (days, text) in [
            (0, "2000-01-01"),
            (-1, "1999-12-31"),
            (59, "2000-02-29"),
            (60, "2000-03-01"),
            (366, "2001-01-01"),
            (-10_957, "1970-01-01"),
            (9_628, "2026-05-12"),
            (36_524, "2099-12-31"),
            (36_583, "2100-02-28"),
            (36_584, "2100-03-01"),
            (2_921_939, "9999-12-31"),
            (2_921_940, "10000-01-01"),
            (-730_425, "0000-03-01"),
            (-730_485, "0000-01-01"),
            (i32::MAX, "infinity"),
        ] {
            assert_eq!(date(days), text, "{days}");
        }
    }

    #[test]
    fn moments_are_fixed_in_width() {
        assert_eq!(moment(0, "Z"), "2000-01-01T00:00:00.000000Z");
        assert_eq!(moment(-1, "Z"), "1999-12-31T23:59:59.999999Z");
        assert_eq!(
            moment(DAY + 3_723_000_004, ""),
            "2000-01-02T01:02:03.000004"
        );
        assert_eq!(moment(i64::MIN, "Z"), "-infinity");
        assert_eq!(time_of_day(DAY - 1), "23:59:59.999999");
    }
}
