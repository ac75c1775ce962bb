//! Documents that are marked as deleted: who sees them, and how they come back.

use den::{ErrorKind, prelude::*};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_deleted_document_is_hidden_from_every_query),
    case!(queries_may_ask_for_deleted_documents),
    case!(a_deleted_document_is_found_by_its_id),
    case!(a_delete_notes_when_by_whom_and_why),
    case!(a_delete_leaves_the_content_alone),
    case!(a_hard_delete_takes_the_document_away),
    case!(what_is_deleted_already_is_not_found),
    case!(a_stale_copy_never_brings_a_document_back),
    case!(a_copy_that_is_known_to_be_deleted_may_be_saved),
    case!(a_replace_keeps_the_mark),
    case!(a_deleted_document_gives_its_unique_values_free),
    case!(unique_with_deleted_counts_them_all),
    case!(a_delete_by_query_marks),
    case!(a_delete_by_query_respects_its_window),
    case!(deleted_documents_are_not_marked_again),
    case!(a_purge_by_age),
    case!(several_are_deleted_together_or_not_at_all),
    case!(without_the_mixin_these_modes_are_refused),
    case!(untyped_queries_see_everything),
    case!(the_filter_is_part_of_the_statement, except: [Memory]),
];

/// A document that is marked as deleted only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "tasks")]
pub(super) struct Task {
    #[serde(flatten)]
    pub(super) base: Base<Task>,
    #[serde(flatten)]
    pub(super) deletion: SoftDelete,
    #[den(unique)]
    pub(super) name: Option<String>,
    #[den(unique(with_deleted))]
    pub(super) number: Option<i64>,
    pub(super) n: i64,
}

/// The same with a revision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "sheets", revision)]
pub(super) struct Sheet {
    #[serde(flatten)]
    pub(super) base: Base<Sheet>,
    #[serde(flatten)]
    pub(super) deletion: SoftDelete,
    pub(super) text: String,
}

pub(super) fn task(name: &str) -> Task {
    Task {
        name: Some(name.to_owned()),
        ..Default::default()
    }
}

/// Stores `a`, `b` and `c` with `n` of 1 to 3, and marks `b` as deleted.
pub(super) async fn given(on: &TestDb) -> (&Db, [Task; 3]) {
    let db = on.with::<Task>().await;
    let mut all = ["a", "b", "c"].map(task);
    for (n, it) in (1..).zip(&mut all) {
        it.n = n;
        it.save(db).await.unwrap();
    }
    all[1].delete(db).await.unwrap();
    (db, all)
}

fn names(tasks: &[Task]) -> String {
    let names: Vec<&str> = tasks.iter().filter_map(|it| it.name.as_deref()).collect();
    names.join(" ")
}

pub(super) async fn found(query: QuerySet<Task>) -> String {
    names(&query.sort(Task::fields().n.asc()).all().await.unwrap())
}

async fn a_deleted_document_is_hidden_from_every_query(on: &TestDb) {
    let (db, all) = given(on).await;
    let t = Task::fields();
    let query = || Task::query(db).sort(t.n.asc());
    let of_b = || query().filter(t.name.eq("b"));
    assert_eq!(found(Task::query(db)).await, "a c");
    assert_eq!(query().count().await.unwrap(), 2);
    assert_eq!(of_b().count().await.unwrap(), 0);
    assert!(!of_b().exists().await.unwrap());
    assert_eq!(of_b().first().await.unwrap(), None);
    refused(of_b().one().await, ErrorKind::NotFound);
    let (rows, total) = query().limit(1).all_with_count().await.unwrap();
    assert_eq!((names(&rows).as_str(), total), ("a", 2));
    let page = query()
        .page(PageRequest::first(1).with_total())
        .await
        .unwrap();
    assert_eq!((names(&page.items).as_str(), page.total), ("a", Some(2)));
    let page = query().page(PageRequest::first(5).after(page.next.unwrap()));
    assert_eq!(names(&page.await.unwrap().items), "c");
    let streamed: Vec<Task> = query().stream().try_collect().await.unwrap();
    assert_eq!(names(&streamed), "a c");
    let raw: Vec<Vec<u8>> = query().json_stream().try_collect().await.unwrap();
    assert_eq!(raw.len(), 2);
    assert_eq!(query().values(t.n).await.unwrap(), [1, 3]);
    let ids = query().ids().await.unwrap();
    assert_eq!(ids, [all[0].id().clone(), all[2].id().clone()]);
    assert_eq!(of_b().delete().await.unwrap(), 0);
    let tx = db.begin().await.unwrap();
    let locked = Task::query(&tx).for_update(LockMode::Wait);
    assert_eq!(found(locked).await, "a c");
    let streamed: Vec<Task> = Task::query(&tx).stream().try_collect().await.unwrap();
    assert_eq!(streamed.len(), 2);
    tx.commit().await.unwrap();
    // The filter belongs to the whole of a condition, not to its last part.
    let either = Task::query(db).filter(t.n.eq(2) | t.n.eq(3));
    assert_eq!(found(either).await, "c");
    assert_eq!(found(Task::query(db).filter(!t.n.eq(1))).await, "c");
}

