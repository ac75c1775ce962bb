//! How PostgreSQL computes values.
//!
//! Each value is written in one of four modes: as a number, a text or a bool of the engine's own,
//! NULL where it is of another type; or as `jsonb`, where null is NULL or JSON `null` alike. What
//! may be of any type is computed as `jsonb` and then read as what is asked for. Whatever is looked
//! at more than once is computed in a sub-select first, so that a statement grows with its
//! expressions and not faster; `OFFSET 0` keeps the planner from writing it out again.

use den_backend::{Expr, FieldKind, Function, Native, NativeKind, Value};

use super::{
    locator::{json, typed},
    native::native,
    numbers::{abs, arithmetic, round},
    times::{seconds_between, truncate},
};
use crate::{
    computed::Computed,
    source::{Scalar, Source},
    statement::Param,
    writer::SqlWriter,
};

/// The longest text in characters is shorter than this, and twice this is an `integer`.
const BEYOND: u32 = 1_000_000_000;

/// Writes a computed value of one type; NULL for any other. Safe beside any operator.
pub(super) fn scalar(sql: &mut SqlWriter, computed: &Computed<'_>, scalar: Scalar) {
    match fixed(computed) {
        // Computed all the same, where that may fail.
        Some(of) if of != scalar && may_fail(computed.expr) => {
            sql.push("(CASE WHEN (");
            self::scalar(sql, computed, of);
            sql.push(") IS NULL THEN ");
            null(sql, scalar);
            sql.push(" END)");
            return;
        }
        Some(of) if of != scalar => return null(sql, scalar),
        Some(_) | None => {}
    }
    match computed.expr {
        Expr::Arithmetic { op, left, right } => {
            let (left, right) = (computed.source(left), computed.source(right));
            arithmetic(
                sql,
                *op,
                |sql| typed(sql, &left, Scalar::Number),
                |sql| typed(sql, &right, Scalar::Number),
            );
        }
        Expr::Case {
            branches,
            otherwise,
        } => {
            case(sql, computed, branches, otherwise, |sql, source| {
                typed(sql, source, scalar);
            });
            collate(sql, scalar);
        }
        Expr::Coalesce(all) if fixed(computed) == Some(scalar) => {
            sql.push("coalesce(");
            list(sql, computed, all, scalar);
            sql.push(")");
            collate(sql, scalar);
        }
        Expr::Coalesce(_) => extract(sql, scalar, |sql| computed_json(sql, computed)),
        Expr::Call {
            function,
            arguments,
        } => call(sql, computed, *function, arguments),
        Expr::Native(it) => native_scalar(sql, computed, it, scalar),
        Expr::Compare { .. }
        | Expr::In { .. }
        | Expr::IsNull(_)
        | Expr::Exists(_)
        | Expr::Text { .. }
        | Expr::Matches { .. }
        | Expr::Contains { .. }
        | Expr::IsEmpty(_)
        | Expr::AnyElement { .. }
        | Expr::AllElements { .. }
        | Expr::HasKey { .. }
        | Expr::Linked { .. }
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_) => {
            sql.push("((");
            computed.condition(sql, computed.expr);
            sql.push(") IS TRUE)");
        }
        // Not computed: `Source::of` makes other sources of these.
        Expr::Value(_) | Expr::Field(_) | Expr::Len(_) => null(sql, scalar),
    }
}

/// Writes any operand as `jsonb`; NULL or JSON `null` where it is null. Safe beside any operator.
pub(super) fn json_of(sql: &mut SqlWriter, source: &Source<'_>) {
    match source {
        Source::Place(place) => json(sql, place),
        Source::Value(Value::Null) | Source::Null => {
            sql.push("NULL::jsonb");
        }
        Source::Value(value) => {
            sql.bind(Param::Json(value.to_string()));
        }
        Source::Count(count) => {
            sql.bind(Param::Json(count.to_string()));
        }
        Source::Len(_) => {
            typed(sql, source, Scalar::Number);
            sql.push("::text::jsonb");
        }
        Source::Computed(computed) => computed_json(sql, computed),
    }
}

/// The type that an operand has, unless it is null; none if it may be of several.
pub(super) fn fixed_type(source: &Source<'_>) -> Option<Scalar> {
    match source {
        Source::Place(place) if place.is_id() => Some(Scalar::Text),
        Source::Place(_) | Source::Null => None,
        Source::Len(_) | Source::Count(_) => Some(Scalar::Number),
        Source::Computed(it) => fixed(it),
        Source::Value(value) => Scalar::of(value),
    }
}

