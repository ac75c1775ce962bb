//! How PostgreSQL changes a document.

use std::collections::BTreeMap;

use den_backend::Value;

use crate::{
    changes::{Kept, Node},
    statement::Param,
    writer::SqlWriter,
};

/// So many objects are put back one in another; more are merged as a balanced tree, because each step
/// copies the whole object, and the server reads calls only some thousands deep.
const NESTED: usize = 8;

/// Writes the `jsonb` at these keys; NULL where there is none. `->` with text only ever means a key,
/// also where it is a number.
pub(super) fn at(sql: &mut SqlWriter, keys: &[&str]) {
    sql.push("d.data");
    for key in keys {
        sql.push("->").literal(key);
    }
}

/// Writes the document with these changes made.
pub(super) fn changed(sql: &mut SqlWriter, document: &Kept<'_>) {
    object(sql, document, &mut Vec::new());
}

/// Writes the object at `keys` with its changes made: keys are taken away and constants are put by
/// one operator each, and what is kept below is put back by `jsonb_set`, on one key of an object
/// known to be one, or if there are many, by merging. Of longer paths `jsonb_set` would take numbers for indexes and make no parents.
fn object<'a>(sql: &mut SqlWriter, kept: &'a Kept<'_>, keys: &mut Vec<&'a str>) {
    let mut gone = Vec::new();
    let mut replaced = BTreeMap::new();
    let mut below = Vec::new();
    for (key, node) in &kept.keys {
        match node {
            Node::Kept(it) => below.push((*key, it)),
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
    base(sql, kept, keys);
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
        merge(sql, &merged, keys);
    }
    if is_operation {
        sql.push(")");
    }
    for (key, kept) in below {
        sql.push(", ARRAY[").literal(key).push("]::text[], ");
        keys.push(key);
        if kept.is_made {
            object(sql, kept, keys);
            sql.push(")");
        } else {
            // Where the key is missing it stays so, whatever stands here.
            sql.push("coalesce(CASE WHEN ");
            type_of(sql, keys);
            sql.push(" = 'object' THEN ");
            object(sql, kept, keys);
            sql.push(" ELSE ");
            at(sql, keys);
            sql.push(" END, 'null'::jsonb), FALSE)");
        }
        keys.pop();
    }
}

/// Writes an object of what is kept below `keys`, with its changes made and without what is to stay
/// missing or as it is.
fn merge<'a>(sql: &mut SqlWriter, below: &[(&'a str, &'a Kept<'_>)], keys: &mut Vec<&'a str>) {
    let [(key, kept)] = below else {
        let (left, right) = below.split_at(below.len() / 2);
        sql.push("(");
        merge(sql, left, keys);
        sql.push(" || ");
        merge(sql, right, keys);
        sql.push(")");
        return;
    };
    keys.push(key);
    if !kept.is_made {
        sql.push("(CASE WHEN ");
        type_of(sql, keys);
        sql.push(" = 'object' THEN ");
    }
    sql.push("jsonb_set('{}'::jsonb, ARRAY[").literal(key);
    sql.push("]::text[], ");
    object(sql, kept, keys);
    sql.push(")");
    if !kept.is_made {
        sql.push(" ELSE '{}'::jsonb END)");
    }
    keys.pop();
}

/// Writes the object at `keys` as it was, empty where it was not.
fn base(sql: &mut SqlWriter, kept: &Kept<'_>, keys: &[&str]) {
    if kept.is_made {
        sql.push("CASE WHEN ");
        type_of(sql, keys);
        sql.push(" = 'object' THEN ");
        at(sql, keys);
        sql.push(" ELSE '{}'::jsonb END");
    } else if keys.is_empty() {
        at(sql, keys);
    } else {
        sql.push("(");
        at(sql, keys);
        sql.push(")");
    }
}

fn type_of(sql: &mut SqlWriter, keys: &[&str]) {
    sql.push("jsonb_typeof(");
    at(sql, keys);
    sql.push(")");
}
