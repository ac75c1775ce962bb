//! Statements over single documents.

use den_backend::LockMode;
use den_sql::{
    ExpectationKind, POSTGRES, SQLITE, delete, get, get_for_update, get_many, put, put_many,
    state_of,
};
use expect_test::expect;

use crate::support::check_texts;

#[test]
fn by_id() {
    check_texts(
        &get(SQLITE, "articles"),
        &get(POSTGRES, "articles"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE d.id = ?1"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE d.id = $1::text"#]],
    );
}

#[test]
fn by_id_locked() {
    check_texts(
        &get_for_update(SQLITE, "articles", LockMode::NoWait),
        &get_for_update(POSTGRES, "articles", LockMode::NoWait),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE d.id = ?1"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE d.id = $1::text
            FOR UPDATE NOWAIT"#]],
    );
}

#[test]
fn by_ids() {
    check_texts(
        &get_many(SQLITE, "articles", 2),
        &get_many(POSTGRES, "articles", 2),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE d.id IN (?1, ?2)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE d.id = ANY($1::text[])"#]],
    );
}

#[test]
fn by_any_number_of_ids() {
    check_texts(
        &get_many(SQLITE, "articles", 0),
        &get_many(POSTGRES, "articles", 0),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE d.id IN (SELECT m.value FROM json_each(?1) AS m)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE d.id = ANY($1::text[])"#]],
    );
}

#[test]
fn put_any() {
    check_texts(
        &put(SQLITE, "articles", ExpectationKind::Any),
        &put(POSTGRES, "articles", ExpectationKind::Any),
        &expect![[r#"
            INSERT INTO "articles" (id, data)
            VALUES (?1, jsonb(?2))
            ON CONFLICT (id) DO UPDATE SET data = excluded.data"#]],
        &expect![[r#"
            INSERT INTO "articles" AS d (id, data)
            VALUES ($1::text, $2::jsonb)
            ON CONFLICT (id) DO UPDATE SET data = excluded.data
            RETURNING (d.xmax = 0) AS inserted"#]],
    );
}

#[test]
fn put_absent() {
    check_texts(
        &put(SQLITE, "articles", ExpectationKind::Absent),
        &put(POSTGRES, "articles", ExpectationKind::Absent),
        &expect![[r#"
            INSERT INTO "articles" (id, data)
            VALUES (?1, jsonb(?2))
            ON CONFLICT (id) DO NOTHING"#]],
        &expect![[r#"
            INSERT INTO "articles" AS d (id, data)
            VALUES ($1::text, $2::jsonb)
            ON CONFLICT (id) DO NOTHING
            RETURNING TRUE AS inserted"#]],
    );
}

#[test]
fn put_present() {
    check_texts(
        &put(SQLITE, "articles", ExpectationKind::Present),
        &put(POSTGRES, "articles", ExpectationKind::Present),
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(?2)
            WHERE d.id = ?1"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = $2::jsonb
            WHERE d.id = $1::text
            RETURNING FALSE AS inserted"#]],
    );
}

#[test]
fn put_revision() {
    check_texts(
        &put(SQLITE, "articles", ExpectationKind::Revision),
        &put(POSTGRES, "articles", ExpectationKind::Revision),
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(?2)
            WHERE d.id = ?1 AND (d.data ->> '$._rev') IS ?3 AND ifnull(json_type(d.data, '$._rev'), 'null') IN ('text', 'null')"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = $2::jsonb
            WHERE d.id = $1::text AND (d.data->>'_rev') IS NOT DISTINCT FROM $3::text AND coalesce(jsonb_typeof(d.data->'_rev'), 'null') IN ('string', 'null')
            RETURNING FALSE AS inserted"#]],
    );
}

#[test]
fn put_many_any() {
    check_texts(
        &put_many(SQLITE, "articles", ExpectationKind::Any),
        &put_many(POSTGRES, "articles", ExpectationKind::Any),
        &expect![[r#"
            INSERT INTO "articles" (id, data)
            VALUES (?1, jsonb(?2))
            ON CONFLICT (id) DO UPDATE SET data = excluded.data"#]],
        &expect![[r#"
            INSERT INTO "articles" AS d (id, data)
            SELECT r.id, r.data FROM unnest($1::text[], $2::jsonb[]) AS r (id, data)
            ON CONFLICT (id) DO UPDATE SET data = excluded.data
            RETURNING d.id AS id, (d.xmax = 0) AS inserted"#]],
    );
}

#[test]
fn put_many_absent() {
    check_texts(
        &put_many(SQLITE, "articles", ExpectationKind::Absent),
        &put_many(POSTGRES, "articles", ExpectationKind::Absent),
        &expect![[r#"
            INSERT INTO "articles" (id, data)
            VALUES (?1, jsonb(?2))
            ON CONFLICT (id) DO NOTHING"#]],
        &expect![[r#"
            INSERT INTO "articles" AS d (id, data)
            SELECT r.id, r.data FROM unnest($1::text[], $2::jsonb[]) AS r (id, data)
            ON CONFLICT (id) DO NOTHING
            RETURNING d.id AS id, TRUE AS inserted"#]],
    );
}

#[test]
fn put_many_present() {
    check_texts(
        &put_many(SQLITE, "articles", ExpectationKind::Present),
        &put_many(POSTGRES, "articles", ExpectationKind::Present),
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(?2)
            WHERE d.id = ?1"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = r.data
            FROM unnest($1::text[], $2::jsonb[]) AS r (id, data)
            WHERE d.id = r.id
            RETURNING d.id AS id, FALSE AS inserted"#]],
    );
}

#[test]
fn put_many_revision() {
    check_texts(
        &put_many(SQLITE, "articles", ExpectationKind::Revision),
        &put_many(POSTGRES, "articles", ExpectationKind::Revision),
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(?2)
            WHERE d.id = ?1 AND (d.data ->> '$._rev') IS ?3 AND ifnull(json_type(d.data, '$._rev'), 'null') IN ('text', 'null')"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = r.data
            FROM unnest($1::text[], $2::jsonb[], $3::text[]) AS r (id, data, rev)
            WHERE d.id = r.id AND (d.data->>'_rev') IS NOT DISTINCT FROM r.rev AND coalesce(jsonb_typeof(d.data->'_rev'), 'null') IN ('string', 'null')
            RETURNING d.id AS id, FALSE AS inserted"#]],
    );
}

#[test]
fn delete_any() {
    check_texts(
        &delete(SQLITE, "articles", ExpectationKind::Any),
        &delete(POSTGRES, "articles", ExpectationKind::Any),
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id = ?1"#]],
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id = $1::text"#]],
    );
}

#[test]
fn delete_absent() {
    check_texts(
        &delete(SQLITE, "articles", ExpectationKind::Absent),
        &delete(POSTGRES, "articles", ExpectationKind::Absent),
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id = ?1 AND FALSE"#]],
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id = $1::text AND FALSE"#]],
    );
}

#[test]
fn delete_revision() {
    check_texts(
        &delete(SQLITE, "articles", ExpectationKind::Revision),
        &delete(POSTGRES, "articles", ExpectationKind::Revision),
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id = ?1 AND (d.data ->> '$._rev') IS ?2 AND ifnull(json_type(d.data, '$._rev'), 'null') IN ('text', 'null')"#]],
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id = $1::text AND (d.data->>'_rev') IS NOT DISTINCT FROM $2::text AND coalesce(jsonb_typeof(d.data->'_rev'), 'null') IN ('string', 'null')"#]],
    );
}

#[test]
fn put_live() {
    check_texts(
        &put(SQLITE, "articles", ExpectationKind::Live),
        &put(POSTGRES, "articles", ExpectationKind::Live),
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(?2)
            WHERE d.id = ?1 AND (d.data ->> '$._deleted_at') IS NULL"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = $2::jsonb
            WHERE d.id = $1::text AND (d.data->>'_deleted_at') IS NULL
            RETURNING FALSE AS inserted"#]],
    );
}

#[test]
fn put_many_live() {
    check_texts(
        &put_many(SQLITE, "articles", ExpectationKind::Live),
        &put_many(POSTGRES, "articles", ExpectationKind::Live),
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(?2)
            WHERE d.id = ?1 AND (d.data ->> '$._deleted_at') IS NULL"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = r.data
            FROM unnest($1::text[], $2::jsonb[]) AS r (id, data)
            WHERE d.id = r.id AND (d.data->>'_deleted_at') IS NULL
            RETURNING d.id AS id, FALSE AS inserted"#]],
    );
}

#[test]
fn delete_live() {
    check_texts(
        &delete(SQLITE, "articles", ExpectationKind::Live),
        &delete(POSTGRES, "articles", ExpectationKind::Live),
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id = ?1 AND (d.data ->> '$._deleted_at') IS NULL"#]],
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id = $1::text AND (d.data->>'_deleted_at') IS NULL"#]],
    );
}

#[test]
fn state() {
    check_texts(
        &state_of(SQLITE, "articles"),
        &state_of(POSTGRES, "articles"),
        &expect![[r#"
            SELECT d.data -> '$._rev' AS rev
            FROM "articles" AS d
            WHERE d.id = ?1"#]],
        &expect![[r#"
            SELECT (d.data->'_rev')::text AS rev
            FROM "articles" AS d
            WHERE d.id = $1::text"#]],
    );
}

#[test]
fn odd_names_are_quoted() {
    check_texts(
        &get(SQLITE, "a\"b c"),
        &get(POSTGRES, "a\"b c"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "a""b c" AS d
            WHERE d.id = ?1"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "a""b c" AS d
            WHERE d.id = $1::text"#]],
    );
}
