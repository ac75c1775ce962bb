//! Documents of four types that link to each other in every way, each with other features.

use den::prelude::*;
use serde::{Deserialize, Serialize};

use super::slots::Kind;

/// Deleted for good, without hooks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "plains")]
pub(super) struct Plain {
    #[serde(flatten)]
    pub(super) base: Base<Plain>,
    name: Option<String>,
    #[den(on_delete = "cascade")]
    must: Link<Soft>,
    #[den(on_delete = "set_null")]
    maybe: Option<Link<Hooked>>,
    #[den(index, on_delete = "restrict")]
    many: Vec<Link<Full>>,
    me: Option<Link<Plain>>,
    parts: Vec<PlainPart>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct PlainPart {
    #[den(on_delete = "cascade")]
    to: Link<Plain>,
    #[den(on_delete = "set_null")]
    other: Option<Link<Soft>>,
}

/// Marked as deleted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "softs")]
pub(super) struct Soft {
    #[serde(flatten)]
    pub(super) base: Base<Soft>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[den(unique)]
    name: Option<String>,
    #[den(index, on_delete = "cascade")]
    up: Option<Link<Soft>>,
    #[den(on_delete = "set_null")]
    list: Vec<Link<Plain>>,
    #[den(owned)]
    owns: Option<Link<Hooked>>,
    #[den(on_delete = "restrict")]
    req: Link<Full>,
    parts: Vec<SoftPart>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct SoftPart {
    #[den(on_delete = "restrict")]
    to: Option<Link<Hooked>>,
}

/// Deleted for good, with hooks and a revision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "hookeds", hooks, revision)]
pub(super) struct Hooked {
    #[serde(flatten)]
    pub(super) base: Base<Hooked>,
    name: Option<String>,
    #[den(on_delete = "set_null")]
    me: Option<Link<Hooked>>,
    #[den(on_delete = "cascade")]
    many: Vec<Link<Soft>>,
    #[den(owned)]
    owns: Vec<Link<Plain>>,
    free: Link<Full>,
    parts: Vec<HookedPart>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct HookedPart {
    #[den(on_delete = "set_null")]
    to: Option<Link<Full>>,
    #[den(on_delete = "cascade")]
    more: Vec<Link<Hooked>>,
}

/// Marked as deleted, with hooks and a revision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "fulls", hooks, revision)]
pub(super) struct Full {
    #[serde(flatten)]
    pub(super) base: Base<Full>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[den(unique)]
    name: Option<String>,
    #[den(on_delete = "restrict")]
    next: Option<Link<Full>>,
    #[den(on_delete = "cascade")]
    must: Link<Plain>,
    #[den(on_delete = "set_null")]
    maybe: Option<Link<Soft>>,
    #[den(owned, on_delete = "set_null")]
    twin: Option<Link<Hooked>>,
    parts: Vec<FullPart>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct FullPart {
    #[den(owned, on_delete = "cascade")]
    owns: Option<Link<Soft>>,
}

/// What hooks wrote down, in the transaction they ran in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "events")]
pub(super) struct Event {
    #[serde(flatten)]
    base: Base<Event>,
    text: String,
}

pub(super) type All = (Plain, Soft, Hooked, Full, Event);

async fn note<D: Document>(cx: &HookContext, what: &str, document: &D) -> den::Result<()> {
    let mut event = Event {
        text: format!("{what} {}", document.id()),
        ..Event::default()
    };
    event.insert(cx).await
}

macro_rules! hooks {
    ($($name:ident),+) => {$(
        impl Hooks for $name {
            async fn after_save(&mut self, cx: &HookContext) -> den::Result<()> {
                note(cx, "saved", self).await
            }

            async fn before_delete(&mut self, cx: &HookContext) -> den::Result<()> {
                note(cx, "before_delete", self).await
            }

            async fn before_soft_delete(&mut self, cx: &HookContext) -> den::Result<()> {
                note(cx, "before_soft_delete", self).await
            }

            async fn after_soft_delete(&mut self, cx: &HookContext) -> den::Result<()> {
                note(cx, "after_soft_delete", self).await
            }

            async fn after_delete(&mut self, cx: &HookContext) -> den::Result<()> {
                note(cx, "after_delete", self).await
            }
        }
    )+};
}

hooks!(Hooked, Full);

/// What the search asks of all of these types.
pub(super) trait Node: Document + Clone + std::fmt::Debug {
    const KIND: Kind;

    fn id_is_in(ids: &[String]) -> Filter<Self>;
}

macro_rules! nodes {
    ($($name:ident),+) => {$(
        impl Node for $name {
            const KIND: Kind = Kind::$name;

            fn id_is_in(ids: &[String]) -> Filter<Self> {
                Self::fields().base.id.is_in(ids.iter().map(Id::new))
            }
        }
    )+};
}

nodes!(Plain, Soft, Hooked, Full);
