//! Groups and aggregates of SQLite.

use den_backend::FieldKind;

use super::{
    Sqlite,
    compute::json,
    locator::{Read, read, typed},
};
use crate::{
    dialect::{Extreme, Groups},
    source::{Scalar, Source},
    writer::SqlWriter,
};

impl Groups for Sqlite {
    fn key(&self, sql: &mut SqlWriter, source: &Source<'_>, kind: FieldKind) {
        if let Some(scalar) = Scalar::of_kind(kind) {
            return typed(sql, source, scalar);
        }
        sql.push("nullif(den_key(");
        json(sql, source);
        sql.push("), 'null')");
    }

    fn key_element(&self, sql: &mut SqlWriter, number: usize, kind: FieldKind) {
        match kind {
            FieldKind::Text | FieldKind::Number => {
                sql.push("den_json(s.g").number(number).push(")");
            }
            FieldKind::Bool => {
                sql.push("CASE s.g").number(number);
                sql.push(" WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END");
            }
            FieldKind::Array | FieldKind::Object | FieldKind::Any => {
                sql.push("ifnull(s.g").number(number).push(", 'null')");
            }
        }
    }

    // Each value is looked at once.
    fn computed_once(&self, _sql: &mut SqlWriter) {}

    fn present(&self, sql: &mut SqlWriter, source: &Source<'_>) {
        match source {
            Source::Place(place) => {
                sql.push("nullif(");
                read(sql, Read::Type, place);
                sql.push(", 'null')");
            }
            Source::Len(_)
            | Source::Computed(_)
            | Source::Value(_)
            | Source::Count(_)
            | Source::Null => {
                sql.push("nullif(");
                json(sql, source);
                sql.push(", 'null')");
            }
        }
    }

    fn sum(&self, sql: &mut SqlWriter, number: usize) {
        sql.push("den_sum(s.a").number(number).push(")");
    }

    fn average(&self, sql: &mut SqlWriter, number: usize) {
        sql.push("den_avg(s.a").number(number).push(")");
    }

    fn extreme(&self, sql: &mut SqlWriter, extreme: Extreme, number: usize, scalar: Scalar) {
        match scalar {
            Scalar::Text | Scalar::Number => {
                sql.push("den_json(");
                start(sql, extreme, number);
                sql.push("))");
            }
            Scalar::Bool => {
                sql.push("CASE ");
                start(sql, extreme, number);
                sql.push(") WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END");
            }
        }
    }

    fn mixed_extreme(&self, sql: &mut SqlWriter, extreme: Extreme, number: usize) {
        let (first, last) = match extreme {
            Extreme::Min => ("n", "b"),
            Extreme::Max => ("b", "n"),
        };
        sql.push("CASE");
        for column in [first, "t", last] {
            sql.push(" WHEN ");
            start(sql, extreme, number);
            sql.push(column).push(") IS NOT NULL THEN ");
            if column == "b" {
                sql.push("CASE ");
                start(sql, extreme, number);
                sql.push("b) WHEN 1 THEN 'true' ELSE 'false' END");
            } else {
                sql.push("den_json(");
                start(sql, extreme, number);
                sql.push(column).push("))");
            }
        }
        sql.push(" ELSE 'null' END");
    }
}

/// Writes the start of the aggregate, up to its column.
fn start(sql: &mut SqlWriter, extreme: Extreme, number: usize) {
    sql.push(match extreme {
        Extreme::Min => "min(s.a",
        Extreme::Max => "max(s.a",
    });
    sql.number(number);
}
