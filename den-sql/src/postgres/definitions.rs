//! Tables, columns and indexes of PostgreSQL.

use den_backend::{CollectionMeta, Direction, FieldKind, FieldPath, IndexKind, IndexMeta};

use super::{
    Postgres,
    locator::{generated, json, named_column},
    search,
};
use crate::{
    dialect::Definitions,
    filter::Filters,
    layout::{Layout, column_name},
    source::{Place, Scope},
    writer::{Placeholders, SqlWriter},
};

impl Definitions for Postgres {
    fn catalog(&self) -> &'static [&'static str] {
        &[
            "CREATE TABLE IF NOT EXISTS _den_indexes (
    collection text NOT NULL,
    name text NOT NULL,
    fields jsonb NOT NULL,
    is_unique boolean NOT NULL,
    created_at timestamptz NOT NULL,
    kind text,
    definition text,
    hash text,
    PRIMARY KEY (collection, name)
)",
            "CREATE TABLE IF NOT EXISTS _den_constraints (
    collection text NOT NULL,
    name text NOT NULL,
    position bigint NOT NULL,
    kind text NOT NULL,
    definition text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (collection, name)
)",
        ]
    }

    fn collections(&self) -> &'static str {
        "SELECT t.relname::text AS name
FROM pg_catalog.pg_class AS t
WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND starts_with(t.relname::text, '_den_') IS FALSE
    AND pg_catalog.pg_table_is_visible(t.oid)
    AND EXISTS (
        SELECT 1 FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = t.oid AND a.attname = 'id' AND a.atttypid = 'text'::regtype
            AND NOT a.attisdropped
    )
    AND EXISTS (
        SELECT 1 FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = t.oid AND a.attname = 'data' AND a.atttypid = 'jsonb'::regtype
            AND NOT a.attisdropped
    )
ORDER BY t.relname::text COLLATE \"C\" NULLS FIRST"
    }

    fn record_index(&self) -> &'static str {
        "INSERT INTO _den_indexes
    (collection, name, fields, is_unique, created_at, kind, definition, hash)
VALUES ($1::text, $2::text, $3::jsonb, $4::boolean, ($5::text)::timestamptz, $6::text, $7::text, $8::text)
ON CONFLICT (collection, name) DO UPDATE SET
    fields = excluded.fields, is_unique = excluded.is_unique, kind = excluded.kind,
    definition = excluded.definition, hash = excluded.hash"
    }

    fn create_table(&self, sql: &mut SqlWriter, meta: &CollectionMeta) {
        let layout = Layout::of(meta);
        sql.push("CREATE TABLE IF NOT EXISTS ").ident(&meta.name);
        sql.push(" (\n    id text COLLATE \"C\" PRIMARY KEY,\n    data jsonb NOT NULL");
        for (path, kind) in layout.columns() {
            sql.push(",\n    ");
            column(sql, &layout, path, kind);
        }
        for index in meta
            .indexes
            .iter()
            .filter(|it| it.kind == IndexKind::Search)
        {
            sql.push(",\n    ");
            search::column(sql, &meta.name, index);
        }
        // Room in each page lets an update stay beside the old row, so that no index is touched.
        sql.push("\n) WITH (fillfactor = 90)");
    }

    fn add_column(&self, sql: &mut SqlWriter, collection: &str, path: &FieldPath, kind: FieldKind) {
        let layout = Layout::new(collection);
        sql.push("ALTER TABLE ").ident(collection);
        sql.push(" ADD COLUMN IF NOT EXISTS ");
        column(sql, &layout, path, kind);
    }

    fn create_index(&self, layout: &Layout, index: &IndexMeta, concurrently: bool) -> Vec<String> {
        let mut sql = SqlWriter::of_definition(Placeholders::Dollar);
        sql.push(match index.kind {
            IndexKind::Unique => "CREATE UNIQUE INDEX ",
            IndexKind::Plain | IndexKind::Members | IndexKind::Search => "CREATE INDEX ",
        });
        if concurrently {
            sql.push("CONCURRENTLY ");
        }
        sql.push("IF NOT EXISTS ").ident(&index.name);
        sql.push(" ON ").ident(&layout.collection);
        match index.kind {
            IndexKind::Plain | IndexKind::Unique => keys(&mut sql, layout, index),
            IndexKind::Search => search::index_key(&mut sql, layout, index),
            IndexKind::Members => {
                sql.push(" USING gin (");
                for (i, (field, _)) in index.fields.iter().enumerate() {
                    if i > 0 {
                        sql.push(", ");
                    }
                    json(&mut sql, &table_place(layout, &field.path));
                    sql.push(" jsonb_path_ops");
                }
                sql.push(")");
            }
        }
        if !index.filter.is_always() {
            sql.push("\nWHERE ");
            Filters::of_table(self, layout).write(&mut sql, &index.filter);
        }
        vec![sql.into_text()]
    }

    fn drop_index(&self, name: &str, _kind: IndexKind) -> Vec<String> {
        let mut sql = SqlWriter::new(Placeholders::Dollar);
        sql.push("DROP INDEX IF EXISTS ").ident(name);
        vec![sql.into_text()]
    }
}

fn column(sql: &mut SqlWriter, layout: &Layout, path: &FieldPath, kind: FieldKind) {
    sql.ident(&column_name(path, kind));
    sql.push(match kind {
        FieldKind::Text => " text COLLATE \"C\"",
        // Any other type of number refuses or rounds some JSON numbers.
        FieldKind::Number => " numeric",
        FieldKind::Bool => " boolean",
        FieldKind::Array | FieldKind::Object | FieldKind::Any => " jsonb",
    });
    sql.push(" GENERATED ALWAYS AS (");
    generated(sql, &table_place(layout, path), kind);
    sql.push(") STORED");
}

fn keys(sql: &mut SqlWriter, layout: &Layout, index: &IndexMeta) {
    sql.push(" (");
    let mut ends_in_id = false;
    let mut last = Direction::Asc;
    for (i, (field, direction)) in index.fields.iter().enumerate() {
        if i > 0 {
            sql.push(", ");
        }
        let place = table_place(layout, &field.path);
        last = *direction;
        if place.is_id() {
            ends_in_id = true;
            sql.push("id");
            sql.push(id_direction(*direction));
            continue;
        }
        if let Some(column) = place.column(field.kind) {
            named_column(sql, Scope::Table, column);
        } else {
            sql.push("(");
            generated(sql, &place, field.kind);
            sql.push(")");
        }
        // Null is the smallest value: so both directions of the default order stream.
        sql.push(match direction {
            Direction::Asc => " ASC NULLS FIRST",
            Direction::Desc => " DESC NULLS LAST",
        });
    }
    if index.kind == IndexKind::Plain && !ends_in_id {
        sql.push(", id").push(id_direction(last));
    }
    sql.push(")");
}

fn id_direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Asc => "",
        Direction::Desc => " DESC",
    }
}

fn table_place<'a>(layout: &'a Layout, path: &'a FieldPath) -> Place<'a> {
    Place {
        scope: Scope::Table,
        path,
        layout,
    }
}
