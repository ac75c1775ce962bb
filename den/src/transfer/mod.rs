//! Documents in and out: JSON Lines, archives, CSV, copies between databases, checkpoints.
//!
//! | to | see |
//! |---|---|
//! | write collections to files | [`Export`] |
//! | read files into collections | [`Import`], [`Mode`] |
//! | move to another database, or engine | [`copy`], [`compare`] |
//! | keep a copy while others write | [`checkpoint`], [`restore`] |
//! | know whether an archive is whole | [`check_archive`] |
//!
//! Documents pass as they are stored, below types: no hook runs, times and revisions stay, and no number
//! goes through an `f64`. Everything is read from one moment of the database, page by page, and written batch
//! by batch: memory is bounded by a page of about a megabyte, or by the largest documents.

mod archive;
mod array;
mod bad;
mod checkpoint;
mod compare;
mod copy;
#[cfg(feature = "csv")]
mod csv;
mod document;
mod export;
mod feed;
mod files;
mod import;
mod items;
mod names;
mod node;
mod number;
mod options;
mod position;
mod put;
mod snapshot;
mod verify;

use den_backend::Result;

#[cfg(feature = "csv")]
pub use self::csv::CsvOptions;
pub use self::{
    checkpoint::{Checkpoint, Restore, checkpoint, checkpoint_with_progress, restore},
    compare::{CollectionComparison, Compare, Comparison, Differing, compare},
    copy::{Copy, copy},
    export::{Destination, Export},
    files::Source,
    import::Import,
    number::Numbers,
    options::{Mode, Progress, Stage, Transferred, TransferredCollection},
};

/// Reads an archive from end to end, and answers what is in it.
///
/// # Errors
///
/// `Corrupt`, naming the line, for one that was cut, changed, or is otherwise not whole.
pub async fn check_archive(source: impl Into<Source>) -> Result<Transferred> {
    let source = source.into();
    files::blocking(move || archive::check(source, &options::Observer::default())).await
}
