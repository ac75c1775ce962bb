//! Groups and aggregates of PostgreSQL.

use den_backend::FieldKind;

use super::{
    Postgres,
    compute::{fixed_type, json_of},
    locator::typed,
    numbers::float,
};
use crate::{
    dialect::{Extreme, Groups},
    source::{Scalar, Source},
    writer::SqlWriter,
};

impl Groups for Postgres {
    // `jsonb` compares numbers by value, and arrays and objects by content.
    fn key(&self, sql: &mut SqlWriter, source: &Source<'_>, kind: FieldKind) {
        match Scalar::of_kind(kind) {
            Some(scalar) => typed(sql, source, scalar),
            None => not_null(sql, source),
        }
    }

    fn key_element(&self, sql: &mut SqlWriter, number: usize, _kind: FieldKind) {
        sql.push("s.g").number(number);
    }

    fn computed_once(&self, sql: &mut SqlWriter) {
        sql.push("\nOFFSET 0");
    }

    fn present(&self, sql: &mut SqlWriter, source: &Source<'_>) {
        match fixed_type(source) {
            Some(scalar) => typed(sql, source, scalar),
            None => not_null(sql, source),
        }
    }

    fn sum(&self, sql: &mut SqlWriter, number: usize) {
        // A sum has as many digits after the point as its most exact summand.
        sql.push("CASE WHEN sum(").operand(number);
        sql.push(") IS NULL THEN 0 WHEN scale(sum(").operand(number);
        sql.push(")) = 0 AND min(").operand(number);
        sql.push(") >= -9223372036854775808 AND max(")
            .operand(number);
        sql.push(") <= 9223372036854775807 THEN sum(");
        sql.operand(number).push(")::bigint::numeric ELSE ");
        float(sql, |sql| {
            sql.push("sum(").operand(number).push(")::float8");
        });
        sql.push(" END");
    }

    fn average(&self, sql: &mut SqlWriter, number: usize) {
        // The server refuses a quotient that is too small for a double; here that is zero.
        float(sql, |sql| {
            sql.push("CASE WHEN abs(sum(").operand(number);
            sql.push(")::float8) < 1e-300 AND abs(sum(").operand(number);
            sql.push(")::float8) / 5e-324 * 2 <= count(")
                .operand(number);
            sql.push(") THEN 0 ELSE sum(").operand(number);
            sql.push(")::float8 / count(").operand(number).push(") END");
        });
    }

    fn extreme(&self, sql: &mut SqlWriter, extreme: Extreme, number: usize, scalar: Scalar) {
        sql.push(aggregate(extreme, scalar));
        sql.operand(number).push(")");
    }

    fn mixed_extreme(&self, sql: &mut SqlWriter, extreme: Extreme, number: usize) {
        let mut order = Scalar::ALL;
        match extreme {
            Extreme::Min => {}
            Extreme::Max => order.reverse(),
        }
        sql.push("coalesce(");
        for (i, scalar) in order.into_iter().enumerate() {
            sql.push(if i > 0 { ", to_jsonb(" } else { "to_jsonb(" });
            sql.push(aggregate(extreme, scalar)).operand(number);
            sql.push(match scalar {
                Scalar::Number => "n))",
                Scalar::Text => "t))",
                Scalar::Bool => "b))",
            });
        }
        sql.push(")");
    }
}

fn aggregate(extreme: Extreme, scalar: Scalar) -> &'static str {
    match (extreme, scalar) {
        (Extreme::Min, Scalar::Number | Scalar::Text) => "min(",
        (Extreme::Max, Scalar::Number | Scalar::Text) => "max(",
        (Extreme::Min, Scalar::Bool) => "bool_and(",
        (Extreme::Max, Scalar::Bool) => "bool_or(",
    }
}

fn not_null(sql: &mut SqlWriter, source: &Source<'_>) {
    sql.push("nullif(");
    json_of(sql, source);
    sql.push(", 'null'::jsonb)");
}

trait Operand {
    /// Writes the value that an aggregate looks at.
    fn operand(&mut self, number: usize) -> &mut Self;
}

impl Operand for SqlWriter {
    fn operand(&mut self, number: usize) -> &mut Self {
        self.push("s.a").number(number)
    }
}
