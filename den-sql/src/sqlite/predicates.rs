//! Predicates and sort keys of SQLite.

use den_backend::{CompareOp, FieldKind, JsonType, Pattern, TextOp, Value};

use super::{
    Sqlite,
    compute::{computed, json},
    locator::{Read, bind, each, guarded, id, named_column, read, typed},
    sets,
};
use crate::{
    computed::{Computed, Mode},
    dialect::{Predicates, Quantifier, TextTest},
    source::{Place, Scalar, Source},
    spelling::{Either, compare_typed, operator, prefix_range},
    statement::Param,
    writer::SqlWriter,
};

impl Predicates for Sqlite {
    fn typed(&self, sql: &mut SqlWriter, source: &Source<'_>, scalar: Scalar) {
        typed(sql, source, scalar);
    }

    fn compare(&self, sql: &mut SqlWriter, op: CompareOp, source: &Source<'_>, value: &Value) {
        let Some(scalar) = Scalar::of(value) else {
            return container_equals(sql, source, value);
        };
        if let Source::Place(place) = source
            && place.column(scalar.kind()).is_none()
            && let Some(column) = place.column(FieldKind::Any)
        {
            return compare_mixed(sql, op, place, column, value);
        }
        typed(sql, source, scalar);
        sql.push(operator(op));
        bind(sql, value);
    }

    fn compare_sources(
        &self,
        sql: &mut SqlWriter,
        op: CompareOp,
        left: &Source<'_>,
        right: &Source<'_>,
    ) {
        let are_read = matches!((left, right), (Source::Place(_), Source::Place(_)));
        if op == CompareOp::Eq && !are_read && is_any(left) && is_any(right) {
            return values_equal(sql, left, right);
        }
        let mut either = Either::default();
        compare_typed(self, sql, &mut either, op, [left, right]);
        if let (CompareOp::Eq, Source::Place(left), Source::Place(right)) = (op, left, right) {
            either.next(sql);
            sql.push("(");
            read(sql, Read::Type, left);
            sql.push(" IN ('array', 'object') AND den_json_eq(");
            read(sql, Read::Json, left);
            sql.push(", ");
            read(sql, Read::Json, right);
            sql.push("))");
        }
        either.end(sql);
    }

    fn is_in(&self, sql: &mut SqlWriter, source: &Source<'_>, values: &[Value]) {
        sets::is_in(sql, source, values);
    }

    fn is_null(&self, sql: &mut SqlWriter, source: &Source<'_>) {
        let place = match source {
            Source::Place(place) => place,
            Source::Computed(_) => {
                json(sql, source);
                sql.push(" = 'null'");
                return;
            }
            Source::Len(_) | Source::Value(_) | Source::Count(_) | Source::Null => {
                sql.push("(");
                typed(sql, source, Scalar::Number);
                sql.push(") IS NULL");
                return;
            }
        };
        // The column is null wherever the field is, so that its index narrows the search.
        let column = place
            .indexed_scalar()
            .and_then(|it| place.column(it.kind()));
        if let Some(column) = column {
            sql.push("(");
            named_column(sql, place.scope, column);
            sql.push(" IS NULL AND ");
        }
        sql.push("ifnull(");
        read(sql, Read::Type, place);
        sql.push(", 'null') = 'null'");
        if column.is_some() {
            sql.push(")");
        }
    }

    fn exists(&self, sql: &mut SqlWriter, place: &Place<'_>) {
        read(sql, Read::Type, place);
        sql.push(" IS NOT NULL");
    }

    fn text(&self, sql: &mut SqlWriter, source: &Source<'_>, test: TextTest<'_>) {
        if test.needle.is_empty() && test.op != TextOp::Equals {
            sql.push("(");
            typed(sql, source, Scalar::Text);
            sql.push(") IS NOT NULL");
            return;
        }
        if test.is_range() && source.is_indexed(Scalar::Text) {
            return prefix_range(self, sql, source, test.needle);
        }
        // SQLite's own `lower` folds ASCII only, as asked for. `LIKE` is no help: it folds always.
        let haystack = |sql: &mut SqlWriter| {
            if test.ignore_case {
                sql.push("lower(");
            }
            typed(sql, source, Scalar::Text);
            if test.ignore_case {
                sql.push(")");
            }
        };
        let needle = sql.add(Param::Text(test.folded_needle()));
        match test.op {
            TextOp::Equals => {
                haystack(sql);
                sql.push(" = ").slot(needle);
            }
            TextOp::StartsWith => {
                sql.push("substr(");
                haystack(sql);
                sql.push(", 1, length(").slot(needle);
                sql.push(")) = ").slot(needle);
            }
            TextOp::EndsWith => {
                sql.push("substr(");
                haystack(sql);
                sql.push(", -length(").slot(needle);
                sql.push(")) = ").slot(needle);
            }
            TextOp::Contains => {
                sql.push("instr(");
                haystack(sql);
                sql.push(", ").slot(needle).push(") > 0");
            }
        }
    }

