//! Comparisons, sets and null.

use den_backend::{CompareOp, Expr, Field, FieldKind, Value};
use expect_test::expect;

use crate::support::{check, check_indexed, compare, eq, field, is_in, json, path};

#[test]
fn text_equals() {
    check(
        eq("title", "x"),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE CASE json_type(d.data, '$.title') WHEN 'text' THEN d.data ->> '$.title' END = ?1
        ORDER BY d.id
        -- 1 Text("x")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.data->'title') = $1::jsonb
        ORDER BY d.id
        -- 1 Json("\"x\"")"#]],
    );
}

#[test]
fn text_equals_by_column() {
    check_indexed(
        eq("title", "x"),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?1
        ORDER BY d.id
        -- 1 Text("x")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = $1::text
        ORDER BY d.id
        -- 1 Text("x")"#]],
    );
}

#[test]
fn numbers_are_bound_as_they_are() {
    check_indexed(
        Expr::And(vec![eq("price", 5), eq("price", 0.5)]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d."n_price_a39347ce" = ?1 AND d."n_price_a39347ce" = ?2)
            ORDER BY d.id
            -- 1 Int(5)
            -- 2 Float(0.5)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d."n_price_a39347ce" = $1::numeric AND d."n_price_a39347ce" = $2::numeric)
            ORDER BY d.id
            -- 1 Int(5)
            -- 2 Float(0.5)"#]],
    );
}

#[test]
fn a_number_is_not_a_bool() {
    check_indexed(
        Expr::And(vec![eq("draft", 1), eq("draft", true)]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (CASE WHEN json_type(d.data, '$.draft') IN ('integer', 'real') THEN d.data ->> '$.draft' END = ?1 AND d."b_draft_1bd9e125" = ?2)
            ORDER BY d.id
            -- 1 Int(1)
            -- 2 Bool(true)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE ((d.data->'draft') = $1::jsonb AND d."b_draft_1bd9e125" = $2::boolean)
            ORDER BY d.id
            -- 1 Json("1")
            -- 2 Bool(true)"#]],
    );
}

#[test]
fn a_range_is_of_one_type() {
    check(
        compare(CompareOp::Ge, field("price"), 9.5),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE CASE WHEN json_type(d.data, '$.price') IN ('integer', 'real') THEN d.data ->> '$.price' END >= ?1
            ORDER BY d.id
            -- 1 Float(9.5)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'price') = 'number' THEN (d.data->>'price')::numeric END) >= $1::numeric
            ORDER BY d.id
            -- 1 Float(9.5)"#]],
    );
}

#[test]
fn a_range_by_column() {
    check_indexed(
        Expr::And(vec![
            compare(CompareOp::Gt, field("price"), 1),
            compare(CompareOp::Le, field("price"), 2),
        ]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d."n_price_a39347ce" > ?1 AND d."n_price_a39347ce" <= ?2)
            ORDER BY d.id
            -- 1 Int(1)
            -- 2 Int(2)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d."n_price_a39347ce" > $1::numeric AND d."n_price_a39347ce" <= $2::numeric)
            ORDER BY d.id
            -- 1 Int(1)
            -- 2 Int(2)"#]],
    );
}

#[test]
fn a_column_of_any_type_serves_all() {
    check_indexed(
        Expr::And(vec![
            eq("mixed", "x"),
            eq("mixed", true),
            compare(CompareOp::Lt, field("mixed"), 5),
            compare(CompareOp::Gt, field("mixed"), "a"),
        ]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE ((d."a_mixed_0682e63a" = ?1) AND (d."a_mixed_0682e63a" = x'01') AND (d."a_mixed_0682e63a" < ?2) AND (d."a_mixed_0682e63a" > ?3 AND d."a_mixed_0682e63a" < x''))
            ORDER BY d.id
            -- 1 Text("x")
            -- 2 Int(5)
            -- 3 Text("a")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d."a_mixed_0682e63a" = $1::jsonb AND d."a_mixed_0682e63a" = $2::jsonb AND (CASE WHEN jsonb_typeof(d.data->'mixed') = 'number' THEN (d.data->>'mixed')::numeric END) < $3::numeric AND (CASE WHEN jsonb_typeof(d.data->'mixed') = 'string' THEN d.data->>'mixed' END) COLLATE "C" > $4::text)
            ORDER BY d.id
            -- 1 Json("\"x\"")
            -- 2 Json("true")
            -- 3 Int(5)
            -- 4 Text("a")"#]],
    );
}

#[test]
fn literals_on_the_left_flip() {
    check_indexed(
        Expr::compare(CompareOp::Lt, Expr::Value(Value::Int(5)), field("price")),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE d."n_price_a39347ce" > ?1
            ORDER BY d.id
            -- 1 Int(5)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE d."n_price_a39347ce" > $1::numeric
            ORDER BY d.id
            -- 1 Int(5)"#]],
    );
}

