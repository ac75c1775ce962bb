//! Constraints: rules that the database keeps, whoever writes.

mod at_work;
mod making;
mod raw;

use den::{
    ErrorKind, constraint,
    constraint::NewConstraint,
    prelude::*,
    schema::{ConstraintRule, JsonType},
};
use den_test_harness::{Case, TestDb};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::{at_work::*, making::*, raw::*};

pub(super) const CASES: &[Case] = &[
    case!(a_document_that_breaks_a_rule_is_refused),
    case!(a_refused_document_is_as_it_was),
    case!(bulk_updates_cannot_break_a_rule),
    case!(many_documents_cannot_break_a_rule),
    case!(upserts_cannot_break_a_rule),
    case!(a_transaction_goes_on_after_a_violation),
    case!(values_are_unique_by_type),
    case!(messy_documents_are_sorted_out),
    case!(a_typed_filter_is_a_check),
    case!(offenders_are_listed_and_nothing_is_left),
    case!(a_constraint_is_made_once),
    case!(a_constraint_is_dropped_once),
    case!(names_are_the_same_each_time),
    case!(constraints_are_listed_in_order),
    case!(bad_constraints_are_refused),
    case!(an_index_behind_a_constraint_is_not_dropped),
    case!(constraints_outlive_a_handle, except: [SqliteMemory]),
    case!(constraints_follow_a_rename),
    case!(of_many_with_one_value_one_is_taken),
    case!(a_constraint_made_while_others_write_holds),
    case!(a_name_that_is_taken_elsewhere_is_refused),
    case!(long_texts_may_be_unique),
    case!(a_constraint_in_a_transaction_closure_is_refused),
    case!(soft_deleted_documents_keep_rules),
    together!(all_refuse_alike),
    case!(another_program_cannot_break_a_rule, only: [SqliteFile, Postgres, PostgresIcu]),
    case!(raw_statements_cannot_break_a_rule, except: [Memory]),
    case!(what_another_program_writes_well_is_taken, only: [SqliteFile, Postgres, PostgresIcu]),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "products", revision)]
pub(super) struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    sku: String,
    name: Option<String>,
    price: f64,
    sale: Option<f64>,
    #[serde(default)]
    extra: Json,
}

pub(super) fn product(sku: &str) -> Product {
    Product {
        sku: sku.to_owned(),
        name: Some("lamp".to_owned()),
        price: 9.5,
        extra: json!(1),
        ..Default::default()
    }
}

/// One rule of each kind, by its name.
pub(super) fn rules() -> Vec<NewConstraint> {
    let p = Product::fields();
    let cheaper = p.sale.is_null() | field("sale").le(field("price"));
    vec![
        constraint::unique([p.sku]).named("one_sku"),
        constraint::required(p.name).named("has_name"),
        constraint::of_type("extra", [JsonType::Integer, JsonType::Array]).named("type_of_extra"),
        constraint::check(cheaper).named("sale_is_cheaper"),
        constraint::key(["sku", "price"]).named("sku_and_price"),
    ]
}

/// Registered, with all rules, and one product `a` in it.
pub(super) async fn given(on: &TestDb) -> &Db {
    let db = on.with::<Product>().await;
    for rule in rules() {
        let made = db.schema().create_constraint("products", rule).await;
        made.unwrap();
    }
    let mut first = product("a");
    first.base.id = Id::new("a");
    first.save(db).await.unwrap();
    db
}

