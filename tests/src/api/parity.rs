//! One case for each way in which two engines would answer differently if they were left to.

use den::{ErrorKind, Filter, field, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, found, given, item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(placeholders_are_bound_by_number),
    case!(parameters_of_every_type),
    case!(bools_are_no_numbers),
    case!(a_value_is_the_same_selected_and_compared),
    case!(numbers_in_text),
    case!(division),
    case!(comparisons_of_different_types),
    case!(missing_is_null),
    case!(null_is_assigned),
    case!(parents_are_made),
    case!(an_upsert_on_an_index_of_a_part),
    case!(now_is_one_moment),
    case!(nulls_and_types_have_an_order),
    case!(only_ascii_letters_fold),
    case!(integers_beyond_the_range_of_floats),
];

async fn placeholders_are_bound_by_number(on: &TestDb) {
    // A value that is said twice, and values in another order than that of the text.
    let db = given(on, [Item { n: 2, ..item("b") }, Item { n: 1, ..item("a") }]).await;
    let p = Item::fields();
    let row = Item::query(db)
        .filter(p.n.lt(3) & p.name.eq("b"))
        .sort(den::case_when([(p.n.eq(1), "z")], "y").asc())
        .select((den::value("second"), den::value("first"), p.n + 7, p.n * 7))
        .one()
        .await
        .unwrap();
    assert_eq!(row, ("second".to_owned(), "first".to_owned(), 9, 14));
}

async fn parameters_of_every_type(on: &TestDb) {
    let db = given(on, [item("x")]).await;
    let p = Item::fields();
    let time: Timestamp = "2025-01-31T12:00:00Z".parse().unwrap();
    let id = Id::<Item>::new("some");
    let row = Item::query(db)
        .select((
            (
                den::value(1),
                den::value(-0.5),
                den::value(true),
                den::value("t"),
            ),
            (den::value(time), den::value(&id), den::null::<_, bool>()),
            den::value(json!([1, "a", null, {"k": 2.0}])),
            (
                p.n + 1,
                p.n + 0.5,
                p.name.concat("y"),
                p.price.coalesce(1.0),
            ),
        ))
        .one()
        .await
        .unwrap();
    assert_eq!(row.0, (1, -0.5, true, "t".to_owned()));
    assert_eq!(row.1, (time, id, None));
    assert_eq!(row.2, json!([1, "a", null, {"k": 2.0}]));
    assert_eq!(row.3, (1, 0.5, "xy".to_owned(), 0.0));
}

async fn bools_are_no_numbers(on: &TestDb) {
    let db = given(
        on,
        [json!({"a": true, "b": 1}), json!({"a": 1, "b": true})]
            .map(|data| Item { data, ..item("x") }),
    )
    .await;
    let (a, b) = (|| field("data.a"), || field("data.b"));
    let query = || Item::query(db);
    assert_eq!(query().filter(a().eq(true)).count().await.unwrap(), 1);
    assert_eq!(query().filter(a().eq(1)).count().await.unwrap(), 1);
    assert_eq!(
        query()
            .filter(a().coalesce(0).eq(true))
            .count()
            .await
            .unwrap(),
        1
    );
    assert_eq!(query().filter((a() + 0).eq(1)).count().await.unwrap(), 1);
    assert_eq!(query().filter(a().eq(b())).count().await.unwrap(), 0);
    let copied = query().select((
        a().coalesce(false),
        Item::fields().active,
        a().is_null::<Item>(),
    ));
    let expected = [(json!(true), false, false), (json!(1), false, false)];
    assert_eq!(copied.all().await.unwrap(), expected);
}

async fn a_value_is_the_same_selected_and_compared(on: &TestDb) {
    let values = [
        json!(1),
        json!(1.5),
        json!("1"),
        json!(true),
        json!("true"),
        json!([1, 2.5, "x", null, true]),
        json!({"k": {"l": []}}),
        json!(""),
        json!("日本 \" ' \\ \u{1}"),
        json!(-0.5),
        json!(1e300),
        json!(9_007_199_254_740_993_i64),
        json!(i64::MIN),
    ];
    let db = given(on, values.clone().map(|data| Item { data, ..item("x") })).await;
    let p = Item::fields();
    let data = || den::case_when([(p.name.eq("x"), field("data"))], field("none"));
    let selected = Item::query(db)
        .select((p.data, p.data.coalesce(json!(0)), data()))
        .all()
        .await;
    let expected: Vec<_> = values
        .iter()
        .map(|it| (it.clone(), it.clone(), Some(it.clone())))
        .collect();
    assert_eq!(selected.unwrap(), expected);
    for value in values {
        let filter: Filter<Item> = data().eq(value.clone());
        assert_eq!(
            Item::query(db).filter(filter).count().await.unwrap(),
            1,
            "{value}"
        );
    }
}

