//! Copies between any two databases, and comparisons.

use den::{
    Db, ErrorKind, field,
    transfer::{self, Export, Import, Mode},
};
use den_backend::{ConstraintKind, ConstraintMeta, Expectation, FieldPath, SchemaChange};
use den_test_harness::{Case, Engine, TestDb};
use serde_json::json;

use super::{FOREIGN, ZOO, ensure, file, fill, ids, plant};

pub(crate) const CASES: &[Case] = &[
    together!(every_value_goes_round_all_databases),
    together!(foreign_numbers_go_round_the_engines),
    together!(a_hundred_thousand_go_round),
    case!(a_comparison_says_what_differs),
    case!(a_comparison_keeps_few_ids_and_counts_all),
    case!(a_copy_into_what_is_not_empty_is_refused),
    case!(a_copy_of_what_is_not_there_is_not_registered),
    case!(a_copy_that_failed_goes_on),
    case!(replacing_that_fails_leaves_all_as_it_was),
    case!(records_of_den_go_along),
    case!(constraints_go_along),
    case!(a_copy_shows_one_moment, only: [SqliteFile, Postgres, Memory]),
];

async fn memory() -> Db {
    Db::open("memory:").await.unwrap()
}

async fn every_value_goes_round_all_databases(on: &[TestDb]) {
    plant(&on[0], "zoo", ZOO).await;
    for pair in on.windows(2) {
        let done = transfer::copy(&pair[0].db, &pair[1].db).await.unwrap();
        assert_eq!(done.documents(), ZOO.len() as u64);
    }
    let mut archives = Vec::new();
    for it in on {
        let comparison = transfer::compare(&on[0].db, &it.db).await.unwrap();
        assert!(comparison.is_equal(), "{:?}: {comparison}", it.target());
        let (_folder, path) = file("zoo.den");
        let done = Export::new(&it.db).archive(&path).await.unwrap();
        assert_eq!(done.documents(), ZOO.len() as u64);
        archives.push(std::fs::read_to_string(&path).unwrap());
    }
    assert!(archives.windows(2).all(|it| it[0] == it[1]), "{archives:?}");
    // And back again.
    let last = on.last().unwrap();
    let back = memory().await;
    transfer::copy(&last.db, &back).await.unwrap();
    for text in ZOO {
        let expected: den_backend::Value = serde_json::from_str(text).unwrap();
        let id = serde_json::from_str::<den::Json>(text).unwrap();
        let id = id["_id"].as_str().unwrap();
        let stored = back.backend().get("zoo", id).await.unwrap().unwrap();
        let stored: den_backend::Value = serde_json::from_slice(&stored.body).unwrap();
        assert_eq!(stored, expected, "{id}");
    }
    for number in [
        "\"one\":1.0",
        "\"int\":1",
        "\"big\":1e300",
        "\"small\":5e-324",
    ] {
        assert!(archives[0].contains(number), "{number}: {}", archives[0]);
    }
}

async fn foreign_numbers_go_round_the_engines(on: &[TestDb]) {
    // The reference backend reads numbers as it computes with them.
    let engines = on.iter().filter(|it| it.engine() != Engine::Memory);
    let engines: Vec<&TestDb> = engines.collect();
    plant(engines[0], "zoo", FOREIGN).await;
    for pair in engines.windows(2) {
        transfer::copy(&pair[0].db, &pair[1].db).await.unwrap();
    }
    let last = engines.last().unwrap();
    let comparison = transfer::compare(&engines[0].db, &last.db).await.unwrap();
    assert!(comparison.is_equal(), "{comparison}");
    let (folder, _) = file("");
    Export::new(&last.db).jsonl(folder.path()).await.unwrap();
    let text = std::fs::read_to_string(folder.path().join("zoo.jsonl")).unwrap();
    for number in [
        "\"u64\":18446744073709551615",
        "\"exp\":100000.0",
        "\"digits\":0.10000000000000000000555",
        "\"huge\":123456789012345678901234567890.5",
        "\"trailing\":1.0",
        "\"negzero\":0.0",
    ] {
        assert!(text.contains(number), "{number}: {text}");
    }
}

