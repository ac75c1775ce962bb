//! The chapters of `docs/`, whose examples are compiled and run as doc tests, on SQLite in memory.
//!
//! Lines of an example that start with `# ` are not for the reader: they open a database, and import
//! a type that an example further up has shown.

#![expect(missing_docs, reason = "the chapters say what the types are")]

pub mod attachments;
pub mod expressions;
pub mod hooks;
pub mod links;
pub mod patches;
pub mod raw_sql;
pub mod soft_delete;
pub mod tracking;

use den::{Db, Documents, Result, attachments::MemoryStorage};

/// Runs an example on a new database with these types.
pub fn run<D: Documents + 'static>(example: impl AsyncFnOnce(Db) -> Result<()>) {
    block_on(async {
        let db = Db::builder()
            .url("sqlite://:memory:")
            .storage(MemoryStorage::new())
            .register::<D>()
            .open()
            .await?;
        example(db).await
    });
}

/// Runs an example that opens its own database.
pub fn block_on(example: impl Future<Output = Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(example).unwrap();
}

macro_rules! chapters {
    ($($name:ident = $path:literal,)+) => {$(
        #[cfg(doctest)]
        #[doc = include_str!($path)]
        pub mod $name {}
    )+};
}

chapters! {
    guide = "../../docs/README.md",
    chapter_hooks = "../../docs/hooks.md",
    chapter_validation = "../../docs/validation.md",
    chapter_soft_delete = "../../docs/soft-delete.md",
    chapter_tracking = "../../docs/tracking.md",
    chapter_links = "../../docs/links.md",
    chapter_attachments = "../../docs/attachments.md",
    chapter_expressions = "../../docs/expressions.md",
    chapter_patches = "../../docs/patches.md",
    chapter_search = "../../docs/search.md",
    chapter_raw_sql = "../../docs/raw-sql.md",
}
