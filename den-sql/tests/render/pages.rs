//! Positions.

use den_backend::{Direction, FieldKind, Seek, Value};
use expect_test::expect;

use crate::support::{check_query, eq, indexed, sorted};

#[test]
fn after_an_id() {
    let mut query = sorted(&[]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![],
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
            AND d.id > ?2
        ORDER BY d.id
        LIMIT ?3
        -- 1 Text("x")
        -- 2 Text("i")
        -- 3 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $1::text
            AND d.id > $2::text
        ORDER BY d.id
        LIMIT $3::bigint
        -- 1 Text("x")
        -- 2 Text("i")
        -- 3 Rows(10)"#]],
    );
}

#[test]
fn one_direction_is_one_range() {
    let mut query = sorted(&[("price", FieldKind::Number, Direction::Asc)]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![Value::Int(5)],
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
            AND (d."n_price_a39347ce", d.id) > (?2, ?3)
        ORDER BY d."n_price_a39347ce" ASC NULLS FIRST, d.id
        LIMIT ?4
        -- 1 Text("x")
        -- 2 Int(5)
        -- 3 Text("i")
        -- 4 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $1::text
            AND (d."n_price_a39347ce", d.id) > ($2::numeric, $3::text)
        ORDER BY d."n_price_a39347ce" ASC NULLS FIRST, d.id
        LIMIT $4::bigint
        -- 1 Text("x")
        -- 2 Int(5)
        -- 3 Text("i")
        -- 4 Rows(10)"#]],
    );
}

#[test]
fn nulls_follow_downwards() {
    let mut query = sorted(&[("price", FieldKind::Number, Direction::Desc)]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![Value::Int(5)],
        id: "i".to_owned(),
    });
    query.limit = Some(10);
    check_query(
        &indexed(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM (
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?1
            AND (d."n_price_a39347ce", d.id) < (?2, ?3)
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id DESC
        LIMIT ?4
        ) AS b1
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1
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
        SELECT d.id AS id, d.data AS body
        FROM (
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $1::text
            AND (d."n_price_a39347ce", d.id) < ($2::numeric, $3::text)
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id DESC
        LIMIT $4::bigint
        ) AS b1
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1
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

#[test]
fn after_a_null() {
    let mut query = sorted(&[("price", FieldKind::Number, Direction::Asc)]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![Value::Null],
        id: "i".to_owned(),
    });
    query.limit = Some(10);
    check_query(
        &indexed(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM (
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?1
            AND (d."n_price_a39347ce") IS NULL AND d.id > ?2
        ORDER BY d."n_price_a39347ce" ASC NULLS FIRST, d.id
        LIMIT ?3
        ) AS b1
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?4
            AND (d."n_price_a39347ce") IS NOT NULL
        ORDER BY d."n_price_a39347ce" ASC NULLS FIRST, d.id
        LIMIT ?5
        ) AS b2
        ) AS d
        ORDER BY d.k1 ASC NULLS FIRST, d.id
        LIMIT ?6
        -- 1 Text("x")
        -- 2 Text("i")
        -- 3 Rows(10)
        -- 4 Text("x")
        -- 5 Rows(10)
        -- 6 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM (
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $1::text
            AND (d."n_price_a39347ce") IS NULL AND d.id > $2::text
        ORDER BY d."n_price_a39347ce" ASC NULLS FIRST, d.id
        LIMIT $3::bigint
        ) AS b1
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $4::text
            AND (d."n_price_a39347ce") IS NOT NULL
        ORDER BY d."n_price_a39347ce" ASC NULLS FIRST, d.id
        LIMIT $5::bigint
        ) AS b2
        ) AS d
        ORDER BY d.k1 ASC NULLS FIRST, d.id
        LIMIT $6::bigint
        -- 1 Text("x")
        -- 2 Text("i")
        -- 3 Rows(10)
        -- 4 Text("x")
        -- 5 Rows(10)
        -- 6 Rows(10)"#]],
    );
}

#[test]
fn after_a_null_downwards() {
    let mut query = sorted(&[("price", FieldKind::Number, Direction::Desc)]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![Value::Null],
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
            AND (d."n_price_a39347ce") IS NULL AND d.id < ?2
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id DESC
        LIMIT ?3
        -- 1 Text("x")
        -- 2 Text("i")
        -- 3 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $1::text
            AND (d."n_price_a39347ce") IS NULL AND d.id < $2::text
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id DESC
        LIMIT $3::bigint
        -- 1 Text("x")
        -- 2 Text("i")
        -- 3 Rows(10)"#]],
    );
}