async fn numbers_in_text(on: &TestDb) {
    let values = [
        json!("abc"),
        json!("5"),
        json!("5 apples"),
        json!(null),
        json!(true),
        json!([5]),
        json!({}),
    ];
    let count = values.len() as u64;
    let db = given(on, values.map(|data| Item { data, ..item("x") })).await;
    let query = || Item::query(db);
    let sums = query().select(field("data") + 1).all().await.unwrap();
    assert!(sums.iter().all(Json::is_null), "{sums:?}");
    for filter in [
        (field("data") * 2).is_null(),
        field("data").round(2).is_null(),
        field("data").abs().is_null(),
        field("data")
            .seconds_since("2025-01-31T12:00:00.000000Z")
            .is_null(),
        field("data").truncate(den::TimeUnit::Day).is_null(),
    ] {
        assert_eq!(
            query().filter(filter.clone()).count().await.unwrap(),
            count,
            "{filter:?}"
        );
    }
    let lengths = query().select(field("data").length()).all().await.unwrap();
    assert_eq!(
        lengths,
        [
            json!(3),
            json!(1),
            json!(8),
            json!(null),
            json!(null),
            json!(null),
            json!(null)
        ]
    );
}

async fn division(on: &TestDb) {
    let db = given(
        on,
        [Item {
            n: 7,
            price: 0.0,
            ..item("x")
        }],
    )
    .await;
    let p = Item::fields();
    let row = Item::query(db)
        .select((
            p.n / 2,
            p.n / 7,
            p.n / 0,
            p.n / p.price,
            p.price / 0.0,
            -7 / (p.n - 5),
        ))
        .one()
        .await
        .unwrap();
    assert_eq!(row, (Some(3.5), Some(1.0), None, None, None, Some(-3.5)));
    let by_zero = Item::query(db)
        .filter((p.n / p.price).gt(0.0))
        .count()
        .await;
    assert_eq!(by_zero.unwrap(), 0);
}

async fn comparisons_of_different_types(on: &TestDb) {
    let values = [
        json!(42),
        json!(42.0),
        json!("42"),
        json!(true),
        json!(1),
        json!("é"),
        json!("z"),
        json!("Z"),
    ];
    let items = values.into_iter().enumerate();
    let items = items.map(|(at, data)| Item {
        data,
        ..item(&at.to_string())
    });
    let db = given(on, items).await;
    let data = || field("data").coalesce(json!(null));
    for (filter, expected) in [
        (data().eq(42), "0 1"),
        (data().eq("42"), "2"),
        (data().eq(true), "3"),
        (data().eq(1), "4"),
        (data().gt(41), "0 1"),
        (data().gt("Z"), "5 6"),
        (data().lt("a"), "2 7"),
        (data().ne(42), "2 3 4 5 6 7"),
        (data().is_in([json!(1), json!("z")]), "4 6"),
    ] {
        assert_eq!(
            found(Item::query(db).filter(filter.clone())).await,
            expected,
            "{filter:?}"
        );
    }
}

async fn missing_is_null(on: &TestDb) {
    let data = [json!({"z": null}), json!({}), json!({"z": 0})];
    let db = given(on, data.map(|data| Item { data, ..item("x") })).await;
    let z = || field("data.z");
    let row = (
        z().coalesce("none"),
        (z() + 1).is_null::<Item>(),
        z().type_name(),
    );
    let rows = Item::query(db).select(row).all().await.unwrap();
    let null = || (json!("none"), true, json!("null"));
    assert_eq!(rows, [null(), null(), (json!(0), false, json!("number"))]);
}

async fn null_is_assigned(on: &TestDb) {
    let category = Some("c".to_owned());
    let db = given(
        on,
        [Item {
            n: 5,
            category,
            ..item("x")
        }],
    )
    .await;
    let p = Item::fields();
    // Of no value, of one that cannot be computed, and of a field that is missing.
    for value in [
        den::null(),
        p.attributes.key("none").lower().typed(),
        field("no").typed(),
    ] {
        let query = || Item::query(db).filter(p.name.eq("x"));
        query().update().set(p.category, "c").await.unwrap();
        let changed = query().update().set_expr(p.category, value).await.unwrap();
        assert_eq!(changed, 1);
        let it = Item::query(db).one().await.unwrap();
        assert_eq!((it.n, it.category, it.name.as_str()), (5, None, "x"));
    }
    let stored = db
        .collection("items")
        .query()
        .filter(field("category").exists());
    assert_eq!(stored.count().await.unwrap(), 1);
}