async fn queries_may_ask_for_deleted_documents(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let query = || Task::query(db);
    assert_eq!(found(query().with_deleted()).await, "a b c");
    assert_eq!(found(query().only_deleted()).await, "b");
    assert_eq!(query().with_deleted().count().await.unwrap(), 3);
    assert_eq!(query().only_deleted().count().await.unwrap(), 1);
    let first = all[1].deletion.deleted_at.unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2));
    all[2].delete(db).await.unwrap();
    let second = all[2].deletion.deleted_at.unwrap();
    assert!(first < second);
    assert_eq!(found(query().deleted_since(first)).await, "b c");
    assert_eq!(found(query().deleted_since(second)).await, "c");
    assert_eq!(found(query().deleted_before(second)).await, "b");
    assert_eq!(found(query().deleted_before(first)).await, "");
    let between = query().deleted_since(first).deleted_before(second);
    assert_eq!(found(between).await, "b");
    // What was noted can be asked for as well.
    let d = Task::fields().deletion;
    let by_hand = query().with_deleted().filter(d.deleted_at.ge(second));
    assert_eq!(found(by_hand).await, "c");
}

async fn a_deleted_document_is_found_by_its_id(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let id = all[1].id().clone();
    assert!(
        Task::get(db, &id)
            .await
            .unwrap()
            .unwrap()
            .deletion
            .is_deleted()
    );
    assert_eq!(Task::find(db, &id).await.unwrap(), all[1]);
    assert_eq!(
        names(&Task::get_many(db, all.iter().map(Task::id)).await.unwrap()),
        "a b c"
    );
    all[1].refresh(db).await.unwrap();
    assert!(all[1].deletion.is_deleted());
    let tx = db.begin().await.unwrap();
    assert!(
        tx.lock::<Task>(&id, LockMode::Wait)
            .await
            .unwrap()
            .is_some()
    );
    let mut other = Task::find(&tx, all[0].id()).await.unwrap();
    other.delete(&tx).await.unwrap();
    assert_eq!(found(Task::query(&tx)).await, "c");
    assert!(
        Task::find(&tx, other.id())
            .await
            .unwrap()
            .deletion
            .is_deleted()
    );
    tx.commit().await.unwrap();
}

async fn a_delete_notes_when_by_whom_and_why(on: &TestDb) {
    let (db, mut all) = given(on).await;
    assert_eq!(all[1].deletion.deleted_by, None);
    assert_eq!(all[1].deletion.delete_reason, None);
    let options = DeleteOptions::new().by("ada").because("spam");
    let earlier = Timestamp::now();
    all[0].delete_with(db, options).await.unwrap();
    let deletion = &all[0].deletion;
    assert!(deletion.deleted_at.unwrap() >= earlier);
    assert_eq!(deletion.deleted_by.as_deref(), Some("ada"));
    assert_eq!(deletion.delete_reason.as_deref(), Some("spam"));
    let stored = db
        .collection("tasks")
        .get(all[0].id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored["_deleted_by"], "ada");
    assert_eq!(stored["_delete_reason"], "spam");
    assert_eq!(Task::find(db, all[0].id()).await.unwrap(), all[0]);
    // What was said about an earlier delete is forgotten.
    all[0].restore(db).await.unwrap();
    all[0].delete(db).await.unwrap();
    assert_eq!(all[0].deletion.deleted_by, None);
    let stored = db
        .collection("tasks")
        .get(all[0].id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.get("_deleted_by"), None);
    let odd = DeleteOptions::new().hard().by("ada");
    all[0].delete_with(db, odd).await.unwrap();
    let nul = DeleteOptions::new().by("\0");
    refused(all[2].delete_with(db, nul).await, ErrorKind::InvalidQuery);
    assert!(!all[2].deletion.is_deleted());
}

