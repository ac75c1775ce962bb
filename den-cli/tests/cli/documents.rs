//! Looking at documents and changing them.

use den::raw::RawSql;
use serde_json::{Value, json};

use super::{
    Case, Place,
    place::{Run, lines},
};

pub(crate) const CASES: &[Case] = &[
    ("put_get_and_rm", put_get_and_rm),
    ("put_is_all_or_nothing", put_is_all_or_nothing),
    ("put_reads_files_and_pipes", put_reads_files_and_pipes),
    (
        "find_filters_sorts_and_selects",
        find_filters_sorts_and_selects,
    ),
    ("find_says_that_there_is_more", find_says_that_there_is_more),
    ("odd_keys_and_values", odd_keys_and_values),
    ("rm_by_filter_asks", rm_by_filter_asks),
    ("counts_and_lists", counts_and_lists),
    ("info_says_what_there_is", info_says_what_there_is),
    ("explain_shows_the_statement", explain_shows_the_statement),
    ("verify_finds_faults", verify_finds_faults),
    ("verify_finds_lost_indexes", verify_finds_lost_indexes),
];

fn products() -> Value {
    json!([
        { "_id": "a", "name": "Lamp", "price": 5, "tags": ["go", "x"], "address": { "city": "Oslo" } },
        { "_id": "b", "name": "Oil", "price": 20.5, "tags": [] },
        { "_id": "c", "name": null, "price": "20" },
    ])
}

fn ids(found: &[Value]) -> String {
    found.iter().filter_map(|it| it["_id"].as_str()).collect()
}

