//! Changes of the schema, for steps.

use den_backend::{
    Capability, CollectionMeta, Error, ErrorKind, Expr, FieldPath, IndexKind, IndexMeta, Result,
    SchemaChange,
};

use super::{IndexField, IndexOptions, Migration};
use crate::{
    Filter, IntoFieldPath, IntoUntyped, Json, QuerySet, Untyped, constraint::IntoConstraint, field,
};

/// Changes of the schema, and of all documents of a collection.
///
/// Those of documents run in one statement, however large the collection is: for many documents, a step
/// in [batches](super::Registry::batch) holds nobody up. They count as any other write: update time and
/// revision are new.
impl Migration {
    /// Makes a collection, unless there is one.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a name that a collection cannot have; `Unsupported`, here and below, on a backend
    /// that cannot change its schema in a transaction.
    pub async fn create_collection(&self, name: impl Into<String>) -> Result<()> {
        let meta = CollectionMeta::new(name);
        self.alter(SchemaChange::CreateCollection(meta)).await
    }

    /// Gives a collection another name, with its documents, indexes and constraints.
    ///
    /// # Errors
    ///
    /// `NotRegistered` if there is none, `Duplicate` if the name is taken.
    pub async fn rename_collection(
        &self,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Result<()> {
        self.alter(SchemaChange::RenameCollection {
            from: from.into(),
            to: to.into(),
        })
        .await
    }

    /// Drops a collection with all its documents; nothing happens if there is none.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn drop_collection(&self, name: impl Into<String>) -> Result<()> {
        self.alter(SchemaChange::DropCollection(name.into())).await
    }

    /// Makes an index over fields, in this order: `"issue_id"`, `"received_at:DESC"`, or an [`IndexField`].
    ///
    /// # Behavior
    ///
    /// - Without options, `()`: a plain index over all documents. Options may also be given as text, as in
    ///   `"name:open unique:true where:status = 'open'"`; see [`IndexOptions::parse`].
    /// - An index of the same name and another definition is replaced.
    /// - For an index to be the one that a document type declares, its fields need the declared kinds:
    ///   `"received_at:text:DESC"`.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` for fields or options that make no sense, and for a filter without a name.
    /// - `Duplicate` if documents collide under a unique index.
    /// - `NotRegistered` if there is no such collection.
    pub async fn create_index<F: Into<IndexField>>(
        &self,
        collection: impl Into<String>,
        fields: impl IntoIterator<Item = F>,
        options: impl Into<IndexOptions>,
    ) -> Result<()> {
        let collection = collection.into();
        let fields = fields.into_iter().map(Into::into).collect();
        let index = options.into().into_meta(&collection, fields)?;
        self.alter(SchemaChange::CreateIndex { collection, index })
            .await
    }

    /// Drops an index by name.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none that den made, `Restricted` if a constraint needs it.
    pub async fn drop_index(
        &self,
        collection: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<()> {
        self.alter(SchemaChange::DropIndex {
            collection: collection.into(),
            name: name.into(),
        })
        .await
    }

    /// Drops the index over exactly these fields, whatever its name. Kinds and directions do not matter.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none, `InvalidQuery` if there are several: drop the one by its name.
    pub async fn drop_index_over<F: Into<IndexField>>(
        &self,
        collection: impl Into<String>,
        fields: impl IntoIterator<Item = F>,
    ) -> Result<()> {
        let collection = collection.into();
        let fields: Vec<IndexField> = fields.into_iter().map(Into::into).collect();
        let paths: Vec<FieldPath> = fields.iter().map(IndexField::path).collect::<Result<_>>()?;
        let dotted: Vec<String> = paths.iter().map(ToString::to_string).collect();
        let recorded = self.db().backend().list_recorded_indexes(&collection);
        let mut names: Vec<String> = recorded
            .await?
            .into_iter()
            .filter(|it| it.fields == dotted)
            .map(|it| it.name)
            .collect();
        match (names.pop(), names.is_empty()) {
            (Some(name), true) => self.drop_index(collection, name).await,
            (Some(name), false) => {
                names.push(name);
                Err(Error::new(
                    ErrorKind::InvalidQuery,
                    format!(
                        "several indexes are over these fields: {}; drop the one by its name",
                        names.join(", ")
                    ),
                )
                .with_collection(collection))
            }
            // One that this very transaction made is not seen from outside of it.
            (None, _) => self.drop_unnamed(collection, &paths).await,
        }
    }

    async fn drop_unnamed(&self, collection: String, paths: &[FieldPath]) -> Result<()> {
        let paths: Vec<&FieldPath> = paths.iter().collect();
        let kinds = [IndexKind::Plain, IndexKind::Unique, IndexKind::Members];
        for kind in kinds {
            let name = IndexMeta::default_name(&collection, kind, &paths);
            match self.drop_index(collection.as_str(), name).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                outcome => return outcome,
            }
        }
        Err(Error::new(
            ErrorKind::NotFound,
            "there is no index over exactly these fields",
        )
        .with_collection(collection))
    }

