//! Indexes of some documents: their filters as definitions spell them, where nothing is bound.

use den_backend::{
    CollectionMeta, CompareOp, Direction, Expr, Field, FieldKind, IndexKind, TextOp, Value,
};
use den_sql::{Layout, POSTGRES, SQLITE, schema};
use expect_test::{Expect, expect};

use crate::{
    lint::{lint_postgres, lint_sqlite},
    support::{bare, compare, eq, field, index, indexed, is_in, path},
};

/// A unique index over `slug` of the documents that pass `filter`.
#[track_caller]
fn check_filter(layout: &Layout, filter: Expr, sqlite: &Expect, postgres: &Expect) {
    let mut meta = index(
        "ux_slug",
        IndexKind::Unique,
        &[("slug", FieldKind::Text, Direction::Asc)],
    );
    meta.filter = filter;
    let layout = layout.clone().with_column(path("slug"), FieldKind::Text);
    let [lite, pg] = [SQLITE, POSTGRES]
        .map(|dialect| schema::create_index(dialect, &layout, &meta, false).join(";\n"));
    lint_sqlite(lite.split("WHERE").nth(1).expect("a filter"));
    lint_postgres(pg.split("WHERE").nth(1).expect("a filter"));
    sqlite.assert_eq(&lite);
    postgres.assert_eq(&pg);
}

fn text(op: TextOp, ignore_case: bool, name: &str, needle: &str) -> Expr {
    Expr::Text {
        op,
        ignore_case,
        operand: Box::new(field(name)),
        needle: needle.to_owned(),
    }
}

