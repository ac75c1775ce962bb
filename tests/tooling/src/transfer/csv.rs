//! CSV in and out.

use den::{
    ErrorKind, Json, field,
    transfer::{CsvOptions, Destination, Export, Import, Mode, Source},
};
use den_test_harness::{Case, TestDb};
use serde_json::json;

use super::{file, plant, written};

pub(crate) const CASES: &[Case] = &[
    case!(a_flat_selection_is_written),
    case!(what_is_no_cell_is_refused),
    case!(records_are_read_as_text),
    case!(records_are_read_as_what_they_look_like),
    case!(bad_records_have_lines),
    case!(csv_comes_back),
];

fn reader(text: &str) -> Source {
    Source::reader(std::io::Cursor::new(text.to_owned().into_bytes()))
}

async fn a_flat_selection_is_written(on: &TestDb) {
    let documents = [
        r#"{"_id":"1","name":"plain","price":1.0,"big":9223372036854775807,"address":{"city":"Oslo"}}"#,
        r#"{"_id":"2","name":"a \"quote\", and\na line","price":1e300,"ok":true,"US Gross":"x"}"#,
        r#"{"_id":"3","name":null,"price":0.5,"address":"none"}"#,
        r#"{"_id":"4","name":"left out","price":-1}"#,
    ];
    plant(on, "c", &documents).await;
    let (_folder, path) = file("c.csv");
    let query = on.db.collection("c").query();
    let query = query.filter(field("price").ge(0)).sort(field("_id").desc());
    let columns = ["_id", "name", "price", "big", "ok", "address.city"];
    let export = Export::new(&on.db).csv(query, columns, &path, CsvOptions::new());
    assert_eq!(export.await.unwrap().documents(), 3);
    let text = std::fs::read_to_string(&path).unwrap();
    let expected = "_id,name,price,big,ok,address.city\n\
        3,,0.5,,,\n\
        2,\"a \"\"quote\"\", and\na line\",1e300,,true,\n\
        1,plain,1.0,9223372036854775807,,Oslo\n";
    assert_eq!(text, expected);
    let query = on.db.collection("c").query();
    let options = CsvOptions::new().delimiter(b';');
    let export = Export::new(&on.db).csv(query, [["US Gross"]], &path, options);
    export.await.unwrap();
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .starts_with("US Gross\n")
    );
}

async fn what_is_no_cell_is_refused(on: &TestDb) {
    plant(on, "c", &[r#"{"_id":"1","tags":["a", {"b":1.0}]}"#]).await;
    let (folder, path) = file("c.csv");
    let query = || on.db.collection("c").query();
    let export = Export::new(&on.db).csv(query(), ["tags"], &path, CsvOptions::new());
    let error = export.await.unwrap_err();
    assert_eq!(
        (error.kind(), error.id()),
        (ErrorKind::InvalidQuery, Some("1"))
    );
    assert!(
        error
            .to_string()
            .contains("`tags` holds an array or object"),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let options = CsvOptions::new().nested_as_json();
    let export = Export::new(&on.db).csv(query(), ["tags"], &path, options);
    export.await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "tags\n\"[\"\"a\"\",{\"\"b\"\":1.0}]\"\n");
}

async fn records_are_read_as_text(on: &TestDb) {
    let text = "\u{feff}_id,US Gross,a.b\n1,007,x\n2,,\"a\nb\"\n";
    let import = Import::new(&on.db).csv("c", reader(text), CsvOptions::new());
    assert_eq!(import.await.unwrap().documents(), 2);
    let get = async |id| on.db.collection("c").get(id).await.unwrap().unwrap();
    assert_eq!(
        get("1").await,
        json!({ "_id": "1", "US Gross": "007", "a.b": "x" })
    );
    assert_eq!(get("2").await, json!({ "_id": "2", "a.b": "a\nb" }));
}

async fn records_are_read_as_what_they_look_like(on: &TestDb) {
    let text = "_id;n;x;s\n5;12;1.50;007\n6;-9223372036854775808;true;1e5\n";
    let options = CsvOptions::new().delimiter(b';').infer();
    Import::new(&on.db)
        .csv("c", reader(text), options)
        .await
        .unwrap();
    let get = async |id| on.db.collection("c").get(id).await.unwrap().unwrap();
    assert_eq!(
        get("5").await,
        json!({ "_id": "5", "n": 12, "x": 1.5, "s": "007" })
    );
    assert_eq!(
        get("6").await,
        json!({ "_id": "6", "n": i64::MIN, "x": true, "s": "1e5" })
    );
}

async fn bad_records_have_lines(on: &TestDb) {
    let text = "_id,a\n1,\"x\ny\"\n2\n3,x,y\n4,z\n";
    let import = Import::new(&on.db).csv("c", reader(text), CsvOptions::new());
    let error = import.await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("line 4: there are 1 cells, and 2 columns"),
        "{error}"
    );
    let (_folder, bad) = file("bad.jsonl");
    let import = Import::new(&on.db).mode(Mode::Replace).bad_lines(&bad);
    let done = import
        .csv("c", reader(text), CsvOptions::new())
        .await
        .unwrap();
    assert_eq!((done.documents(), done.bad()), (2, 2));
    let lines = std::fs::read_to_string(&bad).unwrap();
    let lines: Vec<Json> = lines
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(
        (&lines[0]["line"], &lines[1]["line"]),
        (&json!(4), &json!(5))
    );
    for header in ["a,a\n1,2\n", "a,\n1,2\n"] {
        let import = Import::new(&on.db).csv("d", reader(header), CsvOptions::new());
        assert_eq!(import.await.unwrap_err().kind(), ErrorKind::InvalidDocument);
    }
}

async fn csv_comes_back(on: &TestDb) {
    let text = "_id,n,name\n1,1,a\n2,2,\"b,c\"\n";
    let (_folder, path) = written("c.csv", text);
    let options = CsvOptions::new().infer();
    // A file can be gone on with like any other.
    let import = || Import::new(&on.db).resume(true);
    import().csv("c", &path, options).await.unwrap();
    assert_eq!(
        import().csv("c", &path, options).await.unwrap().documents(),
        0
    );
    let (reader, writer) = std::io::pipe().unwrap();
    let query = on.db.collection("c").query();
    let to = Destination::writer(writer);
    let export = Export::new(&on.db).csv(query, ["_id", "n", "name"], to, options);
    export.await.unwrap();
    assert_eq!(std::io::read_to_string(reader).unwrap(), text);
}
