//! Changes that look at what is there.

use den_backend::{
    ArithmeticOp, Change, Expr, FieldKind, LockMode, Patch, Query, Returning, Value,
};
use den_sql::{Layouts, POSTGRES, SQLITE, patch_failure};
use expect_test::{Expect, expect};

use crate::{
    computed::{arithmetic, coalesce},
    support::{articles, bare, check_statements, eq, field, json, kinded, path, sorted},
};

#[track_caller]
fn check_changes(changes: Vec<Change>, sqlite: &Expect, postgres: &Expect) {
    check_update(
        &articles(Expr::always()),
        changes,
        Returning::Nothing,
        sqlite,
        postgres,
    );
}

#[track_caller]
fn check_update(
    query: &Query,
    changes: Vec<Change>,
    returning: Returning,
    sqlite: &Expect,
    postgres: &Expect,
) {
    let patch = Patch::new(changes);
    let layout = bare();
    check_statements(
        &den_sql::update(SQLITE, Layouts::new(&layout), query, &patch, returning),
        &den_sql::update(POSTGRES, Layouts::new(&layout), query, &patch, returning),
        sqlite,
        postgres,
    );
}

fn inc(name: &str, by: impl Into<Value>) -> Change {
    Change::Inc {
        path: path(name),
        by: by.into(),
    }
}

fn set(name: &str, value: impl Into<Value>) -> Change {
    Change::Set {
        path: path(name),
        value: value.into(),
    }
}

#[test]
fn a_counter_beside_constants() {
    check_changes(
        vec![
            inc("n", 1),
            set("_rev", "r2"),
            Change::Unset { path: path("old") },
        ],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(den_patch(?1, json(d.data), d.id, NULL))
            -- 1 Json("{\"changes\":[{\"inc\":{\"path\":[\"n\"],\"by\":1}},{\"set\":{\"path\":[\"_rev\"],\"value\":\"r2\"}},{\"unset\":{\"path\":[\"old\"]}}]}")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'n') NOT IN ('number', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'n') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set((d.data - ARRAY['old']::text[] || $1::jsonb), ARRAY['n']::text[], (SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a + n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 + n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->'n')::numeric ELSE 0 END AS a, $2::numeric AS b OFFSET 0) AS n)::text::jsonb)
            END
            -- 1 Json("{\"_rev\":\"r2\"}")
            -- 2 Int(1)"#]],
    );
}

