//! Comparing two databases, document by document.

use std::{cmp::Ordering, collections::BTreeSet, fmt, future::IntoFuture, sync::Arc};

use den_backend::Result;
use futures_util::future::{BoxFuture, join};
use sha2::{Digest, Sha256};

use crate::{
    Db,
    transfer::{
        document::canonical,
        files::blocking,
        options::{Observer, Progress, Stage},
        snapshot::{Snapshot, Walk, all_collections},
    },
};

/// So many ids of each kind are kept unless said otherwise.
const KEPT: usize = 20;

/// Compares two databases, each as it is at one moment.
///
/// # Behavior
///
/// - Both sides are walked in order of id, so memory is bounded. Documents are equal when their values
///   are; order of keys and spacing do not matter, `1` and `1.0` differ.
/// - A collection that is not there is as one without documents.
///
/// ```
/// # use den::prelude::*;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let (a, b) = (Db::open("sqlite://:memory:").await?, Db::open("sqlite://:memory:").await?);
/// let comparison = den::transfer::compare(&a, &b).await?;
/// assert!(comparison.is_equal());
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
pub fn compare(a: &Db, b: &Db) -> Compare {
    Compare {
        a: a.clone(),
        b: b.clone(),
        collections: None,
        keep: KEPT,
        observer: Observer::default(),
    }
}

/// A comparison that is about to be made; await it.
#[derive(Debug, Clone)]
#[must_use = "a comparison does nothing until it is awaited"]
pub struct Compare {
    a: Db,
    b: Db,
    collections: Option<Vec<String>>,
    keep: usize,
    observer: Observer,
}

/// How two databases differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Comparison {
    /// Collection by collection.
    pub collections: Vec<CollectionComparison>,
}

/// How two collections of one name differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CollectionComparison {
    /// The name.
    pub name: String,
    /// How many documents the first database has.
    pub left: u64,
    /// How many the second has.
    pub right: u64,
    /// Documents of the first that the second does not have.
    pub missing: Differing,
    /// Documents of the second that the first does not have.
    pub extra: Differing,
    /// Documents that both have, with other content.
    pub different: Differing,
}

/// Documents that differ in one way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Differing {
    /// How many.
    pub count: u64,
    /// The ids of the first few, in order.
    pub ids: Vec<String>,
}

