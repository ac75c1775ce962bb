//! The archive: what is not whole is found out, and nothing of it is stored.

use den::{
    Db, ErrorKind,
    transfer::{self, Destination, Export, Import, Mode, Source},
};
use den_test_harness::{Case, TestDb};

use super::{ZOO, file, fill, ids, plant, written};

pub(crate) const CASES: &[Case] = &[
    case!(an_archive_comes_back),
    case!(an_archive_can_be_a_stream),
    case!(an_archive_cut_anywhere_is_refused),
    case!(a_changed_byte_is_found, only: [SqliteFile]),
    case!(lines_in_another_order_are_found),
    case!(a_damaged_stream_leaves_nothing),
    case!(one_collection_of_an_archive_can_be_read),
    case!(an_archive_that_cannot_be_written_leaves_no_file),
];

async fn archive_of(on: &TestDb) -> String {
    plant(on, "a zoo", ZOO).await;
    fill(on, "b", 3).await;
    super::ensure(on, "empty").await;
    let (_folder, path) = file("all.den");
    Export::new(&on.db).archive(&path).await.unwrap();
    std::fs::read_to_string(&path).unwrap()
}

async fn fresh() -> Db {
    Db::open("memory:").await.unwrap()
}

/// Whether this is found to be no archive, and nothing of it is stored.
async fn refused(content: &[u8]) -> bool {
    let (_folder, path) = written("x.den", content);
    let Err(error) = transfer::check_archive(&path).await else {
        return false;
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let db = fresh().await;
    let error = Import::new(&db).archive(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(db.collections().await.unwrap().is_empty());
    true
}

async fn an_archive_comes_back(on: &TestDb) {
    let text = archive_of(on).await;
    let (_folder, path) = written("all.den", &text);
    let found = transfer::check_archive(&path).await.unwrap();
    assert_eq!(found.documents(), ZOO.len() as u64 + 3);
    let db = fresh().await;
    let done = Import::new(&db).archive(&path).await.unwrap();
    assert_eq!(done, found);
    assert!(transfer::compare(&on.db, &db).await.unwrap().is_equal());
    assert_eq!(db.collections().await.unwrap(), ["a zoo", "b", "empty"]);
    // In place of what is there.
    on.db
        .collection("empty")
        .insert(serde_json::json!({}))
        .await
        .unwrap();
    on.db.collection("b").delete("0001").await.unwrap();
    let import = Import::new(&on.db).mode(Mode::Replace);
    import.archive(&path).await.unwrap();
    assert!(transfer::compare(&on.db, &db).await.unwrap().is_equal());
}

async fn an_archive_can_be_a_stream(on: &TestDb) {
    let text = archive_of(on).await;
    let (reader, writer) = std::io::pipe().unwrap();
    let reading = async {
        let db = fresh().await;
        let import = Import::new(&db).archive(Source::reader(reader));
        import.await.unwrap();
        db
    };
    let writing = Export::new(&on.db).archive(Destination::writer(writer));
    let (db, written) = tokio::join!(reading, writing);
    written.unwrap();
    assert!(transfer::compare(&on.db, &db).await.unwrap().is_equal());
    assert!(!text.is_empty());
}

async fn an_archive_cut_anywhere_is_refused(on: &TestDb) {
    let text = archive_of(on).await;
    assert!(!refused(text.as_bytes()).await);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        for cut in [at, at + line.len() / 2, at + line.len() - 1] {
            assert!(refused(&text.as_bytes()[..cut]).await, "at byte {cut}");
        }
        at += line.len();
    }
    assert!(refused(&[text.as_bytes(), b"\n"].concat()).await);
    assert!(refused(&[text.as_bytes(), text.as_bytes()].concat()).await);
}

async fn a_changed_byte_is_found(on: &TestDb) {
    let text = archive_of(on).await;
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] ^= 1;
        let (_folder, path) = written("x.den", &changed);
        assert!(transfer::check_archive(&path).await.is_err(), "byte {at}");
    }
}

async fn lines_in_another_order_are_found(on: &TestDb) {
    let text = archive_of(on).await;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for at in 1..lines.len() {
        let mut swapped = lines.clone();
        swapped.swap(at - 1, at);
        assert!(refused(swapped.concat().as_bytes()).await, "line {at}");
        let mut without = lines.clone();
        without.remove(at);
        assert!(refused(without.concat().as_bytes()).await, "line {at}");
        let mut twice = lines.clone();
        twice.insert(at, lines[at]);
        assert!(refused(twice.concat().as_bytes()).await, "line {at}");
    }
}

async fn a_damaged_stream_leaves_nothing(on: &TestDb) {
    let text = archive_of(on).await;
    let cut = text.len() - 1;
    for mode in [Mode::Replace, Mode::Upsert] {
        let source = Source::reader(std::io::Cursor::new(text.clone().into_bytes()));
        Import::new(&on.db)
            .mode(mode)
            .archive(source)
            .await
            .unwrap();
        on.db.collection("b").delete("0001").await.unwrap();
        let source = std::io::Cursor::new(text.as_bytes()[..cut].to_vec());
        let import = Import::new(&on.db)
            .mode(mode)
            .archive(Source::reader(source));
        assert_eq!(import.await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(ids(&on.db, "b").await, ["0002", "0003"]);
    }
}

async fn one_collection_of_an_archive_can_be_read(on: &TestDb) {
    let text = archive_of(on).await;
    let (_folder, path) = written("all.den", &text);
    let db = fresh().await;
    let done = Import::new(&db)
        .collections(["b"])
        .archive(&path)
        .await
        .unwrap();
    assert_eq!(done.documents(), 3);
    assert_eq!(db.collections().await.unwrap(), ["b"]);
    let import = Import::new(&db).collections(["c"]).archive(&path).await;
    assert_eq!(import.unwrap_err().kind(), ErrorKind::NotFound);
}

async fn an_archive_that_cannot_be_written_leaves_no_file(on: &TestDb) {
    fill(on, "b", 3).await;
    let (folder, path) = file("x.den");
    let export = Export::new(&on.db).collections(["b", "nope"]);
    let error = export.archive(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
