//! Changes of the schema in steps.

use den::constraint::{self, required};
use den::{
    Document as _, ErrorKind, FieldKind, Json, field,
    migrate::{IndexField, IndexOptions, Migrator, Registry},
};
use den_test_harness::{Case, TestDb};
use futures_util::future::join_all;
use serde_json::json;

use super::{states, versions};

pub(crate) const CASES: &[Case] = &[
    case!(collections_come_and_go),
    case!(indexes_come_and_go),
    case!(an_index_is_the_one_that_a_type_declares),
    case!(constraints_come_and_go),
    case!(a_failed_step_leaves_no_schema),
    case!(a_schema_is_changed_outside_of_transactions_too),
    case!(an_index_is_built_while_others_wait),
];

async fn names(on: &TestDb, collection: &str) -> Vec<String> {
    let indexes = on.backend.list_recorded_indexes(collection).await.unwrap();
    indexes.into_iter().map(|it| it.name).collect()
}

async fn collections_come_and_go(on: &TestDb) {
    let registry = Registry::new("app")
        .step("1", "create", async |m| {
            m.create_collection("orders").await?;
            m.create_collection("orders").await?;
            m.create_collection("scratch").await?;
            let id = m.collection("orders").insert(json!({ "n": 1 })).await?;
            assert!(m.collection("orders").get(&id).await?.is_some());
            Ok(())
        })
        .down(async |m| m.drop_collection("orders").await)
        .step("2", "rename", async |m| {
            m.rename_collection("orders", "sales").await?;
            m.drop_collection("scratch").await?;
            assert_eq!(m.collection("sales").query().count().await?, 1);
            Ok(())
        })
        .down(async |m| m.rename_collection("sales", "orders").await);
    let migrator = Migrator::new(&on.db).with(registry);
    migrator.up().await.unwrap();
    assert_eq!(on.db.collections().await.unwrap(), ["sales"]);
    assert_eq!(on.db.collection("sales").query().count().await.unwrap(), 1);
    migrator.down().await.unwrap();
    assert_eq!(on.db.collections().await.unwrap(), ["orders"]);
    assert_eq!(on.db.collection("orders").query().count().await.unwrap(), 1);
    migrator.down().await.unwrap();
    assert!(on.db.collections().await.unwrap().is_empty());
    migrator.up().await.unwrap();
    assert_eq!(on.db.collections().await.unwrap(), ["sales"]);
}

async fn indexes_come_and_go(on: &TestDb) {
    let registry = Registry::new("app")
        .step("1", "create", async |m| {
            m.create_collection("issues").await?;
            m.create_index("issues", ["issue_id", "received_at:DESC"], ())
                .await?;
            m.create_index(
                "issues",
                ["code"],
                "name:open_codes unique:true where:status = 'open'",
            )
            .await?;
            let options = IndexOptions::new()
                .name("owners")
                .filter(field("owner").is_not_null());
            m.create_index(
                "issues",
                [IndexField::new("owner").of_kind(FieldKind::Text)],
                options,
            )
            .await?;
            m.create_index("issues", ["tags"], "members:true").await
        })
        .step("2", "drop", async |m| {
            m.drop_index("issues", "owners").await?;
            m.drop_index_over("issues", ["issue_id", "received_at"])
                .await?;
            // One that was made in this very transaction.
            m.create_index("issues", ["price:number"], ()).await?;
            m.drop_index_over("issues", ["price"]).await
        });
    let migrator = Migrator::new(&on.db).with(registry);
    assert_eq!(versions(&migrator.up_to("1").await.unwrap()), ["1"]);
    let made = names(on, "issues").await;
    assert_eq!(made.len(), 4, "{made:?}");
    assert!(made.contains(&"open_codes".to_owned()) && made.contains(&"owners".to_owned()));
    let issues = on.db.collection("issues");
    issues
        .insert(json!({ "code": "x", "status": "open" }))
        .await
        .unwrap();
    issues
        .insert(json!({ "code": "x", "status": "closed" }))
        .await
        .unwrap();
    let taken = issues
        .insert(json!({ "code": "x", "status": "open" }))
        .await
        .unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Duplicate);

    migrator.up().await.unwrap();
    let left = names(on, "issues").await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.contains(&"open_codes".to_owned()));

    for (version, index) in [("3", "where:status = 'open'"), ("4", "colour:red")] {
        let registry = Registry::new("bad").step(version, "bad", move |m| async move {
            m.create_index("issues", ["code"], index).await
        });
        Migrator::new(&on.db).with(registry).up().await.unwrap_err();
    }
    let colliding = Registry::new("unique").step("1", "collides", async |m| {
        m.create_index("issues", ["code"], "unique:true").await
    });
    let migrator = Migrator::new(&on.db).with(colliding);
    migrator.up().await.unwrap_err();
    assert_eq!(names(on, "issues").await, left);
}

#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, den::Document)]
#[den(collection = "issues", index(fields("issue_id", desc("received_at"))))]
struct Issue {
    #[serde(flatten)]
    base: den::Base<Issue>,
    issue_id: i64,
    received_at: String,
}

