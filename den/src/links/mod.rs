//! Links between documents.

mod any_link;
mod cargo;
pub(crate) mod cascade;
mod chain;
mod containers;
mod contents;
pub(crate) mod expanded;
mod fetch;
mod handles;
mod holds;
mod incoming;
mod info;
mod kind;
mod link;
mod load;
mod plan;
mod referrers;
mod rules;
mod run;
mod select;
mod stored;

// For the write pipeline: one `SaveRun` per operation goes to `cascade::on_save` of each document;
// `delete_one` starts with `run.begin(D::COLLECTION, id)` and does nothing if that is `false`.
pub use self::{
    any_link::AnyLink,
    contents::{Contains, ContainsNothing, Contents, Depth, Look, Whole},
    expanded::Expanded,
    fetch::Links,
    handles::LinkField,
    holds::{Holds, HoldsNothing, IsGone, Probe, VisitLink},
    info::LinkInfo,
    link::Link,
    rules::{LinkMeta, LinkRules, OnDelete, Step, Trail},
    select::{LinkSelection, fetch_links},
};
pub(crate) use self::{
    incoming::Incoming,
    kind::{Kind, kind_of},
    load::fill,
    plan::LinkPlan,
    run::{DeleteRun, SaveRun},
    select::fetch_links_of,
};
