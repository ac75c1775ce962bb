//! Checkpoints while others write, and back.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use den::{
    Db, ErrorKind, Json, field,
    transfer::{self, Checkpoint, Mode, checkpoint, restore},
};
use den_test_harness::{Case, Engine, TestDb};
use serde_json::json;

use super::{ZOO, file, fill, ids, plant, written};

pub(crate) const CASES: &[Case] = &[
    case!(a_checkpoint_comes_back),
    case!(a_checkpoint_while_others_write_is_one_moment),
    case!(nothing_is_overwritten),
    case!(a_restore_is_all_or_nothing),
    case!(a_path_may_have_odd_characters),
];

async fn a_checkpoint_comes_back(on: &TestDb) {
    plant(on, "zoo", ZOO).await;
    let (folder, path) = file("new folder/checkpoint");
    let kind = checkpoint(&on.db, &path).await.unwrap();
    let expected = match on.engine() {
        Engine::Sqlite => Checkpoint::Sqlite,
        Engine::Memory | Engine::Postgres => Checkpoint::Archive,
    };
    assert_eq!(kind, expected);
    let inner = folder.path().join("new folder");
    assert_eq!(std::fs::read_dir(&inner).unwrap().count(), 1);
    let before = std::fs::read(&path).unwrap();
    for url in ["memory:", "sqlite://:memory:"] {
        let other = Db::open(url).await.unwrap();
        restore(&path, &other).await.unwrap();
        assert!(transfer::compare(&on.db, &other).await.unwrap().is_equal());
        other.close().await.unwrap();
    }
    on.db.collection("zoo").delete("empty").await.unwrap();
    let refused = restore(&path, &on.db).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Duplicate);
    restore(&path, &on.db).mode(Mode::Replace).await.unwrap();
    assert_eq!(ids(&on.db, "zoo").await.len(), ZOO.len());
    // The checkpoint is as it was, with nothing beside it.
    assert!(std::fs::read(&path).unwrap() == before);
    assert_eq!(std::fs::read_dir(&inner).unwrap().count(), 1);
}

async fn a_checkpoint_while_others_write_is_one_moment(on: &TestDb) {
    let documents: Vec<String> = (0..300)
        .map(|n| json!({ "_id": format!("{n:03}"), "a": 0, "b": 0 }).to_string())
        .collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    plant(on, "c", &documents).await;
    let done = Arc::new(AtomicBool::new(false));
    let (db, stop) = (on.db.clone(), Arc::clone(&done));
    // Every statement leaves `a` equal to `b` in all documents.
    let writing = tokio::spawn(async move {
        let mut rounds = 0;
        while !stop.load(Ordering::Relaxed) {
            let c = db.collection("c");
            let update = c
                .query()
                .all_rows()
                .update()
                .inc(field("a"), 1)
                .inc(field("b"), 1);
            update.await.unwrap();
            rounds += 1;
        }
        rounds
    });
    for round in 0..4 {
        let (_folder, path) = file("checkpoint");
        checkpoint(&on.db, &path).await.unwrap();
        let copy = Db::open("memory:").await.unwrap();
        restore(&path, &copy).await.unwrap();
        let all: Vec<Json> = copy.collection("c").query().all().await.unwrap();
        assert_eq!(all.len(), 300);
        let first = &all[0]["a"];
        let same = all.iter().all(|it| it["a"] == *first && it["b"] == *first);
        assert!(same, "round {round}");
    }
    done.store(true, Ordering::Relaxed);
    assert!(writing.await.unwrap() > 4);
}

async fn nothing_is_overwritten(on: &TestDb) {
    fill(on, "c", 1).await;
    let (_folder, path) = written("checkpoint", "mine");
    let error = checkpoint(&on.db, &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    let error = restore(&path, &on.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

async fn a_restore_is_all_or_nothing(on: &TestDb) {
    let from = Db::open("memory:").await.unwrap();
    for name in ["a", "b"] {
        let meta = den_backend::CollectionMeta::new(name);
        from.backend().ensure_collection(&meta).await.unwrap();
        from.collection(name)
            .insert(json!({ "_id": "new" }))
            .await
            .unwrap();
    }
    fill(on, "b", 1).await;
    let (_folder, path) = file("checkpoint");
    checkpoint(&from, &path).await.unwrap();
    assert!(restore(&path, &on.db).await.is_err());
    assert!(ids(&on.db, "a").await.is_empty());
    assert_eq!(ids(&on.db, "b").await, ["0001"]);
    restore(&path, &on.db).mode(Mode::Append).await.unwrap();
    assert_eq!(ids(&on.db, "b").await, ["0001", "new"]);
}

async fn a_path_may_have_odd_characters(on: &TestDb) {
    fill(on, "c", 2).await;
    let (_folder, path) = file("50% off? #1 'é'.checkpoint");
    checkpoint(&on.db, &path).await.unwrap();
    let other = Db::open("memory:").await.unwrap();
    restore(&path, &other).await.unwrap();
    assert_eq!(ids(&other, "c").await, ["0001", "0002"]);
}
