//! Documents in and out: exports, imports, copies, checkpoints.

use std::path::PathBuf;

use den::{Db, Json};
use den_backend::{CollectionMeta, Expectation, Put};
use den_test_harness::TestDb;
use futures_util::TryStreamExt;
use serde_json::json;
use tempfile::TempDir;

pub(crate) mod archives;
pub(crate) mod checkpoints;
pub(crate) mod copies;
pub(crate) mod csv;
pub(crate) mod imports;
pub(crate) mod kills;
pub(crate) mod messy;
pub(crate) mod modes;
pub(crate) mod process;

/// Documents with every kind of value, as text, since that is what has to survive. Only what den itself
/// would store; the rest is in `FOREIGN`.
const ZOO: &[&str] = &[
    r#"{"_id":"integers","zero":0,"max":9223372036854775807,"min":-9223372036854775808,"two53":9007199254740993}"#,
    r#"{"_id":"floats","one":1.0,"int":1,"tenth":0.1,"big":1e300,"small":5e-324,"neg":-2.5e-7,"long":1234567890123456768.0}"#,
    r#"{"_id":"times","_created_at":"2020-01-02T03:04:05.000006Z","_updated_at":"2021-01-02T03:04:05.000006Z","_rev":"7-abc","_deleted_at":null}"#,
    r#"{"_id":"texts","empty":"","quote":"\"\\","line":"a\nb\tc","nul":"no","emoji":"😀 é ñ","esc":"\u0001\u001f","ls":"\u2028"}"#,
    r#"{"_id":"nested","a":{"b":{"c":[1,[2,[3,{"d":null}]],{}]}},"empty":[],"none":{}}"#,
    r#"{"_id":"odd keys","a b":1,"a.b":2,"":3,"'":4,"\"":5,"$":6,"é":7,"B":8,"A":9}"#,
    r#"{"_id":"bools","t":true,"f":false,"n":null}"#,
    r#"{"_id":"Ünï/cödé ../x","x":1}"#,
    r#"{"_id":" ","space":"id"}"#,
    r#"{"_id":"empty"}"#,
];

/// Numbers that another program may have stored; den refuses to.
const FOREIGN: &[&str] = &[
    r#"{"_id":"f1","u64":18446744073709551615,"exp":1e5,"exp2":1.50E+3,"digits":0.10000000000000000000555}"#,
    r#"{"_id":"f2","trailing":1.00,"negzero":-0.0,"huge":123456789012345678901234567890.5}"#,
];

/// Makes a collection.
async fn ensure(on: &TestDb, name: &str) {
    let meta = CollectionMeta::new(name);
    on.backend.ensure_collection(&meta).await.unwrap();
}

/// Makes a collection that holds these documents, as they are written.
async fn plant(on: &TestDb, name: &str, documents: &[&str]) {
    ensure(on, name).await;
    for text in documents {
        let id: Json = serde_json::from_str(text).unwrap();
        let put = Put {
            id: id["_id"].as_str().unwrap(),
            body: text.as_bytes(),
            expect: Expectation::Any,
        };
        on.backend.put(name, put).await.unwrap();
    }
}

/// Makes a collection of documents `{"_id": "0001", "n": 1}`.
async fn fill(on: &TestDb, name: &str, count: u32) {
    let documents: Vec<String> = (1..=count)
        .map(|n| json!({ "_id": format!("{n:04}"), "n": n }).to_string())
        .collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    plant(on, name, &documents).await;
}

/// The ids in a collection, in order.
async fn ids(db: &Db, name: &str) -> Vec<String> {
    let query = den_backend::Query::new(name);
    let rows = db.backend().query(&query).await.unwrap();
    rows.map_ok(|it| it.id).try_collect().await.unwrap()
}

/// A folder, and the path of a file in it.
fn file(name: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::with_prefix("den-transfer-").unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

/// A file with this content.
fn written(name: &str, content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let (folder, path) = file(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}
