//! Computed values: arithmetic, functions and choices, in filters, orders and selections.

mod refused;

use den::{Computed, ErrorKind, Expr, TimeUnit, Value, field, prelude::*};
use den_backend::{Native, NativeKind, Piece};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, found, given, item, numbered, recorded, refused};
use crate::harness::{Case, TestDb};

use self::refused::*;

pub(super) const CASES: &[Case] = &[
    case!(the_first_example),
    case!(arithmetic_of_fields_and_numbers),
    case!(integers_stay_integers_and_floats_floats),
    case!(what_may_be_null_is_an_option),
    case!(functions_of_text),
    case!(functions_of_numbers),
    case!(functions_of_times),
    case!(types_have_names),
    case!(the_first_that_is_not_null),
    case!(cases_are_tried_in_order),
    case!(what_is_not_chosen_is_not_computed),
    case!(comparisons_of_computed_values),
    case!(fields_compare_with_computed_values),
    case!(predicates_of_computed_text),
    case!(orders_by_computed_values),
    case!(untyped_fields_compute_too),
    case!(now_is_the_time_of_the_clock),
    case!(documents_carry_the_time_of_the_clock),
    case!(an_overflow_is_an_error_and_not_a_wrong_number),
    case!(a_constant_that_overflows_is_refused_before_anything_is_sent),
    case!(what_makes_no_sense_is_refused_before_anything_is_sent),
    case!(what_the_engine_alone_computes_has_no_positions),
    case!(names_and_values_are_never_statements),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "issues")]
struct Issue {
    #[serde(flatten)]
    base: Base<Issue>,
    title: Option<String>,
    status: Status,
    votes: i64,
    opened: Timestamp,
    closed: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, Embedded)]
#[serde(rename_all = "lowercase")]
enum Status {
    #[default]
    New,
    Resolved,
}

async fn given_issues(on: &TestDb) -> &Db {
    let db = on.with::<(Issue,)>().await;
    let opened: Timestamp = "2024-02-29T23:59:59.5Z".parse().unwrap();
    let mut issues = [
        Issue {
            status: Status::Resolved,
            votes: 3,
            opened,
            closed: Some("2024-03-01T00:00:01Z".parse().unwrap()),
            ..Default::default()
        },
        Issue {
            title: Some("Über Ärger".into()),
            votes: -4,
            opened,
            ..Default::default()
        },
    ];
    for issue in &mut issues {
        issue.insert(db).await.unwrap();
    }
    db
}

async fn the_first_example(on: &TestDb) {
    let db = given_issues(on).await;
    let i = Issue::fields();
    let query = Issue::query(db)
        .filter(i.status.eq(Status::Resolved))
        .select((
            i.title.coalesce("fallback").label("title"),
            (den::value(5) + 2).label("sum"),
            den::case_when([(i.status.eq(Status::Resolved), "closed")], "open").label("state"),
        ));
    let row: (String, i64, String) = query.clone().one().await.unwrap();
    assert_eq!(row, ("fallback".to_owned(), 7, "closed".to_owned()));
    let row = query.json().one().await.unwrap();
    assert_eq!(
        row,
        json!({"title": "fallback", "sum": 7, "state": "closed"})
    );
}

async fn arithmetic_of_fields_and_numbers(on: &TestDb) {
    let db = given(
        on,
        [Item {
            n: 7,
            price: 2.5,
            ..item("x")
        }],
    )
    .await;
    let p = Item::fields();
    let query = || Item::query(db);
    let ints = (p.n + 1, p.n - 10, p.n * 2, 10 - p.n, p.n * p.n + p.n, -p.n);
    assert_eq!(
        query().select(ints).one().await.unwrap(),
        (8, -3, 14, 3, 56, -7)
    );
    let floats = (
        p.price * 2,
        p.price + p.n,
        p.n * p.price,
        1.5 - p.price,
        p.n * 0.5,
    );
    assert_eq!(
        query().select(floats).one().await.unwrap(),
        (5.0, 9.5, 17.5, -1.0, 3.5)
    );
    let quotients = (
        p.n / 2,
        p.n / (p.n + 0),
        p.price / 0,
        1 / (p.n - 7),
        6.0 / p.n,
    );
    assert_eq!(
        query().select(quotients).one().await.unwrap(),
        (Some(3.5), Some(1.0), None, None, Some(6.0 / 7.0))
    );
}