async fn a_hundred_thousand_go_round(on: &[TestDb]) {
    let find = |engine| on.iter().find(|it| it.engine() == engine);
    let first = find(Engine::Sqlite).unwrap();
    let mut lines = String::new();
    for n in 0..100_000 {
        let line = json!({ "_id": format!("{n:06}"), "n": n, "price": f64::from(n) / 8.0, "tags": ["a", null] });
        lines += &line.to_string();
        lines.push('\n');
    }
    let (_folder, path) = super::written("many.jsonl", lines);
    let done = Import::new(&first.db)
        .jsonl_file("many", &path)
        .await
        .unwrap();
    assert_eq!(done.documents(), 100_000);
    let last = on.iter().rfind(|it| it.engine() == Engine::Sqlite).unwrap();
    let middle = find(Engine::Postgres);
    let from = match middle {
        Some(middle) => {
            let copy = transfer::copy(&first.db, &middle.db).await.unwrap();
            assert_eq!(copy.documents(), 100_000);
            middle
        }
        None => first,
    };
    transfer::copy(&from.db, &last.db).await.unwrap();
    let comparison = transfer::compare(&first.db, &last.db).await.unwrap();
    assert!(comparison.is_equal(), "{comparison}");
    assert_eq!(comparison.collections[0].left, 100_000);
}

async fn a_comparison_says_what_differs(on: &TestDb) {
    let other = memory().await;
    fill(on, "c", 5).await;
    transfer::copy(&on.db, &other).await.unwrap();
    assert!(transfer::compare(&on.db, &other).await.unwrap().is_equal());
    let c = other.collection("c");
    c.delete("0002").await.unwrap();
    c.insert(json!({ "_id": "0003x" })).await.unwrap();
    c.replace(json!({ "_id": "0004", "n": 40 })).await.unwrap();
    other
        .backend()
        .ensure_collection(&den_backend::CollectionMeta::new("more"))
        .await
        .unwrap();
    other
        .collection("more")
        .insert(json!({ "_id": "m" }))
        .await
        .unwrap();
    let comparison = transfer::compare(&on.db, &other).await.unwrap();
    let it = comparison.collection("c").unwrap();
    assert_eq!((it.left, it.right), (5, 5));
    assert_eq!(
        (it.missing.count, it.missing.ids.as_slice()),
        (1, &["0002".to_owned()][..])
    );
    assert_eq!(
        (it.extra.count, it.extra.ids.as_slice()),
        (1, &["0003x".to_owned()][..])
    );
    assert_eq!(
        (it.different.count, it.different.ids.as_slice()),
        (1, &["0004".to_owned()][..])
    );
    let more = comparison.collection("more").unwrap();
    assert_eq!((more.left, more.right, more.extra.count), (0, 1, 1));
    let text = comparison.to_string();
    assert!(
        text.contains("c: 5 and 5 documents; missing 1 (0002); extra 1 (0003x)"),
        "{text}"
    );
}

async fn a_comparison_keeps_few_ids_and_counts_all(on: &TestDb) {
    let other = memory().await;
    fill(on, "c", 300).await;
    let it = transfer::compare(&on.db, &other).keep(2).await.unwrap();
    let it = it.collection("c").unwrap();
    assert_eq!(it.missing.count, 300);
    assert_eq!(it.missing.ids, ["0001", "0002"]);
}

async fn a_copy_into_what_is_not_empty_is_refused(on: &TestDb) {
    let from = memory().await;
    let meta = den_backend::CollectionMeta::new("c");
    from.backend().ensure_collection(&meta).await.unwrap();
    from.collection("c")
        .insert(json!({ "_id": "new" }))
        .await
        .unwrap();
    fill(on, "c", 2).await;
    let error = transfer::copy(&from, &on.db).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.collection()),
        (ErrorKind::Duplicate, Some("c"))
    );
    assert_eq!(ids(&on.db, "c").await, ["0001", "0002"]);
    let copy = transfer::copy(&from, &on.db)
        .mode(Mode::Append)
        .await
        .unwrap();
    assert_eq!(copy.documents(), 1);
    assert_eq!(ids(&on.db, "c").await, ["0001", "0002", "new"]);
    let copy = transfer::copy(&from, &on.db).mode(Mode::Append).await;
    assert_eq!(copy.unwrap_err().kind(), ErrorKind::Duplicate);
    transfer::copy(&from, &on.db)
        .mode(Mode::Upsert)
        .await
        .unwrap();
    assert_eq!(ids(&on.db, "c").await, ["0001", "0002", "new"]);
    transfer::copy(&from, &on.db)
        .mode(Mode::Replace)
        .await
        .unwrap();
    assert_eq!(ids(&on.db, "c").await, ["new"]);
}

async fn a_copy_of_what_is_not_there_is_not_registered(on: &TestDb) {
    let copy = transfer::copy(&on.db, &memory().await).collections(["nope"]);
    assert_eq!(copy.await.unwrap_err().kind(), ErrorKind::NotRegistered);
}

