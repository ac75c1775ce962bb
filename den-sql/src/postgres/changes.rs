//! How PostgreSQL changes a document.

use std::collections::BTreeMap;

use den_backend::{ArithmeticOp, Change, Expr, NativeKind, Value, check::MAX_NESTING};

use super::{compute::json_of, locator::bind, numbers::arithmetic};
use crate::{
    changes::{Base, Kept, Node, Staged},
    dialect::Held,
    source::{Scalar, Source},
    statement::Param,
    update::write_failure,
    writer::SqlWriter,
};

/// So many objects are put back one in another; more are merged as a balanced tree, because each step
/// copies the whole object, and the server reads calls only some thousands deep.
const NESTED: usize = 8;

/// What is put back at a key.
#[derive(Clone, Copy)]
enum Below<'a> {
    /// What was there, with changes made below.
    Kept(&'a Kept<'a>),
    /// What a change, with its number in the patch, makes of it.
    Computed(usize, &'a Change),
    /// An array with these values at its end.
    Pushed(&'a [&'a Value]),
}

/// Writes the `jsonb` at these keys; NULL where there is none. `->` with text only ever means a key,
/// also where it is a number.
pub(super) fn at<K: AsRef<str>>(sql: &mut SqlWriter, base: Base, keys: &[K]) {
    sql.push(base.data());
    for key in keys {
        sql.push("->").literal(key.as_ref());
    }
}

/// Writes the name of the type of the value at these keys.
pub(super) fn type_of<K: AsRef<str>>(sql: &mut SqlWriter, base: Base, keys: &[K]) {
    sql.push("jsonb_typeof(");
    at(sql, base, keys);
    sql.push(")");
}

/// Writes the document with these changes made.
pub(super) fn changed(sql: &mut SqlWriter, document: &Kept<'_>, staged: &Staged<'_>) {
    object(sql, document, &mut Vec::new(), staged);
}

/// Writes the object at `keys` with its changes made: keys are taken away and constants are put by
/// one operator each, and what is kept below or computed is put back by `jsonb_set`, on one key of an
/// object known to be one, or if there are many, by merging. Of longer paths `jsonb_set` would take
/// numbers for indexes and make no parents.
fn object<'a>(
    sql: &mut SqlWriter,
    kept: &'a Kept<'a>,
    keys: &mut Vec<&'a str>,
    staged: &Staged<'_>,
) {
    let mut gone = Vec::new();
    let mut replaced = BTreeMap::new();
    let mut below = Vec::new();
    for (key, node) in &kept.keys {
        match node {
            Node::Kept(it) => below.push((*key, Below::Kept(it))),
            Node::Computed(number, it) => below.push((*key, Below::Computed(*number, it))),
            Node::Pushed(values) => below.push((*key, Below::Pushed(values))),
            Node::Gone => gone.push(*key),
            Node::Replaced(value) => {
                replaced.insert((*key).to_owned(), value.clone());
            }
        }
    }
    let merged = match below.len() > NESTED {
        true => std::mem::take(&mut below),
        false => Vec::new(),
    };
    let is_operation = !gone.is_empty() || !replaced.is_empty() || !merged.is_empty();
    for _ in &below {
        sql.push("jsonb_set(");
    }
    if is_operation {
        sql.push("(");
    }
    base(sql, kept, keys, staged.base);
    if !gone.is_empty() {
        sql.push(" - ARRAY[");
        for (i, key) in gone.iter().enumerate() {
            if i > 0 {
                sql.push(", ");
            }
            sql.literal(key);
        }
        sql.push("]::text[]");
    }
    if !replaced.is_empty() {
        let constants = Value::Object(replaced);
        sql.push(" || ").bind(Param::Json(constants.to_string()));
    }
    if !merged.is_empty() {
        sql.push(" || ");
        merge(sql, &merged, keys, staged);
    }
    if is_operation {
        sql.push(")");
    }
    for (key, below) in below {
        sql.push(", ARRAY[").literal(key).push("]::text[], ");
        keys.push(key);
        if below.is_put() {
            below.write(sql, keys, staged);
            sql.push(")");
        } else {
            // Where the key is missing it stays so, whatever stands here.
            sql.push("coalesce(CASE WHEN ");
            type_of(sql, staged.base, keys);
            sql.push(below.container()).push(" THEN ");
            below.write(sql, keys, staged);
            sql.push(" ELSE ");
            at(sql, staged.base, keys);
            sql.push(" END, 'null'::jsonb), FALSE)");
        }
        keys.pop();
    }
}

/// Writes an object of what is put back below `keys`, with its changes made and without what is to
/// stay missing or as it is.
fn merge<'a>(
    sql: &mut SqlWriter,
    below: &[(&'a str, Below<'a>)],
    keys: &mut Vec<&'a str>,
    staged: &Staged<'_>,
) {
    let [(key, below)] = below else {
        let (left, right) = below.split_at(below.len() / 2);
        sql.push("(");
        merge(sql, left, keys, staged);
        sql.push(" || ");
        merge(sql, right, keys, staged);
        sql.push(")");
        return;
    };
    keys.push(key);
    if !below.is_put() {
        sql.push("(CASE WHEN ");
        type_of(sql, staged.base, keys);
        sql.push(below.container()).push(" THEN ");
    }
    sql.push("jsonb_set('{}'::jsonb, ARRAY[").literal(key);
    sql.push("]::text[], ");
    below.write(sql, keys, staged);
    sql.push(")");
    if !below.is_put() {
        sql.push(" ELSE '{}'::jsonb END)");
    }
    keys.pop();
}