async fn integers_stay_integers_and_floats_floats(on: &TestDb) {
    let n = (1 << 53) + 1;
    let db = given(
        on,
        [Item {
            n,
            price: 2.0,
            ..item("x")
        }],
    )
    .await;
    let p = Item::fields();
    let row = (
        p.n + 0,
        p.n * 1,
        p.n - n,
        (p.price * 3).label("whole"),
        p.n / 1,
    );
    let values = Item::query(db).select(row).all().await.unwrap();
    assert_eq!(values, [(n, n, 0, 6.0, Some(9_007_199_254_740_992.0))]);
    let json = Item::query(db)
        .select((
            (p.price * 3).label("float"),
            (p.n - n).label("int"),
            (p.n / n).label("one"),
        ))
        .json()
        .one()
        .await
        .unwrap();
    assert!(json["float"].is_f64(), "{json}");
    assert!(json["int"].is_i64(), "{json}");
    assert!(json["one"].is_f64(), "{json}");
}

async fn what_may_be_null_is_an_option(on: &TestDb) {
    let db = given(
        on,
        [
            item("none"),
            Item {
                category: Some("Books".into()),
                ..item("some")
            },
        ],
    )
    .await;
    let p = Item::fields();
    let query = || Item::query(db).sort(p.name.asc());
    let lower: Vec<Option<String>> = query().values(p.category.lower()).await.unwrap();
    assert_eq!(lower, [None, Some("books".to_owned())]);
    let both: Vec<Option<String>> = query().values(p.name.concat(p.category)).await.unwrap();
    assert_eq!(both, [None, Some("someBooks".to_owned())]);
    let length: Vec<i64> = query()
        .values(p.category.length().coalesce(0))
        .await
        .unwrap();
    assert_eq!(length, [0, 5]);
}

async fn functions_of_text(on: &TestDb) {
    let db = given(on, [item(" \tÄb c-ÀB日本 \n")]).await;
    let p = Item::fields();
    let t = p.name.trim();
    let row = (
        t.clone().lower(),
        t.clone().upper(),
        t.clone().length(),
        t.clone().substr(1, 3),
        t.clone().substr_from(7),
        t.clone().substr(9, 5),
        t.clone().concat("!").concat(p.name.trim()),
        t.clone().replace("b", "<>"),
        t.clone().replace("", "x"),
        t.clone().replace("B日", t.clone().substr(0, 1)),
        den::concat((t.clone().substr(0, 2), "+", t.substr(4, 1))),
    );
    let row = Item::query(db).select(row).one().await.unwrap();
    let text = str::to_owned;
    assert_eq!(
        row,
        (
            text("Äb c-Àb日本"),
            text("ÄB C-ÀB日本"),
            9,
            text("b c"),
            text("日本"),
            text(""),
            text("Äb c-ÀB日本!Äb c-ÀB日本"),
            text("Ä<> c-ÀB日本"),
            text("Äb c-ÀB日本"),
            text("Äb c-ÀÄ本"),
            text("Äb+-"),
        )
    );
}

async fn functions_of_numbers(on: &TestDb) {
    let db = given(
        on,
        [Item {
            n: -7,
            price: 2.675,
            ..item("x")
        }],
    )
    .await;
    let p = Item::fields();
    let row = (
        p.n.abs(),
        (p.price - 4.0).abs().round(3),
        // By its shortest decimal form, half away from zero.
        p.price.round(2),
        (p.price * -1).round(2),
        p.price.round(0),
        p.n.round(3),
        den::least([p.n * 1, p.n + 1]),
        den::greatest((p.n, p.n + 5, 0)),
        den::greatest((p.price, p.price * 2)),
        den::least([p.address.place.door]),
        den::least((p.address.place.door, p.n)),
    );
    let row = Item::query(db).select(row).one().await.unwrap();
    assert_eq!(row, (7, 1.325, 2.68, -2.68, 3.0, -7, -7, 0, 5.35, None, -7));
}