    /// Makes a constraint, such as `constraint::required("name")`, once all documents were found to keep it;
    /// see [`constraint`](mod@crate::constraint).
    ///
    /// # Errors
    ///
    /// `Validation` or `Duplicate` with the ids of those that do not, as
    /// [`offenders`](den_backend::Error::offenders).
    pub async fn create_constraint(
        &self,
        collection: impl Into<String>,
        constraint: impl IntoConstraint,
    ) -> Result<()> {
        let collection = collection.into();
        let constraint = constraint.into_constraint(&collection)?;
        self.alter(SchemaChange::CreateConstraint {
            collection,
            constraint,
        })
        .await
    }

    /// Drops a constraint by name.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none.
    pub async fn drop_constraint(
        &self,
        collection: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<()> {
        self.alter(SchemaChange::DropConstraint {
            collection: collection.into(),
            name: name.into(),
        })
        .await
    }

    /// Puts a value, or what an expression is for each document, where a field is missing; answers how
    /// many documents that were. `null` counts as there.
    ///
    /// # Errors
    ///
    /// `InvalidDocument` if a parent of the field holds something else than an object.
    pub async fn add_field(
        &self,
        collection: impl Into<String>,
        path: impl IntoFieldPath,
        value: impl IntoUntyped,
    ) -> Result<u64> {
        let path = path.into_field_path()?;
        let missing = field(path.clone()).is_missing();
        self.set(collection, missing, path, value.into_untyped()?)
            .await
    }

    /// Puts what an expression is for each document where a field is, `null` included; answers how many
    /// documents that were.
    ///
    /// # Errors
    ///
    /// `OutOfRange` for a number that cannot be computed.
    pub async fn retype_field(
        &self,
        collection: impl Into<String>,
        path: impl IntoFieldPath,
        value: impl IntoUntyped,
    ) -> Result<u64> {
        let path = path.into_field_path()?;
        let there = field(path.clone()).exists();
        self.set(collection, there, path, value.into_untyped()?)
            .await
    }

    /// Moves what a field holds to another path, whatever is there; answers how many documents had it.
    ///
    /// # Errors
    ///
    /// As [`add_field`](Self::add_field).
    pub async fn rename_field(
        &self,
        collection: impl Into<String>,
        from: impl IntoFieldPath,
        to: impl IntoFieldPath,
    ) -> Result<u64> {
        let from = field(from.into_field_path()?);
        let to = field(to.into_field_path()?);
        self.documents(collection, from.exists())?
            .update()
            .with_unknown_fields()
            .rename(from, to)
            .await
    }

    /// Takes a field away; answers how many documents had it.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a field of den's own.
    pub async fn drop_field(
        &self,
        collection: impl Into<String>,
        path: impl IntoFieldPath,
    ) -> Result<u64> {
        let gone = field(path.into_field_path()?);
        self.documents(collection, gone.exists())?
            .update()
            .with_unknown_fields()
            .unset(gone)
            .await
    }

    async fn set(
        &self,
        collection: impl Into<String>,
        filter: Filter<Json>,
        path: FieldPath,
        value: Expr,
    ) -> Result<u64> {
        let documents = self.documents(collection, filter)?;
        let update = documents.update().with_unknown_fields();
        if let Expr::Value(value) = value {
            return update.set(field(path), value).await;
        }
        update.set_expr(field(path), Untyped::new(Ok(value))).await
    }

    fn documents(
        &self,
        collection: impl Into<String>,
        filter: Filter<Json>,
    ) -> Result<QuerySet<Json>> {
        self.db().require(Capability::Patches)?;
        Ok(self.collection(collection).query().filter(filter))
    }
}
