//! One at a time: the lock that whoever migrates holds.
//!
//! It is a document. A transaction that runs a step holds its row, so that the lock is free again when the
//! step is done or the process is gone. A step outside of a transaction writes into the document who is at
//! it, and gives signs of life there.
//!
//! Nobody waits for the row inside of a statement: on PostgreSQL an index that is built beside its writers
//! waits for all statements that run, and one of those must not wait for the builder. So others ask again
//! and again.

use std::time::{Duration, Instant};

use den_backend::{ErrorKind, Expectation, LockMode, Put, ReadWrite, Result, Transaction};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{Event, event::Observers, log::COLLECTION};
use crate::encode;

const ID: &str = "lock";

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How often it is said that someone is waited for.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// The document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lock {
    #[serde(rename = "_id")]
    pub(super) id: String,
    /// Who runs a step outside of a transaction, if someone does.
    #[serde(default)]
    pub(super) holder: Option<String>,
    /// Which step, for people.
    #[serde(default)]
    pub(super) step: Option<String>,
    /// Counts the signs of life.
    #[serde(default)]
    pub(super) beat: u64,
}

impl Lock {
    /// Nobody's.
    pub(super) fn free() -> Self {
        Self {
            id: ID.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn is_held_by(&self, holder: &str) -> bool {
        self.holder.as_deref() == Some(holder)
    }

    /// Writes the document, as whoever holds its row.
    pub(super) async fn write(&self, session: &dyn ReadWrite) -> Result<()> {
        self.put(session, Expectation::Any).await
    }

    /// Writes the document if there is none.
    pub(super) async fn ensure(session: &dyn ReadWrite) -> Result<()> {
        Self::free().put(session, Expectation::Absent).await
    }

    async fn put(&self, session: &dyn ReadWrite, expect: Expectation<'_>) -> Result<()> {
        let body = encode::document(self)?;
        let put = Put {
            id: ID,
            body: &body,
            expect,
        };
        session.put(COLLECTION, put).await.map(drop)
    }

    /// Holds the row until the transaction ends, and says what is in it; none if someone else holds it.
    pub(super) async fn take(tx: &dyn Transaction) -> Result<Option<Self>> {
        loop {
            match tx.get_for_update(COLLECTION, ID, LockMode::NoWait).await {
                Ok(Some(raw)) => return encode::decode(COLLECTION, ID, &raw.body).map(Some),
                // Someone has tidied up by hand.
                Ok(None) => Self::ensure(tx).await?,
                Err(error) if error.kind() == ErrorKind::Locked => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Waiting for others.
#[derive(Debug)]
pub(super) struct Wait {
    /// Without a sign of life for so long, a holder is dead.
    lease: Duration,
    at_most: Option<Duration>,
    pause: Duration,
    /// Since when nothing was done.
    since: Option<Instant>,
    told: Instant,
    /// The holder and its last sign of life, and when that was first seen.
    seen: Option<(String, u64, Instant)>,
}

impl Wait {
    pub(super) fn new(lease: Duration, at_most: Option<Duration>) -> Self {
        Self {
            lease,
            at_most,
            pause: FIRST_PAUSE,
            since: None,
            told: Instant::now(),
            seen: None,
        }
    }

    /// Whether a holder is to be waited for. `asked` is when its document was asked for.
    ///
    /// No clock of another machine is believed: a holder is dead when its sign of life has stayed the same
    /// for the time of a lease, as seen from here. While the database is too busy to answer, that says
    /// nothing, for the holder cannot write either.
    pub(super) fn must_wait_for(&mut self, lock: &Lock, asked: Instant) -> bool {
        let Some(holder) = &lock.holder else {
            self.seen = None;
            return false;
        };
        let is_slow = asked.elapsed() > self.lease / 4;
        match &self.seen {
            Some((seen, beat, since)) if seen == holder && *beat == lock.beat && !is_slow => {
                since.elapsed() < self.lease
            }
            Some(_) | None => {
                self.seen = Some((holder.clone(), lock.beat, Instant::now()));
                true
            }
        }
    }

    /// Something was done.
    pub(super) fn is_over(&mut self) {
        self.since = None;
        self.pause = FIRST_PAUSE;
    }

    /// Waits a little.
    ///
    /// # Errors
    ///
    /// `Locked` when it has been long enough.
    pub(super) async fn a_little(&mut self, observers: &Observers) -> Result<()> {
        let since = *self.since.get_or_insert_with(|| {
            self.told = Instant::now();
            Instant::now()
        });
        let waited = since.elapsed();
        if self.at_most.is_some_and(|it| waited >= it) {
            return Err(den_backend::Error::new(
                ErrorKind::Locked,
                "another process has been migrating this database for too long",
            ));
        }
        if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            observers.tell(&Event::Waiting { since: waited });
        }
        // Those who ask at the same time fall out of step.
        sleep(self.pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(beat: u64) -> Lock {
        Lock {
            holder: Some("other".to_owned()),
            beat,
            ..Lock::free()
        }
    }

    #[test]
    fn a_holder_without_sign_of_life_is_dead() {
        let mut wait = Wait::new(Duration::from_millis(200), None);
        assert!(!wait.must_wait_for(&Lock::free(), Instant::now()));
        assert!(wait.must_wait_for(&held(1), Instant::now()));
        std::thread::sleep(Duration::from_millis(250));
        assert!(!wait.must_wait_for(&held(1), Instant::now()));
        assert!(wait.must_wait_for(&held(2), Instant::now()));
    }

    #[test]
    fn a_slow_answer_says_nothing_of_the_holder() {
        let mut wait = Wait::new(Duration::from_millis(40), None);
        assert!(wait.must_wait_for(&held(1), Instant::now()));
        let asked = Instant::now();
        std::thread::sleep(Duration::from_millis(60));
        assert!(wait.must_wait_for(&held(1), asked));
    }
}
