//! Attachments when things go wrong: faults, cancellation, many at once, and what puts it right.

use std::{
    future::poll_fn,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use den::{
    DeleteOptions, Error, ErrorKind,
    attachments::{
        Attachment, Attachments, ContentHash, ContentReader, MemoryStorage, Storage, Stored, Upload,
    },
    prelude::*,
};
use futures_util::{future::join_all, stream::BoxStream};
use serde_json::json;

use super::{
    attached::{Album, COUNTS, Mail, Paper, Scan, Sticker, World, mail, paper, scan, worlds},
    support::{count, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_fault_at_any_call_leaves_all_consistent),
    case!(an_answer_lost_at_any_call_leaves_all_consistent),
    case!(a_dropped_operation_leaves_all_consistent),
    case!(a_storage_that_cannot_delete_is_swept_later),
    case!(a_storage_that_cannot_be_asked_stops_the_write),
    case!(many_insert_and_delete_the_same_content),
    case!(many_exchange_two_contents),
    case!(a_sweep_beside_writers_takes_nothing_in_use),
    case!(a_sweep_takes_orphans_and_leaves_young_ones),
    case!(a_sweep_forgets_what_a_removal_left_half_done),
    case!(a_recount_corrects_what_was_changed_below_den),
    case!(a_recount_makes_counts_that_are_lost),
    case!(a_recount_leaves_other_types_alone),
    case!(a_recount_beside_writers_is_exact),
    case!(content_without_a_count_is_never_let_go),
    case!(upkeep_needs_a_database),
];

/// Writes of every kind, one after the other.
async fn all_writes(it: &World<'_>) -> den::Result<()> {
    let (a, b) = (it.put("a").await, it.put("b").await);
    let mut first = mail(&a);
    first.insert(&it.db).await?;
    first.files = vec![b.clone()];
    first.picture = None;
    first.update(&it.db).await?;
    it.put("a").await;
    let mut scans = [scan(&a), scan(&b)];
    Scan::insert_many(&it.db, &mut scans).await?;
    let mut noted = paper(&a);
    noted.insert(&it.db).await?;
    noted.file = Some(b.clone());
    noted.save_changes(&it.db).await?;
    noted.delete(&it.db).await?;
    let mut album = Album {
        scans: scans.iter().map(|it| it.id().clone().into()).collect(),
        ..Default::default()
    };
    album.insert(&it.db).await?;
    let mut sticker = Sticker {
        base: Base::default(),
        album: album.id().clone().into(),
        image: a,
    };
    sticker.insert(&it.db).await?;
    album.delete(&it.db).await?;
    first.delete(&it.db).await?;
    noted.delete_with(&it.db, DeleteOptions::new().hard()).await
}

async fn a_fault_at_any_call_leaves_all_consistent(on: &TestDb) {
    for it in worlds(on).await {
        at_every_call(&it, |n| it.recorder.fail_at(n)).await;
    }
}

async fn an_answer_lost_at_any_call_leaves_all_consistent(on: &TestDb) {
    for it in worlds(on).await {
        at_every_call(&it, |n| it.recorder.fail_after(n)).await;
    }
}

async fn at_every_call(it: &World<'_>, fail: impl Fn(u64)) {
    for n in 1.. {
        fail(n);
        let outcome = all_writes(it).await;
        let is_over = !it.recorder.heal();
        if is_over {
            outcome.as_ref().unwrap();
        }
        it.check_all(&format!("call {n}: {outcome:?}")).await;
        clear(it).await;
        if is_over {
            assert!(n > 40, "{n}");
            break;
        }
    }
}

/// Deletes what a failed round has left, and makes sure that no content is left either.
async fn clear(it: &World<'_>) {
    let hard = || DeleteOptions::new().hard();
    Album::query(&it.db).all_rows().delete().await.unwrap();
    Sticker::query(&it.db).all_rows().delete().await.unwrap();
    Scan::query(&it.db).all_rows().delete().await.unwrap();
    Mail::query(&it.db).all_rows().delete().await.unwrap();
    let papers = Paper::query(&it.db).with_deleted().all_rows();
    papers.delete_with(hard()).await.unwrap();
    it.sweep_all().await;
    assert_eq!(it.stored().await, 0);
}

async fn a_dropped_operation_leaves_all_consistent(on: &TestDb) {
    for it in worlds(on).await {
        for polls in (1..60).chain((60..400).step_by(20)) {
            let mut work = Box::pin(all_writes(&it));
            let mut is_over = false;
            for _ in 0..polls {
                is_over = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_ready())).await;
                if is_over {
                    break;
                }
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            drop(work);
            if polls % 7 == 0 || polls > 60 {
                it.check_all(&format!("{polls} polls")).await;
            }
            if is_over {
                break;
            }
        }
        it.check_all("at the end").await;
        clear(&it).await;
    }
}

