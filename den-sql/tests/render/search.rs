//! Full text: queries, and the definitions of search indexes.

use den_backend::{
    Direction, Expr, FieldKind, IndexKind, IndexMeta, Query, Search, SearchOptions, SearchQuery,
    Select,
};
use den_sql::{Layout, POSTGRES, SQLITE, schema, search};
use expect_test::{Expect, expect};

use crate::{
    lint::{lint_postgres, lint_sqlite},
    support::{articles, bare, check_query, eq, index, path, show, sorted},
};

fn searched(language: Option<&str>) -> IndexMeta {
    IndexMeta {
        search: Some(SearchOptions {
            language: language.map(str::to_owned),
            weights: vec![2.0, 0.5],
            substrings: false,
        }),
        ..index(
            "sx",
            IndexKind::Search,
            &[
                ("title", FieldKind::Text, Direction::Asc),
                ("a.0.tags", FieldKind::Any, Direction::Asc),
            ],
        )
    }
}

fn searching(query: Query, text: &str, ranked: bool) -> Query {
    let index = searched(None);
    Query {
        search: Some(Search {
            query: SearchQuery::parse(text, &index),
            index,
            ranked,
        }),
        ..query
    }
}

fn with_column() -> Layout {
    bare().with_search(&searched(None))
}

