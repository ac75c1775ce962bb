//! What a user's reading of expressions, updates and raw statements found, so that it stays mended.

pub(super) mod patches;
pub(super) mod statements;

use den::{
    BulkMode::{Overwrite, OverwriteIfRevision},
    Error, Isolation, Json,
    Outcome::{Inserted, Skipped, Updated},
    Refusal::{Exists, Missing},
    prelude::*,
};
use den_test_harness::{Case, TestDb};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const CASES: &[Case] = &[
    case!(a_distinct_delete_takes_one_of_each_group),
    case!(what_cannot_be_read_is_not_taken),
    case!(a_claim_goes_on_without_the_bad_one),
    case!(an_update_that_returns_is_taken_back_with_its_answer),
    case!(overwriting_brings_nothing_back),
    case!(a_new_copy_takes_the_place_of_a_marked_one),
    case!(without_a_revision_only_what_is_new_fits),
    case!(a_hooked_upsert_in_a_snapshot_can_be_tried_again, only: [Postgres, PostgresIcu]),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "jobs")]
struct Job {
    #[serde(flatten)]
    base: Base<Job>,
    state: String,
    priority: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "hooked_jobs", revision, hooks)]
struct HookedJob {
    #[serde(flatten)]
    base: Base<HookedJob>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[den(unique)]
    name: Option<String>,
    group: i64,
}

impl Hooks for HookedJob {}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "plain_jobs", revision)]
struct PlainJob {
    #[serde(flatten)]
    base: Base<PlainJob>,
    #[serde(flatten)]
    deletion: SoftDelete,
    name: Option<String>,
}

fn refused<T: std::fmt::Debug>(outcome: den::Result<T>, kind: ErrorKind) -> Error {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error
}

async fn a_distinct_delete_takes_one_of_each_group(on: &TestDb) {
    let db = on.with::<HookedJob>().await;
    let mut jobs: Vec<HookedJob> = (0..900)
        .map(|n| HookedJob {
            group: n / 3,
            ..HookedJob::default()
        })
        .collect();
    HookedJob::insert_many(db, &mut jobs).await.unwrap();
    let j = HookedJob::fields();
    let firsts = || HookedJob::query(db).distinct_by(j.group).all_rows();
    assert_eq!(firsts().delete().await.unwrap(), 300);
    assert_eq!(HookedJob::query(db).count().await.unwrap(), 600);
    assert_eq!(firsts().ids().await.unwrap().len(), 300);
}

/// Three jobs, of which the second does not read.
async fn given_a_bad_job(on: &TestDb) -> &Db {
    let db = on.with::<Job>().await;
    for priority in [3, 1] {
        let mut job = Job {
            state: "ready".to_owned(),
            priority,
            ..Job::default()
        };
        job.insert(db).await.unwrap();
    }
    let now = Timestamp::now();
    let bad = json!({
        "_id": "bad", "state": "ready", "priority": 2, "_created_at": "?", "_updated_at": now,
    });
    on.plant("jobs", "bad", &bad).await;
    db
}

async fn states(db: &Db) -> Vec<Json> {
    let jobs = db.collection("jobs").query().sort(field("priority").asc());
    let jobs = jobs.all().await.unwrap();
    jobs.into_iter().map(|it| it["state"].clone()).collect()
}

