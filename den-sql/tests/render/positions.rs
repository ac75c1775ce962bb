//! Positions among values of any type, with locks, and for less than whole documents.

use den_backend::{Direction, FieldKind, LockMode, Seek, Select, Value};
use expect_test::expect;

use crate::support::{check_query, eq, indexed, json, sorted};

#[test]
fn after_a_value_of_any_type() {
    let mut query = sorted(&[("a", FieldKind::Any, Direction::Asc)]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![Value::from("x")],
        id: "i".to_owned(),
    });
    query.limit = Some(10);
    check_query(
        &indexed(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?1
            AND (CASE ifnull(json_type(d.data, '$.a'), 'null') WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 WHEN 'true' THEN 3 WHEN 'false' THEN 3 WHEN 'array' THEN 4 ELSE 5 END, CASE json_type(d.data, '$.a') WHEN 'text' THEN d.data ->> '$.a' END, d.id) > (2, ?2, ?3)
        ORDER BY CASE ifnull(json_type(d.data, '$.a'), 'null') WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 WHEN 'true' THEN 3 WHEN 'false' THEN 3 WHEN 'array' THEN 4 ELSE 5 END ASC NULLS FIRST, CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END ASC NULLS FIRST, CASE json_type(d.data, '$.a') WHEN 'text' THEN d.data ->> '$.a' END ASC NULLS FIRST, CASE json_type(d.data, '$.a') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END ASC NULLS FIRST, d.id
        LIMIT ?4
        -- 1 Text("x")
        -- 2 Text("x")
        -- 3 Text("i")
        -- 4 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $1::text
            AND ((CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN 1 WHEN jsonb_typeof(d.data->'a') = 'string' THEN 2 WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN 3 WHEN jsonb_typeof(d.data->'a') = 'array' THEN 4 WHEN jsonb_typeof(d.data->'a') = 'object' THEN 5 ELSE 0 END), (CASE WHEN jsonb_typeof(d.data->'a') = 'string' THEN d.data->>'a' END) COLLATE "C", d.id) > (2, $2::text, $3::text)
        ORDER BY (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN 1 WHEN jsonb_typeof(d.data->'a') = 'string' THEN 2 WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN 3 WHEN jsonb_typeof(d.data->'a') = 'array' THEN 4 WHEN jsonb_typeof(d.data->'a') = 'object' THEN 5 ELSE 0 END) ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END) ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data->'a') = 'string' THEN d.data->>'a' END) COLLATE "C" ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN (d.data->'a')::boolean END) ASC NULLS FIRST, d.id
        LIMIT $4::bigint
        -- 1 Text("x")
        -- 2 Text("x")
        -- 3 Text("i")
        -- 4 Rows(10)"#]],
    );
}

#[test]
fn after_an_array() {
    let mut query = sorted(&[("a", FieldKind::Any, Direction::Desc)]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![json("[1]")],
        id: "i".to_owned(),
    });
    query.limit = Some(10);
    check_query(
        &indexed(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?1
            AND (CASE ifnull(json_type(d.data, '$.a'), 'null') WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 WHEN 'true' THEN 3 WHEN 'false' THEN 3 WHEN 'array' THEN 4 ELSE 5 END, d.id) < (4, ?2)
        ORDER BY CASE ifnull(json_type(d.data, '$.a'), 'null') WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 WHEN 'true' THEN 3 WHEN 'false' THEN 3 WHEN 'array' THEN 4 ELSE 5 END DESC NULLS LAST, CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END DESC NULLS LAST, CASE json_type(d.data, '$.a') WHEN 'text' THEN d.data ->> '$.a' END DESC NULLS LAST, CASE json_type(d.data, '$.a') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END DESC NULLS LAST, d.id DESC
        LIMIT ?3
        -- 1 Text("x")
        -- 2 Text("i")
        -- 3 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $1::text
            AND ((CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN 1 WHEN jsonb_typeof(d.data->'a') = 'string' THEN 2 WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN 3 WHEN jsonb_typeof(d.data->'a') = 'array' THEN 4 WHEN jsonb_typeof(d.data->'a') = 'object' THEN 5 ELSE 0 END), d.id) < (4, $2::text)
        ORDER BY (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN 1 WHEN jsonb_typeof(d.data->'a') = 'string' THEN 2 WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN 3 WHEN jsonb_typeof(d.data->'a') = 'array' THEN 4 WHEN jsonb_typeof(d.data->'a') = 'object' THEN 5 ELSE 0 END) DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END) DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data->'a') = 'string' THEN d.data->>'a' END) COLLATE "C" DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN (d.data->'a')::boolean END) DESC NULLS LAST, d.id DESC
        LIMIT $3::bigint
        -- 1 Text("x")
        -- 2 Text("i")
        -- 3 Rows(10)"#]],
    );
}