async fn a_delete_leaves_the_content_alone(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let stored = Task::find(db, all[0].id()).await.unwrap();
    all[0].n = 77;
    all[0].delete(db).await.unwrap();
    let found = Task::find(db, all[0].id()).await.unwrap();
    assert_eq!(found.n, 1);
    assert_eq!(found.base, stored.base);
    assert_eq!(all[0].n, 77);
}

async fn a_hard_delete_takes_the_document_away(on: &TestDb) {
    let (db, mut all) = given(on).await;
    for it in &mut all {
        it.delete_with(db, DeleteOptions::new().hard())
            .await
            .unwrap();
        assert_eq!(Task::get(db, it.id()).await.unwrap(), None);
        let hard = DeleteOptions::new().hard();
        refused(it.delete_with(db, hard).await, ErrorKind::NotFound);
    }
    assert!(!all[0].deletion.is_deleted());
    assert_eq!(Task::query(db).with_deleted().count().await.unwrap(), 0);
}

async fn what_is_deleted_already_is_not_found(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let before = all[1].clone();
    let error = refused(all[1].delete(db).await, ErrorKind::NotFound);
    assert!(error.to_string().contains(".hard()"), "{error}");
    assert_eq!(error.id(), Some(all[1].id().as_str()));
    assert_eq!(all[1], before);
    let mut copy = all[0].clone();
    all[0].delete(db).await.unwrap();
    refused(copy.delete(db).await, ErrorKind::NotFound);
    assert!(!copy.deletion.is_deleted());
    assert_eq!(Task::find(db, copy.id()).await.unwrap(), all[0]);
    let mut never = task("never stored");
    refused(never.delete(db).await, ErrorKind::InvalidDocument);
    never.base.id = Id::new("nowhere");
    refused(never.delete(db).await, ErrorKind::NotFound);
    let mut sheet = Sheet::default();
    on.with::<Sheet>().await;
    sheet.base.id = Id::new("nowhere");
    refused(sheet.delete(db).await, ErrorKind::NotFound);
}

async fn a_stale_copy_never_brings_a_document_back(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let mut stale = all[0].clone();
    all[0].delete(db).await.unwrap();
    stale.n = 99;
    let before = stale.clone();
    let error = refused(stale.save(db).await, ErrorKind::NotFound);
    assert!(error.to_string().contains("marked as deleted"), "{error}");
    refused(stale.update(db).await, ErrorKind::NotFound);
    let mut several = [all[2].clone(), stale.clone()];
    several[0].n = 33;
    let error = refused(Task::save_all(db, &mut several).await, ErrorKind::NotFound);
    assert!(error.to_string().contains("document 2 of 2"), "{error}");
    refused(stale.insert(db).await, ErrorKind::Duplicate);
    assert_eq!(stale, before);
    assert_eq!(found(Task::query(db)).await, "c");
    assert_eq!(Task::find(db, stale.id()).await.unwrap(), all[0]);
    assert_eq!(Task::find(db, all[2].id()).await.unwrap().n, 3);
}

async fn a_copy_that_is_known_to_be_deleted_may_be_saved(on: &TestDb) {
    let (db, all) = given(on).await;
    let mut it = all[1].clone();
    it.n = 22;
    it.save(db).await.unwrap();
    let mut it = Task::find(db, it.id()).await.unwrap();
    assert_eq!((it.n, it.deletion.is_deleted()), (22, true));
    assert_eq!(found(Task::query(db)).await, "a c");
    it.n = 23;
    it.replace(db).await.unwrap();
    assert!(Task::find(db, it.id()).await.unwrap().deletion.is_deleted());
    it.deletion = SoftDelete::default();
    refused(it.save(db).await, ErrorKind::NotFound);
    let mut it = Task::find(db, it.id()).await.unwrap();
    it.deletion.deleted_at = None;
    it.save(db).await.unwrap();
    assert_eq!(found(Task::query(db)).await, "a c b");
    it.n = 24;
    it.save(db).await.unwrap();
    it.delete(db).await.unwrap();
    assert_eq!(found(Task::query(db)).await, "a c");
}

