//! Documents with attachments, and what the themes about them share.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use den::{
    Json,
    attachments::{
        Attachment, Attachments, FolderStorage, MemoryStorage, PutOptions, Storage, SweepReport,
    },
    prelude::*,
    testing::Recorder,
};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::harness::TestDb;

/// Attachments wherever one can lie.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "mails")]
pub(super) struct Mail {
    #[serde(flatten)]
    pub(super) base: Base<Mail>,
    #[den(unique)]
    pub(super) subject: Option<String>,
    pub(super) picture: Option<Attachment>,
    pub(super) files: Vec<Attachment>,
    pub(super) cover: Cover,
    pub(super) by_name: BTreeMap<String, Attachment>,
    pub(super) pages: Vec<Cover>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct Cover {
    pub(super) title: String,
    pub(super) image: Option<Attachment>,
}

/// A document that cannot be without its attachment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "scans")]
pub(super) struct Scan {
    #[serde(flatten)]
    pub(super) base: Base<Scan>,
    pub(super) page: Attachment,
}

/// A document that is marked as deleted, and remembers what is stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "papers", revision)]
pub(super) struct Paper {
    #[serde(flatten)]
    pub(super) base: Base<Paper>,
    #[serde(flatten)]
    pub(super) deletion: SoftDelete,
    #[serde(skip)]
    pub(super) tracked: Tracked,
    pub(super) title: String,
    pub(super) file: Option<Attachment>,
}

/// A holder of links to documents with attachments.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "albums")]
pub(super) struct Album {
    #[serde(flatten)]
    pub(super) base: Base<Album>,
    #[den(owned)]
    pub(super) scans: Vec<Link<Scan>>,
    pub(super) mail: Option<Link<Mail>>,
}

/// A document that goes with its album.
#[derive(Debug, Clone, Serialize, Deserialize, Document)]
#[den(collection = "stickers")]
pub(super) struct Sticker {
    #[serde(flatten)]
    pub(super) base: Base<Sticker>,
    #[den(on_delete = "cascade")]
    pub(super) album: Link<Album>,
    pub(super) image: Attachment,
}

pub(super) fn mail(picture: &Attachment) -> Mail {
    Mail {
        picture: Some(picture.clone()),
        ..Default::default()
    }
}

pub(super) fn scan(page: &Attachment) -> Scan {
    Scan {
        base: Base::default(),
        page: page.clone(),
    }
}

pub(super) fn paper(file: &Attachment) -> Paper {
    Paper {
        file: Some(file.clone()),
        ..Default::default()
    }
}

/// A database with a storage, and what a case needs of both.
pub(super) struct World<'a> {
    pub(super) db: Db,
    pub(super) recorder: Recorder,
    pub(super) storage: Arc<dyn Storage>,
    on: &'a TestDb,
    /// What tells contents of this world from those of the other.
    kind: &'static str,
    _folder: Option<TempDir>,
}

/// The database of a case with each kind of storage, one after the other: nothing that one world
/// puts is the same as in the other.
pub(super) async fn worlds(on: &TestDb) -> Vec<World<'_>> {
    let folder = TempDir::with_prefix("den-attachments-").unwrap();
    let in_folder = Arc::new(FolderStorage::open(folder.path()).unwrap());
    vec![
        World::open(on, "memory", Arc::new(MemoryStorage::new()), None).await,
        World::open(on, "folder", in_folder, Some(folder)).await,
    ]
}

impl<'a> World<'a> {
    pub(super) async fn open(
        on: &'a TestDb,
        kind: &'static str,
        storage: Arc<dyn Storage>,
        folder: Option<TempDir>,
    ) -> Self {
        let (backend, recorder) = Recorder::wrap(Arc::clone(&on.backend));
        let db = Db::builder()
            .shared_backend(backend)
            .shared_storage(Arc::clone(&storage))
            .register::<(Mail, Scan, Paper, Album, Sticker)>()
            .open()
            .await
            .unwrap();
        Self {
            db,
            recorder,
            storage,
            on,
            kind,
            _folder: folder,
        }
    }

    /// Stores content.
    pub(super) async fn put(&self, text: &str) -> Attachment {
        self.try_put(text).await.unwrap()
    }

    pub(super) async fn try_put(&self, text: &str) -> den::Result<Attachment> {
        let text = format!("{} {text}", self.kind);
        let attachments = self.db.attachments()?;
        attachments.put(text, PutOptions::new("text/plain")).await
    }

    /// Whether the bytes are there.
    pub(super) async fn has(&self, it: &Attachment) -> bool {
        self.storage.size(it.sha256()).await.unwrap().is_some()
    }

    /// Makes sure that the bytes are there, whoever refers to them.
    pub(super) async fn expect_stored(&self, it: &Attachment) {
        assert!(self.has(it).await, "{}", self.kind);
    }

    /// How many documents refer to the content, as it was counted.
    pub(super) async fn refs(&self, it: &Attachment) -> u64 {
        self.count_of(it)
            .await
            .map_or(0, |it| it["refs"].as_u64().unwrap())
    }

    pub(super) async fn count_of(&self, it: &Attachment) -> Option<Json> {
        let found = self.on.backend.get(COUNTS, it.sha256().as_str()).await;
        let raw = found.unwrap()?;
        Some(serde_json::from_slice(&raw.body).unwrap())
    }

    /// Makes sure that so many documents refer to the content by the count, and that the bytes are
    /// there if one does.
    #[track_caller]
    pub(super) fn expect<'b>(
        &'b self,
        it: &'b Attachment,
        refs: u64,
    ) -> impl Future<Output = ()> + 'b {
        let place = std::panic::Location::caller();
        async move {
            let found = (self.refs(it).await, self.has(it).await);
            assert_eq!(found, (refs, refs > 0), "{place} ({})", self.kind);
        }
    }

    /// How many contents are stored.
    pub(super) async fn stored(&self) -> usize {
        let all: Vec<_> = self.storage.list().try_collect().await.unwrap();
        all.len()
    }

    /// What `put` would answer, without putting anything.
    pub(super) async fn put_elsewhere(&self, text: &str) -> Attachment {
        let elsewhere = Attachments::new(MemoryStorage::new());
        let text = format!("{} {text}", self.kind);
        let options = PutOptions::new("text/plain");
        elsewhere.put(text, options).await.unwrap()
    }

    /// Removes what no document refers to, however young.
    pub(super) async fn sweep_attempt(&self) -> den::Result<SweepReport> {
        let attachments = self.db.attachments()?;
        attachments.sweep(Duration::ZERO).await
    }

    pub(super) async fn sweep_all(&self) -> SweepReport {
        self.sweep_attempt().await.unwrap()
    }

    /// Makes sure that counts and bytes are what the documents say: every count is right, content
    /// that a document refers to is there, and after a sweep no other.
    pub(super) async fn check_all(&self, note: &str) {
        let attachments = self.db.attachments().unwrap();
        let report = attachments.miscounts().await.unwrap();
        assert!(report.corrected.is_empty(), "{note}: {report:?}");
        // Of what the other world has put nothing is here. What a dropped operation had handed to a
        // thread for files may still be put in place behind a sweep: the next one takes it.
        for rest in (0..1000).rev() {
            self.sweep_all().await;
            let used = attachments.miscounts().await.unwrap();
            let there = usize::try_from(used.contents).unwrap() - used.missing.len();
            let stored = self.stored().await;
            if stored == there {
                break;
            }
            assert!(rest > 0, "{note}: {stored} stored, but {used:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The collection of the counts.
pub(super) const COUNTS: &str = "_den_attachments";
