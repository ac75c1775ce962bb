//! Links whose target type is not known.

use std::any::{Any, TypeId};

use super::{
    Link,
    cargo::{Cargo, Carrying},
    holds::{Holds, IsGone, VisitLink},
    kind::{Kind, kind_of},
    rules::{LinkMeta, Trail},
    run::Shared,
};
use crate::{Document, Tx};

/// What can be done with a link whose target type is not known.
pub trait AnyLink {
    /// The id.
    fn id(&self) -> &str;

    /// The target type.
    fn target_type(&self) -> TypeId;

    /// The collection of the target type.
    fn target(&self) -> &'static str;

    /// What can be done with documents of the target type.
    fn kind(&self) -> &'static dyn Kind;

    /// Whether the document is at hand.
    fn is_loaded(&self) -> bool;

    /// Whether it carries a document that has no id yet.
    fn is_unstored(&self) -> bool;

    /// The document, if it is at hand and was made or changed by the application.
    fn cargo(&self) -> Option<Box<dyn Cargo>>;

    /// Carries a document that was saved in this transaction, instead of what it carried until now.
    fn replace_saved(&mut self, document: Shared, tx: &Tx);

    /// Marks it to be taken out of its holder.
    fn doom(&mut self);

    /// Whether it was marked so.
    fn is_doomed(&self) -> bool;

    /// The link itself, a `Link<T>`.
    fn as_any(&mut self) -> &mut dyn Any;
}

impl<T: Document + Clone> AnyLink for Link<T> {
    fn id(&self) -> &str {
        self.id().as_str()
    }

    fn target_type(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn target(&self) -> &'static str {
        T::COLLECTION
    }

    fn kind(&self) -> &'static dyn Kind {
        kind_of::<T>()
    }

    fn is_loaded(&self) -> bool {
        self.is_loaded()
    }

    fn is_unstored(&self) -> bool {
        self.is_loaded() && self.id().is_empty()
    }

    fn cargo(&self) -> Option<Box<dyn Cargo>> {
        let document = self.shared()?;
        // One that was made by the application, or given an id and then taken back, is new.
        let is_new = !document.base().is_stored();
        (is_new || self.is_touched()).then(|| Carrying::boxed(document))
    }

    fn replace_saved(&mut self, document: Shared, tx: &Tx) {
        if let Ok(document) = document.downcast::<T>() {
            self.put_saved(document, &tx.scope());
        }
    }

    fn doom(&mut self) {
        self.doom();
    }

    fn is_doomed(&self) -> bool {
        self.is_doomed()
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl<T: Document + Clone> Holds for Link<T> {
    fn describe_links(trail: &mut Trail, each: &mut dyn FnMut(LinkMeta)) {
        each(LinkMeta {
            steps: trail.steps().to_vec(),
            rules: trail.rules(),
            optional: trail.is_optional(),
            target_type: TypeId::of::<T>(),
            target: T::COLLECTION,
        });
    }

    fn visit_links(&mut self, trail: &mut Trail, visit: VisitLink<'_>) {
        visit(trail, self);
    }

    fn remove_links(&mut self, is_gone: IsGone<'_>) -> bool {
        is_gone(self)
    }
}
