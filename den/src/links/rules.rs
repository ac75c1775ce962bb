//! Where a link lies in a document, and what was declared about it.

use std::any::TypeId;

/// What happens to a document when one it links to is deleted.
///
/// A target that is only [marked](crate::SoftDelete) as deleted can be restored, so nothing is lost
/// by a mark: `Cascade` then marks the documents of types that can be marked and leaves others until
/// the target is deleted for good, and `SetNull` waits until then. `Restrict` holds for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnDelete {
    /// Nothing: the link dangles.
    #[default]
    Ignore,
    /// The document is deleted as well.
    Cascade,
    /// The delete is refused.
    Restrict,
    /// The link is taken out: an optional one becomes `None`, one of a list is removed.
    SetNull,
}

/// What a field declares about its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkRules {
    /// `#[den(eager)]`: loaded with the document.
    pub eager: bool,
    /// `#[den(on_delete = "..")]`: what happens when the target is deleted.
    pub on_delete: OnDelete,
    /// `#[den(owned)]`: the target is saved and deleted with this document.
    pub owned: bool,
}

/// One step of the way to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Into the value under this key.
    Key(&'static str),
    /// Into each element of an array.
    Element,
    /// Into each value of a map.
    Entry,
}

/// The way from a document to the value at hand, and the rules of the field it lies in.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    steps: Vec<Step>,
    rules: LinkRules,
    optional: bool,
}

/// So many steps deep links are described: a type that holds itself has no end. A document has one,
/// so all of its links are visited.
const MAX_STEPS: usize = 12;

impl Trail {
    /// Goes one key further down, into a field that declares `rules`, for the time of `then`.
    pub fn key(&mut self, key: &'static str, rules: LinkRules, then: impl FnOnce(&mut Self)) {
        let outer = (self.rules, self.optional);
        self.rules = rules;
        self.optional = false;
        self.step(Step::Key(key), then);
        (self.rules, self.optional) = outer;
    }

    /// Goes into the elements of an array or the values of a map, for the time of `then`.
    pub fn step(&mut self, step: Step, then: impl FnOnce(&mut Self)) {
        self.steps.push(step);
        then(self);
        self.steps.pop();
    }

    /// Notes that the value at hand may be absent, for the time of `then`.
    pub fn optional(&mut self, then: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.optional, true);
        then(self);
        self.optional = outer;
    }

    /// Whether it is too far to describe what lies here.
    pub(super) fn is_long(&self) -> bool {
        self.steps.len() > MAX_STEPS
    }

    /// The way so far.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The way so far as a dotted path, without places in arrays and keys of maps.
    pub(super) fn dotted(&self) -> String {
        dotted(&self.steps)
    }

    /// The rules of the innermost field.
    pub fn rules(&self) -> LinkRules {
        self.rules
    }

    /// Whether the value at hand may be absent.
    pub fn is_optional(&self) -> bool {
        self.optional
    }
}

/// The keys of these steps, dotted.
pub(super) fn dotted(steps: &[Step]) -> String {
    keys(steps).collect::<Vec<_>>().join(".")
}

/// The keys among these steps.
pub(super) fn keys(steps: &[Step]) -> impl Iterator<Item = &'static str> {
    steps.iter().filter_map(|it| match it {
        Step::Key(key) => Some(*key),
        Step::Element | Step::Entry => None,
    })
}

/// A declared link field.
#[derive(Debug, Clone)]
pub struct LinkMeta {
    /// The way to it.
    pub steps: Vec<Step>,
    /// What it declares.
    pub rules: LinkRules,
    /// Whether the link itself is an `Option`.
    pub optional: bool,
    /// The type of the documents it points to.
    pub target_type: TypeId,
    /// Their collection.
    pub target: &'static str,
}
