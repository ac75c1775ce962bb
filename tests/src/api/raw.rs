//! Statements in the engine's own language.

use std::collections::BTreeMap;

use den::{ErrorKind, Json, prelude::*, raw::RawSql, site};
use serde::Deserialize;
use serde_json::json;

use super::support::{
    Item, Note, count, everything, given_numbered, item, note, recorded, refused,
};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(rows_become_structs_maps_and_json, except: [Memory]),
    case!(placeholders_stand_in_any_order, except: [Memory]),
    case!(placeholders_in_literals_are_text, except: [Memory]),
    case!(parameters_have_types, except: [Memory]),
    case!(rows_keep_their_order, except: [Memory]),
    case!(documents_come_back_as_documents, except: [Memory]),
    case!(a_text_for_each_engine),
    case!(a_text_made_at_run_time, except: [Memory]),
    case!(execute_counts_rows, except: [Memory]),
    case!(returning_writes_once, except: [Memory]),
    case!(a_transaction_sees_its_own_writes, except: [Memory]),
    case!(an_error_leaves_the_transaction_usable, except: [Memory]),
    case!(a_read_only_transaction_reads_only, except: [Memory]),
    case!(what_is_refused_sends_nothing),
    case!(memory_has_no_statements, only: [Memory]),
    case!(parameters_are_checked_first, except: [Memory]),
    case!(errors_name_the_place, except: [Memory]),
    case!(a_missing_table_is_not_registered, except: [Memory]),
    case!(a_taken_value_is_a_duplicate, except: [Memory]),
    case!(a_write_inside_of_a_transaction_closure_is_refused, except: [Memory]),
    case!(a_row_that_does_not_fit_is_corrupt, except: [Memory]),
];

async fn rows_become_structs_maps_and_json(on: &TestDb) {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Row {
        name: String,
        half: f64,
        category: Option<String>,
    }
    let db = given_numbered(on, 2).await;
    let sql = "SELECT d.data->>'name' AS name, 0.5 * 1 AS half, d.data->>'category' AS category
        FROM items AS d ORDER BY 1";
    let rows: Vec<Row> = db
        .query_raw(site!("rows_as_structs"), sql, ())
        .await
        .unwrap();
    let row = |name: &str| Row {
        name: name.to_owned(),
        half: 0.5,
        category: None,
    };
    assert_eq!(rows, [row("i1"), row("i2")]);
    let rows: Vec<BTreeMap<String, Json>> =
        db.query_raw(site!("rows_as_maps"), sql, ()).await.unwrap();
    assert_eq!(rows[1]["name"], "i2");
    let rows: Vec<Json> = db.query_raw(site!("rows_as_json"), sql, ()).await.unwrap();
    assert_eq!(
        rows[0],
        json!({"name": "i1", "half": 0.5, "category": null})
    );
    let executor: &dyn Executor = db;
    let none: Vec<Json> = executor
        .query_raw(site!("no_rows"), "SELECT 1 AS a WHERE 1 = 0", ())
        .await
        .unwrap();
    assert!(none.is_empty());
}

async fn placeholders_stand_in_any_order(on: &TestDb) {
    let db = on.with::<Item>().await;
    let sql = "SELECT $2 AS a, $1 AS b, $1 AS c, $3 AS d";
    let rows: Vec<Json> = db
        .query_raw(site!("swapped"), sql, (1, "x", None::<i64>))
        .await
        .unwrap();
    assert_eq!(rows, [json!({"a": "x", "b": 1, "c": 1, "d": null})]);
    let params: Vec<i64> = (0..40).collect();
    let text: Vec<String> = (1..=40).rev().map(|it| format!("${it} AS c{it}")).collect();
    let sql = RawSql::assert_safe(["SELECT ", &text.join(", ")].concat());
    let rows: Vec<BTreeMap<String, i64>> = db
        .query_raw(site!("many_parameters"), sql, &params)
        .await
        .unwrap();
    assert_eq!((rows[0]["c1"], rows[0]["c40"]), (0, 39));
}

async fn placeholders_in_literals_are_text(on: &TestDb) {
    let db = on.with::<Item>().await;
    let sql = "SELECT '$1 it''s' AS \"$2\", /* $3 */ $1 AS b -- $4";
    let rows: Vec<Json> = db.query_raw(site!("literals"), sql, [7]).await.unwrap();
    assert_eq!(rows, [json!({"$2": "$1 it's", "b": 7})]);
}

