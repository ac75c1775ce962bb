//! Groups of documents: keys, what is computed of each group, filters and orders of groups.

mod rows;

use den::{ErrorKind, Projection, TimeUnit, field, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, given, given_numbered, item, recorded, refused};
use crate::harness::{Case, TestDb};

use self::rows::*;

pub(super) const CASES: &[Case] = &[
    case!(a_group_for_each_key),
    case!(keys_of_every_type),
    case!(several_keys),
    case!(computed_keys),
    case!(time_buckets),
    case!(aggregates_of_computed_values),
    case!(having),
    case!(orders_in_the_order_of_the_calls),
    case!(limit_and_skip),
    case!(values_computed_from_aggregates),
    case!(structs_of_groups),
    case!(json_of_groups),
    case!(one_group),
    case!(filters_come_first),
    case!(untyped_keys),
    case!(no_documents_no_groups),
    case!(mistakes_are_refused_before_anything_is_sent),
    case!(groups_in_a_transaction),
];

fn in_category(name: &str, category: Option<&str>, n: i64, price: f64) -> Item {
    Item {
        category: category.map(str::to_owned),
        n,
        price,
        ..item(name)
    }
}

async fn given_categories(on: &TestDb) -> &Db {
    let items = [
        in_category("a1", Some("a"), 1, 1.5),
        in_category("a2", Some("a"), 3, 2.5),
        in_category("b1", Some("b"), 10, 0.25),
        in_category("n1", None, 5, 4.0),
        in_category("n2", None, 6, 6.0),
        in_category("n3", None, 7, 8.0),
    ];
    given(on, items).await
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

async fn a_group_for_each_key(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let groups = Item::query(db)
        .group_by(p.category)
        .select((
            p.category,
            den::count(),
            p.n.sum(),
            p.price.avg(),
            p.price.min(),
            p.name.max(),
            p.category.count(),
            p.category.count_distinct(),
        ))
        .all()
        .await
        .unwrap();
    assert_eq!(
        groups,
        [
            (None, 3, 18, Some(6.0), Some(4.0), some("n3"), 0, 0),
            (some("a"), 2, 4, Some(2.0), Some(1.5), some("a2"), 2, 1),
            (some("b"), 1, 10, Some(0.25), Some(0.25), some("b1"), 1, 1),
        ]
    );
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "kinds")]
struct Kinds {
    #[serde(flatten)]
    base: Base<Kinds>,
    text: String,
    int: i64,
    float: f64,
    truth: bool,
    at: Timestamp,
    color: Color,
    list: Vec<i64>,
    data: Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, Embedded)]
#[serde(rename_all = "lowercase")]
enum Color {
    #[default]
    Red,
    Blue,
}

async fn keys_of_every_type(on: &TestDb) {
    let db = on.with::<(Kinds,)>().await;
    let at: Timestamp = "2025-01-31T12:00:00Z".parse().unwrap();
    for (int, data) in [
        (1, json!([1, {"a": 1}])),
        (1, json!([1.0, {"a": 1.0}])),
        (2, json!("x")),
    ] {
        let float = if int == 1 { 1.0 } else { 2.5 };
        let color = if int == 1 { Color::Red } else { Color::Blue };
        let mut it = Kinds {
            text: format!("t{int}"),
            int,
            float,
            truth: int == 1,
            at,
            color,
            list: vec![int],
            data,
            ..Default::default()
        };
        it.insert(db).await.unwrap();
    }
    let k = Kinds::fields();
    let query = || Kinds::query(db);
    let count = den::count;
    assert_eq!(
        query()
            .group_by(k.text)
            .select((k.text, count()))
            .await
            .unwrap(),
        [("t1".to_owned(), 2), ("t2".to_owned(), 1)]
    );
    assert_eq!(
        query()
            .group_by(k.int)
            .select((k.int, count()))
            .await
            .unwrap(),
        [(1, 2), (2, 1)]
    );
    assert_eq!(
        query()
            .group_by(k.float)
            .select((k.float, count()))
            .await
            .unwrap(),
        [(1.0, 2), (2.5, 1)]
    );
    assert_eq!(
        query()
            .group_by(k.truth)
            .select((k.truth, count()))
            .await
            .unwrap(),
        [(false, 1), (true, 2)]
    );
    assert_eq!(
        query()
            .group_by(k.at)
            .select((k.at, count()))
            .await
            .unwrap(),
        [(at, 3)]
    );
    assert_eq!(
        query()
            .group_by(k.color)
            .select((k.color, count()))
            .await
            .unwrap(),
        [(Color::Blue, 1), (Color::Red, 2)]
    );
    let lists = query()
        .group_by(k.list)
        .select((k.list, count()))
        .sort(count().desc());
    assert_eq!(lists.all().await.unwrap(), [(vec![1], 2), (vec![2], 1)]);
    let data = query()
        .group_by(k.data)
        .select((k.data, count()))
        .all()
        .await
        .unwrap();
    assert_eq!(data.len(), 2);
    assert_eq!(data[0], (json!("x"), 1));
    assert_eq!(data[1].1, 2);
    let bools = query()
        .group_by(k.int.gt(1))
        .select((k.int.gt(1), count()))
        .all()
        .await
        .unwrap();
    assert_eq!(bools, [(false, 2), (true, 1)]);
}

