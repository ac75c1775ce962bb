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
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    check(
        Expr::And(names.into_iter().map(|it| eq(it, 1)).collect()),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE ((CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?1 AND CASE WHEN json_type(d.data, '$.b') IN ('integer', 'real') THEN d.data ->> '$.b' END = ?2 AND CASE WHEN json_type(d.data, '$.c') IN ('integer', 'real') THEN d.data ->> '$.c' END = ?3 AND CASE WHEN json_type(d.data, '$.d') IN ('integer', 'real') THEN d.data ->> '$.d' END = ?4) AND (CASE WHEN json_type(d.data, '$.e') IN ('integer', 'real') THEN d.data ->> '$.e' END = ?5 AND CASE WHEN json_type(d.data, '$.f') IN ('integer', 'real') THEN d.data ->> '$.f' END = ?6 AND CASE WHEN json_type(d.data, '$.g') IN ('integer', 'real') THEN d.data ->> '$.g' END = ?7 AND CASE WHEN json_type(d.data, '$.h') IN ('integer', 'real') THEN d.data ->> '$.h' END = ?8 AND CASE WHEN json_type(d.data, '$.i') IN ('integer', 'real') THEN d.data ->> '$.i' END = ?9))
            ORDER BY d.id
            -- 1 Int(1)
            -- 2 Int(1)
            -- 3 Int(1)
            -- 4 Int(1)
            -- 5 Int(1)
            -- 6 Int(1)
            -- 7 Int(1)
            -- 8 Int(1)
            -- 9 Int(1)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (((d.data->'a') = $1::jsonb AND (d.data->'b') = $2::jsonb AND (d.data->'c') = $3::jsonb AND (d.data->'d') = $4::jsonb) AND ((d.data->'e') = $5::jsonb AND (d.data->'f') = $6::jsonb AND (d.data->'g') = $7::jsonb AND (d.data->'h') = $8::jsonb AND (d.data->'i') = $9::jsonb))
            ORDER BY d.id
            -- 1 Json("1")
            -- 2 Json("1")
            -- 3 Json("1")
            -- 4 Json("1")
            -- 5 Json("1")
            -- 6 Json("1")
            -- 7 Json("1")
            -- 8 Json("1")
            -- 9 Json("1")"#]],
    );
}

#[test]
fn long_lists_of_values_are_sets() {
    let mut any: Vec<Expr> = (0..9).map(|it| eq("price", it)).collect();
    any.push(eq("draft", true));
    check_indexed(
        Expr::Or(any),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE ((d."n_price_a39347ce" IN (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)) OR d."b_draft_1bd9e125" = ?17)
        ORDER BY d.id
        -- 1 Int(0)
        -- 2 Int(1)
        -- 3 Int(2)
        -- 4 Int(3)
        -- 5 Int(4)
        -- 6 Int(5)
        -- 7 Int(6)
        -- 8 Int(7)
        -- 9 Int(8)
        -- 10 Int(8)
        -- 11 Int(8)
        -- 12 Int(8)
        -- 13 Int(8)
        -- 14 Int(8)
        -- 15 Int(8)
        -- 16 Int(8)
        -- 17 Bool(true)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE ((d."n_price_a39347ce" = ANY($1::numeric[])) OR d."b_draft_1bd9e125" = $2::boolean)
        ORDER BY d.id
        -- 1 NumericArray(["0", "1", "2", "3", "4", "5", "6", "7", "8"])
        -- 2 Bool(true)"#]],
    );
}
