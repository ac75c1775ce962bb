//! Operators of arrays and maps.

use den::{Json, field, prelude::*};
use serde_json::json;

use super::support::{Item, Line, check, given, item};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(contains_any_all),
    case!(contains_nothing_in_particular),
    case!(members_are_compared_whole),
    case!(members_of_every_type),
    case!(length_and_emptiness),
    case!(what_is_no_array_contains_nothing),
    case!(one_element_satisfies_the_whole_predicate),
    case!(every_element_satisfies_the_predicate),
    case!(elements_that_are_plain_values),
    case!(elements_of_the_wrong_shape),
    case!(keys_of_maps),
    case!(keys_are_taken_literally),
];

fn tagged(name: &str, tags: &[&str]) -> Item {
    Item {
        tags: tags.iter().map(ToString::to_string).collect(),
        ..item(name)
    }
}

async fn given_tagged(on: &TestDb) -> &Db {
    let items = [
        tagged("ab", &["a", "b"]),
        tagged("bc", &["b", "c"]),
        tagged("c", &["c"]),
        tagged("none", &[]),
    ];
    given(on, items).await
}

async fn contains_any_all(on: &TestDb) {
    let db = given_tagged(on).await;
    let p = Item::fields();
    check(db, p.tags.contains("b"), "ab bc").await;
    check(db, p.tags.contains("x"), "").await;
    check(db, p.tags.contains_any(["a", "c"]), "ab bc c").await;
    check(db, p.tags.contains_all(["b", "c"]), "bc").await;
    check(db, p.tags.contains_all(["c", "c"]), "bc c").await;
    check(db, p.tags.contains("b") & !p.tags.contains("c"), "ab").await;
    check(db, field("tags").contains("a"), "ab").await;
    check(db, field("tags").contains_any(["a", "x"]), "ab").await;
    check(db, field("tags").contains_all(["b", "a"]), "ab").await;
}

async fn contains_nothing_in_particular(on: &TestDb) {
    let db = given_tagged(on).await;
    let p = Item::fields();
    check(db, p.tags.contains_any(Vec::<String>::new()), "").await;
    check(
        db,
        p.tags.contains_all(Vec::<String>::new()),
        "ab bc c none",
    )
    .await;
    check(db, field("tags").contains_any(Vec::<Json>::new()), "").await;
    check(
        db,
        field("tags").contains_all(Vec::<Json>::new()),
        "ab bc c none",
    )
    .await;
}

async fn members_are_compared_whole(on: &TestDb) {
    let tags = [
        "a", "A", "a b", "a%", "é", "", "null", "1", "\"q\"", "a\\b", "[a]",
    ];
    let db = given(
        on,
        tags.iter()
            .enumerate()
            .map(|(n, tag)| tagged(&format!("t{n}"), &[tag])),
    )
    .await;
    let p = Item::fields();
    for (n, tag) in tags.iter().enumerate() {
        check(db, p.tags.contains(*tag), &format!("t{n}")).await;
    }
}

async fn members_of_every_type(on: &TestDb) {
    let members = [
        ("int", json!(1)),
        ("big", json!(9_007_199_254_740_993_i64)),
        ("text", json!("1")),
        ("true", json!(true)),
        ("null", json!(null)),
        ("array", json!([1])),
        ("object", json!({"a": [1], "b": null})),
    ];
    let db = given(
        on,
        members.map(|(name, it)| Item {
            data: json!([0.5, it]),
            ..item(name)
        }),
    )
    .await;
    let data = field("data");
    check(db, data.contains(1), "int").await;
    check(db, data.contains(1.0), "int").await;
    check(db, data.contains(9_007_199_254_740_993_i64), "big").await;
    check(db, data.contains(9_007_199_254_740_992_i64), "").await;
    check(db, data.contains("1"), "text").await;
    check(db, data.contains(true), "true").await;
    check(db, data.contains(json!(null)), "null").await;
    check(db, data.contains([1.0]), "array").await;
    check(db, data.contains(json!({"b": null, "a": [1]})), "object").await;
    check(db, data.contains(json!({"a": [1]})), "").await;
    check(db, data.contains(json!([])), "").await;
}