    fn matches(&self, sql: &mut SqlWriter, source: &Source<'_>, pattern: &Pattern) {
        sql.push("den_regexp(");
        sql.bind(Param::Text(pattern.as_str().to_owned()));
        sql.push(", ");
        typed(sql, source, Scalar::Text);
        sql.push(")");
    }

    fn contains(&self, sql: &mut SqlWriter, array: &Place<'_>, value: &Value) {
        sql.push("(");
        if let Some(index) = array.members() {
            id(sql, array.scope);
            sql.push(" IN (SELECT m.id FROM ");
            super::definitions::members_table(sql, index);
            sql.push(" AS m WHERE m.kind = ");
            member_kind(sql, value);
            sql.push(" AND m.value = ");
            match value {
                Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
                    bind(sql, value);
                    sql.push("))");
                    return;
                }
                Value::Null => {
                    sql.push("0))");
                    return;
                }
                // The table says which arrays have arrays or objects as elements, the array which.
                Value::Array(_) | Value::Object(_) => sql.push("0) AND "),
            };
        }
        read(sql, Read::Type, array);
        sql.push(" = 'array' AND EXISTS (SELECT 1 FROM ");
        each(sql, array);
        sql.push(" AS m WHERE m.type ");
        match value {
            Value::Null => sql.push("= 'null'"),
            Value::Bool(true) => sql.push("= 'true'"),
            Value::Bool(false) => sql.push("= 'false'"),
            Value::Int(_) | Value::Float(_) => sql.push("IN ('integer', 'real') AND m.value = "),
            Value::Text(_) => sql.push("= 'text' AND m.value = "),
            Value::Array(_) => sql.push("= 'array' AND den_json_eq(m.value, "),
            Value::Object(_) => sql.push("= 'object' AND den_json_eq(m.value, "),
        };
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Int(_) | Value::Float(_) | Value::Text(_) => bind(sql, value),
            Value::Array(_) | Value::Object(_) => {
                bind(sql, value);
                sql.push(")");
            }
        }
        sql.push("))");
    }

    fn is_empty(&self, sql: &mut SqlWriter, array: &Place<'_>) {
        sql.push("(ifnull(");
        read(sql, Read::Type, array);
        sql.push(", 'null') = 'null' OR ");
        typed(sql, &Source::Len(*array), Scalar::Number);
        sql.push(" = 0)");
    }

    fn elements(
        &self,
        sql: &mut SqlWriter,
        quantifier: Quantifier,
        array: &Source<'_>,
        level: usize,
    ) {
        sql.push("(");
        if let Source::Place(place) = array {
            read(sql, Read::Type, place);
            sql.push(" = 'array' AND ");
        }
        sql.push(match quantifier {
            Quantifier::Any => "EXISTS (SELECT 1 FROM ",
            Quantifier::All => "NOT EXISTS (SELECT 1 FROM ",
        });
        match array {
            Source::Place(place) => each(sql, place),
            Source::Value(value) => {
                sql.push("json_each(");
                bind(sql, value);
                sql.push(")");
            }
            Source::Computed(_) | Source::Len(_) | Source::Count(_) | Source::Null => {
                sql.push("json_each(NULL)");
            }
        }
        sql.push(" AS e").number(level).push(" WHERE ");
    }

    fn text_members(&self, sql: &mut SqlWriter, array: &Place<'_>) -> bool {
        let Some(index) = array.members() else {
            return false;
        };
        id(sql, array.scope);
        sql.push(" IN (SELECT m.id FROM ");
        super::definitions::members_table(sql, index);
        sql.push(" AS m WHERE m.kind = 'text' AND m.value");
        true
    }

    fn has_key(&self, sql: &mut SqlWriter, object: &Place<'_>, key: &str) {
        sql.push("(");
        read(sql, Read::Type, object);
        sql.push(" = 'object' AND EXISTS (SELECT 1 FROM ");
        each(sql, object);
        sql.push(" AS m WHERE m.key = ");
        sql.bind(Param::Text(key.to_owned())).push("))");
    }

    fn computed(&self, sql: &mut SqlWriter, it: &Computed<'_>, mode: Mode) {
        computed(sql, it, mode);
    }

    fn is_of_types(&self, sql: &mut SqlWriter, place: &Place<'_>, types: &[JsonType]) {
        sql.push("(ifnull(");
        read(sql, Read::Type, place);
        sql.push(", 'null') IN ('null'");
        let mut needs_whole_reals = false;
        for it in types {
            sql.push(match it {
                JsonType::String => ", 'text'",
                JsonType::Integer => {
                    needs_whole_reals = !types.contains(&JsonType::Number);
                    ", 'integer'"
                }
                JsonType::Number => ", 'integer', 'real'",
                JsonType::Bool => ", 'true', 'false'",
                JsonType::Array => ", 'array'",
                JsonType::Object => ", 'object'",
            });
        }
        sql.push(")");
        if needs_whole_reals {
            sql.push(" OR ifnull(");
            guarded(sql, place, Scalar::Number);
            sql.push(" = round(");
            guarded(sql, place, Scalar::Number);
            sql.push("), 0)");
        }
        sql.push(")");
    }

    fn json(&self, sql: &mut SqlWriter, source: &Source<'_>) {
        json(sql, source);
    }

    fn rank(&self, sql: &mut SqlWriter, source: &Source<'_>, null_rank: &'static str) {
        if let Source::Place(place) = source {
            sql.push("CASE ifnull(");
            read(sql, Read::Type, place);
            sql.push(", 'null')");
        } else {
            sql.push("CASE json_type(");
            json(sql, source);
            sql.push(")");
        }
        sql.push(" WHEN 'null' THEN ").push(null_rank);
        sql.push(" WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2");
        sql.push(" WHEN 'true' THEN 3 WHEN 'false' THEN 3 WHEN 'array' THEN 4 ELSE 5 END");
    }

    fn selected_key(&self, sql: &mut SqlWriter, number: usize, _scalar: Option<Scalar>) {
        sql.push("d.k").number(number);
    }
}

