//! What a type holds besides plain values: links and attachments.

use std::marker::PhantomData;

use super::{
    any_link::AnyLink,
    contents::{Contains, Whole},
    rules::{LinkMeta, Trail},
};
use crate::Attachment;

/// Visits one link; see [`Holds::visit_links`].
pub type VisitLink<'a> = &'a mut dyn FnMut(&Trail, &mut dyn AnyLink);

/// Says whether a link is to be taken out; see [`Holds::remove_links`].
pub type IsGone<'a> = &'a mut dyn FnMut(&mut dyn AnyLink) -> bool;

/// A type in which links may lie; derived for documents and embedded types.
#[diagnostic::on_unimplemented(
    message = "den does not look for links or attachments in `{Self}`",
    label = "a link or an attachment cannot lie in here",
    note = "they can lie in `Option`, `Vec`, `VecDeque`, sets, arrays, tuples, maps, and types that derive `Embedded`; a linked type also derives `Document` and `Clone`"
)]
pub trait Holds: Contains<Whole> {
    /// Whether there may be links.
    const LINKS: bool = <Self as Contains<Whole>>::CONTENTS.links;
    /// Whether a field is `#[den(eager)]`.
    const EAGER: bool = <Self as Contains<Whole>>::CONTENTS.eager;
    /// Whether a field is `#[den(owned)]`.
    const OWNED: bool = <Self as Contains<Whole>>::CONTENTS.owned;
    /// Whether there may be attachments.
    const ATTACHMENTS: bool = <Self as Contains<Whole>>::CONTENTS.attachments;

    /// Describes every link field, `trail` being the way to `Self`.
    fn describe_links(_trail: &mut Trail, _each: &mut dyn FnMut(LinkMeta)) {}

    /// Visits every link there is, always in the same order.
    fn visit_links(&mut self, _trail: &mut Trail, _visit: VisitLink<'_>) {}

    /// Takes out the links for which `is_gone` says so: an `Option` becomes `None`, an element is
    /// removed. Answers whether `self` itself is such a link, which its holder has to take out.
    fn remove_links(&mut self, _is_gone: IsGone<'_>) -> bool {
        false
    }

    /// Visits every attachment there is.
    fn visit_attachments(&self, _visit: &mut dyn FnMut(&Attachment)) {}
}

/// Answers for any type: for one that [`Holds`] something as that says, for all others with
/// [`HoldsNothing`].
///
/// A macro cannot see which trait a type implements, so the derives ask `Probe::<Type>`: where the
/// bound holds the compiler finds the functions below, else those of the trait.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<fn() -> PhantomData<T>>);

impl<T: Holds> Probe<T> {
    /// See [`Holds::describe_links`].
    pub fn describe_links(trail: &mut Trail, each: &mut dyn FnMut(LinkMeta)) {
        if T::LINKS && !trail.is_long() {
            T::describe_links(trail, each);
        }
    }

    /// See [`Holds::visit_links`].
    pub fn visit_links(value: &mut T, trail: &mut Trail, visit: VisitLink<'_>) {
        if T::LINKS {
            value.visit_links(trail, visit);
        }
    }

    /// See [`Holds::remove_links`].
    pub fn remove_links(value: &mut T, is_gone: IsGone<'_>) -> bool {
        T::LINKS && value.remove_links(is_gone)
    }

    /// See [`Holds::visit_attachments`].
    pub fn visit_attachments(value: &T, visit: &mut dyn FnMut(&Attachment)) {
        if T::ATTACHMENTS {
            value.visit_attachments(visit);
        }
    }
}

/// The answers of [`Probe`] for a type that holds nothing.
pub trait HoldsNothing<T: ?Sized> {
    /// See [`Holds::describe_links`].
    fn describe_links(_trail: &mut Trail, _each: &mut dyn FnMut(LinkMeta)) {}

    /// See [`Holds::visit_links`].
    fn visit_links(_value: &mut T, _trail: &mut Trail, _visit: VisitLink<'_>) {}

    /// See [`Holds::remove_links`].
    fn remove_links(_value: &mut T, _is_gone: IsGone<'_>) -> bool {
        false
    }

    /// See [`Holds::visit_attachments`].
    fn visit_attachments(_value: &T, _visit: &mut dyn FnMut(&Attachment)) {}
}

impl<T: ?Sized> HoldsNothing<T> for Probe<T> {}