async fn an_index_is_the_one_that_a_type_declares(on: &TestDb) {
    let registry = Registry::new("app").step("1", "create", async |m| {
        m.create_collection("issues").await?;
        m.create_index("issues", ["issue_id:number", "received_at:text:DESC"], ())
            .await
    });
    Migrator::new(&on.db).with(registry).up().await.unwrap();
    let made = names(on, "issues").await;
    let db = on.another_handle().await;
    db.register::<(Issue,)>().await.unwrap();
    assert_eq!(names(on, "issues").await, made);
    let plan = on
        .backend
        .plan_collection(&db.meta::<Issue>().unwrap())
        .await
        .unwrap();
    assert!(plan.is_empty(), "{plan:?}");
    let mut issue = Issue {
        issue_id: 1,
        ..Issue::default()
    };
    issue.insert(&db).await.unwrap();
}

async fn constraints_come_and_go(on: &TestDb) {
    let registry = Registry::new("app")
        .step("1", "create", async |m| {
            m.create_collection("orders").await?;
            m.create_constraint("orders", required("customer").named("has_customer"))
                .await?;
            m.create_constraint("orders", constraint::unique(["number"]))
                .await
        })
        .step("2", "drop", async |m| {
            m.drop_constraint("orders", "has_customer").await
        });
    let migrator = Migrator::new(&on.db).with(registry);
    migrator.up_to("1").await.unwrap();
    let orders = on.db.collection("orders");
    let error = orders.insert(json!({ "n": 1 })).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert_eq!(
        error.constraint().map(den::Constraint::name),
        Some("has_customer")
    );
    orders
        .insert(json!({ "customer": "a", "number": 1 }))
        .await
        .unwrap();
    let error = orders
        .insert(json!({ "customer": "a", "number": 1.0 }))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    migrator.up().await.unwrap();
    orders
        .insert(json!({ "_id": "bad", "n": 1 }))
        .await
        .unwrap();

    let again = Registry::new("again").step("1", "create", async |m| {
        m.create_constraint("orders", required("customer")).await
    });
    let migrator = Migrator::new(&on.db).with(again);
    let error = migrator.up().await.unwrap_err();
    let cause = std::error::Error::source(&error).and_then(|it| it.downcast_ref::<den::Error>());
    assert_eq!(cause.unwrap().offenders(), ["bad"]);
    assert_eq!(on.backend.constraints("orders").await.unwrap().len(), 1);
}

async fn a_failed_step_leaves_no_schema(on: &TestDb) {
    let registry = Registry::new("app")
        .step("1", "create", async |m| {
            m.create_collection("orders").await?;
            m.collection("orders")
                .insert(json!({ "_id": "a", "n": 1 }))
                .await
                .map(drop)
        })
        .step("2", "fails", async |m| {
            m.create_index("orders", ["n"], "name:by_n").await?;
            m.create_constraint("orders", required("n")).await?;
            m.create_collection("other").await?;
            m.rename_collection("orders", "sales").await?;
            m.collection("sales")
                .insert(json!({ "_id": "b", "n": 2 }))
                .await?;
            m.drop_collection("sales").await?;
            Err(den::Error::custom("after all"))
        });
    let migrator = Migrator::new(&on.db).with(registry);
    let error = migrator.up().await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "after all");
    assert_eq!(states(&migrator).await, ["1 applied", "2 pending"]);
    assert_eq!(on.db.collections().await.unwrap(), ["orders"]);
    assert!(names(on, "orders").await.is_empty());
    assert_eq!(on.backend.constraints("orders").await.unwrap(), []);
    let orders: Vec<Json> = on.db.collection("orders").query().all().await.unwrap();
    assert_eq!(orders.len(), 1);
    // What was cached meanwhile is right again.
    on.db
        .collection("orders")
        .insert(json!({ "_id": "c" }))
        .await
        .unwrap();
    let error = on.db.collection("sales").query().count().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
}

async fn a_schema_is_changed_outside_of_transactions_too(on: &TestDb) {
    let registry = Registry::new("app")
        .step("1", "alone", async |m| {
            m.create_collection("orders").await?;
            m.create_index("orders", ["n:number"], "name:by_n").await?;
            m.create_constraint("orders", required("n")).await?;
            m.drop_index_over("orders", ["n"]).await?;
            m.create_index("orders", ["m:number"], "name:by_m").await
        })
        .non_transactional();
    Migrator::new(&on.db).with(registry).up().await.unwrap();
    assert_eq!(names(on, "orders").await, ["by_m"]);
    let error = on
        .db
        .collection("orders")
        .insert(json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
}

async fn an_index_is_built_while_others_wait(on: &TestDb) {
    let registry = || {
        Registry::new("app")
            .step("1", "fill", async |m| {
                m.create_collection("orders").await?;
                for n in 0..200 {
                    m.collection("orders").insert(json!({ "n": n })).await?;
                }
                Ok(())
            })
            .step("2", "index", async |m| {
                m.create_index("orders", ["n:number"], "name:by_n").await
            })
            .non_transactional()
            .step("3", "more", async |m| {
                m.add_field("orders", "m", field("n") + 1).await.map(drop)
            })
    };
    let mut migrators = Vec::new();
    for _ in 0..8 {
        migrators.push(Migrator::new(&on.another_handle().await).with(registry()));
    }
    // The application goes on writing.
    let writes = async {
        for n in 0..50 {
            let outcome = on.db.collection("orders").insert(json!({ "n": n })).await;
            if let Err(error) = outcome {
                assert_eq!(error.kind(), ErrorKind::NotRegistered);
            }
        }
    };
    let (outcomes, ()) = tokio::join!(join_all(migrators.iter().map(Migrator::up)), writes);
    let mut run = 0;
    for outcome in outcomes {
        run += outcome.unwrap().len();
    }
    assert_eq!(run, 3);
    assert_eq!(names(on, "orders").await, ["by_n"]);
}
