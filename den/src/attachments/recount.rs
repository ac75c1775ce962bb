//! Counting anew who refers to content, from the documents themselves.

use std::collections::{BTreeMap, BTreeSet};

use den_backend::{Error, ErrorKind, Expr, Query, ReadWrite, Result, Seek, Transaction};
use futures_util::TryStreamExt;

use crate::attachments::{
    Attachments, ContentHash,
    counts::{self, Count},
    held::Holder,
    removal::begin,
    sweep,
};

/// So many documents are read at once.
const CHUNK: u64 = 256;

/// How often documents with content that nobody has counted may appear during the work.
const TRIES: usize = 8;

/// What the documents say about content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RecountReport {
    /// How many documents were read.
    pub documents: u64,
    /// To how many contents they refer.
    pub contents: u64,
    /// Those whose count was wrong.
    pub corrected: Vec<ContentHash>,
    /// Those that documents refer to and that are not stored.
    pub missing: Vec<ContentHash>,
}

/// How many documents of each collection refer to each content.
type Counted = BTreeMap<ContentHash, BTreeMap<&'static str, u64>>;

/// Whether wrong counts are corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Correct,
    Look,
}

impl Attachments {
    /// Counts anew, from all documents of the registered types, how many refer to each content, and
    /// corrects the counts that are wrong: after a backup was restored, or documents were changed
    /// below den or by the name of their collection ([`Db::collection`](crate::Db::collection)),
    /// where nothing is counted.
    ///
    /// # Behavior
    ///
    /// - Reads every document with attachments in one transaction; writes of such documents wait
    ///   until it ends.
    /// - The counts of collections that are not registered with this [`Db`](crate::Db) stay, unless there is
    ///   no such collection any more.
    /// - Removes no content: what nothing refers to is left to a [`sweep`](Self::sweep).
    ///
    /// # Errors
    ///
    /// - `Corrupt` for a document that does not read as its type: nothing is corrected then.
    /// - `Deadlock`, `Serialization`: nothing was corrected, and it may be tried again.
    /// - `InvalidQuery` for attachments that were not got from a [`Db`](crate::Db).
    pub async fn recount(&self) -> Result<RecountReport> {
        self.count_all(Mode::Correct).await
    }

    /// Says what a [`recount`](Self::recount) would correct now, and corrects nothing.
    ///
    /// # Errors
    ///
    /// As [`recount`](Self::recount).
    pub async fn miscounts(&self) -> Result<RecountReport> {
        self.count_all(Mode::Look).await
    }

    async fn count_all(&self, mode: Mode) -> Result<RecountReport> {
        let db = self.db()?;
        counts::ensure(db.backend()).await?;
        let holders = db.holders();
        let collections: BTreeSet<String> = db.backend().collections().await?.into_iter().collect();
        // Content without a count that documents were found to refer to.
        let mut uncounted = BTreeSet::new();
        for _ in 0..TRIES {
            let tx = begin(db).await?;
            let session = tx.session().await?;
            // Whoever writes a document changes counts before the commit. So with all counts
            // locked, what is read now is what they should be; new content excepted, which
            // others go on to count.
            let locked = lock_all(&*session, &uncounted).await?;
            let (documents, counted) = read_all(&*session, &holders).await?;
            let new: Vec<&ContentHash> = counted
                .keys()
                .filter(|it| !locked.contains_key(it))
                .collect();
            let new = without_count(&*session, &new).await?;
            if !new.is_empty() {
                tx.abort().await?;
                uncounted.extend(new);
                continue;
            }
            let mut report = RecountReport {
                documents,
                contents: counted.len() as u64,
                ..RecountReport::default()
            };
            for (hash, old) in &locked {
                let new = corrected(old, counted.get(hash), &holders, &collections);
                if new == *old {
                    continue;
                }
                report.corrected.push(hash.clone());
                counts::write(&*session, &new).await?;
            }
            match mode {
                Mode::Correct => tx.end().await?,
                Mode::Look => tx.abort().await?,
            }
            for hash in counted.keys() {
                if self.storage().size(hash).await?.is_none() {
                    report.missing.push(hash.clone());
                }
            }
            return Ok(report);
        }
        Err(Error::new(
            ErrorKind::Serialization,
            "documents with attachments that are not counted keep appearing",
        ))
    }
}

/// Locks all counts there are, and makes those that are missing; in the order of their names, as
/// every write does.
async fn lock_all(
    tx: &dyn Transaction,
    missing: &BTreeSet<ContentHash>,
) -> Result<BTreeMap<ContentHash, Count>> {
    let mut hashes = missing.clone();
    let mut seek = None;
    while let Some((counts, last)) = sweep::page(tx, Expr::always(), seek).await? {
        hashes.extend(counts.into_iter().map(|it| it.hash));
        seek = Some(last);
    }
    let mut locked = BTreeMap::new();
    for hash in hashes {
        let count = if missing.contains(&hash) {
            Some(counts::change(tx, &hash, |_| {}).await?)
        } else {
            counts::lock(tx, &hash).await?
        };
        if let Some(count) = count {
            locked.insert(hash, count);
        }
    }
    Ok(locked)
}

/// Reads the documents of all types with attachments; answers how many there are, too.
async fn read_all(session: &dyn ReadWrite, holders: &[Holder]) -> Result<(u64, Counted)> {
    let mut documents = 0;
    let mut counted = Counted::new();
    for holder in holders {
        let mut query = Query {
            limit: Some(CHUNK),
            ..Query::new(holder.collection)
        };
        loop {
            let rows: Vec<_> = session.query(&query).await?.try_collect().await?;
            for raw in &rows {
                documents += 1;
                for hash in (holder.held)(raw)?.hashes() {
                    let by = counted.entry(hash.clone()).or_default();
                    *by.entry(holder.collection).or_default() += 1;
                }
            }
            let Some(last) = rows.last() else {
                break;
            };
            query.seek = Some(Seek {
                keys: Vec::new(),
                id: last.id.clone(),
            });
        }
    }
    Ok((documents, counted))
}

/// Those that have no count, not even one that was made meanwhile.
async fn without_count(
    session: &dyn ReadWrite,
    hashes: &[&ContentHash],
) -> Result<Vec<ContentHash>> {
    let counts = counts::look(session, hashes).await?;
    let missing = hashes.iter().filter(|it| !counts.contains_key(**it));
    Ok(missing.map(|it| (*it).clone()).collect())
}

/// The count as it should be.
fn corrected(
    old: &Count,
    counted: Option<&BTreeMap<&'static str, u64>>,
    holders: &[Holder],
    collections: &BTreeSet<String>,
) -> Count {
    let mut new = old.clone();
    for gone in old.collections().filter(|it| !collections.contains(*it)) {
        new.set(gone, 0);
    }
    for holder in holders {
        let count = counted.and_then(|it| it.get(holder.collection));
        new.set(holder.collection, count.copied().unwrap_or(0));
    }
    new
}
