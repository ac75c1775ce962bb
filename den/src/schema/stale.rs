//! Indexes that no type declares any more.

use std::fmt;

use den_backend::{CollectionMeta, RecordedIndex, Result, SchemaChange};

use crate::Db;

/// Whether to say what would be done, and not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    /// Only say it.
    Yes,
    /// Do it.
    No,
}

/// What [`Schema::drop_stale`](crate::schema::Schema::drop_stale) found.
///
/// # Behavior
///
/// - `Display` says it line by line, for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct StaleIndexes {
    /// These were dropped; in a dry run, would be.
    pub dropped: Vec<RecordedIndex>,
    /// These were kept: they belong to collections of which this handle has no type, so nothing says
    /// whether they are declared.
    pub kept: Vec<RecordedIndex>,
}

impl fmt::Display for StaleIndexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dropped.is_empty() && self.kept.is_empty() {
            return writeln!(f, "no stale indexes");
        }
        let dropped = self.dropped.iter().map(|it| ("stale", it));
        let kept = self.kept.iter().map(|it| ("kept, of no known type", it));
        for (what, index) in dropped.chain(kept) {
            let (collection, name) = (&index.collection, &index.name);
            let fields = index.fields.join(", ");
            writeln!(
                f,
                "{what}: the index `{name}` of `{collection}` on {fields}"
            )?;
        }
        Ok(())
    }
}

/// The recorded indexes of a collection that are not described.
pub(super) async fn of_collection(db: &Db, meta: &CollectionMeta) -> Result<Vec<RecordedIndex>> {
    let mut recorded = db.backend().list_recorded_indexes(&meta.name).await?;
    recorded.retain(|it| meta.indexes.iter().all(|index| index.name != it.name));
    Ok(recorded)
}

pub(super) async fn drop_stale(db: &Db, dry_run: DryRun) -> Result<StaleIndexes> {
    let wanted = db.wanted();
    let mut found = StaleIndexes {
        dropped: Vec::new(),
        kept: Vec::new(),
    };
    for meta in &wanted {
        found.dropped.extend(of_collection(db, meta).await?);
    }
    for collection in db.backend().collections().await? {
        if wanted.iter().all(|it| it.name != collection) {
            let recorded = db.backend().list_recorded_indexes(&collection).await?;
            found.kept.extend(recorded);
        }
    }
    if dry_run == DryRun::No {
        for index in &found.dropped {
            let change = SchemaChange::DropIndex {
                collection: index.collection.clone(),
                name: index.name.clone(),
            };
            db.backend().alter(&change).await?;
            tracing::info!(
                target: "den::schema",
                collection = %index.collection,
                index = %index.name,
                "dropped a stale index"
            );
        }
    }
    Ok(found)
}
