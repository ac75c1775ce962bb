//! What every storage must do.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use den_backend::ErrorKind;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{chunk, chunks, folder, storages, text};
use crate::{
    Result,
    attachments::{
        Attachment, Attachments, Content, ContentHash, ContentReader, MemoryStorage, PutOptions,
        Storage, Stored, Upload,
    },
};

async fn list(attachments: &Attachments) -> Vec<Stored> {
    attachments.storage().list().try_collect().await.unwrap()
}

#[tokio::test]
async fn what_is_put_can_be_read() {
    for (attachments, _dir) in storages() {
        let put = attachments.put("Hello", text().name("hello.txt")).await;
        let hello = put.unwrap();
        assert_eq!(*hello.sha256(), ContentHash::of(b"Hello"));
        assert_eq!(hello.size(), 5);
        assert_eq!(hello.media_type(), "text/plain");
        assert_eq!(hello.name(), Some("hello.txt"));
        let reader = attachments.open(&hello).await.unwrap();
        assert_eq!((reader.size(), reader.total()), (5, 5));
        assert_eq!(reader.bytes().await.unwrap(), b"Hello");
        assert!(attachments.exists(&hello).await.unwrap());
        attachments.verify(&hello).await.unwrap();
        let all = list(&attachments).await;
        let [stored] = all.as_slice() else {
            panic!("{all:?}")
        };
        assert_eq!((&stored.hash, stored.size), (hello.sha256(), 5));
        let age = crate::Timestamp::now().as_unix_micros() - stored.modified.as_unix_micros();
        assert!(age.abs() < 60_000_000, "{age}");
    }
}

#[tokio::test]
async fn every_source_of_the_same_bytes_is_the_same_content() {
    for (attachments, _dir) in storages() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|it| it.to_le_bytes()[0]).collect();
        let pieces: Vec<io::Result<Bytes>> = bytes
            .chunks(70_001)
            .map(|it| Ok(Bytes::copy_from_slice(it)))
            .collect();
        let sources: Vec<Content<'_>> = vec![
            bytes.clone().into(),
            Bytes::from(bytes.clone()).into(),
            bytes.as_slice().into(),
            Content::reader(bytes.as_slice()),
            Content::stream(stream::iter(pieces)),
        ];
        for source in sources {
            let it = attachments
                .put(source, PutOptions::default())
                .await
                .unwrap();
            assert_eq!(*it.sha256(), ContentHash::of(&bytes));
            assert_eq!(it.media_type(), "application/octet-stream");
        }
        assert_eq!(list(&attachments).await.len(), 1);
    }
}

#[tokio::test]
async fn nothing_is_content_too() {
    for (attachments, _dir) in storages() {
        for source in [Content::from(""), Content::stream(chunks(0, 0, None))] {
            let empty = attachments.put(source, text()).await.unwrap();
            assert_eq!(empty.size(), 0);
            assert_eq!(*empty.sha256(), ContentHash::of(b""));
            let reader = attachments.open(&empty).await.unwrap();
            assert_eq!(reader.bytes().await.unwrap(), b"");
            let reader = attachments.open_range(&empty, 0..0).await.unwrap();
            assert_eq!(reader.bytes().await.unwrap(), b"");
            attachments.verify(&empty).await.unwrap();
        }
    }
}

#[tokio::test]
async fn many_parts_make_one_content() {
    // Enough for several parts of an object store, with a rest.
    for (attachments, _dir) in storages() {
        let put = attachments.put(Content::stream(chunks(300, 100_003, None)), text());
        let it = put.await.unwrap();
        assert_eq!(it.size(), 300 * 100_003);
        attachments.verify(&it).await.unwrap();
        let reader = attachments.open_range(&it, 100_003..200_006).await.unwrap();
        assert_eq!(reader.bytes().await.unwrap(), chunk(1, 100_003));
        let swept = attachments.storage().sweep_uploads(Duration::ZERO).await;
        assert_eq!(swept.unwrap(), 0);
        assert_eq!(list(&attachments).await.len(), 1);
    }
}

