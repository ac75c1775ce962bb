//! What a document type declares: its fields and indexes.

use den_backend::{
    CollectionMeta, Direction, FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta,
};

use crate::fields::path::Path;

/// The declared fields and indexes of a document type, collected by the derive macros.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    fields: Vec<FieldMeta>,
    indexes: Vec<IndexDecl>,
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
}

impl Schema {
    /// Adds a field.
    pub fn field(&mut self, path: Path, kind: FieldKind) {
        self.fields.push(FieldMeta {
            path: path.to_field_path(),
            kind,
        });
    }

    /// Adds an index.
    pub fn index(&mut self, index: IndexDecl) {
        self.indexes.push(index);
    }

    /// The contract's form, for one collection.
    pub fn into_meta(self, collection: &str) -> CollectionMeta {
        let indexes = self
            .indexes
            .iter()
            .map(|it| it.to_meta(collection, &self.fields))
            .collect();
        CollectionMeta {
            name: collection.to_owned(),
            fields: self.fields,
            indexes,
        }
    }
}

impl IndexDecl {
    fn to_meta(&self, collection: &str, declared: &[FieldMeta]) -> IndexMeta {
        let fields: Vec<(FieldMeta, Direction)> = self
            .paths
            .iter()
            .map(|(path, kind, direction)| {
                let path = path.to_field_path();
                let kind = kind_of(&path, *kind, declared);
                (FieldMeta { path, kind }, *direction)
            })
            .collect();
        let kind = match fields.as_slice() {
            [(only, _)] if only.kind == FieldKind::Array => IndexKind::Members,
            _ if self.unique => IndexKind::Unique,
            _ => IndexKind::Plain,
        };
        let paths: Vec<&FieldPath> = fields.iter().map(|(it, _)| &it.path).collect();
        let name = self.name.map_or_else(
            || IndexMeta::default_name(collection, kind, &paths),
            str::to_owned,
        );
        IndexMeta { name, fields, kind }
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
