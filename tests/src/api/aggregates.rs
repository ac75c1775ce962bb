//! Aggregates over all documents of a query.

use den::{ErrorKind, field, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, given, given_numbered, item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(of_no_documents),
    case!(in_the_type_of_the_field),
    case!(null_is_passed_over),
    case!(values_of_another_type_are_passed_over),
    case!(several_in_one_call),
    case!(of_computed_values),
    case!(integers_are_exact_and_an_overflow_is_an_error),
    case!(a_sum_that_does_not_fit_its_type),
    case!(floats_are_added_exactly_and_rounded_once),
    case!(a_number_of_your_own),
    case!(without_order_and_window),
];

async fn of_no_documents(on: &TestDb) {
    let db = given(on, []).await;
    let p = Item::fields();
    let query = || Item::query(db);
    assert_eq!(query().sum(p.n).await.unwrap(), 0);
    assert_eq!(query().sum(p.price).await.unwrap(), 0.0);
    assert_eq!(query().avg(p.n).await.unwrap(), None);
    assert_eq!(query().min(p.name).await.unwrap(), None);
    assert_eq!(query().max(p.at).await.unwrap(), None);
    assert_eq!(query().count_distinct(p.name).await.unwrap(), 0);
    assert_eq!(query().aggregate(den::count()).await.unwrap(), 0);
}

async fn in_the_type_of_the_field(on: &TestDb) {
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let at = |text: &str| Some(time(text));
    let items = [
        Item {
            n: 5,
            price: 0.5,
            at: at("2025-01-01T00:00:00Z"),
            active: true,
            ..item("é")
        },
        Item {
            n: -2,
            price: 2.25,
            at: at("2024-06-01T00:00:00Z"),
            ..item("Z")
        },
        Item {
            n: 5,
            price: 0.5,
            ..item("a")
        },
    ];
    let db = given(on, items).await;
    let p = Item::fields();
    let query = || Item::query(db);
    assert_eq!(query().sum(p.n).await.unwrap(), 8);
    assert_eq!(query().sum(p.price).await.unwrap(), 3.25);
    assert_eq!(query().avg(p.n).await.unwrap(), Some(8.0 / 3.0));
    assert_eq!(query().min(p.n).await.unwrap(), Some(-2));
    assert_eq!(query().max(p.price).await.unwrap(), Some(2.25));
    assert_eq!(query().min(p.name).await.unwrap().unwrap(), "Z");
    assert_eq!(query().max(p.name).await.unwrap().unwrap(), "é");
    assert_eq!(query().min(p.at).await.unwrap(), at("2024-06-01T00:00:00Z"));
    assert_eq!(query().max(p.active).await.unwrap(), Some(true));
    assert_eq!(query().min(p.active).await.unwrap(), Some(false));
    let first: Option<Id<Item>> = query().min(p.base.id).await.unwrap();
    assert_eq!(first, query().ids().await.unwrap().into_iter().next());
    assert_eq!(query().count_distinct(p.n).await.unwrap(), 2);
    assert_eq!(query().count_distinct(p.at).await.unwrap(), 2);
}

async fn null_is_passed_over(on: &TestDb) {
    let category = |it: &str| Some(it.to_owned());
    let items = [
        item("a"),
        Item {
            category: category("x"),
            ..item("b")
        },
    ];
    let db = given(on, items).await;
    let p = Item::fields();
    let row = Item::query(db)
        .aggregate((
            den::count(),
            p.category.count(),
            p.category.count_distinct(),
            p.category.min(),
            p.address.place.door.sum(),
            p.address.place.door.avg(),
        ))
        .await
        .unwrap();
    assert_eq!(row, (2, 1, 1, category("x"), 0, None));
}

async fn values_of_another_type_are_passed_over(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    for n in [json!("7"), json!(true), json!([1]), json!(null)] {
        db.collection("items")
            .insert(json!({"n": n}))
            .await
            .unwrap();
    }
    let p = Item::fields();
    let row = Item::query(db).aggregate((p.n.sum(), p.n.avg(), p.n.min(), p.n.max(), den::count()));
    assert_eq!(row.await.unwrap(), (3, Some(1.5), Some(1), Some(2), 6));
}

async fn several_in_one_call(on: &TestDb) {
    let db = given_numbered(on, 4).await;
    let p = Item::fields();
    type Ends = (Option<i64>, Option<f64>);
    let (count, sum, mean, (least, most)): (u64, i64, Option<f64>, Ends) = Item::query(db)
        .filter(p.n.gt(1))
        .aggregate((
            den::count(),
            p.n.sum(),
            p.n.avg(),
            (p.n.min(), p.price.max()),
        ))
        .await
        .unwrap();
    assert_eq!(
        (count, sum, mean, least, most),
        (3, 9, Some(3.0), Some(2), Some(4.5))
    );
    let spread = Item::query(db)
        .aggregate((p.n.max() - p.n.min()).coalesce(0))
        .await;
    assert_eq!(spread.unwrap(), 3);
}