async fn parameters_have_types(on: &TestDb) {
    let db = on.with::<Item>().await;
    let at: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
    let list = vec!["a", "b"];
    let sql = RawSql::new()
        .sqlite(
            "SELECT $1 + 1 AS i, $2 / 2 AS f, $3 || '!' AS t, NOT $4 AS b, $5 AS at,
                (SELECT count(*) FROM json_each($6)) AS n, $7 IS NULL AS z, $8 AS big",
        )
        .postgres(
            "SELECT $1 + 1 AS i, $2 / 2 AS f, $3 || '!' AS t, NOT $4 AS b, $5 AS at,
                jsonb_array_length($6) AS n, $7 IS NULL AS z, $8 AS big",
        );
    let params = den::params![41, 1.0, "hey", true, at, list, None::<&str>, i64::MAX];
    let rows: Vec<Json> = db.query_raw(site!("types"), sql, params).await.unwrap();
    let truth = |it: bool| match on.engine() {
        Engine::Sqlite => json!(i32::from(it)),
        Engine::Postgres | Engine::Memory => json!(it),
    };
    assert_eq!(
        rows,
        [
            json!({"i": 42, "f": 0.5, "t": "hey!", "b": truth(false), "at": at, "n": 2,
            "z": truth(true), "big": i64::MAX})
        ]
    );
}

async fn rows_keep_their_order(on: &TestDb) {
    #[derive(Deserialize)]
    struct Row {
        n: i64,
    }
    let db = given_numbered(on, 50).await;
    let number = number(on);
    let sql = [
        "SELECT ",
        number,
        " AS n FROM items AS d ORDER BY 1 DESC LIMIT $1",
    ]
    .concat();
    let sql = RawSql::assert_safe(sql);
    let rows: Vec<Row> = db.query_raw(site!("ordered"), sql, (20,)).await.unwrap();
    let found: Vec<i64> = rows.iter().map(|it| it.n).collect();
    assert_eq!(found, (31..=50).rev().collect::<Vec<_>>());
}

fn number(on: &TestDb) -> &'static str {
    match on.engine() {
        Engine::Sqlite => "d.data->>'n'",
        Engine::Postgres | Engine::Memory => "(d.data->>'n')::bigint",
    }
}

async fn documents_come_back_as_documents(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let sql = "SELECT d.id, d.data FROM items AS d WHERE d.data->>'name' <> $1 ORDER BY d.id";
    let mut found: Vec<Item> = db
        .query_raw_documents(site!("documents"), sql, ["i2"])
        .await
        .unwrap();
    let all = Item::query(db).all().await.unwrap();
    assert_eq!(found, [all[0].clone(), all[2].clone()]);
    // They are known to be stored.
    found[0].n = 100;
    found[0].save(db).await.unwrap();
    assert_eq!(count::<Item>(db).await, 3);
    let rows: Vec<Json> = db
        .query_raw(site!("documents_as_json"), sql, ["i2"])
        .await
        .unwrap();
    assert_eq!(rows[1]["data"]["name"], "i3");
    assert_eq!(rows[1]["id"], rows[1]["data"]["_id"]);
    let other = on.another_handle().await;
    let unknown = other
        .query_raw_documents::<Item>(site!("documents_unregistered"), sql, ["i2"])
        .await;
    refused(unknown, ErrorKind::NotRegistered);
}

async fn a_text_for_each_engine(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let sql = RawSql::new()
        .sqlite("SELECT 'lite' AS a")
        .postgres("SELECT 'post' AS a");
    let rows = db.query_raw::<Json>(site!("each_engine"), sql, ()).await;
    match on.engine() {
        Engine::Sqlite => assert_eq!(rows.unwrap()[0]["a"], "lite"),
        Engine::Postgres => assert_eq!(rows.unwrap()[0]["a"], "post"),
        Engine::Memory => drop(refused(rows, ErrorKind::Unsupported)),
    }
    recorder.clear();
    let other = match on.engine() {
        Engine::Sqlite => RawSql::new().postgres("SELECT 1 AS a"),
        Engine::Postgres => RawSql::new().sqlite("SELECT 1 AS a"),
        Engine::Memory => RawSql::new(),
    };
    let rows = db.query_raw::<Json>(site!("other_engine"), other, ()).await;
    refused(rows, ErrorKind::Unsupported);
    assert!(recorder.take().is_empty());
}

async fn a_text_made_at_run_time(on: &TestDb) {
    let db = on.with::<Item>().await;
    let made = RawSql::assert_safe(format!("SELECT {} AS a", 6 * 7));
    let rows: Vec<Json> = db.query_raw(site!("made"), made, ()).await.unwrap();
    assert_eq!(rows, [json!({"a": 42})]);
}