#[tokio::test]
async fn a_range_lies_within_the_content() {
    for (attachments, _dir) in storages() {
        let it = attachments.put("0123456789", text()).await.unwrap();
        let read = async |range: (std::ops::Bound<u64>, std::ops::Bound<u64>)| {
            let reader = attachments.open_range(&it, range).await?;
            assert_eq!(reader.total(), 10);
            let size = reader.size();
            let bytes = reader.bytes().await?;
            assert_eq!(u64::try_from(bytes.len()).unwrap(), size);
            Ok::<_, crate::Error>(String::from_utf8(bytes).unwrap())
        };
        use std::ops::Bound::{Excluded, Included, Unbounded};
        for (range, expected) in [
            ((Included(0), Excluded(10)), "0123456789"),
            ((Unbounded, Unbounded), "0123456789"),
            ((Included(3), Excluded(5)), "34"),
            ((Included(3), Included(5)), "345"),
            ((Excluded(3), Included(5)), "45"),
            ((Included(9), Unbounded), "9"),
            ((Included(10), Unbounded), ""),
            ((Included(4), Excluded(4)), ""),
            ((Unbounded, Included(9)), "0123456789"),
        ] {
            assert_eq!(read(range).await.unwrap(), expected, "{range:?}");
        }
        for range in [
            (Included(0), Excluded(11)),
            (Included(11), Unbounded),
            (Included(6), Excluded(5)),
            (Excluded(u64::MAX), Included(u64::MAX)),
            (Unbounded, Included(u64::MAX)),
        ] {
            let error = read(range).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{range:?}");
        }
        let error = attachments.open_range(&it, 5..11).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the range 5..11 does not lie within content of 10 bytes"
        );
        // An attachment that claims more than there is does not get more.
        let liar = Attachment::new(it.sha256().clone(), 20, "text/plain").unwrap();
        let error = attachments.open_range(&liar, 5..11).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery);
        let error = attachments.verify(&liar).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    for (attachments, _dir) in storages() {
        let hash = ContentHash::of(b"never put");
        let it = Attachment::new(hash.clone(), 9, "text/plain").unwrap();
        assert!(!attachments.exists(&it).await.unwrap());
        for error in [
            attachments.open(&it).await.unwrap_err(),
            attachments.open_range(&it, 0..1).await.unwrap_err(),
            attachments.verify(&it).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::NotFound);
            let expected = format!("no content with this SHA-256 is stored: {hash}");
            assert_eq!(error.to_string(), expected);
        }
        assert!(!attachments.storage().delete(&hash).await.unwrap());
        assert_eq!(list(&attachments).await, []);
    }
}

#[tokio::test]
async fn delete_removes_the_content_and_may_be_repeated() {
    for (attachments, _dir) in storages() {
        let it = attachments.put("gone", text()).await.unwrap();
        let other = attachments.put("stays", text()).await.unwrap();
        assert!(attachments.storage().delete(it.sha256()).await.unwrap());
        assert!(!attachments.storage().delete(it.sha256()).await.unwrap());
        assert!(!attachments.exists(&it).await.unwrap());
        attachments.verify(&other).await.unwrap();
        let again = attachments.put("gone", text()).await.unwrap();
        assert_eq!(again, it);
        attachments.verify(&it).await.unwrap();
    }
}

#[tokio::test]
async fn a_failed_put_stores_nothing() {
    for (attachments, _dir) in storages() {
        let source = Content::stream(chunks(200, 100_000, Some("the line went dead")));
        let error = attachments.put(source, text()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Hook);
        assert_eq!(
            error.to_string(),
            "the content could not be read to its end"
        );
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "the line went dead");

        let limited = text().limit(1_000_000);
        let source = Content::stream(chunks(11, 100_000, None));
        let error = attachments.put(source, limited.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidDocument);
        assert_eq!(
            error.to_string(),
            "the content has more than the 1000000 bytes that are allowed"
        );
        assert_eq!(list(&attachments).await, []);
        let source = Content::stream(chunks(10, 100_000, None));
        assert!(attachments.put(source, limited).await.is_ok());
    }
}

