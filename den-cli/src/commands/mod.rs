//! What the command can do, one file each.

pub(crate) mod checkpoint;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod copy;
pub(crate) mod count;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod find;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod migrate;
pub(crate) mod put;
pub(crate) mod remove;
pub(crate) mod schema;
pub(crate) mod transferred;
pub(crate) mod verify;