async fn a_replace_keeps_the_mark(on: &TestDb) {
    let (db, mut all) = given(on).await;
    // As a client sends it, who knows nothing of the mark.
    let mut fresh = all[0].clone();
    fresh.n = 10;
    all[0]
        .delete_with(db, DeleteOptions::new().by("ada"))
        .await
        .unwrap();
    let before = fresh.clone();
    let undone = db
        .transaction(async |tx| {
            fresh.replace(&tx).await?;
            assert_eq!(fresh.deletion, all[0].deletion);
            Err::<(), _>(Error::custom("no"))
        })
        .await;
    refused(undone, ErrorKind::Hook);
    fresh.deletion.settle();
    assert_eq!(fresh.deletion, before.deletion);
    fresh.replace(db).await.unwrap();
    assert_eq!(fresh.deletion, all[0].deletion);
    let stored = Task::find(db, fresh.id()).await.unwrap();
    assert_eq!((stored.n, &stored.deletion), (10, &all[0].deletion));
    // A client cannot mark a document by replacing it, either.
    let mut live = all[2].clone();
    live.deletion = all[0].deletion.clone();
    live.replace(db).await.unwrap();
    assert!(!live.deletion.is_deleted());
    let live = Task::find(db, live.id()).await.unwrap();
    assert!(!live.deletion.is_deleted());
}

async fn a_deleted_document_gives_its_unique_values_free(on: &TestDb) {
    let (db, _) = given(on).await;
    let mut second = task("b");
    second.save(db).await.unwrap();
    second.delete(db).await.unwrap();
    let mut third = task("b");
    third.save(db).await.unwrap();
    assert_eq!(Task::query(db).only_deleted().count().await.unwrap(), 2);
    refused(task("b").save(db).await, ErrorKind::Duplicate);
    let mut other = task("other");
    other.save(db).await.unwrap();
    other.name = Some("b".into());
    refused(other.save(db).await, ErrorKind::Duplicate);
}

async fn unique_with_deleted_counts_them_all(on: &TestDb) {
    let (db, _) = given(on).await;
    let numbered = || Task {
        number: Some(7),
        ..Default::default()
    };
    let mut it = numbered();
    it.save(db).await.unwrap();
    it.delete(db).await.unwrap();
    refused(numbered().save(db).await, ErrorKind::Duplicate);
    it.delete_with(db, DeleteOptions::new().hard())
        .await
        .unwrap();
    numbered().save(db).await.unwrap();
}

async fn a_delete_by_query_marks(on: &TestDb) {
    let (db, all) = given(on).await;
    let t = Task::fields();
    assert_eq!(Task::query(db).filter(t.n.ge(2)).delete().await.unwrap(), 1);
    assert_eq!(found(Task::query(db)).await, "a");
    let it = Task::find(db, all[2].id()).await.unwrap();
    assert!(it.deletion.is_deleted());
    assert_eq!(it.base, all[2].base);
    refused(Task::query(db).delete().await, ErrorKind::InvalidQuery);
    let options = DeleteOptions::new().by("cleaner").because("old");
    let marked = Task::query(db)
        .all_rows()
        .delete_with(options)
        .await
        .unwrap();
    assert_eq!(marked, 1);
    let it = Task::find(db, all[0].id()).await.unwrap();
    assert_eq!(it.deletion.deleted_by.as_deref(), Some("cleaner"));
    assert_eq!(it.deletion.delete_reason.as_deref(), Some("old"));
    let hard = || DeleteOptions::new().hard();
    let everything = Task::query(db).all_rows();
    assert_eq!(everything.clone().delete_with(hard()).await.unwrap(), 0);
    let deleted = everything.clone().only_deleted().limit(2);
    assert_eq!(deleted.delete_with(hard()).await.unwrap(), 2);
    let rest = everything.clone().with_deleted();
    assert_eq!(rest.delete_with(hard()).await.unwrap(), 1);
    assert_eq!(everything.with_deleted().count().await.unwrap(), 0);
}

async fn a_delete_by_query_respects_its_window(on: &TestDb) {
    let db = on.with::<Task>().await;
    let mut all: Vec<Task> = (1..=9)
        .map(|n| Task {
            n,
            ..task(&format!("t{n}"))
        })
        .collect();
    Task::insert_many(db, &mut all).await.unwrap();
    let t = Task::fields();
    let query = Task::query(db).all_rows().sort(t.n.desc());
    assert_eq!(query.skip(1).limit(3).delete().await.unwrap(), 3);
    assert_eq!(found(Task::query(db)).await, "t1 t2 t3 t4 t5 t9");
    let query = Task::query(db).filter(t.n.lt(3)).limit(1);
    assert_eq!(query.delete().await.unwrap(), 1);
    assert_eq!(found(Task::query(db)).await, "t2 t3 t4 t5 t9");
}

