//! Where values lie.

use den_backend::{CompareOp, Expr, Field, FieldKind, FieldPath, Value};
use expect_test::expect;

use crate::support::{check, compare, eq, field, path};

#[test]
fn nested_fields() {
    check(
        eq("a.b", "x"),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE CASE json_type(d.data, '$.a.b') WHEN 'text' THEN d.data ->> '$.a.b' END = ?1
        ORDER BY d.id
        -- 1 Text("x")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (d.data->'a'->'b') = $1::jsonb
        ORDER BY d.id
        -- 1 Json("\"x\"")"#]],
    );
}

#[test]
fn odd_keys_are_quoted() {
    check(
        Expr::compare(
            CompareOp::Lt,
            Expr::Field(Field::document(
                FieldPath::from_segments(["a.b", "it's", "q\"q", "b\\s", "é", "-1", "01"]).unwrap(),
                FieldKind::Any,
            )),
            Expr::Value(Value::Int(1)),
        ),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE CASE WHEN json_type(d.data, '$."a.b"."it''s"."q\"q"."b\\s"."é"."-1"."01"') IN ('integer', 'real') THEN d.data ->> '$."a.b"."it''s"."q\"q"."b\\s"."é"."-1"."01"' END < ?1
            ORDER BY d.id
            -- 1 Int(1)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'a.b'->'it''s'->'q"q'->'b\s'->'é'->'-1'->'01') = 'number' THEN (d.data->'a.b'->'it''s'->'q"q'->'b\s'->'é'->'-1'->>'01')::numeric END) < $1::numeric
            ORDER BY d.id
            -- 1 Int(1)"#]],
    );
}

#[test]
fn a_number_is_an_index_or_a_key() {
    check(
        compare(CompareOp::Lt, field("a.0"), 1),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE CASE WHEN coalesce(json_type(d.data, '$.a[0]'), json_type(d.data, '$.a."0"')) IN ('integer', 'real') THEN coalesce(d.data ->> '$.a[0]', d.data ->> '$.a."0"') END < ?1
            ORDER BY d.id
            -- 1 Int(1)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'a'#>'{0}') = 'number' THEN (d.data->'a'#>>'{0}')::numeric END) < $1::numeric
            ORDER BY d.id
            -- 1 Int(1)"#]],
    );
}

#[test]
fn several_numbers() {
    check(
        compare(CompareOp::Lt, field("a.0.1"), "x"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE CASE coalesce(json_type(d.data, '$.a[0][1]'), json_type(d.data, '$.a."0"[1]'), json_type(d.data, '$.a[0]."1"'), json_type(d.data, '$.a."0"."1"')) WHEN 'text' THEN coalesce(d.data ->> '$.a[0][1]', d.data ->> '$.a."0"[1]', d.data ->> '$.a[0]."1"', d.data ->> '$.a."0"."1"') END < ?1
            ORDER BY d.id
            -- 1 Text("x")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'a'#>'{0}'#>'{1}') = 'string' THEN d.data->'a'#>'{0}'#>>'{1}' END) COLLATE "C" < $1::text
            ORDER BY d.id
            -- 1 Text("x")"#]],
    );
}

#[test]
fn many_numbers_are_walked() {
    check(
        Expr::Exists(Field::document(path("0.1.2.3.4.5.6"), FieldKind::Any)),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (SELECT e1006.type FROM json_each(d.data) AS e1000, json_each((CASE WHEN e1000.type IN ('array', 'object') THEN e1000.value END)) AS e1001, json_each((CASE WHEN e1001.type IN ('array', 'object') THEN e1001.value END)) AS e1002, json_each((CASE WHEN e1002.type IN ('array', 'object') THEN e1002.value END)) AS e1003, json_each((CASE WHEN e1003.type IN ('array', 'object') THEN e1003.value END)) AS e1004, json_each((CASE WHEN e1004.type IN ('array', 'object') THEN e1004.value END)) AS e1005, json_each((CASE WHEN e1005.type IN ('array', 'object') THEN e1005.value END)) AS e1006 WHERE e1000.key IN ('0', 0) AND e1001.key IN ('1', 1) AND e1002.key IN ('2', 2) AND e1003.key IN ('3', 3) AND e1004.key IN ('4', 4) AND e1005.key IN ('5', 5) AND e1006.key IN ('6', 6)) IS NOT NULL
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d.data#>'{0}'#>'{1}'#>'{2}'#>'{3}'#>'{4}'#>'{5}'#>'{6}') IS NOT NULL
            ORDER BY d.id"#]],
    );
}
