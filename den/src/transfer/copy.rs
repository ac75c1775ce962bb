//! Documents from one database into another.

use std::{collections::BTreeMap, future::IntoFuture, sync::Arc};

use den_backend::{Error, ErrorKind, RawDocument, Result};
use futures_util::future::{BoxFuture, join};

use crate::{
    Db,
    transfer::{
        archive::changes_of,
        compare,
        document::{Item, canonical, carried},
        files::{Hash, blocking},
        options::{Mode, Observer, Progress, Stage, Transferred},
        put::{BATCH, OnBad, Scope, Target},
        snapshot::{Snapshot, all_collections, constraints, ensure},
        verify,
    },
};

/// So many ids are named when the copy is not as the original.
const NAMED: usize = 5;

/// Copies collections from one database into another, of whichever engines.
///
/// # Behavior
///
/// - Documents are copied as they are at one moment, times and revisions included, number by number.
///   Constraints are copied too; indexes are made when the types are registered there.
/// - den's own records of migrations and attachments are copied along, unless collections are named.
/// - What happens to what is there, and after a failure, says [`Mode`].
/// - Afterwards the copy is read again and compared.
///
/// # Errors
///
/// - `Duplicate` for a collection that must be empty and is not.
/// - `Corrupt` for a copy that is not as the original, because something else writes to it.
///
/// ```
/// # use den::prelude::*;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let from = Db::open("sqlite://:memory:").await?;
/// let to = Db::open("sqlite://:memory:").await?; // or "postgres://user:pw@host/shop"
/// den::transfer::copy(&from, &to).await?;
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
pub fn copy(from: &Db, to: &Db) -> Copy {
    Copy {
        from: from.clone(),
        to: to.clone(),
        mode: Mode::default(),
        collections: None,
        resume: false,
        verify: true,
        scope: Scope::Batches,
        observer: Observer::default(),
    }
}

/// A copy that is about to be made; await it.
#[derive(Debug, Clone)]
#[must_use = "a copy is not made until it is awaited"]
pub struct Copy {
    from: Db,
    to: Db,
    mode: Mode,
    collections: Option<Vec<String>>,
    resume: bool,
    verify: bool,
    scope: Scope,
    observer: Observer,
}

