//! Filters through a link.

use den_backend::{CompareOp, Expr, FieldKind, Query};
use den_sql::{Layout, Layouts, POSTGRES, SQLITE};
use expect_test::{Expect, expect};

use crate::support::{
    articles, bare, check, check_indexed, check_statements, compare, element, eq, field, indexed,
    path,
};

/// The document of `collection` that the operand names satisfies the predicate.
fn linked(operand: Expr, collection: &str, predicate: Expr) -> Expr {
    Expr::Linked {
        operand: Box::new(operand),
        collection: collection.to_owned(),
        predicate: Box::new(predicate),
    }
}

fn any_element(array: &str, predicate: Expr) -> Expr {
    Expr::AnyElement {
        array: Box::new(field(array)),
        predicate: Box::new(predicate),
    }
}

/// People with a column for `country`.
fn people() -> Layout {
    Layout::new("people").with_column(path("country"), FieldKind::Text)
}

/// Counts, with the layouts of both collections.
#[track_caller]
fn check_layouts(filter: Expr, sqlite: &Expect, postgres: &Expect) {
    let own = indexed().with_column(path("author"), FieldKind::Text);
    let people = people();
    let linked = [&people];
    let query: Query = articles(filter);
    let layouts = Layouts::new(&own).with_linked(&linked);
    check_statements(
        &den_sql::count(SQLITE, layouts, &query),
        &den_sql::count(POSTGRES, layouts, &query),
        sqlite,
        postgres,
    );
}

#[test]
fn a_link_is_a_set_of_ids() {
    check(
        linked(field("author"), "people", eq("country", "at")),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE CASE json_type(d.data, '$.author') WHEN 'text' THEN d.data ->> '$.author' END IN (SELECT d.id FROM "people" AS d WHERE CASE json_type(d.data, '$.country') WHEN 'text' THEN d.data ->> '$.country' END = ?1)
            ORDER BY d.id
            -- 1 Text("at")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'author') = 'string' THEN d.data->>'author' END) COLLATE "C" IN (SELECT d.id FROM "people" AS d WHERE (d.data->'country') = $1::jsonb)
            ORDER BY d.id
            -- 1 Json("\"at\"")"#]],
    );
}

