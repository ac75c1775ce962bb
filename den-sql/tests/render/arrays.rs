//! Arrays, their elements, and keys of objects.

use den_backend::{CompareOp, Expr, Value};
use expect_test::expect;

use crate::support::{check, check_indexed, compare, element, field, json};

fn contains(name: &str, value: impl Into<Value>) -> Expr {
    Expr::Contains {
        array: Box::new(field(name)),
        value: value.into(),
    }
}

fn any(array: Expr, predicate: Expr) -> Expr {
    Expr::AnyElement {
        array: Box::new(array),
        predicate: Box::new(predicate),
    }
}

#[test]
fn an_array_contains_text() {
    check(
        contains("tags", "x"),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE (json_type(d.data, '$.tags') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.tags') AS m WHERE m.type = 'text' AND m.value = ?1))
        ORDER BY d.id
        -- 1 Text("x")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.data->'tags') @> $1::jsonb
        ORDER BY d.id
        -- 1 Json("[\"x\"]")"#]],
    );
}

#[test]
fn an_array_contains_a_number() {
    check(
        contains("tags", 1),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE (json_type(d.data, '$.tags') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.tags') AS m WHERE m.type IN ('integer', 'real') AND m.value = ?1))
        ORDER BY d.id
        -- 1 Int(1)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.data->'tags') @> $1::jsonb
        ORDER BY d.id
        -- 1 Json("[1]")"#]],
    );
}

#[test]
fn an_array_contains_true() {
    check(
        contains("tags", true),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE (json_type(d.data, '$.tags') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.tags') AS m WHERE m.type = 'true'))
        ORDER BY d.id"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.data->'tags') @> $1::jsonb
        ORDER BY d.id
        -- 1 Json("[true]")"#]],
    );
}

#[test]
fn an_array_contains_null() {
    check(
        contains("tags", Value::Null),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE (json_type(d.data, '$.tags') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.tags') AS m WHERE m.type = 'null'))
        ORDER BY d.id"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.data->'tags') @> $1::jsonb
        ORDER BY d.id
        -- 1 Json("[null]")"#]],
    );
}

#[test]
fn an_array_contains_an_object() {
    check(
        contains("tags", json(r#"{"a":1}"#)),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (json_type(d.data, '$.tags') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.tags') AS m WHERE m.type = 'object' AND den_json_eq(m.value, ?1)))
            ORDER BY d.id
            -- 1 Json("{\"a\":1}")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE ((d.data->'tags') @> $1::jsonb AND EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'tags') = 'array' THEN d.data->'tags' END) AS m (v) WHERE m.v = $2::jsonb))
            ORDER BY d.id
            -- 1 Json("[{\"a\":1}]")
            -- 2 Json("{\"a\":1}")"#]],
    );
}

#[test]
fn members_are_looked_up() {
    check_indexed(
        contains("tags", "x"),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE (d.id IN (SELECT m.id FROM "_den_mx_tags" AS m WHERE m.kind = 'text' AND m.value = ?1))
        ORDER BY d.id
        -- 1 Text("x")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.data->'tags') @> $1::jsonb
        ORDER BY d.id
        -- 1 Json("[\"x\"]")"#]],
    );
}

#[test]
fn members_that_are_null() {
    check_indexed(
        contains("tags", Value::Null),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE (d.id IN (SELECT m.id FROM "_den_mx_tags" AS m WHERE m.kind = 'null' AND m.value = 0))
        ORDER BY d.id"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.data->'tags') @> $1::jsonb
        ORDER BY d.id
        -- 1 Json("[null]")"#]],
    );
}

#[test]
fn members_that_are_arrays_are_checked_again() {
    check_indexed(
        contains("tags", json("[1]")),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE (d.id IN (SELECT m.id FROM "_den_mx_tags" AS m WHERE m.kind = 'array' AND m.value = 0) AND json_type(d.data, '$.tags') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.tags') AS m WHERE m.type = 'array' AND den_json_eq(m.value, ?1)))
        ORDER BY d.id
        -- 1 Json("[1]")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE ((d.data->'tags') @> $1::jsonb AND EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'tags') = 'array' THEN d.data->'tags' END) AS m (v) WHERE m.v = $2::jsonb))
            ORDER BY d.id
            -- 1 Json("[[1]]")
            -- 2 Json("[1]")"#]],
    );
}