/// Writes that two operands of different types are equal, or compare otherwise: they never do, but
/// are computed where that may fail.
pub(super) fn never(sql: &mut SqlWriter, sides: [&Source<'_>; 2]) {
    let fails = |it: &&Source<'_>| match it {
        Source::Computed(it) => may_fail(it.expr),
        Source::Place(_) | Source::Len(_) | Source::Value(_) | Source::Count(_) | Source::Null => {
            false
        }
    };
    if !sides.iter().any(fails) {
        sql.push("FALSE");
        return;
    }
    sql.push("(num_nulls(");
    for (i, side) in sides.into_iter().enumerate() {
        if i > 0 {
            sql.push(", ");
        }
        json_of(sql, side);
    }
    sql.push(") < 0)");
}

/// Whether computing it may fail the statement.
fn may_fail(expr: &Expr) -> bool {
    let of_itself = matches!(
        expr,
        Expr::Arithmetic { .. }
            | Expr::Call {
                function: Function::Abs,
                ..
            }
    );
    of_itself || expr.parts().any(may_fail)
}

/// Writes the value of one type out of `jsonb` that is computed once.
fn extract(sql: &mut SqlWriter, scalar: Scalar, json: impl FnOnce(&mut SqlWriter)) {
    sql.push(match scalar {
        Scalar::Number => "(SELECT CASE WHEN jsonb_typeof(v.j) = 'number' THEN v.j::numeric END",
        Scalar::Text => "(SELECT CASE WHEN jsonb_typeof(v.j) = 'string' THEN v.j#>>'{}' END",
        Scalar::Bool => "(SELECT CASE WHEN jsonb_typeof(v.j) = 'boolean' THEN v.j::boolean END",
    });
    sql.push(" FROM (SELECT ");
    json(sql);
    sql.push(" AS j OFFSET 0) AS v)");
    collate(sql, scalar);
}

/// The type that a computed value has, unless it is null; none if it may be of several.
fn fixed(computed: &Computed<'_>) -> Option<Scalar> {
    Scalar::of_kind(computed.certain_kind())
}

fn computed_json(sql: &mut SqlWriter, computed: &Computed<'_>) {
    match (computed.expr, fixed(computed)) {
        (_, Some(of @ (Scalar::Number | Scalar::Bool))) => {
            sql.push("(");
            scalar(sql, computed, of);
            sql.push(")::text::jsonb");
        }
        // `to_jsonb` depends on settings, as the server has it, and so may not change rows everywhere.
        (_, Some(Scalar::Text)) => {
            sql.push("(jsonb_object(ARRAY['v', ");
            scalar(sql, computed, Scalar::Text);
            sql.push("])->'v')");
        }
        (
            Expr::Case {
                branches,
                otherwise,
            },
            None,
        ) => case(sql, computed, branches, otherwise, json_of),
        (Expr::Coalesce(all), None) => {
            sql.push("coalesce(");
            for (i, it) in all.iter().enumerate() {
                sql.push(if i > 0 { ", nullif(" } else { "nullif(" });
                json_of(sql, &computed.source(it));
                sql.push(", 'null'::jsonb)");
            }
            sql.push(")");
        }
        (Expr::Native(it), None) => native(sql, computed, it),
        (_, None) => {
            sql.push("NULL::jsonb");
        }
    }
}

