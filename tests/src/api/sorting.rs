//! Orders: typed, untyped, with null, with ties.

use den::{FieldKind, field, prelude::*};
use serde_json::json;

use super::support::{Item, found, given, item, numbered};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(numbers_sort_as_numbers),
    case!(text_sorts_by_bytes),
    case!(null_is_the_smallest_value),
    case!(nulls_go_where_they_are_told),
    case!(several_keys),
    case!(ties_are_broken_by_the_id),
    case!(bools_and_ids_sort),
    case!(a_typed_sort_counts_other_types_as_null),
    case!(an_untyped_sort_orders_every_type),
    case!(an_untyped_path_of_a_kind),
    case!(large_integers_sort_exactly),
    case!(the_order_is_the_same_however_it_is_read),
];

async fn numbers_sort_as_numbers(on: &TestDb) {
    let db = given(on, [10, 9, 100, -5, 0].map(numbered)).await;
    let p = Item::fields();
    assert_eq!(
        found(Item::query(db).sort(p.n.asc())).await,
        "i-5 i0 i9 i10 i100"
    );
    assert_eq!(
        found(Item::query(db).sort(p.price.desc())).await,
        "i100 i10 i9 i0 i-5"
    );
    assert_eq!(
        found(Item::query(db).sort(field("n").asc())).await,
        "i-5 i0 i9 i10 i100"
    );
}

async fn text_sorts_by_bytes(on: &TestDb) {
    let names = [
        "b", "a", "B", "A", "ä", "z", "Z", "_", "10", "9", "é", "日", "ab", "a-b", "a_b",
    ];
    let db = given(on, names.map(item)).await;
    let mut sorted = names;
    sorted.sort_unstable();
    let p = Item::fields();
    assert_eq!(
        found(Item::query(db).sort(p.name.asc())).await,
        sorted.join(" ")
    );
    assert_eq!(
        found(Item::query(db).sort(field("name").asc())).await,
        sorted.join(" ")
    );
    sorted.reverse();
    assert_eq!(
        found(Item::query(db).sort(p.name.desc())).await,
        sorted.join(" ")
    );
}

async fn given_categories(on: &TestDb) -> &Db {
    let items = [
        ("b", Some("B")),
        ("null", None),
        ("a", Some("A")),
        ("null2", None),
    ];
    given(
        on,
        items.map(|(name, category)| Item {
            category: category.map(str::to_owned),
            ..item(name)
        }),
    )
    .await
}

async fn null_is_the_smallest_value(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    assert_eq!(
        found(Item::query(db).sort(p.category.asc())).await,
        "null null2 a b"
    );
    assert_eq!(
        found(Item::query(db).sort(p.category.desc())).await,
        "b a null2 null"
    );
}

async fn nulls_go_where_they_are_told(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    for (order, expected) in [
        (p.category.asc().nulls_last(), "a b null null2"),
        (p.category.asc().nulls_first(), "null null2 a b"),
        (p.category.desc().nulls_first(), "null2 null b a"),
        (p.category.desc().nulls_last(), "b a null2 null"),
        (field("category").asc().nulls_last(), "a b null null2"),
        (field("missing").asc().nulls_last(), "b null a null2"),
    ] {
        assert_eq!(
            found(Item::query(db).sort(order.clone())).await,
            expected,
            "{order:?}"
        );
    }
}

async fn several_keys(on: &TestDb) {
    let items = [("x", 1), ("y", 2), ("x", 3), ("y", 1), ("x", 2)];
    let items = items.map(|(category, n)| Item {
        category: Some(category.to_owned()),
        n,
        ..item(&format!("{category}{n}"))
    });
    let db = given(on, items).await;
    let p = Item::fields();
    let sorted = Item::query(db).sort(p.category.asc()).sort(p.n.desc());
    assert_eq!(found(sorted).await, "x3 x2 x1 y2 y1");
    let sorted = Item::query(db).sort(p.n.asc()).sort(p.category.desc());
    assert_eq!(found(sorted).await, "y1 x1 y2 x2 x3");
    let sorted = Item::query(db)
        .sort(p.category.desc())
        .sort(p.n.asc())
        .skip(1)
        .limit(2);
    assert_eq!(found(sorted).await, "y2 x1");
}

async fn ties_are_broken_by_the_id(on: &TestDb) {
    let items = ["c", "a", "d", "b"].map(|id| {
        let mut it = item(id);
        it.base.id = Id::new(id);
        it
    });
    let db = given(on, items).await;
    let p = Item::fields();
    assert_eq!(found(Item::query(db).sort(p.n.asc())).await, "a b c d");
    assert_eq!(found(Item::query(db).sort(p.n.desc())).await, "d c b a");
    assert_eq!(
        found(Item::query(db).sort(p.n.desc()).sort(p.active.asc())).await,
        "a b c d"
    );
    assert_eq!(
        found(Item::query(db).sort(p.base.id.desc())).await,
        "d c b a"
    );
    assert_eq!(
        found(Item::query(db).sort(field("_id").desc())).await,
        "d c b a"
    );
}

async fn bools_and_ids_sort(on: &TestDb) {
    let db = given(
        on,
        [
            Item {
                active: true,
                ..item("yes")
            },
            item("no"),
        ],
    )
    .await;
    let p = Item::fields();
    assert_eq!(found(Item::query(db).sort(p.active.asc())).await, "no yes");
    assert_eq!(found(Item::query(db).sort(p.active.desc())).await, "yes no");
}

