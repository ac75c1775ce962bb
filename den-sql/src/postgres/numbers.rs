//! How PostgreSQL computes numbers.
//!
//! A number is `numeric`, which is exact. It is an integer if it has no digits after the point and
//! fits `bigint`; a float keeps at least one, so that it stays a float although it is whole.

use den_backend::ArithmeticOp;

use crate::writer::SqlWriter;

/// Writes arithmetic on two numbers; NULL if one is NULL. Integers are added exactly or fail, all
/// else is computed in doubles.
pub(super) fn arithmetic(
    sql: &mut SqlWriter,
    op: ArithmeticOp,
    left: impl FnOnce(&mut SqlWriter),
    right: impl FnOnce(&mut SqlWriter),
) {
    sql.push("(SELECT ");
    let operator = match op {
        ArithmeticOp::Add => Some(" + "),
        ArithmeticOp::Sub => Some(" - "),
        ArithmeticOp::Mul => Some(" * "),
        ArithmeticOp::Div => None,
    };
    match operator {
        Some(operator) => {
            sql.push("CASE WHEN ");
            is_integer(sql, "n.a");
            sql.push(" AND ");
            is_integer(sql, "n.b");
            sql.push(" THEN (n.a").push(operator);
            sql.push("n.b)::bigint::numeric ELSE ");
            float(sql, |sql| {
                sql.push("n.a::float8").push(operator).push("n.b::float8");
            });
            sql.push(" END");
        }
        None => float(sql, |sql| {
            sql.push("n.a::float8 / nullif(n.b::float8, 0::float8)");
        }),
    }
    sql.push(" FROM (SELECT ");
    left(sql);
    sql.push(" AS a, ");
    right(sql);
    sql.push(" AS b OFFSET 0) AS n)");
}

/// Writes the absolute value of a number.
pub(super) fn abs(sql: &mut SqlWriter, number: impl FnOnce(&mut SqlWriter)) {
    // The smallest integer has none.
    sql.push("(SELECT CASE WHEN n.a = -9223372036854775808 AND scale(n.a) = 0");
    sql.push(" THEN abs(n.a::bigint)::numeric ELSE abs(n.a) END FROM (SELECT ");
    number(sql);
    sql.push(" AS a OFFSET 0) AS n)");
}

/// Writes a number rounded to so many digits after the point, half away from zero.
pub(super) fn round(sql: &mut SqlWriter, digits: u8, number: impl FnOnce(&mut SqlWriter)) {
    sql.push("(SELECT CASE WHEN ");
    is_integer(sql, "n.a");
    sql.push(" THEN n.a ELSE ");
    float(sql, |sql| {
        sql.push("round(n.a, ").small(u32::from(digits));
        sql.push(")::float8");
    });
    sql.push(" END FROM (SELECT ");
    number(sql);
    sql.push(" AS a OFFSET 0) AS n)");
}

/// Writes a double as the number that den writes for it: its shortest digits, and all of them where
/// integers live ([`float_text`](den_backend::value::float_text)).
pub(super) fn float(sql: &mut SqlWriter, double: impl FnOnce(&mut SqlWriter)) {
    // From 2^53 on a double is even, so that half of it is exact, and up to 2^63 a `bigint`.
    sql.push("(SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808");
    sql.push(" THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END");
    sql.push(" FROM (SELECT ");
    double(sql);
    sql.push(" AS v OFFSET 0) AS f)");
}

/// Writes that a number is an integer.
pub(super) fn is_integer(sql: &mut SqlWriter, number: &'static str) {
    sql.push("scale(")
        .push(number)
        .push(") = 0 AND ")
        .push(number);
    sql.push(" BETWEEN -9223372036854775808 AND 9223372036854775807");
}
