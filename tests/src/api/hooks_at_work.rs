//! What hooks may do: work for after the commit, writes of their own, and after a read.

use std::{sync::Arc, time::Duration};

use den::{Error, ErrorKind, prelude::*};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::{
    hooked::*,
    hooks::Article,
    support::{count, refused},
};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(after_commit_runs_once_after_the_commit),
    case!(after_commit_does_not_run_after_a_rollback),
    case!(a_write_through_the_database_in_a_hook_is_refused),
    case!(after_commit_of_a_savepoint_waits_for_the_whole),
    case!(in_a_transaction_of_the_caller_it_is_refused_too),
    case!(two_writes_at_once_in_a_transaction_do_not_mix),
    case!(a_hook_may_write_documents_of_its_own_type),
    case!(one_connection_is_enough),
    case!(every_read_runs_after_load),
    case!(a_stream_runs_after_load_in_chunks),
    case!(an_error_in_after_load_is_the_answer),
];

/// A document whose hook registers work for after the commit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "mails", hooks)]
struct Mail {
    #[serde(flatten)]
    base: Base<Mail>,
    fails: bool,
}

impl Hooks for Mail {
    async fn after_save(&mut self, cx: &HookContext) -> den::Result<()> {
        let log = RAN.with(Arc::clone);
        let db = cx.db().clone();
        cx.after_commit(move || async move {
            // It is committed, and the database may be written.
            let mut entry = Entry {
                what: count::<Mail>(&db).await.to_string(),
                ..Default::default()
            };
            entry.save(&db).await.unwrap();
            log.lock().unwrap().push("sent");
        })?;
        match self.fails {
            true => Err(Error::custom("no")),
            false => Ok(()),
        }
    }

    async fn after_load(&mut self, cx: &HookContext) -> den::Result<()> {
        if cx.tx().is_none() {
            refused(cx.after_commit(|| async {}), ErrorKind::InvalidQuery);
        }
        Ok(())
    }
}

async fn after_commit_runs_once_after_the_commit(on: &TestDb) {
    let db = on.with::<(Mail, Entry)>().await;
    let (names, mut mail) = ran(async {
        let mut mail = Mail::default();
        mail.save(db).await.unwrap();
        mail
    })
    .await;
    assert_eq!(names, "sent");
    assert_eq!(Entry::query(db).one().await.unwrap().what, "1");
    let (names, ()) = ran(async {
        let tx = db.begin().await.unwrap();
        mail.save(&tx).await.unwrap();
        Mail::default().save(&tx).await.unwrap();
        assert_eq!(RAN.with(|it| it.lock().unwrap().len()), 0);
        tx.commit().await.unwrap();
    })
    .await;
    assert_eq!(names, "sent sent");
    assert_eq!(Mail::query(db).all().await.unwrap().len(), 2);
}

async fn after_commit_does_not_run_after_a_rollback(on: &TestDb) {
    let db = on.with::<(Mail, Entry)>().await;
    let failing = || Mail {
        fails: true,
        ..Default::default()
    };
    let (names, ()) = ran(async {
        refused(failing().save(db).await, ErrorKind::Hook);
        let tx = db.begin().await.unwrap();
        refused(failing().save(&tx).await, ErrorKind::Hook);
        tx.commit().await.unwrap();
        let tx = db.begin().await.unwrap();
        Mail::default().save(&tx).await.unwrap();
        tx.rollback().await.unwrap();
    })
    .await;
    assert_eq!(names, "");
    assert_eq!((count::<Mail>(db).await, count::<Entry>(db).await), (0, 0));
}

async fn a_write_through_the_database_in_a_hook_is_refused(on: &TestDb) {
    let db = on.with::<Article>().await;
    let mut it = Article {
        title: "through the database".into(),
        ..Default::default()
    };
    let error = refused(it.save(db).await, ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("pass the transaction"),
        "{error}"
    );
    assert_eq!(count::<Article>(db).await, 0);
}

async fn a_hook_may_write_documents_of_its_own_type(on: &TestDb) {
    let db = on.with::<Article>().await;
    let mut it = Article {
        title: "then then then the end".into(),
        ..Default::default()
    };
    it.save(db).await.unwrap();
    assert_eq!(count::<Article>(db).await, 4);
    // The last one of the chain is refused.
    it = Article {
        title: "then then ".into(),
        ..Default::default()
    };
    refused(it.save(db).await, ErrorKind::Validation);
    assert_eq!(count::<Article>(db).await, 4);
}

