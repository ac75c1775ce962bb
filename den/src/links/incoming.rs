//! Which fields of which documents link to a type, and how to find the documents.

use den_backend::{
    CompareOp, Error, ErrorKind, Expr, Field, FieldKind, FieldPath, Result, Root, Value,
};

use super::{
    kind::Kind,
    rules::{LinkMeta, OnDelete, Step, dotted},
};

/// A link field of a registered type.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    /// The type of the documents that link.
    pub(super) kind: &'static dyn Kind,
    /// The field.
    pub(super) link: LinkMeta,
}

impl Incoming {
    pub(crate) fn new(kind: &'static dyn Kind, link: LinkMeta) -> Self {
        Self { kind, link }
    }

    /// Where the field lies, dotted.
    pub(super) fn path(&self) -> String {
        dotted(&self.link.steps)
    }

    /// Makes sure that a rule can be followed for this field.
    pub(crate) fn check(&self, rule: OnDelete) -> Result<()> {
        let (path, collection) = (self.path(), self.kind.collection());
        if rule == OnDelete::Ignore {
            return Ok(());
        }
        if self.link.steps.contains(&Step::Entry) {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                format!(
                    "`{path}` of {collection} holds links in a map, where they cannot be looked \
                     up, so no rule can hold for them when their targets are deleted; use a list"
                ),
            ));
        }
        let is_element = self.link.steps.last() == Some(&Step::Element);
        if rule == OnDelete::SetNull && !self.link.optional && !is_element {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                format!(
                    "`{path}` of {collection} is neither optional nor a list, so a link cannot be \
                     taken out of it when its target is deleted; make it an `Option<Link<..>>`"
                ),
            ));
        }
        Ok(())
    }

    /// The filter that documents pass whose field links to one of these.
    pub(super) fn pointing_to(&self, ids: &[&str]) -> Result<Expr> {
        pointing_to(Root::Document, &self.link.steps, ids)
    }
}

/// The filter that documents with these ids pass.
pub(super) fn with_ids(ids: &[&str]) -> Expr {
    let id = FieldPath::from_segments(["_id"]).unwrap_or_default();
    is_one_of(Expr::Field(Field::document(id, FieldKind::Text)), ids)
}

fn pointing_to(root: Root, steps: &[Step], ids: &[&str]) -> Result<Expr> {
    let keys = steps.iter().map_while(|it| match it {
        Step::Key(key) => Some(*key),
        Step::Element | Step::Entry => None,
    });
    let keys: Vec<&str> = keys.collect();
    let (path, rest) = match keys.as_slice() {
        [] => (FieldPath::root(), steps),
        keys => (
            FieldPath::from_segments(keys.iter().copied())?,
            steps.get(keys.len()..).unwrap_or_default(),
        ),
    };
    let field = |kind| Expr::Field(Field { root, path, kind });
    match rest {
        [] => Ok(is_one_of(field(FieldKind::Text), ids)),
        [Step::Element, rest @ ..] => {
            let array = Box::new(field(FieldKind::Array));
            Ok(match (rest, ids) {
                // An index over the elements serves this form.
                ([], [id]) => Expr::Contains {
                    array,
                    value: Value::from(*id),
                },
                (rest, ids) => Expr::AnyElement {
                    array,
                    predicate: Box::new(pointing_to(Root::Element, rest, ids)?),
                },
            })
        }
        [Step::Entry | Step::Key(_), ..] => Err(Error::new(
            ErrorKind::Unsupported,
            "links in maps cannot be looked up",
        )),
    }
}

fn is_one_of(operand: Expr, ids: &[&str]) -> Expr {
    match ids {
        [id] => Expr::compare(CompareOp::Eq, operand, Expr::Value(Value::from(*id))),
        ids => Expr::In {
            operand: Box::new(operand),
            values: ids.iter().map(|it| Value::from(*it)).collect(),
        },
    }
}