#[tokio::test]
async fn what_is_said_of_content_is_checked_before_it_is_read() {
    for (attachments, _dir) in storages() {
        for options in [
            PutOptions::new("text/plain\r\nX-Evil: 1"),
            PutOptions::new("../../etc/passwd"),
            PutOptions::new(""),
            text().name("../../pwned.txt"),
            text().name("/tmp/pwned.txt"),
            text().name("..\\pwned.txt"),
            text().name(".."),
            text().name(""),
            text().name("a\0b"),
        ] {
            let source = Content::stream(stream::poll_fn(
                |_| -> std::task::Poll<Option<io::Result<Bytes>>> { panic!("it was read") },
            ));
            let error = attachments.put(source, options).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidDocument);
        }
        assert_eq!(list(&attachments).await, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_content_from_many_at_once_is_stored_once() {
    for (attachments, _dir) in storages() {
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let attachments = attachments.clone();
                tokio::spawn(async move {
                    let source = Content::stream(chunks(30, 100_000, None));
                    let it = attachments.put(source, text()).await.unwrap();
                    attachments.verify(&it).await.unwrap();
                    it
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.push(task.await.unwrap());
        }
        all.dedup();
        assert_eq!(all.len(), 1);
        assert_eq!(list(&attachments).await.len(), 1);
    }
}

#[tokio::test]
async fn a_reader_goes_on_while_the_content_is_deleted_and_put_again() {
    let (attachments, _dir) = folder();
    let source = Content::stream(chunks(20, 100_000, None));
    let it = attachments.put(source, text()).await.unwrap();
    let mut reader = attachments.open(&it).await.unwrap();
    let first = reader.next().await.unwrap().unwrap();
    attachments.storage().delete(it.sha256()).await.unwrap();
    let rest = reader.bytes().await.unwrap();
    assert_eq!(ContentHash::of(&[&first[..], &rest].concat()), *it.sha256());
}

/// A storage that counts what it has taken, to see how far ahead the source is.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn Storage>,
    taken: Arc<AtomicUsize>,
    largest: Arc<AtomicUsize>,
}

struct CountingUpload {
    inner: Box<dyn Upload>,
    taken: Arc<AtomicUsize>,
    largest: Arc<AtomicUsize>,
}

#[async_trait]
impl Storage for Counting {
    async fn upload(&self) -> Result<Box<dyn Upload>> {
        Ok(Box::new(CountingUpload {
            inner: self.inner.upload().await?,
            taken: Arc::clone(&self.taken),
            largest: Arc::clone(&self.largest),
        }))
    }

    async fn open(
        &self,
        hash: &ContentHash,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<ContentReader> {
        self.inner.open(hash, range).await
    }

    async fn size(&self, hash: &ContentHash) -> Result<Option<u64>> {
        self.inner.size(hash).await
    }

    async fn delete(&self, hash: &ContentHash) -> Result<bool> {
        self.inner.delete(hash).await
    }

    fn url(&self, attachment: &Attachment) -> Option<String> {
        self.inner.url(attachment)
    }

    fn list(&self) -> futures_core::stream::BoxStream<'_, Result<Stored>> {
        self.inner.list()
    }

    async fn sweep_uploads(&self, age: Duration) -> Result<u64> {
        self.inner.sweep_uploads(age).await
    }
}

#[async_trait]
impl Upload for CountingUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let len = bytes.len();
        self.largest.fetch_max(len, Ordering::SeqCst);
        self.inner.write(bytes).await?;
        self.taken.fetch_add(len, Ordering::SeqCst);
        Ok(())
    }

    async fn finish(self: Box<Self>, hash: &ContentHash) -> Result<()> {
        self.inner.finish(hash).await
    }
}

#[tokio::test]
async fn a_large_content_is_never_in_memory() {
    const CHUNK: usize = 1000;
    const COUNT: usize = (64 << 20) / CHUNK;
    let (attachments, _dir) = folder();
    let taken = Arc::new(AtomicUsize::new(0));
    let largest = Arc::new(AtomicUsize::new(0));
    let counting = Attachments::new(Counting {
        inner: Arc::clone(attachments.storage()),
        taken: Arc::clone(&taken),
        largest: Arc::clone(&largest),
    });
    let source = stream::iter(0..COUNT).map(|at| {
        let ahead = at * CHUNK - taken.load(Ordering::SeqCst);
        assert!(ahead <= 512 << 10, "{ahead} bytes are in memory");
        Ok::<_, io::Error>(chunk(at, CHUNK))
    });
    let it = counting.put(Content::stream(source), text()).await.unwrap();
    assert_eq!(it.size(), u64::try_from(COUNT * CHUNK).unwrap());
    // In pieces of a good size, however small the chunks are.
    assert!(largest.load(Ordering::SeqCst) < 512 << 10);
    attachments.verify(&it).await.unwrap();
    let mut reader = attachments.open(&it).await.unwrap();
    while let Some(bytes) = reader.try_next().await.unwrap() {
        assert!(bytes.len() <= 512 << 10);
    }
}

#[tokio::test]
async fn a_storage_that_gives_too_much_or_too_little_is_found_out() {
    for (given, is_fine) in [("abc", false), ("abcd", true), ("abcde", false)] {
        let parts = given.as_bytes().chunks(2);
        let parts: Vec<_> = parts.map(|it| Ok(Bytes::copy_from_slice(it))).collect();
        let reader = ContentReader::new(0..4, 4, stream::iter(parts));
        let read = reader.bytes().await;
        assert_eq!(read.is_ok(), is_fine, "{given}");
        if let Err(error) = read {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }
}

#[tokio::test]
async fn a_url_follows_from_the_hash() {
    let storage = MemoryStorage::new().url_prefix("https://cdn.test/");
    let attachments = Attachments::new(storage);
    let options = text().name("x.txt");
    let it = attachments.put("x", options).await.unwrap();
    let hash = it.sha256();
    let expected = format!("https://cdn.test/2d/71/{hash}");
    assert_eq!(attachments.url(&it), Some(expected));
    let nobody = Attachments::new(MemoryStorage::new());
    assert_eq!(nobody.url(&it), None);
}
