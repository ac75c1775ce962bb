//! What raw statements find on one engine or the other, and what they leave of its connections.

use den::{ErrorKind, Json, prelude::*, raw::RawSql, site};
use serde::Deserialize;
use serde_json::json;

use super::support::{Item, count, given, given_numbered, item, numbered, refused};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(connections_are_not_disturbed, except: [Memory]),
    case!(reads_run_beside_a_writer, except: [Memory]),
    case!(many_rows, except: [Memory]),
    case!(a_dropped_statement_leaves_the_pool_usable, except: [Memory]),
    case!(postgres_types_become_json, only: [Postgres, PostgresIcu]),
    case!(postgres_commands_with_rows, only: [Postgres, PostgresIcu]),
    case!(what_does_not_become_json_is_not_run, only: [Postgres, PostgresIcu]),
    case!(without_prepared_statements, only: [Postgres, PostgresIcu]),
    case!(sqlite_values_become_json, only: [SqliteFile, SqliteMemory]),
];

async fn connections_are_not_disturbed(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let both = [
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT a",
        "RELEASE a",
        " /* a */ begin;",
    ];
    let own: &[&str] = match on.engine() {
        Engine::Sqlite => &[
            "PRAGMA query_only = 1",
            "ATTACH 'x.db' AS x",
            "DETACH main",
            "INSERT OR ROLLBACK INTO items VALUES ('a', jsonb('{}'))",
            "SELECT ?1",
            "SELECT :a",
            "SELECT @a",
        ],
        Engine::Postgres => &[
            "SET search_path = public",
            "RESET ALL",
            "DISCARD ALL",
            "PREPARE a AS SELECT 1",
            "DEALLOCATE ALL",
            "LISTEN a",
            "COPY items TO STDOUT",
            "DECLARE a CURSOR FOR SELECT 1",
        ],
        Engine::Memory => &[],
    };
    for text in both.iter().chain(own) {
        let sql = RawSql::assert_safe(*text);
        let rows = db
            .query_raw::<Json>(site!("disturbing_query"), sql.clone(), ())
            .await;
        refused(rows, ErrorKind::InvalidQuery);
        refused(
            db.execute_raw(site!("disturbing_execute"), sql.clone(), ())
                .await,
            ErrorKind::InvalidQuery,
        );
        let tx = db.begin().await.unwrap();
        refused(
            tx.execute_raw(site!("disturbing_tx"), sql, ()).await,
            ErrorKind::InvalidQuery,
        );
        item("kept").save(&tx).await.unwrap();
        tx.rollback().await.unwrap();
    }
    assert_eq!(count::<Item>(db).await, 1);
}

async fn reads_run_beside_a_writer(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let tx = db.begin().await.unwrap();
    item("x").save(&tx).await.unwrap();
    let read = db.query_raw::<Json>(
        site!("beside"),
        "WITH a AS (SELECT 1 AS n) SELECT n FROM a",
        (),
    );
    let read = tokio::time::timeout(std::time::Duration::from_secs(3), read);
    assert_eq!(read.await.unwrap().unwrap().len(), 1);
    tx.rollback().await.unwrap();
}

async fn many_rows(on: &TestDb) {
    let db = on.with::<Item>().await;
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        SELECT i FROM n ORDER BY i";
    let rows: Vec<Json> = db.query_raw(site!("many_rows"), sql, ()).await.unwrap();
    assert_eq!((rows.len(), &rows[19_999]["i"]), (20_000, &json!(20_000)));
}

async fn a_dropped_statement_leaves_the_pool_usable(on: &TestDb) {
    let db = given(on, (1..=50).map(numbered)).await;
    let slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000)
        SELECT max(i) AS i FROM n";
    for _ in 0..12 {
        let slow = db.query_raw::<Json>(site!("slow"), slow, ());
        let cut = tokio::time::timeout(std::time::Duration::from_millis(5), slow).await;
        assert!(cut.is_err());
    }
    let write = "UPDATE items SET data = data WHERE id <> $1";
    for after in [0, 1, 2, 4] {
        let write = db.execute_raw(site!("cut_write"), write, ("",));
        let _cut = tokio::time::timeout(std::time::Duration::from_micros(after * 200), write).await;
    }
    assert_eq!(count::<Item>(db).await, 50);
    item("after").save(db).await.unwrap();
}

async fn postgres_types_become_json(on: &TestDb) {
    let db = on.with::<Item>().await;
    db.execute_raw(
        site!("make_enum"),
        "CREATE TYPE mood AS ENUM ('fine', 'so so')",
        (),
    )
    .await
    .unwrap();
    let sql = "SELECT true AS a, 1::int2 AS b, 2::int4 AS c, 3::int8 AS d, 0.1::float4 AS e,
        0.1::float8 AS f, 12.50::numeric AS g, -0.00012::numeric AS h, 'NaN'::float8 AS i,
        'x'::varchar AS j, 'y '::char(2) AS k, 'z'::name AS l, '{\"a\": [1]}'::jsonb AS m,
        '[1, 2]'::json AS n, '00000000-0000-0000-0000-0000000000ff'::uuid AS o,
        '2026-05-01 12:00:00.5+02'::timestamptz AS p, '2026-05-01 12:00'::timestamp AS q,
        '2026-05-01'::date AS r, '12:30'::time AS s, '\\x00ff'::bytea AS t,
        ARRAY[1, NULL, 3] AS u, ARRAY[['a', 'b'], ['c', 'd']] AS v, '{}'::int[] AS w,
        'so so'::mood AS x, NULL::uuid AS y, 12345678901234567890::numeric AS z,
        ARRAY['fine']::mood[] AS aa, 'infinity'::timestamptz AS ab, pg_sleep(0) AS ac";
    let rows: Vec<Json> = db
        .query_raw(site!("types_of_postgres"), sql, ())
        .await
        .unwrap();
    let expected = json!({
        "a": true, "b": 1, "c": 2, "d": 3, "e": 0.1, "f": 0.1, "g": 12.5, "h": -0.00012, "i": "NaN",
        "j": "x", "k": "y ", "l": "z", "m": {"a": [1]}, "n": [1, 2],
        "o": "00000000-0000-0000-0000-0000000000ff",
        "p": "2026-05-01T10:00:00.500000Z", "q": "2026-05-01T12:00:00.000000",
        "r": "2026-05-01", "s": "12:30:00.000000", "t": "AP8=",
        "u": [1, null, 3], "v": [["a", "b"], ["c", "d"]], "w": [],
        "x": "so so", "y": null, "z": 12_345_678_901_234_567_890_u64, "aa": ["fine"],
        "ab": "infinity", "ac": null
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&rows[0][key], value, "{key}");
    }
    let tx = db.begin().await.unwrap();
    let in_tx: Vec<Json> = tx.query_raw(site!("types_in_tx"), sql, ()).await.unwrap();
    assert_eq!(in_tx, rows);
    tx.rollback().await.unwrap();
}

