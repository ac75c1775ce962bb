//! Lines that are read: what becomes of them, and of those that cannot be stored.

use std::sync::{Arc, Mutex};

use den::{
    ErrorKind, Json,
    transfer::{Export, Import, Mode, Numbers, Progress, Source},
};
use den_backend::IndexKind;
use den_test_harness::{Case, TestDb};

use super::{ZOO, ensure, file, fill, ids, plant, written};

pub(crate) const CASES: &[Case] = &[
    case!(lines_come_back_as_they_were),
    case!(a_folder_comes_back),
    case!(documents_without_an_id_are_new),
    case!(an_id_can_come_from_another_key),
    case!(bad_lines_have_numbers_and_go_to_a_file),
    case!(what_the_database_refuses_goes_to_the_file_too),
    case!(numbers_are_treated_as_told),
    case!(a_position_is_gone_on_from),
    case!(a_source_that_has_changed_is_not_gone_on_with),
    case!(progress_is_told),
    case!(a_file_that_is_not_there_is_an_error, only: [SqliteFile]),
];

fn reader(text: &str) -> Source {
    Source::reader(std::io::Cursor::new(text.to_owned().into_bytes()))
}

async fn lines_come_back_as_they_were(on: &TestDb) {
    plant(on, "zoo", ZOO).await;
    let (folder, _) = file("");
    let done = Export::new(&on.db).jsonl(folder.path()).await.unwrap();
    let first = std::fs::read_to_string(folder.path().join("zoo.jsonl")).unwrap();
    assert_eq!(first.lines().count(), ZOO.len());
    let sha256 = done.collection("zoo").unwrap().sha256.clone().unwrap();
    assert_eq!(sha256.len(), 64);
    let import = Import::new(&on.db).mode(Mode::Replace);
    import.jsonl(folder.path()).await.unwrap();
    let again = Export::new(&on.db).jsonl(folder.path()).await.unwrap();
    assert_eq!(again, done);
    let second = std::fs::read_to_string(folder.path().join("zoo.jsonl")).unwrap();
    assert_eq!(first, second);
}

async fn a_folder_comes_back(on: &TestDb) {
    for name in ["plain", "with space", "a/b", "ünï", ".dot"] {
        fill(on, name, 2).await;
    }
    let (folder, _) = file("");
    Export::new(&on.db).jsonl(folder.path()).await.unwrap();
    std::fs::write(folder.path().join("README.txt"), "not mine").unwrap();
    let mut before = on.db.collections().await.unwrap();
    before.sort_unstable();
    let other = den::Db::open("memory:").await.unwrap();
    let done = Import::new(&other).jsonl(folder.path()).await.unwrap();
    assert_eq!(done.documents(), 10);
    let mut after = other.collections().await.unwrap();
    after.sort_unstable();
    assert_eq!(after, before);
}