async fn a_typed_sort_counts_other_types_as_null(on: &TestDb) {
    let db = on.with::<Item>().await;
    let untyped = db.collection("items");
    for (id, n) in [
        ("a", json!("5")),
        ("b", json!(2)),
        ("c", json!([1])),
        ("d", json!(-1)),
        ("e", json!(true)),
        ("f", json!(1.5)),
        ("g", json!(null)),
    ] {
        untyped.insert(json!({"_id": id, "n": n})).await.unwrap();
    }
    let ids = async |order| {
        let ids = Item::query(db).sort(order).ids().await.unwrap();
        ids.iter().map(Id::as_str).collect::<String>()
    };
    let p = Item::fields();
    assert_eq!(ids(p.n.asc()).await, "acegdfb");
    assert_eq!(ids(p.n.desc()).await, "bfdgeca");
    assert_eq!(ids(p.n.asc().nulls_last()).await, "dfbaceg");
}

async fn an_untyped_sort_orders_every_type(on: &TestDb) {
    let db = on.with::<Item>().await;
    let untyped = db.collection("items");
    for (id, data) in [
        ("o2", json!({"z": 1})),
        ("o1", json!({})),
        ("a2", json!([])),
        ("a1", json!([9])),
        ("t", json!(true)),
        ("f", json!(false)),
        ("text", json!("b")),
        ("empty", json!("")),
        ("n10", json!(10)),
        ("n9.5", json!(9.5)),
        ("null", json!(null)),
    ] {
        untyped
            .insert(json!({"_id": id, "data": data}))
            .await
            .unwrap();
    }
    untyped.insert(json!({"_id": "missing"})).await.unwrap();
    let ids = async |order| untyped.query().sort(order).ids().await.unwrap().join(" ");
    let ascending = "missing null n9.5 n10 empty text f t a1 a2 o1 o2";
    assert_eq!(ids(field("data").asc()).await, ascending);
    let descending: Vec<&str> = ascending.split(' ').rev().collect();
    assert_eq!(ids(field("data").desc()).await, descending.join(" "));
    let nulls_last = "n9.5 n10 empty text f t a1 a2 o1 o2 missing null";
    assert_eq!(ids(field("data").asc().nulls_last()).await, nulls_last);
}

async fn an_untyped_path_of_a_kind(on: &TestDb) {
    let db = given(on, [10, 9, 100].map(numbered)).await;
    let untyped = db.collection("items");
    untyped
        .insert(json!({"_id": "~", "n": "50"}))
        .await
        .unwrap();
    let query = untyped
        .query()
        .sort(field("n").of_kind(FieldKind::Number).desc());
    let values = query.values_at("n").await.unwrap();
    assert_eq!(values, [json!(100), json!(10), json!(9), json!("50")]);
    // What is compared does not depend on the kind.
    let query = untyped
        .query()
        .filter(field("n").of_kind(FieldKind::Number).eq("50"));
    assert_eq!(query.ids().await.unwrap(), ["~"]);
}

async fn large_integers_sort_exactly(on: &TestDb) {
    let two_53 = 9_007_199_254_740_992_i64;
    let numbers = [
        two_53 + 1,
        i64::MAX,
        two_53,
        i64::MIN,
        i64::MAX - 1,
        two_53 + 2,
        i64::MIN + 1,
    ];
    let db = given(on, numbers.map(|n| Item { n, ..item("x") })).await;
    let p = Item::fields();
    let mut expected = numbers;
    expected.sort_unstable();
    assert_eq!(
        Item::query(db).sort(p.n.asc()).values(p.n).await.unwrap(),
        expected
    );
}

async fn the_order_is_the_same_however_it_is_read(on: &TestDb) {
    use futures_util::TryStreamExt as _;

    let items = (0..40).map(|n| Item {
        category: (n % 3 != 0).then(|| format!("c{}", n % 5)),
        active: n % 2 == 0,
        ..item(&n.to_string())
    });
    let db = given(on, items).await;
    let p = Item::fields();
    for ascending in [true, false] {
        let sorted = |query: QuerySet<Item>| {
            let second = if ascending {
                p.active.asc()
            } else {
                p.active.desc()
            };
            query.sort(p.category.desc()).sort(second)
        };
        let query = || sorted(Item::query(db));
        let all = query().all().await.unwrap();
        assert_eq!(query().stream().try_collect::<Vec<_>>().await.unwrap(), all);
        let ids: Vec<_> = all.iter().map(|it| it.id().clone()).collect();
        assert_eq!(query().ids().await.unwrap(), ids);
        let names: Vec<_> = all.iter().map(|it| it.name.clone()).collect();
        assert_eq!(query().values(p.name).await.unwrap(), names);
        let mut by_windows = Vec::new();
        for skip in (0..40).step_by(7) {
            by_windows.extend(query().skip(skip).limit(7).all().await.unwrap());
        }
        assert_eq!(by_windows, all);
        let tx = db.begin().await.unwrap();
        let in_tx = sorted(Item::query(&tx)).stream();
        assert_eq!(in_tx.try_collect::<Vec<_>>().await.unwrap(), all);
        tx.rollback().await.unwrap();
    }
}
