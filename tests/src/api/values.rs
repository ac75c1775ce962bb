//! Ids, single values, plans.

use den::{ErrorKind, field, prelude::*};
use serde_json::json;

use super::support::{Item, given, given_numbered, item, refused};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(ids_in_the_order_of_the_query),
    case!(values_come_in_the_type_of_the_field),
    case!(values_of_nullable_fields_are_options),
    case!(values_at_any_path),
    case!(the_plan_and_the_statement),
];

async fn ids_in_the_order_of_the_query(on: &TestDb) {
    let db = given_numbered(on, 4).await;
    let p = Item::fields();
    let query = || Item::query(db).filter(p.n.gt(1)).sort(p.n.desc()).limit(2);
    let items = query().all().await.unwrap();
    let expected: Vec<Id<Item>> = items.iter().map(|it| it.id().clone()).collect();
    assert_eq!(query().ids().await.unwrap(), expected);
    let tx = db.begin().await.unwrap();
    assert_eq!(Item::query(&tx).ids().await.unwrap().len(), 4);
    tx.rollback().await.unwrap();
}

async fn values_come_in_the_type_of_the_field(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let query = || Item::query(db).sort(p.n.desc());
    assert_eq!(query().values(p.n).await.unwrap(), [3, 2, 1]);
    assert_eq!(query().values(p.price).await.unwrap(), [3.5, 2.5, 1.5]);
    assert_eq!(query().values(p.name).await.unwrap(), ["i3", "i2", "i1"]);
    assert_eq!(query().values(p.active).await.unwrap(), [false; 3]);
    assert_eq!(
        query().values(p.tags).await.unwrap(),
        vec![Vec::<String>::new(); 3]
    );
    assert_eq!(query().values(p.address.city).await.unwrap(), [""; 3]);
    assert_eq!(
        query().values(p.base.id).await.unwrap(),
        query().ids().await.unwrap()
    );
    assert_eq!(query().limit(1).values(p.n).await.unwrap(), [3]);
    assert_eq!(
        query().filter(p.n.gt(9)).values(p.n).await.unwrap(),
        Vec::<i64>::new()
    );
}

async fn values_of_nullable_fields_are_options(on: &TestDb) {
    let db = given(
        on,
        [
            item("a"),
            Item {
                category: Some("c".into()),
                ..item("b")
            },
        ],
    )
    .await;
    let p = Item::fields();
    let values = Item::query(db).values(p.category).await.unwrap();
    assert_eq!(values, [None, Some("c".to_owned())]);
    assert_eq!(
        Item::query(db).values(p.base.rev).await.unwrap(),
        [None, None]
    );
    assert_eq!(
        Item::query(db).values(p.address.place.door).await.unwrap(),
        [None, None]
    );
}

async fn values_at_any_path(on: &TestDb) {
    let data = json!({"a": [1, {"b c": true}], "big": i64::MAX, "n": null});
    let db = given(on, [Item { data, ..item("a") }]).await;
    let items = db.collection("items");
    let at = async |path: &[&str]| items.query().values_at(path).await.unwrap();
    assert_eq!(at(&["data", "a", "0"]).await, [json!(1)]);
    assert_eq!(at(&["data", "a", "1", "b c"]).await, [json!(true)]);
    assert_eq!(at(&["data", "big"]).await, [json!(i64::MAX)]);
    assert_eq!(at(&["data", "n"]).await, [json!(null)]);
    assert_eq!(at(&["data", "missing"]).await, [json!(null)]);
    assert_eq!(at(&["name"]).await, [json!("a")]);
    assert_eq!(
        at(&["_id"]).await,
        [json!(items.query().ids().await.unwrap()[0])]
    );
    refused(
        items.query().values_at("a..b").await,
        ErrorKind::InvalidQuery,
    );
}

async fn the_plan_and_the_statement(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let query = || {
        Item::query(db)
            .filter(p.name.eq("i2") & field("n").gt(1))
            .sort(p.n.asc())
            .limit(2)
    };
    let statement = query().to_sql().await.unwrap();
    assert!(statement.plan.is_empty());
    let explained = query().explain().await.unwrap();
    assert!(!explained.plan.is_empty());
    assert_eq!(explained.statement, statement.statement);
    if on.engine() != Engine::Memory {
        assert!(statement.statement.contains("\"items\""), "{statement}");
        assert!(
            !statement.statement.contains("i2"),
            "values are bound: {statement}"
        );
        assert!(
            statement.parameters.iter().any(|it| it.contains("i2")),
            "{statement}"
        );
    }
    assert!(!explained.to_string().is_empty());
}