fn case(
    sql: &mut SqlWriter,
    computed: &Computed<'_>,
    branches: &[(Expr, Expr)],
    otherwise: &Expr,
    write: impl Fn(&mut SqlWriter, &Source<'_>),
) {
    sql.push("(CASE");
    for (condition, value) in branches {
        sql.push(" WHEN ");
        computed.condition(sql, condition);
        sql.push(" THEN ");
        write(sql, &computed.source(value));
    }
    sql.push(" ELSE ");
    write(sql, &computed.source(otherwise));
    sql.push(" END)");
}

fn call(sql: &mut SqlWriter, computed: &Computed<'_>, function: Function, arguments: &[Expr]) {
    let sources: Vec<Source<'_>> = arguments.iter().map(|it| computed.source(it)).collect();
    let first = sources.first().copied().unwrap_or(Source::Null);
    let second = sources.get(1).copied().unwrap_or(Source::Null);
    let number = |sql: &mut SqlWriter| typed(sql, &first, Scalar::Number);
    match function {
        Function::Lower => folded(sql, "lower(", &first),
        Function::Upper => folded(sql, "upper(", &first),
        Function::Length => {
            sql.push("char_length(");
            typed(sql, &first, Scalar::Text);
            sql.push(")::numeric");
        }
        Function::Trim => {
            sql.push("btrim(");
            typed(sql, &first, Scalar::Text);
            sql.push(", E' \\t\\n\\r\\x0b\\f')");
        }
        Function::Substr { start, length } => {
            sql.push("substr(");
            typed(sql, &first, Scalar::Text);
            sql.push(", ").small(start.min(BEYOND) + 1);
            if let Some(length) = length {
                sql.push(", ").small(length.min(BEYOND));
            }
            sql.push(")");
        }
        Function::Concat => {
            sql.push("(");
            for (i, it) in sources.iter().enumerate() {
                if i > 0 {
                    sql.push(" || ");
                }
                typed(sql, it, Scalar::Text);
            }
            sql.push(")");
        }
        Function::Replace => {
            sql.push("replace(");
            list(sql, computed, arguments, Scalar::Text);
            sql.push(")");
        }
        Function::Abs => abs(sql, number),
        Function::Round { digits } => round(sql, digits, number),
        Function::Least => {
            sql.push("least(");
            list(sql, computed, arguments, Scalar::Number);
            sql.push(")");
        }
        Function::Greatest => {
            sql.push("greatest(");
            list(sql, computed, arguments, Scalar::Number);
            sql.push(")");
        }
        Function::Truncate(unit) => {
            truncate(sql, unit, |sql| typed(sql, &first, Scalar::Text));
        }
        Function::SecondsBetween => seconds_between(
            sql,
            |sql| typed(sql, &first, Scalar::Text),
            |sql| typed(sql, &second, Scalar::Text),
        ),
        Function::TypeName => type_name(sql, &first),
        // A time is put in its place before a query gets here.
        Function::Now => {
            sql.push("NULL::text");
        }
    }
    if function.kind() == FieldKind::Text {
        collate(sql, Scalar::Text);
    }
}

/// Under collation "C" only ASCII folds, as asked for.
fn folded(sql: &mut SqlWriter, function: &'static str, text: &Source<'_>) {
    sql.push(function);
    typed(sql, text, Scalar::Text);
    sql.push(" COLLATE \"C\")");
}

fn type_name(sql: &mut SqlWriter, source: &Source<'_>) {
    sql.push("(SELECT CASE WHEN v.t = 'string' THEN 'text' WHEN v.t = 'boolean' THEN 'bool'");
    sql.push(" ELSE coalesce(v.t, 'null') END FROM (SELECT jsonb_typeof(");
    json_of(sql, source);
    sql.push(") AS t OFFSET 0) AS v)");
}

fn native_scalar(sql: &mut SqlWriter, computed: &Computed<'_>, it: &Native, scalar: Scalar) {
    match it.kind {
        NativeKind::Bool => native(sql, computed, it),
        NativeKind::Text | NativeKind::Other => {
            native(sql, computed, it);
            sql.push("::text COLLATE \"C\"");
        }
        // By their text numbers keep the digits that they show.
        NativeKind::Number => {
            native(sql, computed, it);
            sql.push("::text::numeric");
        }
        NativeKind::Json => extract(sql, scalar, |sql| native(sql, computed, it)),
    }
}

/// Writes all values as this type, separated by commas.
fn list(sql: &mut SqlWriter, computed: &Computed<'_>, all: &[Expr], scalar: Scalar) {
    for (i, it) in all.iter().enumerate() {
        if i > 0 {
            sql.push(", ");
        }
        typed(sql, &computed.source(it), scalar);
    }
}

/// Byte order, whatever the order of the database is.
fn collate(sql: &mut SqlWriter, scalar: Scalar) {
    match scalar {
        Scalar::Text => {
            sql.push(" COLLATE \"C\"");
        }
        Scalar::Number | Scalar::Bool => {}
    }
}

fn null(sql: &mut SqlWriter, scalar: Scalar) {
    typed(sql, &Source::Null, scalar);
}

/// Writes the rank of a value's type in a mixed order.
pub(super) fn rank(sql: &mut SqlWriter, source: &Source<'_>, null_rank: &'static str) {
    sql.push("(SELECT CASE WHEN v.t = 'number' THEN 1 WHEN v.t = 'string' THEN 2");
    sql.push(" WHEN v.t = 'boolean' THEN 3 WHEN v.t = 'array' THEN 4 WHEN v.t = 'object' THEN 5");
    sql.push(" ELSE ").push(null_rank);
    sql.push(" END FROM (SELECT jsonb_typeof(");
    json_of(sql, source);
    sql.push(") AS t OFFSET 0) AS v)");
}

/// Writes that two operands, which may be of any type, compare so.
pub(super) fn compare_any(
    sql: &mut SqlWriter,
    operator: &'static str,
    left: &Source<'_>,
    right: &Source<'_>,
) {
    sql.push("(SELECT CASE WHEN jsonb_typeof(v.l) <> jsonb_typeof(v.r) THEN FALSE");
    sql.push(" WHEN jsonb_typeof(v.l) = 'number' THEN v.l::numeric")
        .push(operator);
    sql.push("v.r::numeric WHEN jsonb_typeof(v.l) = 'string' THEN (v.l#>>'{}') COLLATE \"C\"");
    sql.push(operator).push("(v.r#>>'{}') COLLATE \"C\"");
    sql.push(" WHEN jsonb_typeof(v.l) = 'boolean' THEN v.l::boolean")
        .push(operator);
    sql.push("v.r::boolean END FROM (SELECT ");
    json_of(sql, left);
    sql.push(" AS l, ");
    json_of(sql, right);
    sql.push(" AS r OFFSET 0) AS v)");
}
