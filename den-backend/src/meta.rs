//! What a backend needs to know of a collection to store it well.

use crate::{Direction, Expr, FieldKind, FieldPath, SearchOptions};

/// One collection: its name, the declared fields and the declared indexes.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectionMeta {
    /// The name, taken literally: any character but NUL and control characters.
    pub name: String,
    /// The fields whose kind is known.
    pub fields: Vec<FieldMeta>,
    /// The indexes to have.
    pub indexes: Vec<IndexMeta>,
}

/// One declared field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldMeta {
    /// Where it lies.
    pub path: FieldPath,
    /// What it holds.
    pub kind: FieldKind,
}

/// One declared index.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexMeta {
    /// The name, unique in the database, at most 50 bytes; see [`IndexMeta::default_name`].
    pub name: String,
    /// The fields, in order, each with its kind and direction.
    pub fields: Vec<(FieldMeta, Direction)>,
    /// What the index does.
    pub kind: IndexKind,
    /// Which documents it covers; [`Expr::always`] for all. It looks at the document alone:
    /// comparisons with literals, `In`, `IsNull`, `Exists`, `Text` and logic.
    ///
    /// A unique index refuses duplicates among the documents it covers. A plain one serves queries
    /// whose filter contains this one.
    pub filter: Expr,
    /// How text is read; only, and always, with [`IndexKind::Search`].
    pub search: Option<SearchOptions>,
}

/// What an index does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndexKind {
    /// Serves equality, ranges, prefixes, sorts and pages.
    Plain,
    /// As `Plain`, and no two documents have the same values. A row with a null or missing
    /// field (or one of another kind) takes no part.
    Unique,
    /// Serves `contains` over the members of one array field.
    Members,
    /// Serves a [`Search`](crate::Search) for words in its fields: texts, and the texts in arrays.
    Search,
}

/// An index as the backend's catalog has it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedIndex {
    /// The collection.
    pub collection: String,
    /// The name.
    pub name: String,
    /// The dotted paths of its fields.
    pub fields: Vec<String>,
    /// Whether it refuses duplicates.
    pub unique: bool,
}

impl CollectionMeta {
    /// A collection without declared fields or indexes.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            fields: Vec::new(),
            indexes: Vec::new(),
        }
    }
}

impl IndexMeta {
    /// The longest index name, in bytes (PostgreSQL cuts at 63; den adds prefixes of its own).
    pub const MAX_NAME: usize = 50;

    /// The name for an index of `collection` over `fields`: readable, deterministic, at most
    /// [`MAX_NAME`](Self::MAX_NAME) bytes, and different for different inputs (`a.b_c` and
    /// `a_b.c` included), because it ends in a hash of the exact input.
    pub fn default_name(collection: &str, kind: IndexKind, fields: &[&FieldPath]) -> String {
        let prefix = match kind {
            IndexKind::Plain => "ix",
            IndexKind::Unique => "ux",
            IndexKind::Members => "mx",
            IndexKind::Search => "sx",
        };
        name_of(prefix, collection, fields, "")
    }
}

/// A readable name of at most [`IndexMeta::MAX_NAME`] bytes that ends in a hash of all that is given.
pub(crate) fn name_of(prefix: &str, collection: &str, fields: &[&FieldPath], more: &str) -> String {
    let mut exact = String::from(prefix);
    let mut readable = format!("{prefix}_{}", slug(collection));
    exact.push('\u{1}');
    exact.push_str(collection);
    for path in fields {
        exact.push('\u{1}');
        readable.push('_');
        let parts: Vec<String> = path.segments().iter().map(|it| slug(it)).collect();
        readable.push_str(&parts.join("_"));
        exact.push_str(&path.segments().join("\u{2}"));
    }
    exact.push_str(more);
    // Slugs are ASCII, so cutting at a byte is cutting at a character.
    readable.truncate(IndexMeta::MAX_NAME - 9);
    let low_half = fnv1a(exact.as_bytes()) & 0xffff_ffff;
    format!("{readable}_{low_half:08x}")
}

fn slug(text: &str) -> String {
    text.chars()
        .map(|it| {
            if it.is_ascii_alphanumeric() {
                it.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv): short, stable across versions and
/// platforms, which `std`'s hasher does not promise.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(collection: &str, paths: &[&str]) -> String {
        let paths: Vec<FieldPath> = paths
            .iter()
            .map(|it| FieldPath::parse(it).unwrap())
            .collect();
        IndexMeta::default_name(
            collection,
            IndexKind::Plain,
            &paths.iter().collect::<Vec<_>>(),
        )
    }

    #[test]
    fn names_do_not_collide() {
        assert_ne!(name("c", &["a.b_c"]), name("c", &["a_b.c"]));
        assert_ne!(name("c", &["a", "b"]), name("c", &["a.b"]));
    }

    #[test]
    fn names_are_short() {
        let long = "x".repeat(200);
        assert!(name(&long, &["a"]).len() <= IndexMeta::MAX_NAME);
        assert!(name("Ünï cödé", &["é"]).is_ascii());
    }
}
