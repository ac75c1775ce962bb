//! Attachments: content comes before a document, and goes with the last one that refers to it.

use std::collections::BTreeMap;

use den::{
    DeleteOptions, Error, ErrorKind,
    attachments::{Attachment, MemoryStorage, PutOptions},
    prelude::*,
};

use super::{
    attached::{Album, Cover, Mail, Paper, Scan, Sticker, mail, paper, scan, worlds},
    support::{count, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_delete_for_good_removes_the_bytes),
    case!(both_of_two_attachments_go),
    case!(attachments_count_wherever_they_lie),
    case!(content_of_two_documents_stays_with_the_second),
    case!(a_document_that_refers_twice_counts_once),
    case!(an_update_takes_the_place_of_content),
    case!(an_update_that_changes_nothing_changes_no_count),
    case!(save_changes_counts),
    case!(batches_count),
    case!(a_replace_counts),
    case!(a_rollback_keeps_the_bytes),
    case!(a_rolled_back_savepoint_keeps_the_bytes),
    case!(a_failed_insert_leaves_bytes_and_counts),
    case!(moving_content_in_one_transaction_keeps_it),
    case!(a_mark_of_deletion_keeps_and_a_purge_removes),
    case!(a_query_deletes_with_the_bytes),
    case!(a_loaded_link_does_not_give_its_bytes_away),
    case!(a_cascade_removes_the_bytes_of_the_child),
    case!(an_owned_document_goes_with_its_bytes),
    case!(documents_are_found_by_their_attachments),
];

async fn a_delete_for_good_removes_the_bytes(on: &TestDb) {
    for it in worlds(on).await {
        let page = it.put("page").await;
        it.expect_stored(&page).await;
        let mut scan = scan(&page);
        scan.insert(&it.db).await.unwrap();
        it.expect(&page, 1).await;
        assert_eq!(Scan::find(&it.db, scan.id()).await.unwrap(), scan);
        scan.delete(&it.db).await.unwrap();
        it.expect(&page, 0).await;
        assert_eq!(it.count_of(&page).await, None);
        let attachments = it.db.attachments().unwrap();
        refused(attachments.open(&page).await.map(drop), ErrorKind::NotFound);
    }
}

async fn both_of_two_attachments_go(on: &TestDb) {
    for it in worlds(on).await {
        let (picture, image) = (it.put("picture").await, it.put("image").await);
        let mut mail = mail(&picture);
        mail.cover.image = Some(image.clone());
        mail.insert(&it.db).await.unwrap();
        it.expect(&picture, 1).await;
        it.expect(&image, 1).await;
        mail.delete(&it.db).await.unwrap();
        it.expect(&picture, 0).await;
        it.expect(&image, 0).await;
        // There are no attachments in this one.
        let mut none = Mail::default();
        none.insert(&it.db).await.unwrap();
        none.delete(&it.db).await.unwrap();
    }
}

async fn attachments_count_wherever_they_lie(on: &TestDb) {
    for it in worlds(on).await {
        let mut all = Vec::new();
        for n in 0..6 {
            all.push(it.put(&n.to_string()).await);
        }
        let cover = |image: &Attachment| Cover {
            title: "t".into(),
            image: Some(image.clone()),
        };
        let mut mail = Mail {
            picture: Some(all[0].clone()),
            files: vec![all[1].clone(), all[2].clone()],
            cover: cover(&all[3]),
            by_name: BTreeMap::from([("a b".to_owned(), all[4].clone())]),
            pages: vec![Cover::default(), cover(&all[5])],
            ..Default::default()
        };
        mail.save(&it.db).await.unwrap();
        for one in &all {
            it.expect(one, 1).await;
        }
        assert_eq!(Mail::find(&it.db, mail.id()).await.unwrap(), mail);
        mail.files.remove(0);
        mail.pages.clear();
        mail.save(&it.db).await.unwrap();
        for (at, one) in all.iter().enumerate() {
            it.expect(one, u64::from(![1, 5].contains(&at))).await;
        }
        mail.delete(&it.db).await.unwrap();
        for one in &all {
            it.expect(one, 0).await;
        }
    }
}

async fn content_of_two_documents_stays_with_the_second(on: &TestDb) {
    for it in worlds(on).await {
        let (content, again) = (it.put("same").await, it.put("same").await);
        assert_eq!(content, again);
        let (mut first, mut second) = (mail(&content), scan(&again));
        first.save(&it.db).await.unwrap();
        second.save(&it.db).await.unwrap();
        it.expect(&content, 2).await;
        first.delete(&it.db).await.unwrap();
        it.expect(&content, 1).await;
        let attachments = it.db.attachments().unwrap();
        attachments.verify(&second.page).await.unwrap();
        second.delete(&it.db).await.unwrap();
        it.expect(&content, 0).await;
    }
}