fn put_get_and_rm(on: &Place) {
    let made = on.ok(&["put", "--create", "products", r#"{"name": "Lamp"}"#]);
    let id = made.trim();
    assert_eq!(id.len(), 26, "{made}");
    let lamp = &on.json(&["get", "products", id, "--json"])[0];
    assert_eq!(lamp["name"], "Lamp");
    assert!(lamp["_created_at"].is_string());

    let other = json!({ "_id": id, "name": "Lantern" }).to_string();
    let done = on.json(&["put", "products", &other, "--json"]);
    assert_eq!(done, [json!({ "_id": id, "done": "replaced" })]);
    let text = on.ok(&["get", "products", id]);
    assert!(text.contains("\"name\": \"Lantern\""), "{text}");

    let run = on.den(&["get", "products", id, "nope", "neither"]);
    assert_eq!(run.code, 3);
    assert!(run.out.contains("Lantern"));
    assert_eq!(run.err, "error: not in products: nope, neither\n");

    let run = on.den(&["rm", "products", id, "nope"]);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("nothing was deleted"), "{run:?}");
    assert_eq!(on.ok(&["rm", "products", id]), "deleted 1 document\n");
    assert_eq!(on.den(&["get", "products", id]).code, 3);

    let run = on.den(&["get", "nosuch", "x"]);
    assert_eq!(run.code, 3);
    assert_eq!(
        run.err,
        "error: there is no collection `nosuch`; `den ls` lists those there are\n"
    );
}

fn put_is_all_or_nothing(on: &Place) {
    on.put("products", &products());
    let run = on.den(&["put", "products", r#"[{"_id": "d"}, {"_id": 7}]"#]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(on.ok(&["count", "products"]), "3\n");

    let run = on.den(&[
        "put",
        "--new",
        "products",
        r#"[{"_id": "d"}, {"_id": "a"}]"#,
    ]);
    assert_eq!(run.code, 1, "{run:?}");
    let run = on.den(&[
        "put",
        "--existing",
        "products",
        r#"[{"_id": "a"}, {"_id": "d"}]"#,
    ]);
    assert_eq!(run.code, 3, "{run:?}");
    assert_eq!(on.ok(&["count", "products"]), "3\n");
    assert_eq!(
        on.json(&["get", "products", "a", "--json"])[0]["name"],
        "Lamp"
    );

    for bad in ["[1]", "", "{", "\"text\""] {
        let run = on.den(&["put", "products", bad]);
        assert_eq!(run.code, 1, "{bad}: {run:?}");
    }
    assert_eq!(on.den(&["put", "nosuch", "{}"]).code, 3);
}

fn put_reads_files_and_pipes(on: &Place) {
    let path = on.path("some.json");
    std::fs::write(&path, "{\"_id\": \"f\"}\n{\"_id\": \"g\"}").unwrap();
    on.ok(&["put", "--create", "c", "--file", path.to_str().unwrap()]);
    let mut piped = on.command();
    let run = Run::of(piped.args(["put", "c"]).write_stdin("[{\"_id\": \"h\"}]"));
    assert_eq!((run.code, run.out.as_str()), (0, "h\n"));
    assert_eq!(run.err, "1 added, 0 replaced\n");
    let mut quiet = on.command();
    let run = Run::of(
        quiet
            .args(["put", "c", "-", "-q"])
            .write_stdin("{\"_id\": \"h\"}"),
    );
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(on.ok(&["count", "c"]), "3\n");
}

fn find_filters_sorts_and_selects(on: &Place) {
    on.put("products", &products());
    let find = |more: &[&str]| {
        let arguments = [&["find", "products", "--json"], more].concat();
        ids(&on.json(&arguments))
    };
    assert_eq!(find(&[]), "abc");
    assert_eq!(find(&["price < 20"]), "a");
    assert_eq!(find(&["price < 20 or price = \"20\""]), "ac");
    assert_eq!(find(&["tags contains 'go'"]), "a");
    assert_eq!(find(&["address.city = 'Oslo'"]), "a");
    assert_eq!(find(&["name is null"]), "c");
    assert_eq!(find(&["name matches /^[LO]/"]), "ab");
    assert_eq!(find(&["--sort", "-_id"]), "cba");
    assert_eq!(find(&["--sort=-price"]), "cba");
    assert_eq!(find(&["--sort", "price", "--limit", "2"]), "ab");
    assert_eq!(find(&["--sort", "price", "--skip", "2"]), "c");

    let selected = on.ok(&[
        "find",
        "products",
        "--select",
        "name,address.city",
        "--json",
    ]);
    assert_eq!(
        selected.lines().next(),
        Some(r#"{"name":"Lamp","address.city":"Oslo"}"#)
    );
    let table = on.ok(&["find", "products", "--select", "_id,price", "--sort", "_id"]);
    let expected = "_id  price\n───  ─────\na    5\nb    20.5\nc    20\n";
    assert_eq!(table, expected);
    let whole = on.ok(&["find", "products", "_id = 'a'", "--full"]);
    assert!(whole.contains("\"city\": \"Oslo\""), "{whole}");
    let none = on.den(&["find", "products", "price > 100"]);
    assert_eq!((none.code, none.out.as_str()), (0, ""));
    assert_eq!(none.err, "no documents\n");
}

fn find_says_that_there_is_more(on: &Place) {
    let many: Vec<Value> = (0..30).map(|it| json!({ "n": it })).collect();
    on.put("many", &Value::from(many));
    let run = on.den(&["find", "many", "--sort", "n"]);
    assert_eq!(run.out.lines().count(), 22);
    assert_eq!(run.err, "the first 20; --limit for more\n");
    let run = on.den(&["find", "many", "--limit", "25"]);
    assert_eq!(run.out.lines().count(), 27);
    assert_eq!(run.err, "");
    assert_eq!(on.json(&["find", "many", "--json"]).len(), 30);
    assert_eq!(on.den(&["find", "many", "--limit", "0"]).code, 2);
}

fn odd_keys_and_values(on: &Place) {
    on.put(
        "odd stuff",
        &json!([
            { "_id": "é/1", "US Gross": 5, "a.b": { "c d": true }, "text": "two\nlines\u{1b}[31m" },
            { "_id": "2", "US Gross": "5", "long": "x".repeat(500) },
        ]),
    );
    assert_eq!(on.ok(&["count", "odd stuff", "\"US Gross\" = 5"]), "1\n");
    assert_eq!(
        on.ok(&["count", "odd stuff", "\"a.b\".\"c d\" = true"]),
        "1\n"
    );
    assert_eq!(on.ok(&["count", "odd stuff", "_id = 'é/1'"]), "1\n");
    for arguments in [
        vec!["find", "odd stuff"],
        vec!["find", "odd stuff", "--full"],
        vec!["get", "odd stuff", "é/1"],
    ] {
        let text = on.ok(&arguments);
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    assert_eq!(on.ok(&["rm", "odd stuff", "é/1"]), "deleted 1 document\n");
}

fn rm_by_filter_asks(on: &Place) {
    on.put("products", &products());
    let run = on.den(&["rm", "products", "--where", "price < 20"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("--yes"), "{run:?}");
    let text = on.ok(&["rm", "products", "--where", "price < 20", "--dry-run"]);
    assert_eq!(text, "would delete 1 document\n");
    assert_eq!(on.ok(&["count", "products"]), "3\n");
    let text = on.ok(&["rm", "products", "--where", "price < 20", "--yes"]);
    assert_eq!(text, "deleted 1 document\n");
    assert_eq!(on.den(&["rm", "products"]).code, 2);
    let run = on.den(&["rm", "products", "--where", "", "--yes"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(
        on.json(&["rm", "products", "--all", "--yes", "--json"]),
        [json!({ "deleted": 2 })]
    );
    assert_eq!(on.ok(&["count", "products"]), "0\n");
}

fn counts_and_lists(on: &Place) {
    let run = on.den(&["ls"]);
    match on.engine {
        // A file that is not there is not made by looking at it.
        super::Engine::Sqlite => {
            assert_eq!(run.code, 1, "{run:?}");
            assert!(!on.path("test.db").exists());
        }
        super::Engine::Postgres => {
            assert_eq!((run.code, run.err.as_str()), (0, "no collections\n"));
        }
    }
    on.put("products", &products());
    on.put("empty", &json!([{ "_id": "x" }]));
    on.ok(&["rm", "empty", "x"]);
    let text = on.ok(&["ls"]);
    assert_eq!(
        text,
        "collection  documents\n──────────  ─────────\nempty               0\nproducts            3\n"
    );
    let json = on.json(&["ls", "--json"]);
    assert_eq!(json[1], json!({ "collection": "products", "documents": 3 }));
    assert_eq!(on.ok(&["ls", "--names"]), "empty\nproducts\n");
    assert_eq!(
        on.json(&["count", "products", "price exists", "--json"]),
        [json!({ "count": 3 })]
    );
}

fn info_says_what_there_is(on: &Place) {
    on.put("products", &products());
    let report = on.json(&["info", "--json"]).remove(0);
    assert_eq!(report["engine"], on.engine.name());
    assert!(report["bytes"].as_u64() > Some(0));
    assert_eq!(report["pending"], json!([]));
    let collection = &report["collections"][0];
    assert_eq!(collection["name"], "products");
    assert_eq!(collection["documents"], 3);
    assert!(collection["bytes"].as_u64() > Some(0), "{report}");
    let text = on.ok(&["info"]);
    for part in ["products", "documents", "size", "schema: nothing pending"] {
        assert!(text.contains(part), "{text}");
    }
    let quick = on.json(&["info", "--quick", "--json"]).remove(0);
    assert_eq!(quick["collections"][0]["documents"], Value::Null);
}

fn explain_shows_the_statement(on: &Place) {
    on.put("products", &products());
    let text = on.ok(&[
        "explain",
        "products",
        "price < 20",
        "--sort",
        "-price",
        "--limit",
        "3",
    ]);
    for part in ["SELECT", "products", "plan"] {
        assert!(text.contains(part), "{text}");
    }
    let json = on
        .json(&["explain", "products", "price < 20", "--json"])
        .remove(0);
    assert!(json["statement"].as_str().unwrap().contains("SELECT"));
    assert!(!json["plan"].as_array().unwrap().is_empty());
}

fn verify_finds_faults(on: &Place) {
    on.put("products", &products());
    let run = on.den(&["verify"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.out, "products: 3 documents\nno faults\n");

    on.execute(
        "UPDATE products SET data = jsonb('{\"price\": 1}') WHERE id = 'b'",
        "UPDATE products SET data = '{\"price\": 1}' WHERE id = 'b'",
    );
    on.execute(
        "UPDATE products SET data = jsonb('[1]') WHERE id = 'c'",
        "UPDATE products SET data = '[1]' WHERE id = 'c'",
    );
    on.execute(
        "UPDATE products SET data = jsonb_set(data, '$._created_at', '2020-01-01 10:00:00') WHERE id = 'a'",
        "UPDATE products SET data = jsonb_set(data, '{_created_at}', '\"2020-01-01 10:00:00\"') WHERE id = 'a'",
    );
    let run = on.den(&["verify"]);
    assert_eq!(run.code, 3, "{run:?}");
    for part in [
        "without `_id`",
        "no object",
        "2 faults",
        "1 document with times",
    ] {
        assert!(run.out.contains(part), "{part}: {run:?}");
    }
    let run = on.den(&["verify", "--json"]);
    assert_eq!(run.code, 3);
    let found = lines(&run.out);
    assert_eq!(
        found.last().unwrap(),
        &json!({ "documents": 3, "faults": 2 })
    );
    assert_eq!(on.den(&["verify", "--collections", "nosuch"]).code, 3);
}

fn verify_finds_lost_indexes(on: &Place) {
    on.put("other", &json!([{}]));
    let run = Run::of(on.embedded("all").args(["schema", "apply"]));
    assert_eq!(run.code, 0, "{run:?}");
    let report = on.json(&["info", "--json"]).remove(0);
    let index = report["collections"][0]["indexes"][0]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(on.den(&["schema", "check"]).code, 0);
    on.run_below(RawSql::assert_safe(["DROP INDEX ", &index].concat()));
    let run = on.den(&["schema", "check"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.out.contains(&index), "{run:?}");
    assert_eq!(on.den(&["verify"]).code, 3);
    let text = on.ok(&["info"]);
    assert!(text.contains("schema: pending"), "{text}");
    let run = Run::of(on.embedded("all").args(["schema", "apply"]));
    assert!(run.out.contains(&index), "{run:?}");
    assert_eq!(on.den(&["schema", "check"]).code, 0);
}
