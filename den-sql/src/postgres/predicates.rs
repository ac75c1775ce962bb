//! Predicates and sort keys of PostgreSQL.

use den_backend::{CompareOp, FieldKind, JsonType, Pattern, TextOp, Value};

use super::{
    Postgres,
    compute::{compare_any, fixed_type, json_of, never, rank, scalar},
    locator::{
        bind, elements, generated, guarded, json, json_argument, named_column, number_text,
        type_of, typed,
    },
    native::compare_native,
};
use crate::{
    computed::{Computed, Mode},
    dialect::{Predicates, Quantifier, TextTest},
    source::{Place, Scalar, Source, Split},
    spelling::{Either, compare_typed, operator, prefix_range},
    statement::Param,
    writer::SqlWriter,
};

impl Predicates for Postgres {
    fn typed(&self, sql: &mut SqlWriter, source: &Source<'_>, scalar: Scalar) {
        typed(sql, source, scalar);
    }

    fn compare(&self, sql: &mut SqlWriter, op: CompareOp, source: &Source<'_>, value: &Value) {
        let scalar = Scalar::of(value);
        match (source, scalar) {
            // Equality of `jsonb` is typed and exact as it is, and cheaper than the guard; an
            // index, though, is over the typed value.
            (Source::Place(place), _)
                if op == CompareOp::Eq
                    && !place.is_id()
                    && !scalar.is_some_and(|it| place.is_indexed(it)) =>
            {
                mixed(sql, place);
                sql.push(" = ").bind(Param::Json(value.to_string()));
            }
            (_, Some(scalar)) => {
                typed(sql, source, scalar);
                sql.push(operator(op));
                bind(sql, value);
            }
            // Only what may be anything can be an array or object.
            (Source::Computed(_), None) if fixed_type(source).is_none() => {
                json_of(sql, source);
                sql.push(" = ").bind(Param::Json(value.to_string()));
            }
            (_, None) => never(sql, [source, &Source::Null]),
        }
    }

    fn compare_sources(
        &self,
        sql: &mut SqlWriter,
        op: CompareOp,
        left: &Source<'_>,
        right: &Source<'_>,
    ) {
        if let (CompareOp::Eq, Source::Place(left), Source::Place(right)) = (op, left, right) {
            sql.push("(");
            json(sql, left);
            sql.push(" = ");
            json(sql, right);
            sql.push(" AND ");
            json(sql, left);
            sql.push(" <> 'null'::jsonb)");
            return;
        }
        if compare_native(sql, op, left, right) {
            return;
        }
        let (of_left, of_right) = (fixed_type(left), fixed_type(right));
        if of_left.is_some() && of_right.is_some() && of_left != of_right {
            return never(sql, [left, right]);
        }
        match (op, of_left.or(of_right)) {
            (CompareOp::Eq, None) => {
                sql.push("(nullif(");
                json_of(sql, left);
                sql.push(", 'null'::jsonb) = ");
                json_of(sql, right);
                sql.push(")");
            }
            (CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge, None)
                if is_computed(left) || is_computed(right) =>
            {
                compare_any(sql, operator(op), left, right);
            }
            (_, Some(_) | None) => {
                let mut either = Either::default();
                compare_typed(self, sql, &mut either, op, [left, right]);
                either.end(sql);
            }
        }
    }

    fn is_in(&self, sql: &mut SqlWriter, source: &Source<'_>, values: &[Value]) {
        if is_computed(source) && fixed_type(source).is_none() {
            json_of(sql, source);
            let all = values.iter().filter(|it| !it.is_null());
            let all = all.map(ToString::to_string).collect();
            sql.push(" = ANY(").bind(Param::JsonArray(all)).push(")");
            return;
        }
        let split = Split::of(values);
        let place = match source {
            Source::Place(place) if !place.is_id() => Some(place),
            Source::Place(_)
            | Source::Computed(_)
            | Source::Len(_)
            | Source::Value(_)
            | Source::Count(_)
            | Source::Null => None,
        };
        // Types with an index are looked up in it, the others together as `jsonb`.
        let by_type = |scalar: Scalar| match place {
            Some(place) => place.is_indexed(scalar),
            None => source.may_be(scalar),
        };
        let mut rest: Vec<String> = Vec::new();
        let mut either = Either::default();
        if by_type(Scalar::Text) && !split.texts.is_empty() {
            either.next(sql);
            typed(sql, source, Scalar::Text);
            let texts = split.texts.iter().map(|it| (*it).to_owned()).collect();
            sql.push(" = ANY(").bind(Param::TextArray(texts)).push(")");
        } else {
            rest.extend(split.texts.iter().map(|it| Value::from(*it).to_string()));
        }
        if by_type(Scalar::Number) && !split.numbers.is_empty() {
            either.next(sql);
            typed(sql, source, Scalar::Number);
            let numbers = split.numbers.iter().map(|it| number_text(it)).collect();
            sql.push(" = ANY(")
                .bind(Param::NumericArray(numbers))
                .push(")");
        } else {
            rest.extend(split.numbers.iter().map(|it| number_text(it)));
        }
        if by_type(Scalar::Bool) {
            for it in &split.bools {
                either.next(sql);
                typed(sql, source, Scalar::Bool);
                sql.push(" = ").bind(Param::Bool(*it));
            }
        } else {
            rest.extend(split.bools.iter().map(|it| Value::Bool(*it).to_string()));
        }
        rest.extend(split.containers.iter().map(ToString::to_string));
        if let Some(place) = place
            && !rest.is_empty()
        {
            either.next(sql);
            mixed(sql, place);
            sql.push(" = ANY(").bind(Param::JsonArray(rest)).push(")");
        }
        if either.is_empty() {
            return never(sql, [source, &Source::Null]);
        }
        either.end(sql);
    }