#[test]
fn words_are_asked_of_the_index() {
    check_query(
        &with_column(),
        &searching(
            articles(eq("draft", true)),
            "red sho* -title:blue OR green",
            false,
        ),
        &expect![[r#"
            SELECT d.id AS id, json(d.data) AS body
            FROM "articles" AS d JOIN (
                SELECT k.id AS id, -bm25("_den_sx", ?1, ?2) AS score
                FROM "_den_sx" JOIN "_den_sx_keys" AS k ON k.key = "_den_sx".rowid
                WHERE "_den_sx" MATCH ?3
            ) AS s ON s.id = d.id
            WHERE CASE json_type(d.data, '$.draft') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END = ?4
                AND TRUE
            ORDER BY d.id
            -- 1 Float(2.0)
            -- 2 Float(0.5)
            -- 3 Text("((\"red\" AND \"sho\" *) NOT (f0 : \"blue\")) OR ((\"green\"))")
            -- 4 Bool(true)"#]],
        &expect![[r#"
            SELECT d.id AS id, d.data AS body
            FROM "articles" AS d CROSS JOIN (SELECT ($1::text)::tsquery AS wanted) AS s
            WHERE (d.data->'draft') = $2::jsonb
                AND (d."_den_s_48de70a6d8b0b3d9" @@ ($3::text)::tsquery AND NOT (strpos(_den_words_1((d.data->'title')) COLLATE "C", $4::text) > 0) OR d."_den_s_48de70a6d8b0b3d9" @@ ($5::text)::tsquery)
            ORDER BY d.id
            -- 1 Text("('red' & 'sho':*) | ('green')")
            -- 2 Json("true")
            -- 3 Text("('red') & ('sho':*)")
            -- 4 Text(" blue ")
            -- 5 Text("('green')")"#]],
    );
}

#[test]
fn the_best_come_first_with_their_score() {
    let mut query = searching(articles(Expr::always()), "red", true);
    query.select = Select::Scored;
    query.limit = Some(10);
    check_query(
        &with_column(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, '[' || json(d.data) || ',' || s.score || ']' AS body
        FROM (
        SELECT d.id AS id, s.score AS score
        FROM "articles" AS d JOIN (
            SELECT k.id AS id, -bm25("_den_sx", ?1, ?2) AS score
            FROM "_den_sx" JOIN "_den_sx_keys" AS k ON k.key = "_den_sx".rowid
            WHERE "_den_sx" MATCH ?3
        ) AS s ON s.id = d.id
        WHERE TRUE
        ORDER BY s.score DESC NULLS LAST, d.id
        LIMIT ?4
        ) AS s JOIN "articles" AS d ON d.id = s.id
        ORDER BY s.score DESC NULLS LAST, d.id
        -- 1 Float(2.0)
        -- 2 Float(0.5)
        -- 3 Text("(\"red\")")
        -- 4 Rows(10)"#]],
        &expect![[r#"
        SELECT d.id AS id, jsonb_build_array(d.data, ts_rank('{0,0,0.25,1}'::real[], d."_den_s_48de70a6d8b0b3d9", s.wanted)) AS body
        FROM "articles" AS d CROSS JOIN (SELECT ($1::text)::tsquery AS wanted) AS s
        WHERE (d."_den_s_48de70a6d8b0b3d9" @@ ($2::text)::tsquery)
        ORDER BY ts_rank('{0,0,0.25,1}'::real[], d."_den_s_48de70a6d8b0b3d9", s.wanted) DESC NULLS LAST, d.id
        LIMIT $3::bigint
        -- 1 Text("'red'")
        -- 2 Text("('red')")
        -- 3 Rows(10)"#]],
    );
}

#[test]
fn what_is_left_out_alone_is_asked_the_other_way_round() {
    let query = searching(articles(Expr::always()), "red OR -blue", true);
    check_query(
        &with_column(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d JOIN (
            SELECT k.id AS id, -bm25("_den_sx", ?1, ?2) AS score
            FROM "_den_sx" JOIN "_den_sx_keys" AS k ON k.key = "_den_sx".rowid
            WHERE "_den_sx" MATCH ?3
            UNION ALL
            SELECT k.id AS id, 0.0 AS score
            FROM "_den_sx_keys" AS k
            WHERE (k.key NOT IN (SELECT rowid FROM "_den_sx" WHERE "_den_sx" MATCH ?4)) AND k.key NOT IN (SELECT rowid FROM "_den_sx" WHERE "_den_sx" MATCH ?5)
        ) AS s ON s.id = d.id
        WHERE TRUE
        ORDER BY s.score DESC NULLS LAST, d.id
        -- 1 Float(2.0)
        -- 2 Float(0.5)
        -- 3 Text("(\"red\")")
        -- 4 Text("\"blue\"")
        -- 5 Text("(\"red\")")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d CROSS JOIN (SELECT ($1::text)::tsquery AS wanted) AS s
        WHERE (d."_den_s_48de70a6d8b0b3d9" @@ ($2::text)::tsquery)
        ORDER BY ts_rank('{0,0,0.25,1}'::real[], d."_den_s_48de70a6d8b0b3d9", s.wanted) DESC NULLS LAST, d.id
        -- 1 Text("'red'")
        -- 2 Text("(('red')) | (!('blue'))")"#]],
    );
}

#[test]
fn phrases_are_looked_at_in_the_words() {
    let query = searching(
        sorted(&[("price", FieldKind::Number, Direction::Desc)]),
        "\"red shoes\" green",
        false,
    );
    check_query(
        &bare(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d JOIN (
            SELECT k.id AS id, -bm25("_den_sx", ?1, ?2) AS score
            FROM "_den_sx" JOIN "_den_sx_keys" AS k ON k.key = "_den_sx".rowid
            WHERE "_den_sx" MATCH ?3
        ) AS s ON s.id = d.id
        WHERE TRUE
        ORDER BY CASE WHEN json_type(d.data, '$.price') IN ('integer', 'real') THEN d.data ->> '$.price' END DESC NULLS LAST, d.id DESC
        -- 1 Float(2.0)
        -- 2 Float(0.5)
        -- 3 Text("(\"red shoes\" AND \"green\")")"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d CROSS JOIN (SELECT ($1::text)::tsquery AS wanted) AS s
        WHERE (_den_vector_1('AB', '', ARRAY[_den_words_1((d.data->'title')), _den_words_1((d.data->'a'#>'{0}'->'tags'))]) @@ ($2::text)::tsquery AND (strpos(_den_words_1((d.data->'title')) COLLATE "C", $3::text) > 0 OR strpos(_den_words_1((d.data->'a'#>'{0}'->'tags')) COLLATE "C", $3::text) > 0))
        ORDER BY (CASE WHEN jsonb_typeof(d.data->'price') = 'number' THEN (d.data->>'price')::numeric END) DESC NULLS LAST, d.id DESC
        -- 1 Text("'red' & 'shoes' & 'green'")
        -- 2 Text("('green') & 'red' & 'shoes'")
        -- 3 Text(" red shoes ")"#]],
    );
}

#[test]
fn nothing_to_find_finds_nothing() {
    let query = searching(articles(Expr::always()), "++", true);
    check_query(
        &with_column(),
        &query,
        &expect![[r#"
        SELECT d.id AS id, json(d.data) AS body
        FROM "articles" AS d
        WHERE FALSE
        ORDER BY 0.0 DESC NULLS LAST, d.id"#]],
        &expect![[r#"
        SELECT d.id AS id, d.data AS body
        FROM "articles" AS d
        WHERE FALSE
        ORDER BY 0::real DESC NULLS LAST, d.id"#]],
    );
}

#[test]
fn words_of_a_language() {
    let index = searched(Some("it's"));
    let search = Search {
        query: SearchQuery::parse("\"red shoes\" -a.0.tags:x", &index),
        index,
        ranked: false,
    };
    let query = Query {
        search: Some(search),
        ..articles(Expr::always())
    };
    let statement = den_sql::count(POSTGRES, (&bare()).into(), &query);
    lint_postgres(&statement.sql);
    expect![[r#"
        SELECT count(*) AS count
        FROM "articles" AS d CROSS JOIN (SELECT to_tsquery('pg_catalog."it''s"'::regconfig, $1::text) AS wanted) AS s
        WHERE (_den_vector_1('AB', 'pg_catalog."it''s"', ARRAY[_den_words_1((d.data->'title')), _den_words_1((d.data->'a'#>'{0}'->'tags'))]) @@ to_tsquery('pg_catalog."it''s"'::regconfig, $2::text))
        -- 1 Text("'red' & 'shoes'")
        -- 2 Text("('red' <-> 'shoes') & !('x':B)")"#]].assert_eq(&show(&statement));
}

#[test]
fn what_is_found_is_deleted() {
    let query = searching(articles(eq("draft", true)), "red", false);
    let lite = den_sql::delete_matching(SQLITE, (&with_column()).into(), &query);
    let pg = den_sql::delete_matching(POSTGRES, (&with_column()).into(), &query);
    lint_sqlite(&lite.sql);
    lint_postgres(&pg.sql);
    expect![[r#"
        DELETE FROM "articles" AS d
        WHERE d.id IN (SELECT d.id FROM (
        SELECT d.id AS id, NULL AS body
        FROM "articles" AS d JOIN (
            SELECT k.id AS id, -bm25("_den_sx", ?1, ?2) AS score
            FROM "_den_sx" JOIN "_den_sx_keys" AS k ON k.key = "_den_sx".rowid
            WHERE "_den_sx" MATCH ?3
        ) AS s ON s.id = d.id
        WHERE CASE json_type(d.data, '$.draft') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END = ?4
            AND TRUE
        ORDER BY d.id
        ) AS d)
        -- 1 Float(2.0)
        -- 2 Float(0.5)
        -- 3 Text("(\"red\")")
        -- 4 Bool(true)"#]]
    .assert_eq(&show(&lite));
    expect![[r#"
        DELETE FROM "articles" AS d
        WHERE (d.data->'draft') = $1::jsonb
            AND (d."_den_s_48de70a6d8b0b3d9" @@ ($2::text)::tsquery)
        -- 1 Json("true")
        -- 2 Text("('red')")"#]]
    .assert_eq(&show(&pg));
}

#[track_caller]
fn check_ddl(statements: &[String], expected: &Expect) {
    expected.assert_eq(&statements.join(";\n"));
}

#[test]
fn an_index_is_made_and_dropped() {
    let (index, layout) = (searched(None), bare());
    let made = schema::create_index(SQLITE, &layout, &index, false);
    check_ddl(
        &made,
        &expect![[r#"
        CREATE VIRTUAL TABLE "_den_sx" USING fts5(f0, f1, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 0 tokenchars '|'");
        CREATE TABLE "_den_sx_keys" (
            key INTEGER PRIMARY KEY NOT NULL,
            id TEXT NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX "sx" ON "_den_sx_keys" (id);
        INSERT INTO "_den_sx_keys" (id)
            SELECT d.id FROM "articles" AS d ORDER BY d.id;
        INSERT INTO "_den_sx" (rowid, f0, f1)
            SELECT k.key, CASE json_type(d.data, '$.title') WHEN 'text' THEN replace(d.data ->> '$.title', '|', ' ') WHEN 'array' THEN (SELECT group_concat(replace(m.value, '|', ' '), ' | ') FROM json_each(d.data, '$.title') AS m WHERE m.type = 'text') END, CASE coalesce(json_type(d.data, '$.a[0].tags'), json_type(d.data, '$.a."0".tags')) WHEN 'text' THEN replace(coalesce(d.data ->> '$.a[0].tags', d.data ->> '$.a."0".tags'), '|', ' ') WHEN 'array' THEN (SELECT group_concat(replace(m.value, '|', ' '), ' | ') FROM json_each(coalesce(d.data -> '$.a[0].tags', d.data -> '$.a."0".tags')) AS m WHERE m.type = 'text') END
            FROM "_den_sx_keys" AS k JOIN "articles" AS d ON d.id = k.id;
        CREATE TRIGGER "_den_sx_i" AFTER INSERT ON "articles" BEGIN
            DELETE FROM "_den_sx" WHERE rowid = (SELECT key FROM "_den_sx_keys" WHERE id = NEW.id);
            INSERT INTO "_den_sx_keys" (id)
            SELECT NEW.id WHERE NOT EXISTS (SELECT 1 FROM "_den_sx_keys" WHERE id = NEW.id);
            INSERT INTO "_den_sx" (rowid, f0, f1)
            SELECT k.key, CASE json_type(NEW.data, '$.title') WHEN 'text' THEN replace(NEW.data ->> '$.title', '|', ' ') WHEN 'array' THEN (SELECT group_concat(replace(m.value, '|', ' '), ' | ') FROM json_each(NEW.data, '$.title') AS m WHERE m.type = 'text') END, CASE coalesce(json_type(NEW.data, '$.a[0].tags'), json_type(NEW.data, '$.a."0".tags')) WHEN 'text' THEN replace(coalesce(NEW.data ->> '$.a[0].tags', NEW.data ->> '$.a."0".tags'), '|', ' ') WHEN 'array' THEN (SELECT group_concat(replace(m.value, '|', ' '), ' | ') FROM json_each(coalesce(NEW.data -> '$.a[0].tags', NEW.data -> '$.a."0".tags')) AS m WHERE m.type = 'text') END
            FROM "_den_sx_keys" AS k WHERE k.id = NEW.id;
        END;
        CREATE TRIGGER "_den_sx_u" AFTER UPDATE ON "articles" WHEN OLD.id <> NEW.id OR OLD.data -> '$.title' IS NOT NEW.data -> '$.title' OR coalesce(OLD.data -> '$.a[0].tags', OLD.data -> '$.a."0".tags') IS NOT coalesce(NEW.data -> '$.a[0].tags', NEW.data -> '$.a."0".tags') BEGIN
            DELETE FROM "_den_sx" WHERE rowid = (SELECT key FROM "_den_sx_keys" WHERE id = OLD.id);
            DELETE FROM "_den_sx_keys" WHERE id = OLD.id AND id <> NEW.id;
            DELETE FROM "_den_sx" WHERE rowid = (SELECT key FROM "_den_sx_keys" WHERE id = NEW.id);
            INSERT INTO "_den_sx_keys" (id)
            SELECT NEW.id WHERE NOT EXISTS (SELECT 1 FROM "_den_sx_keys" WHERE id = NEW.id);
            INSERT INTO "_den_sx" (rowid, f0, f1)
            SELECT k.key, CASE json_type(NEW.data, '$.title') WHEN 'text' THEN replace(NEW.data ->> '$.title', '|', ' ') WHEN 'array' THEN (SELECT group_concat(replace(m.value, '|', ' '), ' | ') FROM json_each(NEW.data, '$.title') AS m WHERE m.type = 'text') END, CASE coalesce(json_type(NEW.data, '$.a[0].tags'), json_type(NEW.data, '$.a."0".tags')) WHEN 'text' THEN replace(coalesce(NEW.data ->> '$.a[0].tags', NEW.data ->> '$.a."0".tags'), '|', ' ') WHEN 'array' THEN (SELECT group_concat(replace(m.value, '|', ' '), ' | ') FROM json_each(coalesce(NEW.data -> '$.a[0].tags', NEW.data -> '$.a."0".tags')) AS m WHERE m.type = 'text') END
            FROM "_den_sx_keys" AS k WHERE k.id = NEW.id;
        END;
        CREATE TRIGGER "_den_sx_d" AFTER DELETE ON "articles" BEGIN
            DELETE FROM "_den_sx" WHERE rowid = (SELECT key FROM "_den_sx_keys" WHERE id = OLD.id);
            DELETE FROM "_den_sx_keys" WHERE id = OLD.id;
        END"#]],
    );
    let dropped = schema::drop_index(SQLITE, "articles", "sx", IndexKind::Search);
    check_ddl(
        &dropped,
        &expect![[r#"
        DROP TRIGGER IF EXISTS "_den_sx_i";
        DROP TRIGGER IF EXISTS "_den_sx_u";
        DROP TRIGGER IF EXISTS "_den_sx_d";
        DROP TABLE IF EXISTS "_den_sx";
        DROP TABLE IF EXISTS "_den_sx_keys""#]],
    );
    let late = schema::create_index(POSTGRES, &layout, &index, true);
    check_ddl(
        &late,
        &expect![[
            r#"CREATE INDEX CONCURRENTLY IF NOT EXISTS "sx" ON "articles" USING gin ((_den_vector_1('AB', '', ARRAY[_den_words_1((data->'title')), _den_words_1((data->'a'#>'{0}'->'tags'))])))"#
        ]],
    );
    let column = schema::add_search_column(POSTGRES, "articles", &index);
    let made = schema::create_index(POSTGRES, &with_column(), &index, false);
    let hash = schema::definition_hash(&index);
    let dropped = schema::drop_search_column(POSTGRES, "articles", &hash);
    let all: Vec<String> = column.into_iter().chain(made).chain([dropped]).collect();
    check_ddl(
        &all,
        &expect![[r#"
        ALTER TABLE "articles" ADD COLUMN IF NOT EXISTS "_den_s_48de70a6d8b0b3d9" tsvector GENERATED ALWAYS AS (_den_vector_1('AB', '', ARRAY[_den_words_1((data->'title')), _den_words_1((data->'a'#>'{0}'->'tags'))])) STORED;
        CREATE INDEX IF NOT EXISTS "sx" ON "articles" USING gin ("_den_s_48de70a6d8b0b3d9");
        ALTER TABLE IF EXISTS "articles" DROP COLUMN IF EXISTS "_den_s_48de70a6d8b0b3d9""#]],
    );
    assert_eq!(schema::add_search_column(SQLITE, "articles", &index), None);
}

#[test]
fn a_definition_reads_back() {
    for language in [None, Some("english")] {
        let index = searched(language);
        let definition = schema::definition(&index);
        assert_eq!(schema::parse_definition(&definition), Some(index));
    }
    let mut weighted = searched(None);
    weighted.search.as_mut().unwrap().weights = vec![2.0, 1.0];
    let hash = schema::definition_hash;
    assert_ne!(hash(&weighted), hash(&searched(None)));
    assert_ne!(hash(&searched(Some("english"))), hash(&searched(None)));
    assert_eq!(weighted.fields[1].0.path, path("a.0.tags"));
}

#[test]
fn the_functions_hold_every_letter() {
    assert!(search::search_functions(SQLITE).is_empty());
    let functions = search::search_functions(POSTGRES);
    let names: Vec<&str> = functions.iter().map(|it| it.0).collect();
    assert_eq!(
        names,
        ["_den_words_1(jsonb)", "_den_vector_1(text, text, text[])"]
    );
    // An index holds what the function of this name made: a change of the text needs another name.
    let hashes = functions
        .iter()
        .map(|it| den_backend::meta::fnv1a(it.1.as_bytes()));
    let hashes: Vec<String> = hashes.map(|it| format!("{it:x}")).collect();
    expect!["76ea7210edd6cdcf 32de9d2ec1eff487"].assert_eq(&hashes.join(" "));
}