async fn several_keys(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let even = den::case_when([((p.n / 2).eq((p.n / 2).round(0)), "even")], "odd");
    let groups = Item::query(db)
        .group_by((p.category, even.clone()))
        .select((even, p.category, den::count()))
        .all()
        .await
        .unwrap();
    let odd =
        |category: Option<&str>, count| ("odd".to_owned(), category.map(str::to_owned), count);
    let even =
        |category: Option<&str>, count| ("even".to_owned(), category.map(str::to_owned), count);
    assert_eq!(
        groups,
        [
            even(None, 1),
            odd(None, 2),
            odd(Some("a"), 2),
            even(Some("b"), 1)
        ]
    );
}

async fn computed_keys(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let initial = p.name.substr(0, 1).upper();
    let groups = Item::query(db)
        .group_by(initial.clone())
        .select((initial, p.n.max()))
        .all()
        .await
        .unwrap();
    let row = |name: &str, n| (name.to_owned(), Some(n));
    assert_eq!(groups, [row("A", 3), row("B", 10), row("N", 7)]);
}

async fn time_buckets(on: &TestDb) {
    let times = [
        Some("2025-03-30T00:59:59.999999Z"),
        Some("2025-03-30T01:00:00Z"),
        Some("2025-03-30T01:59:59Z"),
        None,
    ];
    let items = times.map(|at| Item {
        at: at.map(|it| it.parse().unwrap()),
        ..item("x")
    });
    let db = given(on, items).await;
    let p = Item::fields();
    let hour = p.at.truncate(TimeUnit::Hour);
    let groups = Item::query(db)
        .group_by(hour.clone())
        .select((hour.clone(), den::count()))
        .sort(hour.desc())
        .all()
        .await
        .unwrap();
    let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    assert_eq!(
        groups,
        [
            (time("2025-03-30T01:00:00Z"), 2),
            (time("2025-03-30T00:00:00Z"), 1),
            (None, 1)
        ]
    );
}

async fn aggregates_of_computed_values(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let dear = den::case_when([(p.price.gt(2.0), 1)], 0);
    let groups = Item::query(db)
        .group_by(p.category)
        .select((
            p.category,
            (p.price * p.n).sum(),
            dear.sum(),
            p.name.length().max(),
        ))
        .sort(p.category.desc())
        .all()
        .await
        .unwrap();
    assert_eq!(
        groups,
        [
            (some("b"), 2.5, 0, Some(2)),
            (some("a"), 9.0, 1, Some(2)),
            (None, 112.0, 3, Some(2)),
        ]
    );
}

async fn having(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let groups = || {
        Item::query(db)
            .group_by(p.category)
            .select((p.category, den::count()))
    };
    assert_eq!(
        groups().having(den::count().ge(2)).all().await.unwrap(),
        [(None, 3), (some("a"), 2)]
    );
    // By what is not selected, by keys, and by both.
    assert_eq!(
        groups().having(p.price.max().lt(1.0)).all().await.unwrap(),
        [(some("b"), 1)]
    );
    assert_eq!(
        groups().having(p.category.is_null()).all().await.unwrap(),
        [(None, 3)]
    );
    let filter = p.category.ne("b") & (p.n.sum().between(4, 10) | p.price.avg().gt(5.0));
    assert_eq!(
        groups().having(filter).all().await.unwrap(),
        [(None, 3), (some("a"), 2)]
    );
    let both = groups()
        .having(den::count().gt(1))
        .having(p.category.is_not_null());
    assert_eq!(both.all().await.unwrap(), [(some("a"), 2)]);
    let mean = (p.n.sum() / den::count()).gt(5.5);
    assert_eq!(
        groups().having(mean).all().await.unwrap(),
        [(None, 3), (some("b"), 1)]
    );
    assert_eq!(
        groups()
            .having(p.n.sum().eq(p.n.max()))
            .all()
            .await
            .unwrap(),
        [(some("b"), 1)]
    );
}