    fn is_null(&self, sql: &mut SqlWriter, source: &Source<'_>) {
        let Source::Place(place) = source else {
            match fixed_type(source) {
                Some(scalar) => typed(sql, source, scalar),
                None => {
                    sql.push("nullif(");
                    json_of(sql, source);
                    sql.push(", 'null'::jsonb)");
                }
            }
            sql.push(" IS NULL");
            return;
        };
        // What is indexed is null wherever the field is, so that the index narrows the search.
        let indexed = place.indexed_scalar().filter(|_| !place.is_id());
        if let Some(scalar) = indexed {
            sql.push("(");
            typed(sql, source, scalar);
            sql.push(" IS NULL AND ");
        }
        null_json(sql, place);
        sql.push(" = 'null'::jsonb");
        if indexed.is_some() {
            sql.push(")");
        }
    }

    fn exists(&self, sql: &mut SqlWriter, place: &Place<'_>) {
        json(sql, place);
        sql.push(" IS NOT NULL");
    }

    fn text(&self, sql: &mut SqlWriter, source: &Source<'_>, test: TextTest<'_>) {
        if test.needle.is_empty() && test.op != TextOp::Equals {
            typed(sql, source, Scalar::Text);
            sql.push(" IS NOT NULL");
            return;
        }
        if test.is_range() && source.is_indexed(Scalar::Text) {
            return prefix_range(self, sql, source, test.needle);
        }
        // Under collation "C" `lower` folds ASCII only, as asked for.
        let haystack = |sql: &mut SqlWriter| {
            if test.ignore_case {
                sql.push("lower(");
            }
            typed(sql, source, Scalar::Text);
            if test.ignore_case {
                sql.push(" COLLATE \"C\")");
            }
        };
        let needle = sql.add(Param::Text(test.folded_needle()));
        match test.op {
            TextOp::Equals => {
                haystack(sql);
                sql.push(" = ").slot(needle);
            }
            TextOp::StartsWith => {
                sql.push("starts_with(");
                haystack(sql);
                sql.push(", ").slot(needle).push(")");
            }
            TextOp::EndsWith => {
                sql.push("right(");
                haystack(sql);
                sql.push(", char_length(").slot(needle);
                sql.push(")) = ").slot(needle);
            }
            TextOp::Contains => {
                sql.push("strpos(");
                haystack(sql);
                sql.push(", ").slot(needle).push(") > 0");
            }
        }
    }

    fn matches(&self, sql: &mut SqlWriter, source: &Source<'_>, pattern: &Pattern) {
        typed(sql, source, Scalar::Text);
        sql.push(" ~ ")
            .bind(Param::Text(pattern.postgres().to_owned()));
    }