async fn length_and_emptiness(on: &TestDb) {
    let db = given_tagged(on).await;
    let p = Item::fields();
    check(db, p.tags.len().eq(2), "ab bc").await;
    check(db, p.tags.len().ne(2), "c none").await;
    check(db, p.tags.len().lt(2), "c none").await;
    check(db, p.tags.len().le(1), "c none").await;
    check(db, p.tags.len().gt(1), "ab bc").await;
    check(db, p.tags.len().ge(1), "ab bc c").await;
    check(db, p.tags.is_empty(), "none").await;
    check(db, field("tags").len().eq(0), "none").await;
    check(db, field("tags").is_empty(), "none").await;
}

async fn what_is_no_array_contains_nothing(on: &TestDb) {
    let values = [
        ("text", json!("a")),
        ("number", json!(1)),
        ("object", json!({"a": "a", "0": "a"})),
        ("null", json!(null)),
        ("array", json!(["a"])),
        ("empty", json!([])),
    ];
    let db = given(on, values.map(|(name, data)| Item { data, ..item(name) })).await;
    let data = field("data");
    check(db, data.contains("a"), "array").await;
    check(db, data.contains(1), "").await;
    check(db, data.contains_any(["a", "b"]), "array").await;
    check(db, data.len().ge(0), "array empty").await;
    check(db, data.len().eq(1), "array").await;
    check(db, data.is_empty(), "null empty").await;
    check(
        db,
        field("missing").is_empty(),
        "text number object null array empty",
    )
    .await;
    check(db, field("missing").contains("a"), "").await;
}

fn ordered(name: &str, lines: &[(&str, i64)]) -> Item {
    Item {
        lines: lines
            .iter()
            .map(|(sku, count)| Line {
                sku: (*sku).to_owned(),
                count: *count,
            })
            .collect(),
        ..item(name)
    }
}

async fn given_lines(on: &TestDb) -> &Db {
    let items = [
        ordered("a5", &[("a", 5), ("b", 1)]),
        ordered("a1-b5", &[("a", 1), ("b", 5)]),
        ordered("b9", &[("b", 9)]),
        ordered("none", &[]),
    ];
    given(on, items).await
}

async fn one_element_satisfies_the_whole_predicate(on: &TestDb) {
    let db = given_lines(on).await;
    let p = Item::fields();
    check(
        db,
        p.lines.any_element(|it| it.sku.eq("a") & it.count.ge(5)),
        "a5",
    )
    .await;
    check(
        db,
        p.lines.any_element(|it| it.sku.eq("a") | it.count.ge(9)),
        "a5 a1-b5 b9",
    )
    .await;
    check(db, p.lines.any_element(|it| !it.sku.eq("b")), "a5 a1-b5").await;
    check(db, p.lines.any_element(|_| Filter::always()), "a5 a1-b5 b9").await;
    check(
        db,
        p.lines
            .any_element(|it| it.sku.starts_with("b") & it.count.between(5, 9)),
        "a1-b5 b9",
    )
    .await;
    check(
        db,
        p.lines
            .any_element(|it| it.sku.is_in(["x", "a"]) & it.count.eq(1)),
        "a1-b5",
    )
    .await;
}

async fn every_element_satisfies_the_predicate(on: &TestDb) {
    let db = given_lines(on).await;
    let p = Item::fields();
    check(db, p.lines.all_elements(|it| it.count.ge(5)), "b9 none").await;
    check(db, p.lines.all_elements(|it| it.sku.eq("b")), "b9 none").await;
    check(db, p.lines.all_elements(|_| Filter::never()), "none").await;
    check(
        db,
        p.lines.all_elements(|it| it.count.gt(0)),
        "a5 a1-b5 b9 none",
    )
    .await;
}