async fn functions_of_times(on: &TestDb) {
    let db = given_issues(on).await;
    let i = Issue::fields();
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let row = (
        i.opened.truncate(TimeUnit::Minute),
        i.opened.truncate(TimeUnit::Hour),
        i.opened.truncate(TimeUnit::Day),
        i.opened.truncate(TimeUnit::Week),
        i.opened.truncate(TimeUnit::Month),
        i.opened.truncate(TimeUnit::Year),
        i.closed.truncate(TimeUnit::Day),
        i.closed.seconds_since(i.opened),
        i.opened.seconds_since(time("2024-03-01T00:00:00Z")),
    );
    let rows = Issue::query(db)
        .sort(i.votes.desc())
        .select(row)
        .all()
        .await
        .unwrap();
    let opened = (
        time("2024-02-29T23:59:00Z"),
        time("2024-02-29T23:00:00Z"),
        time("2024-02-29T00:00:00Z"),
        time("2024-02-26T00:00:00Z"),
        time("2024-02-01T00:00:00Z"),
        time("2024-01-01T00:00:00Z"),
    );
    let row = |closed, seconds| {
        let it = opened;
        (it.0, it.1, it.2, it.3, it.4, it.5, closed, seconds, -0.5)
    };
    assert_eq!(
        rows,
        [
            row(Some(time("2024-03-01T00:00:00Z")), Some(1.5)),
            row(None, None)
        ]
    );
}

async fn types_have_names(on: &TestDb) {
    let values = [
        json!(null),
        json!(true),
        json!(1),
        json!("x"),
        json!([1]),
        json!({"a": 1}),
    ];
    let items = values.map(|data| Item { data, ..item("x") });
    let db = given(on, items).await;
    let names = Item::query(db)
        .values(Item::fields().data.type_name())
        .await
        .unwrap();
    assert_eq!(names, ["null", "bool", "number", "text", "array", "object"]);
    let missing = Item::query(db)
        .limit(1)
        .values(field("nothing").type_name())
        .await;
    assert_eq!(missing.unwrap(), [json!("null")]);
}

async fn the_first_that_is_not_null(on: &TestDb) {
    let category = Some("c".to_owned());
    let db = given(
        on,
        [
            item("a"),
            Item {
                category,
                ..item("b")
            },
        ],
    )
    .await;
    let p = Item::fields();
    let query = || Item::query(db).sort(p.name.asc());
    let shown: Vec<String> = query().values(p.category.coalesce(p.name)).await.unwrap();
    assert_eq!(shown, ["a", "c"]);
    let several = den::coalesce((p.category, p.address.zip, "none"));
    let shown: Vec<String> = query().values(several).await.unwrap();
    assert_eq!(shown, ["none", "c"]);
    let list = den::coalesce([p.category, p.address.zip]);
    let shown: Vec<Option<String>> = query().values(list).await.unwrap();
    assert_eq!(shown, [None, Some("c".to_owned())]);
}

async fn cases_are_tried_in_order(on: &TestDb) {
    let db = given(on, [-1, 0, 5, 50].map(numbered)).await;
    let p = Item::fields();
    let size = den::case_when(
        [
            (p.n.gt(10), "large"),
            (p.n.gt(0), "small"),
            (p.n.eq(0), "none"),
        ],
        "negative",
    );
    let query = || Item::query(db).sort(p.n.asc());
    let sizes: Vec<String> = query().values(size.clone()).await.unwrap();
    assert_eq!(sizes, ["negative", "none", "small", "large"]);
    assert_eq!(
        found(query().filter(size.is_in(["small", "none"]))).await,
        "i0 i5"
    );
    // Of fields, of computed values, of enums, and without an alternative.
    let larger = den::case_when([(p.price.gt(p.n), p.price.computed())], p.n * 1.0);
    assert_eq!(found(query().filter(larger.ge(50.0))).await, "i50");
    let status = den::case_when([(p.n.gt(0), Status::New)], Status::Resolved);
    let statuses: Vec<Status> = query().limit(1).values(status).await.unwrap();
    assert_eq!(statuses, [Status::Resolved]);
    let known = den::case_when([(p.n.gt(0), p.n)], den::null());
    let known: Vec<Option<i64>> = query().values(known).await.unwrap();
    assert_eq!(known, [None, None, Some(5), Some(50)]);
}

async fn what_is_not_chosen_is_not_computed(on: &TestDb) {
    let db = given(
        on,
        [
            numbered(1),
            Item {
                n: i64::MAX,
                ..item("max")
            },
        ],
    )
    .await;
    let p = Item::fields();
    let next = den::case_when([(p.n.lt(i64::MAX), p.n + 1)], -1);
    let next: Vec<i64> = Item::query(db).sort(p.n.asc()).values(next).await.unwrap();
    assert_eq!(next, [2, -1]);
    let either = p.category.length().coalesce(p.n * 0).coalesce(p.n * 2);
    let either: Vec<i64> = Item::query(db).values(either).await.unwrap();
    assert_eq!(either, [0, 0]);
}
