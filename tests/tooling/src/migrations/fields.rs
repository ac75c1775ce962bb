//! Changes of all documents of a collection.

use den::{
    ErrorKind, Json, field,
    migrate::{Migrator, Registry},
};
use den_test_harness::{Case, TestDb};
use serde_json::json;

use super::{collection, versions};

pub(crate) const CASES: &[Case] = &[
    case!(fields_are_added_renamed_dropped_and_retyped),
    case!(a_field_that_cannot_be_added_fails_the_step),
    case!(a_step_may_speak_sql, except: [Memory]),
    case!(a_step_may_ask_and_write_as_anyone),
];

async fn fill(on: &TestDb) {
    collection(on, "orders").await;
    for order in [
        json!({ "_id": "a", "price": 5, "note": "x", "qty": "3" }),
        json!({ "_id": "b", "price": 7.5, "state": null, "qty": "4", "address": { "town": "Oslo" } }),
        json!({ "_id": "c", "state": "closed", "_rev": "first", "qty": null }),
    ] {
        on.db.collection("orders").insert(order).await.unwrap();
    }
}

async fn order(on: &TestDb, id: &str) -> Json {
    let mut order = on.db.collection("orders").get(id).await.unwrap().unwrap();
    let map = order.as_object_mut().unwrap();
    for own in ["_id", "_created_at", "_updated_at", "_rev"] {
        map.remove(own);
    }
    order
}

async fn fields_are_added_renamed_dropped_and_retyped(on: &TestDb) {
    fill(on).await;
    let rev = on.db.collection("orders").get("c").await.unwrap().unwrap()["_rev"].clone();
    let registry = Registry::new("app")
        .step("1", "add", async |m| {
            assert_eq!(m.add_field("orders", "state", "open").await?, 1);
            assert_eq!(m.add_field("orders", "address.zip", Json::Null).await?, 3);
            let double = field("price") * 2;
            assert_eq!(m.add_field("orders", "double", double).await?, 3);
            Ok(())
        })
        .step("2", "rename", async |m| {
            assert_eq!(
                m.rename_field("orders", "address.town", "address.city")
                    .await?,
                1
            );
            assert_eq!(m.rename_field("orders", "nothing", "something").await?, 0);
            Ok(())
        })
        .step("3", "drop", async |m| {
            assert_eq!(m.drop_field("orders", "note").await?, 1);
            Ok(())
        })
        .step("4", "retype", async |m| {
            let cents = field("price") * 100;
            assert_eq!(m.retype_field("orders", "price", cents).await?, 2);
            let label = field("qty").concat(" pieces");
            assert_eq!(m.retype_field("orders", "qty", label).await?, 3);
            Ok(())
        });
    let migrator = Migrator::new(&on.db).with(registry);
    assert_eq!(
        versions(&migrator.up().await.unwrap()),
        ["1", "2", "3", "4"]
    );
    let empty = json!({ "zip": null });
    assert_eq!(
        order(on, "a").await,
        json!({ "price": 500, "qty": "3 pieces", "state": "open", "double": 10, "address": empty })
    );
    assert_eq!(
        order(on, "b").await,
        json!({ "price": 750.0, "qty": "4 pieces", "state": null, "double": 15.0,
                "address": { "zip": null, "city": "Oslo" } })
    );
    assert_eq!(
        order(on, "c").await,
        json!({ "qty": null, "state": "closed", "double": null, "address": empty })
    );
    let after = on.db.collection("orders").get("c").await.unwrap().unwrap();
    assert_ne!(after["_rev"], rev);
}

async fn a_field_that_cannot_be_added_fails_the_step(on: &TestDb) {
    fill(on).await;
    let registry = Registry::new("app").step("1", "below a text", async |m| {
        m.add_field("orders", "fine", 1).await?;
        m.add_field("orders", "note.below", 1).await.map(drop)
    });
    let error = Migrator::new(&on.db).with(registry).up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert_eq!(error.collection(), Some("orders"));
    assert_eq!(
        order(on, "a").await,
        json!({ "price": 5, "note": "x", "qty": "3" })
    );
    for bad in ["_id", "_rev", ""] {
        let registry = Registry::new("bad").step("1", "own", move |m| async move {
            m.add_field("orders", bad, 1).await.map(drop)
        });
        Migrator::new(&on.db).with(registry).up().await.unwrap_err();
    }
}

async fn a_step_may_speak_sql(on: &TestDb) {
    fill(on).await;
    let registry = Registry::new("app").step("1", "raw", async |m| {
        let changed = m.execute("DELETE FROM orders WHERE id = 'a'").await?;
        assert_eq!(changed, 1);
        m.execute("DELETE FROM orders WHERE id = 'b'").await?;
        m.execute("DELETE FROM nowhere").await.map(drop)
    });
    let migrator = Migrator::new(&on.db).with(registry);
    migrator.up().await.unwrap_err();
    assert_eq!(on.db.collection("orders").query().count().await.unwrap(), 3);
    let registry = Registry::new("app").step("1", "raw", async |m| {
        m.execute("DELETE FROM orders WHERE id = 'a'")
            .await
            .map(drop)
    });
    Migrator::new(&on.db).with(registry).up().await.unwrap();
    assert_eq!(on.db.collection("orders").query().count().await.unwrap(), 2);
}

async fn a_step_may_ask_and_write_as_anyone(on: &TestDb) {
    fill(on).await;
    let registry = Registry::new("app").step("1", "by hand", async |m| {
        let orders = m.collection("orders");
        let closed = orders.query().filter(field("state").eq("closed"));
        for mut order in closed.all().await? {
            order["archived"] = Json::Bool(true);
            orders.replace(order).await?;
        }
        // Its own writes are seen.
        let archived = m
            .collection("orders")
            .query()
            .filter(field("archived").eq(true));
        assert_eq!(archived.count().await?, 1);
        Ok(())
    });
    Migrator::new(&on.db).with(registry).up().await.unwrap();
    assert_eq!(order(on, "c").await["archived"], true);
}