/// A storage that fails when told to.
#[derive(Debug, Default)]
struct Flaky {
    inner: MemoryStorage,
    keeps_all: AtomicBool,
    is_silent: AtomicBool,
}

fn fails_if(fault: &AtomicBool) -> den::Result<()> {
    if fault.load(Ordering::SeqCst) {
        return Err(Error::new(ErrorKind::Backend, "the storage is down"));
    }
    Ok(())
}

#[async_trait]
impl Storage for Flaky {
    async fn upload(&self) -> den::Result<Box<dyn Upload>> {
        self.inner.upload().await
    }

    async fn open(
        &self,
        hash: &ContentHash,
        range: Option<Range<u64>>,
    ) -> den::Result<ContentReader> {
        self.inner.open(hash, range).await
    }

    async fn size(&self, hash: &ContentHash) -> den::Result<Option<u64>> {
        fails_if(&self.is_silent)?;
        self.inner.size(hash).await
    }

    async fn delete(&self, hash: &ContentHash) -> den::Result<bool> {
        fails_if(&self.keeps_all)?;
        self.inner.delete(hash).await
    }

    fn url(&self, attachment: &Attachment) -> Option<String> {
        self.inner.url(attachment)
    }

    fn list(&self) -> BoxStream<'_, den::Result<Stored>> {
        self.inner.list()
    }

    async fn sweep_uploads(&self, age: Duration) -> den::Result<u64> {
        self.inner.sweep_uploads(age).await
    }
}

async fn a_storage_that_cannot_delete_is_swept_later(on: &TestDb) {
    let flaky = Arc::new(Flaky::default());
    let it = World::open(on, "flaky", Arc::clone(&flaky) as Arc<dyn Storage>, None).await;
    let content = it.put("content").await;
    let mut first = scan(&content);
    first.insert(&it.db).await.unwrap();
    flaky.keeps_all.store(true, Ordering::SeqCst);
    first.delete(&it.db).await.unwrap();
    assert_eq!(count::<Scan>(&it.db).await, 0);
    assert_eq!(it.refs(&content).await, 0);
    let report = it.sweep_attempt().await.unwrap();
    assert_eq!((report.contents, report.failed), (1, 1));
    flaky.keeps_all.store(false, Ordering::SeqCst);
    it.expect_stored(&content).await;
    // It is as good as new.
    first = scan(&content);
    first.insert(&it.db).await.unwrap();
    it.expect(&content, 1).await;
    flaky.keeps_all.store(true, Ordering::SeqCst);
    first.delete(&it.db).await.unwrap();
    flaky.keeps_all.store(false, Ordering::SeqCst);
    assert!(it.count_of(&content).await.is_some());
    let report = it.sweep_attempt().await.unwrap();
    assert_eq!((report.contents, report.failed), (1, 0));
    assert_eq!(report.bytes, content.size());
    it.expect(&content, 0).await;
    assert_eq!(it.count_of(&content).await, None);
}

async fn a_storage_that_cannot_be_asked_stops_the_write(on: &TestDb) {
    let flaky = Arc::new(Flaky::default());
    let it = World::open(on, "flaky", Arc::clone(&flaky) as Arc<dyn Storage>, None).await;
    let content = it.put("content").await;
    flaky.is_silent.store(true, Ordering::SeqCst);
    let mut new = scan(&content);
    refused(new.insert(&it.db).await, ErrorKind::Backend);
    assert!(new.id().is_empty());
    assert_eq!(count::<Scan>(&it.db).await, 0);
    assert_eq!(it.count_of(&content).await, None);
    flaky.is_silent.store(false, Ordering::SeqCst);
    new.insert(&it.db).await.unwrap();
    it.expect(&content, 1).await;
}