#[test]
fn an_empty_array_or_null() {
    check(
        Expr::IsEmpty(Box::new(field("tags"))),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (ifnull(json_type(d.data, '$.tags'), 'null') = 'null' OR CASE json_type(d.data, '$.tags') WHEN 'array' THEN json_array_length(d.data, '$.tags') END = 0)
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE coalesce(d.data->'tags', 'null'::jsonb) IN ('null'::jsonb, '[]'::jsonb)
            ORDER BY d.id"#]],
    );
}

#[test]
fn one_element_satisfies_all() {
    check(
        any(
            field("items"),
            Expr::And(vec![
                compare(CompareOp::Eq, element("sku"), "x"),
                compare(CompareOp::Gt, element("n"), 1),
            ]),
        ),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (json_type(d.data, '$.items') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.items') AS e1 WHERE (CASE json_type((CASE WHEN e1.type IN ('array', 'object') THEN e1.value END), '$.sku') WHEN 'text' THEN (CASE WHEN e1.type IN ('array', 'object') THEN e1.value END) ->> '$.sku' END = ?1 AND CASE WHEN json_type((CASE WHEN e1.type IN ('array', 'object') THEN e1.value END), '$.n') IN ('integer', 'real') THEN (CASE WHEN e1.type IN ('array', 'object') THEN e1.value END) ->> '$.n' END > ?2)))
            ORDER BY d.id
            -- 1 Text("x")
            -- 2 Int(1)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'items') = 'array' THEN d.data->'items' END) AS e1 (v) WHERE ((e1.v->'sku') = $1::jsonb AND (CASE WHEN jsonb_typeof(e1.v->'n') = 'number' THEN (e1.v->>'n')::numeric END) > $2::numeric)))
            ORDER BY d.id
            -- 1 Json("\"x\"")
            -- 2 Int(1)"#]],
    );
}

#[test]
fn an_element_itself() {
    check(
        any(field("tags"), compare(CompareOp::Gt, element(""), 5)),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (json_type(d.data, '$.tags') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.tags') AS e1 WHERE CASE WHEN e1.type IN ('integer', 'real') THEN e1.value END > ?1))
            ORDER BY d.id
            -- 1 Int(5)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'tags') = 'array' THEN d.data->'tags' END) AS e1 (v) WHERE (CASE WHEN jsonb_typeof(e1.v) = 'number' THEN (e1.v#>>'{}')::numeric END) > $1::numeric))
            ORDER BY d.id
            -- 1 Int(5)"#]],
    );
}

#[test]
fn every_element() {
    check(
        Expr::AllElements {
            array: Box::new(field("tags")),
            predicate: Box::new(compare(CompareOp::Gt, element(""), 5)),
        },
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (json_type(d.data, '$.tags') = 'array' AND NOT EXISTS (SELECT 1 FROM json_each(d.data, '$.tags') AS e1 WHERE (CASE WHEN e1.type IN ('integer', 'real') THEN e1.value END > ?1) IS NOT TRUE))
            ORDER BY d.id
            -- 1 Int(5)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (jsonb_typeof(d.data->'tags') = 'array' AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'tags') = 'array' THEN d.data->'tags' END) AS e1 (v) WHERE ((CASE WHEN jsonb_typeof(e1.v) = 'number' THEN (e1.v#>>'{}')::numeric END) > $1::numeric) IS NOT TRUE))
            ORDER BY d.id
            -- 1 Int(5)"#]],
    );
}

#[test]
fn elements_of_elements_beside_the_document() {
    check_indexed(
        any(
            field("items"),
            any(
                element("parts"),
                Expr::compare(CompareOp::Lt, element("n"), field("price")),
            ),
        ),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (json_type(d.data, '$.items') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.items') AS e1 WHERE (json_type((CASE WHEN e1.type IN ('array', 'object') THEN e1.value END), '$.parts') = 'array' AND EXISTS (SELECT 1 FROM json_each((CASE WHEN e1.type IN ('array', 'object') THEN e1.value END), '$.parts') AS e2 WHERE (CASE WHEN json_type((CASE WHEN e2.type IN ('array', 'object') THEN e2.value END), '$.n') IN ('integer', 'real') THEN (CASE WHEN e2.type IN ('array', 'object') THEN e2.value END) ->> '$.n' END < d."n_price_a39347ce" OR CASE json_type((CASE WHEN e2.type IN ('array', 'object') THEN e2.value END), '$.n') WHEN 'text' THEN (CASE WHEN e2.type IN ('array', 'object') THEN e2.value END) ->> '$.n' END < CASE json_type(d.data, '$.price') WHEN 'text' THEN d.data ->> '$.price' END OR CASE json_type((CASE WHEN e2.type IN ('array', 'object') THEN e2.value END), '$.n') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END < CASE json_type(d.data, '$.price') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END)))))
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'items') = 'array' THEN d.data->'items' END) AS e1 (v) WHERE (EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(e1.v->'parts') = 'array' THEN e1.v->'parts' END) AS e2 (v) WHERE ((CASE WHEN jsonb_typeof(e2.v->'n') = 'number' THEN (e2.v->>'n')::numeric END) < d."n_price_a39347ce" OR (CASE WHEN jsonb_typeof(e2.v->'n') = 'string' THEN e2.v->>'n' END) COLLATE "C" < (CASE WHEN jsonb_typeof(d.data->'price') = 'string' THEN d.data->>'price' END) COLLATE "C" OR (CASE WHEN jsonb_typeof(e2.v->'n') = 'boolean' THEN (e2.v->'n')::boolean END) < (CASE WHEN jsonb_typeof(d.data->'price') = 'boolean' THEN (d.data->'price')::boolean END))))))
            ORDER BY d.id"#]],
    );
}

