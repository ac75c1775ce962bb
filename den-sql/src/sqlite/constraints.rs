//! What enforces constraints in SQLite: unique indexes, and triggers that refuse a row.
//!
//! Both are plain SQL that every program runs, but for a check that computes what SQLite cannot: without
//! den's functions a write to such a collection fails.

use den_backend::{ConstraintMeta, FieldKind, FieldPath, IndexMeta};

use super::{Sqlite, definitions::index_key};
use crate::{
    constraint::{has_rule, rule},
    layout::Layout,
    source::{Place, Scope},
    statement::{Param, Statement, rows},
    writer::{Placeholders, SqlWriter},
};

/// What the message of a refused row begins with; the name of the constraint follows.
pub const REFUSED: &str = "den:constraint:";

/// The columns that den's records of indexes have and those of another program lack, each with what adds it.
pub const CATALOG_COLUMNS: [(&str, &str); 3] = [
    ("kind", "ALTER TABLE _den_indexes ADD COLUMN kind TEXT"),
    (
        "definition",
        "ALTER TABLE _den_indexes ADD COLUMN definition TEXT",
    ),
    ("hash", "ALTER TABLE _den_indexes ADD COLUMN hash TEXT"),
];

/// When a row is looked at.
#[derive(Debug, Clone, Copy)]
enum Event {
    Insert,
    Update,
}

/// The names of the triggers of a constraint; none for one that its index enforces alone.
pub fn guard_names(constraint: &ConstraintMeta) -> Vec<String> {
    match has_rule(&constraint.kind) {
        true => [Event::Insert, Event::Update]
            .map(|it| guard_name(&constraint.name, it))
            .into(),
        false => Vec::new(),
    }
}

/// The triggers that refuse rows which break the rule of a constraint.
pub fn create_guards(collection: &str, constraint: &ConstraintMeta) -> Vec<String> {
    if !has_rule(&constraint.kind) {
        return Vec::new();
    }
    // Without columns, so that indexes may come and go.
    let layout = Layout::new(collection);
    let guard = |event| {
        let mut sql = SqlWriter::of_definition(Placeholders::Question);
        sql.push("CREATE TRIGGER ");
        sql.ident(&guard_name(&constraint.name, event));
        sql.push(match event {
            Event::Insert => " BEFORE INSERT ON ",
            Event::Update => " BEFORE UPDATE OF data ON ",
        });
        sql.ident(collection).push("\nWHEN (");
        rule(&mut sql, &Sqlite, &layout, Scope::New, &constraint.kind);
        // Not computed from the row: before SQLite 3.47 a message is a literal.
        sql.push(") IS NOT TRUE\nBEGIN\n    SELECT RAISE(ABORT, ");
        sql.literal(&[REFUSED, &constraint.name].concat());
        sql.push(");\nEND");
        sql.into_text()
    };
    [Event::Insert, Event::Update].map(guard).into()
}

/// Drops the triggers of a constraint, if they are there.
pub fn drop_guards(constraint: &ConstraintMeta) -> Vec<String> {
    let drop = |name: String| {
        let mut sql = SqlWriter::new(Placeholders::Question);
        sql.push("DROP TRIGGER IF EXISTS ").ident(&name);
        sql.into_text()
    };
    guard_names(constraint).into_iter().map(drop).collect()
}

/// The first documents, by id, that have the same values under a unique index without filter as another.
/// Column: `id`.
pub fn sharing(layout: &Layout, index: &IndexMeta, limit: u64) -> Statement {
    let mut sql = SqlWriter::new(Placeholders::Question);
    sql.push("SELECT id AS id\nFROM ").ident(&layout.collection);
    sql.push("\nWHERE (");
    keys(&mut sql, layout, index, ", ", "");
    sql.push(") IN (\n    SELECT ");
    keys(&mut sql, layout, index, ", ", "");
    sql.push("\n    FROM ").ident(&layout.collection);
    sql.push("\n    WHERE ");
    keys(&mut sql, layout, index, " AND ", " IS NOT NULL");
    sql.push("\n    GROUP BY ");
    keys(&mut sql, layout, index, ", ", "");
    sql.push("\n    HAVING count(*) > 1\n)\nORDER BY id\nLIMIT ");
    sql.bind(Param::Rows(rows(limit)));
    sql.finish()
}

/// Adds the generated column of one field to a table that is not `STRICT`, which another program made.
///
/// # Behavior
///
/// - `ANY` would make numbers of texts there.
pub fn add_column_to_plain_table(collection: &str, path: &FieldPath, kind: FieldKind) -> String {
    let layout = Layout::new(collection);
    let mut sql = SqlWriter::new(Placeholders::Question);
    sql.push("ALTER TABLE ").ident(collection);
    sql.push(" ADD COLUMN ");
    super::definitions::column(
        &mut sql,
        &layout,
        path,
        kind,
        super::definitions::Typing::Loose,
    );
    sql.into_text()
}

fn keys(
    sql: &mut SqlWriter,
    layout: &Layout,
    index: &IndexMeta,
    between: &'static str,
    after: &'static str,
) {
    for (at, (field, _)) in index.fields.iter().enumerate() {
        if at > 0 {
            sql.push(between);
        }
        let place = Place {
            scope: Scope::Table,
            path: &field.path,
            layout,
        };
        index_key(sql, &place, field.kind);
        sql.push(after);
    }
}

/// No index has a part of this name: those begin with `_den_`.
fn guard_name(constraint: &str, event: Event) -> String {
    let event = match event {
        Event::Insert => ":insert",
        Event::Update => ":update",
    };
    ["_den:", constraint, event].concat()
}