type Break = (&'static str, ConstraintRule, fn(&mut Product));

/// What breaks which rule.
const BREAKS: &[Break] = &[
    ("one_sku", ConstraintRule::Unique, |it| it.sku = "a".into()),
    ("has_name", ConstraintRule::Required, |it| it.name = None),
    ("type_of_extra", ConstraintRule::Type, |it| {
        it.extra = json!("x");
    }),
    ("type_of_extra", ConstraintRule::Type, |it| {
        it.extra = json!(1.5);
    }),
    ("sale_is_cheaper", ConstraintRule::Check, |it| {
        it.sale = Some(10.0);
    }),
];

fn kind_of(rule: ConstraintRule) -> ErrorKind {
    match rule {
        ConstraintRule::Unique => ErrorKind::Duplicate,
        ConstraintRule::Required
        | ConstraintRule::Type
        | ConstraintRule::Key
        | ConstraintRule::Check => ErrorKind::Validation,
    }
}

#[track_caller]
pub(super) fn assert_broken(error: &Error, name: &str, rule: ConstraintRule) {
    assert_eq!(error.kind(), kind_of(rule), "{name}: {error:?}");
    let constraint = error.constraint().unwrap();
    // The key holds the values of `one_sku` too, and either may be the one that refuses.
    if rule != ConstraintRule::Unique || constraint.name() != "sku_and_price" {
        assert_eq!(constraint.name(), name, "{error:?}");
        assert_eq!(constraint.rule(), rule);
    }
    assert_eq!(error.collection(), Some("products"));
    assert!(!error.is_retryable());
}

async fn a_document_that_breaks_a_rule_is_refused(on: &TestDb) {
    let db = given(on).await;
    for (name, rule, spoil) in BREAKS {
        let mut bad = product("b");
        bad.base.id = Id::new("b");
        spoil(&mut bad);
        let error = bad.insert(db).await.unwrap_err();
        assert_broken(&error, name, *rule);
        assert_eq!(error.id(), Some("b"));
        let error = bad.save(db).await.unwrap_err();
        assert_broken(&error, name, *rule);
        let text = error.to_string();
        assert!(
            text.contains(name) || text.contains("sku_and_price"),
            "{text}"
        );
    }
    product("b").save(db).await.unwrap();
    let mut stored = Product::find(db, "a").await.unwrap();
    for (name, rule, spoil) in &BREAKS[1..] {
        let mut bad = stored.clone();
        spoil(&mut bad);
        let error = bad.save(db).await.unwrap_err();
        assert_broken(&error, name, *rule);
        assert_eq!(error.id(), Some("a"));
    }
    stored.price = 8.0;
    stored.save(db).await.unwrap();
}

async fn a_refused_document_is_as_it_was(on: &TestDb) {
    let db = given(on).await;
    for (_, _, spoil) in BREAKS {
        let mut bad = product("b");
        spoil(&mut bad);
        let before = bad.clone();
        bad.insert(db).await.unwrap_err();
        assert_eq!(bad, before);
        assert!(!bad.base.is_stored());
    }
    let mut bad = Product::find(db, "a").await.unwrap();
    bad.name = None;
    let before = bad.clone();
    bad.save(db).await.unwrap_err();
    assert_eq!(bad, before);
    assert_eq!(
        Product::find(db, "a").await.unwrap().name.as_deref(),
        Some("lamp")
    );
}

async fn bulk_updates_cannot_break_a_rule(on: &TestDb) {
    let db = given(on).await;
    for sku in ["b", "c", "d"] {
        let mut it = product(sku);
        if sku == "c" {
            it.sale = Some(9.0);
        }
        it.save(db).await.unwrap();
    }
    let all = || Product::query(db).all_rows();
    let p = Product::fields();
    let error = all().update().set(p.sku, "z").await.unwrap_err();
    assert_broken(&error, "one_sku", ConstraintRule::Unique);
    let error = all().update().set(p.name, None).await.unwrap_err();
    assert_broken(&error, "has_name", ConstraintRule::Required);
    let untyped = || db.collection("products").query().all_rows();
    let error = untyped().update().unset(field("name")).await.unwrap_err();
    assert_broken(&error, "has_name", ConstraintRule::Required);
    let error = untyped().update().set(field("extra"), "x").await;
    assert_broken(&error.unwrap_err(), "type_of_extra", ConstraintRule::Type);
    // Only one of them would break it, and none is changed.
    let error = all().update().set(p.price, 8.5).await.unwrap_err();
    assert_broken(&error, "sale_is_cheaper", ConstraintRule::Check);
    assert_eq!(all().filter(p.price.eq(9.5)).count().await.unwrap(), 4);
    assert_eq!(all().update().set(p.price, 9.25).await.unwrap(), 4);
}

async fn many_documents_cannot_break_a_rule(on: &TestDb) {
    let db = given(on).await;
    for (name, rule, spoil) in BREAKS {
        let mut many = ["b", "c", "d"].map(product);
        for it in &mut many {
            it.base.id = Id::new(it.sku.clone());
        }
        spoil(&mut many[1]);
        let error = Product::insert_many(db, &mut many).await.unwrap_err();
        assert_broken(&error, name, *rule);
        if *rule != ConstraintRule::Unique {
            assert_eq!(error.id(), Some("c"), "{name}");
        }
        assert_eq!(Product::query(db).count().await.unwrap(), 1);
        let error = Product::save_all(db, &mut many).await.unwrap_err();
        assert_broken(&error, name, *rule);
        assert_eq!(Product::query(db).count().await.unwrap(), 1);
    }
}

async fn upserts_cannot_break_a_rule(on: &TestDb) {
    let db = given(on).await;
    let p = Product::fields();
    for (name, rule, spoil) in &BREAKS[1..] {
        let mut bad = product("b");
        spoil(&mut bad);
        let upserted = Product::upsert(db, bad).on_id().ignore().await;
        assert_broken(&upserted.unwrap_err(), name, *rule);
    }
    let mut again = product("a");
    again.base.id = Id::new("a");
    let upserted = Product::upsert(db, again)
        .on_id()
        .update(|update, _| update.set(p.name, None))
        .await;
    assert_broken(&upserted.unwrap_err(), "has_name", ConstraintRule::Required);
    assert_eq!(Product::query(db).count().await.unwrap(), 1);
}

async fn a_transaction_goes_on_after_a_violation(on: &TestDb) {
    let db = given(on).await;
    db.transaction(async |tx| {
        product("b").save(&tx).await?;
        for (name, rule, spoil) in BREAKS {
            let mut bad = product("c");
            spoil(&mut bad);
            let error = bad.save(&tx).await.unwrap_err();
            assert_broken(&error, name, *rule);
        }
        let p = Product::fields();
        let all = Product::query(&tx).all_rows();
        let error = all.update().set(p.name, None).await;
        assert_broken(&error.unwrap_err(), "has_name", ConstraintRule::Required);
        product("d").save(&tx).await
    })
    .await
    .unwrap();
    assert_eq!(Product::query(db).count().await.unwrap(), 3);
}

/// A collection without a type.
async fn given_free<'a>(on: &'a TestDb, documents: &[Json]) -> &'a Db {
    let meta = den::CollectionMeta::new("free");
    on.backend.ensure_collection(&meta).await.unwrap();
    for document in documents {
        let stored = on.db.collection("free").insert(document.clone()).await;
        stored.unwrap();
    }
    &on.db
}

