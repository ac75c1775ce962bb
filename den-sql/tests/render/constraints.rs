//! Constraints: the documents that break them, what refuses such documents, and den's records.

use den_backend::{CompareOp, ConstraintKind, ConstraintMeta, FieldKind, JsonType};
use den_sql::{
    POSTGRES, SQLITE,
    constraint::{self, backing_index, offenders},
    sqlite_constraints::{add_column_to_plain_table, create_guards, drop_guards, sharing},
};
use expect_test::{Expect, expect};

use crate::{
    lint::lint_sqlite,
    support::{bare, check_statements, compare, field, path, show},
};

fn named(kind: ConstraintKind) -> ConstraintMeta {
    ConstraintMeta {
        name: "it's".to_owned(),
        kind,
    }
}

/// The documents that break a constraint, on both engines.
#[track_caller]
fn check_offenders(kind: ConstraintKind, sqlite: &Expect, postgres: &Expect) {
    let constraint = named(kind);
    check_statements(
        &offenders(SQLITE, &bare(), &constraint, 10),
        &offenders(POSTGRES, &bare(), &constraint, 10),
        sqlite,
        postgres,
    );
}

fn types(types: &[JsonType]) -> ConstraintKind {
    ConstraintKind::Type {
        field: path("a.b"),
        types: types.to_vec(),
    }
}