async fn a_document_that_refers_twice_counts_once(on: &TestDb) {
    for it in worlds(on).await {
        let content = it.put("twice").await;
        let mut named = content.clone();
        named.rename("b.txt").unwrap();
        let mut mail = mail(&content);
        mail.files = vec![content.clone(), named];
        mail.save(&it.db).await.unwrap();
        it.expect(&content, 1).await;
        mail.picture = None;
        mail.files.pop();
        mail.save(&it.db).await.unwrap();
        it.expect(&content, 1).await;
        mail.files.clear();
        mail.save(&it.db).await.unwrap();
        it.expect(&content, 0).await;
    }
}

async fn an_update_takes_the_place_of_content(on: &TestDb) {
    for it in worlds(on).await {
        let (old, new) = (it.put("old").await, it.put("new").await);
        let mut scan = scan(&old);
        scan.insert(&it.db).await.unwrap();
        scan.page = new.clone();
        scan.update(&it.db).await.unwrap();
        it.expect(&old, 0).await;
        it.expect(&new, 1).await;
        // What counts is what is stored, not what the copy in hand was.
        let third = it.put("third").await;
        let mut stale = scan.clone();
        stale.page = old.clone();
        scan.page = third.clone();
        scan.update(&it.db).await.unwrap();
        it.expect(&new, 0).await;
        it.put("old").await;
        stale.update(&it.db).await.unwrap();
        it.expect(&third, 0).await;
        it.expect(&old, 1).await;
        stale.delete(&it.db).await.unwrap();
    }
}

async fn an_update_that_changes_nothing_changes_no_count(on: &TestDb) {
    for it in worlds(on).await {
        let content = it.put("steady").await;
        let mut mail = mail(&content);
        mail.save(&it.db).await.unwrap();
        it.recorder.clear();
        mail.cover.title = "new".into();
        mail.save(&it.db).await.unwrap();
        let calls = ["tx get_for_update mails", "tx put mails"];
        assert_eq!(it.recorder.statements(), calls);
        it.expect(&content, 1).await;
        mail.delete(&it.db).await.unwrap();
    }
}

async fn save_changes_counts(on: &TestDb) {
    for it in worlds(on).await {
        let (old, new) = (it.put("old").await, it.put("new").await);
        let mut paper = paper(&old);
        paper.insert(&it.db).await.unwrap();
        paper.title = "t".into();
        assert!(paper.save_changes(&it.db).await.unwrap());
        it.expect(&old, 1).await;
        paper.file = Some(new.clone());
        assert!(paper.save_changes(&it.db).await.unwrap());
        it.expect(&old, 0).await;
        it.expect(&new, 1).await;
        paper.file = Some(old.clone());
        refused(paper.save_changes(&it.db).await, ErrorKind::InvalidDocument);
        it.expect(&new, 1).await;
        paper.file = None;
        assert!(paper.save_changes(&it.db).await.unwrap());
        it.expect(&new, 0).await;
    }
}

async fn batches_count(on: &TestDb) {
    for it in worlds(on).await {
        let (a, b) = (it.put("a").await, it.put("b").await);
        let mut scans = [scan(&a), scan(&b), scan(&a)];
        Scan::insert_many(&it.db, &mut scans).await.unwrap();
        it.expect(&a, 2).await;
        it.expect(&b, 1).await;
        for scan in &mut scans {
            scan.page = b.clone();
        }
        Scan::save_all(&it.db, &mut scans).await.unwrap();
        it.expect(&a, 0).await;
        it.expect(&b, 3).await;
        // Of several documents with one id the last is stored.
        let c = it.put("c").await;
        let mut twice = [scans[0].clone(), scans[0].clone()];
        twice[0].page = c.clone();
        Scan::save_all(&it.db, &mut twice).await.unwrap();
        assert_eq!(it.refs(&c).await, 0);
        it.expect(&b, 3).await;
        Scan::delete_all(&it.db, &mut scans).await.unwrap();
        it.expect(&b, 0).await;
    }
}

async fn a_replace_counts(on: &TestDb) {
    for it in worlds(on).await {
        let (old, new) = (it.put("old").await, it.put("new").await);
        let mut stored = scan(&old);
        stored.insert(&it.db).await.unwrap();
        let mut other = scan(&new);
        other.base.id = stored.base.id.clone();
        other.replace(&it.db).await.unwrap();
        it.expect(&old, 0).await;
        it.expect(&new, 1).await;
        other.delete(&it.db).await.unwrap();
        refused(other.replace(&it.db).await, ErrorKind::NotFound);
        it.expect(&new, 0).await;
    }
}

