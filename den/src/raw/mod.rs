//! Statements in the database's own language, where nothing else will do.
//!
//! - [`ExecuteRaw::query_raw`] and [`ExecuteRaw::execute_raw`] run one, on `&db` and `&tx`;
//!   [`Filter::raw`](crate::Filter::raw) is a condition of a query.
//! - The text is `&'static str`, for both engines or for each its own ([`RawSql`]); values are
//!   parameters, `$1`, `$2` and so on, on every engine.
//! - Each place has a name, given by [`site!`](crate::site): it stands in error messages, and a
//!   test can hold the names against a list (`den::testing::check_raw_sites`).
//!
//! A document is a row of its collection's table: `id` is its id and `data` the document, JSON in the
//! engine's own binary form.
//!
//! ```
//! use den::{prelude::*, raw::RawSql, site};
//! # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
//! # #[den(collection = "products")]
//! # struct Product { #[serde(flatten)] base: Base<Product>, name: String, price: f64 }
//!
//! #[derive(Debug, serde::Deserialize)]
//! struct Initial {
//!     letter: String,
//!     products: i64,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let db = Db::open("sqlite://:memory:").await?;
//! db.register::<(Product,)>().await?;
//! # Product { name: "Lamp".into(), price: 9.5, ..Default::default() }.save(&db).await?;
//!
//! let initials: Vec<Initial> = db
//!     .query_raw(
//!         site!("initials"),
//!         "SELECT substr(d.data->>'name', 1, 1) AS letter, count(*) AS products
//!          FROM products AS d WHERE d.data->>'name' <> $1 GROUP BY 1 ORDER BY 1",
//!         ("Widget",),
//!     )
//!     .await?;
//! assert_eq!(initials[0].letter, "L");
//! assert_eq!(initials[0].products, 1);
//!
//! let changed = db
//!     .execute_raw(
//!         site!("trim_names"),
//!         RawSql::new()
//!             .sqlite("UPDATE products SET data = jsonb_set(data, '$.name', trim(data->>'name'))")
//!             .postgres("UPDATE products SET data = jsonb_set(data, '{name}', to_jsonb(trim(data->>'name')))"),
//!         (),
//!     )
//!     .await?;
//! assert_eq!(changed, 1);
//! # Ok::<(), den::Error>(()) }).unwrap();
//! ```

mod execute;
mod fragment;
mod native;
mod params;
mod site;
mod sql;

pub(crate) use self::fragment::named_in;
pub use self::{
    execute::ExecuteRaw,
    params::{Params, truth},
    site::{Site, sites},
    sql::RawSql,
};
