//! Putting documents into a database, batch by batch.

use std::{collections::VecDeque, sync::Arc};

use den_backend::{
    Capability, Error, ErrorKind, Expectation, OnRefusal, Put, PutOutcome, Query, Result,
    Transaction,
};

use crate::{
    Db, Retry, TxOptions,
    transfer::{document::Item, items::place, options::Mode, position::Position},
    write::refusal_error,
};

/// So many documents, or bytes of them, are written at once.
pub(super) const BATCH: usize = 500;
pub(super) const BATCH_BYTES: usize = 1 << 20;

/// How often a batch is tried again that a concurrent transaction was in the way of.
const TRIES: u32 = 8;

/// What becomes of a document that cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnBad {
    /// Nothing of its batch is stored, and that is the end.
    Stop,
    /// The others are stored.
    LeaveOut,
}

/// A document that the database refused.
#[derive(Debug)]
pub(super) struct Rejected {
    /// Which of the batch.
    pub(super) at: usize,
    pub(super) error: Error,
}

/// A database that is written to.
#[derive(Debug)]
pub(super) struct Target {
    db: Db,
    mode: Mode,
    on_bad: OnBad,
    /// The transaction that all is written in, if it is one.
    whole: Option<Arc<dyn Transaction>>,
}

impl Target {
    /// A database, written to in one transaction or in one for each batch.
    ///
    /// # Errors
    ///
    /// `Unsupported` without transactions.
    pub(super) async fn open(db: &Db, mode: Mode, on_bad: OnBad, scope: Scope) -> Result<Self> {
        db.refuse_inside_transaction()?;
        db.require(Capability::Transactions)?;
        let whole = match scope {
            Scope::Whole => Some(db.backend().begin(Default::default()).await?),
            Scope::Batches => None,
        };
        Ok(Self {
            db: db.clone(),
            mode,
            on_bad,
            whole,
        })
    }

    /// Makes a collection ready, as the mode says.
    ///
    /// # Errors
    ///
    /// `Duplicate` for one that must be empty and is not.
    pub(super) async fn prepare(&self, collection: &str) -> Result<()> {
        match (self.mode, &self.whole) {
            (Mode::RequireEmpty, whole) => {
                let query = Query::new(collection);
                let is_taken = match whole {
                    Some(tx) => tx.exists(&query).await?,
                    None => self.db.backend().exists(&query).await?,
                };
                if is_taken {
                    return Err(Error::new(
                        ErrorKind::Duplicate,
                        "the collection is not empty; say with a mode what is to become of what it \
                         holds",
                    )
                    .with_collection(collection));
                }
                Ok(())
            }
            (Mode::Replace, Some(tx)) => {
                tx.delete_matching(&Query::new(collection)).await?;
                Ok(())
            }
            (Mode::Replace | Mode::Append | Mode::Upsert, _) => Ok(()),
        }
    }

    /// Writes a batch; all of one collection, and no id twice.
    ///
    /// # Behavior
    ///
    /// - Documents and position are written in one transaction; `position` is asked for it once it is
    ///   known what was refused, again if the transaction is tried again.
    /// - `label` says where the documents come from.
    pub(super) async fn write(
        &self,
        items: &[Item],
        label: &str,
        position: impl Fn(&[Rejected]) -> Result<Option<Position>> + Sync,
    ) -> Result<Vec<Rejected>> {
        if let Some(tx) = &self.whole {
            return self.attempt(&**tx, items, label, &position).await;
        }
        let options = TxOptions::new().retry(Retry::times(TRIES));
        let position = &position;
        let work = async |tx: crate::Tx| {
            let session = tx.session().await?;
            self.attempt(&*session, items, label, position).await
        };
        self.db.transaction_with(options, work).await
    }

    async fn attempt(
        &self,
        tx: &dyn Transaction,
        items: &[Item],
        label: &str,
        position: &(impl Fn(&[Rejected]) -> Result<Option<Position>> + Sync),
    ) -> Result<Vec<Rejected>> {
        let mut rejected = self.put(tx, items).await?;
        if self.on_bad == OnBad::Stop
            && let Some(Rejected { at, error }) = rejected.pop_front()
        {
            // Whoever began the transaction takes back what was put in it.
            return Err(match items.get(at) {
                Some(item) if item.line > 0 => error.with_context(place(label, item.line)),
                Some(_) | None => error,
            });
        }
        let rejected: Vec<Rejected> = rejected.into();
        if let Some(position) = position(&rejected)? {
            position.write(tx).await?;
        }
        Ok(rejected)
    }

    async fn put(&self, tx: &dyn Transaction, items: &[Item]) -> Result<VecDeque<Rejected>> {
        let Some(first) = items.first() else {
            return Ok(VecDeque::new());
        };
        let collection: &str = &first.collection;
        let puts: Vec<Put<'_>> = items.iter().map(|it| self.put_of(it)).collect();
        let on_refusal = match self.on_bad {
            OnBad::Stop => OnRefusal::Abort,
            OnBad::LeaveOut => OnRefusal::Skip,
        };
        match tx.put_many(collection, &puts, on_refusal).await {
            Ok(outcomes) => Ok(refused(collection, items, &outcomes)),
            // One of them, or several: which?
            Err(error) if is_of_document(&error) => self.put_each(tx, collection, &puts).await,
            Err(error) => Err(error),
        }
    }

    async fn put_each(
        &self,
        tx: &dyn Transaction,
        collection: &str,
        puts: &[Put<'_>],
    ) -> Result<VecDeque<Rejected>> {
        let mut rejected = VecDeque::new();
        for (at, put) in puts.iter().enumerate() {
            let error = match tx.put(collection, *put).await {
                Ok(PutOutcome::Inserted | PutOutcome::Updated) => continue,
                Ok(PutOutcome::Refused(refusal)) => refusal_error(collection, refusal, put.id),
                Err(error) if is_of_document(&error) => error,
                Err(error) => return Err(error),
            };
            rejected.push_back(Rejected { at, error });
            if self.on_bad == OnBad::Stop {
                break;
            }
        }
        Ok(rejected)
    }

    fn put_of<'i>(&self, item: &'i Item) -> Put<'i> {
        Put {
            id: &item.id,
            body: item.body.as_bytes(),
            expect: match self.mode {
                Mode::Upsert => Expectation::Any,
                Mode::RequireEmpty | Mode::Append | Mode::Replace => Expectation::Absent,
            },
        }
    }

    /// Makes what was written permanent.
    pub(super) async fn finish(self) -> Result<()> {
        match self.whole {
            Some(tx) => tx.commit().await,
            None => Ok(()),
        }
    }
}

/// What is written in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Whole,
    Batches,
}

fn refused(collection: &str, items: &[Item], outcomes: &[PutOutcome]) -> VecDeque<Rejected> {
    let outcomes = outcomes.iter().zip(items).enumerate();
    outcomes
        .filter_map(|(at, (outcome, item))| match outcome {
            PutOutcome::Inserted | PutOutcome::Updated => None,
            PutOutcome::Refused(refusal) => Some(Rejected {
                at,
                error: refusal_error(collection, *refusal, &item.id),
            }),
        })
        .collect()
}

/// Whether another document could be stored all the same.
fn is_of_document(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Duplicate
            | ErrorKind::Validation
            | ErrorKind::InvalidDocument
            | ErrorKind::OutOfRange
            | ErrorKind::Restricted
    )
}
