//! Documents with the documents they link to inside.

use std::cell::Cell;

use serde::{Serialize, Serializer};

thread_local! {
    static MODE: Cell<Links> = const { Cell::new(Links::AsIds) };
}

/// How links are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// As ids; null where there is none.
    AsIds,
    /// As ids; a document without one is refused.
    AsIdsOfStored,
    /// As the documents they carry.
    Expanded,
}

/// Serialises anything so that each loaded link in it is the document it carries, instead of its
/// id: for the answers of an API.
///
/// # Behavior
///
/// - Links that are not loaded are ids, as always; so without loaded links nothing is different.
/// - It holds wherever serde goes: lists, maps, embedded structs, structs of your own around
///   documents, and the links of the documents that links carry.
/// - What is stored is never expanded.
///
/// ```
/// # use den::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
/// # struct Maker { #[serde(flatten)] base: Base<Maker>, name: String }
/// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, maker: Link<Maker> }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let db = Db::open("sqlite://:memory:").await?;
/// # db.register::<(Maker, Product)>().await?;
/// # let mut acme = Maker { name: "Acme".into(), ..Default::default() };
/// # acme.save(&db).await?;
/// # Product { maker: Link::to(&acme), ..Default::default() }.save(&db).await?;
/// let products = Product::query(&db).with_links(|p| p.maker).all().await?;
/// let json = serde_json::to_value(Expanded(&products)).unwrap();
/// assert_eq!(json[0]["maker"]["name"], "Acme");
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Expanded<T>(pub T);

impl<T: Serialize> Serialize for Expanded<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let _mode = Mode::enter(Links::Expanded);
        self.0.serialize(serializer)
    }
}

/// Runs `work`, which serialises, with links as their ids: what is stored.
pub(crate) fn as_ids<R>(work: impl FnOnce() -> R) -> R {
    let _mode = Mode::enter(Links::AsIds);
    work()
}

/// As [`as_ids`], for values on their own: nobody stores the documents that links carry.
pub(crate) fn as_ids_of_stored<R>(work: impl FnOnce() -> R) -> R {
    let _mode = Mode::enter(Links::AsIdsOfStored);
    work()
}

pub(super) fn mode() -> Links {
    MODE.get()
}

/// How links are written, until it is dropped; also by a panic.
struct Mode {
    before: Links,
}

impl Mode {
    fn enter(mode: Links) -> Self {
        Self {
            before: MODE.replace(mode),
        }
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        MODE.set(self.before);
    }
}
