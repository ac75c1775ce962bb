//! The database of the sweeps, and what one attempt leaves behind.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use den::{
    Json, LockMode, Result,
    prelude::*,
    testing::{Method, Recorder},
};
use den_backend::{Expectation, OnRefusal, Put, Query};
use futures_util::TryStreamExt as _;

use super::{
    cast::{All, Author, Book, COLLECTIONS, Cast, DONE, Note},
    operations::Operation,
};
use crate::{api::linked::recorded, harness::TestDb};

/// What is stored: collection, id, document.
pub(super) type Stored = Vec<(&'static str, String, Json)>;

pub(super) struct Scene<'a> {
    on: &'a TestDb,
    pub(super) db: Db,
    pub(super) recorder: Recorder,
    /// What each attempt begins with.
    pub(super) given: Stored,
}

/// What an operation does where nothing goes wrong.
pub(super) struct Success {
    /// What is stored then, but for generated ids, times and revisions.
    pub(super) stored: Vec<String>,
    /// What ran after the commit.
    pub(super) done: Vec<String>,
    /// How many calls it makes of the database.
    pub(super) calls: u64,
    /// Whether it can take back what it wrote in a transaction of the caller.
    pub(super) has_savepoint: bool,
}

/// One attempt: its documents, and what ran after its commits.
pub(super) struct Attempt {
    pub(super) cast: Cast,
    /// What was known of the documents before the call.
    pub(super) literally: Vec<Json>,
    pub(super) seen: Vec<Json>,
    done: Arc<Mutex<Vec<String>>>,
}

impl<'a> Scene<'a> {
    pub(super) async fn new(on: &'a TestDb) -> Self {
        let (db, recorder) = recorded::<All>(on).await;
        let done = Arc::default();
        DONE.scope(done, Cast::store(&db)).await.unwrap();
        let mut scene = Self {
            on,
            db,
            recorder,
            given: Vec::new(),
        };
        scene.given = scene.stored().await;
        scene
    }

    /// All that is stored.
    pub(super) async fn stored(&self) -> Stored {
        let mut stored = Stored::new();
        for name in COLLECTIONS {
            let rows = self.on.backend.query(&Query::new(name)).await.unwrap();
            let rows: Vec<_> = rows.try_collect().await.unwrap();
            for it in rows {
                stored.push((name, it.id, serde_json::from_slice(&it.body).unwrap()));
            }
        }
        stored
    }

    /// The same through a transaction.
    pub(super) async fn stored_in(&self, tx: &Tx) -> Stored {
        let mut stored = Stored::new();
        for name in COLLECTIONS {
            for it in tx.collection(name).query().all().await.unwrap() {
                stored.push((name, it["_id"].as_str().unwrap().to_owned(), it));
            }
        }
        stored
    }

