//! Values that are computed: in every mode, in conditions, orders and selections.

use den_backend::{
    ArithmeticOp, CompareOp, Direction, Expr, Field, FieldKind, Function, Seek, Select, Sort,
    TimeUnit, Value,
};
use den_sql::{Layouts, POSTGRES, SQLITE};
use expect_test::{Expect, expect};

use crate::support::{
    articles, bare, check, check_indexed, check_query, compare, element, eq, field, indexed, json,
    kinded, path,
};

pub(crate) fn arithmetic(op: ArithmeticOp, left: Expr, right: Expr) -> Expr {
    Expr::Arithmetic {
        op,
        left: Box::new(left),
        right: Box::new(right),
    }
}

pub(crate) fn call(function: Function, arguments: Vec<Expr>) -> Expr {
    Expr::Call {
        function,
        arguments,
    }
}

pub(crate) fn coalesce(all: Vec<Expr>) -> Expr {
    Expr::Coalesce(all)
}

pub(crate) fn value(it: impl Into<Value>) -> Expr {
    Expr::Value(it.into())
}

pub(crate) fn number(name: &str) -> Expr {
    kinded(name, FieldKind::Number)
}

pub(crate) fn text(name: &str) -> Expr {
    kinded(name, FieldKind::Text)
}

/// Renders what is selected with both dialects.
#[track_caller]
pub(crate) fn check_values(values: Vec<Expr>, sqlite: &Expect, postgres: &Expect) {
    let mut query = articles(Expr::always());
    query.select = Select::Values(values);
    check_query(&bare(), &query, sqlite, postgres);
}

#[track_caller]
pub(crate) fn check_value(expr: Expr, sqlite: &Expect, postgres: &Expect) {
    check_values(vec![expr], sqlite, postgres);
}

#[test]
fn arithmetic_on_columns() {
    let worth = arithmetic(ArithmeticOp::Mul, number("price"), number("stock"));
    check_indexed(
        compare(CompareOp::Gt, worth, 100),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE den_scalar(?1, json(d.data), NULL, 'number') > ?2
        ORDER BY d.id
        -- 1 Json("{\"arithmetic\":{\"op\":\"mul\",\"left\":{\"field\":{\"root\":\"document\",\"path\":[\"price\"],\"kind\":\"number\"}},\"right\":{\"field\":{\"root\":\"document\",\"path\":[\"stock\"],\"kind\":\"number\"}}}}")
        -- 2 Int(100)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a * n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 * n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT d."n_price_a39347ce" AS a, (CASE WHEN jsonb_typeof(d.data->'stock') = 'number' THEN (d.data->>'stock')::numeric END) AS b OFFSET 0) AS n) > $1::numeric
        ORDER BY d.id
        -- 1 Int(100)"#]],
    );
}

