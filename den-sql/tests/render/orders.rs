//! Orders.

use den_backend::{Direction, Expr, FieldKind, Nulls};
use expect_test::expect;

use crate::support::{articles, bare, check_query, indexed, sort, sorted};

#[test]
fn every_order_ends_with_the_id() {
    check_query(
        &bare(),
        &sorted(&[]),
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
fn a_typed_sort() {
    check_query(
        &indexed(),
        &sorted(&[
            ("title", FieldKind::Text, Direction::Asc),
            ("n", FieldKind::Number, Direction::Desc),
        ]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            ORDER BY d."t_title_d62a4945" ASC NULLS FIRST, CASE WHEN json_type(d.data, '$.n') IN ('integer', 'real') THEN d.data ->> '$.n' END DESC NULLS LAST, d.id DESC"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            ORDER BY d."t_title_d62a4945" ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->>'n')::numeric END) DESC NULLS LAST, d.id DESC"#]],
    );
}

#[test]
fn nulls_where_they_are_told() {
    let mut query = articles(Expr::always());
    query.sort.push(sort(
        "price",
        FieldKind::Number,
        Direction::Asc,
        Nulls::Last,
    ));
    query.sort.push(sort(
        "draft",
        FieldKind::Bool,
        Direction::Desc,
        Nulls::First,
    ));
    check_query(
        &indexed(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        ORDER BY d."n_price_a39347ce" ASC NULLS LAST, d."b_draft_1bd9e125" DESC NULLS FIRST, d.id"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        ORDER BY d."n_price_a39347ce" ASC NULLS LAST, d."b_draft_1bd9e125" DESC NULLS FIRST, d.id"#]],
    );
}

#[test]
fn a_mixed_sort_is_by_type_first() {
    check_query(
        &bare(),
        &sorted(&[("a", FieldKind::Any, Direction::Desc)]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            ORDER BY CASE ifnull(json_type(d.data, '$.a'), 'null') WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 WHEN 'true' THEN 3 WHEN 'false' THEN 3 WHEN 'array' THEN 4 ELSE 5 END DESC NULLS LAST, CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END DESC NULLS LAST, CASE json_type(d.data, '$.a') WHEN 'text' THEN d.data ->> '$.a' END DESC NULLS LAST, CASE json_type(d.data, '$.a') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END DESC NULLS LAST, d.id DESC"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            ORDER BY (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN 1 WHEN jsonb_typeof(d.data->'a') = 'string' THEN 2 WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN 3 WHEN jsonb_typeof(d.data->'a') = 'array' THEN 4 WHEN jsonb_typeof(d.data->'a') = 'object' THEN 5 ELSE 0 END) DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END) DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data->'a') = 'string' THEN d.data->>'a' END) COLLATE "C" DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN (d.data->'a')::boolean END) DESC NULLS LAST, d.id DESC"#]],
    );
}

#[test]
fn arrays_order_nothing() {
    check_query(
        &bare(),
        &sorted(&[("a", FieldKind::Array, Direction::Asc)]),
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
fn nothing_ties_with_an_id() {
    check_query(
        &bare(),
        &sorted(&[
            ("_id", FieldKind::Text, Direction::Desc),
            ("a", FieldKind::Text, Direction::Asc),
        ]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            ORDER BY d.id DESC"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            ORDER BY d.id DESC"#]],
    );
}
