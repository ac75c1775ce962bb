//! What becomes of what is there, also when an import fails half way.

use den::{
    ErrorKind,
    transfer::{Import, Mode},
};
use den_test_harness::{Case, TestDb};
use serde_json::json;

use super::{fill, ids, written};

pub(crate) const CASES: &[Case] = &[
    case!(what_must_be_empty_is_looked_at_first),
    case!(appended_documents_are_new),
    case!(upserted_documents_overwrite),
    case!(replaced_documents_are_gone),
    case!(replacing_that_fails_half_way_keeps_the_old),
    case!(what_was_committed_before_a_failure_stays),
    case!(one_transaction_is_all_or_nothing),
    case!(an_import_in_a_transaction_is_refused),
];

/// Two batches of documents, and then a line that cannot be stored.
fn broken() -> String {
    let mut lines = String::new();
    for n in 0..1100 {
        lines += &json!({ "_id": format!("x{n:04}"), "n": n }).to_string();
        lines.push('\n');
    }
    lines + "{\"_id\":\"last\",\"n\":}\n"
}

async fn what_must_be_empty_is_looked_at_first(on: &TestDb) {
    fill(on, "c", 2).await;
    let (_folder, path) = written("c.jsonl", "{\"_id\":\"new\"}\n");
    let error = Import::new(&on.db)
        .jsonl_file("c", &path)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.collection()),
        (ErrorKind::Duplicate, Some("c"))
    );
    assert_eq!(ids(&on.db, "c").await, ["0001", "0002"]);
}

async fn appended_documents_are_new(on: &TestDb) {
    fill(on, "c", 2).await;
    let import = || Import::new(&on.db).mode(Mode::Append);
    let (_folder, path) = written("c.jsonl", "{\"_id\":\"a\"}\n\n{\"_id\":\"0002\",\"n\":0}\n");
    let error = import().jsonl_file("c", &path).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.id()),
        (ErrorKind::Duplicate, Some("0002"))
    );
    assert!(error.to_string().contains("c.jsonl, line 3: "), "{error}");
    assert_eq!(ids(&on.db, "c").await, ["0001", "0002"]);
    let (_folder, path) = written("c.jsonl", "{\"_id\":\"a\"}");
    import().jsonl_file("c", &path).await.unwrap();
    assert_eq!(ids(&on.db, "c").await, ["0001", "0002", "a"]);
}

async fn upserted_documents_overwrite(on: &TestDb) {
    fill(on, "c", 2).await;
    // The last one of several wins.
    let lines = "{\"_id\":\"0002\",\"n\":7}\n{\"_id\":\"b\"}\n{\"_id\":\"0002\",\"n\":8}\n";
    let (_folder, path) = written("c.jsonl", lines);
    let import = Import::new(&on.db).mode(Mode::Upsert);
    let done = import.jsonl_file("c", &path).await.unwrap();
    assert_eq!(done.documents(), 3);
    assert_eq!(ids(&on.db, "c").await, ["0001", "0002", "b"]);
    let it = on.db.collection("c").get("0002").await.unwrap().unwrap();
    assert_eq!(it, json!({ "_id": "0002", "n": 8 }));
}

async fn replaced_documents_are_gone(on: &TestDb) {
    fill(on, "c", 2).await;
    let (_folder, path) = written("c.jsonl", "{\"_id\":\"0002\"}\n{\"_id\":\"b\"}\n");
    let import = || Import::new(&on.db).mode(Mode::Replace);
    import().jsonl_file("c", &path).await.unwrap();
    assert_eq!(ids(&on.db, "c").await, ["0002", "b"]);
    let (_folder, path) = written("c.jsonl", "{\"_id\":\"b\"}\n{\"_id\":\"b\"}\n");
    let error = import().jsonl_file("c", &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(error.to_string().contains("line 2"), "{error}");
    assert_eq!(ids(&on.db, "c").await, ["0002", "b"]);
}

async fn replacing_that_fails_half_way_keeps_the_old(on: &TestDb) {
    fill(on, "c", 3).await;
    let (_folder, path) = written("c.jsonl", broken());
    let import = Import::new(&on.db).mode(Mode::Replace);
    let error = import.jsonl_file("c", &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidDocument);
    assert!(
        error
            .to_string()
            .contains("c.jsonl, line 1101: it is not JSON"),
        "{error}"
    );
    assert_eq!(ids(&on.db, "c").await, ["0001", "0002", "0003"]);
    // The database is not held up by what was abandoned.
    on.db
        .collection("c")
        .insert(json!({ "_id": "x" }))
        .await
        .unwrap();
}

async fn what_was_committed_before_a_failure_stays(on: &TestDb) {
    let (_folder, path) = written("c.jsonl", broken());
    let import = Import::new(&on.db).jsonl_file("c", &path).await;
    assert_eq!(import.unwrap_err().kind(), ErrorKind::InvalidDocument);
    // Whole batches, from the first on.
    let there = ids(&on.db, "c").await;
    assert_eq!(there.len(), 1000);
    assert_eq!(there.last().unwrap(), "x0999");
}

async fn one_transaction_is_all_or_nothing(on: &TestDb) {
    let (_folder, path) = written("c.jsonl", broken());
    let import = Import::new(&on.db).in_one_transaction();
    let import = import.jsonl_file("c", &path).await;
    assert_eq!(import.unwrap_err().kind(), ErrorKind::InvalidDocument);
    assert!(ids(&on.db, "c").await.is_empty());
}

async fn an_import_in_a_transaction_is_refused(on: &TestDb) {
    super::ensure(on, "c").await;
    let (_folder, path) = written("c.jsonl", "{}");
    let import = on.db.transaction(async |_tx| {
        let done = Import::new(&on.db).jsonl_file("c", &path).await?;
        Ok::<_, den::Error>(done)
    });
    assert_eq!(import.await.unwrap_err().kind(), ErrorKind::Unsupported);
}