async fn deleted_documents_are_not_marked_again(on: &TestDb) {
    let (db, all) = given(on).await;
    let query = || Task::query(db).all_rows();
    let error = refused(
        query().only_deleted().delete().await,
        ErrorKind::InvalidQuery,
    );
    assert!(error.to_string().contains(".hard()"), "{error}");
    assert_eq!(query().with_deleted().delete().await.unwrap(), 2);
    let it = Task::find(db, all[1].id()).await.unwrap();
    assert_eq!(it.deletion, all[1].deletion);
}

async fn a_purge_by_age(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let first = all[1].deletion.deleted_at.unwrap();
    all[2].delete(db).await.unwrap();
    assert_eq!(
        Task::query(db).purge_deleted_before(first).await.unwrap(),
        0
    );
    let later = first + std::time::Duration::from_micros(1);
    let purged = Task::query(db).purge_deleted_before(later).await.unwrap();
    assert_eq!(purged, 1);
    assert_eq!(Task::get(db, all[1].id()).await.unwrap(), None);
    assert_eq!(found(Task::query(db).with_deleted()).await, "a c");
    let future = Timestamp::now() + std::time::Duration::from_secs(3600);
    let others = Task::query(db).filter(Task::fields().n.eq(1));
    assert_eq!(others.purge_deleted_before(future).await.unwrap(), 0);
    assert_eq!(
        Task::query(db).purge_deleted_before(future).await.unwrap(),
        1
    );
    assert_eq!(found(Task::query(db).with_deleted()).await, "a");
}

async fn several_are_deleted_together_or_not_at_all(on: &TestDb) {
    let (db, mut all) = given(on).await;
    let before = all.clone();
    let error = refused(Task::delete_all(db, &mut all).await, ErrorKind::NotFound);
    assert!(error.to_string().contains("document 2 of 3"), "{error}");
    assert_eq!(all, before);
    assert!(all[0].deletion.deleted_at.is_none());
    assert_eq!(found(Task::query(db)).await, "a c");
    let mut two = [all[0].clone(), all[2].clone()];
    let options = DeleteOptions::new().by("ada");
    Task::delete_all_with(db, &mut two, options).await.unwrap();
    for it in &two {
        assert_eq!(it.deletion.deleted_by.as_deref(), Some("ada"));
        assert_eq!(Task::find(db, it.id()).await.unwrap(), *it);
    }
    let hard = DeleteOptions::new().hard();
    Task::delete_all_with(db, &mut all, hard).await.unwrap();
    assert_eq!(Task::query(db).with_deleted().count().await.unwrap(), 0);
}

async fn without_the_mixin_these_modes_are_refused(on: &TestDb) {
    let db = on.with::<Item>().await;
    let now = Timestamp::now();
    let query = || Item::query(db).all_rows();
    for query in [
        query().with_deleted(),
        query().only_deleted(),
        query().deleted_since(now),
        query().deleted_before(now),
    ] {
        let error = refused(query.clone().all().await, ErrorKind::InvalidQuery);
        assert!(error.to_string().contains("SoftDelete"), "{error}");
        refused(query.clone().count().await, ErrorKind::InvalidQuery);
        refused(query.delete().await, ErrorKind::InvalidQuery);
    }
    refused(query().restore().await, ErrorKind::InvalidQuery);
    let purge = query().purge_deleted_before(now);
    refused(purge.await, ErrorKind::InvalidQuery);
}

async fn untyped_queries_see_everything(on: &TestDb) {
    let (db, all) = given(on).await;
    let tasks = db.collection("tasks");
    assert_eq!(tasks.query().count().await.unwrap(), 3);
    let deleted: Vec<Json> = tasks
        .query()
        .filter(!field("_deleted_at").is_null())
        .all()
        .await
        .unwrap();
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0]["_id"], json!(all[1].id()));
    let one = tasks.query().filter(field("n").eq(2));
    assert_eq!(one.delete().await.unwrap(), 1);
    assert_eq!(Task::get(db, all[1].id()).await.unwrap(), None);
}

async fn the_filter_is_part_of_the_statement(on: &TestDb) {
    let (db, _) = given(on).await;
    let says_so = async |query: QuerySet<Task>| {
        let sent = query.clone().to_sql().await.unwrap();
        let planned = query.explain().await.unwrap();
        assert_eq!(planned.statement, sent.statement);
        let bound = sent.parameters.concat();
        sent.statement.contains("_deleted_at") || bound.contains("_deleted_at")
    };
    assert!(says_so(Task::query(db)).await);
    assert!(says_so(Task::query(db).filter(Task::fields().n.eq(1))).await);
    assert!(says_so(Task::query(db).only_deleted()).await);
    assert!(!says_so(Task::query(db).with_deleted()).await);
}
