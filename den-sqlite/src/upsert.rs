//! Upserts: insert, or change what is in the way.

use std::sync::Arc;

use den_backend::{
    CompareOp, ConflictTarget, Expr, Field, FieldKind, IndexMeta, OnConflict, Patch, Query,
    RawDocument, Result, Select, Upsert, UpsertOutcome, Value, evaluate,
};
use den_sql::SQLITE;

use crate::{
    change::{has_id, statement},
    collection::Collection,
    connection::Connection,
    document::{self, not_json, not_utf8},
    error::{Failure, Outcome},
    scan,
    schema::values_under,
    session::{Batch, LARGE, Session, Work, on_collection},
};

/// Inserts a document, or changes the one in its way.
///
/// # Behavior
///
/// - SQLite does not tell which of the two a statement did. So the first one only inserts, and
///   only where that was in vain the second one changes what is in the way.
pub(crate) async fn upsert<S: Session>(
    session: &S,
    name: &str,
    upsert: &Upsert<'_>,
    batch: Batch,
) -> Result<UpsertOutcome> {
    let owned = Arc::new(OwnedUpsert::new(upsert));
    let kind = if upsert.body.len() > LARGE {
        Work::LargeWrite
    } else {
        Work::Write
    };
    on_collection(session, name, None, |collection| {
        let upsert = Arc::clone(&owned);
        let work = move |connection: &mut Connection| {
            let work = |it: &Connection| upsert.run(it, &collection);
            match upsert.is_one_statement() {
                true => work(connection),
                false => batch.run(connection, work, |_| true),
            }
        };
        (kind, work)
    })
    .await
}

/// An [`Upsert`] that owns what it holds, for another thread.
#[derive(Debug)]
struct OwnedUpsert {
    id: String,
    body: Vec<u8>,
    /// The index whose values are in the way; none for the id.
    index: Option<IndexMeta>,
    patch: Option<Patch>,
}

impl OwnedUpsert {
    fn new(upsert: &Upsert<'_>) -> Self {
        Self {
            id: upsert.id.to_owned(),
            body: upsert.body.to_vec(),
            index: match upsert.target {
                ConflictTarget::Id => None,
                ConflictTarget::Index(index) => Some(index.clone()),
            },
            patch: match upsert.on_conflict {
                OnConflict::Nothing => None,
                OnConflict::Change(patch) => Some(patch.clone()),
            },
        }
    }

    /// Whether one statement does it, which is done or not by itself.
    fn is_one_statement(&self) -> bool {
        self.patch.is_none() && !self.may_be_container()
    }

    /// Whether the values that may be in the way can be arrays or objects.
    fn may_be_container(&self) -> bool {
        let mut fields = self.index.iter().flat_map(|it| &it.fields);
        fields.any(|(field, _)| match field.kind {
            FieldKind::Text | FieldKind::Number | FieldKind::Bool => false,
            FieldKind::Array | FieldKind::Object | FieldKind::Any => true,
        })
    }

    fn run(&self, connection: &Connection, collection: &Collection) -> Outcome<UpsertOutcome> {
        if std::str::from_utf8(&self.body).is_err() {
            return Err(not_utf8().with_id(self.id.as_str()).into());
        }
        if let Some(id) = self.equal(connection, collection)? {
            return self.change(connection, collection, &id);
        }
        let inserted = self.insert_or(OnConflict::Nothing, connection, collection);
        let inserted = inserted.map_err(|failure| failure.of_document(&self.id))?;
        match (inserted, &self.patch) {
            (Some(_), _) => Ok(UpsertOutcome::Inserted),
            (None, None) => Ok(UpsertOutcome::Kept),
            (None, Some(patch)) => {
                let changed = self
                    .insert_or(OnConflict::Change(patch), connection, collection)
                    .map_err(|failure| failure.of_patch(collection.name(), patch))
                    .map_err(|failure| self.with_id(connection, collection, failure))?;
                // Still in the way: nobody else writes in between.
                Ok(changed.map_or(UpsertOutcome::Inserted, UpsertOutcome::Changed))
            }
        }
    }

    fn insert_or(
        &self,
        on_conflict: OnConflict<'_>,
        connection: &Connection,
        collection: &Collection,
    ) -> Outcome<Option<RawDocument>> {
        let upsert = Upsert {
            id: &self.id,
            body: &self.body,
            target: match &self.index {
                None => ConflictTarget::Id,
                Some(index) => ConflictTarget::Index(index),
            },
            on_conflict,
        };
        let statement = den_sql::upsert(SQLITE, (&collection.layout).into(), &upsert);
        Ok(scan::all(connection, &statement)?.pop())
    }

    /// The document with values that are equal but may be written otherwise: an index of SQLite
    /// knows arrays and objects by their text.
    fn equal(&self, connection: &Connection, collection: &Collection) -> Outcome<Option<String>> {
        let Some(index) = self.index.as_ref().filter(|_| self.may_be_container()) else {
            return Ok(None);
        };
        let document: Value =
            serde_json::from_slice(&self.body).map_err(|_| not_json().with_id(self.id.as_str()))?;
        let Some(values) = values_under(index, &document) else {
            return Ok(None);
        };
        let is_container = |it: &Value| matches!(it, Value::Array(_) | Value::Object(_));
        if !values.iter().any(is_container) || !evaluate::matches(&index.filter, &document)? {
            return Ok(None);
        }
        holder(connection, collection, index, values)
    }

    /// The failure, with the id of the document that could not be changed as a constraint demands.
    fn with_id(
        &self,
        connection: &Connection,
        collection: &Collection,
        failure: Failure,
    ) -> Failure {
        if !failure.is_of_constraint() {
            return failure;
        }
        let Some(index) = &self.index else {
            return failure.of_document(&self.id);
        };
        let document = serde_json::from_slice::<Value>(&self.body).ok();
        let values = document.and_then(|it| values_under(index, &it));
        match values.map(|it| holder(connection, collection, index, it)) {
            Some(Ok(Some(id))) => failure.of_document(&id),
            // Without it, what failed is said all the same.
            Some(Ok(None) | Err(_)) | None => failure,
        }
    }

    /// Does what is said about the document with this id.
    fn change(
        &self,
        connection: &Connection,
        collection: &Collection,
        id: &str,
    ) -> Outcome<UpsertOutcome> {
        let Some(patch) = &self.patch else {
            return Ok(UpsertOutcome::Kept);
        };
        let query = Query {
            filter: has_id(&[id.to_owned()])?,
            ..Query::new(collection.name())
        };
        let statement = statement((&collection.layout).into(), &query, patch);
        scan::execute(connection, &statement)
            .map_err(|failure| failure.of_patch(collection.name(), patch).of_document(id))?;
        let changed = document::get(connection, collection, id)?;
        Ok(changed.map_or(UpsertOutcome::Kept, UpsertOutcome::Changed))
    }
}

/// The document with these values under an index.
fn holder(
    connection: &Connection,
    collection: &Collection,
    index: &IndexMeta,
    values: Vec<Value>,
) -> Outcome<Option<String>> {
    let mut query = Query {
        filter: index.filter.clone(),
        select: Select::Id,
        limit: Some(1),
        ..Query::new(collection.name())
    };
    for ((field, _), value) in index.fields.iter().zip(values) {
        let field = Expr::Field(Field::document(field.path.clone(), field.kind));
        let is_equal = Expr::compare(CompareOp::Eq, field, Expr::Value(value));
        query.filter = query.filter.and(is_equal);
    }
    let statement = den_sql::select(SQLITE, (&collection.layout).into(), &query);
    Ok(scan::all(connection, &statement)?.pop().map(|it| it.id))
}