/// Writes the object at `keys` as it was, empty where it was not.
fn base(sql: &mut SqlWriter, kept: &Kept<'_>, keys: &[&str], of: Base) {
    if kept.is_made {
        sql.push("CASE WHEN ");
        type_of(sql, of, keys);
        sql.push(" = 'object' THEN ");
        at(sql, of, keys);
        sql.push(" ELSE '{}'::jsonb END");
    } else if keys.is_empty() {
        at(sql, of, keys);
    } else {
        sql.push("(");
        at(sql, of, keys);
        sql.push(")");
    }
}

impl<'a> Below<'a> {
    /// Whether it is put where nothing is.
    fn is_put(self) -> bool {
        match self {
            Self::Kept(it) => it.is_made,
            Self::Pushed(_) => true,
            Self::Computed(_, change) => match change {
                Change::Set { .. }
                | Change::Unset { .. }
                | Change::SetExpr { .. }
                | Change::Inc { .. }
                | Change::Mul { .. }
                | Change::Min { .. }
                | Change::Max { .. }
                | Change::Push { .. }
                | Change::AddToSet { .. }
                | Change::Rename { .. } => true,
                Change::Pull { .. } | Change::PopFirst { .. } | Change::PopLast { .. } => false,
            },
        }
    }

    /// What has to be there for something that is not put to be changed.
    fn container(self) -> &'static str {
        match self {
            Self::Kept(_) => " = 'object'",
            Self::Computed(..) | Self::Pushed(_) => " = 'array'",
        }
    }

    /// Writes what is put back: never NULL.
    fn write(self, sql: &mut SqlWriter, keys: &mut Vec<&'a str>, staged: &Staged<'_>) {
        match self {
            Self::Kept(it) => object(sql, it, keys, staged),
            Self::Pushed(values) => pushed(sql, values, keys, staged.base),
            Self::Computed(number, change) => computed(sql, number, change, keys, staged),
        }
    }
}

/// Writes what a change makes of the value at `keys`, whose type is as the change needs it.
fn computed(
    sql: &mut SqlWriter,
    number: usize,
    change: &Change,
    keys: &[&str],
    staged: &Staged<'_>,
) {
    let base = staged.base;
    match change {
        Change::Push { value, .. } => pushed(sql, &[value], keys, base),
        // These are part of the tree.
        Change::Set { value, .. } => {
            sql.bind(Param::Json(value.to_string()));
        }
        Change::Unset { .. } => {
            sql.push("'null'::jsonb");
        }
        Change::SetExpr { value, .. } if may_nest(value) => {
            let depth = keys.len();
            fitting(sql, number, depth, staged, |sql| {
                set_expr(sql, value, staged);
            });
        }
        Change::SetExpr { value, .. } => set_expr(sql, value, staged),
        Change::Inc { by, .. } => count(sql, ArithmeticOp::Add, by, keys, base),
        Change::Mul { by, .. } => count(sql, ArithmeticOp::Mul, by, keys, base),
        Change::Min { value, .. } => keep(sql, " <= ", value, keys, base),
        Change::Max { value, .. } => keep(sql, " >= ", value, keys, base),
        Change::AddToSet { value, .. } => {
            let one = sql.add(array_of(&[value]));
            sql.push("CASE WHEN ");
            type_of(sql, base, keys);
            sql.push(" = 'array' THEN CASE WHEN EXISTS (SELECT 1 FROM jsonb_array_elements(");
            at(sql, base, keys);
            sql.push(") AS m (v) WHERE m.v = ")
                .bind(Param::Json(value.to_string()));
            sql.push(") THEN ");
            at(sql, base, keys);
            sql.push(" ELSE ");
            at(sql, base, keys);
            sql.push(" || ").slot(one);
            sql.push(" END ELSE ").slot(one).push(" END");
        }
        Change::Pull { value, .. } => pull(sql, value, keys, base),
        Change::PopFirst { .. } => {
            sql.push("(");
            at(sql, base, keys);
            sql.push(") - 0");
        }
        Change::PopLast { .. } => {
            sql.push("(");
            at(sql, base, keys);
            sql.push(") - (-1)");
        }
        Change::Rename { from, .. } => {
            let depth = keys.len();
            fitting(sql, number, depth, staged, |sql| {
                at(sql, base, from.segments());
            });
        }
    }
}

