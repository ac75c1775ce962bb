//! Queries: which documents, in which order, and what to do with them.

mod lifecycle;
mod page;
mod queryset;
mod record;
mod stream;
mod terminals;

pub use self::{
    page::{Page, PageRequest, PageToken},
    queryset::QuerySet,
    record::Record,
    stream::{DocumentStream, JsonStream},
};
