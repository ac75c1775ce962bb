#![doc = include_str!("docs/crate.md")]

mod alter;
mod backend;
mod batch;
mod call;
mod catalog;
mod constraints;
mod ddl;
mod error;
mod late_index;
pub mod native;
mod numeric;
mod ops;
mod partitioned;
pub mod pg;
mod pipeline;
mod plan;
mod pool;
mod progress;
mod raw;
mod rename;
mod runner;
mod schema;
mod session;
mod stream;
mod subject;
mod transaction;
mod url;
mod values;

use den_backend::Driver;

/// Opens `postgres:` and `postgresql:` URLs.
pub static DRIVER: Driver = Driver {
    name: "postgres",
    schemes: &["postgres", "postgresql"],
    open: |url, options| Box::pin(async move { backend::open(&url, &options).await }),
};
den_backend::register_driver!(DRIVER);