#[test]
fn a_counter_below_a_parent() {
    check_changes(
        vec![inc("a.n", 0.5)],
        &expect![[r#"
        UPDATE "articles" AS d
        SET data = jsonb(den_patch(?1, json(d.data), d.id, NULL))
        -- 1 Json("{\"changes\":[{\"inc\":{\"path\":[\"a\",\"n\"],\"by\":0.5}}]}")"#]],
        &expect![[r#"
        UPDATE "articles" AS d
        SET data = CASE
            WHEN jsonb_typeof(d.data->'a') NOT IN ('object', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'a') || ':' || d.id || ':den')::integer::text::jsonb
            WHEN jsonb_typeof(d.data->'a'->'n') NOT IN ('number', 'null') THEN ('den:parent:0:2:' || jsonb_typeof(d.data->'a'->'n') || ':' || d.id || ':den')::integer::text::jsonb
            ELSE jsonb_set(d.data, ARRAY['a']::text[], jsonb_set(CASE WHEN jsonb_typeof(d.data->'a') = 'object' THEN d.data->'a' ELSE '{}'::jsonb END, ARRAY['n']::text[], (SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a + n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 + n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT CASE WHEN jsonb_typeof(d.data->'a'->'n') = 'number' THEN (d.data->'a'->'n')::numeric ELSE 0 END AS a, $1::numeric AS b OFFSET 0) AS n)::text::jsonb))
        END
        -- 1 Float(0.5)"#]],
    );
}

#[test]
fn bounds() {
    check_changes(
        vec![
            Change::Min {
                path: path("low"),
                value: json("1.5"),
            },
            Change::Max {
                path: path("last"),
                value: "x".into(),
            },
        ],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(den_patch(?1, json(d.data), d.id, NULL))
            -- 1 Json("{\"changes\":[{\"min\":{\"path\":[\"low\"],\"value\":1.5}},{\"max\":{\"path\":[\"last\"],\"value\":\"x\"}}]}")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'low') NOT IN ('number', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'low') || ':' || d.id || ':den')::integer::text::jsonb
                WHEN jsonb_typeof(d.data->'last') NOT IN ('string', 'null') THEN ('den:parent:1:1:' || jsonb_typeof(d.data->'last') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(jsonb_set(d.data, ARRAY['last']::text[], CASE WHEN (CASE WHEN jsonb_typeof(d.data->'last') = 'string' THEN (d.data->'last')#>>'{}' END) COLLATE "C" >= $1::text THEN d.data->'last' ELSE $2::jsonb END), ARRAY['low']::text[], CASE WHEN (CASE WHEN jsonb_typeof(d.data->'low') = 'number' THEN (d.data->'low')::numeric END) <= $3::numeric THEN d.data->'low' ELSE $4::jsonb END)
            END
            -- 1 Text("x")
            -- 2 Json("\"x\"")
            -- 3 Float(1.5)
            -- 4 Json("1.5")"#]],
    );
}

#[test]
fn arrays() {
    let list = || path("l");
    check_changes(
        vec![Change::Push {
            path: list(),
            value: json("[1]"),
        }],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(den_patch(?1, json(d.data), d.id, NULL))
            -- 1 Json("{\"changes\":[{\"push\":{\"path\":[\"l\"],\"value\":[1]}}]}")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'l') NOT IN ('array', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'l') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(d.data, ARRAY['l']::text[], CASE WHEN jsonb_typeof(d.data->'l') = 'array' THEN d.data->'l' || $1::jsonb ELSE $1::jsonb END)
            END
            -- 1 Json("[[1]]")"#]],
    );
    check_changes(
        vec![Change::AddToSet {
            path: list(),
            value: 1.into(),
        }],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(den_patch(?1, json(d.data), d.id, NULL))
            -- 1 Json("{\"changes\":[{\"add_to_set\":{\"path\":[\"l\"],\"value\":1}}]}")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'l') NOT IN ('array', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'l') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(d.data, ARRAY['l']::text[], CASE WHEN jsonb_typeof(d.data->'l') = 'array' THEN CASE WHEN EXISTS (SELECT 1 FROM jsonb_array_elements(d.data->'l') AS m (v) WHERE m.v = $2::jsonb) THEN d.data->'l' ELSE d.data->'l' || $1::jsonb END ELSE $1::jsonb END)
            END
            -- 1 Json("[1]")
            -- 2 Json("1")"#]],
    );
    check_changes(
        vec![Change::Pull {
            path: list(),
            value: "x".into(),
        }],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(den_patch(?1, json(d.data), d.id, NULL))
            -- 1 Json("{\"changes\":[{\"pull\":{\"path\":[\"l\"],\"value\":\"x\"}}]}")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'l') NOT IN ('array', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'l') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(d.data, ARRAY['l']::text[], coalesce(CASE WHEN jsonb_typeof(d.data->'l') = 'array' THEN jsonb_path_query_array(d.data->'l', 'strict $[*] ? (@ != $v || (@ != $v) is unknown)', $1::jsonb) ELSE d.data->'l' END, 'null'::jsonb), FALSE)
            END
            -- 1 Json("{\"v\":\"x\"}")"#]],
    );
    check_changes(
        vec![Change::Pull {
            path: list(),
            value: json(r#"{"k":1}"#),
        }],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(den_patch(?1, json(d.data), d.id, NULL))
            -- 1 Json("{\"changes\":[{\"pull\":{\"path\":[\"l\"],\"value\":{\"k\":1}}}]}")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'l') NOT IN ('array', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'l') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(d.data, ARRAY['l']::text[], coalesce(CASE WHEN jsonb_typeof(d.data->'l') = 'array' THEN (SELECT coalesce(jsonb_agg(m.v ORDER BY m.n ASC NULLS LAST
            ), '[]'::jsonb) FROM jsonb_array_elements(d.data->'l') WITH ORDINALITY AS m (v, n) WHERE m.v <> $1::jsonb) ELSE d.data->'l' END, 'null'::jsonb), FALSE)
            END
            -- 1 Json("{\"k\":1}")"#]],
    );
    check_changes(
        vec![
            Change::PopFirst { path: path("a.l") },
            Change::PopLast { path: path("a.m") },
        ],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(den_patch(?1, json(d.data), d.id, NULL))
            -- 1 Json("{\"changes\":[{\"pop_first\":{\"path\":[\"a\",\"l\"]}},{\"pop_last\":{\"path\":[\"a\",\"m\"]}}]}")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'a'->'l') NOT IN ('array', 'null') THEN ('den:parent:0:2:' || jsonb_typeof(d.data->'a'->'l') || ':' || d.id || ':den')::integer::text::jsonb
                WHEN jsonb_typeof(d.data->'a'->'m') NOT IN ('array', 'null') THEN ('den:parent:1:2:' || jsonb_typeof(d.data->'a'->'m') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(d.data, ARRAY['a']::text[], coalesce(CASE WHEN jsonb_typeof(d.data->'a') = 'object' THEN jsonb_set(jsonb_set((d.data->'a'), ARRAY['l']::text[], coalesce(CASE WHEN jsonb_typeof(d.data->'a'->'l') = 'array' THEN (d.data->'a'->'l') - 0 ELSE d.data->'a'->'l' END, 'null'::jsonb), FALSE), ARRAY['m']::text[], coalesce(CASE WHEN jsonb_typeof(d.data->'a'->'m') = 'array' THEN (d.data->'a'->'m') - (-1) ELSE d.data->'a'->'m' END, 'null'::jsonb), FALSE) ELSE d.data->'a' END, 'null'::jsonb), FALSE)
            END"#]],
    );
}

#[test]
fn computed_values_come_from_the_row_as_it_was() {
    let total = arithmetic(
        ArithmeticOp::Add,
        coalesce(vec![kinded("n", FieldKind::Number), Expr::Value(0.into())]),
        kinded("m", FieldKind::Number),
    );
    check_changes(
        vec![
            inc("n", 1),
            Change::SetExpr {
                path: path("n"),
                value: total,
            },
            Change::SetExpr {
                path: path("copy"),
                value: field("n"),
            },
        ],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(den_patch(?1, json(d.data), d.id, NULL))
            -- 1 Json("{\"changes\":[{\"inc\":{\"path\":[\"n\"],\"by\":1}},{\"set_expr\":{\"path\":[\"n\"],\"value\":{\"arithmetic\":{\"op\":\"add\",\"left\":{\"coalesce\":[{\"field\":{\"root\":\"document\",\"path\":[\"n\"],\"kind\":\"number\"}},{\"value\":0}]},\"right\":{\"field\":{\"root\":\"document\",\"path\":[\"m\"],\"kind\":\"number\"}}}}}},{\"set_expr\":{\"path\":[\"copy\"],\"value\":{\"field\":{\"root\":\"document\",\"path\":[\"n\"],\"kind\":\"any\"}}}}]}")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = (SELECT jsonb_set(jsonb_set(s.data, ARRAY['copy']::text[], (SELECT CASE WHEN jsonb_path_exists(v.j, 'strict $.**{126} ? (@.type() == "array" || @.type() == "object")') THEN ('den:parent:2:1:' || 'deep' || ':' || d.id || ':den')::integer::text::jsonb ELSE v.j END FROM (SELECT coalesce((d.data->'n'), 'null'::jsonb) AS j OFFSET 0) AS v)), ARRAY['n']::text[], coalesce(((SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a + n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 + n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT (SELECT CASE WHEN jsonb_typeof(v.j) = 'number' THEN v.j::numeric END FROM (SELECT coalesce(nullif((d.data->'n'), 'null'::jsonb), nullif($1::jsonb, 'null'::jsonb)) AS j OFFSET 0) AS v) AS a, (CASE WHEN jsonb_typeof(d.data->'m') = 'number' THEN (d.data->>'m')::numeric END) AS b OFFSET 0) AS n))::text::jsonb, 'null'::jsonb))
            FROM (SELECT CASE
                WHEN jsonb_typeof(d.data->'n') NOT IN ('number', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'n') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(d.data, ARRAY['n']::text[], (SELECT CASE WHEN scale(n.a) = 0 AND n.a BETWEEN -9223372036854775808 AND 9223372036854775807 AND scale(n.b) = 0 AND n.b BETWEEN -9223372036854775808 AND 9223372036854775807 THEN (n.a + n.b)::bigint::numeric ELSE (SELECT CASE WHEN abs(f.v) BETWEEN 9007199254740992 AND 9223372036854775808 THEN (f.v / 2)::bigint::numeric * 2.0 ELSE f.v::text::numeric + 0.0 END FROM (SELECT n.a::float8 + n.b::float8 AS v OFFSET 0) AS f) END FROM (SELECT CASE WHEN jsonb_typeof(d.data->'n') = 'number' THEN (d.data->'n')::numeric ELSE 0 END AS a, $2::numeric AS b OFFSET 0) AS n)::text::jsonb)
            END AS data OFFSET 0) AS s)
            -- 1 Json("0")
            -- 2 Int(1)"#]],
    );
}

