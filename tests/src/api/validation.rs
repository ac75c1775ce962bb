//! Declared rules: checked on every write that has the document, and reported in its own terms.

use std::collections::{BTreeMap, HashMap};

use den::{
    ErrorKind, Violation,
    prelude::*,
    testing::{Method, Recorder},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::{Validate, ValidationError};

use super::support::{count, everything, recorded, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(valid_documents_are_stored),
    case!(every_write_is_checked),
    case!(a_batch_says_which_document_breaks_a_rule),
    case!(changes_are_checked),
    case!(what_is_stored_can_be_read_deleted_and_restored),
    case!(a_transaction_goes_on_after_a_refusal),
    case!(rules_are_not_checked_unless_asked_for),
    case!(documents_saved_along_are_checked),
    alone!(violations_have_stored_paths_in_order_of_declaration),
    alone!(lists_and_maps_name_their_entries),
    alone!(rules_about_the_whole_come_last),
    alone!(errors_say_nothing_of_the_content),
];

/// What a write may do before it is refused: `replace` looks at what is stored.
const READS: &[Method] = &[Method::Get, Method::GetForUpdate];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document, Validate)]
#[den(collection = "orders", revision, validate)]
#[serde(rename_all = "camelCase")]
#[validate(schema(function = ends_after_it_begins, skip_on_field_errors = false))]
struct Order {
    #[serde(flatten)]
    base: Base<Order>,
    #[validate(length(min = 3), custom(function = is_no_test))]
    buyer_name: String,
    #[validate(required, range(min = 1, max = 99))]
    r#type: Option<i64>,
    #[validate(email(code = "address", message = "write name@example.com"))]
    #[serde(rename = "e-mail")]
    contact: Option<String>,
    #[serde(flatten)]
    #[validate(nested)]
    period: Period,
    #[validate(length(max = 2), nested)]
    order_lines: Vec<Line>,
    #[validate(nested)]
    gift: Option<Box<Line>>,
    #[validate(nested)]
    parts: BTreeMap<i64, Line>,
    #[validate(nested)]
    extras: HashMap<String, Line>,
    #[validate(nested)]
    grid: Vec<Vec<Line>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded, Validate)]
struct Period {
    #[serde(rename = "from")]
    begins: i64,
    #[validate(range(max = 1000))]
    #[serde(rename = "to")]
    ends: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded, Validate)]
#[validate(schema(function = is_worth_something))]
struct Line {
    #[validate(length(min = 1))]
    #[serde(rename = "stockKeepingUnit")]
    sku: String,
    #[validate(range(min = 1))]
    count: i64,
    free: bool,
}

fn is_no_test(name: &str) -> Result<(), ValidationError> {
    if name.contains("test") {
        return Err(ValidationError::new("no_test"));
    }
    Ok(())
}

fn ends_after_it_begins(order: &Order) -> Result<(), ValidationError> {
    if order.period.ends < order.period.begins {
        let error = ValidationError::new("period");
        return Err(error.with_message("must end after it begins".into()));
    }
    Ok(())
}

fn is_worth_something(line: &Line) -> Result<(), ValidationError> {
    if line.free {
        return Err(ValidationError::new("worth"));
    }
    Ok(())
}

fn line(sku: &str, count: i64) -> Line {
    Line {
        sku: sku.to_owned(),
        count,
        free: false,
    }
}

fn order(buyer_name: &str) -> Order {
    Order {
        buyer_name: buyer_name.to_owned(),
        r#type: Some(1),
        ..Default::default()
    }
}

/// Makes sure that nothing but reads has reached the database.
#[track_caller]
pub(super) fn nothing_was_written(recorder: &Recorder) {
    let mut calls = recorder.take();
    calls.retain(|it| it.method.is_statement() && !READS.contains(&it.method));
    assert!(calls.is_empty(), "{calls:?}");
}

/// The violations as `path code`.
pub(super) fn codes(error: &Error) -> Vec<String> {
    let violations = error.violations().iter();
    violations
        .map(|it| format!("{} {}", it.path, it.code).trim_start().to_owned())
        .collect()
}

async fn valid_documents_are_stored(on: &TestDb) {
    let db = on.with::<Order>().await;
    let mut it = order("Ada");
    it.contact = Some("ada@example.com".into());
    it.order_lines = vec![line("a", 1)];
    it.insert(db).await.unwrap();
    it.r#type = Some(99);
    it.update(db).await.unwrap();
    it.contact = None;
    it.save(db).await.unwrap();
    it.replace(db).await.unwrap();
    assert_eq!(Order::query(db).one().await.unwrap(), it);
}

async fn every_write_is_checked(on: &TestDb) {
    let (db, recorder) = recorded::<Order>(on).await;
    let mut stored = order("Ada");
    stored.save(&db).await.unwrap();
    let before = Order::find(&db, stored.id()).await.unwrap();
    recorder.clear();

    stored.buyer_name = "Al".into();
    refuses_every_write(&db, &recorder, &mut stored).await;
    let tx = db.begin().await.unwrap();
    refuses_every_write(&tx, &recorder, &mut stored).await;
    tx.rollback().await.unwrap();
    assert_eq!(count::<Order>(&db).await, 1);
    assert_eq!(Order::find(&db, stored.id()).await.unwrap(), before);

    stored.buyer_name = "Alan".into();
    stored.save(&db).await.unwrap();
}