impl Copy {
    /// What becomes of what the collections hold already; [`Mode::RequireEmpty`] unless said.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Copies only these collections.
    pub fn collections(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.collections = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Goes on where an earlier try has ended: what is there already and equal is left as it is.
    ///
    /// # Behavior
    ///
    /// - With [`Mode::RequireEmpty`], a document that has changed since is overwritten, and one that is
    ///   no longer in the original makes the verification fail. With [`Mode::Append`], one that has
    ///   changed is `Duplicate`.
    /// - [`Mode::Replace`] is one transaction, so there is nothing to go on from.
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Whether the copy is read again and compared; it is unless said otherwise.
    pub fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Writes everything in one transaction: all of it is copied, or nothing.
    pub fn in_one_transaction(mut self) -> Self {
        self.scope = Scope::Whole;
        self
    }

    /// Has this called after each batch.
    pub fn on_progress(mut self, tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(tell);
        self
    }

    async fn run(mut self) -> Result<Transferred> {
        self.to.refuse_inside_transaction()?;
        let from = Snapshot::open(&self.from).await?;
        let names = match self.collections.take() {
            Some(names) => names,
            None => all_collections(&self.from).await?,
        };
        for name in &names {
            if from.count(name).await?.is_none() {
                return Err(Error::not_registered(name));
            }
            ensure(&self.to, name).await?;
        }
        let scope = match self.mode {
            Mode::Replace => Scope::Whole,
            Mode::RequireEmpty | Mode::Append | Mode::Upsert => self.scope,
        };
        self.resume &= scope == Scope::Batches;
        let mode = match self.mode {
            // What is there is compared with what comes.
            Mode::RequireEmpty if self.resume => Mode::Upsert,
            mode @ (Mode::RequireEmpty | Mode::Append | Mode::Replace | Mode::Upsert) => mode,
        };
        let target = Target::open(&self.to, mode, OnBad::Stop, scope).await?;
        for name in &names {
            target.prepare(name).await?;
        }
        let mut done = Transferred::default();
        for name in &names {
            self.copy_one(&from, &target, name, &mut done).await?;
        }
        target.finish().await?;
        for name in &names {
            for change in changes_of(name, &constraints(&self.from, name).await?) {
                change.check(self.to.capabilities(), false)?;
                self.to.backend().alter(&change).await?;
            }
        }
        if self.verify {
            for name in &names {
                self.verify_one(&from, name, &done).await?;
            }
        }
        Ok(done)
    }

    async fn copy_one(
        &self,
        from: &Snapshot,
        target: &Target,
        name: &str,
        done: &mut Transferred,
    ) -> Result<()> {
        let collection: Arc<str> = name.into();
        let mut progress = Progress::new(Stage::Copy, name, from.count(name).await?);
        let done = done.of(name);
        let mut walk = from.walk(name);
        let mut hash = Hash::default();
        let mut page = walk.page().await?;
        while !page.is_empty() {
            let of = Arc::clone(&collection);
            let preparing = blocking(move || prepare(&of, &page, hash));
            let (prepared, next) = join(preparing, walk.page()).await;
            let (items, canonicals, back) = prepared?;
            (hash, page) = (back, next?);
            let total = items.len() as u64;
            let items = if self.resume {
                self.not_there(&collection, items, &canonicals).await?
            } else {
                items
            };
            for batch in items.chunks(BATCH) {
                target.write(batch, name, |_| Ok(None)).await?;
            }
            let written = items.len() as u64;
            done.documents += written;
            done.resumed += total - written;
            progress.documents += total;
            self.observer.tell(&progress);
        }
        done.sha256 = Some(hash.hex());
        Ok(())
    }

    /// Those that are not there, or are there with other content.
    async fn not_there(
        &self,
        collection: &Arc<str>,
        items: Vec<Item>,
        canonicals: &[String],
    ) -> Result<Vec<Item>> {
        let ids: Vec<&str> = items.iter().map(|it| it.id.as_str()).collect();
        let there = self.to.backend().get_many(collection, &ids).await?;
        let of = Arc::clone(collection);
        let there = blocking(move || {
            let there = there
                .iter()
                .map(|raw| Ok((raw.id.clone(), canonical(&of, raw)?)));
            there.collect::<Result<BTreeMap<String, String>>>()
        })
        .await?;
        let items = items.into_iter().zip(canonicals);
        let items = items.filter(|(item, canonical)| there.get(&item.id) != Some(canonical));
        Ok(items.map(|it| it.0).collect())
    }

    async fn verify_one(&self, from: &Snapshot, name: &str, done: &Transferred) -> Result<()> {
        let to = Snapshot::open(&self.to).await?;
        let may_have_more = matches!(self.mode, Mode::Append | Mode::Upsert);
        let expected = done.collection(name).and_then(|it| it.sha256.as_deref());
        let stored = verify::hash_of(&to, name, &self.observer).await?;
        if expected == Some(stored.as_str()) {
            return Ok(());
        }
        let it = compare::collections(from, &to, name, NAMED, &self.observer).await?;
        if it.missing.count == 0 && it.different.count == 0 && may_have_more {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Corrupt,
            format!("the copy is not as the original; is something else writing to it? {it}"),
        ))
    }
}

impl IntoFuture for Copy {
    type Output = Result<Transferred>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

type Prepared = (Vec<Item>, Vec<String>, Hash);

fn prepare(collection: &Arc<str>, page: &[RawDocument], mut hash: Hash) -> Result<Prepared> {
    let mut items = Vec::with_capacity(page.len());
    let mut canonicals = Vec::with_capacity(page.len());
    for raw in page {
        let (item, canonical) = carried(collection, raw)?;
        hash.line(&canonical);
        items.push(item);
        canonicals.push(canonical);
    }
    Ok((items, canonicals, hash))
}
