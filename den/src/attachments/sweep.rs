//! Finding content that no document refers to.

use std::time::Duration;

use den_backend::{
    CompareOp, Expr, Field, FieldKind, FieldPath, Query, ReadWrite, Result, Seek, Value,
};
use futures_util::{StreamExt, TryStreamExt};

use crate::{
    Db, Timestamp,
    attachments::{
        Attachments, ContentHash, Storage, Stored,
        counts::{self, Count},
        removal::{self, Uncounted, begin},
    },
};

/// So many contents or counts are looked at in one call of the database.
const CHUNK: usize = 256;

/// What a sweep has removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SweepReport {
    /// How many contents no document referred to.
    pub contents: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// How many of them could not be removed; the log says why, and the next sweep tries again.
    pub failed: u64,
    /// How many uploads were never finished; a sweep that only looks does not see them.
    pub uploads: u64,
}

/// Whether content is removed that no document refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Remove,
    Look,
}

impl Attachments {
    /// A grace period for [`sweep`](Self::sweep) that suits most: a day.
    pub const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

    /// Removes content that no document refers to and that was last put longer ago than `grace`,
    /// and uploads to which nothing was written for so long.
    ///
    /// # Behavior
    ///
    /// - Such content is left behind by a crash, by a storage that failed right after a delete, and
    ///   by content that was put for a document that was then not saved.
    /// - It is safe at any time, and in several processes at once, if `grace` is longer than the
    ///   time between a put and the commit of the document that refers to it.
    /// - It believes the counts that den keeps in the database. After a backup was restored, or
    ///   documents were changed below den, correct them first: [`recount`](Self::recount).
    /// - A storage belongs to one database: what another one refers to would be removed.
    ///
    /// # Errors
    ///
    /// - Those of the storage while it lists its content, and those of the database.
    /// - `InvalidQuery` for attachments that were not got from a [`Db`].
    pub async fn sweep(&self, grace: Duration) -> Result<SweepReport> {
        let mut report = self.each_orphan(grace, Mode::Remove).await?;
        report.uploads = self.storage().sweep_uploads(grace).await?;
        Ok(report)
    }

    /// Says what a [`sweep`](Self::sweep) would remove now, and removes nothing.
    ///
    /// # Errors
    ///
    /// As [`sweep`](Self::sweep).
    pub async fn orphans(&self, grace: Duration) -> Result<SweepReport> {
        self.each_orphan(grace, Mode::Look).await
    }

    async fn each_orphan(&self, grace: Duration, mode: Mode) -> Result<SweepReport> {
        let db = self.db()?;
        counts::ensure(db.backend()).await?;
        let mut report = SweepReport::default();
        let before = Timestamp::now() - grace;
        let mut chunks = self.storage().list().try_chunks(CHUNK);
        while let Some(chunk) = chunks.next().await {
            let mut chunk = chunk.map_err(|it| it.1)?;
            chunk.retain(|it| it.modified <= before);
            for it in unused(db, &chunk).await? {
                report.contents += 1;
                report.bytes = report.bytes.saturating_add(it.size);
                if mode == Mode::Look {
                    continue;
                }
                let hash = &it.hash;
                match removal::remove(db, &**self.storage(), hash, Uncounted::Goes).await {
                    Ok(true) => {}
                    // A document refers to it now.
                    Ok(false) => {
                        report.contents -= 1;
                        report.bytes -= it.size;
                    }
                    Err(error) => {
                        tracing::warn!(%hash, %error, "could not remove content");
                        report.failed += 1;
                    }
                }
            }
        }
        if mode == Mode::Remove {
            forget_removed(db, &**self.storage()).await?;
        }
        Ok(report)
    }
}

/// Those to which no document refers, as far as is known without a lock.
async fn unused<'a>(db: &Db, stored: &'a [Stored]) -> Result<Vec<&'a Stored>> {
    let hashes: Vec<&ContentHash> = stored.iter().map(|it| &it.hash).collect();
    let counts = counts::look(db.backend(), &hashes).await?;
    let is_unused = |it: &&Stored| counts.get(&it.hash).is_none_or(Count::is_unused);
    Ok(stored.iter().filter(is_unused).collect())
}

/// Takes away the counts of content that is gone: of a removal that was cut short.
async fn forget_removed(db: &Db, storage: &dyn Storage) -> Result<()> {
    let path = FieldPath::from_segments(["refs"])?;
    let refs = Expr::Field(Field::document(path, FieldKind::Number));
    let is_unused = Expr::compare(CompareOp::Eq, refs, Expr::Value(Value::Int(0)));
    let mut seek = None;
    while let Some((counts, last)) = page(db.backend(), is_unused.clone(), seek).await? {
        for count in counts {
            let tx = begin(db).await?;
            let session = tx.session().await?;
            let count = counts::lock(&*session, &count.hash).await?;
            if let Some(count) = count.filter(Count::is_unused)
                && storage.size(&count.hash).await?.is_none()
            {
                counts::forget(&*session, &count.hash).await?;
            }
            tx.end().await?;
        }
        seek = Some(last);
    }
    Ok(())
}

/// The next counts that pass, in the order of their names, and the name of the last one.
pub(super) async fn page(
    session: &dyn ReadWrite,
    filter: Expr,
    after: Option<String>,
) -> Result<Option<(Vec<Count>, String)>> {
    let query = Query {
        filter,
        limit: Some(CHUNK as u64),
        seek: after.map(|id| Seek {
            keys: Vec::new(),
            id,
        }),
        ..Query::new(counts::COLLECTION)
    };
    let rows: Vec<_> = session.query(&query).await?.try_collect().await?;
    let Some(last) = rows.last().map(|it| it.id.clone()) else {
        return Ok(None);
    };
    let counts = rows.iter().map(Count::decode).collect::<Result<_>>()?;
    Ok(Some((counts, last)))
}
