//! Paths: nested fields, indexes of arrays, keys of any text.

use den::{ErrorKind, FieldPath, Json, field, prelude::*};
use serde_json::json;

use super::support::{Address, Item, Place, check, found, given, item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(nested_fields_filter_and_sort),
    case!(nested_fields_of_a_missing_parent),
    case!(typed_and_untyped_paths_mean_the_same),
    case!(a_number_indexes_an_array_and_is_a_key_of_an_object),
    case!(keys_with_dots_are_given_as_a_list),
    case!(paths_of_every_spelling),
    case!(bad_paths_are_refused_before_any_io),
    case!(the_reserved_keys_are_fields),
    case!(deep_paths),
];

fn living(name: &str, city: &str, floor: i64) -> Item {
    Item {
        address: Address {
            city: city.to_owned(),
            zip: (floor > 1).then(|| floor.to_string()),
            place: Place {
                floor,
                door: (floor > 2).then_some(floor * 10),
            },
        },
        ..item(name)
    }
}

async fn given_living(on: &TestDb) -> &Db {
    given(
        on,
        [
            living("a", "Oslo", 3),
            living("b", "Bergen", 10),
            living("c", "Oslo", 1),
        ],
    )
    .await
}

async fn nested_fields_filter_and_sort(on: &TestDb) {
    let db = given_living(on).await;
    let p = Item::fields();
    check(db, p.address.city.eq("Oslo"), "a c").await;
    check(db, p.address.place.floor.gt(1), "a b").await;
    check(db, p.address.zip.is_null(), "c").await;
    check(db, p.address.zip.eq("10"), "b").await;
    check(
        db,
        p.address.place.door.is_not_null() & p.address.city.ne("Oslo"),
        "b",
    )
    .await;
    let sorted = Item::query(db)
        .sort(p.address.city.asc())
        .sort(p.address.place.floor.desc());
    assert_eq!(found(sorted).await, "b a c");
    let sorted = Item::query(db).sort(p.address.place.door.asc());
    assert_eq!(found(sorted).await, "c a b");
    let floors = Item::query(db)
        .sort(p.address.place.floor.asc())
        .values(p.address.place.floor);
    assert_eq!(floors.await.unwrap(), [1, 3, 10]);
}

async fn nested_fields_of_a_missing_parent(on: &TestDb) {
    let db = given_living(on).await;
    let untyped = db.collection("items");
    for (id, address) in [
        ("~1", json!(null)),
        ("~2", json!("Oslo")),
        ("~3", json!(["Oslo"])),
        ("~4", json!({"place": null})),
        ("~5", json!({"place": 3})),
    ] {
        untyped
            .insert(json!({"_id": id, "address": address}))
            .await
            .unwrap();
    }
    untyped.insert(json!({"_id": "~6"})).await.unwrap();
    let odd = || Item::query(db).filter(Item::fields().base.id.starts_with("~"));
    let p = Item::fields();
    assert_eq!(
        odd()
            .filter(p.address.city.eq("Oslo"))
            .count()
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        odd()
            .filter(p.address.city.ne("Oslo"))
            .count()
            .await
            .unwrap(),
        6
    );
    assert_eq!(
        odd().filter(p.address.zip.is_null()).count().await.unwrap(),
        6
    );
    assert_eq!(
        odd()
            .filter(p.address.place.floor.exists())
            .count()
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        odd()
            .filter(p.address.place.floor.lt(100))
            .count()
            .await
            .unwrap(),
        0
    );
}

async fn typed_and_untyped_paths_mean_the_same(on: &TestDb) {
    let db = given_living(on).await;
    let p = Item::fields();
    for (typed, untyped) in [
        (p.address.city.eq("Oslo"), field("address.city").eq("Oslo")),
        (p.address.zip.eq("10"), field("address.zip code").eq("10")),
        (
            p.address.zip.is_null(),
            field(["address", "zip code"]).is_null(),
        ),
        (
            p.address.place.floor.ge(3),
            field(vec!["address", "place", "floor"]).ge(3),
        ),
        (p.base.id.ne("x"), field("_id").ne("x")),
    ] {
        let (one, other) = (
            Item::query(db).filter(typed),
            Item::query(db).filter(untyped),
        );
        assert_eq!(found(one).await, found(other).await);
    }
    assert_eq!(p.address.zip.path().segments(), ["address", "zip code"]);
}

async fn a_number_indexes_an_array_and_is_a_key_of_an_object(on: &TestDb) {
    let values = [
        ("array", json!(["a", "b", {"c": [1, 2]}])),
        ("object", json!({"0": "a", "1": "x", "01": "y", "-1": "z"})),
        ("text", json!("ab")),
    ];
    let db = given(on, values.map(|(name, data)| Item { data, ..item(name) })).await;
    check(db, field("data.0").eq("a"), "array object").await;
    check(db, field("data.1").eq("b"), "array").await;
    check(db, field("data.1").eq("x"), "object").await;
    check(db, field("data.2.c.1").eq(2), "array").await;
    check(db, field("data.3").exists(), "").await;
    check(db, field("data.01").eq("y"), "object").await;
    check(db, field("data.01").exists(), "object").await;
    check(db, field("data.-1").eq("z"), "object").await;
    check(db, field("data.-1").exists(), "object").await;
    check(
        db,
        field("data.99999999999999999999").is_null(),
        "array object text",
    )
    .await;
    check(db, field("data.2147483648").is_null(), "array object text").await;
    let sorted = Item::query(db)
        .filter(field("data.1").exists())
        .sort(field("data.1").desc());
    assert_eq!(found(sorted).await, "object array");
}