async fn every_read_runs_after_load(on: &TestDb) {
    let db = given(on).await;
    let mut it = post("a");
    it.save(db).await.unwrap();
    let id = it.id().clone();
    let query = || Post::query(db);
    assert!(Post::get(db, &id).await.unwrap().unwrap().is_loaded);
    assert!(Post::find(db, &id).await.unwrap().is_loaded);
    assert!(Post::get_many(db, [&id]).await.unwrap()[0].is_loaded);
    assert!(query().all().await.unwrap()[0].is_loaded);
    assert!(query().await.unwrap()[0].is_loaded);
    assert!(query().first().await.unwrap().unwrap().is_loaded);
    assert!(query().one().await.unwrap().is_loaded);
    assert!(query().all_with_count().await.unwrap().0[0].is_loaded);
    let page = query().page(PageRequest::first(5)).await.unwrap();
    assert!(page.items[0].is_loaded);
    let streamed: Vec<Post> = query().stream().try_collect().await.unwrap();
    assert!(streamed[0].is_loaded);
    assert!(!it.is_loaded);
    let (names, outcome) = ran(it.refresh(db)).await;
    outcome.unwrap();
    assert_eq!(names, "after_load");
    assert!(it.is_loaded);
    let tx = db.begin().await.unwrap();
    let locked = tx.lock::<Post>(&id, LockMode::Wait).await.unwrap().unwrap();
    assert!(locked.is_loaded);
    assert!(Post::query(&tx).one().await.unwrap().is_loaded);
    tx.commit().await.unwrap();
}

async fn a_stream_runs_after_load_in_chunks(on: &TestDb) {
    let db = given(on).await;
    numbered(db, 600).await;
    let p = Post::fields();
    let query = Post::query(db).sort(p.n.desc()).skip(10).limit(550);
    let mut stream = query.stream();
    let mut expected = (40..590).rev();
    while let Some(it) = stream.try_next().await.unwrap() {
        assert!(it.is_loaded);
        assert_eq!(Some(it.n), expected.next());
        if it.n % 100 == 0 {
            // The stream holds no connection.
            it.clone().delete(db).await.unwrap();
        }
    }
    assert_eq!(expected.next(), None);
    on.plant("posts", "0", &serde_json::json!({"_id": "0", "title": 7}))
        .await;
    let mut stream = Post::query(db).stream();
    let (mut good, mut bad) = (0, 0);
    loop {
        match stream.try_next().await {
            Ok(Some(_)) => good += 1,
            Ok(None) => break,
            Err(error) => {
                assert_eq!((error.kind(), error.id()), (ErrorKind::Corrupt, Some("0")));
                bad += 1;
            }
        }
    }
    assert_eq!((good, bad), (595, 1));
}

async fn an_error_in_after_load_is_the_answer(on: &TestDb) {
    let db = given(on).await;
    let mut it = post("a");
    it.fail_at = Some("after_load".into());
    it.save(db).await.unwrap();
    refused(Post::get(db, it.id()).await, ErrorKind::Hook);
    refused(Post::query(db).all().await, ErrorKind::Hook);
    let mut stream = Post::query(db).stream();
    refused(stream.try_next().await, ErrorKind::Hook);
    assert!(stream.try_next().await.unwrap().is_none());
    let before = it.clone();
    refused(it.refresh(db).await, ErrorKind::Hook);
    assert_eq!(it, before);
    assert_eq!(count::<Post>(db).await, 1);
}

