//! What a document type declares: its fields and indexes.

use den_backend::{
    CollectionMeta, Direction, Expr, Field, FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta,
    SearchOptions,
};

use crate::{fields::path::Path, query::Declared};

/// The declared fields and indexes of a document type, collected by the derive macros.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    fields: Vec<FieldMeta>,
    indexes: Vec<IndexDecl>,
    /// Whether documents are marked as deleted.
    soft_delete: bool,
    /// Objects whose keys are not known.
    open: Vec<FieldPath>,
    /// The fields that are searched, each with its weight.
    searched: Vec<(FieldPath, f64)>,
    language: Option<&'static str>,
    substrings: bool,
    /// The fields of which it is known what reads as their type.
    reads: Vec<(FieldPath, Reads)>,
    /// The fields that may be null.
    nullable: Vec<FieldPath>,
}

/// Values that read as the type of a field, every one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Any text.
    Text,
    /// Both bools.
    Bool,
    /// Any number.
    Number,
    /// Integers from the first to the second, and no other number.
    Integers(i64, i64),
    /// Anything.
    Json,
}

/// One declared index.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexDecl {
    /// The name; none for one made from the collection and the fields.
    pub name: Option<&'static str>,
    /// The fields in order.
    pub paths: Vec<(Path, FieldKind, Direction)>,
    /// Whether it refuses duplicates.
    pub unique: bool,
    /// Whether a document that is marked as deleted still has its values.
    pub with_deleted: bool,
}

impl Schema {
    /// Adds a field.
    pub fn field(&mut self, path: Path, kind: FieldKind) {
        self.fields.push(FieldMeta {
            path: path.to_field_path(),
            kind,
        });
    }

    /// Notes that the field at `path` may be null.
    pub fn nullable(&mut self, path: Path) {
        self.nullable.push(path.to_field_path());
    }

    /// Says what reads as the type of the field at `path`, null aside.
    pub fn reads(&mut self, path: Path, reads: Reads) {
        self.reads.push((path.to_field_path(), reads));
    }

    /// Adds an index.
    pub fn index(&mut self, index: IndexDecl) {
        self.indexes.push(index);
    }

    /// Notes that documents are marked as deleted.
    pub fn soft_delete(&mut self) {
        self.soft_delete = true;
    }

    /// Notes that any key may lie in the object at `path`, as where a map is flattened.
    pub fn open(&mut self, path: Path) {
        self.open.push(path.to_field_path());
    }

    /// Adds a field to what full text looks into.
    pub fn searched(&mut self, path: Path, weight: f64) {
        self.searched.push((path.to_field_path(), weight));
    }

    /// Says how text is searched.
    pub fn search(&mut self, language: Option<&'static str>, substrings: bool) {
        self.language = language;
        self.substrings = substrings;
    }

    /// What the type declares of its documents.
    pub(crate) fn into_declared(self, has_revision: bool) -> Declared {
        Declared {
            fields: self.fields,
            open: self.open,
            reads: self.reads,
            nullable: self.nullable,
            read: None,
            has_revision,
        }
    }

    /// The contract's form, for one collection.
    pub fn into_meta(self, collection: &str) -> CollectionMeta {
        let indexes = self.indexes.iter().map(|it| it.to_meta(collection, &self));
        let indexes = indexes.chain(self.search_index(collection)).collect();
        CollectionMeta {
            name: collection.to_owned(),
            fields: self.fields,
            indexes,
        }
    }
}

impl Schema {
    /// The index of full text, if a field is searched. Its name says nothing of the fields, so that it
    /// is made again in its place when they change.
    fn search_index(&self, collection: &str) -> Option<IndexMeta> {
        if self.searched.is_empty() {
            return None;
        }
        let fields = self.searched.iter().map(|(path, _)| {
            let path = path.clone();
            let kind = kind_of(&path, FieldKind::Any, &self.fields);
            (FieldMeta { path, kind }, Direction::Asc)
        });
        Some(IndexMeta {
            name: IndexMeta::default_name(collection, IndexKind::Search, &[]),
            fields: fields.collect(),
            kind: IndexKind::Search,
            filter: Expr::always(),
            search: Some(SearchOptions {
                language: self.language.map(str::to_owned),
                weights: self.searched.iter().map(|it| it.1).collect(),
                substrings: self.substrings,
            }),
        })
    }
}

/// True for documents that are not marked as deleted.
pub(crate) fn live() -> Expr {
    let path = Path::ROOT.child("_deleted_at").to_field_path();
    let mark = Field::document(path, FieldKind::Text);
    Expr::IsNull(Box::new(Expr::Field(mark)))
}

impl IndexDecl {
    fn to_meta(&self, collection: &str, schema: &Schema) -> IndexMeta {
        let fields: Vec<(FieldMeta, Direction)> = self
            .paths
            .iter()
            .map(|(path, kind, direction)| {
                let path = path.to_field_path();
                let kind = kind_of(&path, *kind, &schema.fields);
                (FieldMeta { path, kind }, *direction)
            })
            .collect();
        let kind = match fields.as_slice() {
            [(only, _)] if only.kind == FieldKind::Array => IndexKind::Members,
            _ if self.unique => IndexKind::Unique,
            _ => IndexKind::Plain,
        };
        // What is only marked as deleted is in nobody's way.
        let filter = match kind {
            IndexKind::Unique if schema.soft_delete && !self.with_deleted => live(),
            IndexKind::Unique | IndexKind::Plain | IndexKind::Members | IndexKind::Search => {
                Expr::always()
            }
        };
        let paths: Vec<&FieldPath> = fields.iter().map(|(it, _)| &it.path).collect();
        let name = self.name.map_or_else(
            || IndexMeta::default_name(collection, kind, &paths),
            str::to_owned,
        );
        IndexMeta {
            name,
            fields,
            kind,
            filter,
            search: None,
        }
    }
}

/// The kind of an indexed field. Where an index names a nested field by its path, the derive cannot
/// know the kind, but the nested type has declared it.
fn kind_of(path: &FieldPath, kind: FieldKind, declared: &[FieldMeta]) -> FieldKind {
    if kind != FieldKind::Any {
        return kind;
    }
    let declared = declared.iter().find(|it| &it.path == path);
    declared.map_or(kind, |it| it.kind)
}
