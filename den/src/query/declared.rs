//! What a registered type declares of its documents, for changes that name fields by path.

use std::collections::BTreeSet;

use den_backend::{FieldKind, FieldMeta, FieldPath, RawDocument, Result};
use strsim::osa_distance;

use crate::fields::schema::Reads;

/// The fields of a document type.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    /// Those that are known by name.
    pub(crate) fields: Vec<FieldMeta>,
    /// Objects whose keys nobody knows, such as a flattened map; the root is the document.
    pub(crate) open: Vec<FieldPath>,
    /// The fields of which it is known what reads as their type.
    pub(crate) reads: Vec<(FieldPath, Reads)>,
    /// The fields that may be null.
    pub(crate) nullable: Vec<FieldPath>,
    /// Reads a document as the type.
    pub(crate) read: Option<fn(&RawDocument) -> Result<()>>,
    /// Whether documents have a revision.
    pub(crate) has_revision: bool,
}

impl Declared {
    /// Whether any key may lie here.
    pub(super) fn is_open_at(&self, path: &FieldPath) -> bool {
        let segments = path.segments();
        self.open
            .iter()
            .any(|it| segments.len() > it.segments().len() && segments.starts_with(it.segments()))
    }

    /// What the field at this path is declared to hold; none for a field that is not declared.
    pub(super) fn kind_of(&self, path: &FieldPath) -> Option<FieldKind> {
        let fields = &self.fields;
        let exact = fields.iter().find(|it| it.path == *path);
        let lies_below =
            |it: &FieldMeta| it.path.segments().starts_with(path.segments()) && it.path != *path;
        match exact {
            Some(it) => Some(it.kind),
            // What has fields is an object.
            None => fields.iter().any(lies_below).then_some(FieldKind::Object),
        }
    }

    /// Whether something above this path may be null, as far as is known.
    pub(super) fn may_lack_parent(&self, path: &FieldPath) -> bool {
        let segments = path.segments();
        let lies_above = |it: &FieldPath| {
            it.segments().len() < segments.len() && segments.starts_with(it.segments())
        };
        self.nullable.iter().any(lies_above)
    }

    /// What reads as the type of the field at this path, where that is known.
    pub(super) fn reads_at(&self, path: &FieldPath) -> Option<Reads> {
        let found = self.reads.iter().find(|(it, _)| it == path);
        found.map(|(_, reads)| *reads)
    }

    /// The declared field that was probably meant.
    pub(super) fn nearest(&self, path: &FieldPath) -> Option<String> {
        let mut candidates = BTreeSet::new();
        for field in &self.fields {
            for depth in 1..=field.path.segments().len() {
                let name: Vec<&str> = field
                    .path
                    .segments()
                    .iter()
                    .take(depth)
                    .map(String::as_str)
                    .collect();
                // Those that begin so are den's own.
                if name.first().is_some_and(|it| !it.starts_with('_')) {
                    candidates.insert(name.join("."));
                }
            }
        }
        let name = path.to_string();
        let reach = (name.chars().count() / 3).max(1);
        candidates
            .into_iter()
            .map(|it| (osa_distance(&name.to_lowercase(), &it.to_lowercase()), it))
            .filter(|(distance, _)| *distance <= reach)
            .min()
            .map(|(_, it)| it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_one_that_may_be_changed() {
        let field = |path: &str, kind| FieldMeta {
            path: FieldPath::parse(path).unwrap(),
            kind,
        };
        let declared = Declared {
            fields: vec![
                field("_rev", FieldKind::Text),
                field("name", FieldKind::Text),
                field("address.city", FieldKind::Text),
            ],
            open: vec![FieldPath::parse("extra").unwrap()],
            reads: Vec::new(),
            nullable: vec![FieldPath::parse("address").unwrap()],
            read: None,
            has_revision: true,
        };
        let path = |it: &str| FieldPath::parse(it).unwrap();
        assert_eq!(declared.nearest(&path("naem")).as_deref(), Some("name"));
        assert_eq!(declared.nearest(&path("nme")).as_deref(), Some("name"));
        assert_eq!(
            declared.nearest(&path("adress.city")).as_deref(),
            Some("address.city")
        );
        assert_eq!(declared.nearest(&path("rev")), None);
        assert_eq!(declared.kind_of(&path("address")), Some(FieldKind::Object));
        assert!(declared.may_lack_parent(&path("address.city")));
        assert!(!declared.may_lack_parent(&path("address")));
        assert!(declared.is_open_at(&path("extra.x")));
        assert!(!declared.is_open_at(&path("extra")));
    }
}
