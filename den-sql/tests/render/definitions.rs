//! Tables, columns and indexes.

use den_backend::{CollectionMeta, Direction, FieldKind, FieldPath, IndexKind, IndexMeta};
use den_sql::{Layout, POSTGRES, SQLITE, column_name, schema};
use expect_test::{Expect, expect};

use crate::support::{bare, index, path};

#[track_caller]
fn check_ddl(lite: &[String], pg: &[String], sqlite: &Expect, postgres: &Expect) {
    // den's own functions in a table would lock other tools out.
    assert!(!lite.iter().any(|it| it.contains("den_json_eq")
        || it.contains("den_regexp")
        || it.contains("den_fail")));
    sqlite.assert_eq(&lite.join(";\n"));
    postgres.assert_eq(&pg.join(";\n"));
}

fn articles_meta() -> CollectionMeta {
    let mut meta = CollectionMeta::new("articles");
    meta.indexes = vec![
        index(
            "ix_price",
            IndexKind::Plain,
            &[("price", FieldKind::Number, Direction::Asc)],
        ),
        index(
            "ux_title",
            IndexKind::Unique,
            &[("title", FieldKind::Text, Direction::Asc)],
        ),
        index(
            "mx_tags",
            IndexKind::Members,
            &[("tags", FieldKind::Array, Direction::Asc)],
        ),
    ];
    meta
}

fn kinds() -> IndexMeta {
    index(
        "ix_kinds",
        IndexKind::Plain,
        &[
            ("draft", FieldKind::Bool, Direction::Desc),
            ("mixed", FieldKind::Any, Direction::Asc),
            ("list", FieldKind::Array, Direction::Asc),
            ("map", FieldKind::Object, Direction::Desc),
        ],
    )
}