async fn execute_counts_rows(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let delete = "DELETE FROM items WHERE data->>'name' IN ($1, $2)";
    let run = |name: &'static str| db.execute_raw(site!("delete_two"), delete, (name, "i2"));
    assert_eq!(run("i1").await.unwrap(), 2);
    assert_eq!(run("i1").await.unwrap(), 0);
    let create = "CREATE TABLE raw_made (a integer)";
    assert_eq!(
        db.execute_raw(site!("create"), create, ()).await.unwrap(),
        0
    );
    let insert = "INSERT INTO raw_made VALUES ($1), ($2), ($1)";
    assert_eq!(
        db.execute_raw(site!("insert"), insert, (1, 2))
            .await
            .unwrap(),
        3
    );
    let read = "SELECT * FROM raw_made";
    assert_eq!(
        db.execute_raw(site!("execute_select"), read, ())
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        db.execute_raw(site!("drop"), "DROP TABLE raw_made;", ())
            .await
            .unwrap(),
        0
    );
}

async fn returning_writes_once(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let sql = "DELETE FROM items WHERE data->>'name' = $1 RETURNING id, data";
    for expected in [1, 0] {
        let rows: Vec<Json> = db
            .query_raw(site!("delete_returning"), sql, ["i2"])
            .await
            .unwrap();
        assert_eq!(rows.len(), expected);
    }
    let rows: Vec<Json> = db
        .transaction(async |tx| {
            tx.query_raw(site!("delete_returning_in_tx"), sql, ["i1"])
                .await
        })
        .await
        .unwrap();
    assert_eq!(rows[0]["data"]["name"], "i1");
    assert_eq!(count::<Item>(db).await, 1);
}

async fn a_transaction_sees_its_own_writes(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let counted = "SELECT count(*) AS n FROM items";
    let tx = db.begin().await.unwrap();
    item("second").save(&tx).await.unwrap();
    let rows: Vec<Json> = tx
        .query_raw(site!("count_in_tx"), counted, ())
        .await
        .unwrap();
    assert_eq!(rows[0]["n"], 2);
    let rows: Vec<Json> = db
        .query_raw(site!("count_outside"), counted, ())
        .await
        .unwrap();
    assert_eq!(rows[0]["n"], 1);
    let deleted = tx
        .execute_raw(site!("delete_in_tx"), "DELETE FROM items", ())
        .await;
    assert_eq!(deleted.unwrap(), 2);
    tx.rollback().await.unwrap();
    assert_eq!(count::<Item>(db).await, 1);
}

async fn an_error_leaves_the_transaction_usable(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    db.transaction(async |tx| {
        for bad in [
            "SELECT nope FROM items",
            "SELECT FROM WHERE",
            "DELETE FROM nope",
        ] {
            let rows = tx.query_raw::<Json>(site!("bad_read"), bad, ()).await;
            assert!(rows.is_err(), "{bad}");
            assert!(
                tx.execute_raw(site!("bad_write"), bad, ()).await.is_err(),
                "{bad}"
            );
        }
        let twice = "INSERT INTO items (id, data) SELECT 'x', data FROM items";
        let twice = tx.execute_raw(site!("insert_twice"), twice, ()).await;
        assert_eq!(twice.unwrap_err().kind(), ErrorKind::Duplicate);
        item("third").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(count::<Item>(db).await, 3);
}

async fn a_read_only_transaction_reads_only(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let tx = db.begin_with(TxOptions::new().read_only()).await.unwrap();
    let rows = tx
        .query_raw::<Json>(site!("read_in_read_only"), "SELECT id FROM items", ())
        .await;
    assert_eq!(rows.unwrap().len(), 1);
    let sql = "DELETE FROM items RETURNING id";
    refused(
        tx.query_raw::<Json>(site!("write_in_read_only"), sql, ())
            .await,
        ErrorKind::InvalidQuery,
    );
    refused(
        tx.execute_raw(site!("execute_in_read_only"), sql, ()).await,
        ErrorKind::InvalidQuery,
    );
    tx.rollback().await.unwrap();
    assert_eq!(count::<Item>(db).await, 1);
}

async fn what_is_refused_sends_nothing(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let kind = match on.engine() {
        Engine::Memory => ErrorKind::Unsupported,
        Engine::Sqlite | Engine::Postgres => ErrorKind::InvalidQuery,
    };
    let bad: [(&str, Vec<Json>); 7] = [
        ("SELECT $1", vec![]),
        ("SELECT 1", vec![json!(1)]),
        ("SELECT $2", vec![json!(1), json!(2)]),
        ("SELECT 1; SELECT 2", vec![]),
        ("SELECT $0", vec![]),
        ("SELECT 'a", vec![]),
        ("SELECT $1", vec![json!("\0")]),
    ];
    for (text, params) in bad {
        let sql = RawSql::assert_safe(text);
        refused(
            db.query_raw::<Json>(site!("refused_query"), sql.clone(), &params)
                .await,
            kind,
        );
        refused(
            db.execute_raw(site!("refused_execute"), sql, &params).await,
            kind,
        );
    }
    refused(db.execute_raw(site!("no_list"), "SELECT $1", 5).await, kind);
    refused(
        db.execute_raw(site!("not_a_number"), "SELECT $1", (f64::NAN,))
            .await,
        kind,
    );
    let params = den::params![1, f64::NAN];
    refused(
        db.execute_raw(site!("not_a_number_listed"), "SELECT $1, $2", params)
            .await,
        kind,
    );
    assert!(recorder.take().is_empty());
}

async fn memory_has_no_statements(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let rows = db
        .query_raw::<Json>(site!("on_memory"), "SELECT 1", ())
        .await;
    assert!(
        refused(rows, ErrorKind::Unsupported)
            .to_string()
            .contains("raw statements")
    );
    let filter = Filter::raw(&db, site!("filter_on_memory"), "true", ());
    refused(
        Item::query(&db).filter(filter).all().await,
        ErrorKind::Unsupported,
    );
    assert!(recorder.take().is_empty());
}

async fn parameters_are_checked_first(on: &TestDb) {
    let db = on.with::<Item>().await;
    let message = async |text: &'static str, params: &[i64]| {
        let rows = db
            .query_raw::<Json>(site!("checked_first"), text, params)
            .await;
        refused(rows, ErrorKind::InvalidQuery).to_string()
    };
    assert!(
        message("SELECT $1, $2", &[1])
            .await
            .contains("placeholder $2")
    );
    assert!(message("SELECT $2", &[1, 2]).await.contains("given for $1"));
    assert!(message("SELECT 1", &[1]).await.contains("given for $1"));
    assert!(message("", &[]).await.contains("no statement"));
    assert!(
        message("SELECT 1; DROP TABLE items", &[])
            .await
            .contains("more than one")
    );
}

async fn errors_name_the_place(on: &TestDb) {
    let db = on.with::<Item>().await;
    let rows = db
        .query_raw::<Json>(site!("names_the_place"), "SELECT nonsense(1)", ())
        .await;
    let error = rows.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("raw statement `names_the_place`"),
        "{error}"
    );
    assert!(everything(&error).contains("nonsense"), "{error:?}");
    assert!(error.code().is_some());
}