#[test]
fn a_required_field() {
    check_offenders(
        ConstraintKind::Required { field: path("a.b") },
        &expect![[r#"
            SELECT d.id AS id
            FROM "articles" AS d
            WHERE ((ifnull(json_type(d.data, '$.a.b'), 'null') = 'null') IS NOT TRUE) IS NOT TRUE
            ORDER BY d.id ASC NULLS FIRST
            LIMIT ?1
            -- 1 Rows(10)"#]],
        &expect![[r#"
            SELECT d.id AS id
            FROM "articles" AS d
            WHERE ((coalesce(d.data->'a'->'b', 'null'::jsonb) = 'null'::jsonb) IS NOT TRUE) IS NOT TRUE
            ORDER BY d.id ASC NULLS FIRST
            LIMIT $1::bigint
            -- 1 Rows(10)"#]],
    );
}

#[test]
fn a_key() {
    let fields = vec![path("a"), path("b.0")];
    check_offenders(
        ConstraintKind::Key { fields },
        &expect![[r#"
            SELECT d.id AS id
            FROM "articles" AS d
            WHERE (((ifnull(json_type(d.data, '$.a'), 'null') = 'null') IS NOT TRUE AND (ifnull(coalesce(json_type(d.data, '$.b[0]'), json_type(d.data, '$.b."0"')), 'null') = 'null') IS NOT TRUE)) IS NOT TRUE
            ORDER BY d.id ASC NULLS FIRST
            LIMIT ?1
            -- 1 Rows(10)"#]],
        &expect![[r#"
            SELECT d.id AS id
            FROM "articles" AS d
            WHERE (((coalesce(d.data->'a', 'null'::jsonb) = 'null'::jsonb) IS NOT TRUE AND (coalesce(d.data->'b'#>'{0}', 'null'::jsonb) = 'null'::jsonb) IS NOT TRUE)) IS NOT TRUE
            ORDER BY d.id ASC NULLS FIRST
            LIMIT $1::bigint
            -- 1 Rows(10)"#]],
    );
}

#[test]
fn one_type() {
    check_offenders(
        types(&[JsonType::Bool]),
        &expect![[r#"
        SELECT d.id AS id
        FROM "articles" AS d
        WHERE ((ifnull(json_type(d.data, '$.a.b'), 'null') IN ('null', 'true', 'false'))) IS NOT TRUE
        ORDER BY d.id ASC NULLS FIRST
        LIMIT ?1
        -- 1 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id
        FROM "articles" AS d
        WHERE ((coalesce(jsonb_typeof(d.data->'a'->'b'), 'null') IN ('null', 'boolean'))) IS NOT TRUE
        ORDER BY d.id ASC NULLS FIRST
        LIMIT $1::bigint
        -- 1 Rows(10)"#]],
    );
}

#[test]
fn an_integer_is_a_number_without_fraction() {
    check_offenders(
        types(&[JsonType::Integer, JsonType::String]),
        &expect![[r#"
            SELECT d.id AS id
            FROM "articles" AS d
            WHERE ((ifnull(json_type(d.data, '$.a.b'), 'null') IN ('null', 'integer', 'text') OR ifnull(CASE WHEN json_type(d.data, '$.a.b') IN ('integer', 'real') THEN d.data ->> '$.a.b' END = round(CASE WHEN json_type(d.data, '$.a.b') IN ('integer', 'real') THEN d.data ->> '$.a.b' END), 0))) IS NOT TRUE
            ORDER BY d.id ASC NULLS FIRST
            LIMIT ?1
            -- 1 Rows(10)"#]],
        &expect![[r#"
            SELECT d.id AS id
            FROM "articles" AS d
            WHERE ((coalesce(jsonb_typeof(d.data->'a'->'b'), 'null') IN ('null', 'string') OR coalesce((CASE WHEN jsonb_typeof(d.data->'a'->'b') = 'number' THEN (d.data->'a'->>'b')::numeric END) = trunc((CASE WHEN jsonb_typeof(d.data->'a'->'b') = 'number' THEN (d.data->'a'->>'b')::numeric END)), false))) IS NOT TRUE
            ORDER BY d.id ASC NULLS FIRST
            LIMIT $1::bigint
            -- 1 Rows(10)"#]],
    );
}

#[test]
fn every_type() {
    let all = [
        JsonType::String,
        JsonType::Integer,
        JsonType::Number,
        JsonType::Bool,
        JsonType::Array,
        JsonType::Object,
    ];
    check_offenders(
        types(&all),
        &expect![[r#"
        SELECT d.id AS id
        FROM "articles" AS d
        WHERE ((ifnull(json_type(d.data, '$.a.b'), 'null') IN ('null', 'text', 'integer', 'integer', 'real', 'true', 'false', 'array', 'object'))) IS NOT TRUE
        ORDER BY d.id ASC NULLS FIRST
        LIMIT ?1
        -- 1 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id
        FROM "articles" AS d
        WHERE ((coalesce(jsonb_typeof(d.data->'a'->'b'), 'null') IN ('null', 'string', 'number', 'boolean', 'array', 'object'))) IS NOT TRUE
        ORDER BY d.id ASC NULLS FIRST
        LIMIT $1::bigint
        -- 1 Rows(10)"#]],
    );
}

#[test]
fn a_check() {
    let filter = compare(CompareOp::Gt, field("price"), 0).not();
    check_offenders(
        ConstraintKind::Check { filter },
        &expect![[r#"
            SELECT d.id AS id
            FROM "articles" AS d
            WHERE ((CASE WHEN json_type(d.data, '$.price') IN ('integer', 'real') THEN d.data ->> '$.price' END > ?1) IS NOT TRUE) IS NOT TRUE
            ORDER BY d.id ASC NULLS FIRST
            LIMIT ?2
            -- 1 Int(0)
            -- 2 Rows(10)"#]],
        &expect![[r#"
            SELECT d.id AS id
            FROM "articles" AS d
            WHERE (((CASE WHEN jsonb_typeof(d.data->'price') = 'number' THEN (d.data->>'price')::numeric END) > $1::numeric) IS NOT TRUE) IS NOT TRUE
            ORDER BY d.id ASC NULLS FIRST
            LIMIT $2::bigint
            -- 1 Int(0)
            -- 2 Rows(10)"#]],
    );
}

#[test]
fn a_row_is_looked_at_before_it_is_written() {
    let guards = create_guards("articles", &named(types(&[JsonType::Number]))).join(";\n");
    lint_sqlite(&guards);
    expect![[r#"
        CREATE TRIGGER "_den:it's:insert" BEFORE INSERT ON "articles"
        WHEN ((ifnull(json_type(NEW.data, '$.a.b'), 'null') IN ('null', 'integer', 'real'))) IS NOT TRUE
        BEGIN
            SELECT RAISE(ABORT, 'den:constraint:it''s');
        END;
        CREATE TRIGGER "_den:it's:update" BEFORE UPDATE OF data ON "articles"
        WHEN ((ifnull(json_type(NEW.data, '$.a.b'), 'null') IN ('null', 'integer', 'real'))) IS NOT TRUE
        BEGIN
            SELECT RAISE(ABORT, 'den:constraint:it''s');
        END"#]].assert_eq(&guards);
    let filter = compare(CompareOp::Eq, field("a"), "it's");
    let guards = create_guards("it's", &named(ConstraintKind::Check { filter }));
    expect![[r#"
        CREATE TRIGGER "_den:it's:insert" BEFORE INSERT ON "it's"
        WHEN (CASE json_type(NEW.data, '$.a') WHEN 'text' THEN NEW.data ->> '$.a' END = 'it''s') IS NOT TRUE
        BEGIN
            SELECT RAISE(ABORT, 'den:constraint:it''s');
        END"#]].assert_eq(&guards[0]);
    let dropped = drop_guards(&named(types(&[JsonType::Number]))).join(";\n");
    expect![[r#"
        DROP TRIGGER IF EXISTS "_den:it's:insert";
        DROP TRIGGER IF EXISTS "_den:it's:update""#]]
    .assert_eq(&dropped);
}

#[test]
fn unique_values_have_an_index_alone() {
    let fields = vec![path("a"), path("_id")];
    let unique = named(ConstraintKind::Unique { fields });
    assert!(create_guards("articles", &unique).is_empty());
    let index = backing_index(&unique).unwrap();
    let layout = bare().with_column(path("a"), FieldKind::Any);
    expect![[r#"
        SELECT id AS id
        FROM "articles"
        WHERE ("a_a_296230c0", id) IN (
            SELECT "a_a_296230c0", id
            FROM "articles"
            WHERE "a_a_296230c0" IS NOT NULL AND id IS NOT NULL
            GROUP BY "a_a_296230c0", id
            HAVING count(*) > 1
        )
        ORDER BY id
        LIMIT ?1
        -- 1 Rows(10)"#]]
    .assert_eq(&show(&sharing(&layout, &index, 10)));
}

#[test]
fn a_table_of_another_program_takes_types_for_wishes() {
    let sql = add_column_to_plain_table("articles", &path("a"), FieldKind::Any);
    expect![[r#"ALTER TABLE "articles" ADD COLUMN "a_a_296230c0" BLOB GENERATED ALWAYS AS (CASE json_type(data, '$.a') WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' WHEN 'array' THEN CAST(data -> '$.a' AS BLOB) WHEN 'object' THEN CAST(data -> '$.a' AS BLOB) ELSE data ->> '$.a' END) VIRTUAL"#]].assert_eq(&sql);
}

#[test]
fn records() {
    let [lite, pg] = [SQLITE, POSTGRES].map(|dialect| {
        [
            constraint::record(dialect),
            constraint::recorded(dialect),
            constraint::owner(dialect),
            constraint::rename(dialect),
            constraint::forget(dialect),
        ]
        .join(";\n")
    });
    // About den's own table, which nothing distributes: `max` may be asked while writing.
    expect![[r#"
        INSERT INTO _den_constraints (collection, name, position, kind, definition, created_at)
        SELECT ?1, ?2, coalesce(max(position), 0) + 1, ?3, ?4, ?5
        FROM _den_constraints;
        SELECT name, kind, definition
        FROM _den_constraints
        WHERE collection = ?1
        ORDER BY position ASC NULLS FIRST;
        SELECT collection
        FROM _den_constraints
        WHERE name = ?1;
        UPDATE _den_constraints
        SET collection = ?3, name = ?4, definition = ?5
        WHERE collection = ?1 AND name = ?2;
        DELETE FROM _den_constraints WHERE collection = ?1 AND name = ?2"#]]
    .assert_eq(&lite);
    expect![[r#"
        INSERT INTO _den_constraints (collection, name, position, kind, definition, created_at)
        SELECT $1::text, $2::text, coalesce(max(position), 0) + 1, $3::text, $4::text, $5::text::timestamptz
        FROM _den_constraints;
        SELECT name, kind, definition
        FROM _den_constraints
        WHERE collection = $1::text
        ORDER BY position ASC NULLS FIRST;
        SELECT collection
        FROM _den_constraints
        WHERE name = $1::text;
        UPDATE _den_constraints
        SET collection = $3::text, name = $4::text, definition = $5::text
        WHERE collection = $1::text AND name = $2::text;
        DELETE FROM _den_constraints WHERE collection = $1::text AND name = $2::text"#]].assert_eq(&pg);
}