#[test]
fn columns_of_both_collections_serve() {
    check_layouts(
        linked(field("author"), "people", eq("country", "at")),
        &expect![[r#"
            SELECT count(*) AS count
            FROM "articles" AS d
            WHERE d."t_author_21f9656c" IN (SELECT d.id FROM "people" AS d WHERE d."t_country_61401a05" = ?1)
            -- 1 Text("at")"#]],
        &expect![[r#"
            SELECT count(*) AS count
            FROM "articles" AS d
            WHERE d."t_author_21f9656c" IN (SELECT d.id FROM "people" AS d WHERE d."t_country_61401a05" = $1::text)
            -- 1 Text("at")"#]],
    );
}

#[test]
fn a_link_is_negated_with_null_among_the_rest() {
    check(
        linked(field("author"), "people", eq("country", "at")).not(),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (CASE json_type(d.data, '$.author') WHEN 'text' THEN d.data ->> '$.author' END IN (SELECT d.id FROM "people" AS d WHERE CASE json_type(d.data, '$.country') WHEN 'text' THEN d.data ->> '$.country' END = ?1)) IS NOT TRUE
            ORDER BY d.id
            -- 1 Text("at")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE ((CASE WHEN jsonb_typeof(d.data->'author') = 'string' THEN d.data->>'author' END) COLLATE "C" IN (SELECT d.id FROM "people" AS d WHERE (d.data->'country') = $1::jsonb)) IS NOT TRUE
            ORDER BY d.id
            -- 1 Json("\"at\"")"#]],
    );
}

#[test]
fn any_document_will_do() {
    check(
        linked(field("author"), "people", Expr::always()),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE CASE json_type(d.data, '$.author') WHEN 'text' THEN d.data ->> '$.author' END IN (SELECT d.id FROM "people" AS d)
            ORDER BY d.id"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'author') = 'string' THEN d.data->>'author' END) COLLATE "C" IN (SELECT d.id FROM "people" AS d)
            ORDER BY d.id"#]],
    );
}

#[test]
fn links_nest_and_lead_back() {
    check_layouts(
        linked(
            field("author"),
            "people",
            linked(
                field("city"),
                "cit\"ies",
                linked(field("best"), "articles", eq("title", "x")),
            ),
        ),
        &expect![[r#"
            SELECT count(*) AS count
            FROM "articles" AS d
            WHERE d."t_author_21f9656c" IN (SELECT d.id FROM "people" AS d WHERE CASE json_type(d.data, '$.city') WHEN 'text' THEN d.data ->> '$.city' END IN (SELECT d.id FROM "cit""ies" AS d WHERE CASE json_type(d.data, '$.best') WHEN 'text' THEN d.data ->> '$.best' END IN (SELECT d.id FROM "articles" AS d WHERE d."t_title_d62a4945" = ?1)))
            -- 1 Text("x")"#]],
        &expect![[r#"
            SELECT count(*) AS count
            FROM "articles" AS d
            WHERE d."t_author_21f9656c" IN (SELECT d.id FROM "people" AS d WHERE (CASE WHEN jsonb_typeof(d.data->'city') = 'string' THEN d.data->>'city' END) COLLATE "C" IN (SELECT d.id FROM "cit""ies" AS d WHERE (CASE WHEN jsonb_typeof(d.data->'best') = 'string' THEN d.data->>'best' END) COLLATE "C" IN (SELECT d.id FROM "articles" AS d WHERE d."t_title_d62a4945" = $1::text)))
            -- 1 Text("x")"#]],
    );
}

#[test]
fn a_link_in_an_element() {
    check(
        any_element(
            "authors",
            linked(element(""), "people", eq("country", "at")),
        ),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (json_type(d.data, '$.authors') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.authors') AS e1 WHERE CASE e1.type WHEN 'text' THEN e1.value END IN (SELECT d.id FROM "people" AS d WHERE CASE json_type(d.data, '$.country') WHEN 'text' THEN d.data ->> '$.country' END = ?1)))
            ORDER BY d.id
            -- 1 Text("at")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'authors') = 'array' THEN d.data->'authors' END) AS e1 (v) WHERE (CASE WHEN jsonb_typeof(e1.v) = 'string' THEN e1.v#>>'{}' END) COLLATE "C" IN (SELECT d.id FROM "people" AS d WHERE (d.data->'country') = $1::jsonb)))
            ORDER BY d.id
            -- 1 Json("\"at\"")"#]],
    );
}

#[test]
fn a_link_in_a_member_of_an_index() {
    check_indexed(
        any_element("tags", linked(element(""), "tags", eq("kind", "x"))),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE d.id IN (SELECT m.id FROM "_den_mx_tags" AS m WHERE m.kind = 'text' AND m.value IN (SELECT d.id FROM "tags" AS d WHERE CASE json_type(d.data, '$.kind') WHEN 'text' THEN d.data ->> '$.kind' END = ?1))
            ORDER BY d.id
            -- 1 Text("x")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'tags') = 'array' THEN d.data->'tags' END) AS e1 (v) WHERE (CASE WHEN jsonb_typeof(e1.v) = 'string' THEN e1.v#>>'{}' END) COLLATE "C" IN (SELECT d.id FROM "tags" AS d WHERE (d.data->'kind') = $1::jsonb)))
            ORDER BY d.id
            -- 1 Json("\"x\"")"#]],
    );
}

#[test]
fn a_link_in_a_part_of_an_element_with_more_asked_of_it() {
    check_indexed(
        any_element(
            "tags",
            linked(
                element("by"),
                "people",
                any_element("names", compare(CompareOp::Eq, element("first"), "x")),
            )
            .and(compare(CompareOp::Gt, element("at"), 1)),
        ),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (json_type(d.data, '$.tags') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.tags') AS e1 WHERE (CASE json_type((CASE WHEN e1.type IN ('array', 'object') THEN e1.value END), '$.by') WHEN 'text' THEN (CASE WHEN e1.type IN ('array', 'object') THEN e1.value END) ->> '$.by' END IN (SELECT d.id FROM "people" AS d WHERE (json_type(d.data, '$.names') = 'array' AND EXISTS (SELECT 1 FROM json_each(d.data, '$.names') AS e1 WHERE CASE json_type((CASE WHEN e1.type IN ('array', 'object') THEN e1.value END), '$.first') WHEN 'text' THEN (CASE WHEN e1.type IN ('array', 'object') THEN e1.value END) ->> '$.first' END = ?1))) AND CASE WHEN json_type((CASE WHEN e1.type IN ('array', 'object') THEN e1.value END), '$.at') IN ('integer', 'real') THEN (CASE WHEN e1.type IN ('array', 'object') THEN e1.value END) ->> '$.at' END > ?2)))
            ORDER BY d.id
            -- 1 Text("x")
            -- 2 Int(1)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'tags') = 'array' THEN d.data->'tags' END) AS e1 (v) WHERE ((CASE WHEN jsonb_typeof(e1.v->'by') = 'string' THEN e1.v->>'by' END) COLLATE "C" IN (SELECT d.id FROM "people" AS d WHERE (EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'names') = 'array' THEN d.data->'names' END) AS e1 (v) WHERE (e1.v->'first') = $1::jsonb))) AND (CASE WHEN jsonb_typeof(e1.v->'at') = 'number' THEN (e1.v->>'at')::numeric END) > $2::numeric)))
            ORDER BY d.id
            -- 1 Json("\"x\"")
            -- 2 Int(1)"#]],
    );
}

#[test]
fn what_is_no_text_links_nowhere_but_names_the_collection() {
    check(
        Expr::Or(vec![
            linked(Expr::Len(Box::new(field("a"))), "people", Expr::always()),
            linked(Expr::Value(1.into()), "people", Expr::always()),
            linked(Expr::Value("x".into()), "people", Expr::always()),
        ]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE (NULL IN (SELECT d.id FROM "people" AS d) OR NULL IN (SELECT d.id FROM "people" AS d) OR ?1 IN (SELECT d.id FROM "people" AS d))
            ORDER BY d.id
            -- 1 Text("x")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (NULL::text IN (SELECT d.id FROM "people" AS d) OR NULL::text IN (SELECT d.id FROM "people" AS d) OR $1::text IN (SELECT d.id FROM "people" AS d))
            ORDER BY d.id
            -- 1 Text("x")"#]],
    );
}

#[test]
fn rows_are_deleted_through_a_link() {
    let query = articles(linked(field("author"), "people", eq("country", "at")));
    let layout = bare();
    check_statements(
        &den_sql::delete_matching(SQLITE, Layouts::new(&layout), &query),
        &den_sql::delete_matching(POSTGRES, Layouts::new(&layout), &query),
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE CASE json_type(d.data, '$.author') WHEN 'text' THEN d.data ->> '$.author' END IN (SELECT d.id FROM "people" AS d WHERE CASE json_type(d.data, '$.country') WHEN 'text' THEN d.data ->> '$.country' END = ?1)
            -- 1 Text("at")"#]],
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id IN (SELECT d.id
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'author') = 'string' THEN d.data->>'author' END) COLLATE "C" IN (SELECT d.id FROM "people" AS d WHERE (d.data->'country') = $1::jsonb)
            )
                AND (EXISTS (SELECT 1 FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'author') = 'string' THEN d.data->>'author' END) COLLATE "C" AS v) AS o WHERE o.v IN (SELECT d.id FROM "people" AS d WHERE (d.data->'country') = $2::jsonb))) IS TRUE
            -- 1 Json("\"at\"")
            -- 2 Json("\"at\"")"#]],
    );
}

