//! Real JSON: keys with spaces, values that are missing, null, or of another type each time.

use den::{
    Json, field,
    transfer::{Import, Source},
};
use den_test_harness::{Case, TestDb};

pub(crate) const CASES: &[Case] = &[
    case!(any_array_is_imported_and_queried),
    case!(elements_that_are_not_json_are_left_out),
    case!(an_array_that_is_none_is_an_error),
];

const FILMS: &str = r#"[
  {"Title": "The Land Girls", "US Gross": 146083, "Worldwide Gross": "146083", "US DVD Sales": null,
   "Release Date": "Jun 12 1998", "Rotten Tomatoes Rating": null, "IMDB Rating": 6.1, "a.b": {"c d": [1, "1"]}},
  {"Title": 1776, "US Gross": "Unknown", "Worldwide Gross": 1.5e6, "IMDB Rating": 7, "a.b": {"c d": []}},
  {"Title": "Following", "US Gross": 48482.0, "Worldwide Gross": [44705, null], "IMDB Rating": "7.7"},
  {},
  {"Title": null, "US Gross": true, "": "empty key", "Worldwide Gross": {"amount": 5}, "IMDB Rating": 6.100},

  {"Title": "Ünï \"quoted\" ]},{[", "US Gross": -1, "IMDB Rating": null}
]
"#;

async fn count(on: &TestDb, filter: den::Filter<Json>) -> u64 {
    let query = on.db.collection("films").query().filter(filter);
    query.count().await.unwrap()
}

async fn any_array_is_imported_and_queried(on: &TestDb) {
    let source = Source::reader(FILMS.as_bytes());
    let done = Import::new(&on.db)
        .json_array("films", source)
        .await
        .unwrap();
    assert_eq!(done.documents(), 6);
    assert_eq!(count(on, field(["US Gross"]).gt(0)).await, 2);
    assert_eq!(count(on, field(["US Gross"]).eq("Unknown")).await, 1);
    assert_eq!(count(on, field(["US Gross"]).eq(48482)).await, 1);
    assert_eq!(count(on, field(["US Gross"]).is_missing()).await, 1);
    assert_eq!(count(on, field(["Title"]).is_null()).await, 2);
    assert_eq!(count(on, field(["Title"]).eq(1776)).await, 1);
    assert_eq!(count(on, field(["IMDB Rating"]).eq(6.1)).await, 2);
    assert_eq!(count(on, field(["a.b", "c d"]).contains("1")).await, 1);
    assert_eq!(
        count(on, field(["Worldwide Gross", "amount"]).ge(5)).await,
        1
    );
    assert_eq!(count(on, field(["Title"]).contains_text("]},{[")).await, 1);
}

async fn elements_that_are_not_json_are_left_out(on: &TestDb) {
    let text = "[{\"n\": 1},\n {\"n\": NaN},\n 5,, {\"n\": 'x'},\n{\"n\": 2}\n,]";
    let (folder, bad) = super::file("bad.jsonl");
    let import = Import::new(&on.db).bad_lines(&bad);
    let source = Source::reader(text.as_bytes());
    let done = import.json_array("c", source).await.unwrap();
    assert_eq!((done.documents(), done.bad()), (2, 5));
    let lines = std::fs::read_to_string(&bad).unwrap();
    let numbers: Vec<Json> = lines
        .lines()
        .map(|it| serde_json::from_str::<Json>(it).unwrap()["line"].clone())
        .collect();
    assert_eq!(numbers, [2, 3, 3, 3, 5]);
    drop(folder);
    let source = Source::reader(text.as_bytes());
    let error = Import::new(&on.db)
        .json_array("d", source)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the input, line 2: it is not JSON"),
        "{error}"
    );
}

async fn an_array_that_is_none_is_an_error(on: &TestDb) {
    for (text, why) in [
        ("{\"data\": []}", "line 1: this is not a JSON array"),
        ("[{}\n", "the array does not end"),
    ] {
        let source = Source::reader(text.as_bytes());
        let error = Import::new(&on.db)
            .json_array("c", source)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}