    /// Begins an attempt: the database as given, documents loaded and changed.
    pub(super) async fn attempt(&self, operation: &Operation) -> Attempt {
        // One commit is faster than ten.
        let tx = self
            .on
            .backend
            .begin(den_backend::TxOptions::default())
            .await
            .unwrap();
        for name in COLLECTIONS {
            tx.delete_matching(&Query::new(name)).await.unwrap();
            let these = self.given.iter().filter(|it| it.0 == name);
            let bodies: Vec<(&str, Vec<u8>)> = these
                .map(|it| (it.1.as_str(), serde_json::to_vec(&it.2).unwrap()))
                .collect();
            let puts: Vec<Put<'_>> = bodies
                .iter()
                .map(|(id, body)| Put {
                    id,
                    body,
                    expect: Expectation::Absent,
                })
                .collect();
            tx.put_many(name, &puts, OnRefusal::Abort).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut cast = Cast::load(&self.db).await.unwrap();
        (operation.prepare)(&mut cast);
        self.recorder.clear();
        Attempt {
            literally: cast.view(true),
            seen: cast.view(false),
            cast,
            done: Arc::default(),
        }
    }

    /// Runs the operation where nothing goes wrong.
    pub(super) async fn success(&self, operation: &Operation, in_transaction: bool) -> Success {
        let mut attempt = self.attempt(operation).await;
        let seen = self.recorder.calls_seen();
        let mut calls = 0;
        let outcome = if in_transaction {
            let tx = self.db.begin().await.unwrap();
            let before = self.recorder.calls_seen();
            let outcome = attempt.run(operation, &tx).await;
            calls = self.recorder.calls_seen() - before;
            attempt.during(tx.commit()).await.unwrap();
            outcome
        } else {
            attempt.run(operation, &self.db).await
        };
        outcome.unwrap_or_else(|why| panic!("{}: {why:?}", operation.name));
        if !in_transaction {
            calls = self.recorder.calls_seen() - seen;
        }
        let stored = self.stored().await;
        assert_ne!(stored, self.given, "{} does nothing", operation.name);
        Success {
            stored: self.comparable(&stored),
            done: attempt.done(),
            calls,
            has_savepoint: self.recorder.count(Method::Savepoint) > 0,
        }
    }

    /// What is stored, without what differs from one time to the next.
    pub(super) fn comparable(&self, stored: &Stored) -> Vec<String> {
        let known: BTreeSet<&str> = self.given.iter().map(|it| it.1.as_str()).collect();
        let news: Vec<(&str, &str)> = stored
            .iter()
            .filter(|it| !known.contains(it.1.as_str()))
            .map(|it| (it.1.as_str(), it.0))
            .collect();
        let mut texts: Vec<String> = stored
            .iter()
            .map(|(name, _, document)| {
                let mut document = document.clone();
                let fields = document.as_object_mut().unwrap();
                for own in ["_created_at", "_updated_at", "_rev"] {
                    fields.remove(own);
                }
                if let Some(at) = fields.get_mut("_deleted_at") {
                    *at = true.into();
                }
                let mut text = format!("{name} {document}");
                for (id, name) in &news {
                    text = text.replace(id, &format!("new of {name}"));
                }
                text
            })
            .collect();
        texts.sort_unstable();
        texts
    }

    /// Waits until nothing is held any more: no connection, no lock.
    pub(super) async fn settle(&self, what: &str) {
        let idle = async {
            loop {
                let stats = self.db.stats();
                if stats.idle == stats.connections && stats.waiting == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            self.db
                .transaction(async |tx| {
                    for id in ["ada", "bob"] {
                        tx.lock::<Author>(id, LockMode::Wait).await?;
                    }
                    for id in ["one", "two"] {
                        tx.lock::<Book>(id, LockMode::Wait).await?;
                    }
                    for id in ["n1", "n2", "n3"] {
                        tx.lock::<Note>(id, LockMode::Wait).await?;
                    }
                    Ok::<(), Error>(())
                })
                .await
        };
        match tokio::time::timeout(Duration::from_secs(20), idle).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("{what}: the database does not work any more: {error:?}"),
            Err(_) => panic!("{what}: something is still held: {:?}", self.db.stats()),
        }
    }
}

/// Makes sure that the same is stored.
#[track_caller]
pub(super) fn assert_same(stored: &Stored, expected: &Stored, what: &str) {
    let only = |these: &Stored, others: &Stored| -> Vec<String> {
        let only = these.iter().filter(|it| !others.contains(it));
        only.map(|(name, _, it)| format!("{name} {it}")).collect()
    };
    let (more, less) = (only(stored, expected), only(expected, stored));
    assert!(
        more.is_empty() && less.is_empty(),
        "{what}: {more:#?} instead of {less:#?}"
    );
}

impl Attempt {
    /// Runs the operation.
    pub(super) async fn run(&mut self, operation: &Operation, on: &dyn Executor) -> Result<()> {
        let done = Arc::clone(&self.done);
        DONE.scope(done, (operation.call)(on, &mut self.cast)).await
    }

    /// Runs something where after-commit work may run.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        DONE.scope(Arc::clone(&self.done), work).await
    }

    /// What ran after commits, so far.
    pub(super) fn done(&self) -> Vec<String> {
        self.done.lock().unwrap().clone()
    }

    /// Makes sure that the documents are as they were before the call.
    pub(super) fn check_unchanged(&self, literal: bool, what: &str) {
        let (before, now) = match literal {
            true => (&self.literally, self.cast.view(true)),
            false => (&self.seen, self.cast.view(false)),
        };
        for (before, now) in before.iter().zip(&now) {
            assert_eq!(before, now, "{what}: changed in memory");
        }
    }

    /// The same after a cancellation, where a generated id is kept.
    pub(super) fn check_unchanged_but_ids(&self, what: &str) {
        let (mut before, mut now) = (self.seen.clone(), self.cast.view(false));
        // The documents that are new.
        for all in [&mut before, &mut now] {
            for at in [2, 4] {
                all[at][0]["id"] = Json::Null;
                all[at][0]["document"]["_id"] = Json::Null;
            }
        }
        assert_eq!(before, now, "{what}: changed in memory");
    }

    /// Makes sure that what den itself fills in is as it was before the call, after the caller's
    /// transaction was rolled back: what hooks changed beside stays.
    pub(super) fn check_own_unchanged(&self, what: &str) {
        let own = |all: &[Json]| -> Vec<Json> {
            let own = all.iter().map(|it| {
                let mut view = it[0].clone();
                if let Some(fields) = view["document"].as_object_mut() {
                    fields.retain(|name, _| name.starts_with('_'));
                }
                view["is changed"] = Json::Null;
                view
            });
            own.collect()
        };
        assert_eq!(own(&self.seen), own(&self.cast.view(false)), "{what}");
    }

    /// Gives fields back what they were where hooks have changed them.
    pub(super) fn forget_what_hooks_changed(&mut self) {
        let Cast {
            author,
            learner,
            new,
            book,
            new_book,
            ..
        } = &mut self.cast;
        for it in [author, learner, new] {
            it.slug = it.slug.trim_end_matches('!').to_owned();
            it.name = it.name.trim_end_matches(" (late)").to_owned();
        }
        for it in [book, new_book] {
            it.slug = it.slug.trim_end_matches('!').to_owned();
            it.name = it.name.trim_end_matches(" (late)").to_owned();
        }
    }
}
