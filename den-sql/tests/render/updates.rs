//! Changes to rows where they lie.

use den_backend::{Change, ErrorKind, Expr, FieldPath, Patch, Query, Returning};
use den_sql::{Layouts, POSTGRES, SQLITE, patch_failure};
use expect_test::{Expect, expect};

use crate::support::{articles, bare, check_statements, eq, indexed, json, path};

fn set(name: &str, value: &str) -> Change {
    Change::Set {
        path: path(name),
        value: json(value),
    }
}

fn unset(name: &str) -> Change {
    Change::Unset { path: path(name) }
}

#[track_caller]
fn check_update(query: &Query, changes: Vec<Change>, sqlite: &Expect, postgres: &Expect) {
    let patch = Patch::new(changes);
    let layout = bare();
    check_statements(
        &den_sql::update(
            SQLITE,
            Layouts::new(&layout),
            query,
            &patch,
            Returning::Nothing,
        ),
        &den_sql::update(
            POSTGRES,
            Layouts::new(&layout),
            query,
            &patch,
            Returning::Nothing,
        ),
        sqlite,
        postgres,
    );
}

#[track_caller]
fn check_changes(changes: Vec<Change>, sqlite: &Expect, postgres: &Expect) {
    check_update(&articles(Expr::always()), changes, sqlite, postgres);
}

#[test]
fn top_level_fields() {
    check_update(
        &articles(eq("_id", "x").and(eq("_rev", "r"))),
        vec![
            set("title", r#""it's""#),
            set("n", "1"),
            set("list", "[1,2.0]"),
            unset("old"),
            set("none", "null"),
        ],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb_set(jsonb_remove(d.data, '$.old'), '$.list', jsonb(?1), '$.n', jsonb(?2), '$.none', jsonb(?3), '$.title', jsonb(?4))
            WHERE (d.id = ?5 AND CASE json_type(d.data, '$._rev') WHEN 'text' THEN d.data ->> '$._rev' END = ?6)
            -- 1 Json("[1,2.0]")
            -- 2 Json("1")
            -- 3 Json("null")
            -- 4 Json("\"it's\"")
            -- 5 Text("x")
            -- 6 Text("r")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = (d.data - ARRAY['old']::text[] || $1::jsonb)
            WHERE (d.id = $2::text AND (d.data->'_rev') = $3::jsonb)
            -- 1 Json("{\"list\":[1,2.0],\"n\":1,\"none\":null,\"title\":\"it's\"}")
            -- 2 Text("x")
            -- 3 Json("\"r\"")"#]],
    );
}

#[test]
fn parents_are_made_or_refused() {
    check_changes(
        vec![set("a.b.c", "1"), set("a.d", "2"), set("e", "3")],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN json_type(d.data, '$.a') NOT IN ('object', 'null') THEN den_fail('den:parent:0:1:' || json_type(d.data, '$.a') || ':' || d.id || ':den')
                WHEN json_type(d.data, '$.a.b') NOT IN ('object', 'null') THEN den_fail('den:parent:0:2:' || json_type(d.data, '$.a.b') || ':' || d.id || ':den')
                ELSE jsonb_set(jsonb_remove(d.data, CASE json_type(d.data, '$.a') WHEN 'null' THEN '$.a' ELSE '$[0]' END, CASE json_type(d.data, '$.a.b') WHEN 'null' THEN '$.a.b' ELSE '$[0]' END), '$.a.b.c', jsonb(?1), '$.a.d', jsonb(?2), '$.e', jsonb(?3))
            END
            -- 1 Json("1")
            -- 2 Json("2")
            -- 3 Json("3")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'a') NOT IN ('object', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'a') || ':' || d.id || ':den')::integer::text::jsonb
                WHEN jsonb_typeof(d.data->'a'->'b') NOT IN ('object', 'null') THEN ('den:parent:0:2:' || jsonb_typeof(d.data->'a'->'b') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set((d.data || $1::jsonb), ARRAY['a']::text[], jsonb_set((CASE WHEN jsonb_typeof(d.data->'a') = 'object' THEN d.data->'a' ELSE '{}'::jsonb END || $2::jsonb), ARRAY['b']::text[], (CASE WHEN jsonb_typeof(d.data->'a'->'b') = 'object' THEN d.data->'a'->'b' ELSE '{}'::jsonb END || $3::jsonb)))
            END
            -- 1 Json("{\"e\":3}")
            -- 2 Json("{\"d\":2}")
            -- 3 Json("{\"c\":1}")"#]],
    );
}