/// Whether a value may be an array or object whose depth no check has seen.
fn may_nest(value: &Expr) -> bool {
    match value {
        // Of a field that is declared otherwise, too.
        Expr::Field(_) => true,
        Expr::Value(value) => matches!(value, Value::Array(_) | Value::Object(_)),
        Expr::Case {
            branches,
            otherwise,
        } => branches.iter().any(|(_, it)| may_nest(it)) || may_nest(otherwise),
        Expr::Coalesce(all) => all.iter().any(may_nest),
        Expr::Native(it) => match it.kind {
            NativeKind::Json | NativeKind::Other => true,
            NativeKind::Bool | NativeKind::Text | NativeKind::Number => false,
        },
        Expr::Len(_)
        | Expr::Arithmetic { .. }
        | Expr::Call { .. }
        | Expr::Compare { .. }
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
        | Expr::Not(_) => false,
    }
}

/// Writes a value that fails where it would nest too deep below so many keys.
fn fitting(
    sql: &mut SqlWriter,
    change: usize,
    depth: usize,
    staged: &Staged<'_>,
    value: impl FnOnce(&mut SqlWriter),
) {
    let room = u32::try_from(MAX_NESTING.saturating_sub(depth)).unwrap_or_default();
    // `strict` looks at arrays as they are, not at their elements.
    sql.push("(SELECT CASE WHEN jsonb_path_exists(v.j, 'strict $.**{")
        .small(room);
    sql.push("} ? (@.type() == \"array\" || @.type() == \"object\")') THEN ");
    write_failure(staged.filters.dialect, sql, change, depth, Held::Deep);
    sql.push(" ELSE v.j END FROM (SELECT ");
    value(sql);
    sql.push(" AS j OFFSET 0) AS v)");
}

fn set_expr(sql: &mut SqlWriter, value: &Expr, staged: &Staged<'_>) {
    // A missing value is JSON `null`: NULL would make the whole document NULL.
    sql.push("coalesce(");
    json_of(sql, &Source::of(value, staged.filters, 0));
    sql.push(", 'null'::jsonb)");
}

fn count(sql: &mut SqlWriter, op: ArithmeticOp, by: &Value, keys: &[&str], base: Base) {
    arithmetic(
        sql,
        op,
        |sql| {
            sql.push("CASE WHEN ");
            type_of(sql, base, keys);
            sql.push(" = 'number' THEN (");
            at(sql, base, keys);
            sql.push(")::numeric ELSE 0 END");
        },
        |sql| bind(sql, by),
    );
    sql.push("::text::jsonb");
}

/// Writes what is there if it compares so with the value, else the value.
fn keep(sql: &mut SqlWriter, operator: &'static str, value: &Value, keys: &[&str], base: Base) {
    let of = Scalar::of(value);
    sql.push("CASE WHEN (CASE WHEN ");
    type_of(sql, base, keys);
    sql.push(match of {
        Some(Scalar::Number) => " = 'number' THEN (",
        Some(Scalar::Text) => " = 'string' THEN (",
        Some(Scalar::Bool) => " = 'boolean' THEN (",
        None => " IS NULL THEN (",
    });
    at(sql, base, keys);
    sql.push(match of {
        Some(Scalar::Number) => ")::numeric END)",
        Some(Scalar::Text) => ")#>>'{}' END) COLLATE \"C\"",
        Some(Scalar::Bool) => ")::boolean END)",
        None => ") END)",
    });
    sql.push(operator);
    bind(sql, value);
    sql.push(" THEN ");
    at(sql, base, keys);
    sql.push(" ELSE ").bind(Param::Json(value.to_string()));
    sql.push(" END");
}

/// Writes the array at `keys` without the elements that equal a value.
fn pull(sql: &mut SqlWriter, value: &Value, keys: &[&str], base: Base) {
    match value {
        // Comparisons in a path are typed and exact, and know nothing of arrays and objects; `strict`
        // keeps arrays in the array as they are.
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
            sql.push("jsonb_path_query_array(");
            at(sql, base, keys);
            sql.push(", 'strict $[*] ? (@ != $v || (@ != $v) is unknown)', ");
            let variables = BTreeMap::from([("v".to_owned(), value.clone())]);
            let variables = Value::Object(variables).to_string();
            sql.bind(Param::Json(variables)).push(")");
        }
        Value::Array(_) | Value::Object(_) => {
            sql.push("(SELECT coalesce(jsonb_agg(m.v ORDER BY m.n ASC NULLS LAST\n), '[]'::jsonb)");
            sql.push(" FROM jsonb_array_elements(");
            at(sql, base, keys);
            sql.push(") WITH ORDINALITY AS m (v, n) WHERE m.v <> ");
            sql.bind(Param::Json(value.to_string())).push(")");
        }
    }
}

/// Writes the array at `keys`, empty where it is not, with these values at its end.
fn pushed(sql: &mut SqlWriter, values: &[&Value], keys: &[&str], base: Base) {
    let values = sql.add(array_of(values));
    sql.push("CASE WHEN ");
    type_of(sql, base, keys);
    sql.push(" = 'array' THEN ");
    at(sql, base, keys);
    sql.push(" || ").slot(values);
    sql.push(" ELSE ").slot(values).push(" END");
}

/// An array of these elements.
fn array_of(values: &[&Value]) -> Param {
    let values = values.iter().map(|it| (*it).clone()).collect();
    Param::Json(Value::Array(values).to_string())
}
