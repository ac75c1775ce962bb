//! Opening a database with more to say than a URL can.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use den_backend::{
    Backend, DatabaseUrl, Driver, Error, ErrorKind, OpenOptions, Result, find_driver,
};

#[cfg(feature = "attachments")]
use crate::attachments::Storage;
use crate::{Db, Documents, Timestamp, db::Clock};

/// Opens a database; made by [`Db::builder`].
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product> }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let db = Db::builder()
///     .url("sqlite://:memory:")
///     .max_connections(4)
///     .register::<(Product,)>()
///     .open()
///     .await?;
/// # db.close().await }).unwrap();
/// ```
#[derive(Default)]
#[must_use = "a builder does nothing until `.open()` is awaited"]
pub struct DbBuilder {
    url: Option<String>,
    driver: Option<&'static Driver>,
    backend: Option<Arc<dyn Backend>>,
    options: OpenOptions,
    declare: Vec<fn(&Db) -> Result<()>>,
    register: Vec<Register>,
    clock: Option<Clock>,
    #[cfg(feature = "attachments")]
    storage: Option<Arc<dyn Storage>>,
}

type Register = fn(&Db) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>;

impl DbBuilder {
    /// The URL to open.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Opens the URL with this driver, whatever is registered for its scheme. The way to go where
    /// registration at link time does not work, as in a static library linked from C.
    pub fn driver(mut self, driver: &'static Driver) -> Self {
        self.driver = Some(driver);
        self
    }

    /// Uses a backend that is already open, or one of your own; no URL is needed then.
    pub fn backend(mut self, backend: impl Backend + 'static) -> Self {
        self.backend = Some(Arc::new(backend));
        self
    }

    /// Uses a backend that is shared with others.
    pub fn shared_backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backend = Some(backend);
        self
    }

    /// Registers these types once the database is open; see [`Db::register`].
    pub fn register<D: Documents + 'static>(mut self) -> Self {
        self.register.push(|db| Box::pin(D::register(db)));
        self
    }

    /// Lets the handle use these types without a look at the database; see [`Db::declare`].
    pub fn types<D: Documents + 'static>(mut self) -> Self {
        self.declare.push(D::declare);
        self
    }

    /// Takes the time from here instead of the system: what documents were created and changed at,
    /// and [`den::now()`](crate::now) in queries. For tests.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let noon: Timestamp = "2025-01-31T12:00:00Z".parse()?;
    /// let db = Db::builder().url("sqlite://:memory:").clock(move || noon).open().await?;
    /// assert_eq!(db.now(), noon);
    /// # db.close().await }).unwrap();
    /// ```
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// At most how many connections to make.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.options.max_connections = Some(connections);
        self
    }

    /// How long to wait for a free connection before failing with `Timeout`.
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.options.acquire_timeout = Some(timeout);
        self
    }

    /// How long to wait for the server to accept a connection.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = Some(timeout);
        self
    }

    /// Keeps the content of [attachments](crate::attachments) here.
    ///
    /// # Behavior
    ///
    /// - A storage belongs to one database: each deletes what only the other one refers to.
    #[cfg(feature = "attachments")]
    pub fn storage(self, storage: impl Storage) -> Self {
        self.shared_storage(Arc::new(storage))
    }

    /// Keeps the content of [attachments](crate::attachments) in a storage that is at hand already.
    #[cfg(feature = "attachments")]
    pub fn shared_storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = Some(storage);
        self
    }

    /// Opens the database.
    ///
    /// # Errors
    ///
    /// As [`Db::open`] and [`Db::register`]; if registering fails, the database is closed again.
    pub async fn open(self) -> Result<Db> {
        let backend = match (self.backend, self.url) {
            (Some(backend), None) => backend,
            (None, Some(url)) => {
                let url = DatabaseUrl::parse(&url)?;
                let driver = match self.driver {
                    Some(driver) => driver,
                    None => find_driver(url.scheme())?,
                };
                (driver.open)(url, self.options).await?
            }
            (Some(_), Some(_)) => {
                return Err(invalid("give the builder a URL or a backend, not both"));
            }
            (None, None) => {
                return Err(invalid(
                    "the builder needs `.url(..)` or `.backend(..)` to open",
                ));
            }
        };
        let clock = self.clock.unwrap_or_else(|| Arc::new(Timestamp::now));
        #[cfg(feature = "attachments")]
        let db = Db::new(backend, clock, self.storage);
        #[cfg(not(feature = "attachments"))]
        let db = Db::new(backend, clock);
        let prepared = async {
            self.declare.iter().try_for_each(|declare| declare(&db))?;
            for register in &self.register {
                register(&db).await?;
            }
            Ok(())
        };
        if let Err(error) = prepared.await {
            if let Err(error) = db.close().await {
                tracing::debug!(%error, "could not close after a failed registration");
            }
            return Err(error);
        }
        Ok(db)
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}

impl fmt::Debug for DbBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("DbBuilder")
            .field("driver", &self.driver)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
