//! Export, import, copy, compare, checkpoint and restore.

use std::fs;

use serde_json::{Value, json};

use super::{
    Case, Place,
    place::{Run, lines},
};

pub(crate) const CASES: &[Case] = &[
    ("an_archive_and_back", an_archive_and_back),
    ("a_damaged_archive_is_refused", a_damaged_archive_is_refused),
    ("json_lines_and_back", json_lines_and_back),
    ("csv_out_and_in", csv_out_and_in),
    ("messy_json_in", messy_json_in),
    ("bad_lines_are_set_aside", bad_lines_are_set_aside),
    ("modes_of_an_import", modes_of_an_import),
    ("an_import_goes_on", an_import_goes_on),
    ("copy_and_compare", copy_and_compare),
    ("checkpoint_and_restore", checkpoint_and_restore),
    ("formats_are_guessed", formats_are_guessed),
];

fn fill(on: &Place) {
    let documents: Vec<Value> = (0..50)
        .map(|it| json!({ "_id": format!("p{it:02}"), "n": it, "name": format!("name {it}") }))
        .collect();
    on.put("products", &Value::from(documents));
    on.put(
        "notes",
        &json!([{ "_id": "n", "text": "é\n\"", "deep": { "a b": [1, 2.5, null] } }]),
    );
}

fn other(on: &Place, name: &str) -> String {
    ["sqlite:///", on.path(name).to_str().unwrap()].concat()
}

fn an_archive_and_back(on: &Place) {
    fill(on);
    let done = on.json(&["export", "shop.den", "--json"]);
    assert_eq!(
        done.iter().filter(|it| it["documents"] == 50).count(),
        1,
        "{done:?}"
    );
    let run = on.den(&["export", "shop.den"]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("--force"), "{run:?}");
    on.ok(&["export", "shop.den", "--force"]);
    assert!(
        on.ok(&["verify", "--archive", "shop.den"])
            .contains("the archive is whole")
    );

    let target = other(on, "back.db");
    let text = on.ok(&["import", &target, "shop.den"]);
    assert!(text.contains("products"), "{text}");
    let run = on.den(&["compare", &on.url, &target]);
    assert_eq!(
        (run.code, run.out.lines().last()),
        (0, Some("equal")),
        "{run:?}"
    );
    // Through a pipe.
    let run = on.den(&["export", "-"]);
    assert_eq!(run.out, fs::read_to_string(on.path("shop.den")).unwrap());
    let third = other(on, "third.db");
    let mut import = on.command();
    let run = Run::of(
        import
            .args(["import", &third, "-", "--format", "archive"])
            .write_stdin(run.out),
    );
    assert_eq!(run.code, 0, "{run:?}");
    on.ok(&["compare", &on.url, &third]);
}

fn a_damaged_archive_is_refused(on: &Place) {
    fill(on);
    on.ok(&["export", "shop.den"]);
    let whole = fs::read_to_string(on.path("shop.den")).unwrap();
    let target = other(on, "back.db");
    let cut = &whole[..whole.len() * 2 / 3];
    for damaged in [whole.replace("name 7", "name 8"), cut.to_owned()] {
        fs::write(on.path("bad.den"), damaged).unwrap();
        let run = on.den(&["verify", "--archive", "bad.den"]);
        assert_eq!(run.code, 3, "{run:?}");
        let run = on.den(&["import", &target, "bad.den"]);
        assert_eq!(run.code, 1, "{run:?}");
    }
    assert_eq!(on.ok(&["ls", &target, "--names"]), "");
}

fn json_lines_and_back(on: &Place) {
    fill(on);
    on.ok(&["export", "folder/"]);
    let text = fs::read_to_string(on.path("folder/products.jsonl")).unwrap();
    assert_eq!(lines(&text).len(), 50);
    let target = other(on, "back.db");
    on.ok(&["import", &target, "folder"]);
    on.ok(&["compare", &on.url, &target]);
    let piped = on.ok(&["find", "products", "n < 5", "--json"]);
    let mut import = on.command();
    let arguments = ["import", &target, "-", "--format", "jsonl", "-c", "few"];
    let run = Run::of(import.args(arguments).write_stdin(piped));
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.err, "");
    assert_eq!(on.ok(&["count", &target, "few"]), "5\n");
}