async fn refuses_every_write(on: &impl Executor, recorder: &Recorder, stored: &mut Order) {
    recorder.clear();
    let mut new = order("Al");
    let (new_before, stored_before) = (new.clone(), stored.clone());
    let options = SaveOptions::new;
    let outcomes = [
        new.insert(on).await,
        new.save(on).await,
        new.insert_with(on, options()).await,
        new.save_with(on, options()).await,
        stored.update(on).await,
        stored.save(on).await,
        stored.replace(on).await,
        stored.update_with(on, options()).await,
        stored.save_with(on, options()).await,
        Order::insert_many(on, std::slice::from_mut(&mut new)).await,
        Order::save_all(on, std::slice::from_mut(stored)).await,
    ];
    for (at, outcome) in outcomes.into_iter().enumerate() {
        let error = refused(outcome, ErrorKind::Validation);
        assert_eq!(codes(&error), ["buyerName length"], "write {at}");
        assert_eq!(error.collection(), Some("orders"));
        assert!(!error.is_retryable());
    }
    nothing_was_written(recorder);
    assert_eq!((&new, &*stored), (&new_before, &stored_before));
    assert!(new.id().is_empty() && !new.base.is_stored());
}

async fn a_batch_says_which_document_breaks_a_rule(on: &TestDb) {
    let (db, recorder) = recorded::<Order>(on).await;
    let mut batch = [order("Ada"), order("Al"), order("Bo")];
    let before = batch.clone();
    for outcome in [
        Order::insert_many(&db, &mut batch).await,
        Order::save_all(&db, &mut batch).await,
    ] {
        let error = refused(outcome, ErrorKind::Validation);
        assert_eq!(
            error.to_string(),
            "document 2 of 3: validation failed: buyerName: must have at least 3 characters: orders"
        );
        assert_eq!(codes(&error), ["buyerName length"]);
    }
    nothing_was_written(&recorder);
    assert_eq!(batch, before);
    assert_eq!(count::<Order>(&db).await, 0);
    Order::save_all(&db, &mut batch[..1]).await.unwrap();
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document, Validate)]
#[den(collection = "parked", validate)]
struct Parked {
    #[serde(flatten)]
    base: Base<Parked>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[serde(skip)]
    tracked: Tracked,
    #[validate(range(min = 1))]
    n: i64,
}

async fn changes_are_checked(on: &TestDb) {
    let (db, recorder) = recorded::<Parked>(on).await;
    let mut it = Parked {
        n: 1,
        ..Default::default()
    };
    it.save(&db).await.unwrap();
    recorder.clear();
    it.n = 0;
    let before = it.clone();
    let error = refused(it.save_changes(&db).await, ErrorKind::Validation);
    assert_eq!(codes(&error), ["n range"]);
    assert_eq!(it, before);
    assert!(it.is_changed().unwrap());
    nothing_was_written(&recorder);
    it.n = 2;
    assert!(it.save_changes(&db).await.unwrap());
    assert_eq!(Parked::query(&db).one().await.unwrap().n, 2);
}

async fn what_is_stored_can_be_read_deleted_and_restored(on: &TestDb) {
    let db = on.with::<Parked>().await;
    // Stored before there was a rule.
    let id = db.collection("parked").insert(json!({ "n": 0 })).await;
    let mut it = Parked::find(db, id.unwrap().as_str()).await.unwrap();
    refused(it.save(db).await, ErrorKind::Validation);
    it.delete(db).await.unwrap();
    assert_eq!(count::<Parked>(db).await, 0);
    it.restore(db).await.unwrap();
    assert_eq!(Parked::query(db).all_rows().delete().await.unwrap(), 1);
    assert_eq!(Parked::query(db).all_rows().restore().await.unwrap(), 1);
    assert_eq!(Parked::query(db).one().await.unwrap().n, 0);
    let mut it = Parked::query(db).one().await.unwrap();
    it.delete_with(db, DeleteOptions::new().hard())
        .await
        .unwrap();
}

async fn a_transaction_goes_on_after_a_refusal(on: &TestDb) {
    let db = on.with::<Order>().await;
    let mut batch = [order("Bob"), order("Al")];
    db.transaction(async |tx| {
        order("Ada").save(&tx).await?;
        refused(order("Al").save(&tx).await, ErrorKind::Validation);
        refused(
            Order::save_all(&tx, &mut batch).await,
            ErrorKind::Validation,
        );
        order("Eve").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(count::<Order>(db).await, 2);
}

/// Declares rules, but does not say `#[den(validate)]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document, Validate)]
#[den(collection = "lenient")]
struct Lenient {
    #[serde(flatten)]
    base: Base<Lenient>,
    #[validate(length(min = 1))]
    name: String,
}

async fn rules_are_not_checked_unless_asked_for(on: &TestDb) {
    let db = on.with::<Lenient>().await;
    let mut it = Lenient::default();
    it.save(db).await.unwrap();
    let error = refused(den::validate(&it), ErrorKind::Validation);
    assert_eq!(codes(&error), ["name length"]);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document, Validate)]
#[den(collection = "makers", validate)]
struct Maker {
    #[serde(flatten)]
    base: Base<Maker>,
    #[validate(length(min = 1))]
    name: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "made")]
