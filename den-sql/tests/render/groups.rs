//! Groups and aggregates.

use den_backend::{
    Aggregate, AggregateFunction, CompareOp, Direction, Expr, FieldKind, Function, Grouping, Query,
    Sort, TimeUnit, Value,
};
use den_sql::{Layout, Layouts, POSTGRES, SQLITE};
use expect_test::{Expect, expect};

use crate::{
    computed::call,
    support::{articles, bare, check_statements, element, eq, field, indexed, kinded, path},
};

#[track_caller]
fn check_group(
    layout: &Layout,
    query: &Query,
    grouping: &Grouping,
    sqlite: &Expect,
    postgres: &Expect,
) {
    check_statements(
        &den_sql::group(SQLITE, Layouts::new(layout), query, grouping),
        &den_sql::group(POSTGRES, Layouts::new(layout), query, grouping),
        sqlite,
        postgres,
    );
}

fn of(function: AggregateFunction, operand: Expr) -> Aggregate {
    Aggregate {
        function,
        operand: Some(operand),
    }
}

const COUNT: Aggregate = Aggregate {
    function: AggregateFunction::Count,
    operand: None,
};

fn column(number: usize, kind: FieldKind) -> Expr {
    Expr::Field(Grouping::column(number, kind).expect("a column"))
}