async fn values_are_unique_by_type(on: &TestDb) {
    let db = given_free(on, &[]).await;
    let unique = constraint::unique(["v"]);
    let made = db.schema().create_constraint("free", unique).await.unwrap();
    let free = db.collection("free");
    for v in [
        json!(1),
        json!("1"),
        json!(true),
        json!("true"),
        json!(null),
        json!(null),
    ] {
        free.insert(json!({ "v": v })).await.unwrap();
    }
    free.insert(json!({})).await.unwrap();
    free.insert(json!({})).await.unwrap();
    for v in [json!(1), json!(1.0), json!("1"), json!(true)] {
        let error = free.insert(json!({ "v": v })).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        assert_eq!(error.constraint().unwrap().name(), made.name);
        assert_eq!(error.constraint().unwrap().fields(), ["v"]);
    }
}

async fn messy_documents_are_sorted_out(on: &TestDb) {
    let cars = [
        json!({ "_id": "1", "Miles per Gallon": 18, "Name": "a" }),
        json!({ "_id": "2", "Miles per Gallon": null, "Name": "b" }),
        json!({ "_id": "3", "Miles per Gallon": "n/a", "Name": "c" }),
        json!({ "_id": "4", "Name": 7 }),
        json!({ "_id": "5", "Miles per Gallon": 18.5, "Name": "a" }),
    ];
    let db = given_free(on, &cars).await;
    let schema = db.schema();
    let miles = || [["Miles per Gallon"]];
    for (rule, offenders) in [
        (
            constraint::of_type(["Miles per Gallon"], [JsonType::Number]),
            &["3"][..],
        ),
        (constraint::required(["Miles per Gallon"]), &["2", "4"]),
        (constraint::of_type("Name", [JsonType::String]), &["4"]),
        (constraint::unique(["Name"]), &["1", "5"]),
        (
            constraint::check::<Json>(field(["Miles per Gallon"]).lt(18.2)),
            &["2", "3", "4", "5"],
        ),
    ] {
        let error = schema.create_constraint("free", rule.clone()).await;
        assert_eq!(error.unwrap_err().offenders(), offenders, "{rule:?}");
    }
    let unique = constraint::unique(miles());
    schema.create_constraint("free", unique).await.unwrap();
    let again = json!({ "Miles per Gallon": 18.0 });
    let error = db.collection("free").insert(again).await.unwrap_err();
    assert_eq!(
        error.constraint().unwrap().fields(),
        [r#""Miles per Gallon""#]
    );
    let odd = constraint::required(["it's \"odd\""]);
    let made = schema.create_constraint("free", odd).await.unwrap_err();
    assert_eq!(made.offenders(), ["1", "2", "3", "4", "5"]);
}

async fn a_typed_filter_is_a_check(on: &TestDb) {
    let db = on.with::<Product>().await;
    let p = Product::fields();
    let rule = p.price.gt(0.0) & p.sku.ne("") & (p.name.is_null() | p.name.starts_with("l"));
    let made = db
        .schema()
        .create_constraint("products", constraint::check(rule))
        .await
        .unwrap();
    product("a").save(db).await.unwrap();
    for spoil in [
        |it: &mut Product| it.price = 0.0,
        |it: &mut Product| it.sku = String::new(),
        |it: &mut Product| it.name = Some("Lamp".to_owned()),
    ] {
        let mut bad = product("b");
        spoil(&mut bad);
        let error = bad.save(db).await.unwrap_err();
        assert_broken(&error, &made.name, ConstraintRule::Check);
        assert_eq!(
            error.constraint().unwrap().fields(),
            ["price", "sku", "name"]
        );
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "kept")]
struct Kept {
    #[serde(flatten)]
    base: Base<Kept>,
    #[serde(flatten)]
    deletion: SoftDelete,
    sku: Option<String>,
}

async fn soft_deleted_documents_keep_rules(on: &TestDb) {
    let db = on.with::<Kept>().await;
    for rule in [constraint::unique(["sku"]), constraint::required("sku")] {
        let made = db.schema().create_constraint("kept", rule).await;
        made.unwrap();
    }
    let mut one = Kept {
        sku: Some("a".to_owned()),
        ..Default::default()
    };
    one.save(db).await.unwrap();
    one.delete(db).await.unwrap();
    // A document that is only marked as deleted is there for the database.
    let mut two = Kept {
        sku: Some("a".to_owned()),
        ..Default::default()
    };
    let error = two.save(db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
}

/// What a person, and a program, can see of an error.
fn seen(error: &Error) -> String {
    let constraint = error.constraint().unwrap();
    let violations: Vec<String> = error
        .violations()
        .iter()
        .map(|it| [&*it.path, &*it.code, &*it.message].join("/"))
        .collect();
    format!(
        "{:?} {:?} {} {:?} {:?} {:?} {violations:?} {:?} {error}",
        error.kind(),
        constraint.rule(),
        constraint.name(),
        constraint.fields(),
        error.collection(),
        error.id(),
        error.offenders(),
    )
}

async fn all_refuse_alike(on: &[TestDb]) {
    let mut answers: Vec<Vec<String>> = Vec::new();
    for on in on {
        let db = on.with::<Product>().await;
        let schema = db.schema();
        let mut seen_here = Vec::new();
        for rule in rules().into_iter().take(4) {
            schema.create_constraint("products", rule).await.unwrap();
        }
        let mut first = product("a");
        first.base.id = Id::new("a");
        first.save(db).await.unwrap();
        for (_, _, spoil) in BREAKS {
            let mut bad = product("b");
            bad.base.id = Id::new("b");
            spoil(&mut bad);
            seen_here.push(seen(&bad.save(db).await.unwrap_err()));
        }
        for rule in [
            constraint::required("sale"),
            constraint::key(["sale"]),
            constraint::of_type("name", [JsonType::Number]),
            constraint::check::<Json>(field("price").gt(100)),
        ] {
            let error = schema.create_constraint("products", rule).await;
            seen_here.push(seen(&error.unwrap_err()));
        }
        answers.push(seen_here);
    }
    for answer in &answers[1..] {
        assert_eq!(answer, &answers[0]);
    }
}