#[test]
fn two_literals_are_decided_here() {
    check(
        Expr::compare(
            CompareOp::Eq,
            Expr::Value(Value::Int(1)),
            Expr::Value(Value::Float(1.0)),
        ),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE TRUE
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE TRUE
            ORDER BY d.id"#]],
    );
}

#[test]
fn fields_equal() {
    check(
        Expr::compare(CompareOp::Eq, field("a"), field("b")),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = CASE WHEN json_type(d.data, '$.b') IN ('integer', 'real') THEN d.data ->> '$.b' END OR CASE json_type(d.data, '$.a') WHEN 'text' THEN d.data ->> '$.a' END = CASE json_type(d.data, '$.b') WHEN 'text' THEN d.data ->> '$.b' END OR CASE json_type(d.data, '$.a') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END = CASE json_type(d.data, '$.b') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END OR (json_type(d.data, '$.a') IN ('array', 'object') AND den_json_eq(d.data -> '$.a', d.data -> '$.b')))
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE ((d.data->'a') = (d.data->'b') AND (d.data->'a') <> 'null'::jsonb)
            ORDER BY d.id"#]],
    );
}

#[test]
fn fields_in_order() {
    check_indexed(
        Expr::compare(CompareOp::Lt, field("price"), field("b")),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d."n_price_a39347ce" < CASE WHEN json_type(d.data, '$.b') IN ('integer', 'real') THEN d.data ->> '$.b' END OR CASE json_type(d.data, '$.price') WHEN 'text' THEN d.data ->> '$.price' END < CASE json_type(d.data, '$.b') WHEN 'text' THEN d.data ->> '$.b' END OR CASE json_type(d.data, '$.price') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END < CASE json_type(d.data, '$.b') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END)
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d."n_price_a39347ce" < (CASE WHEN jsonb_typeof(d.data->'b') = 'number' THEN (d.data->>'b')::numeric END) OR (CASE WHEN jsonb_typeof(d.data->'price') = 'string' THEN d.data->>'price' END) COLLATE "C" < (CASE WHEN jsonb_typeof(d.data->'b') = 'string' THEN d.data->>'b' END) COLLATE "C" OR (CASE WHEN jsonb_typeof(d.data->'price') = 'boolean' THEN (d.data->'price')::boolean END) < (CASE WHEN jsonb_typeof(d.data->'b') = 'boolean' THEN (d.data->'b')::boolean END))
            ORDER BY d.id"#]],
    );
}

#[test]
fn the_id_is_text() {
    check(
        Expr::And(vec![
            eq("_id", "x"),
            compare(CompareOp::Lt, field("_id"), 5),
        ]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d.id = ?1 AND NULL < ?2)
            ORDER BY d.id
            -- 1 Text("x")
            -- 2 Int(5)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d.id = $1::text AND NULL::numeric < $2::numeric)
            ORDER BY d.id
            -- 1 Text("x")
            -- 2 Int(5)"#]],
    );
}

#[test]
fn an_array_equals() {
    check(
        eq("a", json("[1, \"x\"]")),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE (json_type(d.data, '$.a') = 'array' AND den_json_eq(d.data -> '$.a', ?1))
        ORDER BY d.id
        -- 1 Json("[1,\"x\"]")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.data->'a') = $1::jsonb
        ORDER BY d.id
        -- 1 Json("[1,\"x\"]")"#]],
    );
}

#[test]
fn an_object_equals() {
    check(
        eq("a", json(r#"{"b":null}"#)),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE (json_type(d.data, '$.a') = 'object' AND den_json_eq(d.data -> '$.a', ?1))
        ORDER BY d.id
        -- 1 Json("{\"b\":null}")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.data->'a') = $1::jsonb
        ORDER BY d.id
        -- 1 Json("{\"b\":null}")"#]],
    );
}

#[test]
fn a_length_compares() {
    check(
        compare(CompareOp::Ge, Expr::Len(Box::new(field("tags"))), 2),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE CASE json_type(d.data, '$.tags') WHEN 'array' THEN json_array_length(d.data, '$.tags') END >= ?1
            ORDER BY d.id
            -- 1 Int(2)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'tags') = 'array' THEN jsonb_array_length(d.data->'tags')::numeric END) >= $1::numeric
            ORDER BY d.id
            -- 1 Int(2)"#]],
    );
}

#[test]
fn empty_in_matches_nothing() {
    check(
        is_in("a", Vec::<Value>::new()),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE FALSE
        ORDER BY d.id"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE FALSE
        ORDER BY d.id"#]],
    );
}

