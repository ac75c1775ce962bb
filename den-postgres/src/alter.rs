//! Changes of the schema, as the contract asks for them: on their own, and in a transaction.

use std::sync::Arc;

use den_backend::{Result, SchemaChange};

use crate::{
    constraints,
    ddl::{within_ddl, within_transaction},
    rename,
    runner::Shared,
    schema,
    session::{Alone, Session},
};

/// Makes a change on its own.
pub(crate) async fn alter(shared: &Shared, change: &SchemaChange) -> Result<()> {
    match change {
        // Indexes on tables with rows are built beside the writers.
        SchemaChange::CreateCollection(meta) => schema::ensure_collection(shared, meta).await,
        SchemaChange::CreateIndex { collection, index } => {
            schema::ensure_index(shared, collection, index).await
        }
        SchemaChange::RenameCollection { .. }
        | SchemaChange::DropCollection(_)
        | SchemaChange::DropIndex { .. }
        | SchemaChange::CreateConstraint { .. }
        | SchemaChange::DropConstraint { .. } => {
            let collection = Some(change.collection());
            let made = within_ddl(shared, collection, async |on| apply(on, change).await).await;
            forget(shared, change);
            made
        }
    }
}

/// Makes a change in a transaction, whose `shared` knows nothing that others do not know yet.
pub(crate) async fn alter_within(
    shared: &Shared,
    session: &Arc<Session>,
    change: &SchemaChange,
) -> Result<()> {
    let collection = change.collection();
    let made = within_transaction(session, collection, async |on| apply(on, change).await).await;
    forget(shared, change);
    made
}

async fn apply(on: &Alone, change: &SchemaChange) -> Result<()> {
    match change {
        SchemaChange::CreateCollection(meta) => schema::ensure_within(on, meta).await,
        SchemaChange::RenameCollection { from, to } => {
            rename::rename_collection(on, from, to).await
        }
        SchemaChange::DropCollection(name) => schema::drop_collection(on, name).await,
        SchemaChange::CreateIndex { collection, index } => {
            schema::ensure_index_within(on, collection, index).await
        }
        SchemaChange::DropIndex { collection, name } => {
            schema::drop_index(on, collection, name).await
        }
        SchemaChange::CreateConstraint {
            collection,
            constraint,
        } => constraints::create(on, collection, constraint).await,
        SchemaChange::DropConstraint { collection, name } => {
            constraints::drop(on, collection, name).await
        }
    }
}

/// Forgets what is known of the collections that a change is about.
pub(crate) fn forget(shared: &Shared, change: &SchemaChange) {
    shared.collections.forget(change.collection());
    match change {
        SchemaChange::RenameCollection { to, .. } => shared.collections.forget(to),
        SchemaChange::CreateCollection(_)
        | SchemaChange::DropCollection(_)
        | SchemaChange::CreateIndex { .. }
        | SchemaChange::DropIndex { .. }
        | SchemaChange::CreateConstraint { .. }
        | SchemaChange::DropConstraint { .. } => {}
    }
}
