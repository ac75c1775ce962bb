//! Selections, windows, locks, and what else a query answers.

use den_backend::{Expr, LockMode, Query, Select};
use den_sql::{
    Layouts, POSTGRES, SQLITE, Statement, count, delete_matching, dialect::Dialect, exists,
};
use expect_test::{Expect, expect};

use crate::support::{articles, bare, check_query, check_statements, eq, path};

#[track_caller]
fn check_with(
    render: fn(&dyn Dialect, Layouts<'_>, &Query) -> Statement,
    query: &Query,
    sqlite: &Expect,
    postgres: &Expect,
) {
    check_statements(
        &render(SQLITE, Layouts::new(&bare()), query),
        &render(POSTGRES, Layouts::new(&bare()), query),
        sqlite,
        postgres,
    );
}

#[test]
fn limit_and_skip() {
    let mut query = articles(Expr::always());
    query.limit = Some(10);
    query.skip = 20;
    check_query(
        &bare(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        ORDER BY d.id
        LIMIT ?1 OFFSET ?2
        -- 1 Rows(10)
        -- 2 Rows(20)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        ORDER BY d.id
        LIMIT $1::bigint OFFSET $2::bigint
        -- 1 Rows(10)
        -- 2 Rows(20)"#]],
    );
}

#[test]
fn skip_alone() {
    let mut query = articles(Expr::always());
    query.skip = u64::MAX;
    check_query(
        &bare(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        ORDER BY d.id
        LIMIT -1 OFFSET ?1
        -- 1 Rows(9223372036854775807)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        ORDER BY d.id
        OFFSET $1::bigint
        -- 1 Rows(9223372036854775807)"#]],
    );
}

#[test]
fn only_ids() {
    let mut query = articles(Expr::always());
    query.select = Select::Id;
    check_query(
        &bare(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, NULL AS body
        FROM "articles" AS d
        ORDER BY d.id"#]],
        &expect![[r#"
        SELECT d.id AS id, NULL::jsonb AS body
        FROM "articles" AS d
        ORDER BY d.id"#]],
    );
}

#[test]
fn one_value() {
    let mut query = articles(Expr::always());
    query.select = Select::Value(path("a.0"));
    check_query(
        &bare(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, coalesce(coalesce(d.data -> '$.a[0]', d.data -> '$.a."0"'), 'null') AS body
        FROM "articles" AS d
        ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, coalesce(d.data->'a'#>'{0}', 'null'::jsonb) AS body
            FROM "articles" AS d
            ORDER BY d.id"#]],
    );
}

#[test]
fn locked_rows() {
    let mut query = articles(Expr::always());
    query.lock = Some(LockMode::Wait);
    check_query(
        &bare(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        ORDER BY d.id"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        ORDER BY d.id
        FOR UPDATE"#]],
    );
}

#[test]
fn a_count() {
    check_with(
        count,
        &articles(eq("a", 1)),
        &expect![[r#"
        SELECT count(*) AS count
        FROM "articles" AS d
        WHERE CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?1
        -- 1 Int(1)"#]],
        &expect![[r#"
        SELECT count(*) AS count
        FROM "articles" AS d
        WHERE (d.data->'a') = $1::jsonb
        -- 1 Json("1")"#]],
    );
}

#[test]
fn a_test() {
    check_with(
        exists,
        &articles(eq("a", 1)),
        &expect![[r#"
        SELECT EXISTS (
        SELECT 1
        FROM "articles" AS d
        WHERE CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?1
        ) AS found
        -- 1 Int(1)"#]],
        &expect![[r#"
        SELECT EXISTS (
        SELECT 1
        FROM "articles" AS d
        WHERE (d.data->'a') = $1::jsonb
        ) AS found
        -- 1 Json("1")"#]],
    );
}

#[test]
fn deleted_rows() {
    check_with(
        delete_matching,
        &articles(eq("a", 1)),
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?1
            -- 1 Int(1)"#]],
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE (d.data->'a') = $1::jsonb
            -- 1 Json("1")"#]],
    );
}

#[test]
fn a_window_of_deleted_rows() {
    let mut query = articles(eq("a", 1));
    query.limit = Some(3);
    check_with(
        delete_matching,
        &query,
        &expect![[r#"
        DELETE FROM "articles" AS d
        WHERE d.id IN (SELECT d.id FROM (
        SELECT d.id AS id, NULL AS body
        FROM "articles" AS d
        WHERE CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?1
        ORDER BY d.id
        LIMIT ?2
        ) AS d)
        -- 1 Int(1)
        -- 2 Rows(3)"#]],
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id IN (SELECT d.id FROM (
            SELECT d.id AS id, NULL::jsonb AS body
            FROM "articles" AS d
            WHERE (d.data->'a') = $1::jsonb
            ORDER BY d.id
            LIMIT $2::bigint
            ) AS d)
                AND (d.data->'a') = $3::jsonb
            -- 1 Json("1")
            -- 2 Rows(3)
            -- 3 Json("1")"#]],
    );
}
