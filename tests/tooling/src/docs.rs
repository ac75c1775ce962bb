//! The chapters of `docs/` about what surrounds documents, whose examples are compiled and run as doc
//! tests.
//!
//! Lines of an example that start with `# ` are not for the reader.

#![expect(missing_docs, reason = "the chapters say what the types are")]

pub mod deploying;

use den::Result;

/// Runs an example that opens its own database.
pub fn block_on(example: impl Future<Output = Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(example).unwrap();
}

/// A folder for the files of an example.
pub fn folder() -> tempfile::TempDir {
    tempfile::TempDir::with_prefix("den-docs-").unwrap()
}

macro_rules! chapters {
    ($($name:ident = $path:literal,)+) => {$(
        #[cfg(doctest)]
        #[doc = include_str!($path)]
        pub mod $name {}
    )+};
}

chapters! {
    chapter_schema = "../../../docs/schema.md",
    chapter_transfer = "../../../docs/transfer.md",
    chapter_migrations = "../../../docs/migrations.md",
    chapter_deploying = "../../../docs/deploying.md",
    chapter_predecessor = "../../../docs/predecessor.md",
}