async fn postgres_commands_with_rows(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let show: Vec<Json> = db
        .query_raw(site!("show"), "SHOW server_encoding", ())
        .await
        .unwrap();
    assert_eq!(show, [json!({"server_encoding": "UTF8"})]);
    let sql = "EXPLAIN SELECT * FROM items WHERE id = $1";
    let plan: Vec<Json> = db.query_raw(site!("explain"), sql, ("x",)).await.unwrap();
    assert!(plan[0]["QUERY PLAN"].as_str().unwrap().contains("Scan"));
    let sql = "WITH gone AS (DELETE FROM items RETURNING id) SELECT count(*) AS n FROM gone";
    let rows: Vec<Json> = db
        .query_raw(site!("delete_in_with"), sql, ())
        .await
        .unwrap();
    assert_eq!(rows, [json!({"n": 1})]);
    db.transaction(async |tx| {
        tx.execute_raw(site!("set_local"), "SET LOCAL work_mem = '5MB'", ())
            .await?;
        let show: Vec<Json> = tx
            .query_raw(site!("show_local"), "SHOW work_mem", ())
            .await?;
        assert_eq!(show, [json!({"work_mem": "5MB"})]);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

async fn what_does_not_become_json_is_not_run(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let sql = "DELETE FROM items WHERE data->>'n' = '1' RETURNING interval '1 day' AS days";
    let error = refused(
        db.query_raw::<Json>(site!("no_json"), sql, ()).await,
        ErrorKind::InvalidQuery,
    );
    assert!(
        error.to_string().contains("`days` is of type `interval`"),
        "{error}"
    );
    assert_eq!(count::<Item>(db).await, 3);
    db.transaction(async |tx| {
        let rows = tx.query_raw::<Json>(site!("no_json_in_tx"), sql, ()).await;
        refused(rows, ErrorKind::InvalidQuery);
        assert_eq!(count::<Item>(&tx).await, 3);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    let db = Db::open(on.url_with("statement_cache=off")).await.unwrap();
    let rows = db
        .query_raw::<Json>(site!("no_json_unnamed"), sql, ())
        .await;
    refused(rows, ErrorKind::InvalidQuery);
    let left: Vec<Json> = db
        .query_raw(site!("left"), "SELECT id FROM items", ())
        .await
        .unwrap();
    assert_eq!(left.len(), 3);
    db.close().await.unwrap();
}

async fn without_prepared_statements(on: &TestDb) {
    given_numbered(on, 2).await;
    let db = Db::open(on.url_with("statement_cache=off")).await.unwrap();
    let sql =
        "UPDATE items SET data = jsonb_set(data, '{n}', to_jsonb($1)) RETURNING data->'n' AS n";
    let rows: Vec<Json> = db.query_raw(site!("unnamed"), sql, (7,)).await.unwrap();
    assert_eq!(rows, [json!({"n": 7}), json!({"n": 7})]);
    let sql = "SELECT $1 || (data->>'name') AS name FROM items ORDER BY 1";
    let rows: Vec<Json> = db
        .query_raw(site!("unnamed_read"), sql, ("a ",))
        .await
        .unwrap();
    assert_eq!(rows, [json!({"name": "a i1"}), json!({"name": "a i2"})]);
    db.close().await.unwrap();
}

async fn sqlite_values_become_json(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let sql = "SELECT data, jsonb_extract(data, '$.tags') AS tags, data->'$.tags' AS text,
        x'010203' AS bytes, 1.0 AS real, 1 AS int, 'é' AS t, NULL AS z FROM items";
    let rows: Vec<Json> = db
        .query_raw(site!("values_of_sqlite"), sql, ())
        .await
        .unwrap();
    assert_eq!(rows[0]["data"]["name"], "i1");
    assert_eq!(rows[0]["tags"], json!([]));
    assert_eq!(rows[0]["text"], "[]");
    assert_eq!(
        (&rows[0]["bytes"], &rows[0]["real"]),
        (&json!("AQID"), &json!(1.0))
    );
    let sql = "CREATE TRIGGER renamed AFTER UPDATE ON items BEGIN SELECT 1; SELECT 2; END;";
    db.execute_raw(site!("trigger"), sql, ()).await.unwrap();
    #[derive(Deserialize)]
    struct Row {
        #[serde(deserialize_with = "den::raw::truth")]
        is: bool,
    }
    let rows: Vec<Row> = db
        .query_raw(site!("truth"), "SELECT 2 > 1 AS \"is\"", ())
        .await
        .unwrap();
    assert!(rows[0].is);
}