async fn parents_are_made(on: &TestDb) {
    let db = given(on, []).await;
    for document in [
        json!({"_id": "1"}),
        json!({"_id": "2", "a": null}),
        json!({"_id": "3", "a": {"x": 1}}),
    ] {
        db.collection("items").insert(document).await.unwrap();
    }
    let items = || db.collection("items").query().filter(field("_id").ne("4"));
    let changed = items()
        .update()
        .with_unknown_fields()
        .set(field("a.b.c"), 7)
        .await
        .unwrap();
    assert_eq!(changed, 3);
    let stored = items().select(field("a")).all().await.unwrap();
    let made = json!({"b": {"c": 7}});
    assert_eq!(stored, [made.clone(), made, json!({"x": 1, "b": {"c": 7}})]);
    db.collection("items")
        .insert(json!({"_id": "4", "a": [1]}))
        .await
        .unwrap();
    let wrong = db.collection("items").query().filter(field("_id").eq("4"));
    refused(
        wrong
            .update()
            .with_unknown_fields()
            .set(field("a.b"), 1)
            .await,
        ErrorKind::InvalidDocument,
    );
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "accounts")]
struct Account {
    #[serde(flatten)]
    base: Base<Account>,
    #[serde(flatten)]
    deletion: SoftDelete,
    // Unique among those that are not marked as deleted.
    #[den(unique)]
    email: String,
    logins: i64,
}

async fn an_upsert_on_an_index_of_a_part(on: &TestDb) {
    let db = on.with::<(Account,)>().await;
    let a = Account::fields();
    let account = || Account {
        email: "a@b.c".into(),
        logins: 1,
        ..Default::default()
    };
    for expected in [1, 2, 3] {
        let upsert = Account::upsert(db, account()).on(a.email);
        let done = upsert.update(|e, _| e.inc(a.logins, 1)).await.unwrap();
        assert_eq!(done.document().logins, expected);
    }
    let mut gone = Account::query(db).one().await.unwrap();
    gone.delete(db).await.unwrap();
    // What is marked as deleted is in nobody's way.
    let upsert = Account::upsert(db, account()).on(a.email);
    let done = upsert.update(|e, _| e.inc(a.logins, 1)).await.unwrap();
    assert!(done.is_inserted());
    assert_eq!(Account::query(db).with_deleted().count().await.unwrap(), 2);
}

async fn now_is_one_moment(on: &TestDb) {
    let items = (0..50).map(|_| item("x"));
    let db = given(on, items).await;
    let before = db.now();
    let times = Item::query(db)
        .select((den::now(), den::now()))
        .all()
        .await
        .unwrap();
    let after = db.now();
    let first = times[0].0;
    assert!(times.iter().all(|it| *it == (first, first)));
    assert!(before <= first && first <= after);
}

async fn nulls_and_types_have_an_order(on: &TestDb) {
    let values = [
        json!({"k": 1}),
        json!([1]),
        json!(true),
        json!(false),
        json!("b"),
        json!("B"),
        json!(10),
        json!(9.5),
        json!(null),
    ];
    let items = values.into_iter().enumerate();
    let items = items.map(|(at, data)| Item {
        data,
        n: 9,
        ..item(&at.to_string())
    });
    let db = given(on, items).await;
    let same = || field("data").coalesce(field("none"));
    assert_eq!(
        found(Item::query(db).sort(same().asc())).await,
        "8 7 6 5 4 3 2 1 0"
    );
    assert_eq!(
        found(Item::query(db).sort(same().desc())).await,
        "0 1 2 3 4 5 6 7 8"
    );
    assert_eq!(
        found(Item::query(db).sort(same().desc().nulls_first())).await,
        "8 0 1 2 3 4 5 6 7"
    );
    let least = || Item::query(db).aggregate((field("data").min(), field("data").max()));
    assert_eq!(
        least().await.unwrap(),
        (Some(json!(9.5)), Some(json!(true)))
    );
}

async fn only_ascii_letters_fold(on: &TestDb) {
    let db = given(on, [item("ÀÉ straße İI ÑaZ")]).await;
    let p = Item::fields();
    let row = Item::query(db)
        .select((p.name.lower(), p.name.upper()))
        .one()
        .await
        .unwrap();
    assert_eq!(
        row,
        ("ÀÉ straße İi Ñaz".to_owned(), "ÀÉ STRAßE İI ÑAZ".to_owned())
    );
}

async fn integers_beyond_the_range_of_floats(on: &TestDb) {
    let n = (1_i64 << 60) + 1;
    let db = given(
        on,
        [Item {
            n,
            price: 1.0,
            ..item("x")
        }],
    )
    .await;
    let p = Item::fields();
    let row = Item::query(db)
        .select((p.n + 1, p.n * 2, p.n - n, p.n.abs(), p.n + p.price))
        .one();
    assert_eq!(
        row.await.unwrap(),
        (n + 1, n * 2, 0, n, (1_i64 << 60) as f64)
    );
    assert_eq!(
        Item::query(db)
            .filter((p.n + 1).eq(n + 1))
            .count()
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        Item::query(db)
            .filter((p.n + 1).eq(n))
            .count()
            .await
            .unwrap(),
        0
    );
    refused(
        Item::query(db).values(p.n * 16).await,
        ErrorKind::OutOfRange,
    );
}
