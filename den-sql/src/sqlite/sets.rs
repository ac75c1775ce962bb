//! Sets of values in SQLite.

use den_backend::Value;

use super::compute::json;
use super::locator::{Read, read, typed};
use crate::{
    source::{Scalar, Source, Split},
    spelling::Either,
    statement::Param,
    writer::SqlWriter,
};

/// Longer lists are bound as one JSON array; shorter ones are padded to a power of two, so that
/// statement caches see few texts.
const LONGEST_LIST: usize = 256;

/// SQLite binds at most 32 766 values; from here on lists are bound as JSON whatever their length.
const MANY_BOUND: usize = 16_000;

/// Writes that the operand equals one of the values.
pub(super) fn is_in(sql: &mut SqlWriter, source: &Source<'_>, values: &[Value]) {
    let split = Split::of(values);
    let mut either = Either::default();
    if !split.texts.is_empty() {
        either.next(sql);
        typed(sql, source, Scalar::Text);
        let values = split.texts.iter().map(|it| (*it).to_owned());
        text_list(sql, values.collect());
    }
    if !split.numbers.is_empty() {
        either.next(sql);
        typed(sql, source, Scalar::Number);
        number_list(sql, &split.numbers);
    }
    for it in &split.bools {
        either.next(sql);
        typed(sql, source, Scalar::Bool);
        sql.push(" = ").bind(Param::Bool(*it));
    }
    if !split.containers.is_empty() {
        either.next(sql);
        container_in(sql, source, &split.containers);
    }
    either.end(sql);
}

fn container_in(sql: &mut SqlWriter, source: &Source<'_>, values: &[&Value]) {
    sql.push("(");
    if let Source::Place(place) = source {
        read(sql, Read::Type, place);
        sql.push(" IN ('array', 'object') AND ");
    }
    sql.push("EXISTS (SELECT 1 FROM json_each(");
    sql.bind(Param::Json(json_array(values)));
    sql.push(") AS m WHERE den_json_eq(");
    match source {
        Source::Place(place) => read(sql, Read::Json, place),
        Source::Computed(_)
        | Source::Len(_)
        | Source::Value(_)
        | Source::Count(_)
        | Source::Null => json(sql, source),
    }
    sql.push(", m.value)))");
}

fn text_list(sql: &mut SqlWriter, values: Vec<String>) {
    if is_long(sql, values.len()) {
        let array = Value::Array(values.into_iter().map(Value::Text).collect());
        sql.push(" IN (SELECT m.value FROM json_each(");
        sql.bind(Param::Json(array.to_string())).push(") AS m)");
        return;
    }
    list(sql, values.into_iter().map(Param::Text).collect());
}

fn number_list(sql: &mut SqlWriter, values: &[&Value]) {
    if is_long(sql, values.len()) {
        sql.push(" IN (SELECT m.value FROM json_each(");
        sql.bind(Param::Json(json_array(values))).push(") AS m)");
        return;
    }
    let params = values.iter().map(|it| match it {
        Value::Int(it) => Param::Int(*it),
        Value::Float(it) => Param::Float(*it),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::Array(_) | Value::Object(_) => {
            Param::Json(it.to_string())
        }
    });
    list(sql, params.collect());
}

fn is_long(sql: &SqlWriter, len: usize) -> bool {
    // A definition has no sub-selects, and binds nothing.
    !sql.writes_values() && (len > LONGEST_LIST || sql.bound() > MANY_BOUND)
}

/// Writes ` IN (?, ..)`, the last value repeated up to a power of two; one value is ` = ?`.
fn list(sql: &mut SqlWriter, mut values: Vec<Param>) {
    let Some(last) = values.last().cloned() else {
        sql.push(" IN ()");
        return;
    };
    if values.len() == 1 {
        sql.push(" = ").bind(last);
        return;
    }
    values.resize(values.len().next_power_of_two(), last);
    sql.push(" IN (");
    for (i, value) in values.into_iter().enumerate() {
        if i > 0 {
            sql.push(", ");
        }
        sql.bind(value);
    }
    sql.push(")");
}

fn json_array(values: &[&Value]) -> String {
    Value::Array(values.iter().map(|it| (*it).clone()).collect()).to_string()
}
