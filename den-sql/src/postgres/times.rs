//! How PostgreSQL computes times: texts of one width, such as `2024-02-29T23:59:58.123456Z`.
//!
//! No function on the server's own times is used that depends on its settings.

use den_backend::TimeUnit;

use super::numbers::float;
use crate::writer::SqlWriter;

/// What follows a text that is to be a time: the date exists, years 0001 to 9999.
const IS_TIME: &str = " ~ '^(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])\
|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))\
|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)\
T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z$'";

/// Writes a time cut to the start of its unit; NULL for other text.
pub(super) fn truncate(sql: &mut SqlWriter, unit: TimeUnit, text: impl FnOnce(&mut SqlWriter)) {
    sql.push("(SELECT CASE WHEN t.v")
        .push(IS_TIME)
        .push(" THEN ");
    match unit {
        TimeUnit::Minute => {
            sql.push("left(t.v, 17) || '00.000000Z'");
        }
        TimeUnit::Hour => {
            sql.push("left(t.v, 14) || '00:00.000000Z'");
        }
        TimeUnit::Day => {
            sql.push("left(t.v, 11) || '00:00:00.000000Z'");
        }
        TimeUnit::Week => week(sql),
        TimeUnit::Month => {
            sql.push("left(t.v, 8) || '01T00:00:00.000000Z'");
        }
        TimeUnit::Year => {
            sql.push("left(t.v, 5) || '01-01T00:00:00.000000Z'");
        }
    }
    sql.push(" END FROM (SELECT ");
    text(sql);
    sql.push(" AS v OFFSET 0) AS t)");
}

/// Writes the seconds from the second time to the first.
pub(super) fn seconds_between(
    sql: &mut SqlWriter,
    later: impl FnOnce(&mut SqlWriter),
    earlier: impl FnOnce(&mut SqlWriter),
) {
    sql.push("(SELECT CASE WHEN t.a").push(IS_TIME);
    sql.push(" AND t.b").push(IS_TIME).push(" THEN ");
    float(sql, |sql| {
        sql.push("((");
        day(sql, "t.a");
        sql.push(" - ");
        day(sql, "t.b");
        sql.push(")::numeric * 86400");
        // Numbers of two digits, and seconds with all six digits behind the point: exact.
        for (from, length, seconds) in [(12, 2, " * 3600"), (15, 2, " * 60"), (18, 9, "")] {
            for (sign, time) in [(" + ", "t.a"), (" - ", "t.b")] {
                sql.push(sign);
                part(sql, time, from, length);
                sql.push("::numeric").push(seconds);
            }
        }
        // What is rounded is the sum.
        sql.push(")::float8");
    });
    sql.push(" END FROM (SELECT ");
    later(sql);
    sql.push(" AS a, ");
    earlier(sql);
    sql.push(" AS b OFFSET 0) AS t)");
}

/// Writes the Monday on or before the day of `t.v`. Year 1 began on one.
fn week(sql: &mut SqlWriter) {
    sql.push("(SELECT lpad(date_part('year', w.d)::integer::text, 4, '0') || '-'");
    sql.push(" || lpad(date_part('month', w.d)::integer::text, 2, '0') || '-'");
    sql.push(" || lpad(date_part('day', w.d)::integer::text, 2, '0') || 'T00:00:00.000000Z'");
    sql.push(" FROM (SELECT x.d - (x.d - make_date(1, 1, 1)) % 7 AS d FROM (SELECT ");
    day(sql, "t.v");
    sql.push(" AS d OFFSET 0) AS x OFFSET 0) AS w)");
}

/// Writes the day of a time as a date.
fn day(sql: &mut SqlWriter, time: &'static str) {
    sql.push("make_date(");
    for (i, (from, length)) in [(1, 4), (6, 2), (9, 2)].into_iter().enumerate() {
        if i > 0 {
            sql.push(", ");
        }
        part(sql, time, from, length);
        sql.push("::integer");
    }
    sql.push(")");
}

fn part(sql: &mut SqlWriter, time: &'static str, from: u32, length: u32) {
    sql.push("substr(").push(time).push(", ").small(from);
    sql.push(", ").small(length).push(")");
}
