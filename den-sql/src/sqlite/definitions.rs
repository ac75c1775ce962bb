//! Tables, columns and indexes of SQLite.

use den_backend::{CollectionMeta, Direction, FieldKind, FieldPath, IndexKind, IndexMeta};

use super::{
    Sqlite,
    locator::{Read, each, generated, id, named_column, read},
    search,
};
use crate::{
    dialect::Definitions,
    filter::Filters,
    layout::{Layout, column_name},
    source::{Place, Scope},
    writer::{Placeholders, SqlWriter},
};

impl Definitions for Sqlite {
    fn catalog(&self) -> &'static [&'static str] {
        &[
            "CREATE TABLE IF NOT EXISTS _den_indexes (
    collection TEXT NOT NULL,
    name TEXT NOT NULL,
    fields TEXT NOT NULL,
    is_unique INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    kind TEXT,
    definition TEXT,
    hash TEXT,
    PRIMARY KEY (collection, name)
)",
            "CREATE TABLE IF NOT EXISTS _den_constraints (
    collection TEXT NOT NULL,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    definition TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (collection, name)
)",
        ]
    }

    fn collections(&self) -> &'static str {
        // Every table of den's shape but the side tables; `pragma_table_info` leaves generated
        // columns out, which is as well.
        "SELECT t.name AS name
FROM sqlite_schema AS t
WHERE t.type = 'table' AND substr(t.name, 1, 5) <> '_den_' AND substr(t.name, 1, 7) <> 'sqlite_'
    AND (SELECT count(*) FROM pragma_table_info(t.name) AS c WHERE c.name IN ('id', 'data')) = 2
ORDER BY t.name"
    }

    fn record_index(&self) -> &'static str {
        "INSERT INTO _den_indexes
    (collection, name, fields, is_unique, created_at, kind, definition, hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (collection, name) DO UPDATE SET
    fields = excluded.fields, is_unique = excluded.is_unique, kind = excluded.kind,
    definition = excluded.definition, hash = excluded.hash"
    }

    fn create_table(&self, sql: &mut SqlWriter, meta: &CollectionMeta) {
        let layout = Layout::of(meta);
        sql.push("CREATE TABLE IF NOT EXISTS ").ident(&meta.name);
        sql.push(" (\n    id TEXT PRIMARY KEY NOT NULL,\n    data BLOB NOT NULL");
        for (path, kind) in layout.columns() {
            sql.push(",\n    ");
            column(sql, &layout, path, kind, Typing::Strict);
        }
        sql.push("\n) STRICT");
    }

    fn add_column(&self, sql: &mut SqlWriter, collection: &str, path: &FieldPath, kind: FieldKind) {
        let layout = Layout::new(collection);
        sql.push("ALTER TABLE ")
            .ident(collection)
            .push(" ADD COLUMN ");
        column(sql, &layout, path, kind, Typing::Strict);
    }

    fn create_index(&self, layout: &Layout, index: &IndexMeta, _concurrently: bool) -> Vec<String> {
        match index.kind {
            IndexKind::Plain | IndexKind::Unique => vec![column_index(layout, index)],
            IndexKind::Search => search::create(layout, index),
            IndexKind::Members => index
                .fields
                .first()
                .map(|(field, _)| members_index(layout, &index.name, &field.path))
                .unwrap_or_default(),
        }
    }

    fn drop_index(&self, name: &str, kind: IndexKind) -> Vec<String> {
        let mut sql = SqlWriter::new(Placeholders::Question);
        match kind {
            IndexKind::Plain | IndexKind::Unique => {
                sql.push("DROP INDEX IF EXISTS ").ident(name);
                vec![sql.into_text()]
            }
            IndexKind::Search => search::drop(name),
            IndexKind::Members => {
                let mut statements: Vec<String> = Trigger::ALL
                    .iter()
                    .map(|trigger| {
                        let mut sql = SqlWriter::new(Placeholders::Question);
                        sql.push("DROP TRIGGER IF EXISTS ");
                        trigger_name(&mut sql, name, *trigger);
                        sql.into_text()
                    })
                    .collect();
                sql.push("DROP TABLE IF EXISTS ");
                members_table(&mut sql, name);
                statements.push(sql.into_text());
                statements
            }
        }
    }
}

/// Writes the name of the side table of a members or search index.
pub(super) fn members_table(sql: &mut SqlWriter, index: &str) {
    let mut name = String::from("_den_");
    name.push_str(index);
    sql.ident(&name);
}

/// What keeps a side table true to the documents.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trigger {
    Insert,
    Update,
    Delete,
}