/// Compares a column that holds values of all types as they are. SQLite orders numbers before text
/// before blobs (as which bools are kept), so a range needs its other end at the next type.
fn compare_mixed(
    sql: &mut SqlWriter,
    op: CompareOp,
    place: &Place<'_>,
    column: &str,
    value: &Value,
) {
    sql.push("(");
    named_column(sql, place.scope, column);
    sql.push(operator(op));
    match value {
        Value::Bool(it) => {
            sql.push(if *it { "x'01'" } else { "x'00'" });
        }
        Value::Null
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Array(_)
        | Value::Object(_) => bind(sql, value),
    }
    let other_end = match (op, Scalar::of(value)) {
        (CompareOp::Lt | CompareOp::Le, Some(Scalar::Text)) => Some(" >= ''"),
        (CompareOp::Gt | CompareOp::Ge, Some(Scalar::Text)) => Some(" < x''"),
        (CompareOp::Gt | CompareOp::Ge, Some(Scalar::Number)) => Some(" < ''"),
        (CompareOp::Lt | CompareOp::Le, Some(Scalar::Bool)) => Some(" >= x'00'"),
        (CompareOp::Gt | CompareOp::Ge, Some(Scalar::Bool)) => Some(" <= x'01'"),
        (CompareOp::Eq, _) | (CompareOp::Lt | CompareOp::Le, Some(Scalar::Number)) | (_, None) => {
            None
        }
    };
    if let Some(other_end) = other_end {
        sql.push(" AND ");
        named_column(sql, place.scope, column);
        sql.push(other_end);
    }
    sql.push(")");
}

/// Whether an operand may be an array or object.
fn is_any(source: &Source<'_>) -> bool {
    match source {
        Source::Place(_) => true,
        Source::Computed(it) => match it.certain_kind() {
            FieldKind::Text | FieldKind::Number | FieldKind::Bool => false,
            FieldKind::Array | FieldKind::Object | FieldKind::Any => true,
        },
        Source::Len(_) | Source::Value(_) | Source::Count(_) | Source::Null => false,
    }
}

/// Writes that two operands of any type are equal, and not null.
fn values_equal(sql: &mut SqlWriter, left: &Source<'_>, right: &Source<'_>) {
    sql.push("(SELECT v.a <> 'null' AND den_json_eq(v.a, v.b) FROM (SELECT ");
    json(sql, left);
    sql.push(" AS a, ");
    json(sql, right);
    sql.push(" AS b) AS v)");
}

fn container_equals(sql: &mut SqlWriter, source: &Source<'_>, value: &Value) {
    let Source::Place(place) = source else {
        // Only an array equals an array, whatever the operand may be.
        sql.push("den_json_eq(");
        json(sql, source);
        sql.push(", ");
        bind(sql, value);
        sql.push(")");
        return;
    };
    sql.push("(");
    read(sql, Read::Type, place);
    sql.push(match value {
        Value::Object(_) => " = 'object' AND den_json_eq(",
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Array(_) => " = 'array' AND den_json_eq(",
    });
    read(sql, Read::Json, place);
    sql.push(", ");
    bind(sql, value);
    sql.push("))");
}

/// The kind under which a members table keeps an element.
fn member_kind(sql: &mut SqlWriter, value: &Value) {
    sql.push(match value {
        Value::Null => "'null'",
        Value::Bool(_) => "'bool'",
        Value::Int(_) | Value::Float(_) => "'number'",
        Value::Text(_) => "'text'",
        Value::Array(_) => "'array'",
        Value::Object(_) => "'object'",
    });
}