async fn what_cannot_be_read_is_not_taken(on: &TestDb) {
    let db = given_a_bad_job(on).await;
    let j = Job::fields();
    let ready = || {
        let jobs = Job::query(db).filter(j.state.eq("ready"));
        jobs.sort(j.priority.desc())
    };
    let error = refused(
        ready().claim(3).set(j.state, "running").await,
        ErrorKind::Corrupt,
    );
    assert_eq!(
        (error.collection(), error.id()),
        (Some("jobs"), Some("bad"))
    );
    assert_eq!(states(db).await, ["ready", "ready", "ready"]);
    // In a transaction too, which goes on.
    let tx = db.begin().await.unwrap();
    let jobs = Job::query(&tx).filter(j.state.eq("ready"));
    refused(
        jobs.claim(3).set(j.state, "running").await,
        ErrorKind::Corrupt,
    );
    let first = Job::query(&tx).filter(j.priority.eq(3));
    assert_eq!(first.claim(3).set(j.state, "done").await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    assert_eq!(states(db).await, ["ready", "ready", "done"]);
}

async fn a_claim_goes_on_without_the_bad_one(on: &TestDb) {
    let db = given_a_bad_job(on).await;
    let j = Job::fields();
    let claim = || Job::query(db).filter(j.state.eq("ready")).claim(3);
    let error = claim().set(j.state, "running").await.unwrap_err();
    // As the chapter on patches says.
    let bad = db
        .collection("jobs")
        .query()
        .filter(field("_id").eq(error.id().unwrap()));
    let aside = bad.update().with_unknown_fields();
    assert_eq!(aside.set(field("state"), "unreadable").await.unwrap(), 1);
    assert_eq!(claim().set(j.state, "running").await.unwrap().len(), 2);
}

async fn an_update_that_returns_is_taken_back_with_its_answer(on: &TestDb) {
    let db = given_a_bad_job(on).await;
    let j = Job::fields();
    let every = || Job::query(db).all_rows().update().set(j.state, "x");
    refused(every().returning().await, ErrorKind::Corrupt);
    refused(every().returning_old().await, ErrorKind::Corrupt);
    let one = Job::update_by_id(db, "bad").set(j.state, "x");
    refused(one.returning().await, ErrorKind::Corrupt);
    assert_eq!(states(db).await, ["ready", "ready", "ready"]);
    // What does not come back is not read.
    assert_eq!(every().await.unwrap(), 3);
}

macro_rules! overwrites {
    ($type:ty, $db:expr) => {{
        let mut gone = <$type>::default();
        let mut marked = <$type>::default();
        let mut there = <$type>::default();
        for it in [&mut gone, &mut marked, &mut there] {
            it.insert($db).await.unwrap();
        }
        let mut all = vec![gone.clone(), marked.clone(), there.clone()];
        gone.delete_with($db, DeleteOptions::new().hard())
            .await
            .unwrap();
        marked.delete($db).await.unwrap();
        there.save($db).await.unwrap();
        for it in &mut all {
            it.name = Some(it.id().to_string());
        }
        let outcomes = <$type>::save_all_with($db, &mut all, Overwrite).await;
        let expected = [Skipped(Missing), Skipped(Missing), Updated];
        assert_eq!(outcomes.unwrap(), expected, "{}", stringify!($type));
        let stored = <$type>::query($db).with_deleted().all().await.unwrap();
        assert_eq!(stored.len(), 2);
        let stored = stored.iter().find(|it| it.id() == marked.id()).unwrap();
        assert!(stored.deletion.is_deleted() && stored.name.is_none());
        // A copy of a marked one stays one.
        marked.name = Some("marked".to_owned());
        let mut again = [marked];
        let outcomes = <$type>::save_all_with($db, &mut again, Overwrite).await;
        assert_eq!(outcomes.unwrap(), [Updated]);
        assert_eq!(<$type>::query($db).only_deleted().count().await.unwrap(), 1);
    }};
}

async fn overwriting_brings_nothing_back(on: &TestDb) {
    let db = on.with::<(PlainJob, HookedJob)>().await;
    overwrites!(PlainJob, db);
    overwrites!(HookedJob, db);
}

macro_rules! takes_the_place {
    ($type:ty, $db:expr) => {{
        let mut it = <$type>::default();
        it.insert($db).await.unwrap();
        let id = it.id().clone();
        it.delete($db).await.unwrap();
        let mut new = <$type>::default();
        new.base.id = id;
        let outcomes = <$type>::upsert_many($db, std::slice::from_mut(&mut new)).await;
        assert_eq!(outcomes.unwrap(), [Updated]);
        assert_eq!(<$type>::query($db).count().await.unwrap(), 1);
    }};
}

async fn a_new_copy_takes_the_place_of_a_marked_one(on: &TestDb) {
    let db = on.with::<(PlainJob, HookedJob)>().await;
    takes_the_place!(PlainJob, db);
    takes_the_place!(HookedJob, db);
}

macro_rules! without_a_revision {
    ($type:ty, $db:expr) => {{
        let mut stored = <$type>::default();
        stored.base.id = Id::new("a");
        stored.insert($db).await.unwrap();
        let mut new = [<$type>::default(), <$type>::default()];
        new[0].base.id = Id::new("a");
        new[1].base.id = Id::new("b");
        let outcomes = <$type>::insert_many_with($db, &mut new, OverwriteIfRevision).await;
        let expected = [Skipped(Exists), Inserted];
        assert_eq!(outcomes.unwrap(), expected, "{}", stringify!($type));
    }};
}

async fn without_a_revision_only_what_is_new_fits(on: &TestDb) {
    let db = on.with::<(PlainJob, HookedJob)>().await;
    without_a_revision!(PlainJob, db);
    without_a_revision!(HookedJob, db);
}

async fn a_hooked_upsert_in_a_snapshot_can_be_tried_again(on: &TestDb) {
    let db = on.with::<HookedJob>().await;
    let job = || HookedJob {
        name: Some("a".to_owned()),
        ..HookedJob::default()
    };
    let options = TxOptions::new().isolation(Isolation::RepeatableRead);
    let tx = db.begin_with(options).await.unwrap();
    assert_eq!(HookedJob::query(&tx).count().await.unwrap(), 0);
    job().insert(db).await.unwrap();
    let j = HookedJob::fields();
    let upsert = HookedJob::upsert(&tx, job()).on(j.name);
    let outcome = upsert.update(|u, _| u.set(j.group, 1)).await;
    let error = refused(outcome, ErrorKind::Serialization);
    assert!(error.is_retryable());
    let found = HookedJob::get_or_create(&tx, job()).on(j.name).await;
    assert!(refused(found, ErrorKind::Serialization).is_retryable());
    tx.rollback().await.unwrap();
}