#[test]
fn a_window_through_a_link_is_looked_at_again_row_by_row() {
    let layout = bare();
    let in_at = linked(field("author"), "people", eq("country", "at"));
    let query = Query {
        limit: Some(2),
        ..articles(in_at.not())
    };
    check_statements(
        &den_sql::delete_matching(SQLITE, Layouts::new(&layout), &query),
        &den_sql::delete_matching(POSTGRES, Layouts::new(&layout), &query),
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id IN (SELECT d.id FROM (
            SELECT d.id AS id, NULL AS body
            FROM "articles" AS d
            WHERE (CASE json_type(d.data, '$.author') WHEN 'text' THEN d.data ->> '$.author' END IN (SELECT d.id FROM "people" AS d WHERE CASE json_type(d.data, '$.country') WHEN 'text' THEN d.data ->> '$.country' END = ?1)) IS NOT TRUE
            ORDER BY d.id
            LIMIT ?2
            ) AS d)
            -- 1 Text("at")
            -- 2 Rows(2)"#]],
        &expect![[r#"
            DELETE FROM "articles" AS d
            WHERE d.id IN (SELECT d.id FROM (
            SELECT d.id AS id, NULL::jsonb AS body
            FROM "articles" AS d
            WHERE ((CASE WHEN jsonb_typeof(d.data->'author') = 'string' THEN d.data->>'author' END) COLLATE "C" IN (SELECT d.id FROM "people" AS d WHERE (d.data->'country') = $1::jsonb)) IS NOT TRUE
            ORDER BY d.id
            LIMIT $2::bigint
            ) AS d)
                AND ((EXISTS (SELECT 1 FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'author') = 'string' THEN d.data->>'author' END) COLLATE "C" AS v) AS o WHERE o.v IN (SELECT d.id FROM "people" AS d WHERE (d.data->'country') = $3::jsonb))) IS TRUE) IS NOT TRUE
            -- 1 Json("\"at\"")
            -- 2 Rows(2)
            -- 3 Json("\"at\"")"#]],
    );
}