#[test]
fn a_quotient() {
    check_value(
        arithmetic(ArithmeticOp::Div, number("a"), value(2)),
        &expect![[r#"
            SELECT d.id AS id, '[' || den_value(?1, json(d.data), NULL) || ']' AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Json("{\"arithmetic\":{\"op\":\"div\",\"left\":{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"number\"}},\"right\":{\"value\":2}}}")"#]],
        &expect![[r#"
            SELECT d.id AS id, jsonb_build_array(((SELECT (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 / nullif(n.b::float8, 0::float8) AS v OFFSET 0) AS f) FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END) AS a, $1::numeric AS b OFFSET 0) AS n))::text::jsonb) AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Int(2)"#]],
    );
}

#[test]
fn a_choice_between_types() {
    let cheap = compare(CompareOp::Lt, number("price"), 10);
    check_value(
        Expr::Case {
            branches: vec![(cheap.clone(), value("cheap"))],
            otherwise: Box::new(number("price")),
        },
        &expect![[r#"
            SELECT d.id AS id, '[' || den_value(?1, json(d.data), NULL) || ']' AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Json("{\"case\":{\"branches\":[[{\"compare\":{\"op\":\"lt\",\"left\":{\"field\":{\"root\":\"document\",\"path\":[\"price\"],\"kind\":\"number\"}},\"right\":{\"value\":10}}},{\"value\":\"cheap\"}]],\"otherwise\":{\"field\":{\"root\":\"document\",\"path\":[\"price\"],\"kind\":\"number\"}}}}")"#]],
        &expect![[r#"
            SELECT d.id AS id, jsonb_build_array((CASE WHEN (CASE WHEN jsonb_typeof(d.data->'price') = 'number' THEN (d.data->>'price')::numeric END) < $1::numeric THEN $2::jsonb ELSE (d.data->'price') END)) AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Int(10)
            -- 2 Json("\"cheap\"")"#]],
    );
    let label = Expr::Case {
        branches: vec![(cheap, value("cheap"))],
        otherwise: Box::new(text("title")),
    };
    check(
        compare(CompareOp::Lt, label, "d"),
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE den_scalar(?1, json(d.data), NULL, 'text') < ?2
        ORDER BY d.id
        -- 1 Json("{\"case\":{\"branches\":[[{\"compare\":{\"op\":\"lt\",\"left\":{\"field\":{\"root\":\"document\",\"path\":[\"price\"],\"kind\":\"number\"}},\"right\":{\"value\":10}}},{\"value\":\"cheap\"}]],\"otherwise\":{\"field\":{\"root\":\"document\",\"path\":[\"title\"],\"kind\":\"text\"}}}}")
        -- 2 Text("d")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE (CASE WHEN (CASE WHEN jsonb_typeof(d.data->'price') = 'number' THEN (d.data->>'price')::numeric END) < $1::numeric THEN $2::text ELSE (CASE WHEN jsonb_typeof(d.data->'title') = 'string' THEN d.data->>'title' END) COLLATE "C" END) COLLATE "C" < $3::text
        ORDER BY d.id
        -- 1 Int(10)
        -- 2 Text("cheap")
        -- 3 Text("d")"#]],
    );
}

#[test]
fn the_first_that_is_there() {
    let first = coalesce(vec![number("a"), value(0)]);
    check(
        compare(CompareOp::Ge, first.clone(), 1),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE den_scalar(?1, json(d.data), NULL, 'number') >= ?2
            ORDER BY d.id
            -- 1 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"number\"}},{\"value\":0}]}")
            -- 2 Int(1)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (SELECT CASE WHEN jsonb_typeof(v.j) = 'number' THEN v.j::numeric END FROM (SELECT coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif($1::jsonb, 'null'::jsonb)) AS j OFFSET 0) AS v) >= $2::numeric
            ORDER BY d.id
            -- 1 Json("0")
            -- 2 Int(1)"#]],
    );
    check_value(
        first.clone(),
        &expect![[r#"
        SELECT d.id AS id, '[' || den_value(?1, json(d.data), NULL) || ']' AS body
        FROM "articles" AS d
        ORDER BY d.id
        -- 1 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"number\"}},{\"value\":0}]}")"#]],
        &expect![[r#"
        SELECT d.id AS id, jsonb_build_array(coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif($1::jsonb, 'null'::jsonb))) AS body
        FROM "articles" AS d
        ORDER BY d.id
        -- 1 Json("0")"#]],
    );
    check(
        compare(CompareOp::Eq, first, json("[1]")),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE den_json_eq(den_value(?1, json(d.data), NULL), ?2)
            ORDER BY d.id
            -- 1 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"number\"}},{\"value\":0}]}")
            -- 2 Json("[1]")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif($1::jsonb, 'null'::jsonb)) = $2::jsonb
            ORDER BY d.id
            -- 1 Json("0")
            -- 2 Json("[1]")"#]],
    );
    // What is known to be a number is no detour.
    let length = call(Function::Length, vec![text("title")]);
    check(
        compare(CompareOp::Lt, coalesce(vec![length, value(0)]), 3),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE den_scalar(?1, json(d.data), NULL, 'number') < ?2
            ORDER BY d.id
            -- 1 Json("{\"coalesce\":[{\"call\":{\"function\":\"length\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"title\"],\"kind\":\"text\"}}]}},{\"value\":0}]}")
            -- 2 Int(3)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE coalesce(char_length((CASE WHEN jsonb_typeof(d.data->'title') = 'string' THEN d.data->>'title' END) COLLATE "C")::numeric, $1::numeric) < $2::numeric
            ORDER BY d.id
            -- 1 Int(0)
            -- 2 Int(3)"#]],
    );
}

#[test]
fn many_values_of_all_sorts() {
    check_values(
        vec![
            number("price"),
            text("_id"),
            value("it's"),
            value(Value::Null),
            Expr::Len(Box::new(kinded("tags", FieldKind::Array))),
            Expr::IsNull(Box::new(text("t"))),
        ],
        &expect![[r#"
            SELECT d.id AS id, '[' || coalesce(d.data -> '$.price', 'null') || ',' || coalesce(d.data -> '$._id', 'null') || ',' || ?1 || ',' || ?2 || ',' || ifnull(CASE json_type(d.data, '$.tags') WHEN 'array' THEN json_array_length(d.data, '$.tags') END, 'null') || ',' || den_value(?3, json(d.data), NULL) || ']' AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Json("\"it's\"")
            -- 2 Json("null")
            -- 3 Json("{\"is_null\":{\"field\":{\"root\":\"document\",\"path\":[\"t\"],\"kind\":\"text\"}}}")"#]],
        &expect![[r#"
            SELECT d.id AS id, jsonb_build_array((d.data->'price'), (d.data->'_id'), $1::jsonb, NULL::jsonb, (CASE WHEN jsonb_typeof(d.data->'tags') = 'array' THEN jsonb_array_length(d.data->'tags')::numeric END)::text::jsonb, (((coalesce(d.data->'t', 'null'::jsonb) = 'null'::jsonb) IS TRUE))::text::jsonb) AS body
            FROM "articles" AS d
            ORDER BY d.id
            -- 1 Json("\"it's\"")"#]],
    );
}

#[test]
fn a_computed_operand() {
    let sum = || arithmetic(ArithmeticOp::Add, number("a"), number("b"));
    let either = || coalesce(vec![field("a"), field("b")]);
    let boxed = Box::new;
    check(
        Expr::And(vec![
            Expr::compare(CompareOp::Eq, sum(), number("c")),
            Expr::compare(CompareOp::Eq, either(), field("c")),
            Expr::compare(CompareOp::Lt, either(), field("c")),
            Expr::In {
                operand: boxed(sum()),
                values: vec![1.into(), 2.into()],
            },
            Expr::In {
                operand: boxed(either()),
                values: vec![1.into(), "x".into()],
            },
            Expr::IsNull(boxed(sum())),
            Expr::IsNull(boxed(either())),
        ]),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d
            WHERE ((den_scalar(?1, json(d.data), NULL, 'number') = CASE WHEN json_type(d.data, '$.c') IN ('integer', 'real') THEN d.data ->> '$.c' END) AND (SELECT v.a <> 'null' AND den_json_eq(v.a, v.b) FROM (SELECT den_value(?2, json(d.data), NULL) AS a, coalesce(d.data -> '$.c', 'null') AS b) AS v) AND (den_scalar(?3, json(d.data), NULL, 'number') < CASE WHEN json_type(d.data, '$.c') IN ('integer', 'real') THEN d.data ->> '$.c' END OR den_scalar(?4, json(d.data), NULL, 'text') < CASE json_type(d.data, '$.c') WHEN 'text' THEN d.data ->> '$.c' END OR den_scalar(?5, json(d.data), NULL, 'bool') < CASE json_type(d.data, '$.c') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END) AND (den_scalar(?6, json(d.data), NULL, 'number') IN (?7, ?8)) AND (den_scalar(?9, json(d.data), NULL, 'text') = ?10 OR den_scalar(?11, json(d.data), NULL, 'number') = ?12) AND den_value(?13, json(d.data), NULL) = 'null' AND den_value(?14, json(d.data), NULL) = 'null')
            ORDER BY d.id
            -- 1 Json("{\"arithmetic\":{\"op\":\"add\",\"left\":{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"number\"}},\"right\":{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"number\"}}}}")
            -- 2 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")
            -- 3 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")
            -- 4 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")
            -- 5 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")
            -- 6 Json("{\"arithmetic\":{\"op\":\"add\",\"left\":{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"number\"}},\"right\":{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"number\"}}}}")
            -- 7 Int(1)
            -- 8 Int(2)
            -- 9 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")
            -- 10 Text("x")
            -- 11 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")
            -- 12 Int(1)
            -- 13 Json("{\"arithmetic\":{\"op\":\"add\",\"left\":{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"number\"}},\"right\":{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"number\"}}}}")
            -- 14 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d
            WHERE (((SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a + n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 + n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END) AS a, (CASE WHEN jsonb_typeof(d.data->'b') = 'number' THEN (d.data->>'b')::numeric END) AS b OFFSET 0) AS n) = (CASE WHEN jsonb_typeof(d.data->'c') = 'number' THEN (d.data->>'c')::numeric END)) AND (nullif(coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif((d.data->'b'), 'null'::jsonb)), 'null'::jsonb) = (d.data->'c')) AND (SELECT CASE WHEN jsonb_typeof(v.l) <> jsonb_typeof(v.r) THEN FALSE WHEN jsonb_typeof(v.l) = 'number' THEN v.l::numeric < v.r::numeric WHEN jsonb_typeof(v.l) = 'string' THEN (v.l#>>'{}') COLLATE "C" < (v.r#>>'{}') COLLATE "C" WHEN jsonb_typeof(v.l) = 'boolean' THEN v.l::boolean < v.r::boolean END FROM (SELECT coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif((d.data->'b'), 'null'::jsonb)) AS l, (d.data->'c') AS r OFFSET 0) AS v) AND ((SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a + n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 + n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END) AS a, (CASE WHEN jsonb_typeof(d.data->'b') = 'number' THEN (d.data->>'b')::numeric END) AS b OFFSET 0) AS n) = ANY($1::numeric[])) AND coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif((d.data->'b'), 'null'::jsonb)) = ANY($2::jsonb[]) AND (SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a + n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 + n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END) AS a, (CASE WHEN jsonb_typeof(d.data->'b') = 'number' THEN (d.data->>'b')::numeric END) AS b OFFSET 0) AS n) IS NULL AND nullif(coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif((d.data->'b'), 'null'::jsonb)), 'null'::jsonb) IS NULL)
            ORDER BY d.id
            -- 1 NumericArray(["1", "2"])
            -- 2 JsonArray(["1", "\"x\""])"#]],
    );
}

#[test]
fn orders_by_computed_values() {
    let mut query = articles(Expr::always());
    let by = |key, direction: Direction| Sort {
        key,
        direction,
        nulls: direction.default_nulls(),
    };
    query.sort = vec![
        by(
            arithmetic(ArithmeticOp::Sub, number("a"), number("b")),
            Direction::Desc,
        ),
        by(coalesce(vec![field("a"), field("b")]), Direction::Asc),
    ];
    check_query(
        &bare(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        ORDER BY den_scalar(?1, json(d.data), NULL, 'number') DESC NULLS LAST, CASE json_type(den_value(?2, json(d.data), NULL)) WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 WHEN 'true' THEN 3 WHEN 'false' THEN 3 WHEN 'array' THEN 4 ELSE 5 END ASC NULLS FIRST, den_scalar(?3, json(d.data), NULL, 'number') ASC NULLS FIRST, den_scalar(?4, json(d.data), NULL, 'text') ASC NULLS FIRST, den_scalar(?5, json(d.data), NULL, 'bool') ASC NULLS FIRST, d.id
        -- 1 Json("{\"arithmetic\":{\"op\":\"sub\",\"left\":{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"number\"}},\"right\":{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"number\"}}}}")
        -- 2 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")
        -- 3 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")
        -- 4 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")
        -- 5 Json("{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"a\"],\"kind\":\"any\"}},{\"field\":{\"root\":\"document\",\"path\":[\"b\"],\"kind\":\"any\"}}]}")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        ORDER BY (SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a - n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 - n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'a') = 'number' THEN (d.data->>'a')::numeric END) AS a, (CASE WHEN jsonb_typeof(d.data->'b') = 'number' THEN (d.data->>'b')::numeric END) AS b OFFSET 0) AS n) DESC NULLS LAST, (SELECT CASE WHEN v.t = 'number' THEN 1 WHEN v.t = 'string' THEN 2 WHEN v.t = 'boolean' THEN 3 WHEN v.t = 'array' THEN 4 WHEN v.t = 'object' THEN 5 ELSE 0 END FROM (SELECT jsonb_typeof(coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif((d.data->'b'), 'null'::jsonb))) AS t OFFSET 0) AS v) ASC NULLS FIRST, (SELECT CASE WHEN jsonb_typeof(v.j) = 'number' THEN v.j::numeric END FROM (SELECT coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif((d.data->'b'), 'null'::jsonb)) AS j OFFSET 0) AS v) ASC NULLS FIRST, (SELECT CASE WHEN jsonb_typeof(v.j) = 'string' THEN v.j#>>'{}' END FROM (SELECT coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif((d.data->'b'), 'null'::jsonb)) AS j OFFSET 0) AS v) COLLATE "C" ASC NULLS FIRST, (SELECT CASE WHEN jsonb_typeof(v.j) = 'boolean' THEN v.j::boolean END FROM (SELECT coalesce(nullif((d.data->'a'), 'null'::jsonb), nullif((d.data->'b'), 'null'::jsonb)) AS j OFFSET 0) AS v) ASC NULLS FIRST, d.id"#]],
    );
}

#[test]
fn a_page_by_a_computed_value() {
    let mut query = articles(Expr::always());
    query.sort = vec![Sort {
        key: call(Function::Length, vec![text("title")]),
        direction: Direction::Asc,
        nulls: Direction::Asc.default_nulls(),
    }];
    query.seek = Some(Seek {
        keys: vec![Value::Null],
        id: "x".into(),
    });
    query.limit = Some(2);
    query.select = Select::Values(vec![number("price")]);
    check_query(
        &indexed(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, '[' || coalesce(d.data -> '$.price', 'null') || ']' AS body
        FROM (
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, den_scalar(?1, json(d.data), NULL, 'number') AS k1
        FROM "articles" AS d
        WHERE (den_scalar(?2, json(d.data), NULL, 'number')) IS NULL AND d.id > ?3
        ORDER BY den_scalar(?4, json(d.data), NULL, 'number') ASC NULLS FIRST, d.id
        LIMIT ?5
        ) AS b1
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, den_scalar(?6, json(d.data), NULL, 'number') AS k1
        FROM "articles" AS d
        WHERE (den_scalar(?7, json(d.data), NULL, 'number')) IS NOT NULL
        ORDER BY den_scalar(?8, json(d.data), NULL, 'number') ASC NULLS FIRST, d.id
        LIMIT ?9
        ) AS b2
        ) AS d
        ORDER BY d.k1 ASC NULLS FIRST, d.id
        LIMIT ?10
        -- 1 Json("{\"call\":{\"function\":\"length\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"title\"],\"kind\":\"text\"}}]}}")
        -- 2 Json("{\"call\":{\"function\":\"length\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"title\"],\"kind\":\"text\"}}]}}")
        -- 3 Text("x")
        -- 4 Json("{\"call\":{\"function\":\"length\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"title\"],\"kind\":\"text\"}}]}}")
        -- 5 Rows(2)
        -- 6 Json("{\"call\":{\"function\":\"length\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"title\"],\"kind\":\"text\"}}]}}")
        -- 7 Json("{\"call\":{\"function\":\"length\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"title\"],\"kind\":\"text\"}}]}}")
        -- 8 Json("{\"call\":{\"function\":\"length\",\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"title\"],\"kind\":\"text\"}}]}}")
        -- 9 Rows(2)
        -- 10 Rows(2)"#]],
        &expect![[r#"
        SELECT d.id AS id, jsonb_build_array((d.data->'price')) AS body
        FROM (
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, char_length(d."t_title_d62a4945")::numeric AS k1
        FROM "articles" AS d
        WHERE (char_length(d."t_title_d62a4945")::numeric) IS NULL AND d.id > $1::text
        ORDER BY char_length(d."t_title_d62a4945")::numeric ASC NULLS FIRST, d.id
        LIMIT $2::bigint
        ) AS b1
        UNION ALL
        SELECT * FROM (
        SELECT d.id AS id, d.data AS data, char_length(d."t_title_d62a4945")::numeric AS k1
        FROM "articles" AS d
        WHERE (char_length(d."t_title_d62a4945")::numeric) IS NOT NULL
        ORDER BY char_length(d."t_title_d62a4945")::numeric ASC NULLS FIRST, d.id
        LIMIT $3::bigint
        ) AS b2
        ) AS d
        ORDER BY d.k1 ASC NULLS FIRST, d.id
        LIMIT $4::bigint
        -- 1 Text("x")
        -- 2 Rows(2)
        -- 3 Rows(2)
        -- 4 Rows(2)"#]],
    );
}

#[test]
fn the_first_of_each() {
    let mut query = articles(eq("draft", false));
    query.distinct_by = vec![
        text("title"),
        call(Function::Truncate(TimeUnit::Year), vec![text("at")]),
        field("mixed"),
    ];
    query.sort = vec![Sort::field(
        Field::document(path("price"), FieldKind::Number),
        Direction::Desc,
    )];
    query.limit = Some(3);
    check_query(
        &indexed(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE d."b_draft_1bd9e125" = ?1
            AND d.id IN (SELECT q.id FROM (
        SELECT d.id AS id, row_number() OVER (PARTITION BY d."t_title_d62a4945", den_scalar(?2, json(d.data), NULL, 'text'), nullif(den_key(coalesce(d.data -> '$.mixed', 'null')), 'null')
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id
        ) AS n
        FROM "articles" AS d
        WHERE d."b_draft_1bd9e125" = ?3
        ) AS q WHERE q.n = 1)
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id
        LIMIT ?4
        -- 1 Bool(false)
        -- 2 Json("{\"call\":{\"function\":{\"truncate\":\"year\"},\"arguments\":[{\"field\":{\"root\":\"document\",\"path\":[\"at\"],\"kind\":\"text\"}}]}}")
        -- 3 Bool(false)
        -- 4 Rows(3)"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE d."b_draft_1bd9e125" = $1::boolean
            AND d.id IN (SELECT q.id FROM (
        SELECT d.id AS id, row_number() OVER (PARTITION BY d."t_title_d62a4945", (SELECT CASE WHEN t.v ~ '^(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z$' THEN left(t.v, 5) || '01-01T00:00:00.000000Z' END FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'at') = 'string' THEN d.data->>'at' END) COLLATE "C" AS v OFFSET 0) AS t) COLLATE "C", nullif((d.data->'mixed'), 'null'::jsonb)
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id
        ) AS n
        FROM "articles" AS d
        WHERE d."b_draft_1bd9e125" = $2::boolean
        ) AS q WHERE q.n = 1)
        ORDER BY d."n_price_a39347ce" DESC NULLS LAST, d.id
        LIMIT $3::bigint
        -- 1 Bool(false)
        -- 2 Bool(false)
        -- 3 Rows(3)"#]],
    );
}

#[test]
fn elements_as_rows() {
    let mut query = articles(compare(CompareOp::Gt, element("n"), 1));
    query.unwind = Some(path("lines"));
    query.select = Select::Values(vec![
        text("title"),
        element(""),
        arithmetic(ArithmeticOp::Mul, element("n"), element("price")),
    ]);
    query.limit = Some(9);
    check_query(
        &bare(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, '[' || coalesce(d.data -> '$.title', 'null') || ',' || coalesce(CASE e0.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'array' THEN e0.value WHEN 'object' THEN e0.value ELSE den_json(e0.value) END, 'null') || ',' || den_value(?1, json(d.data), CASE e0.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'array' THEN e0.value WHEN 'object' THEN e0.value ELSE den_json(e0.value) END) || ']' AS body
        FROM "articles" AS d
            JOIN json_each(d.data, '$.lines') AS e0 ON json_type(d.data, '$.lines') = 'array'
        WHERE CASE WHEN json_type((CASE WHEN e0.type IN ('array', 'object') THEN e0.value END), '$.n') IN ('integer', 'real') THEN (CASE WHEN e0.type IN ('array', 'object') THEN e0.value END) ->> '$.n' END > ?2
        LIMIT ?3
        -- 1 Json("{\"arithmetic\":{\"op\":\"mul\",\"left\":{\"field\":{\"root\":\"element\",\"path\":[\"n\"],\"kind\":\"any\"}},\"right\":{\"field\":{\"root\":\"element\",\"path\":[\"price\"],\"kind\":\"any\"}}}}")
        -- 2 Int(1)
        -- 3 Rows(9)"#]],
        &expect![[r#"
        SELECT d.id AS id, jsonb_build_array((d.data->'title'), e0.v, ((SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a * n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 * n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT (CASE WHEN jsonb_typeof(e0.v->'n') = 'number' THEN (e0.v->>'n')::numeric END) AS a, (CASE WHEN jsonb_typeof(e0.v->'price') = 'number' THEN (e0.v->>'price')::numeric END) AS b OFFSET 0) AS n))::text::jsonb) AS body
        FROM "articles" AS d
        CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(d.data->'lines') = 'array' THEN d.data->'lines' END) AS e0 (v)
        WHERE (CASE WHEN jsonb_typeof(e0.v->'n') = 'number' THEN (e0.v->>'n')::numeric END) > $1::numeric
        LIMIT $2::bigint
        -- 1 Int(1)
        -- 2 Rows(9)"#]],
    );
}

#[test]
fn statements_grow_with_expressions_and_no_faster() {
    let nested = |depth: usize| {
        (0..depth).fold(field("a"), |inner, _| {
            let is_less = Expr::compare(CompareOp::Lt, inner, field("b"));
            let branches = vec![(is_less, field("c"))];
            let otherwise = Box::new(arithmetic(ArithmeticOp::Add, field("d"), value(1)));
            coalesce(vec![
                Expr::Case {
                    branches,
                    otherwise,
                },
                value("x"),
            ])
        })
    };
    let layout = bare();
    for dialect in [SQLITE, POSTGRES] {
        let length = |depth| {
            let query = articles(compare(CompareOp::Gt, nested(depth), 1));
            let statement = den_sql::select(dialect, Layouts::new(&layout), &query);
            let params: usize = statement
                .params
                .iter()
                .map(|it| format!("{it:?}").len())
                .sum();
            statement.sql.len() + params
        };
        assert!(length(10) < 12 * length(1), "{}", length(10));
    }
}