#[test]
fn two_keys() {
    let mut query = sorted(&[
        ("price", FieldKind::Number, Direction::Asc),
        ("n", FieldKind::Number, Direction::Asc),
    ]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![Value::Int(5), Value::Int(6)],
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
            AND (d."n_price_a39347ce", CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END, d.id) > (?2, ?3, ?4)
        ORDER BY d."n_price_a39347ce" ASC NULLS FIRST, CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END ASC NULLS FIRST, d.id
        LIMIT ?5
        -- 1 Text("x")
        -- 2 Int(5)
        -- 3 Int(6)
        -- 4 Text("i")
        -- 5 Rows(10)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE d."t_title_d62a4945" = $1::text
                AND (d."n_price_a39347ce", (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END), d.id) > ($2::numeric, $3::numeric, $4::text)
            ORDER BY d."n_price_a39347ce" ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) ASC NULLS FIRST, d.id
            LIMIT $5::bigint
            -- 1 Text("x")
            -- 2 Int(5)
            -- 3 Int(6)
            -- 4 Text("i")
            -- 5 Rows(10)"#]],
    );
}

#[test]
fn mixed_directions() {
    let mut query = sorted(&[
        ("price", FieldKind::Number, Direction::Desc),
        ("n", FieldKind::Number, Direction::Asc),
    ]);
    query.filter = eq("title", "x");
    query.seek = Some(Seek {
        keys: vec![Value::Int(5), Value::Null],
        id: "i".to_owned(),
    });
    query.limit = Some(10);
    check_query(
        &indexed(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM (
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1, CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END AS k2
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?1
            AND d."n_price_a39347ce" = ?2 AND (CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END) IS NULL AND d.id > ?3
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END ASC NULLS FIRST, d.id
        LIMIT ?4
        ) AS b1
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1, CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END AS k2
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?5
            AND d."n_price_a39347ce" = ?6 AND (CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END) IS NOT NULL
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END ASC NULLS FIRST, d.id
        LIMIT ?7
        ) AS b2
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1, CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END AS k2
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?8
            AND d."n_price_a39347ce" < ?9
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END ASC NULLS FIRST, d.id
        LIMIT ?10
        ) AS b3
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1, CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END AS k2
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?11
            AND (d."n_price_a39347ce") IS NULL
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END ASC NULLS FIRST, d.id
        LIMIT ?12
        ) AS b4
        ) AS d
        ORDER BY d.k1 DESC NULLS LAST, d.k2 ASC NULLS FIRST, d.id
        LIMIT ?13
        -- 1 Text("x")
        -- 2 Int(5)
        -- 3 Text("i")
        -- 4 Rows(10)
        -- 5 Text("x")
        -- 6 Int(5)
        -- 7 Rows(10)
        -- 8 Text("x")
        -- 9 Int(5)
        -- 10 Rows(10)
        -- 11 Text("x")
        -- 12 Rows(10)
        -- 13 Rows(10)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM (
            SELECT * FROM (
            SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1, (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) AS k2
            FROM "articles" AS d
            WHERE d."t_title_d62a4945" = $1::text
                AND d."n_price_a39347ce" = $2::numeric AND ((CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END)) IS NULL AND d.id > $3::text
            ORDER BY d."n_price_a39347ce" DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) ASC NULLS FIRST, d.id
            LIMIT $4::bigint
            ) AS b1
            UNION ALL
            SELECT * FROM (
            SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1, (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) AS k2
            FROM "articles" AS d
            WHERE d."t_title_d62a4945" = $5::text
                AND d."n_price_a39347ce" = $6::numeric AND ((CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END)) IS NOT NULL
            ORDER BY d."n_price_a39347ce" DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) ASC NULLS FIRST, d.id
            LIMIT $7::bigint
            ) AS b2
            UNION ALL
            SELECT * FROM (
            SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1, (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) AS k2
            FROM "articles" AS d
            WHERE d."t_title_d62a4945" = $8::text
                AND d."n_price_a39347ce" < $9::numeric
            ORDER BY d."n_price_a39347ce" DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) ASC NULLS FIRST, d.id
            LIMIT $10::bigint
            ) AS b3
            UNION ALL
            SELECT * FROM (
            SELECT d.id AS id, d.data AS data, d."n_price_a39347ce" AS k1, (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) AS k2
            FROM "articles" AS d
            WHERE d."t_title_d62a4945" = $11::text
                AND (d."n_price_a39347ce") IS NULL
            ORDER BY d."n_price_a39347ce" DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) ASC NULLS FIRST, d.id
            LIMIT $12::bigint
            ) AS b4
            ) AS d
            ORDER BY d.k1 DESC NULLS LAST, d.k2 ASC NULLS FIRST, d.id
            LIMIT $13::bigint
            -- 1 Text("x")
            -- 2 Int(5)
            -- 3 Text("i")
            -- 4 Rows(10)
            -- 5 Text("x")
            -- 6 Int(5)
            -- 7 Rows(10)
            -- 8 Text("x")
            -- 9 Int(5)
            -- 10 Rows(10)
            -- 11 Text("x")
            -- 12 Rows(10)
            -- 13 Rows(10)"#]],
    );
}