async fn documents_without_an_id_are_new(on: &TestDb) {
    let text = "\u{feff}{\"n\":1}\r\n\r\n{\"n\":2,\"_id\":null,\"_created_at\":\"x\"}\n";
    Import::new(&on.db)
        .jsonl_file("c", reader(text))
        .await
        .unwrap();
    let all = on
        .db
        .collection("c")
        .query()
        .sort(den::field("n").asc())
        .all();
    let all: Vec<Json> = all.await.unwrap();
    assert_eq!(all.len(), 2);
    for it in &all {
        assert_eq!(it["_id"].as_str().unwrap().len(), 26);
        assert!(it["_updated_at"].as_str().unwrap().ends_with('Z'));
    }
    assert!(all[0]["_created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(all[1]["_created_at"], "x");
}

async fn an_id_can_come_from_another_key(on: &TestDb) {
    let text = r#"[{"Code": "no"}, {"Code": 47}, {"_id": "x", "Code": "y"}]"#;
    let import = || Import::new(&on.db).id_from("Code").mode(Mode::Upsert);
    for _ in 0..2 {
        import().json_array("c", reader(text)).await.unwrap();
        assert_eq!(ids(&on.db, "c").await, ["47", "no", "x"]);
    }
    let import = import().json_array("c", reader(r#"[{"Code": 1.5}]"#)).await;
    let error = import.unwrap_err().to_string();
    assert!(
        error.contains("line 1: `Code` is neither text nor an integer"),
        "{error}"
    );
}

/// A line each of what cannot be stored, and why.
const BAD: &[(&str, &str)] = &[
    ("{\"_id\":\"a\",\"n\":}", "not JSON"),
    ("{\"_id\":\"a\"", "not JSON"),
    ("[1]", "a document is a JSON object"),
    ("null", "a document is a JSON object"),
    ("{\"_id\":5}", "the `_id` is not text"),
    ("{\"_id\":\"\"}", "the id is empty"),
    ("{\"_id\":\"a\\nb\"}", "control character"),
    (
        "{\"_id\":\"a\",\"x\":{\"y\":\"\\u0000\"}}",
        "`x.y` has a NUL character",
    ),
    ("{\"_id\":\"a\",\"k\":1,\"k\":2}", "`k` occurs twice"),
    (
        "{\"_id\":\"a\",\"n\":[18446744073709551615]}",
        "`n.0` is an integer outside",
    ),
    ("{\"_id\":\"a\",\"n\":1e999}", "too large"),
    ("{\"_id\":\"a\",\"n\":NaN}", "not JSON"),
    ("{\"_id\":\"good\"}", "exists already"),
];

async fn bad_lines_have_numbers_and_go_to_a_file(on: &TestDb) {
    for (line, why) in BAD {
        let text = format!("{{\"_id\":\"good\"}}\n\n{line}\n");
        let import = Import::new(&on.db).mode(Mode::Replace);
        let error = import.jsonl_file("c", reader(&text)).await.unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains("line 3: ") && shown.contains(why),
            "{line}: {shown}"
        );
    }
    let mut text = "{\"_id\":\"good\"}\n".to_owned();
    for (line, _) in BAD {
        text += line;
        text.push('\n');
    }
    let mut bytes = text.into_bytes();
    bytes.extend(b"{\"_id\":\"\xff\"}\n{\"_id\":\"last\"}");
    let (folder, bad) = file("bad.jsonl");
    let import = Import::new(&on.db).mode(Mode::Replace).bad_lines(&bad);
    let source = Source::reader(std::io::Cursor::new(bytes));
    let done = import.jsonl_file("c", source).await.unwrap();
    assert_eq!((done.documents(), done.bad()), (2, BAD.len() as u64 + 1));
    assert_eq!(ids(&on.db, "c").await, ["good", "last"]);
    let lines = std::fs::read_to_string(&bad).unwrap();
    let lines: Vec<Json> = lines
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(lines.len(), BAD.len() + 1);
    for (at, (line, (text, why))) in lines.iter().zip(BAD).enumerate() {
        assert_eq!(line["line"], at + 2);
        assert_eq!(line["text"], *text);
        assert!(line["error"].as_str().unwrap().contains(why), "{line}");
    }
    assert_eq!(lines.last().unwrap()["error"], "it is not UTF-8");
    // Nothing is bad, so there is no file.
    let import = Import::new(&on.db).mode(Mode::Replace).bad_lines(&bad);
    import.jsonl_file("c", reader("{}")).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

async fn what_the_database_refuses_goes_to_the_file_too(on: &TestDb) {
    let path = den_backend::FieldPath::parse("sku").unwrap();
    let mut meta = den_backend::CollectionMeta::new("c");
    let field = den_backend::FieldMeta {
        path: path.clone(),
        kind: den_backend::FieldKind::Text,
    };
    meta.indexes.push(den_backend::IndexMeta {
        name: "c_sku".to_owned(),
        fields: vec![(field.clone(), den_backend::Direction::Asc)],
        kind: IndexKind::Unique,
        filter: den_backend::Expr::always(),
        search: None,
    });
    meta.fields.push(field);
    on.backend.ensure_collection(&meta).await.unwrap();
    let text = "{\"_id\":\"a\",\"sku\":\"1\"}\n{\"_id\":\"b\",\"sku\":\"1\"}\n{\"_id\":\"c\",\"sku\":\"2\"}\n";
    let error = Import::new(&on.db)
        .jsonl_file("c", reader(text))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["sku"]);
    assert!(error.to_string().contains("line 2"), "{error}");
    assert!(ids(&on.db, "c").await.is_empty());
    let (_folder, bad) = file("bad.jsonl");
    let import = Import::new(&on.db).bad_lines(&bad);
    let done = import.jsonl_file("c", reader(text)).await.unwrap();
    assert_eq!((done.documents(), done.bad()), (2, 1));
    assert_eq!(ids(&on.db, "c").await, ["a", "c"]);
    let line: Json = serde_json::from_str(&std::fs::read_to_string(&bad).unwrap()).unwrap();
    assert_eq!(line["line"], 2);
    assert!(line["error"].as_str().unwrap().contains("sku"), "{line}");
}

async fn numbers_are_treated_as_told(on: &TestDb) {
    ensure(on, "c").await;
    let text = r#"{"_id":"a","u":18446744073709551615,"d":0.1234567890123456789012}"#;
    let import = |numbers| {
        Import::new(&on.db)
            .mode(Mode::Replace)
            .numbers(numbers)
            .jsonl_file("c", reader(text))
    };
    assert_eq!(
        import(Numbers::Exact).await.unwrap_err().kind(),
        ErrorKind::InvalidDocument
    );
    import(Numbers::Nearest).await.unwrap();
    let stored = on.db.collection("c").get("a").await.unwrap().unwrap();
    assert_eq!(stored["u"].as_f64(), Some(18_446_744_073_709_551_615.0));
    assert_eq!(stored["d"].as_f64(), Some(0.123_456_789_012_345_68));
    // What programs in other languages write for a float.
    let text = r#"{"_id":"a","x":0.69999999999999996}"#;
    let import = Import::new(&on.db).mode(Mode::Replace);
    import.jsonl_file("c", reader(text)).await.unwrap();
    let seven = on
        .db
        .collection("c")
        .query()
        .filter(den::field("x").eq(0.7));
    assert_eq!(seven.count().await.unwrap(), 1);
}

async fn a_position_is_gone_on_from(on: &TestDb) {
    let line = |n: u32| format!("{{\"n\":{n}}}\n");
    let bad = "{\"n\":\n";
    let first: String = (0..700).map(line).collect();
    let (folder, path) = written("c.jsonl", [&first, bad, &line(700)].concat());
    let import = || Import::new(&on.db).resume(true);
    assert!(import().jsonl_file("c", &path).await.is_err());
    assert_eq!(ids(&on.db, "c").await.len(), 500);
    // Behind the position, the source may be mended.
    std::fs::write(&path, [first.as_str(), &line(700), bad].concat()).unwrap();
    let side = folder.path().join("bad");
    let done = import()
        .bad_lines(&side)
        .jsonl_file("c", &path)
        .await
        .unwrap();
    let done = done.collection("c").unwrap();
    assert_eq!((done.documents, done.resumed, done.bad), (201, 500, 1));
    assert_eq!(on.db.collection("c").query().count().await.unwrap(), 701);
    // Nothing is left to do; then the source grows.
    let again = import()
        .bad_lines(&side)
        .jsonl_file("c", &path)
        .await
        .unwrap();
    assert_eq!(again.documents(), 0);
    let text = std::fs::read_to_string(&path).unwrap() + &line(701);
    std::fs::write(&path, text).unwrap();
    let grown = import()
        .bad_lines(&side)
        .jsonl_file("c", &path)
        .await
        .unwrap();
    assert_eq!(grown.documents(), 1);
    assert_eq!(std::fs::read_to_string(&side).unwrap().lines().count(), 1);
    assert_eq!(on.db.collections().await.unwrap(), ["c"]);
}

async fn a_source_that_has_changed_is_not_gone_on_with(on: &TestDb) {
    let (_folder, path) = written("c.jsonl", "{\"n\":1}\n{\"n\":2}\n");
    let import = || Import::new(&on.db).resume(true);
    import().jsonl_file("c", &path).await.unwrap();
    for other in ["{\"n\":1}\n{\"n\":3}\n", "{\"n\":1}\n"] {
        std::fs::write(&path, other).unwrap();
        let error = import().jsonl_file("c", &path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery);
        assert!(error.to_string().contains("without `resume`"), "{error}");
    }
    assert_eq!(on.db.collection("c").query().count().await.unwrap(), 2);
    // Without, it starts over, and so it does once what was stored is gone.
    let over = Import::new(&on.db).mode(Mode::Replace);
    assert_eq!(over.jsonl_file("c", &path).await.unwrap().documents(), 1);
    let c = on.db.collection("c");
    c.query().all_rows().delete().await.unwrap();
    assert_eq!(
        import().jsonl_file("c", &path).await.unwrap().documents(),
        1
    );
}

async fn progress_is_told(on: &TestDb) {
    let lines: String = (0..1200).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let (_folder, path) = written("c.jsonl", &lines);
    let told: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let tell = |told: &Arc<Mutex<Vec<Progress>>>| {
        let told = Arc::clone(told);
        move |it: &Progress| told.lock().unwrap().push(it.clone())
    };
    let import = Import::new(&on.db).on_progress(tell(&told));
    import.jsonl_file("c", &path).await.unwrap();
    {
        let told = told.lock().unwrap();
        let counts: Vec<u64> = told.iter().map(|it| it.documents).collect();
        assert_eq!(counts, [500, 1000, 1200]);
        let last = told.last().unwrap();
        assert_eq!(last.collection, "c");
        assert_eq!(last.total_bytes, Some(last.bytes));
        assert_eq!(last.bytes, lines.len() as u64);
    }
    told.lock().unwrap().clear();
    let (_folder, path) = file("c.den");
    let export = Export::new(&on.db).on_progress(tell(&told));
    export.archive(&path).await.unwrap();
    let last = told.lock().unwrap().last().unwrap().clone();
    assert_eq!((last.documents, last.total_documents), (1200, Some(1200)));
}

async fn a_file_that_is_not_there_is_an_error(on: &TestDb) {
    let (_folder, path) = file("nope.jsonl");
    let error = Import::new(&on.db)
        .jsonl_file("c", &path)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("nope.jsonl cannot be read"),
        "{error}"
    );
    assert!(Import::new(&on.db).archive(&path).await.is_err());
    assert!(Import::new(&on.db).jsonl(&path).await.is_err());
}