async fn after_commit_of_a_savepoint_waits_for_the_whole(on: &TestDb) {
    let db = on.with::<(Mail, Entry)>().await;
    let sent = || RAN.with(|it| it.lock().unwrap().len());
    let (names, ()) = ran(async {
        let tx = db.begin().await.unwrap();
        let failed: den::Result<()> = tx
            .savepoint(async |tx| {
                Mail::default().save(&tx).await?;
                Err(Error::custom("no"))
            })
            .await;
        refused(failed, ErrorKind::Hook);
        let kept = tx.savepoint(async |tx| Mail::default().save(&tx).await);
        kept.await.unwrap();
        assert_eq!(sent(), 0);
        tx.commit().await.unwrap();
        assert_eq!(sent(), 1);

        let tx = db.begin().await.unwrap();
        let kept = tx.savepoint(async |tx| Mail::default().save(&tx).await);
        kept.await.unwrap();
        tx.rollback().await.unwrap();
    })
    .await;
    assert_eq!(names, "sent");
    assert_eq!(count::<Mail>(db).await, 1);
}

/// A document that writes past its transaction when it is read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "visits", hooks)]
struct Visit {
    #[serde(flatten)]
    base: Base<Visit>,
}

impl Hooks for Visit {
    async fn after_load(&mut self, cx: &HookContext) -> den::Result<()> {
        Entry::default().save(cx.db()).await
    }
}

async fn in_a_transaction_of_the_caller_it_is_refused_too(on: &TestDb) {
    let db = on.with::<(Article, Visit, Entry)>().await;
    let mut it = Article {
        title: "through the database".into(),
        ..Default::default()
    };
    let mut visit = Visit::default();
    let tx = db.begin().await.unwrap();
    visit.save(&tx).await.unwrap();
    let error = refused(it.save(&tx).await, ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("pass the transaction"),
        "{error}"
    );
    refused(visit.refresh(&tx).await, ErrorKind::Unsupported);
    refused(Visit::query(&tx).all().await, ErrorKind::Unsupported);
    let within: den::Result<()> = tx.savepoint(async |tx| it.save(&tx).await).await;
    refused(within, ErrorKind::Unsupported);
    it.title = "through the transaction".into();
    it.save(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count::<Article>(db).await, 1);
    // Outside of a transaction there is nothing to wait for.
    Visit::query(db).one().await.unwrap();
    assert_eq!(count::<Entry>(db).await, 1);
}

async fn two_writes_at_once_in_a_transaction_do_not_mix(on: &TestDb) {
    let db = given(on).await;
    let (mut one, mut other) = (post("a"), post("b"));
    let before = other.clone();
    let tx = db.begin().await.unwrap();
    let outcomes = tokio::join!(one.save(&tx), other.save(&tx));
    outcomes.0.unwrap();
    // Where no call ever waits, the first is done before the second begins.
    if outcomes.1.is_err() {
        let error = refused(outcomes.1, ErrorKind::InvalidQuery);
        assert!(error.to_string().contains("savepoint"), "{error}");
        assert_eq!(other, before);
        other.save(&tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!((count::<Post>(db).await, count::<Entry>(db).await), (2, 10));
}

async fn one_connection_is_enough(on: &TestDb) {
    let db = given(on).await;
    let small = match on.engine() {
        Engine::Postgres => {
            let db = Db::open(on.url_with("max_connections=1")).await.unwrap();
            db.register::<(Post, Memo, Entry)>().await.unwrap();
            Some(db)
        }
        Engine::Memory | Engine::Sqlite => None,
    };
    let db = small.as_ref().unwrap_or(db);
    let work = async {
        let mut all = [post("a"), post("b"), post("c")];
        Post::save_all(db, &mut all).await.unwrap();
        all[0].save(db).await.unwrap();
        all[0].replace(db).await.unwrap();
        let (found, total) = Post::query(db).limit(2).all_with_count().await.unwrap();
        assert_eq!((found.len(), total), (2, 3));
        let page = Post::query(db).page(PageRequest::first(2).with_total());
        assert_eq!(page.await.unwrap().total, Some(3));
        let mut stream = Post::query(db).stream();
        while let Some(mut it) = stream.try_next().await.unwrap() {
            it.title.push('!');
            it.save(db).await.unwrap();
        }
        drop(stream);
        all[1].refresh(db).await.unwrap();
        assert_eq!(all[1].title, "b!");
        all[1].delete(db).await.unwrap();
        let rest = Post::query(db).all_rows().delete().await;
        assert_eq!(rest.unwrap(), 2);
    };
    tokio::time::timeout(Duration::from_secs(60), work)
        .await
        .unwrap();
    if let Some(db) = small {
        db.close().await.unwrap();
    }
}