async fn a_rollback_keeps_the_bytes(on: &TestDb) {
    for it in worlds(on).await {
        let (kept, unused) = (it.put("kept").await, it.put("unused").await);
        let mut scan = scan(&kept);
        scan.insert(&it.db).await.unwrap();
        let outcome: den::Result<()> = it
            .db
            .transaction(async |tx| {
                scan.delete(&tx).await?;
                Err(Error::custom("no"))
            })
            .await;
        refused(outcome, ErrorKind::Hook);
        it.expect(&kept, 1).await;
        let tx = it.db.begin().await.unwrap();
        scan.page = unused.clone();
        scan.update(&tx).await.unwrap();
        tx.rollback().await.unwrap();
        it.expect(&kept, 1).await;
        assert_eq!(it.refs(&unused).await, 0);
        it.expect_stored(&unused).await;
        {
            let tx = it.db.begin().await.unwrap();
            scan.delete(&tx).await.unwrap();
        }
        it.expect(&kept, 1).await;
        // Until the commit the bytes are there.
        let tx = it.db.begin().await.unwrap();
        scan.delete(&tx).await.unwrap();
        it.expect_stored(&kept).await;
        tx.commit().await.unwrap();
        it.expect(&kept, 0).await;
    }
}

async fn a_rolled_back_savepoint_keeps_the_bytes(on: &TestDb) {
    for it in worlds(on).await {
        let (kept, gone) = (it.put("kept").await, it.put("gone").await);
        let (mut first, mut second) = (scan(&kept), scan(&gone));
        first.insert(&it.db).await.unwrap();
        second.insert(&it.db).await.unwrap();
        it.db
            .transaction(async |tx| {
                let undone: den::Result<()> = tx
                    .savepoint(async |tx| {
                        first.delete(&tx).await?;
                        Err(Error::custom("no"))
                    })
                    .await;
                refused(undone, ErrorKind::Hook);
                second.delete(&tx).await
            })
            .await
            .unwrap();
        it.expect(&kept, 1).await;
        it.expect(&gone, 0).await;
        first.delete(&it.db).await.unwrap();
    }
}

async fn a_failed_insert_leaves_bytes_and_counts(on: &TestDb) {
    for it in worlds(on).await {
        let (content, other) = (it.put("content").await, it.put("other").await);
        let mut first = mail(&content);
        first.subject = Some(format!("taken {}", content.sha256()));
        first.insert(&it.db).await.unwrap();
        let mut second = mail(&other);
        second.files = vec![content.clone()];
        second.subject = first.subject.clone();
        let before = second.clone();
        refused(second.insert(&it.db).await, ErrorKind::Duplicate);
        assert_eq!(second, before);
        it.expect(&content, 1).await;
        assert_eq!(it.refs(&other).await, 0);
        it.expect_stored(&other).await;
        // The transaction of the caller goes on.
        it.db
            .transaction(async |tx| {
                refused(second.insert(&tx).await, ErrorKind::Duplicate);
                second.subject = None;
                second.insert(&tx).await
            })
            .await
            .unwrap();
        it.expect(&content, 2).await;
        it.expect(&other, 1).await;
        let mut both = [first, second];
        Mail::delete_all(&it.db, &mut both).await.unwrap();
        it.expect(&content, 0).await;
    }
}

async fn moving_content_in_one_transaction_keeps_it(on: &TestDb) {
    for it in worlds(on).await {
        let content = it.put("moved").await;
        let (mut from, mut to) = (scan(&content), scan(&content));
        from.insert(&it.db).await.unwrap();
        it.db
            .transaction(async |tx| {
                from.delete(&tx).await?;
                to.insert(&tx).await
            })
            .await
            .unwrap();
        it.expect(&content, 1).await;
        to.delete(&it.db).await.unwrap();
        it.expect(&content, 0).await;
    }
}

async fn a_mark_of_deletion_keeps_and_a_purge_removes(on: &TestDb) {
    for it in worlds(on).await {
        let (a, b, c) = (it.put("a").await, it.put("b").await, it.put("c").await);
        let (mut first, mut second, mut third) = (paper(&a), paper(&b), paper(&c));
        for paper in [&mut first, &mut second, &mut third] {
            paper.insert(&it.db).await.unwrap();
            paper.delete(&it.db).await.unwrap();
        }
        it.expect(&a, 1).await;
        first.restore(&it.db).await.unwrap();
        it.expect(&a, 1).await;
        second
            .delete_with(&it.db, DeleteOptions::new().hard())
            .await
            .unwrap();
        it.expect(&b, 0).await;
        let now = Timestamp::now();
        let purged = Paper::query(&it.db).purge_deleted_before(now).await;
        assert_eq!(purged.unwrap(), 1);
        it.expect(&a, 1).await;
        it.expect(&c, 0).await;
        let hard = DeleteOptions::new().hard();
        first.delete_with(&it.db, hard).await.unwrap();
        it.expect(&a, 0).await;
    }
}

