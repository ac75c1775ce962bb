//! Text tests and patterns.

use den_backend::{Expr, Pattern, TextOp};
use expect_test::expect;

use crate::support::{check, check_indexed, field};

fn test(op: TextOp, ignore_case: bool, needle: &str) -> Expr {
    Expr::Text {
        op,
        ignore_case,
        operand: Box::new(field("title")),
        needle: needle.to_owned(),
    }
}

#[test]
fn a_prefix_is_a_range_of_a_column() {
    check_indexed(
        test(TextOp::StartsWith, false, "ab"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d."t_title_d62a4945" >= ?1 AND d."t_title_d62a4945" < ?2)
            ORDER BY d.id
            -- 1 Text("ab")
            -- 2 Text("ac")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d."t_title_d62a4945" >= $1::text AND d."t_title_d62a4945" < $2::text)
            ORDER BY d.id
            -- 1 Text("ab")
            -- 2 Text("ac")"#]],
    );
}

#[test]
fn a_prefix_without_a_column() {
    check(
        test(TextOp::StartsWith, false, "ab"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE substr(CASE json_type(d.data, '$.title') WHEN 'text' THEN d.data ->> '$.title' END, 1, length(?1)) = ?1
            ORDER BY d.id
            -- 1 Text("ab")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE starts_with((CASE WHEN jsonb_typeof(d.data->'title') = 'string' THEN d.data->>'title' END) COLLATE "C", $1::text)
            ORDER BY d.id
            -- 1 Text("ab")"#]],
    );
}

#[test]
fn a_prefix_without_a_successor() {
    check_indexed(
        test(TextOp::StartsWith, false, "\u{10FFFF}"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (d."t_title_d62a4945" >= ?1)
            ORDER BY d.id
            -- 1 Text("\u{10ffff}")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (d."t_title_d62a4945" >= $1::text)
            ORDER BY d.id
            -- 1 Text("\u{10ffff}")"#]],
    );
}

#[test]
fn an_empty_prefix_is_any_text() {
    check(
        test(TextOp::StartsWith, false, ""),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (CASE json_type(d.data, '$.title') WHEN 'text' THEN d.data ->> '$.title' END) IS NOT NULL
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'title') = 'string' THEN d.data->>'title' END) COLLATE "C" IS NOT NULL
            ORDER BY d.id"#]],
    );
}

#[test]
fn a_prefix_of_either_case() {
    check_indexed(
        test(TextOp::StartsWith, true, "Ab"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE substr(lower(d."t_title_d62a4945"), 1, length(?1)) = ?1
            ORDER BY d.id
            -- 1 Text("ab")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE starts_with(lower(d."t_title_d62a4945" COLLATE "C"), $1::text)
            ORDER BY d.id
            -- 1 Text("ab")"#]],
    );
}

#[test]
fn a_suffix() {
    check(
        test(TextOp::EndsWith, false, "%b"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE substr(CASE json_type(d.data, '$.title') WHEN 'text' THEN d.data ->> '$.title' END, -length(?1)) = ?1
            ORDER BY d.id
            -- 1 Text("%b")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE right((CASE WHEN jsonb_typeof(d.data->'title') = 'string' THEN d.data->>'title' END) COLLATE "C", char_length($1::text)) = $1::text
            ORDER BY d.id
            -- 1 Text("%b")"#]],
    );
}

#[test]
fn a_suffix_of_either_case() {
    check(
        test(TextOp::EndsWith, true, "B"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE substr(lower(CASE json_type(d.data, '$.title') WHEN 'text' THEN d.data ->> '$.title' END), -length(?1)) = ?1
            ORDER BY d.id
            -- 1 Text("b")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE right(lower((CASE WHEN jsonb_typeof(d.data->'title') = 'string' THEN d.data->>'title' END) COLLATE "C" COLLATE "C"), char_length($1::text)) = $1::text
            ORDER BY d.id
            -- 1 Text("b")"#]],
    );
}

#[test]
fn text_within_text() {
    check(
        test(TextOp::Contains, false, "_"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE instr(CASE json_type(d.data, '$.title') WHEN 'text' THEN d.data ->> '$.title' END, ?1) > 0
            ORDER BY d.id
            -- 1 Text("_")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE strpos((CASE WHEN jsonb_typeof(d.data->'title') = 'string' THEN d.data->>'title' END) COLLATE "C", $1::text) > 0
            ORDER BY d.id
            -- 1 Text("_")"#]],
    );
}

#[test]
fn text_within_text_of_either_case() {
    check(
        test(TextOp::Contains, true, "X"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE instr(lower(CASE json_type(d.data, '$.title') WHEN 'text' THEN d.data ->> '$.title' END), ?1) > 0
            ORDER BY d.id
            -- 1 Text("x")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE strpos(lower((CASE WHEN jsonb_typeof(d.data->'title') = 'string' THEN d.data->>'title' END) COLLATE "C" COLLATE "C"), $1::text) > 0
            ORDER BY d.id
            -- 1 Text("x")"#]],
    );
}

#[test]
fn equal_text() {
    check_indexed(
        test(TextOp::Equals, false, "Ab"),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE d."t_title_d62a4945" = ?1
            ORDER BY d.id
            -- 1 Text("Ab")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE d."t_title_d62a4945" = $1::text
            ORDER BY d.id
            -- 1 Text("Ab")"#]],
    );
}

#[test]
fn equal_text_of_either_case() {
    check(
        test(TextOp::Equals, true, "Ab"),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE lower(CASE json_type(d.data, '$.title') WHEN 'text' THEN d.data ->> '$.title' END) = ?1
        ORDER BY d.id
        -- 1 Text("ab")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE lower((CASE WHEN jsonb_typeof(d.data->'title') = 'string' THEN d.data->>'title' END) COLLATE "C" COLLATE "C") = $1::text
            ORDER BY d.id
            -- 1 Text("ab")"#]],
    );
}

#[test]
fn a_pattern() {
    check(
        Expr::Matches {
            operand: Box::new(field("title")),
            pattern: Pattern::parse("^a+$").unwrap(),
        },
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE den_regexp(?1, CASE json_type(d.data, '$.title') WHEN 'text' THEN d.data ->> '$.title' END)
            ORDER BY d.id
            -- 1 Text("^a+$")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'title') = 'string' THEN d.data->>'title' END) COLLATE "C" ~ $1::text
            ORDER BY d.id
            -- 1 Text("^a+$")"#]],
    );
}