#[test]
fn everything_as_one_group() {
    let grouping = Grouping::new(vec![], vec![COUNT]);
    check_group(
        &bare(),
        &articles(eq("draft", false)),
        &grouping,
        &expect![[r#"
            SELECT d.data AS body
            FROM (
            SELECT '[' || count(*) || ']' AS data
            FROM (
            SELECT 1 AS one
            FROM "articles" AS d
            WHERE CASE json_type(d.data, '$.draft') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END = ?1
            ) AS s
            ) AS d
            -- 1 Bool(false)"#]],
        &expect![[r#"
            SELECT d.data AS body
            FROM (
            SELECT jsonb_build_array(count(*)) AS data
            FROM (
            SELECT 1 AS one
            FROM "articles" AS d
            WHERE (d.data->'draft') = $1::jsonb
            ) AS s
            ) AS d
            -- 1 Json("false")"#]],
    );
}

#[test]
fn every_aggregate() {
    use AggregateFunction::{Avg, Count, CountDistinct, Max, Min, Sum};
    let price = || kinded("price", FieldKind::Number);
    let aggregates = vec![
        of(Count, price()),
        of(CountDistinct, price()),
        of(Sum, price()),
        of(Avg, price()),
        of(Min, price()),
        of(Max, kinded("title", FieldKind::Text)),
        of(Min, kinded("draft", FieldKind::Bool)),
    ];
    check_group(
        &indexed(),
        &articles(Expr::always()),
        &Grouping::new(vec![], aggregates),
        &expect![[r#"
            SELECT d.data AS body
            FROM (
            SELECT '[' || count(s.a1) || ',' || count(DISTINCT s.a2) || ',' || den_sum(s.a3) || ',' || den_avg(s.a4) || ',' || den_json(min(s.a5)) || ',' || den_json(max(s.a6)) || ',' || CASE min(s.a7) WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END || ']' AS data
            FROM (
            SELECT nullif(json_type(d.data, '$.price'), 'null') AS a1, d."n_price_a39347ce" AS a2, d."n_price_a39347ce" AS a3, d."n_price_a39347ce" AS a4, d."n_price_a39347ce" AS a5, d."t_title_d62a4945" AS a6, d."b_draft_1bd9e125" AS a7
            FROM "articles" AS d
            ) AS s
            ) AS d"#]],
        &expect![[r#"
            SELECT d.data AS body
            FROM (
            SELECT jsonb_build_array(count(s.a1), count(DISTINCT s.a2), CASE WHEN sum(s.a3) IS NULL THEN 0 WHEN scale(sum(s.a3)) = 0 AND min(s.a3) >= -9223372036854775808 AND max(s.a3) <= 9223372036854775807 THEN sum(s.a3)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT sum(s.a3)::float8 AS v OFFSET 0) AS f) END, (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT CASE WHEN abs(sum(s.a4)::float8) < 1e-300 AND abs(sum(s.a4)::float8) / 5e-324 * 2 <= count(s.a4) THEN 0 ELSE sum(s.a4)::float8 / count(s.a4) END AS v OFFSET 0) AS f), min(s.a5), max(s.a6), bool_and(s.a7)) AS data
            FROM (
            SELECT nullif((d.data->'price'), 'null'::jsonb) AS a1, d."n_price_a39347ce" AS a2, d."n_price_a39347ce" AS a3, d."n_price_a39347ce" AS a4, d."n_price_a39347ce" AS a5, d."t_title_d62a4945" AS a6, d."b_draft_1bd9e125" AS a7
            FROM "articles" AS d
            ) AS s
            ) AS d"#]],
    );
}

#[test]
fn aggregates_of_values_of_any_type() {
    use AggregateFunction::{CountDistinct, Max, Min};
    let aggregates = vec![
        of(CountDistinct, field("a")),
        of(Min, field("a")),
        of(Max, field("a")),
    ];
    check_group(
        &bare(),
        &articles(Expr::always()),
        &Grouping::new(vec![], aggregates),
        &expect![[r#"
            SELECT d.data AS body
            FROM (
            SELECT '[' || count(DISTINCT s.a1) || ',' || CASE WHEN min(s.a2n) IS NOT NULL THEN den_json(min(s.a2n)) WHEN min(s.a2t) IS NOT NULL THEN den_json(min(s.a2t)) WHEN min(s.a2b) IS NOT NULL THEN CASE min(s.a2b) WHEN 1 THEN 'true' ELSE 'false' END ELSE 'null' END || ',' || CASE WHEN max(s.a3b) IS NOT NULL THEN CASE max(s.a3b) WHEN 1 THEN 'true' ELSE 'false' END WHEN max(s.a3t) IS NOT NULL THEN den_json(max(s.a3t)) WHEN max(s.a3n) IS NOT NULL THEN den_json(max(s.a3n)) ELSE 'null' END || ']' AS data
            FROM (
            SELECT nullif(den_key(coalesce(d.data -> '$.a', 'null')), 'null') AS a1, CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END AS a2n, CASE json_type(d.data, '$.a') WHEN 'text' THEN d.data ->> '$.a' END AS a2t, CASE json_type(d.data, '$.a') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END AS a2b, CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END AS a3n, CASE json_type(d.data, '$.a') WHEN 'text' THEN d.data ->> '$.a' END AS a3t, CASE json_type(d.data, '$.a') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END AS a3b
            FROM "articles" AS d
            ) AS s
            ) AS d"#]],
        &expect![[r#"
            SELECT d.data AS body
            FROM (
            SELECT jsonb_build_array(count(DISTINCT s.a1), coalesce(to_jsonb(min(s.a2n)), to_jsonb(min(s.a2t)), to_jsonb(bool_and(s.a2b))), coalesce(to_jsonb(bool_or(s.a3b)), to_jsonb(max(s.a3t)), to_jsonb(max(s.a3n)))) AS data
            FROM (
            SELECT nullif((d.data->'a'), 'null'::jsonb) AS a1, (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END) AS a2n, (CASE WHEN jsonb_typeof(d.data->'a') = 'string' THEN d.data->>'a' END) COLLATE "C" AS a2t, (CASE WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN (d.data->'a')::boolean END) AS a2b, (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END) AS a3n, (CASE WHEN jsonb_typeof(d.data->'a') = 'string' THEN d.data->>'a' END) COLLATE "C" AS a3t, (CASE WHEN jsonb_typeof(d.data->'a') = 'boolean' THEN (d.data->'a')::boolean END) AS a3b
            FROM "articles" AS d
            ) AS s
            ) AS d"#]],
    );
}

#[test]
fn groups_by_several_keys() {
    let year = call(
        Function::Truncate(TimeUnit::Year),
        vec![kinded("at", FieldKind::Text)],
    );
    let grouping = Grouping {
        having: Expr::compare(
            CompareOp::Gt,
            column(3, FieldKind::Number),
            Expr::Value(Value::Int(1)),
        ),
        sort: vec![Sort {
            key: column(3, FieldKind::Number),
            direction: Direction::Desc,
            nulls: Direction::Desc.default_nulls(),
        }],
        skip: 1,
        limit: Some(5),
        ..Grouping::new(
            vec![kinded("title", FieldKind::Text), year, field("mixed")],
            vec![COUNT],
        )
    };
    check_group(
        &indexed(),
        &articles(eq("draft", false)),
        &grouping,
        &expect![[r#"
            SELECT d.data AS body
            FROM (
            SELECT '[' || den_json(s.g1) || ',' || den_json(s.g2) || ',' || ifnull(s.g3, 'null') || ',' || count(*) || ']' AS data
            FROM (
            SELECT d."t_title_d62a4945" AS g1, den_scalar(?1, json(d.data), NULL, 'text') AS g2, nullif(den_key(coalesce(d.data -> '$.mixed', 'null')), 'null') AS g3
            FROM "articles" AS d
            WHERE d."b_draft_1bd9e125" = ?2
            ) AS s
            GROUP BY s.g1, s.g2, s.g3
            ) AS d
            WHERE CASE WHEN coalesce(json_type(d.data, '$[3]'), json_type(d.data, '$."3"')) IN ('integer', 'real') THEN coalesce(d.data ->> '$[3]', d.data ->> '$."3"') END > ?3
            ORDER BY CASE WHEN coalesce(json_type(d.data, '$[3]'), json_type(d.data, '$."3"')) IN ('integer', 'real') THEN coalesce(d.data ->> '$[3]', d.data ->> '$."3"') END DESC NULLS LAST, CASE coalesce(json_type(d.data, '$[0]'), json_type(d.data, '$."0"')) WHEN 'text' THEN coalesce(d.data ->> '$[0]', d.data ->> '$."0"') END ASC NULLS FIRST, CASE coalesce(json_type(d.data, '$[1]'), json_type(d.data, '$."1"')) WHEN 'text' THEN coalesce(d.data ->> '$[1]', d.data ->> '$."1"') END ASC NULLS FIRST, CASE ifnull(coalesce(json_type(d.data, '$[2]'), json_type(d.data, '$."2"')), 'null') WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 WHEN 'true' THEN 3 WHEN 'false' THEN 3 WHEN 'array' THEN 4 ELSE 5 END ASC NULLS FIRST, CASE WHEN coalesce(json_type(d.data, '$[2]'), json_type(d.data, '$."2"')) IN ('integer', 'real') THEN coalesce(d.data ->> '$[2]', d.data ->> '$."2"') END ASC NULLS FIRST, CASE coalesce(json_type(d.data, '$[2]'), json_type(d.data, '$."2"')) WHEN 'text' THEN coalesce(d.data ->> '$[2]', d.data ->> '$."2"') END ASC NULLS FIRST, CASE coalesce(json_type(d.data, '$[2]'), json_type(d.data, '$."2"')) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END ASC NULLS FIRST
            LIMIT ?4 OFFSET ?5
            -- 1 Json("{\"call\":{\"function\":{\"truncate\":\"year\"},\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"at\"],\"kind\":\"text\"}}]}}")
            -- 2 Bool(false)
            -- 3 Int(1)
            -- 4 Rows(5)
            -- 5 Rows(1)"#]],
        &expect![[r#"
            SELECT d.data AS body
            FROM (
            SELECT jsonb_build_array(s.g1, s.g2, s.g3, count(*)) AS data
            FROM (
            SELECT d."t_title_d62a4945" AS g1, (SELECT CASE WHEN t.v ~ '^(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z$' THEN left(t.v, 5) || '01-01T00:00:00.000000Z' END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'at') = 'string' THEN d.data->>'at' END) COLLATE "C" AS v OFFSET 0) AS t) COLLATE "C" AS g2, nullif((d.data->'mixed'), 'null'::jsonb) AS g3
            FROM "articles" AS d
            WHERE d."b_draft_1bd9e125" = $1::boolean
            ) AS s
            GROUP BY s.g1, s.g2, s.g3
            ) AS d
            WHERE (CASE WHEN jsonb_typeof(d.data#>'{3}') = 'number' THEN (d.data#>>'{3}')::numeric END) > $2::numeric
            ORDER BY (CASE WHEN jsonb_typeof(d.data#>'{3}') = 'number' THEN (d.data#>>'{3}')::numeric END) DESC NULLS LAST, (CASE WHEN jsonb_typeof(d.data#>'{0}') = 'string' THEN d.data#>>'{0}' END) COLLATE "C" ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data#>'{1}') = 'string' THEN d.data#>>'{1}' END) COLLATE "C" ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data#>'{2}') = 'number' THEN 1 WHEN jsonb_typeof(d.data#>'{2}') = 'string' THEN 2 WHEN jsonb_typeof(d.data#>'{2}') = 'boolean' THEN 3 WHEN jsonb_typeof(d.data#>'{2}') = 'array' THEN 4 WHEN jsonb_typeof(d.data#>'{2}') = 'object' THEN 5 ELSE 0 END) ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data#>'{2}') = 'number' THEN (d.data#>>'{2}')::numeric END) ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data#>'{2}') = 'string' THEN d.data#>>'{2}' END) COLLATE "C" ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data#>'{2}') = 'boolean' THEN (d.data#>'{2}')::boolean END) ASC NULLS FIRST
            LIMIT $3::bigint OFFSET $4::bigint
            -- 1 Bool(false)
            -- 2 Int(1)
            -- 3 Rows(5)
            -- 4 Rows(1)"#]],
    );
}

#[test]
fn groups_of_elements() {
    let mut query = articles(Expr::always());
    query.unwind = Some(path("tags"));
    check_group(
        &bare(),
        &query,
        &Grouping::new(vec![element("")], vec![COUNT]),
        &expect![[r#"
            SELECT d.data AS body
            FROM (
            SELECT '[' || ifnull(s.g1, 'null') || ',' || count(*) || ']' AS data
            FROM (
            SELECT nullif(den_key(coalesce(CASE e0.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'array' THEN e0.value WHEN 'object' THEN e0.value ELSE den_json(e0.value) END, 'null')), 'null') AS g1
            FROM "articles" AS d
                JOIN json_each(d.data, '$.tags') AS e0 ON json_type(d.data, '$.tags') = 'array'
            ) AS s
            GROUP BY s.g1
            ) AS d
            ORDER BY CASE ifnull(coalesce(json_type(d.data, '$[0]'), json_type(d.data, '$."0"')), 'null') WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 WHEN 'true' THEN 3 WHEN 'false' THEN 3 WHEN 'array' THEN 4 ELSE 5 END ASC NULLS FIRST, CASE WHEN coalesce(json_type(d.data, '$[0]'), json_type(d.data, '$."0"')) IN ('integer', 'real') THEN coalesce(d.data ->> '$[0]', d.data ->> '$."0"') END ASC NULLS FIRST, CASE coalesce(json_type(d.data, '$[0]'), json_type(d.data, '$."0"')) WHEN 'text' THEN coalesce(d.data ->> '$[0]', d.data ->> '$."0"') END ASC NULLS FIRST, CASE coalesce(json_type(d.data, '$[0]'), json_type(d.data, '$."0"')) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END ASC NULLS FIRST"#]],
        &expect![[r#"
            SELECT d.data AS body
            FROM (
            SELECT jsonb_build_array(s.g1, count(*)) AS data
            FROM (
            SELECT nullif(e0.v, 'null'::jsonb) AS g1
            FROM "articles" AS d
            CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'tags') = 'array' THEN d.data->'tags' END) AS e0 (v)
            ) AS s
            GROUP BY s.g1
            ) AS d
            ORDER BY (CASE WHEN jsonb_typeof(d.data#>'{0}') = 'number' THEN 1 WHEN jsonb_typeof(d.data#>'{0}') = 'string' THEN 2 WHEN jsonb_typeof(d.data#>'{0}') = 'boolean' THEN 3 WHEN jsonb_typeof(d.data#>'{0}') = 'array' THEN 4 WHEN jsonb_typeof(d.data#>'{0}') = 'object' THEN 5 ELSE 0 END) ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data#>'{0}') = 'number' THEN (d.data#>>'{0}')::numeric END) ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data#>'{0}') = 'string' THEN d.data#>>'{0}' END) COLLATE "C" ASC NULLS FIRST, (CASE WHEN jsonb_typeof(d.data#>'{0}') = 'boolean' THEN (d.data#>'{0}')::boolean END) ASC NULLS FIRST"#]],
    );
}
