//! How SQLite changes a document.

use den_backend::{Change, Patch, Value};

use super::{Sqlite, natives::Natives, push_label};
use crate::{
    changes::{Kept, Node},
    filter::Filters,
    layout::Layout,
    statement::Param,
    writer::SqlWriter,
};

/// A function of SQLite takes 127 arguments by default in older versions (1000 in newer ones); a
/// call with so many changes, of two arguments each, stays below.
const MOST_CHANGES: usize = 32;

/// What has to be done to a document, by path. SQLite makes the parents that are missing by itself,
/// and passes over what lies below a value that is no object.
#[derive(Debug, Default)]
struct Steps<'a> {
    /// Parents to take away if they are null, so that they count as missing.
    nulls: Vec<String>,
    /// Keys to take away.
    gone: Vec<String>,
    /// Objects to put where there is nothing.
    made: Vec<String>,
    /// Values to put.
    replaced: Vec<(String, &'a Value)>,
}

/// The path of these keys. A number among them is a key of an object.
pub(super) fn key_path(keys: &[String]) -> String {
    let mut path = String::from("$");
    for key in keys {
        path.push('.');
        push_label(&mut path, key);
    }
    path
}

/// Writes the document as `den_patch` makes it of a patch, unless SQLite's own functions can.
pub(super) fn patched(sql: &mut SqlWriter, patch: &Patch) -> bool {
    let is_native = |it: &Change| match it {
        Change::Set { .. } | Change::Unset { .. } => true,
        Change::SetExpr { .. }
        | Change::Inc { .. }
        | Change::Mul { .. }
        | Change::Min { .. }
        | Change::Max { .. }
        | Change::Push { .. }
        | Change::AddToSet { .. }
        | Change::Pull { .. }
        | Change::PopFirst { .. }
        | Change::PopLast { .. }
        | Change::Rename { .. } => false,
    };
    if patch.changes.iter().all(is_native) {
        return false;
    }
    let mut patch = patch.clone();
    let mut natives = Natives::default();
    for change in &mut patch.changes {
        if let Change::SetExpr { path: _, value } = change {
            natives.take(value);
        }
    }
    sql.push("jsonb(den_patch(");
    // Only a native cannot be written as JSON, and none is left.
    let patch = serde_json::to_string(&patch).unwrap_or_default();
    sql.bind(Param::Json(patch)).push(", json(d.data), d.id, ");
    // Natives are written for the row, and read its document.
    natives.write(
        sql,
        Filters::of_query(&Sqlite, (&Layout::new("")).into()),
        0,
    );
    sql.push("))");
    true
}

/// Writes the document with these changes made.
pub(super) fn changed(sql: &mut SqlWriter, document: &Kept<'_>) {
    let mut steps = Steps::default();
    steps.collect("$", document);
    // Calls nest, so what is done first is written innermost.
    for _ in steps.replaced.chunks(MOST_CHANGES) {
        sql.push("jsonb_set(");
    }
    for _ in steps.made.chunks(MOST_CHANGES) {
        sql.push("jsonb_insert(");
    }
    for _ in steps.gone.chunks(MOST_CHANGES) {
        sql.push("jsonb_remove(");
    }
    for _ in steps.nulls.chunks(MOST_CHANGES) {
        sql.push("jsonb_remove(");
    }
    sql.push("d.data");
    for chunk in steps.nulls.chunks(MOST_CHANGES) {
        for path in chunk {
            sql.push(", CASE json_type(d.data, ").literal(path);
            // A document is no array, so nothing is there.
            sql.push(") WHEN 'null' THEN ").literal(path);
            sql.push(" ELSE '$[0]' END");
        }
        sql.push(")");
    }
    for chunk in steps.gone.chunks(MOST_CHANGES) {
        for path in chunk {
            sql.push(", ").literal(path);
        }
        sql.push(")");
    }
    for chunk in steps.made.chunks(MOST_CHANGES) {
        for path in chunk {
            sql.push(", ").literal(path).push(", jsonb('{}')");
        }
        sql.push(")");
    }
    for chunk in steps.replaced.chunks(MOST_CHANGES) {
        for (path, value) in chunk {
            sql.push(", ").literal(path).push(", jsonb(");
            sql.bind(Param::Json(value.to_string())).push(")");
        }
        sql.push(")");
    }
}

impl<'a> Steps<'a> {
    fn collect(&mut self, path: &str, kept: &'a Kept<'_>) {
        for (key, node) in &kept.keys {
            let mut path = String::from(path);
            path.push('.');
            push_label(&mut path, key);
            match node {
                Node::Kept(below) => {
                    if below.is_made {
                        self.nulls.push(path.clone());
                        if !is_made_by_content(below) {
                            self.made.push(path.clone());
                        }
                    }
                    self.collect(&path, below);
                }
                Node::Gone => self.gone.push(path),
                Node::Replaced(value) => self.replaced.push((path, value)),
                // Such a patch is made by a function.
                Node::Computed(..) | Node::Pushed(_) => {}
            }
        }
    }
}

/// Whether something is put below, which makes the object as well.
fn is_made_by_content(kept: &Kept<'_>) -> bool {
    kept.keys.values().any(|it| match it {
        Node::Kept(below) => below.is_made,
        Node::Gone => false,
        Node::Replaced(_) | Node::Computed(..) | Node::Pushed(_) => true,
    })
}