#[test]
fn a_move() {
    check_changes(
        vec![Change::Rename {
            from: path("a.b"),
            to: path("c.d"),
        }],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb(den_patch(?1, json(d.data), d.id, NULL))
            -- 1 Json("{\"changes\":[{\"rename\":{\"from\":[\"a\",\"b\"],\"to\":[\"c\",\"d\"]}}]}")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN (d.data->'a'->'b' IS NOT NULL) IS NOT TRUE THEN d.data
                WHEN jsonb_typeof(d.data->'c') NOT IN ('object', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'c') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(jsonb_set(d.data, ARRAY['a']::text[], coalesce(CASE WHEN jsonb_typeof(d.data->'a') = 'object' THEN ((d.data->'a') - ARRAY['b']::text[]) ELSE d.data->'a' END, 'null'::jsonb), FALSE), ARRAY['c']::text[], jsonb_set(CASE WHEN jsonb_typeof(d.data->'c') = 'object' THEN d.data->'c' ELSE '{}'::jsonb END, ARRAY['d']::text[], (SELECT CASE WHEN jsonb_path_exists(v.j, 'strict $.**{125} ? (@.type() == "array" || @.type() == "object")') THEN ('den:parent:0:2:' || 'deep' || ':' || d.id || ':den')::integer::text::jsonb ELSE v.j END FROM (SELECT d.data->'a'->'b' AS j OFFSET 0) AS v)))
            END"#]],
    );
}

