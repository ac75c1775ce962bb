//! Schemas and constraints, as the tests make them.

use std::{path::Path, sync::Arc};

use den_backend::{
    Backend, ConstraintKind, ConstraintMeta, Direction, Error, Expr, Field, FieldKind, FieldMeta,
    FieldPath, IndexKind, IndexMeta, JsonType, PutOutcome, ReadWrite, Result, SchemaChange,
};
use tempfile::TempDir;

use super::{ITEMS, any, open_file, with_items};

/// A path.
pub(crate) fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

/// A field.
pub(crate) fn field(text: &str, kind: FieldKind) -> Expr {
    Expr::Field(Field::document(path(text), kind))
}

/// Unique values.
pub(crate) fn unique(fields: &[&str]) -> ConstraintKind {
    let fields = fields.iter().map(|it| path(it)).collect();
    ConstraintKind::Unique { fields }
}

/// A value.
pub(crate) fn required(field: &str) -> ConstraintKind {
    ConstraintKind::Required { field: path(field) }
}

/// A value of one of these types.
pub(crate) fn of_type(field: &str, types: &[JsonType]) -> ConstraintKind {
    ConstraintKind::Type {
        field: path(field),
        types: types.to_vec(),
    }
}

/// Makes a constraint on the items.
pub(crate) async fn constrain(on: &dyn ReadWrite, kind: ConstraintKind) -> Result<ConstraintMeta> {
    let constraint = ConstraintMeta::new(ITEMS, kind);
    let change = SchemaChange::CreateConstraint {
        collection: ITEMS.to_owned(),
        constraint: constraint.clone(),
    };
    on.alter(&change).await.map(|()| constraint)
}

/// Renames a collection.
pub(crate) async fn rename(on: &dyn ReadWrite, from: &str, to: &str) -> Result<()> {
    let change = SchemaChange::RenameCollection {
        from: from.to_owned(),
        to: to.to_owned(),
    };
    on.alter(&change).await
}

/// Writes an item.
pub(crate) async fn put(on: &dyn ReadWrite, id: &str, json: &str) -> Result<PutOutcome> {
    on.put(ITEMS, any(id, json.as_bytes())).await
}

/// A file in a folder of its own.
pub(crate) fn file() -> (TempDir, std::path::PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("schema.db");
    (folder, file)
}

/// Opens a file with the collection that the tests write to.
pub(crate) async fn items(file: &Path) -> Arc<dyn Backend> {
    let backend = open_file(file, "").await;
    with_items(&*backend).await;
    backend
}

/// Checks that an error names a constraint of the items.
pub(crate) fn assert_names(error: &Error, constraint: &ConstraintMeta, fields: &[&str]) {
    let named = error.constraint().unwrap();
    assert_eq!(named.name(), constraint.name, "{error:?}");
    assert_eq!(named.rule(), constraint.kind.rule());
    assert_eq!(named.fields(), fields);
    assert_eq!(error.collection(), Some(ITEMS));
}

/// An index of the items with its default name.
pub(crate) fn index(kind: IndexKind, fields: &[(&str, FieldKind)], filter: Expr) -> IndexMeta {
    let paths: Vec<FieldPath> = fields.iter().map(|(it, _)| path(it)).collect();
    let name = IndexMeta::default_name(ITEMS, kind, &paths.iter().collect::<Vec<_>>());
    let fields = fields.iter().map(|(it, kind)| {
        let field = FieldMeta {
            path: path(it),
            kind: *kind,
        };
        (field, Direction::Asc)
    });
    IndexMeta {
        name,
        fields: fields.collect(),
        kind,
        filter,
        search: None,
    }
}