    fn contains(&self, sql: &mut SqlWriter, array: &Place<'_>, value: &Value) {
        // The one-element array is bound ready-made. Containment of a scalar is exact; that of an
        // array or object is wider than equality, so it only narrows the search.
        let wrapped = Param::Json(Value::Array(vec![value.clone()]).to_string());
        match value {
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
                json(sql, array);
                sql.push(" @> ").bind(wrapped);
            }
            Value::Array(_) | Value::Object(_) => {
                sql.push("(");
                json(sql, array);
                sql.push(" @> ").bind(wrapped);
                sql.push(" AND EXISTS (SELECT 1 FROM ");
                elements(sql, array);
                sql.push(" AS m (v) WHERE m.v = ");
                bind(sql, value);
                sql.push("))");
            }
        }
    }

    fn is_empty(&self, sql: &mut SqlWriter, array: &Place<'_>) {
        null_json(sql, array);
        sql.push(" IN ('null'::jsonb, '[]'::jsonb)");
    }

    fn elements(
        &self,
        sql: &mut SqlWriter,
        quantifier: Quantifier,
        array: &Source<'_>,
        level: usize,
    ) {
        sql.push("(");
        match (quantifier, array) {
            // No rows come from what is no array, which is right for `Any` only.
            (Quantifier::All, Source::Place(place)) => {
                type_of(sql, place);
                sql.push(" = 'array' AND NOT EXISTS (SELECT 1 FROM ");
            }
            (
                Quantifier::All,
                Source::Computed(_)
                | Source::Len(_)
                | Source::Value(_)
                | Source::Count(_)
                | Source::Null,
            ) => {
                sql.push("NOT EXISTS (SELECT 1 FROM ");
            }
            (Quantifier::Any, _) => {
                sql.push("EXISTS (SELECT 1 FROM ");
            }
        }
        match array {
            Source::Place(place) => elements(sql, place),
            Source::Value(value) => {
                sql.push("jsonb_array_elements(");
                bind(sql, value);
                sql.push(")");
            }
            Source::Computed(_) | Source::Len(_) | Source::Count(_) | Source::Null => {
                sql.push("jsonb_array_elements(NULL::jsonb)");
            }
        }
        sql.push(" AS e").number(level).push(" (v) WHERE ");
    }

    // An index over an array finds given elements only, not those of a set yet to be looked up.
    fn text_members(&self, _sql: &mut SqlWriter, _array: &Place<'_>) -> bool {
        false
    }

    fn has_key(&self, sql: &mut SqlWriter, object: &Place<'_>, key: &str) {
        // `?` also finds text in an array.
        sql.push("(");
        type_of(sql, object);
        sql.push(" = 'object' AND ");
        json(sql, object);
        sql.push(" ? ").bind(Param::Text(key.to_owned())).push(")");
    }

    fn computed(&self, sql: &mut SqlWriter, computed: &Computed<'_>, mode: Mode) {
        match mode {
            Mode::Scalar(of) => scalar(sql, computed, of),
            Mode::Json => self.json(sql, &Source::Computed(*computed)),
        }
    }

    fn is_of_types(&self, sql: &mut SqlWriter, place: &Place<'_>, types: &[JsonType]) {
        sql.push("(coalesce(");
        type_of(sql, place);
        sql.push(", 'null') IN ('null'");
        let mut needs_whole_numbers = false;
        for it in types {
            match it {
                JsonType::Integer => {
                    needs_whole_numbers = !types.contains(&JsonType::Number);
                }
                JsonType::String
                | JsonType::Number
                | JsonType::Bool
                | JsonType::Array
                | JsonType::Object => {
                    sql.push(", ").literal(it.word());
                }
            }
        }
        sql.push(")");
        if needs_whole_numbers {
            sql.push(" OR coalesce(");
            guarded(sql, place, Scalar::Number);
            sql.push(" = trunc(");
            guarded(sql, place, Scalar::Number);
            sql.push("), false)");
        }
        sql.push(")");
    }

    fn json(&self, sql: &mut SqlWriter, source: &Source<'_>) {
        sql.push("coalesce(");
        json_of(sql, source);
        sql.push(", 'null'::jsonb)");
    }

    fn rank(&self, sql: &mut SqlWriter, source: &Source<'_>, null_rank: &'static str) {
        let Source::Place(place) = source else {
            return rank(sql, source, null_rank);
        };
        sql.push("(CASE");
        for (of, rank) in [
            (" = 'number'", " THEN 1"),
            (" = 'string'", " THEN 2"),
            (" = 'boolean'", " THEN 3"),
            (" = 'array'", " THEN 4"),
            (" = 'object'", " THEN 5"),
        ] {
            sql.push(" WHEN ");
            type_of(sql, place);
            sql.push(of).push(rank);
        }
        sql.push(" ELSE ").push(null_rank).push(" END)");
    }

    fn selected_key(&self, sql: &mut SqlWriter, number: usize, scalar: Option<Scalar>) {
        sql.push("d.k").number(number);
        if scalar == Some(Scalar::Text) {
            sql.push(" COLLATE \"C\"");
        }
    }
}

fn is_computed(source: &Source<'_>) -> bool {
    matches!(source, Source::Computed(_))
}

/// Writes a value of any type: the column that holds it, what an index holds, or the `jsonb` itself.
fn mixed(sql: &mut SqlWriter, place: &Place<'_>) {
    if let Some(column) = place.column(FieldKind::Any) {
        named_column(sql, place.scope, column);
    } else if place.has_expression(FieldKind::Any) {
        generated(sql, place, FieldKind::Any);
    } else {
        json(sql, place);
    }
}

/// Writes the `jsonb` at a place with null for missing.
fn null_json(sql: &mut SqlWriter, place: &Place<'_>) {
    sql.push("coalesce(");
    json_argument(sql, place);
    sql.push(", 'null'::jsonb)");
}
