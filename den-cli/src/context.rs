//! What every command has at hand.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use den::{Db, DbBuilder, migrate::Registry};

use crate::{
    failure::{Failure, Outcome},
    output::Output,
    url::{self, Missing, VARIABLE},
};

/// So long is waited for connections to close.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the opener of a database about document types.
pub(crate) type Declare = fn(DbBuilder) -> DbBuilder;

/// What every command has at hand: the database, and where to write.
#[derive(Debug)]
pub(crate) struct Context {
    url: Option<String>,
    declare: Vec<Declare>,
    registries: Vec<Registry>,
    pub(crate) out: Output,
    /// To be closed at the end.
    open: Mutex<Vec<Db>>,
}

impl Context {
    pub(crate) fn new(
        url: Option<String>,
        declare: Vec<Declare>,
        registries: Vec<Registry>,
        out: Output,
    ) -> Self {
        Self {
            url,
            declare,
            registries,
            out,
            open: Mutex::default(),
        }
    }

    /// Whether the document types of the application are known.
    pub(crate) fn has_types(&self) -> bool {
        !self.declare.is_empty()
    }

    /// The migrations of the application.
    pub(crate) fn registries(&self) -> &[Registry] {
        &self.registries
    }

    /// The URL that was given.
    pub(crate) fn url(&self) -> Outcome<&str> {
        self.url.as_deref().ok_or_else(|| {
            Failure::Usage(format!(
                "which database? Give its URL, as in `--url sqlite:///shop.db`, or set {VARIABLE}"
            ))
        })
    }

    /// Opens the database, which has to be there.
    pub(crate) async fn open(&self) -> Outcome<Db> {
        self.open_url(self.url()?, Missing::Refuse).await
    }

    /// Opens a database.
    pub(crate) async fn open_url(&self, url: &str, missing: Missing) -> Outcome<Db> {
        let prepared = url::prepared(url, missing)?;
        let builder = Db::builder().url(prepared);
        let builder = self.declare.iter().fold(builder, |it, declare| declare(it));
        let db = builder.open().await.map_err(|error| {
            Failure::Den(error.with_context(format!("could not open {}", url::shown(url))))
        })?;
        self.opened().push(db.clone());
        Ok(db)
    }

    /// Closes what was opened.
    pub(crate) async fn close(&self) {
        let open = std::mem::take(&mut *self.opened());
        for db in open {
            // A connection that does not end in time ends with the process.
            let _ = tokio::time::timeout(PATIENCE, db.close()).await;
        }
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, Vec<Db>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