async fn keys_with_dots_are_given_as_a_list(on: &TestDb) {
    let values = [
        ("nested", json!({"a": {"b": 1}})),
        ("dotted", json!({"a.b": 1})),
        ("both", json!({"a.b": 2, "a": {"b": 2}})),
    ];
    let db = given(on, values.map(|(name, data)| Item { data, ..item(name) })).await;
    check(db, field("data.a.b").eq(1), "nested").await;
    check(db, field(["data", "a.b"]).eq(1), "dotted").await;
    check(
        db,
        field("data.a.b").eq(2) & field(["data", "a.b"]).eq(2),
        "both",
    )
    .await;
}

async fn paths_of_every_spelling(on: &TestDb) {
    let db = given_living(on).await;
    let path = FieldPath::parse("address.city").unwrap();
    let segments = ["address".to_owned(), "city".to_owned()];
    let text = String::from("address.city");
    for handle in [
        field("address.city"),
        field(String::from("address.city")),
        field(&text),
        field(["address", "city"]),
        field(segments.clone()),
        field(segments.to_vec()),
        field(&segments[..]),
        field(path),
    ] {
        check(db, handle.eq("Oslo"), "a c").await;
    }
}

async fn bad_paths_are_refused_before_any_io(on: &TestDb) {
    let db = given_living(on).await;
    for bad in [
        "", ".", "a.", ".a", "a..b", "a\0b", "a\nb", "\u{7f}", "a.\u{85}",
    ] {
        let query = || Item::query(db);
        for outcome in [
            query().filter(field(bad).eq(1)).count().await.map(drop),
            query().filter(!field(bad).is_null()).all().await.map(drop),
            query()
                .filter(Filter::any([field(bad).contains(1)]))
                .exists()
                .await
                .map(drop),
            query().sort(field(bad).asc()).all().await.map(drop),
            query()
                .sort(field(bad).desc().nulls_last())
                .first()
                .await
                .map(drop),
            query().filter(field(bad).eq(1)).delete().await.map(drop),
            query()
                .filter(field(bad).len().gt(1))
                .delete()
                .await
                .map(drop),
            query()
                .filter(field("n").eq_field(&field(bad)))
                .count()
                .await
                .map(drop),
            db.collection("items")
                .query()
                .values_at(bad)
                .await
                .map(drop),
        ] {
            refused(outcome, ErrorKind::InvalidQuery);
        }
    }
    let none: [&str; 0] = [];
    refused(
        Item::query(db).filter(field(none).is_null()).all().await,
        ErrorKind::InvalidQuery,
    );
    let list = field(["a", ""]);
    refused(
        Item::query(db).filter(list.is_null()).all().await,
        ErrorKind::InvalidQuery,
    );
    let key = Item::fields().attributes.key("");
    refused(
        Item::query(db).filter(key.is_null()).all().await,
        ErrorKind::InvalidQuery,
    );
    // The database may be gone: nothing of this reaches it.
    db.clone().close().await.unwrap();
    let query = Item::query(db).filter(field("a..b").eq(1));
    let error = refused(query.all().await, ErrorKind::InvalidQuery);
    assert_eq!(error.collection(), Some("items"));
}

async fn the_reserved_keys_are_fields(on: &TestDb) {
    let db = given_living(on).await;
    let p = Item::fields();
    let first = Item::query(db).first().await.unwrap().unwrap();
    check(
        db,
        p.base.created_at.eq(first.base.created_at) & p.base.id.eq(first.id()),
        "a",
    )
    .await;
    check(db, p.base.updated_at.le(Timestamp::now()), "a b c").await;
    check(db, p.base.rev.is_null(), "a b c").await;
    check(db, field("_created_at").gt(Timestamp::default()), "a b c").await;
    check(db, field("_id").is_in([first.id().as_str()]), "a").await;
}

async fn deep_paths(on: &TestDb) {
    let deep = (0..60).fold(
        json!("bottom"),
        |inner, n| json!({ format!("k{n}"): inner }),
    );
    let db = given(
        on,
        [
            Item {
                data: deep,
                ..item("deep")
            },
            item("flat"),
        ],
    )
    .await;
    let mut path = vec!["data".to_owned()];
    path.extend((0..60).rev().map(|n| format!("k{n}")));
    check(db, field(path.clone()).eq("bottom"), "deep").await;
    path.pop();
    check(db, field(path.clone()).eq(json!({"k0": "bottom"})), "deep").await;
    path.push("other".into());
    check(db, field(path.clone()).is_null(), "deep flat").await;
    let untyped = db
        .collection("items")
        .query()
        .values_at(path[..3].to_vec())
        .await
        .unwrap();
    assert!(untyped[0].is_object() && untyped[1] == Json::Null);
}