impl Trigger {
    pub(super) const ALL: [Self; 3] = [Self::Insert, Self::Update, Self::Delete];
}

/// Writes the name of a trigger of a side table.
pub(super) fn trigger_name(sql: &mut SqlWriter, index: &str, trigger: Trigger) {
    let mut name = String::from("_den_");
    name.push_str(index);
    name.push_str(match trigger {
        Trigger::Insert => "_i",
        Trigger::Update => "_u",
        Trigger::Delete => "_d",
    });
    sql.ident(&name);
}

/// How a table takes the types of its columns.
#[derive(Debug, Clone, Copy)]
pub(super) enum Typing {
    /// As they are said: it is `STRICT`, as den makes it.
    Strict,
    /// As wishes.
    Loose,
}

/// Writes a generated column.
pub(super) fn column(
    sql: &mut SqlWriter,
    layout: &Layout,
    path: &FieldPath,
    kind: FieldKind,
    typing: Typing,
) {
    sql.ident(&column_name(path, kind));
    // `ANY` keeps integers and reals apart, so that numbers compare by exact value. Where types are
    // wishes it stands for `NUMERIC`, which turns "1" into 1; `BLOB` leaves values as they are there.
    sql.push(match (kind, typing) {
        (FieldKind::Text | FieldKind::Array | FieldKind::Object, _) => " TEXT",
        (FieldKind::Number | FieldKind::Any, Typing::Strict) => " ANY",
        (FieldKind::Number | FieldKind::Any, Typing::Loose) => " BLOB",
        (FieldKind::Bool, _) => " INTEGER",
    });
    sql.push(" GENERATED ALWAYS AS (");
    generated(sql, &table_place(layout, path), kind);
    sql.push(") VIRTUAL");
}

fn column_index(layout: &Layout, index: &IndexMeta) -> String {
    let mut sql = SqlWriter::of_definition(Placeholders::Question);
    sql.push(match index.kind {
        IndexKind::Unique => "CREATE UNIQUE INDEX IF NOT EXISTS ",
        IndexKind::Plain | IndexKind::Members | IndexKind::Search => "CREATE INDEX IF NOT EXISTS ",
    });
    sql.ident(&index.name)
        .push(" ON ")
        .ident(&layout.collection)
        .push(" (");
    let mut ends_in_id = false;
    let mut last = Direction::Asc;
    for (i, (field, direction)) in index.fields.iter().enumerate() {
        if i > 0 {
            sql.push(", ");
        }
        let place = table_place(layout, &field.path);
        ends_in_id |= place.is_id();
        last = *direction;
        index_key(&mut sql, &place, field.kind);
        push_direction(&mut sql, *direction);
    }
    if index.kind == IndexKind::Plain && !ends_in_id {
        sql.push(", id");
        push_direction(&mut sql, last);
    }
    let is_partial = !index.filter.is_always();
    if is_partial && index.kind == IndexKind::Unique {
        partial_end(&mut sql);
    }
    sql.push(")");
    if is_partial {
        sql.push("\nWHERE ");
        Filters::of_table(&Sqlite, layout).write(&mut sql, &index.filter);
    }
    sql.into_text()
}

/// Writes one key of an index.
pub(super) fn index_key(sql: &mut SqlWriter, place: &Place<'_>, kind: FieldKind) {
    if place.is_id() {
        sql.push("id");
    } else if let Some(column) = place.column(kind) {
        named_column(sql, Scope::Table, column);
    } else {
        sql.push("(");
        generated(sql, place, kind);
        sql.push(")");
    }
}

/// Writes what the keys of a partial unique index end with.
///
/// SQLite names the columns of an index that refuses a row, or with an expression among them the
/// index itself, which tells it from one over the same columns of other documents. Of constants,
/// an upsert would not find an index over a number, and text would be the name of a column.
pub(super) fn partial_end(sql: &mut SqlWriter) {
    sql.push(", (x'')");
}

fn push_direction(sql: &mut SqlWriter, direction: Direction) {
    match direction {
        Direction::Asc => {}
        Direction::Desc => {
            sql.push(" DESC");
        }
    }
}

