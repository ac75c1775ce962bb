//! Migrations: steps that bring a database from one release of an application to the next.
//!
//! A [`Registry`] declares the steps of one module; a [`Migrator`] runs them, each exactly once, however many
//! processes start at the same time. `docs/migrations.md` is the chapter about it.
//!
//! ```
//! use den::{Json, field, migrate::{IndexOptions, Migrator, Registry}, prelude::*};
//! use serde_json::json;
//!
//! fn migrations() -> Registry {
//!     Registry::new("shop")
//!         .step("20260216120000", "create orders", async |m| {
//!             m.create_collection("orders").await?;
//!             m.create_index("orders", ["customer", "placed_at:DESC"], ()).await
//!         })
//!         .down(async |m| m.drop_collection("orders").await)
//!         .step("20260301090000", "orders have a state", async |m| {
//!             m.add_field("orders", "state", "open").await?;
//!             Ok(())
//!         })
//!         .down(async |m| m.drop_field("orders", "state").await.map(drop))
//!         .batch("20260310080000", "prices in cents", "orders", 500, |mut order| {
//!             let price = order["price"].as_f64().unwrap_or(0.0);
//!             order["price_cents"] = Json::from((price * 100.0).round() as i64);
//!             Ok(Some(order))
//!         })
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let db = Db::open("sqlite://:memory:").await?;
//! let migrator = Migrator::new(&db).with(migrations());
//! migrator.up_to("20260216120000").await?;
//! let orders = db.collection("orders");
//! let id = orders.insert(json!({ "customer": "ada", "price": 9.99 })).await?;
//!
//! // In `main`, before types are registered:
//! migrator.up().await?;
//!
//! let order = orders.get(&id).await?.unwrap();
//! assert_eq!(order["state"], "open");
//! assert_eq!(order["price_cents"], 999);
//! assert!(migrator.plan().await?.is_empty());
//! # Ok::<(), den::Error>(()) }).unwrap();
//! ```

mod alone;
mod batch;
mod context;
mod ddl;
mod event;
mod index;
mod lock;
mod log;
mod migrator;
mod predecessor;
mod registry;
mod run;
mod situation;
mod status;
mod version;

pub use self::{
    context::Migration,
    event::{Event, Heading, StepId},
    index::{IndexField, IndexOptions},
    migrator::Migrator,
    predecessor::{PredecessorStep, predecessor_log},
    registry::Registry,
    status::{MigrationPlan, PlannedStep, StepKind, StepReport, StepState, StepStatus},
};
