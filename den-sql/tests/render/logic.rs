//! And, or, not.

use den_backend::Expr;
use expect_test::expect;

use crate::support::{check, check_indexed, eq};

#[test]
fn no_filter() {
    check(
        Expr::always(),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        ORDER BY d.id"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        ORDER BY d.id"#]],
    );
}

#[test]
fn never() {
    check(
        Expr::never(),
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
fn a_negation_includes_null() {
    check(
        eq("a", 1).not(),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE (CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?1) IS NOT TRUE
        ORDER BY d.id
        -- 1 Int(1)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE ((d.data->'a') = $1::jsonb) IS NOT TRUE
        ORDER BY d.id
        -- 1 Json("1")"#]],
    );
}

#[test]
fn and_in_or() {
    check(
        Expr::Or(vec![Expr::And(vec![eq("a", 1), eq("b", 2)]), eq("c", 3)]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE ((CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?1 AND CASE WHEN json_type(d.data, '$.b') IN ('integer', 'real') THEN d.data ->> '$.b' END = ?2) OR CASE WHEN json_type(d.data, '$.c') IN ('integer', 'real') THEN d.data ->> '$.c' END = ?3)
            ORDER BY d.id
            -- 1 Int(1)
            -- 2 Int(2)
            -- 3 Int(3)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (((d.data->'a') = $1::jsonb AND (d.data->'b') = $2::jsonb) OR (d.data->'c') = $3::jsonb)
            ORDER BY d.id
            -- 1 Json("1")
            -- 2 Json("2")
            -- 3 Json("3")"#]],
    );
}

#[test]
fn one_condition_needs_no_parentheses() {
    check(
        Expr::And(vec![Expr::Or(vec![eq("a", 1)])]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?1
            ORDER BY d.id
            -- 1 Int(1)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d.data->'a') = $1::jsonb
            ORDER BY d.id
            -- 1 Json("1")"#]],
    );
}

#[test]
fn not_of_all() {
    check(
        Expr::And(vec![eq("a", 1), eq("b", 2).not()]).not(),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE ((CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?1 AND (CASE WHEN json_type(d.data, '$.b') IN ('integer', 'real') THEN d.data ->> '$.b' END = ?2) IS NOT TRUE)) IS NOT TRUE
            ORDER BY d.id
            -- 1 Int(1)
            -- 2 Int(2)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (((d.data->'a') = $1::jsonb AND ((d.data->'b') = $2::jsonb) IS NOT TRUE)) IS NOT TRUE
            ORDER BY d.id
            -- 1 Json("1")
            -- 2 Json("2")"#]],
    );
}

#[test]
fn long_lists_are_balanced() {
    check_indexed(
        Expr::Or((0..9).map(|it| eq("price", it)).collect()),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE ((d."n_price_a39347ce" = ?1 OR d."n_price_a39347ce" = ?2 OR d."n_price_a39347ce" = ?3 OR d."n_price_a39347ce" = ?4) OR (d."n_price_a39347ce" = ?5 OR d."n_price_a39347ce" = ?6 OR d."n_price_a39347ce" = ?7 OR d."n_price_a39347ce" = ?8 OR d."n_price_a39347ce" = ?9))
            ORDER BY d.id
            -- 1 Int(0)
            -- 2 Int(1)
            -- 3 Int(2)
            -- 4 Int(3)
            -- 5 Int(4)
            -- 6 Int(5)
            -- 7 Int(6)
            -- 8 Int(7)
            -- 9 Int(8)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE ((d."n_price_a39347ce" = $1::numeric OR d."n_price_a39347ce" = $2::numeric OR d."n_price_a39347ce" = $3::numeric OR d."n_price_a39347ce" = $4::numeric) OR (d."n_price_a39347ce" = $5::numeric OR d."n_price_a39347ce" = $6::numeric OR d."n_price_a39347ce" = $7::numeric OR d."n_price_a39347ce" = $8::numeric OR d."n_price_a39347ce" = $9::numeric))
            ORDER BY d.id
            -- 1 Int(0)
            -- 2 Int(1)
            -- 3 Int(2)
            -- 4 Int(3)
            -- 5 Int(4)
            -- 6 Int(5)
            -- 7 Int(6)
            -- 8 Int(7)
            -- 9 Int(8)"#]],
    );
}