async fn a_missing_table_is_not_registered(on: &TestDb) {
    let db = on.with::<Item>().await;
    let rows = db
        .query_raw::<Json>(site!("missing_table"), "SELECT * FROM nope", ())
        .await;
    refused(rows, ErrorKind::NotRegistered);
    let changed = db
        .execute_raw(site!("missing_table_write"), "DELETE FROM nope", ())
        .await;
    refused(changed, ErrorKind::NotRegistered);
}

async fn a_taken_value_is_a_duplicate(on: &TestDb) {
    let db = on.with::<Note>().await;
    note("a").save(db).await.unwrap();
    let sql = "INSERT INTO notes (id, data) SELECT 'x', data FROM notes";
    let error = refused(
        db.execute_raw(site!("taken"), sql, ()).await,
        ErrorKind::Duplicate,
    );
    assert!(error.constraint().is_some());
    assert_eq!(count::<Note>(db).await, 1);
}

async fn a_write_inside_of_a_transaction_closure_is_refused(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    db.transaction(async |_tx| {
        let delete = "DELETE FROM items RETURNING id";
        let changed = db.execute_raw(site!("nested_execute"), delete, ()).await;
        refused(changed, ErrorKind::Unsupported);
        let rows = db
            .query_raw::<Json>(site!("nested_query"), delete, ())
            .await;
        refused(rows, ErrorKind::Unsupported);
        let read = "SELECT id FROM items";
        let rows: Vec<Json> = db.query_raw(site!("nested_read"), read, ()).await?;
        assert_eq!(rows.len(), 1);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

async fn a_row_that_does_not_fit_is_corrupt(on: &TestDb) {
    #[derive(Debug, Deserialize)]
    struct Row {
        #[expect(dead_code, reason = "it is never read, because it cannot be")]
        n: i64,
    }
    let db = on.with::<Item>().await;
    for sql in ["SELECT 'x' AS n", "SELECT 1 AS m"] {
        let rows = db.query_raw::<Row>(site!("does_not_fit"), sql, ()).await;
        let error = refused(rows, ErrorKind::Corrupt);
        assert!(error.to_string().contains("does_not_fit"), "{error}");
    }
    let twice = db
        .query_raw::<Json>(site!("one_name_twice"), "SELECT 1 AS a, 2 AS a", ())
        .await;
    refused(twice, ErrorKind::InvalidQuery);
}