async fn a_copy_that_failed_goes_on(on: &TestDb) {
    let from = memory().await;
    let meta = den_backend::CollectionMeta::new("c");
    from.backend().ensure_collection(&meta).await.unwrap();
    for n in 0..10 {
        let document = json!({ "_id": n.to_string(), "n": n });
        from.collection("c").insert(document).await.unwrap();
    }
    // As an earlier try has left it, but for one document that has changed since.
    transfer::copy(&from, &on.db).await.unwrap();
    let c = on.db.collection("c");
    c.query().filter(field("n").ge(5)).delete().await.unwrap();
    c.replace(json!({ "_id": "3", "n": 33 })).await.unwrap();
    let done = transfer::copy(&from, &on.db).resume(true).await.unwrap();
    let done = done.collection("c").unwrap();
    assert_eq!((done.documents, done.resumed), (6, 4));
    assert!(transfer::compare(&from, &on.db).await.unwrap().is_equal());
}

async fn replacing_that_fails_leaves_all_as_it_was(on: &TestDb) {
    fill(on, "c", 3).await;
    ensure(on, "d").await;
    let from = memory().await;
    for name in ["c", "d"] {
        let meta = den_backend::CollectionMeta::new(name);
        from.backend().ensure_collection(&meta).await.unwrap();
        from.collection(name)
            .insert(json!({ "_id": "new" }))
            .await
            .unwrap();
    }
    // No database takes it.
    let put = den_backend::Put {
        id: "x",
        body: br#"{"_id":"x","a":"\u0000"}"#,
        expect: Expectation::Any,
    };
    from.backend().put("d", put).await.unwrap();
    let copy = transfer::copy(&from, &on.db).mode(Mode::Replace).await;
    assert!(copy.is_err());
    assert_eq!(ids(&on.db, "c").await, ["0001", "0002", "0003"]);
    assert!(ids(&on.db, "d").await.is_empty());
}

async fn records_of_den_go_along(on: &TestDb) {
    plant(on, "_den_migrations", &[r#"{"_id":"app/1","name":"one"}"#]).await;
    fill(on, "c", 1).await;
    let other = memory().await;
    transfer::copy(&on.db, &other).await.unwrap();
    assert_eq!(ids(&other, "_den_migrations").await, ["app/1"]);
    assert_eq!(other.collections().await.unwrap(), ["c"]);
    let third = memory().await;
    transfer::copy(&on.db, &third)
        .collections(["c"])
        .await
        .unwrap();
    assert!(
        third
            .backend()
            .get("_den_migrations", "app/1")
            .await
            .is_err()
    );
}

async fn constraints_go_along(on: &TestDb) {
    fill(on, "c", 2).await;
    let kind = ConstraintKind::Unique {
        fields: vec![FieldPath::parse("n").unwrap()],
    };
    let change = SchemaChange::CreateConstraint {
        collection: "c".to_owned(),
        constraint: ConstraintMeta::new("c", kind),
    };
    on.backend.alter(&change).await.unwrap();
    let (_folder, path) = file("c.den");
    Export::new(&on.db).archive(&path).await.unwrap();
    let (copied, imported) = (memory().await, memory().await);
    transfer::copy(&on.db, &copied).await.unwrap();
    Import::new(&imported).archive(&path).await.unwrap();
    for db in [&copied, &imported] {
        let there = db.backend().constraints("c").await.unwrap();
        assert_eq!(there, on.backend.constraints("c").await.unwrap());
        let taken = db.collection("c").insert(json!({ "n": 1 })).await;
        assert_eq!(taken.unwrap_err().kind(), ErrorKind::Duplicate);
    }
    // They are there already, and the documents of the archive keep them.
    let import = Import::new(&on.db).mode(Mode::Replace);
    import.archive(&path).await.unwrap();
    let (folder, lines) = super::written("c.jsonl", "{\"n\":7}\n{\"n\":7}\n");
    let bad = folder.path().join("bad");
    let import = Import::new(&on.db).mode(Mode::Append).bad_lines(&bad);
    let done = import.jsonl_file("c", &lines).await.unwrap();
    assert_eq!((done.documents(), done.bad()), (1, 1));
}

async fn a_copy_shows_one_moment(on: &TestDb) {
    fill(on, "c", 400).await;
    let other = memory().await;
    let db = on.db.clone();
    // With the first batch under way, all documents change.
    let (send, receive) = std::sync::mpsc::channel();
    let copy = transfer::copy(&on.db, &other).on_progress(move |_| {
        // Only the first time matters.
        let _ = send.send(());
    });
    let copy = tokio::spawn(copy.into_future());
    tokio::task::spawn_blocking(move || receive.recv())
        .await
        .unwrap()
        .unwrap();
    let c = db.collection("c");
    c.query()
        .all_rows()
        .update()
        .set(field("n"), 0)
        .await
        .unwrap();
    copy.await.unwrap().unwrap();
    let zeros = other.collection("c").query().filter(field("n").eq(0));
    assert_eq!(zeros.count().await.unwrap(), 0);
}