struct Made {
    #[serde(flatten)]
    base: Base<Made>,
    maker: Link<Maker>,
}

async fn documents_saved_along_are_checked(on: &TestDb) {
    let (db, recorder) = recorded::<(Made, Maker)>(on).await;
    let along = || SaveOptions::new().with_links();
    let mut it = Made {
        maker: Link::new(Maker::default()),
        ..Default::default()
    };
    let error = refused(it.save_with(&db, along()).await, ErrorKind::Validation);
    assert_eq!(codes(&error), ["name length"]);
    assert_eq!(error.collection(), Some("makers"));
    nothing_was_written(&recorder);
    assert!(it.id().is_empty() && it.maker.id().is_empty());

    it.maker.get_mut().unwrap().name = "Ada".into();
    it.save_with(&db, along()).await.unwrap();
    assert_eq!(count::<Maker>(&db).await, 1);
    it.maker.get_mut().unwrap().name = String::new();
    refused(it.save_with(&db, along()).await, ErrorKind::Validation);
    assert_eq!(Maker::query(&db).one().await.unwrap().name, "Ada");
}

async fn violations_have_stored_paths_in_order_of_declaration() {
    let it = Order {
        buyer_name: "t".into(),
        contact: Some("nowhere".into()),
        period: Period {
            begins: 0,
            ends: 1001,
        },
        order_lines: vec![line("", 1), line("b", 2), line("c", 0)],
        ..Default::default()
    };
    let error = refused(den::validate(&it), ErrorKind::Validation);
    let found: Vec<_> = error
        .violations()
        .iter()
        .map(|it| (it.path.as_str(), it.code.as_str(), it.message.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("buyerName", "length", "must have at least 3 characters"),
            ("type", "required", "is required"),
            ("e-mail", "address", "write name@example.com"),
            ("to", "range", "must be at most 1000"),
            // The elements are looked at once the list as a whole is good.
            ("orderLines", "length", "must have at most 2 elements"),
        ]
    );
    assert_eq!(
        error.to_string(),
        "validation failed: buyerName: must have at least 3 characters (and 4 more)"
    );
    let again = refused(den::validate(&it), ErrorKind::Validation);
    assert_eq!(again.violations(), error.violations());
}

async fn lists_and_maps_name_their_entries() {
    let mut it = order("Ada");
    it.order_lines = vec![line("a", 1), line("", 0)];
    it.gift = Some(Box::new(line("g", -1)));
    it.parts = [(2, line("p", 1)), (-7, line("p", 0)), (10, line("", 1))].into();
    it.extras = ["a", "b", "c", "d", "e"]
        .map(|key| (key.to_owned(), line(key, i64::from(key != "d"))))
        .into();
    it.grid = vec![vec![line("a", 1)], vec![line("b", 1), line("", 1)]];
    let error = refused(den::validate(&it), ErrorKind::Validation);
    assert_eq!(
        codes(&error),
        [
            "orderLines.1.stockKeepingUnit length",
            "orderLines.1.count range",
            "gift.count range",
            "parts.-7.count range",
            "parts.10.stockKeepingUnit length",
            "extras.d.count range",
            "grid.1.1.stockKeepingUnit length",
        ]
    );
}

async fn rules_about_the_whole_come_last() {
    let mut it = order("Ada");
    it.period.begins = 1;
    let error = refused(den::validate(&it), ErrorKind::Validation);
    assert_eq!(
        error.violations(),
        [Violation::new("", "period", "must end after it begins")]
    );
    assert_eq!(
        error.to_string(),
        "validation failed: must end after it begins"
    );
    it.gift = Some(Box::new(Line {
        free: true,
        ..line("g", 1)
    }));
    let error = refused(den::validate(&it), ErrorKind::Validation);
    assert_eq!(codes(&error), ["gift worth", "period"]);

    // Embedded types can be checked by themselves.
    let error = refused(den::validate(&line("", 1)), ErrorKind::Validation);
    assert_eq!(codes(&error), ["stockKeepingUnit length"]);
    den::validate(&line("a", 1)).unwrap();
}

async fn errors_say_nothing_of_the_content() {
    let it = Order {
        buyer_name: "hush test".into(),
        r#type: Some(4711),
        contact: Some("hush".into()),
        order_lines: vec![line("hush", -4711)],
        ..Default::default()
    };
    let error = refused(den::validate(&it), ErrorKind::Validation);
    assert_eq!(
        codes(&error),
        [
            "buyerName no_test",
            "type range",
            "e-mail address",
            "orderLines.0.count range"
        ]
    );
    let text = everything(&error);
    assert!(!text.contains("hush") && !text.contains("4711"), "{text}");
}
