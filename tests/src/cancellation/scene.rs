//! The documents of one attempt, and what must hold after it.

use std::{collections::BTreeMap, time::Duration};

use den::{LockMode, prelude::*};
use serde::{Deserialize, Serialize};

/// A document of one attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "attempts", revision)]
pub(super) struct Item {
    #[serde(flatten)]
    pub(super) base: Base<Item>,
    /// The number of the attempt: each has documents of its own, so that what a server still does
    /// for one cannot disturb the next.
    #[den(index)]
    pub(super) run: i64,
    pub(super) n: i64,
    #[den(index)]
    pub(super) tags: Vec<String>,
}

impl Item {
    pub(super) fn new(run: i64, n: i64) -> Self {
        let mut item = Self {
            run,
            n,
            tags: vec![format!("tag {n}")],
            ..Self::default()
        };
        item.base.id = Id::new(format!("{run}-{n}"));
        item
    }
}

/// Far longer than anything takes that is not stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// The attempts on one database.
pub(super) struct Scene<'a> {
    pub(super) db: &'a Db,
    pub(super) run: i64,
}

impl<'a> Scene<'a> {
    pub(super) fn new(db: &'a Db) -> Self {
        Self { db, run: 0 }
    }

    /// Begins the next attempt: five documents.
    pub(super) async fn next(&mut self) -> Vec<Item> {
        self.run += 1;
        let mut items: Vec<Item> = (0..5).map(|n| Item::new(self.run, n)).collect();
        Item::insert_many(self.db, &mut items).await.unwrap();
        items
    }

    /// What is stored: numbers by id, which the attempts share but for their number.
    pub(super) async fn state(&self) -> BTreeMap<String, i64> {
        let items = self.stored().await;
        let place = |it: &Item| match it.id().as_str().split_once('-') {
            Some((_, place)) => place.to_owned(),
            None => String::new(),
        };
        items.iter().map(|it| (place(it), it.n)).collect()
    }

    async fn stored(&self) -> Vec<Item> {
        let run = Item::fields().run;
        Item::query(self.db)
            .filter(run.eq(self.run))
            .all()
            .await
            .unwrap()
    }

    /// Makes sure that nothing is held any more: no connection, no lock.
    pub(super) async fn settle(&self, what: &str) {
        let idle = async {
            loop {
                let stats = self.db.stats();
                if stats.idle == stats.connections && stats.waiting == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, idle).await.is_err() {
            panic!("{what}: a connection is still held: {:?}", self.db.stats());
        }
        let lock_all = self.db.transaction(async |tx| {
            for n in 0..6 {
                tx.lock::<Item>(format!("{}-{n}", self.run), LockMode::Wait)
                    .await?;
            }
            Item::new(-1, self.run).insert(&tx).await
        });
        match tokio::time::timeout(PATIENCE, lock_all).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("{what}: the database does not work any more: {error:?}"),
            Err(_) => panic!("{what}: a lock is still held"),
        }
    }

    /// Makes sure that documents in memory are as they were before the call, or as stored.
    ///
    /// Those of a transaction that was rolled back return to what they were when they are used
    /// next, so such a document is used: it must fit what is stored.
    pub(super) async fn check_in_memory(
        &self,
        what: &str,
        is_undone: bool,
        before: &[Item],
        now: &mut [Item],
    ) {
        let stored = self.stored().await;
        for (before, now) in before.iter().zip(now) {
            if now == before || stored.contains(now) {
                continue;
            }
            match now.update(self.db).await {
                Ok(()) => {}
                Err(late) if !is_undone && late.kind() == ErrorKind::RevisionConflict => {}
                Err(error) => panic!("{what}: {error:?}: {now:?}, before: {before:?}"),
            }
        }
    }
}