#[test]
fn keys_below_objects_are_taken_away() {
    check_changes(
        vec![unset("a.b.c"), unset("a.b.d"), unset("e.0")],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb_remove(d.data, '$.a.b.c', '$.a.b.d', '$.e."0"')"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = jsonb_set(jsonb_set(d.data, ARRAY['a']::text[], coalesce(CASE WHEN jsonb_typeof(d.data->'a') = 'object' THEN jsonb_set((d.data->'a'), ARRAY['b']::text[], coalesce(CASE WHEN jsonb_typeof(d.data->'a'->'b') = 'object' THEN ((d.data->'a'->'b') - ARRAY['c', 'd']::text[]) ELSE d.data->'a'->'b' END, 'null'::jsonb), FALSE) ELSE d.data->'a' END, 'null'::jsonb), FALSE), ARRAY['e']::text[], coalesce(CASE WHEN jsonb_typeof(d.data->'e') = 'object' THEN ((d.data->'e') - ARRAY['0']::text[]) ELSE d.data->'e' END, 'null'::jsonb), FALSE)"#]],
    );
}

#[test]
fn a_parent_is_made_although_nothing_stays_in_it() {
    check_changes(
        vec![set("a.b.c", "1"), unset("a.b.c"), unset("x.y")],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN json_type(d.data, '$.a') NOT IN ('object', 'null') THEN den_fail('den:parent:0:1:' || json_type(d.data, '$.a') || ':' || d.id || ':den')
                WHEN json_type(d.data, '$.a.b') NOT IN ('object', 'null') THEN den_fail('den:parent:0:2:' || json_type(d.data, '$.a.b') || ':' || d.id || ':den')
                ELSE jsonb_insert(jsonb_remove(jsonb_remove(d.data, CASE json_type(d.data, '$.a') WHEN 'null' THEN '$.a' ELSE '$[0]' END, CASE json_type(d.data, '$.a.b') WHEN 'null' THEN '$.a.b' ELSE '$[0]' END), '$.a.b.c', '$.x.y'), '$.a.b', jsonb('{}'))
            END"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'a') NOT IN ('object', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'a') || ':' || d.id || ':den')::integer::text::jsonb
                WHEN jsonb_typeof(d.data->'a'->'b') NOT IN ('object', 'null') THEN ('den:parent:0:2:' || jsonb_typeof(d.data->'a'->'b') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(jsonb_set(d.data, ARRAY['a']::text[], jsonb_set(CASE WHEN jsonb_typeof(d.data->'a') = 'object' THEN d.data->'a' ELSE '{}'::jsonb END, ARRAY['b']::text[], (CASE WHEN jsonb_typeof(d.data->'a'->'b') = 'object' THEN d.data->'a'->'b' ELSE '{}'::jsonb END - ARRAY['c']::text[]))), ARRAY['x']::text[], coalesce(CASE WHEN jsonb_typeof(d.data->'x') = 'object' THEN ((d.data->'x') - ARRAY['y']::text[]) ELSE d.data->'x' END, 'null'::jsonb), FALSE)
            END"#]],
    );
}

#[test]
fn odd_keys() {
    let odd = FieldPath::from_segments(["a.b", "it's", "\"q\" \\", "0"]).unwrap();
    check_changes(
        vec![
            Change::Set {
                path: odd.clone(),
                value: json("true"),
            },
            Change::Unset {
                path: odd.child("x").unwrap(),
            },
        ],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN json_type(d.data, '$."a.b"') NOT IN ('object', 'null') THEN den_fail('den:parent:0:1:' || json_type(d.data, '$."a.b"') || ':' || d.id || ':den')
                WHEN json_type(d.data, '$."a.b"."it''s"') NOT IN ('object', 'null') THEN den_fail('den:parent:0:2:' || json_type(d.data, '$."a.b"."it''s"') || ':' || d.id || ':den')
                WHEN json_type(d.data, '$."a.b"."it''s"."\"q\" \\"') NOT IN ('object', 'null') THEN den_fail('den:parent:0:3:' || json_type(d.data, '$."a.b"."it''s"."\"q\" \\"') || ':' || d.id || ':den')
                ELSE jsonb_set(jsonb_remove(d.data, CASE json_type(d.data, '$."a.b"') WHEN 'null' THEN '$."a.b"' ELSE '$[0]' END, CASE json_type(d.data, '$."a.b"."it''s"') WHEN 'null' THEN '$."a.b"."it''s"' ELSE '$[0]' END, CASE json_type(d.data, '$."a.b"."it''s"."\"q\" \\"') WHEN 'null' THEN '$."a.b"."it''s"."\"q\" \\"' ELSE '$[0]' END), '$."a.b"."it''s"."\"q\" \\"."0"', jsonb(?1))
            END
            -- 1 Json("true")"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'a.b') NOT IN ('object', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'a.b') || ':' || d.id || ':den')::integer::text::jsonb
                WHEN jsonb_typeof(d.data->'a.b'->'it''s') NOT IN ('object', 'null') THEN ('den:parent:0:2:' || jsonb_typeof(d.data->'a.b'->'it''s') || ':' || d.id || ':den')::integer::text::jsonb
                WHEN jsonb_typeof(d.data->'a.b'->'it''s'->'"q" \') NOT IN ('object', 'null') THEN ('den:parent:0:3:' || jsonb_typeof(d.data->'a.b'->'it''s'->'"q" \') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE jsonb_set(d.data, ARRAY['a.b']::text[], jsonb_set(CASE WHEN jsonb_typeof(d.data->'a.b') = 'object' THEN d.data->'a.b' ELSE '{}'::jsonb END, ARRAY['it''s']::text[], jsonb_set(CASE WHEN jsonb_typeof(d.data->'a.b'->'it''s') = 'object' THEN d.data->'a.b'->'it''s' ELSE '{}'::jsonb END, ARRAY['"q" \']::text[], (CASE WHEN jsonb_typeof(d.data->'a.b'->'it''s'->'"q" \') = 'object' THEN d.data->'a.b'->'it''s'->'"q" \' ELSE '{}'::jsonb END || $1::jsonb))))
            END
            -- 1 Json("{\"0\":true}")"#]],
    );
}

#[test]
fn what_fails_in_every_row() {
    check_changes(
        vec![set("a.b", "1"), set("a.b.c", "2")],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN json_type(d.data, '$.a') NOT IN ('object', 'null') THEN den_fail('den:parent:0:1:' || json_type(d.data, '$.a') || ':' || d.id || ':den')
                ELSE den_fail('den:parent:1:2:' || 'number' || ':' || d.id || ':den')
            END"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = CASE
                WHEN jsonb_typeof(d.data->'a') NOT IN ('object', 'null') THEN ('den:parent:0:1:' || jsonb_typeof(d.data->'a') || ':' || d.id || ':den')::integer::text::jsonb
                ELSE ('den:parent:1:2:' || 'number' || ':' || d.id || ':den')::integer::text::jsonb
            END"#]],
    );
    check_changes(
        vec![set("a", "[]"), set("a.0", "2")],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = den_fail('den:parent:1:1:' || 'array' || ':' || d.id || ':den')"#]],
        &expect![[r#"
            UPDATE "articles" AS d
            SET data = ('den:parent:1:1:' || 'array' || ':' || d.id || ':den')::integer::text::jsonb"#]],
    );
}

#[test]
fn a_window_of_changed_rows() {
    let mut query = articles(eq("a", 1));
    query.limit = Some(3);
    check_update(
        &query,
        vec![set("a", "2")],
        &expect![[r#"
        UPDATE "articles" AS d
        SET data = jsonb_set(d.data, '$.a', jsonb(?1))
        WHERE d.id IN (SELECT d.id FROM (
        SELECT d.id AS id, NULL AS body
        FROM "articles" AS d
        WHERE CASE WHEN json_type(d.data, '$.a') IN ('integer', 'real') THEN d.data ->> '$.a' END = ?2
        ORDER BY d.id
        LIMIT ?3
        ) AS d)
        -- 1 Json("2")
        -- 2 Int(1)
        -- 3 Rows(3)"#]],
        &expect![[r#"
        UPDATE "articles" AS d
        SET data = (d.data || $1::jsonb)
        WHERE d.id IN (SELECT d.id FROM (
        SELECT d.id AS id, NULL::jsonb AS body
        FROM "articles" AS d
        WHERE (d.data->'a') = $2::jsonb
        ORDER BY d.id
        LIMIT $3::bigint
        ) AS d)
            AND (d.data->'a') = $4::jsonb
        -- 1 Json("{\"a\":2}")
        -- 2 Json("1")
        -- 3 Rows(3)
        -- 4 Json("1")"#]],
    );
}

#[test]
fn many_changes_stay_shallow_and_short() {
    let changes = (0..2000).map(|it| set(&it.to_string(), "1"));
    let patch = Patch::new(changes.collect());
    let query = articles(Expr::always());
    let layout = indexed();
    let lite = den_sql::update(
        SQLITE,
        Layouts::new(&layout),
        &query,
        &patch,
        Returning::Nothing,
    );
    assert!(lite.sql.matches("jsonb_set(").count() < 100);
    let pg = den_sql::update(
        POSTGRES,
        Layouts::new(&layout),
        &query,
        &patch,
        Returning::Nothing,
    );
    assert_eq!(pg.params.len(), 1);

    // Objects beside one another do not make calls nest.
    let beside = (0..2000).map(|it| match it % 2 {
        0 => set(&["a.", &it.to_string(), ".x"].concat(), "1"),
        _ => unset(&["a.", &it.to_string(), ".x"].concat()),
    });
    let patch = Patch::new(beside.collect());
    let pg = den_sql::update(
        POSTGRES,
        Layouts::new(&layout),
        &query,
        &patch,
        Returning::Nothing,
    );
    let (mut depth, mut deepest) = (0, 0);
    for it in pg.sql.chars() {
        match it {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    assert_eq!(depth, 0);
    assert!(deepest < 30, "{deepest}");

    // Of one document each place is read a few times only, however deep.
    let deep = (0..50).map(|it| set(&vec!["a"; it + 1].join("."), "{}"));
    let patch = Patch::new(deep.rev().collect());
    let pg = den_sql::update(
        POSTGRES,
        Layouts::new(&layout),
        &query,
        &patch,
        Returning::Nothing,
    );
    assert!(pg.sql.len() < 100_000, "{}", pg.sql.len());
}

#[test]
fn a_failure_reads_back() {
    let patch = Patch::new(vec![set("x", "1"), set("a.b c.d", "1")]);
    let sqlite = "den:parent:1:2:true:id: with :den:den";
    let postgres =
        "invalid input syntax for type integer: \"den:parent:1:2:boolean:id: with :den:den\"";
    for message in [sqlite, postgres] {
        let error = patch_failure(message, "articles", &patch).unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidDocument);
        expect![[r#"the field `a."b c".d` cannot be set, because `a."b c"` holds a bool: articles/id: with :den"#]].assert_eq(&error.to_string());
        assert_eq!(error.collection(), Some("articles"));
        assert_eq!(error.id(), Some("id: with :den"));
    }
    for message in [
        "invalid input syntax for type integer: \"x\"",
        "den:parent:9:1:true:id:den",
        "den:parent:1:9:true:id:den",
        "den:parent:1:true:den",
    ] {
        assert!(patch_failure(message, "articles", &patch).is_none());
    }
}