impl Compare {
    /// Compares only these collections.
    pub fn collections(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.collections = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps up to so many ids of each kind.
    pub fn keep(mut self, ids: usize) -> Self {
        self.keep = ids;
        self
    }

    /// Has this called now and then.
    pub fn on_progress(mut self, tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(tell);
        self
    }

    async fn run(self) -> Result<Comparison> {
        let a = Snapshot::open(&self.a).await?;
        let b = Snapshot::open(&self.b).await?;
        let names = match self.collections {
            Some(names) => names,
            None => {
                let mut names: BTreeSet<String> =
                    all_collections(&self.a).await?.into_iter().collect();
                names.extend(all_collections(&self.b).await?);
                names.into_iter().collect()
            }
        };
        let mut comparison = Comparison::default();
        for name in names {
            let it = collections(&a, &b, &name, self.keep, &self.observer).await?;
            comparison.collections.push(it);
        }
        Ok(comparison)
    }
}

impl IntoFuture for Compare {
    type Output = Result<Comparison>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Compares one collection.
pub(super) async fn collections(
    a: &Snapshot,
    b: &Snapshot,
    name: &str,
    keep: usize,
    observer: &Observer,
) -> Result<CollectionComparison> {
    let mut it = CollectionComparison {
        name: name.to_owned(),
        ..Default::default()
    };
    let mut progress = Progress::new(Stage::Compare, name, a.count(name).await?);
    let mut left = Side::new(a, name).await?;
    let mut right = Side::new(b, name).await?;
    loop {
        let (l, r) = join(left.peek(), right.peek()).await;
        let (has_left, has_right) = (l?, r?);
        if !has_left && !has_right {
            return Ok(it);
        }
        // As far as both are there, without waiting.
        while let Some(order) = order(&left, &right, has_left, has_right) {
            match order {
                Ordering::Less => it.missing.add(left.take(), keep),
                Ordering::Greater => it.extra.add(right.take(), keep),
                Ordering::Equal => {
                    let (l, r) = (left.take(), right.take());
                    if l.as_ref().map(|it| it.1) != r.map(|it| it.1) {
                        it.different.add(l, keep);
                    }
                }
            }
        }
        (it.left, it.right) = (left.taken, right.taken);
        progress.documents = left.taken;
        observer.tell(&progress);
    }
}

/// Which side's next id comes first; none if a side has to be read on.
fn order(left: &Side<'_>, right: &Side<'_>, has_left: bool, has_right: bool) -> Option<Ordering> {
    match (left.rows.last(), right.rows.last()) {
        (Some(l), Some(r)) => Some(l.0.as_bytes().cmp(r.0.as_bytes())),
        (Some(_), None) if !has_right => Some(Ordering::Less),
        (None, Some(_)) if !has_left => Some(Ordering::Greater),
        (Some(_), None) | (None, Some(_)) | (None, None) => None,
    }
}

/// An id, and the hash of its document.
type Row = (String, [u8; 32]);

/// One of the two, as far as it is read.
struct Side<'s> {
    walk: Walk<'s>,
    collection: Arc<str>,
    /// The last one comes first.
    rows: Vec<Row>,
    taken: u64,
}

impl<'s> Side<'s> {
    async fn new(snapshot: &'s Snapshot, collection: &str) -> Result<Self> {
        Ok(Self {
            walk: snapshot.walk_if_there(collection).await?,
            collection: collection.into(),
            rows: Vec::new(),
            taken: 0,
        })
    }

    /// Reads on if there is nothing left; whether there is something then.
    async fn peek(&mut self) -> Result<bool> {
        if self.rows.is_empty() {
            let page = self.walk.page().await?;
            let collection = Arc::clone(&self.collection);
            self.rows = blocking(move || {
                let rows = page.into_iter().rev().map(|raw| {
                    let hash = Sha256::digest(canonical(&collection, &raw)?);
                    Ok((raw.id, hash.into()))
                });
                rows.collect::<Result<_>>()
            })
            .await?;
        }
        Ok(!self.rows.is_empty())
    }

    fn take(&mut self) -> Option<Row> {
        let row = self.rows.pop();
        self.taken += u64::from(row.is_some());
        row
    }
}

impl Differing {
    fn add(&mut self, row: Option<Row>, keep: usize) {
        let Some((id, _)) = row else { return };
        self.count += 1;
        if self.ids.len() < keep {
            self.ids.push(id);
        }
    }
}

impl Comparison {
    /// Whether both hold the same.
    pub fn is_equal(&self) -> bool {
        self.collections.iter().all(CollectionComparison::is_equal)
    }

    /// One collection.
    pub fn collection(&self, name: &str) -> Option<&CollectionComparison> {
        self.collections.iter().find(|it| it.name == name)
    }
}

impl CollectionComparison {
    /// Whether both hold the same.
    pub fn is_equal(&self) -> bool {
        self.missing.count == 0 && self.extra.count == 0 && self.different.count == 0
    }
}

impl fmt::Display for Comparison {
    /// Writes a line for each collection.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, it) in self.collections.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{it}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CollectionComparison {
    /// Writes `name: 3 and 2 documents; missing 1 (id); extra 0; different 0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} and {} documents",
            self.name, self.left, self.right
        )?;
        let kinds = [
            ("missing", &self.missing),
            ("extra", &self.extra),
            ("different", &self.different),
        ];
        for (word, it) in kinds.iter().filter(|it| it.1.count > 0) {
            let more = if it.count > it.ids.len() as u64 {
                ", .."
            } else {
                ""
            };
            write!(f, "; {word} {} ({}{more})", it.count, it.ids.join(", "))?;
        }
        if self.is_equal() {
            f.write_str("; equal")?;
        }
        Ok(())
    }
}