/// Puts content and stores a document that refers to it, again if someone else was in the way.
async fn store(it: &World<'_>, text: &str) -> Scan {
    for _ in 0..500 {
        // A sweep without a grace period takes uploads that are under way.
        let Ok(page) = it.try_put(text).await else {
            continue;
        };
        let mut new = scan(&page);
        match new.insert(&it.db).await {
            Ok(()) => return new,
            // Removed by another task between the two.
            Err(error) if error.kind() == ErrorKind::InvalidDocument => {}
            Err(error) if error.is_retryable() => {}
            Err(error) => panic!("{error:?}"),
        }
        tokio::task::yield_now().await;
    }
    panic!("never stored");
}

/// Deletes a document, again if someone else was in the way.
async fn remove(it: &World<'_>, stored: &mut Scan) {
    for _ in 0..500 {
        match stored.delete(&it.db).await {
            Ok(()) => return,
            Err(error) if error.is_retryable() => {}
            Err(error) => panic!("{error:?}"),
        }
        tokio::task::yield_now().await;
    }
    panic!("never deleted");
}

async fn many_insert_and_delete_the_same_content(on: &TestDb) {
    for it in worlds(on).await {
        for keep in [0, 1] {
            let tasks = (0..20).map(|task| {
                let it = &it;
                async move {
                    for round in 0..3 {
                        let mut stored = store(it, "shared").await;
                        it.expect_stored(&stored.page).await;
                        if round == 2 && task < keep {
                            continue;
                        }
                        remove(it, &mut stored).await;
                    }
                }
            });
            join_all(tasks).await;
            assert_eq!(count::<Scan>(&it.db).await, keep);
            let content = it.put_elsewhere("shared").await;
            it.expect(&content, keep).await;
            it.check_all("at the end").await;
        }
        clear(&it).await;
    }
}