#[test]
fn an_element_of_a_literal() {
    check_indexed(
        any(
            Expr::Value(json("[1, 2]")),
            Expr::compare(CompareOp::Lt, element(""), field("price")),
        ),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (EXISTS (SELECT 1 FROM json_each(?1) AS e1 WHERE (CASE WHEN e1.type IN ('integer', 'real') THEN e1.value END < d."n_price_a39347ce" OR CASE e1.type WHEN 'text' THEN e1.value END < CASE json_type(d.data, '$.price') WHEN 'text' THEN d.data ->> '$.price' END OR CASE e1.type WHEN 'true' THEN 1 WHEN 'false' THEN 0 END < CASE json_type(d.data, '$.price') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END)))
            ORDER BY d.id
            -- 1 Json("[1,2]")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (EXISTS (SELECT 1 FROM jsonb_array_elements($1::jsonb) AS e1 (v) WHERE ((CASE WHEN jsonb_typeof(e1.v) = 'number' THEN (e1.v#>>'{}')::numeric END) < d."n_price_a39347ce" OR (CASE WHEN jsonb_typeof(e1.v) = 'string' THEN e1.v#>>'{}' END) COLLATE "C" < (CASE WHEN jsonb_typeof(d.data->'price') = 'string' THEN d.data->>'price' END) COLLATE "C" OR (CASE WHEN jsonb_typeof(e1.v) = 'boolean' THEN e1.v::boolean END) < (CASE WHEN jsonb_typeof(d.data->'price') = 'boolean' THEN (d.data->'price')::boolean END))))
            ORDER BY d.id
            -- 1 Json("[1,2]")"#]],
    );
}

#[test]
fn a_literal_key() {
    check(
        Expr::HasKey {
            object: Box::new(field("a")),
            key: "a.b".to_owned(),
        },
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (json_type(d.data, '$.a') = 'object' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.a') AS m WHERE m.key = ?1))
            ORDER BY d.id
            -- 1 Text("a.b")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (jsonb_typeof(d.data->'a') = 'object' AND (d.data->'a') ? $1::text)
            ORDER BY d.id
            -- 1 Text("a.b")"#]],
    );
}
