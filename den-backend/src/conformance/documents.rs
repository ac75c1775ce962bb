//! Documents in and out.

use crate::{
    Backend, DeleteOutcome, Expectation, PutOutcome, Query, RawDocument, Refusal,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(get_of_missing_is_none),
    case!(what_is_put_is_got),
    case!(put_replaces_the_whole_document),
    case!(delete_removes),
    case!(get_many_leaves_out_what_is_missing),
    case!(get_many_returns_a_repeated_id_once),
    case!(get_many_takes_any_number_of_ids),
    case!(odd_ids_are_plain_text),
    case!(odd_text_comes_back),
    case!(every_json_type_comes_back),
    case!(a_large_document_comes_back),
    case!(deep_documents_come_back),
];

async fn get_of_missing_is_none(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#]).await;
    assert_eq!(get(backend, "nope").await, None);
    assert_eq!(get(backend, "").await, None);
    assert_eq!(get(backend, "A").await, None);
}

async fn what_is_put_is_got(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1,"y":{"z":[true,null]}}"#]).await;
    let document = get(backend, "a").await.unwrap();
    assert_eq!(document.id, "a");
    let expected = json(r#"{"_id":"a","x":1,"y":{"z":[true,null]}}"#);
    assert_eq!(parsed(&document), expected);
}

async fn put_replaces_the_whole_document(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1,"y":2}"#]).await;
    let outcome = put(backend, "a", r#"{"z":3}"#, Expectation::Any).await;
    assert_eq!(outcome.unwrap(), PutOutcome::Updated);
    let document = get(backend, "a").await.unwrap();
    assert_eq!(parsed(&document), json(r#"{"_id":"a","z":3}"#));
}

async fn delete_removes(backend: &dyn Backend) {
    given(backend, &["{}", "{}"]).await;
    let deleted = backend.delete(ITEMS, "a", Expectation::Any).await;
    assert_eq!(deleted.unwrap(), DeleteOutcome::Deleted);
    assert_eq!(get(backend, "a").await, None);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "b");
    let again = backend.delete(ITEMS, "a", Expectation::Any).await;
    assert_eq!(again.unwrap(), DeleteOutcome::Refused(Refusal::Missing));
}

async fn get_many_leaves_out_what_is_missing(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, "{}", "{}"]).await;
    let found = backend.get_many(ITEMS, &["c", "nope", "a"]).await.unwrap();
    assert_eq!(ids_of(found), ["a", "c"]);
    let found = backend.get_many(ITEMS, &["a"]).await.unwrap();
    assert_eq!(parsed(&found[0]), json(r#"{"_id":"a","x":1}"#));
    assert_eq!(backend.get_many(ITEMS, &[]).await.unwrap(), []);
}

async fn get_many_returns_a_repeated_id_once(backend: &dyn Backend) {
    given(backend, &["{}", "{}"]).await;
    let found = backend.get_many(ITEMS, &["b", "a", "b", "b"]).await;
    assert_eq!(ids_of(found.unwrap()), ["a", "b"]);
}

async fn get_many_takes_any_number_of_ids(backend: &dyn Backend) {
    given(backend, &["{}", "{}"]).await;
    // More than any engine takes as parameters of one statement.
    let many: Vec<String> = (0..70_000).map(|it| format!("no{it}")).collect();
    let mut wanted: Vec<&str> = many.iter().map(String::as_str).collect();
    wanted.push("b");
    let found = backend.get_many(ITEMS, &wanted).await.unwrap();
    assert_eq!(ids_of(found), ["b"]);
}

async fn odd_ids_are_plain_text(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let odd = [
        "",
        " ",
        "%",
        "_",
        "'",
        "\"",
        "\\",
        "a.b",
        "$1",
        "?",
        "--",
        ";",
        "Å",
        "😀",
        "a\nb",
        "{}",
        "null",
        "1",
        "\u{10ffff}",
    ];
    for id in odd {
        insert(backend, id, r#"{"x":1}"#).await;
    }
    for id in odd {
        assert_eq!(get(backend, id).await.unwrap().id, id);
    }
    let mut sorted = odd.map(str::as_bytes);
    sorted.sort_unstable();
    let rows = rows(backend, &Query::new(ITEMS)).await;
    let found: Vec<&[u8]> = rows.iter().map(|it| it.id.as_bytes()).collect();
    assert_eq!(found, sorted);
    for id in odd {
        let deleted = backend.delete(ITEMS, id, Expectation::Present).await;
        assert_eq!(deleted.unwrap(), DeleteOutcome::Deleted, "{id:?}");
    }
}

async fn odd_text_comes_back(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let fields = r#"{"x":"\u0001\t\n\"\\ é ß 😀 \u2028 \uffff %_'","US Gross":"$","a.b":"?","na-me":"'","é\"\\":"ü"}"#;
    insert(backend, "a", fields).await;
    let document = get(backend, "a").await.unwrap();
    assert_eq!(parsed(&document), json(&body("a", fields)));
}

async fn every_json_type_comes_back(backend: &dyn Backend) {
    let fields = r#"{"a":null,"b":true,"c":false,"d":0,"e":-1.5,"f":"","g":[],"h":{},"i":[[],{},null,[1,"1"]],"j":{"k":{"l":null}}}"#;
    given(backend, &[fields]).await;
    let document = get(backend, "a").await.unwrap();
    assert_eq!(parsed(&document), json(&body("a", fields)));
}

async fn a_large_document_comes_back(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let fields = format!("{{\"x\":\"{}\"}}", "ä".repeat(1_000_000));
    insert(backend, "a", &fields).await;
    let document = get(backend, "a").await.unwrap();
    assert_eq!(parsed(&document), json(&body("a", &fields)));
}

async fn deep_documents_come_back(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let fields = format!("{{\"x\":{}1{}}}", "[".repeat(100), "]".repeat(100));
    insert(backend, "a", &fields).await;
    let document = get(backend, "a").await.unwrap();
    assert_eq!(parsed(&document), json(&body("a", &fields)));
}

fn ids_of(documents: Vec<RawDocument>) -> Vec<String> {
    let mut ids: Vec<String> = documents.into_iter().map(|it| it.id).collect();
    ids.sort();
    ids
}