async fn a_query_deletes_with_the_bytes(on: &TestDb) {
    for it in worlds(on).await {
        let (a, b) = (it.put("a").await, it.put("b").await);
        let mut mails = [mail(&a), mail(&b), mail(&a), mail(&b)];
        mails[3].cover.title = "keep".into();
        Mail::insert_many(&it.db, &mut mails).await.unwrap();
        let m = Mail::fields();
        let all = Mail::query(&it.db).filter(m.cover.title.ne("keep"));
        assert_eq!(all.delete().await.unwrap(), 3);
        it.expect(&a, 0).await;
        it.expect(&b, 1).await;
        let rest = Mail::query(&it.db).all_rows().without_hooks();
        assert_eq!(rest.delete().await.unwrap(), 1);
        it.expect(&b, 0).await;
    }
}

async fn a_loaded_link_does_not_give_its_bytes_away(on: &TestDb) {
    for it in worlds(on).await {
        let content = it.put("of the mail").await;
        let mut mail = mail(&content);
        mail.insert(&it.db).await.unwrap();
        let mut album = Album {
            mail: Some(Link::new(mail.clone())),
            ..Default::default()
        };
        album.insert(&it.db).await.unwrap();
        let mut loaded = Album::find(&it.db, album.id()).await.unwrap();
        loaded.fetch_links(&it.db).await.unwrap();
        it.expect(&content, 1).await;
        loaded.delete(&it.db).await.unwrap();
        it.expect(&content, 1).await;
        assert_eq!(Mail::find(&it.db, mail.id()).await.unwrap(), mail);
        mail.delete(&it.db).await.unwrap();
        it.expect(&content, 0).await;
    }
}

async fn a_cascade_removes_the_bytes_of_the_child(on: &TestDb) {
    for it in worlds(on).await {
        let content = it.put("sticker").await;
        let mut album = Album::default();
        album.insert(&it.db).await.unwrap();
        for _ in 0..2 {
            let mut sticker = Sticker {
                base: Base::default(),
                album: Link::from(album.id().clone()),
                image: content.clone(),
            };
            sticker.insert(&it.db).await.unwrap();
        }
        it.expect(&content, 2).await;
        let undone: den::Result<()> = it
            .db
            .transaction(async |tx| {
                album.delete(&tx).await?;
                Err(Error::custom("no"))
            })
            .await;
        refused(undone, ErrorKind::Hook);
        it.expect(&content, 2).await;
        album.delete(&it.db).await.unwrap();
        assert_eq!(count::<Sticker>(&it.db).await, 0);
        it.expect(&content, 0).await;
    }
}

async fn an_owned_document_goes_with_its_bytes(on: &TestDb) {
    for it in worlds(on).await {
        let content = it.put("owned").await;
        let mut album = Album {
            scans: vec![Link::new(scan(&content)), Link::new(scan(&content))],
            ..Default::default()
        };
        album.insert(&it.db).await.unwrap();
        it.expect(&content, 2).await;
        album.delete(&it.db).await.unwrap();
        assert_eq!(count::<Scan>(&it.db).await, 0);
        it.expect(&content, 0).await;
        let mut mail = mail(&it.put("of the mail").await);
        mail.insert(&it.db).await.unwrap();
        let mut album = Album {
            mail: Some(Link::from(mail.id().clone())),
            ..Default::default()
        };
        album.insert(&it.db).await.unwrap();
        let options = DeleteOptions::new().with_links();
        album.delete_with(&it.db, options).await.unwrap();
        it.expect(mail.picture.as_ref().unwrap(), 0).await;
    }
}

async fn documents_are_found_by_their_attachments(on: &TestDb) {
    let db = Db::builder()
        .shared_backend(std::sync::Arc::clone(&on.backend))
        .storage(MemoryStorage::new())
        .register::<(Mail,)>()
        .open()
        .await
        .unwrap();
    let attachments = db.attachments().unwrap();
    let options = || PutOptions::new("text/plain").name("a.txt");
    let small = attachments.put("small", options()).await.unwrap();
    let large = attachments.put("a large one", options()).await.unwrap();
    let mut first = mail(&small);
    first.files = vec![small.clone(), large.clone()];
    first.insert(&db).await.unwrap();
    Mail::default().insert(&db).await.unwrap();
    let m = Mail::fields();
    let found = async |filter: Filter<Mail>| Mail::query(&db).filter(filter).count().await.unwrap();
    assert_eq!(found(m.picture.sha256.eq(small.sha256().as_str())).await, 1);
    assert_eq!(found(m.picture.sha256.eq(large.sha256().as_str())).await, 0);
    assert_eq!(found(m.picture.size.is_not_null()).await, 1);
    let is_large = m
        .files
        .any_element(|it| it.size.gt(10) & it.name.eq("a.txt"));
    assert_eq!(found(is_large).await, 1);
}