#[test]
fn changed_rows_are_returned_in_order() {
    use den_backend::Direction::Desc;
    let mut query = sorted(&[("price", FieldKind::Number, Desc)]);
    query.filter = eq("done", false);
    query.limit = Some(2);
    check_update(
        &query,
        vec![set("done", true)],
        Returning::Old,
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb_set(d.data, '$.done', jsonb(?1))
            WHERE d.id IN (SELECT d.id FROM (
            SELECT d.id AS id, NULL AS body
            FROM "articles" AS d
            WHERE CASE json_type(d.data, '$.done') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END = ?2
            ORDER BY CASE WHEN json_type(d.data, '$.price') IN ('integer', 'real') THEN d.data ->> '$.price' END DESC NULLS LAST, d.id DESC
            LIMIT ?3
            ) AS d)
            -- 1 Json("true")
            -- 2 Bool(false)
            -- 3 Rows(2)"#]],
        &expect![[r#"
            WITH found AS MATERIALIZED (
            SELECT d.id AS id, d.data AS data
            FROM "articles" AS d
            WHERE (d.data->'done') = $1::jsonb
            ORDER BY (CASE WHEN jsonb_typeof(d.data->'price') = 'number' THEN (d.data->>'price')::numeric END) DESC NULLS LAST, d.id DESC
            LIMIT $2::bigint
            FOR UPDATE
            ), numbered AS (
            SELECT f.id, f.data, row_number() OVER () AS n FROM found AS f
            ), changed AS (
            UPDATE "articles" AS d
            SET data = (d.data || $3::jsonb)
            FROM numbered AS o
            WHERE d.id = o.id
            RETURNING d.id AS id, o.data AS body, o.n AS n
            )
            SELECT c.id AS id, c.body AS body
            FROM changed AS c
            ORDER BY c.n ASC NULLS LAST
            -- 1 Json("false")
            -- 2 Rows(2)
            -- 3 Json("{\"done\":true}")"#]],
    );
}

#[test]
fn rows_are_claimed() {
    let mut query = articles(eq("state", "new"));
    query.lock = Some(LockMode::SkipLocked);
    query.limit = Some(1);
    check_update(
        &query,
        vec![set("state", "taken")],
        Returning::New,
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb_set(d.data, '$.state', jsonb(?1))
            WHERE d.id IN (SELECT d.id FROM (
            SELECT d.id AS id, NULL AS body
            FROM "articles" AS d
            WHERE CASE json_type(d.data, '$.state') WHEN 'text' THEN d.data ->> '$.state' END = ?2
            ORDER BY d.id
            LIMIT ?3
            ) AS d)
            -- 1 Json("\"taken\"")
            -- 2 Text("new")
            -- 3 Rows(1)"#]],
        &expect![[r#"
            WITH found AS MATERIALIZED (
            SELECT d.id AS id, d.data AS data
            FROM "articles" AS d
            WHERE (d.data->'state') = $1::jsonb
            ORDER BY d.id
            LIMIT $2::bigint
            FOR UPDATE SKIP LOCKED
            ), numbered AS (
            SELECT f.id, f.data, row_number() OVER () AS n FROM found AS f
            ), changed AS (
            UPDATE "articles" AS d
            SET data = (d.data || $3::jsonb)
            FROM numbered AS o
            WHERE d.id = o.id
            RETURNING d.id AS id, d.data AS body, o.n AS n
            )
            SELECT c.id AS id, c.body AS body
            FROM changed AS c
            ORDER BY c.n ASC NULLS LAST
            -- 1 Json("\"new\"")
            -- 2 Rows(1)
            -- 3 Json("{\"state\":\"taken\"}")"#]],
    );
}

#[test]
fn rows_that_link_are_looked_at_again() {
    let linked = Expr::Linked {
        operand: Box::new(field("maker")),
        collection: "makers".into(),
        predicate: Box::new(eq("name", "x")),
    };
    check_update(
        &articles(linked),
        vec![set("a", 1)],
        Returning::New,
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb_set(d.data, '$.a', jsonb(?1))
            WHERE CASE json_type(d.data, '$.maker') WHEN 'text' THEN d.data ->> '$.maker' END IN (SELECT d.id FROM "makers" AS d WHERE CASE json_type(d.data, '$.name') WHEN 'text' THEN d.data ->> '$.name' END = ?2)
            -- 1 Json("1")
            -- 2 Text("x")"#]],
        &expect![[r#"
            WITH found AS MATERIALIZED (
            SELECT d.id AS id, d.data AS data
            FROM "articles" AS d
            WHERE d.id IN (SELECT d.id
            FROM "articles" AS d
            WHERE (CASE WHEN jsonb_typeof(d.data->'maker') = 'string' THEN d.data->>'maker' END) COLLATE "C" IN (SELECT d.id FROM "makers" AS d WHERE (d.data->'name') = $1::jsonb)
            )
                AND (EXISTS (SELECT 1 FROM (SELECT (CASE WHEN jsonb_typeof(d.data->'maker') = 'string' THEN d.data->>'maker' END) COLLATE "C" AS v) AS o WHERE o.v IN (SELECT d.id FROM "makers" AS d WHERE (d.data->'name') = $2::jsonb))) IS TRUE
            ORDER BY d.id
            FOR UPDATE
            ), numbered AS (
            SELECT f.id, f.data, row_number() OVER () AS n FROM found AS f
            ), changed AS (
            UPDATE "articles" AS d
            SET data = (d.data || $3::jsonb)
            FROM numbered AS o
            WHERE d.id = o.id
            RETURNING d.id AS id, d.data AS body, o.n AS n
            )
            SELECT c.id AS id, c.body AS body
            FROM changed AS c
            ORDER BY c.n ASC NULLS LAST
            -- 1 Json("\"x\"")
            -- 2 Json("\"x\"")
            -- 3 Json("{\"a\":1}")"#]],
    );
}

#[test]
fn a_wrong_type_reads_back() {
    let patch = Patch::new(vec![set("x", 1), inc("a.n", 1)]);
    let message = "invalid input syntax for type integer: \"den:parent:1:2:string:id1:den\"";
    let error = patch_failure(message, "articles", &patch).unwrap();
    expect!["the field `a.n` holds text, but the change needs a number: articles/id1"]
        .assert_eq(&error.to_string());
    let message = "den:parent:1:1:array:id1:den";
    let error = patch_failure(message, "articles", &patch).unwrap();
    expect!["the field `a.n` cannot be set, because `a` holds an array: articles/id1"]
        .assert_eq(&error.to_string());
}