async fn elements_that_are_plain_values(on: &TestDb) {
    let db = given_tagged(on).await;
    let p = Item::fields();
    check(db, p.tags.any_element(|it| it.gt("b")), "bc c").await;
    check(
        db,
        p.tags.any_element(|it| it.eq("a") | it.eq("c")),
        "ab bc c",
    )
    .await;
    check(db, p.tags.all_elements(|it| it.le("b")), "ab none").await;
    check(db, p.tags.any_element(|it| it.contains_ci("A")), "ab").await;
}

async fn elements_of_the_wrong_shape(on: &TestDb) {
    let db = given_lines(on).await;
    let untyped = db.collection("items");
    for (id, lines) in [
        ("~null", json!(null)),
        ("~text", json!("lines")),
        ("~object", json!({"sku": "a", "count": 9})),
        (
            "~mixed",
            json!([null, 1, "a", {"count": 9}, {"sku": "a", "count": "9"}]),
        ),
    ] {
        untyped
            .insert(json!({"_id": id, "lines": lines}))
            .await
            .unwrap();
    }
    let p = Item::fields();
    let ids = |filter: Filter<Item>| async move {
        let ids = Item::query(db)
            .filter(filter & p.base.id.starts_with("~"))
            .ids()
            .await
            .unwrap();
        ids.iter().map(Id::as_str).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        ids(p.lines.any_element(|it| it.count.eq(9))).await,
        "~mixed"
    );
    assert_eq!(
        ids(p.lines.any_element(|it| it.sku.eq("a") & it.count.eq(9))).await,
        ""
    );
    assert_eq!(
        ids(p.lines.any_element(|it| it.sku.eq("a"))).await,
        "~mixed"
    );
    assert_eq!(
        ids(p.lines.all_elements(|_| Filter::always())).await,
        "~mixed"
    );
    assert_eq!(ids(p.lines.all_elements(|it| it.count.ge(0))).await, "");
    assert_eq!(
        ids(!p.lines.any_element(|_| Filter::always())).await,
        "~null ~object ~text"
    );
}

async fn keys_of_maps(on: &TestDb) {
    let keyed = |name: &str, keys: &[(&str, i64)]| Item {
        attributes: keys
            .iter()
            .map(|(key, n)| ((*key).to_owned(), *n))
            .collect(),
        ..item(name)
    };
    let db = given(
        on,
        [
            keyed("xy", &[("x", 1), ("y", 2)]),
            keyed("y", &[("y", 3)]),
            item("none"),
        ],
    )
    .await;
    let p = Item::fields();
    check(db, p.attributes.has_key("x"), "xy").await;
    check(db, p.attributes.has_key("y"), "xy y").await;
    check(db, p.attributes.has_key("z"), "").await;
    check(db, p.attributes.key("y").gt(2), "y").await;
    check(db, p.attributes.key("x").exists(), "xy").await;
    check(db, p.attributes.key("x").is_null(), "y none").await;
}

async fn keys_are_taken_literally(on: &TestDb) {
    let keys = [
        "a-b", "a.b", "a b", "a\"b", "a\\b", "$", "0", "ключ", "%", "a'b", "a",
    ];
    let items = keys.map(|key| Item {
        data: json!({ key: null }),
        attributes: [(key.to_owned(), 7)].into(),
        ..item(&key.replace(' ', "+"))
    });
    let nested = Item {
        data: json!({"a": {"b": 1}}),
        ..item("nested")
    };
    let db = given(on, items.into_iter().chain([nested])).await;
    let p = Item::fields();
    for key in keys {
        let name = key.replace(' ', "+");
        let with_nested = if key == "a" { "a nested" } else { &name };
        check(db, field("data").has_key(key), with_nested).await;
        check(db, p.data.has_key(key), with_nested).await;
        check(db, p.attributes.has_key(key), &name).await;
        check(db, p.attributes.key(key).eq(7), &name).await;
        check(db, field(["attributes", key]).eq(7), &name).await;
    }
    check(db, field("data").has_key(""), "").await;
    check(db, field("name").has_key("a"), "").await;
}