#[test]
fn live_documents() {
    check_filter(
        &bare(),
        Expr::IsNull(Box::new(field("_deleted_at"))),
        &expect![[r#"
            CREATE UNIQUE INDEX IF NOT EXISTS "ux_slug" ON "articles" ("t_slug_9d878446", (x''))
            WHERE ifnull(json_type(data, '$._deleted_at'), 'null') = 'null'"#]],
        &expect![[r#"
            CREATE UNIQUE INDEX IF NOT EXISTS "ux_slug" ON "articles" ("t_slug_9d878446" ASC NULLS FIRST)
            WHERE coalesce(data->'_deleted_at', 'null'::jsonb) = 'null'::jsonb"#]],
    );
}

#[test]
fn values_are_quoted() {
    check_filter(
        &bare(),
        eq("a", "it's \\ \"x\" $1 ?1")
            .and(eq("b", -5))
            .and(eq("b", i64::MIN))
            .and(compare(CompareOp::Gt, field("c"), 1.5e300))
            .and(compare(CompareOp::Le, field("c"), 9_007_199_254_740_994.0))
            .and(eq("d", true).not()),
        &expect![[r#"
            CREATE UNIQUE INDEX IF NOT EXISTS "ux_slug" ON "articles" ("t_slug_9d878446", (x''))
            WHERE (CASE json_type(data, '$.a') WHEN 'text' THEN data ->> '$.a' END = 'it''s \ "x" $1 ?1' AND CASE WHEN json_type(data, '$.b') IN ('integer', 'real') THEN data ->> '$.b' END = -5 AND CASE WHEN json_type(data, '$.b') IN ('integer', 'real') THEN data ->> '$.b' END = -9223372036854775808 AND CASE WHEN json_type(data, '$.c') IN ('integer', 'real') THEN data ->> '$.c' END > 1.5e300 AND CASE WHEN json_type(data, '$.c') IN ('integer', 'real') THEN data ->> '$.c' END <= 9007199254740994.0 AND (CASE json_type(data, '$.d') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END = 1) IS NOT TRUE)"#]],
        &expect![[r#"
            CREATE UNIQUE INDEX IF NOT EXISTS "ux_slug" ON "articles" ("t_slug_9d878446" ASC NULLS FIRST)
            WHERE ((data->'a') = '"it''s \\ \"x\" $1 ?1"'::jsonb AND (data->'b') = '-5'::jsonb AND (data->'b') = '-9223372036854775808'::jsonb AND (CASE WHEN jsonb_typeof(data->'c') = 'number' THEN (data->>'c')::numeric END) > '1.5e300'::numeric AND (CASE WHEN jsonb_typeof(data->'c') = 'number' THEN (data->>'c')::numeric END) <= '9007199254740994.0'::numeric AND ((data->'d') = 'true'::jsonb) IS NOT TRUE)"#]],
    );
}

#[test]
fn columns_serve_as_in_queries() {
    check_filter(
        &indexed(),
        Expr::Or(vec![
            eq("title", "x"),
            compare(CompareOp::Lt, field("price"), -1.0),
            eq("draft", false),
            Expr::IsNull(Box::new(field("title"))),
        ]),
        &expect![[r#"
            CREATE UNIQUE INDEX IF NOT EXISTS "ux_slug" ON "articles" ("t_slug_9d878446", (x''))
            WHERE ("t_title_d62a4945" = 'x' OR "n_price_a39347ce" < -1.0 OR "b_draft_1bd9e125" = 0 OR ("t_title_d62a4945" IS NULL AND ifnull(json_type(data, '$.title'), 'null') = 'null'))"#]],
        &expect![[r#"
            CREATE UNIQUE INDEX IF NOT EXISTS "ux_slug" ON "articles" ("t_slug_9d878446" ASC NULLS FIRST)
            WHERE ("t_title_d62a4945" = 'x'::text OR "n_price_a39347ce" < '-1.0'::numeric OR "b_draft_1bd9e125" = 'false'::boolean OR ("t_title_d62a4945" IS NULL AND coalesce(data->'title', 'null'::jsonb) = 'null'::jsonb))"#]],
    );
}

#[test]
fn sets_are_written_out() {
    check_filter(
        &indexed(),
        is_in("title", ["a", "it's", "c"])
            .and(is_in("price", [1, -2]))
            .and(Expr::In {
                operand: Box::new(field("other")),
                values: vec![1.into(), "x".into(), true.into()],
            }),
        &expect![[r#"
            CREATE UNIQUE INDEX IF NOT EXISTS "ux_slug" ON "articles" ("t_slug_9d878446", (x''))
            WHERE (("t_title_d62a4945" IN ('a', 'it''s', 'c', 'c')) AND ("n_price_a39347ce" IN (1, -2)) AND (CASE json_type(data, '$.other') WHEN 'text' THEN data ->> '$.other' END = 'x' OR CASE WHEN json_type(data, '$.other') IN ('integer', 'real') THEN data ->> '$.other' END = 1 OR CASE json_type(data, '$.other') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END = 1))"#]],
        &expect![[r#"
            CREATE UNIQUE INDEX IF NOT EXISTS "ux_slug" ON "articles" ("t_slug_9d878446" ASC NULLS FIRST)
            WHERE (("t_title_d62a4945" = ANY(ARRAY['a', 'it''s', 'c']::text[])) AND ("n_price_a39347ce" = ANY(ARRAY['1', '-2']::numeric[])) AND ((data->'other') = ANY(ARRAY['"x"', '1', 'true']::jsonb[])))"#]],
    );
}

#[test]
fn a_long_set_is_no_sub_select() {
    let mut meta = index("ix", IndexKind::Plain, &[]);
    meta.filter = is_in("a", (0..1000).map(Value::Int));
    let statements = schema::create_index(SQLITE, &bare(), &meta, false);
    assert!(!statements.join("").contains("SELECT"));
}

#[test]
fn text_and_existence() {
    check_filter(
        &indexed(),
        Expr::And(vec![
            text(TextOp::StartsWith, false, "title", "a'b"),
            text(TextOp::StartsWith, false, "other", "a"),
            text(TextOp::EndsWith, true, "other", "B"),
            text(TextOp::Contains, false, "other", "%"),
            text(TextOp::Equals, true, "other", "C"),
            Expr::Exists(Field::document(path("a.0"), FieldKind::Any)),
        ]),
        &expect![[r#"
            CREATE UNIQUE INDEX IF NOT EXISTS "ux_slug" ON "articles" ("t_slug_9d878446", (x''))
            WHERE (("t_title_d62a4945" >= 'a''b' AND "t_title_d62a4945" < 'a''c') AND substr(CASE json_type(data, '$.other') WHEN 'text' THEN data ->> '$.other' END, 1, length('a')) = 'a' AND substr(lower(CASE json_type(data, '$.other') WHEN 'text' THEN data ->> '$.other' END), -length('b')) = 'b' AND instr(CASE json_type(data, '$.other') WHEN 'text' THEN data ->> '$.other' END, '%') > 0 AND lower(CASE json_type(data, '$.other') WHEN 'text' THEN data ->> '$.other' END) = 'c' AND coalesce(json_type(data, '$.a[0]'), json_type(data, '$.a."0"')) IS NOT NULL)"#]],
        &expect![[r#"
            CREATE UNIQUE INDEX IF NOT EXISTS "ux_slug" ON "articles" ("t_slug_9d878446" ASC NULLS FIRST)
            WHERE (("t_title_d62a4945" >= 'a''b'::text AND "t_title_d62a4945" < 'a''c'::text) AND starts_with((CASE WHEN jsonb_typeof(data->'other') = 'string' THEN data->>'other' END) COLLATE "C", 'a'::text) AND right(lower((CASE WHEN jsonb_typeof(data->'other') = 'string' THEN data->>'other' END) COLLATE "C" COLLATE "C"), char_length('b'::text)) = 'b'::text AND strpos((CASE WHEN jsonb_typeof(data->'other') = 'string' THEN data->>'other' END) COLLATE "C", '%'::text) > 0 AND lower((CASE WHEN jsonb_typeof(data->'other') = 'string' THEN data->>'other' END) COLLATE "C" COLLATE "C") = 'c'::text AND (data->'a'#>'{0}') IS NOT NULL)"#]],
    );
}

#[test]
fn a_plain_index_with_a_filter() {
    let mut meta = index(
        "ix_price",
        IndexKind::Plain,
        &[("price", FieldKind::Number, Direction::Desc)],
    );
    meta.filter = Expr::never();
    let mut collection = CollectionMeta::new("articles");
    collection.indexes = vec![meta.clone()];
    let layout = Layout::of(&collection);
    expect![[r#"
        CREATE INDEX IF NOT EXISTS "ix_price" ON "articles" ("n_price_a39347ce" DESC, id DESC)
        WHERE FALSE"#]]
    .assert_eq(&schema::create_index(SQLITE, &layout, &meta, true).join(""));
    expect![[r#"
        CREATE INDEX CONCURRENTLY IF NOT EXISTS "ix_price" ON "articles" ("n_price_a39347ce" DESC NULLS LAST, id DESC)
        WHERE FALSE"#]].assert_eq(&schema::create_index(POSTGRES, &layout, &meta, true).join(""));
}

#[test]
fn the_definition_holds_the_filter() {
    let plain = index(
        "ix",
        IndexKind::Plain,
        &[("a", FieldKind::Text, Direction::Asc)],
    );
    let mut partial = plain.clone();
    partial.filter = eq("b", 1.5).and(text(TextOp::Contains, true, "c", "it's"));
    let mut other = plain.clone();
    other.filter = eq("b", 2.5);

    // Of old this was all, and so the hash stays.
    expect![[
        r#"{"fields":[{"direction":"asc","kind":"text","path":["a"]}],"kind":"plain","name":"ix"}"#
    ]]
    .assert_eq(&schema::definition(&plain));
    expect!["449272e68cc3bb2b"].assert_eq(&schema::definition_hash(&plain));
    expect![[r#"{"fields":[{"direction":"asc","kind":"text","path":["a"]}],"filter":"{\"and\":[{\"compare\":{\"op\":\"eq\",\"left\":{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}},\"right\":{\"value\":1.5}}},{\"text\":{\"op\":\"contains\",\"ignore_case\":true,\"operand\":{\"field\":{\"root\":\"document\",\"path\":[\"c\"],\"kind\":\"any\"}},\"needle\":\"it's\"}}]}","kind":"plain","name":"ix"}"#]].assert_eq(&schema::definition(&partial));
    for index in [&plain, &partial, &other] {
        let definition = schema::definition(index);
        assert_eq!(schema::parse_definition(&definition).as_ref(), Some(index));
    }
    assert_ne!(
        schema::definition_hash(&partial),
        schema::definition_hash(&other)
    );
    assert_ne!(
        schema::definition_hash(&partial),
        schema::definition_hash(&plain)
    );
    assert_eq!(
        schema::parse_definition(r#"{"name":"a","kind":"plain","fields":[],"filter":"?"}"#),
        None
    );
}
