//! What is refused about attachments, before or instead of being written.

use den::{DeleteOptions, ErrorKind, attachments::Attachment, prelude::*};

use super::{
    attached::{Album, COUNTS, Cover, Mail, Paper, Scan, Sticker, mail, paper, scan, worlds},
    support::{count, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(content_that_is_not_stored_is_refused),
    case!(a_size_that_is_not_so_is_refused),
    case!(without_a_storage_nothing_is_written_or_deleted),
    case!(without_a_storage_a_cascade_is_refused_and_undone),
    case!(the_counts_are_not_a_collection_of_the_application),
];

async fn content_that_is_not_stored_is_refused(on: &TestDb) {
    for it in worlds(on).await {
        let (there, gone) = (it.put("there").await, it.put("gone").await);
        it.storage.delete(gone.sha256()).await.unwrap();
        let mut mail = mail(&there);
        mail.pages = vec![
            Cover::default(),
            Cover {
                title: String::new(),
                image: Some(gone.clone()),
            },
        ];
        let error = refused(mail.insert(&it.db).await, ErrorKind::InvalidDocument);
        let text = error.to_string();
        assert!(text.contains("`pages.1.image`"), "{text}");
        assert!(text.contains(gone.sha256().as_str()), "{text}");
        assert_eq!(error.collection(), Some("mails"));
        assert_eq!(it.refs(&there).await, 0);
        assert_eq!(it.count_of(&gone).await, None);
        assert_eq!(Mail::query(&it.db).count().await.unwrap(), 0);
        assert!(mail.id().is_empty());
        mail.pages.clear();
        mail.insert(&it.db).await.unwrap();
        mail.pages = vec![Cover::default()];
        mail.pages[0].image = Some(gone.clone());
        refused(mail.update(&it.db).await, ErrorKind::InvalidDocument);
        it.expect(&there, 1).await;
        mail.delete(&it.db).await.unwrap();
    }
}

async fn a_size_that_is_not_so_is_refused(on: &TestDb) {
    for it in worlds(on).await {
        let content = it.put("content").await;
        let size = content.size();
        let lie = Attachment::new(content.sha256().clone(), size + 1, "text/plain").unwrap();
        let mut scan = scan(&lie);
        refused(scan.insert(&it.db).await, ErrorKind::InvalidDocument);
        scan.page = content.clone();
        scan.insert(&it.db).await.unwrap();
        scan.page = lie;
        refused(scan.update(&it.db).await, ErrorKind::InvalidDocument);
        it.expect(&content, 1).await;
        scan.delete(&it.db).await.unwrap();
    }
}

async fn without_a_storage_nothing_is_written_or_deleted(on: &TestDb) {
    let [it, ..] = &worlds(on).await[..] else {
        panic!("there are two")
    };
    let content = it.put("content").await;
    let (mut stored, mut marked) = (mail(&content), paper(&content));
    stored.insert(&it.db).await.unwrap();
    marked.insert(&it.db).await.unwrap();
    let bare = on.with::<(Mail, Paper)>().await;
    let error = refused(bare.attachments().map(drop), ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("Db::builder().storage("));
    let error = refused(stored.delete(bare).await, ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("Db::builder().storage("));
    assert_eq!(error.collection(), Some("mails"));
    let mut new = mail(&content);
    refused(new.insert(bare).await, ErrorKind::InvalidQuery);
    refused(stored.update(bare).await, ErrorKind::InvalidQuery);
    refused(stored.replace(bare).await, ErrorKind::InvalidQuery);
    let all = Mail::query(bare).all_rows();
    refused(all.delete().await, ErrorKind::InvalidQuery);
    let mut batch = [stored.clone()];
    refused(
        Mail::delete_all(bare, &mut batch).await,
        ErrorKind::InvalidQuery,
    );
    marked.title = "t".into();
    refused(marked.save_changes(bare).await, ErrorKind::InvalidQuery);
    assert_eq!(Mail::find(bare, stored.id()).await.unwrap(), stored);
    it.expect(&content, 2).await;
    // Marking a document lets go of nothing.
    marked.delete(bare).await.unwrap();
    marked.restore(bare).await.unwrap();
    it.expect(&content, 2).await;
    let hard = DeleteOptions::new().hard();
    refused(
        marked.delete_with(bare, hard).await,
        ErrorKind::InvalidQuery,
    );
    assert!(Paper::get(bare, marked.id()).await.unwrap().is_some());
}

async fn without_a_storage_a_cascade_is_refused_and_undone(on: &TestDb) {
    let [it, ..] = &worlds(on).await[..] else {
        panic!("there are two")
    };
    let content = it.put("content").await;
    let mut album = Album {
        scans: vec![Link::new(scan(&content))],
        ..Default::default()
    };
    album.insert(&it.db).await.unwrap();
    let mut sticker = Sticker {
        base: Base::default(),
        album: Link::from(album.id().clone()),
        image: content.clone(),
    };
    sticker.insert(&it.db).await.unwrap();
    let bare = on.with::<(Album, Sticker, Scan)>().await;
    refused(album.delete(bare).await, ErrorKind::InvalidQuery);
    assert_eq!(count::<Album>(bare).await, 1);
    assert_eq!(count::<Sticker>(bare).await, 1);
    assert_eq!(count::<Scan>(bare).await, 1);
    it.expect(&content, 2).await;
}

async fn the_counts_are_not_a_collection_of_the_application(on: &TestDb) {
    for it in worlds(on).await {
        let content = it.put("content").await;
        let mut scan = scan(&content);
        scan.insert(&it.db).await.unwrap();
        let listed = it.db.collections().await.unwrap();
        assert!(
            listed.iter().all(|it| !it.starts_with("_den")),
            "{listed:?}"
        );
        let counts = it.db.collection(COUNTS);
        let id = content.sha256().as_str();
        refused(counts.get(id).await, ErrorKind::NotRegistered);
        refused(counts.delete(id).await, ErrorKind::NotRegistered);
        refused(counts.query().count().await, ErrorKind::NotRegistered);
        it.expect(&content, 1).await;
        scan.delete(&it.db).await.unwrap();
    }
}