#[test]
fn locked_rows_come_from_one_select() {
    let mut query = sorted(&[("price", FieldKind::Number, Direction::Desc)]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![Value::Int(5)],
        id: "i".to_owned(),
    });
    query.limit = Some(10);
    query.lock = Some(LockMode::SkipLocked);
    check_query(
        &indexed(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?1
            AND (((d."n_price_a39347ce", d.id) < (?2, ?3)) OR ((d."n_price_a39347ce") IS NULL))
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id DESC
        LIMIT ?4
        -- 1 Text("x")
        -- 2 Int(5)
        -- 3 Text("i")
        -- 4 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $1::text
            AND (((d."n_price_a39347ce", d.id) < ($2::numeric, $3::text)) OR ((d."n_price_a39347ce") IS NULL))
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id DESC
        LIMIT $4::bigint
        FOR UPDATE SKIP LOCKED
        -- 1 Text("x")
        -- 2 Int(5)
        -- 3 Text("i")
        -- 4 Rows(10)"#]],
    );
}

#[test]
fn only_the_ids() {
    let mut query = sorted(&[("price", FieldKind::Number, Direction::Desc)]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![Value::Int(5)],
        id: "i".to_owned(),
    });
    query.limit = Some(10);
    query.select = Select::Id;
    check_query(
        &indexed(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, NULL AS body
        FROM (
        SELECT * FROM (
        SELECT d.id AS id, d."n_price_a39347ce" AS k1
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?1
            AND (d."n_price_a39347ce", d.id) < (?2, ?3)
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id DESC
        LIMIT ?4
        ) AS b1
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d."n_price_a39347ce" AS k1
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?5
            AND (d."n_price_a39347ce") IS NULL
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id DESC
        LIMIT ?6
        ) AS b2
        ) AS d
        ORDER BY d.k1 DESC NULLS LAST, d.id DESC
        LIMIT ?7
        -- 1 Text("x")
        -- 2 Int(5)
        -- 3 Text("i")
        -- 4 Rows(10)
        -- 5 Text("x")
        -- 6 Rows(10)
        -- 7 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id, NULL::jsonb AS body
        FROM (
        SELECT * FROM (
        SELECT d.id AS id, d."n_price_a39347ce" AS k1
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $1::text
            AND (d."n_price_a39347ce", d.id) < ($2::numeric, $3::text)
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id DESC
        LIMIT $4::bigint
        ) AS b1
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d."n_price_a39347ce" AS k1
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $5::text
            AND (d."n_price_a39347ce") IS NULL
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id DESC
        LIMIT $6::bigint
        ) AS b2
        ) AS d
        ORDER BY d.k1 DESC NULLS LAST, d.id DESC
        LIMIT $7::bigint
        -- 1 Text("x")
        -- 2 Int(5)
        -- 3 Text("i")
        -- 4 Rows(10)
        -- 5 Text("x")
        -- 6 Rows(10)
        -- 7 Rows(10)"#]],
    );
}