#[test]
fn the_catalog() {
    check_ddl(
        &schema::catalog(SQLITE),
        &schema::catalog(POSTGRES),
        &expect![[r#"
            CREATE TABLE IF NOT EXISTS _den_indexes (
                collection TEXT NOT NULL,
                name TEXT NOT NULL,
                fields TEXT NOT NULL,
                is_unique INTEGER NOT NULL,
                created_at TEXT NOT NULL,
                kind TEXT,
                definition TEXT,
                hash TEXT,
                PRIMARY KEY (collection, name)
            );
            CREATE TABLE IF NOT EXISTS _den_constraints (
                collection TEXT NOT NULL,
                name TEXT NOT NULL,
                position INTEGER NOT NULL,
                kind TEXT NOT NULL,
                definition TEXT NOT NULL,
                created_at TEXT NOT NULL,
                PRIMARY KEY (collection, name)
            )"#]],
        &expect![[r#"
            CREATE TABLE IF NOT EXISTS _den_indexes (
                collection text NOT NULL,
                name text NOT NULL,
                fields jsonb NOT NULL,
                is_unique boolean NOT NULL,
                created_at timestamptz NOT NULL,
                kind text,
                definition text,
                hash text,
                PRIMARY KEY (collection, name)
            );
            CREATE TABLE IF NOT EXISTS _den_constraints (
                collection text NOT NULL,
                name text NOT NULL,
                position bigint NOT NULL,
                kind text NOT NULL,
                definition text NOT NULL,
                created_at timestamptz NOT NULL,
                PRIMARY KEY (collection, name)
            )"#]],
    );
}

#[test]
fn a_table_with_columns() {
    check_ddl(
        &[schema::create_table(SQLITE, &articles_meta())],
        &[schema::create_table(POSTGRES, &articles_meta())],
        &expect![[r#"
            CREATE TABLE IF NOT EXISTS "articles" (
                id TEXT PRIMARY KEY NOT NULL,
                data BLOB NOT NULL,
                "n_price_a39347ce" ANY GENERATED ALWAYS AS (CASE WHEN json_type(data, '$.price') IN ('integer', 'real') THEN data ->> '$.price' END) VIRTUAL,
                "t_title_d62a4945" TEXT GENERATED ALWAYS AS (CASE json_type(data, '$.title') WHEN 'text' THEN data ->> '$.title' END) VIRTUAL
            ) STRICT"#]],
        &expect![[r#"
            CREATE TABLE IF NOT EXISTS "articles" (
                id text COLLATE "C" PRIMARY KEY,
                data jsonb NOT NULL,
                "n_price_a39347ce" numeric GENERATED ALWAYS AS ((CASE WHEN jsonb_typeof(data->'price') = 'number' THEN (data->>'price')::numeric END)) STORED,
                "t_title_d62a4945" text COLLATE "C" GENERATED ALWAYS AS ((CASE WHEN jsonb_typeof(data->'title') = 'string' THEN data->>'title' END) COLLATE "C") STORED
            ) WITH (fillfactor = 90)"#]],
    );
}

#[test]
fn a_late_column() {
    check_ddl(
        &[schema::add_column(
            SQLITE,
            "articles",
            &path("a.b"),
            FieldKind::Text,
        )],
        &[schema::add_column(
            POSTGRES,
            "articles",
            &path("a.b"),
            FieldKind::Text,
        )],
        &expect![[
            r#"ALTER TABLE "articles" ADD COLUMN "t_a_b_e1f533e1" TEXT GENERATED ALWAYS AS (CASE json_type(data, '$.a.b') WHEN 'text' THEN data ->> '$.a.b' END) VIRTUAL"#
        ]],
        &expect![[
            r#"ALTER TABLE "articles" ADD COLUMN IF NOT EXISTS "t_a_b_e1f533e1" text COLLATE "C" GENERATED ALWAYS AS ((CASE WHEN jsonb_typeof(data->'a'->'b') = 'string' THEN data->'a'->>'b' END) COLLATE "C") STORED"#
        ]],
    );
}

#[test]
fn a_plain_index_ends_in_the_id() {
    check_ddl(
        &schema::create_index(
            SQLITE,
            &Layout::of(&articles_meta()),
            &articles_meta().indexes[0],
            false,
        ),
        &schema::create_index(
            POSTGRES,
            &Layout::of(&articles_meta()),
            &articles_meta().indexes[0],
            false,
        ),
        &expect![[
            r#"CREATE INDEX IF NOT EXISTS "ix_price" ON "articles" ("n_price_a39347ce", id)"#
        ]],
        &expect![[
            r#"CREATE INDEX IF NOT EXISTS "ix_price" ON "articles" ("n_price_a39347ce" ASC NULLS FIRST, id)"#
        ]],
    );
}

#[test]
fn a_unique_index_does_not() {
    check_ddl(
        &schema::create_index(
            SQLITE,
            &Layout::of(&articles_meta()),
            &articles_meta().indexes[1],
            true,
        ),
        &schema::create_index(
            POSTGRES,
            &Layout::of(&articles_meta()),
            &articles_meta().indexes[1],
            true,
        ),
        &expect![[
            r#"CREATE UNIQUE INDEX IF NOT EXISTS "ux_title" ON "articles" ("t_title_d62a4945")"#
        ]],
        &expect![[
            r#"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "ux_title" ON "articles" ("t_title_d62a4945" ASC NULLS FIRST)"#
        ]],
    );
}

#[test]
fn a_members_index() {
    check_ddl(
        &schema::create_index(
            SQLITE,
            &Layout::of(&articles_meta()),
            &articles_meta().indexes[2],
            false,
        ),
        &schema::create_index(
            POSTGRES,
            &Layout::of(&articles_meta()),
            &articles_meta().indexes[2],
            false,
        ),
        &expect![[r#"
            CREATE TABLE IF NOT EXISTS "_den_mx_tags" (
                kind TEXT NOT NULL,
                value ANY NOT NULL,
                id TEXT NOT NULL,
                PRIMARY KEY (kind, value, id)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX IF NOT EXISTS "mx_tags" ON "_den_mx_tags" (id);
            DELETE FROM "_den_mx_tags";
            INSERT INTO "_den_mx_tags" (kind, value, id)
                SELECT DISTINCT CASE m.type WHEN 'integer' THEN 'number' WHEN 'real' THEN 'number' WHEN 'true' THEN 'bool' WHEN 'false' THEN 'bool' ELSE m.type END, CASE WHEN m.type IN ('null', 'array', 'object') THEN 0 ELSE m.value END, d.id
                FROM "articles" AS d, json_each(d.data, '$.tags') AS m
                WHERE json_type(d.data, '$.tags') = 'array';
            CREATE TRIGGER IF NOT EXISTS "_den_mx_tags_i" AFTER INSERT ON "articles" BEGIN
                DELETE FROM "_den_mx_tags" WHERE id = NEW.id;
                INSERT INTO "_den_mx_tags" (kind, value, id)
                SELECT DISTINCT CASE m.type WHEN 'integer' THEN 'number' WHEN 'real' THEN 'number' WHEN 'true' THEN 'bool' WHEN 'false' THEN 'bool' ELSE m.type END, CASE WHEN m.type IN ('null', 'array', 'object') THEN 0 ELSE m.value END, NEW.id
                FROM json_each(NEW.data, '$.tags') AS m
                WHERE json_type(NEW.data, '$.tags') = 'array';
            END;
            CREATE TRIGGER IF NOT EXISTS "_den_mx_tags_u" AFTER UPDATE ON "articles" WHEN OLD.id <> NEW.id OR OLD.data -> '$.tags' IS NOT NEW.data -> '$.tags' BEGIN
                DELETE FROM "_den_mx_tags" WHERE id = OLD.id;
                INSERT INTO "_den_mx_tags" (kind, value, id)
                SELECT DISTINCT CASE m.type WHEN 'integer' THEN 'number' WHEN 'real' THEN 'number' WHEN 'true' THEN 'bool' WHEN 'false' THEN 'bool' ELSE m.type END, CASE WHEN m.type IN ('null', 'array', 'object') THEN 0 ELSE m.value END, NEW.id
                FROM json_each(NEW.data, '$.tags') AS m
                WHERE json_type(NEW.data, '$.tags') = 'array';
            END;
            CREATE TRIGGER IF NOT EXISTS "_den_mx_tags_d" AFTER DELETE ON "articles" BEGIN
                DELETE FROM "_den_mx_tags" WHERE id = OLD.id;
            END"#]],
        &expect![[
            r#"CREATE INDEX IF NOT EXISTS "mx_tags" ON "articles" USING gin ((data->'tags') jsonb_path_ops)"#
        ]],
    );
}

#[test]
fn an_index_over_expressions() {
    check_ddl(
        &schema::create_index(SQLITE, &bare(), &kinds(), true),
        &schema::create_index(POSTGRES, &bare(), &kinds(), true),
        &expect![[
            r#"CREATE INDEX IF NOT EXISTS "ix_kinds" ON "articles" ((CASE json_type(data, '$.draft') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END) DESC, (CASE json_type(data, '$.mixed') WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' WHEN 'array' THEN CAST(data -> '$.mixed' AS BLOB) WHEN 'object' THEN CAST(data -> '$.mixed' AS BLOB) ELSE data ->> '$.mixed' END), (CASE json_type(data, '$.list') WHEN 'array' THEN data -> '$.list' END), (CASE json_type(data, '$.map') WHEN 'object' THEN data -> '$.map' END) DESC, id DESC)"#
        ]],
        &expect![[
            r#"CREATE INDEX CONCURRENTLY IF NOT EXISTS "ix_kinds" ON "articles" (((CASE WHEN jsonb_typeof(data->'draft') = 'boolean' THEN (data->'draft')::boolean END)) DESC NULLS LAST, (nullif(data->'mixed', 'null'::jsonb)) ASC NULLS FIRST, ((CASE WHEN jsonb_typeof(data->'list') = 'array' THEN data->'list' END)) ASC NULLS FIRST, ((CASE WHEN jsonb_typeof(data->'map') = 'object' THEN data->'map' END)) DESC NULLS LAST, id DESC)"#
        ]],
    );
}

#[test]
fn an_index_with_the_id() {
    check_ddl(
        &schema::create_index(
            SQLITE,
            &bare(),
            &index(
                "ix",
                IndexKind::Plain,
                &[("_id", FieldKind::Text, Direction::Desc)],
            ),
            false,
        ),
        &schema::create_index(
            POSTGRES,
            &bare(),
            &index(
                "ix",
                IndexKind::Plain,
                &[("_id", FieldKind::Text, Direction::Desc)],
            ),
            false,
        ),
        &expect![[r#"CREATE INDEX IF NOT EXISTS "ix" ON "articles" (id DESC)"#]],
        &expect![[r#"CREATE INDEX IF NOT EXISTS "ix" ON "articles" (id DESC)"#]],
    );
}

#[test]
fn a_dropped_index() {
    check_ddl(
        &schema::drop_index(SQLITE, "articles", "ix", IndexKind::Plain),
        &schema::drop_index(POSTGRES, "articles", "ix", IndexKind::Plain),
        &expect![[r#"DROP INDEX IF EXISTS "ix""#]],
        &expect![[r#"DROP INDEX IF EXISTS "ix""#]],
    );
}

#[test]
fn a_dropped_members_index() {
    check_ddl(
        &schema::drop_index(SQLITE, "articles", "mx", IndexKind::Members),
        &schema::drop_index(POSTGRES, "articles", "mx", IndexKind::Members),
        &expect![[r#"
            DROP TRIGGER IF EXISTS "_den_mx_i";
            DROP TRIGGER IF EXISTS "_den_mx_u";
            DROP TRIGGER IF EXISTS "_den_mx_d";
            DROP TABLE IF EXISTS "_den_mx""#]],
        &expect![[r#"DROP INDEX IF EXISTS "mx""#]],
    );
}

#[test]
fn a_dropped_table() {
    check_ddl(
        &schema::drop_table(SQLITE, "a\"b"),
        &schema::drop_table(POSTGRES, "a\"b"),
        &expect![[r#"DROP TABLE IF EXISTS "a""b""#]],
        &expect![[r#"DROP TABLE IF EXISTS "a""b""#]],
    );
}

#[test]
fn records() {
    check_ddl(
        &[
            schema::record_index(SQLITE).to_owned(),
            schema::forget_index(SQLITE),
            schema::forget_collection(SQLITE),
            schema::recorded_indexes(SQLITE),
            schema::collections(SQLITE).to_owned(),
        ],
        &[
            schema::record_index(POSTGRES).to_owned(),
            schema::forget_index(POSTGRES),
            schema::forget_collection(POSTGRES),
            schema::recorded_indexes(POSTGRES),
            schema::collections(POSTGRES).to_owned(),
        ],
        &expect![[r#"
            INSERT INTO _den_indexes
                (collection, name, fields, is_unique, created_at, kind, definition, hash)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (collection, name) DO UPDATE SET
                fields = excluded.fields, is_unique = excluded.is_unique, kind = excluded.kind,
                definition = excluded.definition, hash = excluded.hash;
            DELETE FROM _den_indexes WHERE collection = ?1 AND name = ?2;
            DELETE FROM _den_indexes WHERE collection = ?1;
            SELECT name, fields, is_unique, kind, definition, hash
            FROM _den_indexes
            WHERE collection = ?1
            ORDER BY name ASC NULLS FIRST;
            SELECT t.name AS name
            FROM sqlite_schema AS t
            WHERE t.type = 'table' AND substr(t.name, 1, 5) <> '_den_' AND substr(t.name, 1, 7) <> 'sqlite_'
                AND (SELECT count(*) FROM pragma_table_info(t.name) AS c WHERE c.name IN ('id', 'data')) = 2
            ORDER BY t.name"#]],
        &expect![[r#"
            INSERT INTO _den_indexes
                (collection, name, fields, is_unique, created_at, kind, definition, hash)
            VALUES ($1::text, $2::text, $3::jsonb, $4::boolean, ($5::text)::timestamptz, $6::text, $7::text, $8::text)
            ON CONFLICT (collection, name) DO UPDATE SET
                fields = excluded.fields, is_unique = excluded.is_unique, kind = excluded.kind,
                definition = excluded.definition, hash = excluded.hash;
            DELETE FROM _den_indexes WHERE collection = $1::text AND name = $2::text;
            DELETE FROM _den_indexes WHERE collection = $1::text;
            SELECT name, fields, is_unique, kind, definition, hash
            FROM _den_indexes
            WHERE collection = $1::text
            ORDER BY name ASC NULLS FIRST;
            SELECT t.relname::text AS name
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
            ORDER BY t.relname::text COLLATE "C" NULLS FIRST"#]],
    );
}

#[test]
fn column_names_are_short_and_do_not_collide() {
    let long = FieldPath::from_segments(["x".repeat(200)]).unwrap();
    assert!(column_name(&long, FieldKind::Text).len() <= 50);
    assert!(column_name(&path("Ünï"), FieldKind::Text).is_ascii());
    assert_ne!(
        column_name(&path("a.b_c"), FieldKind::Text),
        column_name(&path("a_b.c"), FieldKind::Text)
    );
    assert_ne!(
        column_name(&path("a"), FieldKind::Text),
        column_name(&path("a"), FieldKind::Number)
    );
    for name in ["id", "data"] {
        assert_ne!(column_name(&path(name), FieldKind::Any), name);
    }
}