/// A side table of the elements of one array field, and the triggers that keep it.
///
/// The id stands for the document, because row numbers change when the file is vacuumed. Arrays and
/// objects among the elements are only noted by type; a search looks at the document again.
fn members_index(layout: &Layout, index: &str, path: &FieldPath) -> Vec<String> {
    let mut statements = Vec::new();
    let mut sql = SqlWriter::new(Placeholders::Question);
    sql.push("CREATE TABLE IF NOT EXISTS ");
    members_table(&mut sql, index);
    sql.push(" (\n    kind TEXT NOT NULL,\n    value ANY NOT NULL,\n    id TEXT NOT NULL,");
    sql.push("\n    PRIMARY KEY (kind, value, id)\n) STRICT, WITHOUT ROWID");
    statements.push(sql.into_text());

    let mut sql = SqlWriter::new(Placeholders::Question);
    sql.push("CREATE INDEX IF NOT EXISTS ")
        .ident(index)
        .push(" ON ");
    members_table(&mut sql, index);
    sql.push(" (id)");
    statements.push(sql.into_text());

    let mut sql = SqlWriter::new(Placeholders::Question);
    delete_all(&mut sql, index);
    statements.push(sql.into_text());

    let mut sql = SqlWriter::new(Placeholders::Question);
    insert_members(&mut sql, layout, index, path, Scope::Document);
    statements.push(sql.into_text());

    for trigger in Trigger::ALL {
        let mut sql = SqlWriter::new(Placeholders::Question);
        sql.push("CREATE TRIGGER IF NOT EXISTS ");
        trigger_name(&mut sql, index, trigger);
        sql.push(match trigger {
            Trigger::Insert => " AFTER INSERT ON ",
            Trigger::Update => " AFTER UPDATE ON ",
            Trigger::Delete => " AFTER DELETE ON ",
        });
        sql.ident(&layout.collection);
        match trigger {
            Trigger::Insert => {
                // `INSERT OR REPLACE` fires no delete trigger for the row it replaces.
                sql.push(" BEGIN\n    ");
                delete_members(&mut sql, index, "NEW");
                sql.push(";\n    ");
                insert_members(&mut sql, layout, index, path, Scope::New);
            }
            Trigger::Update => {
                when_changed(&mut sql, layout, path);
                sql.push(" BEGIN\n    ");
                delete_members(&mut sql, index, "OLD");
                sql.push(";\n    ");
                insert_members(&mut sql, layout, index, path, Scope::New);
            }
            Trigger::Delete => {
                sql.push(" BEGIN\n    ");
                delete_members(&mut sql, index, "OLD");
            }
        }
        sql.push(";\nEND");
        statements.push(sql.into_text());
    }
    statements
}

fn delete_all(sql: &mut SqlWriter, index: &str) {
    sql.push("DELETE FROM ");
    members_table(sql, index);
}

/// Deletes the elements of a trigger's row, `OLD` or `NEW`.
fn delete_members(sql: &mut SqlWriter, index: &str, row: &'static str) {
    delete_all(sql, index);
    sql.push(" WHERE id = ").push(row).push(".id");
}

/// Writes the condition that the array changed: most updates leave it as it was.
fn when_changed(sql: &mut SqlWriter, layout: &Layout, path: &FieldPath) {
    let at = |scope| Place {
        scope,
        path,
        layout,
    };
    sql.push(" WHEN OLD.id <> NEW.id OR ");
    read(sql, Read::Json, &at(Scope::Old));
    sql.push(" IS NOT ");
    read(sql, Read::Json, &at(Scope::New));
}

/// Copies the elements of one row, or of all rows of the table under alias `d`.
fn insert_members(
    sql: &mut SqlWriter,
    layout: &Layout,
    index: &str,
    path: &FieldPath,
    scope: Scope,
) {
    let place = Place {
        scope,
        path,
        layout,
    };
    // `DISTINCT` and not `OR IGNORE`: the statement that fires a trigger overrides its conflict
    // rules.
    sql.push("INSERT INTO ");
    members_table(sql, index);
    sql.push(" (kind, value, id)\n    SELECT DISTINCT CASE m.type WHEN 'integer' THEN 'number'");
    sql.push(" WHEN 'real' THEN 'number' WHEN 'true' THEN 'bool' WHEN 'false' THEN 'bool'");
    sql.push(" ELSE m.type END, CASE WHEN m.type IN ('null', 'array', 'object') THEN 0");
    sql.push(" ELSE m.value END, ");
    id(sql, scope);
    sql.push("\n    FROM ");
    if scope == Scope::Document {
        sql.ident(&layout.collection).push(" AS d, ");
    }
    each(sql, &place);
    sql.push(" AS m\n    WHERE ");
    read(sql, Read::Type, &place);
    sql.push(" = 'array'");
}

fn table_place<'a>(layout: &'a Layout, path: &'a FieldPath) -> Place<'a> {
    Place {
        scope: Scope::Table,
        path,
        layout,
    }
}