fn csv_out_and_in(on: &Place) {
    fill(on);
    on.ok(&[
        "export",
        "some.csv",
        "-c",
        "products",
        "--where",
        "n < 3",
        "--select",
        "n,name",
        "--sort=-n",
    ]);
    let text = fs::read_to_string(on.path("some.csv")).unwrap();
    assert_eq!(text, "n,name\n2,name 2\n1,name 1\n0,name 0\n");
    on.ok(&[
        "import",
        "some.csv",
        "-c",
        "back",
        "--infer",
        "--id-from",
        "name",
    ]);
    assert_eq!(
        on.ok(&["count", "back", "n >= 1 and _id = 'name 2'"]),
        "1\n"
    );
    on.ok(&["export", "all.tsv", "-c", "products"]);
    let text = fs::read_to_string(on.path("all.tsv")).unwrap();
    assert!(
        text.starts_with("_id\t_created_at\t_updated_at\tn\tname\n"),
        "{text}"
    );
    assert_eq!(on.den(&["export", "two.csv"]).code, 2);
    assert_eq!(on.den(&["export", "x.den", "--where", "n = 1"]).code, 2);
    let run = on.den(&["export", "x.csv", "-c", "products", "--where", "n <> 1"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(!on.path("x.csv").exists());
}

fn messy_json_in(on: &Place) {
    let messy = r#"
      [ { "Title": "A", "US Gross": 146083, "Rating": null },
        { "Title": 12, "US Gross": "unknown" },
        { "Title": null, "IMDB Votes": 1.5e3, "Release Date": "Jun 12 1998" },
        {} ]"#;
    fs::write(on.path("movies.json"), messy).unwrap();
    on.ok(&["import", "movies.json"]);
    assert_eq!(on.ok(&["count", "movies"]), "4\n");
    assert_eq!(on.ok(&["count", "movies", "\"US Gross\" > 1000"]), "1\n");
    assert_eq!(on.ok(&["count", "movies", "Rating is null"]), "4\n");
    assert_eq!(on.ok(&["count", "movies", "Rating exists"]), "1\n");
    assert_eq!(on.ok(&["count", "movies", "\"IMDB Votes\" = 1500"]), "1\n");
    assert_eq!(
        on.json(&["find", "movies", "--sort=-\"US Gross\"", "--json"])
            .len(),
        4
    );
}

fn bad_lines_are_set_aside(on: &Place) {
    fs::write(
        on.path("some.jsonl"),
        "{\"a\": 1}\nnot json\n[1]\n{\"a\": 2}\n",
    )
    .unwrap();
    let run = on.den(&["import", "some.jsonl", "--whole"]);
    assert_eq!(run.code, 1);
    assert!(
        run.err.contains("some.jsonl") && run.err.contains('2'),
        "{run:?}"
    );
    assert_eq!(on.ok(&["count", "some"]), "0\n");
    let run = on.den(&["import", "some.jsonl", "--bad-lines", "bad.jsonl"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.err.contains("2 documents were left out"), "{run:?}");
    assert_eq!(on.ok(&["count", "some"]), "2\n");
    let bad = lines(&fs::read_to_string(on.path("bad.jsonl")).unwrap());
    assert_eq!(bad.len(), 2);
    assert_eq!(bad[0]["line"], 2);
}

fn modes_of_an_import(on: &Place) {
    fs::write(
        on.path("c.jsonl"),
        "{\"_id\": \"1\", \"v\": 2}\n{\"_id\": \"2\", \"v\": 2}\n",
    )
    .unwrap();
    on.put(
        "c",
        &json!([{ "_id": "1", "v": 1 }, { "_id": "9", "v": 1 }]),
    );
    assert_eq!(on.den(&["import", "c.jsonl"]).code, 1);
    assert_eq!(on.den(&["import", "c.jsonl", "--mode", "append"]).code, 1);
    on.ok(&["import", "c.jsonl", "--mode", "upsert"]);
    assert_eq!(on.ok(&["count", "c", "v = 2"]), "2\n");
    assert_eq!(on.ok(&["count", "c"]), "3\n");
    on.ok(&["import", "c.jsonl", "--mode", "replace"]);
    assert_eq!(on.ok(&["count", "c"]), "2\n");
    assert_eq!(on.den(&["import", "c.jsonl", "--mode", "sideways"]).code, 2);
}

fn an_import_goes_on(on: &Place) {
    let line = |it: u32| format!("{{\"_id\": \"{it:05}\"}}\n");
    let first: String = (0..3000).map(line).collect();
    fs::write(on.path("many.jsonl"), first.clone() + "broken\n").unwrap();
    let arguments = ["import", "many.jsonl", "--resume"];
    assert_eq!(on.den(&arguments).code, 1);
    let more: String = (3000..4000).map(line).collect();
    fs::write(on.path("many.jsonl"), first + &more).unwrap();
    let run = on.den(&arguments);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(on.ok(&["count", "many"]), "4000\n");
}

fn copy_and_compare(on: &Place) {
    fill(on);
    let target = other(on, "copy.db");
    let done = on.json(&["copy", &on.url, &target, "--json"]);
    let documents: u64 = done.iter().filter_map(|it| it["documents"].as_u64()).sum();
    assert_eq!(documents, 51);
    assert_eq!(on.den(&["copy", &on.url, &target]).code, 1);
    on.ok(&["copy", &on.url, &target, "--mode", "replace", "-q"]);
    on.ok(&["compare", &on.url, &target]);

    on.ok(&["rm", &target, "products", "p01"]);
    on.ok(&[
        "put",
        &target,
        "products",
        r#"[{"_id": "p02", "n": 99}, {"_id": "zz"}]"#,
    ]);
    let run = on.den(&["compare", &on.url, &target]);
    assert_eq!(run.code, 3, "{run:?}");
    for part in [
        "products, only left: p01",
        "products, only right: zz",
        "products, different: p02",
    ] {
        assert!(run.out.contains(part), "{run:?}");
    }
    let run = on.den(&["compare", &on.url, &target, "--json", "-c", "products"]);
    assert_eq!(run.code, 3);
    assert_eq!(
        lines(&run.out)[0]["missing"],
        json!({ "count": 1, "ids": ["p01"] })
    );
    on.ok(&["compare", &on.url, &target, "-c", "notes"]);
    assert_eq!(on.den(&["compare", &on.url]).code, 2);
    assert_eq!(on.den(&["copy", &other(on, "nosuch.db"), &target]).code, 1);
    assert!(!on.path("nosuch.db").exists());
}

fn checkpoint_and_restore(on: &Place) {
    fill(on);
    let run = on.den(&["checkpoint", "point"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(on.den(&["checkpoint", "point"]).code, 1);
    let target = other(on, "restored.db");
    on.ok(&["restore", &target, "point"]);
    on.ok(&["compare", &on.url, &target]);
    assert_eq!(on.den(&["restore", &target, "point"]).code, 1);
    on.ok(&["restore", &target, "point", "--mode", "replace"]);
    let names = fs::read_dir(on.folder.path()).unwrap();
    let names: Vec<_> = names
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        !names
            .iter()
            .any(|it| it.contains("tmp") || it.contains("part")),
        "{names:?}"
    );
}

fn formats_are_guessed(on: &Place) {
    fs::write(on.path("lines.json"), "{\"a\": 1}\n{\"a\": 2}\n").unwrap();
    on.ok(&["import", "lines.json"]);
    assert_eq!(on.ok(&["count", "lines"]), "2\n");
    let mut import = on.command();
    let run = Run::of(import.args(["import", "-"]).write_stdin("{}"));
    assert_eq!(run.code, 2, "{run:?}");
    let run = on.den(&["import", "nosuch.jsonl"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.contains("nosuch.jsonl"), "{run:?}");
}