#[test]
fn one_value_in_a_set() {
    check_indexed(
        is_in("title", ["x"]),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE d."t_title_d62a4945" = ?1
        ORDER BY d.id
        -- 1 Text("x")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE d."t_title_d62a4945" = $1::text
            ORDER BY d.id
            -- 1 Text("x")"#]],
    );
}

#[test]
fn sets_are_padded() {
    check_indexed(
        is_in("title", ["x", "y", "z"]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d."t_title_d62a4945" IN (?1, ?2, ?3, ?4))
            ORDER BY d.id
            -- 1 Text("x")
            -- 2 Text("y")
            -- 3 Text("z")
            -- 4 Text("z")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d."t_title_d62a4945" = ANY($1::text[]))
        ORDER BY d.id
        -- 1 TextArray(["x", "y", "z"])"#]],
    );
}

#[test]
fn numbers_in_a_set() {
    check_indexed(
        is_in("price", [Value::Int(1), Value::Float(2.5)]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d."n_price_a39347ce" IN (?1, ?2))
            ORDER BY d.id
            -- 1 Int(1)
            -- 2 Float(2.5)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d."n_price_a39347ce" = ANY($1::numeric[]))
            ORDER BY d.id
            -- 1 NumericArray(["1", "2.5"])"#]],
    );
}

#[test]
fn a_set_splits_by_type() {
    check(
        is_in(
            "a",
            [
                Value::Int(1),
                Value::from("x"),
                Value::Bool(true),
                json("[1]"),
                json("{}"),
            ],
        ),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (CASE json_type(d.data, '$.a') WHEN 'text' THEN d.data ->> '$.a' END = ?1 OR CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?2 OR CASE json_type(d.data, '$.a') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END = ?3 OR (json_type(d.data, '$.a') IN ('array', 'object') AND EXISTS (SELECT 1 FROM json_each(?4) AS m WHERE den_json_eq(d.data -> '$.a', m.value))))
            ORDER BY d.id
            -- 1 Text("x")
            -- 2 Int(1)
            -- 3 Bool(true)
            -- 4 Json("[[1],{}]")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE ((d.data->'a') = ANY($1::jsonb[]))
            ORDER BY d.id
            -- 1 JsonArray(["\"x\"", "1", "true", "[1]", "{}"])"#]],
    );
}

#[test]
fn an_indexed_type_is_looked_up() {
    check_indexed(
        is_in("title", [Value::Int(1), Value::from("x")]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d."t_title_d62a4945" = ?1 OR CASE WHEN json_type(d.data, '$.title') IN ('integer', 'real') THEN d.data ->> '$.title' END = ?2)
            ORDER BY d.id
            -- 1 Text("x")
            -- 2 Int(1)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d."t_title_d62a4945" = ANY($1::text[]) OR (d.data->'title') = ANY($2::jsonb[]))
            ORDER BY d.id
            -- 1 TextArray(["x"])
            -- 2 JsonArray(["1"])"#]],
    );
}

#[test]
fn ids_in_a_set() {
    check(
        is_in("_id", ["x", "y"]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d.id IN (?1, ?2))
            ORDER BY d.id
            -- 1 Text("x")
            -- 2 Text("y")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.id = ANY($1::text[]))
        ORDER BY d.id
        -- 1 TextArray(["x", "y"])"#]],
    );
}

#[test]
fn null_is_missing_or_null() {
    check(
        Expr::IsNull(Box::new(field("a"))),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE ifnull(json_type(d.data, '$.a'), 'null') = 'null'
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE coalesce(d.data->'a', 'null'::jsonb) = 'null'::jsonb
            ORDER BY d.id"#]],
    );
}

#[test]
fn null_by_column() {
    check_indexed(
        Expr::IsNull(Box::new(field("price"))),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d."n_price_a39347ce" IS NULL AND ifnull(json_type(d.data, '$.price'), 'null') = 'null')
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d."n_price_a39347ce" IS NULL AND coalesce(d.data->'price', 'null'::jsonb) = 'null'::jsonb)
            ORDER BY d.id"#]],
    );
}

#[test]
fn a_length_is_null() {
    check(
        Expr::IsNull(Box::new(Expr::Len(Box::new(field("tags"))))),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (CASE json_type(d.data, '$.tags') WHEN 'array' THEN json_array_length(d.data, '$.tags') END) IS NULL
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'tags') = 'array' THEN jsonb_array_length(d.data->'tags')::numeric END) IS NULL
            ORDER BY d.id"#]],
    );
}

#[test]
fn existing_includes_null() {
    check(
        Expr::Exists(Field::document(path("a.b"), FieldKind::Any)),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE json_type(d.data, '$.a.b') IS NOT NULL
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d.data->'a'->'b') IS NOT NULL
            ORDER BY d.id"#]],
    );
}