async fn of_computed_values(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let query = || Item::query(db);
    assert_eq!(query().sum(p.n * p.n).await.unwrap(), 14);
    assert_eq!(query().sum(p.n * p.price).await.unwrap(), 1.5 + 5.0 + 10.5);
    assert_eq!(query().max(p.name.upper()).await.unwrap().unwrap(), "I3");
    assert_eq!(query().avg(p.tags.len()).await.unwrap(), Some(0.0));
    assert_eq!(
        query().count_distinct(p.name.substr(0, 1)).await.unwrap(),
        1
    );
    assert_eq!(query().sum(field("n") * 2).await.unwrap(), json!(12));
}

async fn integers_are_exact_and_an_overflow_is_an_error(on: &TestDb) {
    let n = |n: i64| Item { n, ..item("x") };
    let db = given(
        on,
        [n((1 << 53) + 1), n(2), n(i64::MAX - (1 << 54)), n(i64::MIN)],
    )
    .await;
    let p = Item::fields();
    let query = || Item::query(db);
    assert_eq!(
        query()
            .filter(p.n.gt(0))
            .filter(p.n.lt(1 << 60))
            .sum(p.n)
            .await
            .unwrap(),
        (1 << 53) + 3
    );
    // In whatever order they come, the sum fits.
    let sum = query().sum(p.n).await.unwrap();
    assert_eq!(sum, 2 - (1 << 53));
    given(on, [n(i64::MAX), n(i64::MAX)]).await;
    refused(
        query().filter(p.n.gt(0)).sum(p.n).await,
        ErrorKind::OutOfRange,
    );
    let grouped = query()
        .filter(p.n.gt(0))
        .group_by(p.name)
        .select(p.n.sum())
        .all()
        .await;
    refused(grouped, ErrorKind::OutOfRange);
    assert_eq!(query().max(p.n).await.unwrap(), Some(i64::MAX));
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "small")]
struct Small {
    #[serde(flatten)]
    base: Base<Small>,
    byte: u8,
    cents: Cents,
    short: f32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize, Embedded)]
struct Cents(i64);

impl den::Number for Cents {
    type Wide = i64;
}

impl den::Ordered for Cents {}

async fn given_small(on: &TestDb) -> &Db {
    let db = on.with::<(Small,)>().await;
    for byte in [200, 56] {
        let cents = Cents(i64::from(byte) * 100);
        let mut it = Small {
            byte,
            cents,
            short: 0.1,
            ..Default::default()
        };
        it.insert(db).await.unwrap();
    }
    db
}

async fn a_sum_that_does_not_fit_its_type(on: &TestDb) {
    let db = given_small(on).await;
    let s = Small::fields();
    let error = refused(Small::query(db).sum(s.byte).await, ErrorKind::OutOfRange);
    assert!(error.to_string().contains("does not fit"), "{error}");
    // A computed value is wide.
    assert_eq!(Small::query(db).sum(s.byte * 1).await.unwrap(), 256);
    assert_eq!(Small::query(db).max(s.byte).await.unwrap(), Some(200));
}

async fn floats_are_added_exactly_and_rounded_once(on: &TestDb) {
    let prices = [1e300, 0.1, 0.2, -1e300];
    let db = given(on, prices.map(|price| Item { price, ..item("x") })).await;
    let p = Item::fields();
    assert_eq!(Item::query(db).sum(p.price).await.unwrap(), 0.3);
    assert_eq!(Item::query(db).avg(p.price).await.unwrap(), Some(0.075));
    let whole = Item::query(db)
        .filter(p.price.lt(0.0))
        .sum(p.price * 0)
        .await
        .unwrap();
    assert_eq!(whole, 0.0);
}

async fn a_number_of_your_own(on: &TestDb) {
    let db = given_small(on).await;
    let s = Small::fields();
    let query = || Small::query(db);
    assert_eq!(query().sum(s.cents).await.unwrap(), Cents(25600));
    assert_eq!(query().max(s.cents).await.unwrap(), Some(Cents(20000)));
    assert_eq!(
        query()
            .filter((s.cents / 100).gt(s.byte - 1))
            .count()
            .await
            .unwrap(),
        2
    );
    assert_eq!(query().max(s.short).await.unwrap(), Some(0.1));
}

async fn without_order_and_window(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let invalid = ErrorKind::InvalidQuery;
    refused(Item::query(db).limit(1).sum(p.n).await, invalid);
    refused(Item::query(db).skip(1).avg(p.n).await, invalid);
    refused(Item::query(db).sort(p.n.asc()).max(p.n).await, invalid);
}
