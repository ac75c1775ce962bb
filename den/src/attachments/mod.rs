//! Content that is too large for a document: kept in a storage, named by its SHA-256.
//!
//! A document holds an [`Attachment`]: the name of the content, its size and its media type. What
//! stores and reads the bytes needs the feature `attachments`.
#![cfg_attr(feature = "attachments", doc = include_str!("example.md"))]

mod attachment;
#[cfg(feature = "attachments")]
mod content;
#[cfg_attr(not(feature = "attachments"), path = "uncounted.rs")]
pub(crate) mod counting;
#[cfg(feature = "attachments")]
mod counts;
mod fields;
#[cfg(feature = "attachments")]
mod folder;
mod hash;
#[cfg(feature = "attachments")]
mod hasher;
#[cfg(feature = "attachments")]
mod held;
#[cfg(feature = "attachments")]
mod memory;
#[cfg(feature = "object-store")]
mod object;
#[cfg(feature = "attachments")]
mod options;
#[cfg(feature = "attachments")]
mod place;
#[cfg(feature = "attachments")]
mod reader;
#[cfg(feature = "attachments")]
mod recount;
#[cfg(feature = "attachments")]
mod removal;
#[cfg(feature = "attachments")]
mod storage;
#[cfg(feature = "attachments")]
mod store;
#[cfg(feature = "attachments")]
mod sweep;
#[cfg(test)]
#[cfg(feature = "attachments")]
mod tests;
#[cfg(feature = "attachments")]
mod upload;
#[cfg(feature = "attachments")]
mod url;

#[cfg(feature = "attachments")]
pub(crate) use self::held::Holder;
#[cfg(feature = "object-store")]
pub use self::object::ObjectStorage;
pub use self::{attachment::Attachment, fields::AttachmentFields, hash::ContentHash};
#[cfg(feature = "attachments")]
pub use self::{
    content::Content,
    folder::FolderStorage,
    memory::MemoryStorage,
    options::PutOptions,
    reader::ContentReader,
    recount::RecountReport,
    storage::{Storage, Stored, Upload},
    store::Attachments,
    sweep::SweepReport,
};