async fn many_exchange_two_contents(on: &TestDb) {
    for it in worlds(on).await {
        let tasks = (0..8).map(|task| {
            let it = &it;
            async move {
                let mut stored = store(it, "a").await;
                for round in 0..6 {
                    let text = if (task + round) % 2 == 0 { "a" } else { "b" };
                    let done = async {
                        stored.page = it.put(text).await;
                        stored.update(&it.db).await
                    };
                    match done.await {
                        Ok(()) => {}
                        Err(error)
                            if error.kind() == ErrorKind::InvalidDocument
                                || error.is_retryable() => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        });
        join_all(tasks).await;
        assert_eq!(count::<Scan>(&it.db).await, 8);
        for stored in Scan::query(&it.db).all().await.unwrap() {
            it.expect_stored(&stored.page).await;
        }
        it.check_all("at the end").await;
        clear(&it).await;
    }
}

async fn a_sweep_beside_writers_takes_nothing_in_use(on: &TestDb) {
    for it in worlds(on).await {
        let is_over = AtomicBool::new(false);
        let writers = async {
            let tasks = (0..6).map(|task| {
                let it = &it;
                async move {
                    for round in 0..4 {
                        let mut stored = store(it, &format!("{}", task % 3)).await;
                        it.expect_stored(&stored.page).await;
                        if round > 0 {
                            remove(it, &mut stored).await;
                        }
                    }
                }
            });
            join_all(tasks).await;
            is_over.store(true, Ordering::SeqCst);
        };
        let sweeper = async {
            while !is_over.load(Ordering::SeqCst) {
                match it.sweep_attempt().await {
                    Ok(_) => {}
                    Err(error) if error.is_retryable() => {}
                    Err(error) => panic!("{error:?}"),
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::join!(writers, sweeper);
        assert_eq!(count::<Scan>(&it.db).await, 6);
        for stored in Scan::query(&it.db).all().await.unwrap() {
            it.expect_stored(&stored.page).await;
        }
        it.check_all("at the end").await;
        clear(&it).await;
    }
}

async fn a_sweep_takes_orphans_and_leaves_young_ones(on: &TestDb) {
    for it in worlds(on).await {
        let (used, orphan) = (it.put("used").await, it.put("orphan").await);
        let mut stored = scan(&used);
        stored.insert(&it.db).await.unwrap();
        let attachments = it.db.attachments().unwrap();
        let report = attachments.sweep(Attachments::GRACE).await.unwrap();
        assert_eq!(report, Default::default());
        let report = attachments.orphans(Duration::ZERO).await.unwrap();
        assert_eq!((report.contents, report.bytes), (1, orphan.size()));
        it.expect_stored(&orphan).await;
        assert_eq!(it.sweep_all().await, report);
        it.expect(&orphan, 0).await;
        it.expect(&used, 1).await;
        assert_eq!(it.sweep_all().await, Default::default());
        // A put makes it young again.
        tokio::time::sleep(Duration::from_millis(60)).await;
        it.put("orphan").await;
        let report = attachments.sweep(Duration::from_millis(50)).await.unwrap();
        assert_eq!(report.contents, 0);
        assert_eq!(it.sweep_all().await.contents, 1);
        stored.delete(&it.db).await.unwrap();
    }
}

async fn a_sweep_forgets_what_a_removal_left_half_done(on: &TestDb) {
    for it in worlds(on).await {
        let (gone, used) = (it.put("gone").await, it.put("used").await);
        let mut stored = scan(&used);
        stored.insert(&it.db).await.unwrap();
        let none = json!({ "_id": gone.sha256(), "refs": 0, "by": {} });
        on.plant(COUNTS, gone.sha256().as_str(), &none).await;
        it.storage.delete(gone.sha256()).await.unwrap();
        it.sweep_all().await;
        assert_eq!(it.count_of(&gone).await, None);
        it.expect(&used, 1).await;
        stored.delete(&it.db).await.unwrap();
    }
}

async fn a_recount_corrects_what_was_changed_below_den(on: &TestDb) {
    for it in worlds(on).await {
        let attachments = it.db.attachments().unwrap();
        let (a, b, c) = (it.put("a").await, it.put("b").await, it.put("c").await);
        let (mut first, mut second) = (scan(&a), mail(&a));
        second.files = vec![b.clone()];
        first.insert(&it.db).await.unwrap();
        second.insert(&it.db).await.unwrap();
        let report = attachments.recount().await.unwrap();
        assert_eq!((report.documents, report.contents), (2, 2));
        assert!(report.corrected.is_empty() && report.missing.is_empty());
        // `b` is let go of, and `c` referred to, below den.
        let mails = it.db.collection("mails");
        let mut json = mails.get(second.id()).await.unwrap().unwrap();
        json["files"] = json!([c]);
        on.plant("mails", second.id().as_str(), &json).await;
        let looked = attachments.miscounts().await.unwrap();
        let mut wrong = vec![b.sha256().clone(), c.sha256().clone()];
        wrong.sort();
        assert_eq!(looked.corrected, wrong);
        assert_eq!((it.refs(&b).await, it.refs(&c).await), (1, 0));
        assert_eq!(attachments.recount().await.unwrap(), looked);
        assert_eq!((it.refs(&b).await, it.refs(&c).await), (0, 1));
        it.expect(&a, 2).await;
        it.expect_stored(&b).await;
        assert_eq!(it.sweep_all().await.contents, 1);
        it.expect(&b, 0).await;
        it.storage.delete(c.sha256()).await.unwrap();
        let report = attachments.recount().await.unwrap();
        assert_eq!(report.missing, [c.sha256().clone()]);
        first.delete(&it.db).await.unwrap();
        second.delete(&it.db).await.unwrap();
    }
}

async fn a_recount_makes_counts_that_are_lost(on: &TestDb) {
    for it in worlds(on).await {
        let attachments = it.db.attachments().unwrap();
        let (a, b) = (it.put("a").await, it.put("b").await);
        let mut all = [scan(&a), scan(&b), scan(&b)];
        Scan::insert_many(&it.db, &mut all).await.unwrap();
        for lost in [&a, &b] {
            let id = lost.sha256().as_str();
            let expect = den_backend::Expectation::Any;
            on.backend.delete(COUNTS, id, expect).await.unwrap();
        }
        let report = attachments.recount().await.unwrap();
        assert_eq!(report.corrected.len(), 2);
        it.expect(&a, 1).await;
        it.expect(&b, 2).await;
        Scan::delete_all(&it.db, &mut all).await.unwrap();
        it.expect(&b, 0).await;
    }
}

async fn a_recount_leaves_other_types_alone(on: &TestDb) {
    for it in worlds(on).await {
        // It may be gone since the world before.
        it.db.register::<(Mail,)>().await.unwrap();
        let content = it.put("content").await;
        let (mut first, mut second) = (scan(&content), mail(&content));
        first.insert(&it.db).await.unwrap();
        second.insert(&it.db).await.unwrap();
        let other = Db::builder()
            .shared_backend(Arc::clone(&on.backend))
            .shared_storage(Arc::clone(&it.storage))
            .register::<(Scan,)>()
            .open()
            .await
            .unwrap();
        let attachments = other.attachments().unwrap();
        let report = attachments.recount().await.unwrap();
        assert!(report.corrected.is_empty(), "{report:?}");
        it.expect(&content, 2).await;
        // Of a collection that is gone no document is left.
        on.backend.drop_collection("mails").await.unwrap();
        let report = attachments.recount().await.unwrap();
        assert_eq!(report.corrected, [content.sha256().clone()]);
        it.expect(&content, 1).await;
        first.delete(&it.db).await.unwrap();
        it.expect(&content, 0).await;
    }
}

async fn a_recount_beside_writers_is_exact(on: &TestDb) {
    for it in worlds(on).await {
        let is_over = AtomicBool::new(false);
        let attachments = it.db.attachments().unwrap();
        let writers = async {
            let tasks = (0..5).map(|task| {
                let it = &it;
                async move {
                    for round in 0..5 {
                        let mut stored = store(it, &format!("{}", (task + round) % 4)).await;
                        if round % 2 == 1 {
                            remove(it, &mut stored).await;
                        }
                    }
                }
            });
            join_all(tasks).await;
            is_over.store(true, Ordering::SeqCst);
        };
        let recounter = async {
            while !is_over.load(Ordering::SeqCst) {
                match attachments.recount().await {
                    Ok(report) => assert!(report.corrected.is_empty(), "{report:?}"),
                    Err(error) if error.is_retryable() => {}
                    Err(error) => panic!("{error:?}"),
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::join!(writers, recounter);
        assert_eq!(count::<Scan>(&it.db).await, 15);
        it.check_all("at the end").await;
        clear(&it).await;
    }
}

async fn content_without_a_count_is_never_let_go(on: &TestDb) {
    for it in worlds(on).await {
        let content = it.put("content").await;
        let (mut first, mut second) = (scan(&content), scan(&content));
        first.insert(&it.db).await.unwrap();
        second.insert(&it.db).await.unwrap();
        let id = content.sha256().as_str();
        let expect = den_backend::Expectation::Any;
        on.backend.delete(COUNTS, id, expect).await.unwrap();
        first.delete(&it.db).await.unwrap();
        it.expect_stored(&content).await;
        let attachments = it.db.attachments().unwrap();
        attachments.recount().await.unwrap();
        it.expect(&content, 1).await;
        second.delete(&it.db).await.unwrap();
        it.expect(&content, 0).await;
    }
}

async fn upkeep_needs_a_database(on: &TestDb) {
    for it in worlds(on).await {
        let alone = Attachments::from_shared(Arc::clone(&it.storage));
        let swept = alone.sweep(Duration::ZERO).await;
        let error = refused(swept, ErrorKind::InvalidQuery);
        assert!(error.to_string().contains("db.attachments()"));
        refused(alone.recount().await, ErrorKind::InvalidQuery);
        // A database without documents that have attachments has nothing to keep.
        let bare = Db::builder()
            .shared_backend(Arc::clone(&on.backend))
            .shared_storage(Arc::clone(&it.storage))
            .open()
            .await
            .unwrap();
        it.put("orphan").await;
        let swept = bare.attachments().unwrap().sweep(Duration::ZERO).await;
        assert_eq!(swept.unwrap().contents, 1);
    }
}
