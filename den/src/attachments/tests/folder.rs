//! What a folder storage does on disk.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use den_backend::ErrorKind;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{chunks, folder, text};
use crate::attachments::{Attachment, Attachments, Content, ContentHash, FolderStorage, Stored};

fn place(root: &Path, hash: &ContentHash) -> PathBuf {
    root.join(&hash.as_str()[..2])
        .join(&hash.as_str()[2..4])
        .join(hash.as_str())
}

/// Every file below a folder, relative to it.
fn files(root: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if fs::symlink_metadata(&path).unwrap().is_dir() {
                folders.push(path);
            } else {
                all.insert(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    all
}

fn writable(path: &Path) -> fs::File {
    fs::File::options().write(true).open(path).unwrap()
}

fn source(error: &crate::Error) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

#[tokio::test]
async fn content_lies_under_its_hash_and_nothing_else_is_left() {
    let (attachments, dir) = folder();
    let it = attachments.put("abc", text().name("x.sh")).await.unwrap();
    let expected =
        Path::new("ba/78").join("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(files(dir.path()), BTreeSet::from([expected.clone()]));
    assert_eq!(fs::read(dir.path().join(expected)).unwrap(), b"abc");
    // Another name and another type: the same content, in the same place.
    let other = crate::attachments::PutOptions::new("image/png").name("y.png");
    let other = attachments.put("abc", other).await.unwrap();
    assert_eq!(other.sha256(), it.sha256());
    assert_eq!(files(dir.path()).len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn content_that_is_there_is_kept_and_counts_as_new() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let (attachments, dir) = folder();
    let it = attachments.put("abc", text()).await.unwrap();
    let path = place(dir.path(), it.sha256());
    let before = fs::metadata(&path).unwrap();
    assert_eq!(before.permissions().mode() & 0o137, 0);
    let long_ago = SystemTime::now() - Duration::from_secs(100_000);
    let file = writable(&path);
    file.set_modified(long_ago).unwrap();
    attachments.put("abc", text()).await.unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_eq!(after.ino(), before.ino());
    let age = after.modified().unwrap().elapsed().unwrap_or_default();
    assert!(age < Duration::from_secs(1000), "{age:?}");
    assert_eq!(files(dir.path()).len(), 1);
}

#[tokio::test]
async fn damaged_content_is_found_and_repaired() {
    let (attachments, dir) = folder();
    let it = attachments.put("abc", text()).await.unwrap();
    let path = place(dir.path(), it.sha256());
    fs::write(&path, "abx").unwrap();
    let error = attachments.verify(&it).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(
        error.to_string(),
        format!("the stored content is damaged: {}", it.sha256())
    );
    // A file that was cut off is seen without reading it, and replaced by the next put.
    fs::write(&path, "a").unwrap();
    let error = attachments.verify(&it).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    attachments.put("abc", text()).await.unwrap();
    attachments.verify(&it).await.unwrap();
}

#[tokio::test]
async fn a_file_that_shrinks_under_a_reader_is_an_error() {
    let (attachments, dir) = folder();
    let content = Content::stream(chunks(20, 100_000, None));
    let it = attachments.put(content, text()).await.unwrap();
    let mut reader = attachments.open(&it).await.unwrap();
    reader.next().await.unwrap().unwrap();
    let file = writable(&place(dir.path(), it.sha256()));
    file.set_len(500_000).unwrap();
    let error = reader.bytes().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn an_upload_that_is_dropped_leaves_nothing() {
    let (attachments, dir) = folder();
    for count in [0, 1, 5, 50] {
        let never_ending = chunks(count, 100_000, None).chain(stream::pending());
        let put = attachments.put(Content::stream(never_ending), text());
        let put = tokio::time::timeout(Duration::from_millis(100), put);
        assert!(put.await.is_err());
    }
    // A write may be under way on another thread; its file goes when it ends.
    for _ in 0..100 {
        if files(dir.path()).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", files(dir.path()));
}

#[tokio::test]
async fn what_a_crash_leaves_is_swept_when_it_is_old() {
    let (attachments, dir) = folder();
    let storage = attachments.storage();
    let mut upload = storage.upload().await.unwrap();
    upload
        .write(Bytes::from_static(b"half of it"))
        .await
        .unwrap();
    // Like a process that was killed: nothing is dropped.
    std::mem::forget(upload);
    let kept = attachments.put("kept", text()).await.unwrap();
    assert_eq!(files(dir.path()).len(), 2);
    let all: Vec<Stored> = storage.list().try_collect().await.unwrap();
    assert_eq!(all.len(), 1);
    let hour = Duration::from_secs(3600);
    assert_eq!(storage.sweep_uploads(hour).await.unwrap(), 0);
    assert_eq!(files(dir.path()).len(), 2);
    for path in files(dir.path()) {
        let file = writable(&dir.path().join(path));
        file.set_modified(SystemTime::now() - 2 * hour).unwrap();
    }
    assert_eq!(storage.sweep_uploads(hour).await.unwrap(), 1);
    attachments.verify(&kept).await.unwrap();
    assert_eq!(files(dir.path()).len(), 1);
}

#[tokio::test]
async fn only_content_is_listed() {
    let (attachments, dir) = folder();
    let it = attachments.put("abc", text()).await.unwrap();
    let hash = it.sha256().as_str();
    for stranger in ["README", "ba/notes", "ba/78/notes", "uploads/old"] {
        fs::write(dir.path().join(stranger), "x").unwrap();
    }
    // A good name in a wrong place.
    fs::write(dir.path().join("ba").join(hash), "x").unwrap();
    fs::create_dir_all(dir.path().join("ff/ff")).unwrap();
    fs::write(dir.path().join("ff/ff").join(hash), "x").unwrap();
    let all: Vec<Stored> = attachments.storage().list().try_collect().await.unwrap();
    let hashes: Vec<_> = all.iter().map(|it| &it.hash).collect();
    assert_eq!(hashes, [it.sha256()]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_folder_is_not_followed() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "abc").unwrap();
    let hash = ContentHash::of(b"abc");
    let it = Attachment::new(hash.clone(), 3, "text/plain").unwrap();
    let links: [fn(&Path, &Path, &ContentHash); 4] = [
        |root, outside, _| symlink(outside, root.join("ba")).unwrap(),
        |root, outside, _| {
            fs::create_dir(root.join("ba")).unwrap();
            symlink(outside, root.join("ba/78")).unwrap();
        },
        |root, outside, hash| {
            fs::create_dir_all(root.join("ba/78")).unwrap();
            symlink(outside.join("secret"), place(root, hash)).unwrap();
        },
        |root, outside, _| {
            fs::remove_dir(root.join("uploads")).unwrap();
            symlink(outside, root.join("uploads")).unwrap();
        },
    ];
    for link in links {
        let (attachments, dir) = folder();
        link(dir.path(), outside.path(), &hash);
        let storage = attachments.storage();
        for error in [
            attachments.put("abc", text()).await.map(|_| ()),
            attachments.open(&it).await.map(|_| ()),
            attachments.exists(&it).await.map(|_| ()),
            storage.delete(&hash).await.map(|_| ()),
        ]
        .map(|it| it.unwrap_err())
        {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            let expected =
                "is a link, or something else that does not belong into a storage folder";
            assert!(error.to_string().ends_with(expected), "{error}");
        }
        // A list does not follow it either.
        let listed: Vec<crate::Result<Stored>> = storage.list().collect().await;
        assert!(!listed.iter().any(Result::is_ok), "{listed:?}");
        let is_refused = FolderStorage::open(dir.path()).is_err();
        assert_eq!(is_refused, dir.path().join("uploads").is_symlink());
    }
    // Nothing was added, changed or removed.
    assert_eq!(files(outside.path()), BTreeSet::from(["secret".into()]));
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"abc");
}

#[tokio::test]
async fn a_folder_that_is_gone_is_an_error_and_not_an_empty_storage() {
    let (attachments, dir) = folder();
    let it = attachments.put("abc", text()).await.unwrap();
    // Like a disk that is not mounted.
    for entry in fs::read_dir(dir.path()).unwrap() {
        fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
    let storage = attachments.storage();
    let listed: crate::Result<Vec<Stored>> = storage.list().try_collect().await;
    for error in [
        attachments.put("abc", text()).await.map(|_| ()),
        attachments.open(&it).await.map(|_| ()),
        attachments.exists(&it).await.map(|_| ()),
        storage.delete(it.sha256()).await.map(|_| ()),
        storage.sweep_uploads(Duration::ZERO).await.map(|_| ()),
        listed.map(|_| ()),
    ]
    .map(|it| it.unwrap_err())
    {
        assert_eq!(error.kind(), ErrorKind::Backend);
        let expected = format!("the storage folder {} is gone", dir.path().display());
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_folder_is_created_and_may_be_relative() {
    let dir = tempfile::tempdir_in(".").unwrap();
    let relative = Path::new(dir.path().file_name().unwrap()).join("a/b");
    let attachments = Attachments::new(FolderStorage::open(&relative).unwrap());
    let it = attachments.put("abc", text()).await.unwrap();
    assert!(place(&dir.path().join("a/b"), it.sha256()).is_file());
    let error = FolderStorage::open("").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert_eq!(error.to_string(), "the path of the storage folder is empty");
}

#[cfg(unix)]
#[tokio::test]
async fn a_failure_of_the_disk_names_the_file_and_the_cause() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = FolderStorage::open(file.join("files")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert_eq!(
        error.to_string(),
        format!(
            "could not create the storage folder {}/files",
            file.display()
        )
    );
    let cause = std::io::Error::from(std::io::ErrorKind::NotADirectory).to_string();
    assert!(source(&error).to_lowercase().contains(&cause), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_read_only_folder_is_an_error_that_says_so() {
    use std::os::unix::fs::PermissionsExt;

    let (attachments, dir) = folder();
    let set = |mode| {
        let uploads = dir.path().join("uploads");
        fs::set_permissions(uploads, fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o500);
    let put = attachments.put("abc", text()).await;
    set(0o700);
    match put {
        Err(error) => {
            let start = format!("could not create the file {}", dir.path().display());
            assert!(error.to_string().starts_with(&start), "{error}");
            assert!(source(&error).contains("ermission denied"), "{error:?}");
        }
        // Root may write wherever it likes, so look at what nobody may write to.
        Ok(_) if cfg!(target_os = "linux") => {
            let error = FolderStorage::open("/proc/files").unwrap_err();
            assert_eq!(
                error.to_string(),
                "could not create the storage folder /proc/files"
            );
        }
        Ok(_) => {}
    }
}
