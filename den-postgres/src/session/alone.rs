//! A transaction that one piece of work has to itself.

use std::sync::Arc;

use den_backend::Result;

use super::{Session, Turn, lock};
use crate::{
    call::{Answer, Call},
    error::{is_fatal, is_stale_statement},
    pipeline::to_the_end,
    runner::Runner,
};

const MARK_WORK: &str = "SAVEPOINT den_work";
const RELEASE_WORK: &str = "RELEASE SAVEPOINT den_work";
const TAKE_BACK_WORK: &str = "ROLLBACK TO SAVEPOINT den_work; RELEASE SAVEPOINT den_work";

/// The right to use a transaction while all other calls on it wait, for work of several steps that is
/// done wholly or taken back: what others did between its steps would be taken back with it.
#[derive(Clone)]
pub(crate) struct Alone {
    session: Arc<Session>,
    turn: Arc<Turn>,
}

impl Alone {
    /// Waits for the other calls to end.
    pub(crate) async fn take(session: &Arc<Session>) -> Result<Self> {
        let turn = session.turn_alone().await?;
        Ok(Self {
            session: Arc::clone(session),
            turn: Arc::new(turn),
        })
    }

    /// Runs a command without parameters that changes tables. After a failure nothing but
    /// [`tried`](Self::tried), or the end of the transaction, mends it.
    pub(crate) async fn command(&self, text: String) -> Result<()> {
        self.session.note_redefined();
        self.send(text).await
    }

    async fn send(&self, text: String) -> Result<()> {
        let this = self.clone();
        to_the_end(async move {
            let _held = &this.turn;
            this.session.check()?;
            this.session.begin().await?;
            this.session.command_now(&text).await
        })
        .await
    }

    /// Does some work; takes back what it did if it fails.
    pub(crate) async fn tried<T>(&self, work: impl AsyncFnOnce(&Self) -> Result<T>) -> Result<T> {
        self.kept_if(work, |_| true).await
    }

    /// As [`tried`](Self::tried); takes back what it did also where it is not to be kept.
    pub(crate) async fn kept_if<T>(
        &self,
        work: impl AsyncFnOnce(&Self) -> Result<T>,
        keeps: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        self.send(MARK_WORK.to_owned()).await?;
        match work(self).await {
            Ok(value) if keeps(&value) => {
                self.send(RELEASE_WORK.to_owned()).await?;
                Ok(value)
            }
            Ok(value) => self.take_back().await.map(|()| value),
            Err(error) => {
                if !is_fatal(&error) {
                    // Where that fails, the session knows that only a rollback is possible.
                    let _mended = self.take_back().await;
                }
                Err(error)
            }
        }
    }

    async fn take_back(&self) -> Result<()> {
        let this = self.clone();
        to_the_end(async move {
            let _held = &this.turn;
            this.session.command_now(TAKE_BACK_WORK).await?;
            *lock(&this.session.doom) = None;
            Ok(())
        })
        .await
    }
}

impl Runner for Alone {
    async fn run(&self, call: Call) -> Result<Answer> {
        let this = self.clone();
        to_the_end(async move {
            let _held = &this.turn;
            let session = &this.session;
            session.check()?;
            match session.attempt(&call).await {
                Err(error) if is_stale_statement(&error) => {
                    session.client().statement_cache.clear();
                    session.check()?;
                    session.attempt(&call).await
                }
                outcome => outcome,
            }
        })
        .await
    }
}
