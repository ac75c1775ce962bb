//! A fresh database for one case.

use std::{fmt, sync::Arc, time::Duration};

use den::{Db, Documents, Json};
use den_backend::{Backend, DatabaseUrl, Expectation, OpenOptions, Put, find_driver};
use tempfile::TempDir;

use crate::{Engine, Target, postgres, postgres::Schema};

/// A fresh, empty database, and what a case needs of it beyond its public handle.
pub struct TestDb {
    /// The handle under test.
    pub db: Db,
    /// What lies below the handle: to store what den itself would refuse.
    pub backend: Arc<dyn Backend>,
    target: Target,
    url: String,
    place: Place,
}

/// Where the database lies, to be removed after the case.
enum Place {
    Nowhere,
    Folder(TempDir),
    Schema(Schema),
}

impl TestDb {
    /// Makes a fresh database and opens it.
    pub async fn open(target: Target) -> Self {
        let (place, url) = Place::make(target).await;
        let backend = open_backend(&url).await;
        let db = Db::builder()
            .shared_backend(Arc::clone(&backend))
            .open()
            .await
            .unwrap();
        Self {
            db,
            backend,
            target,
            url,
            place,
        }
    }

    /// Registers document types and returns the handle.
    pub async fn with<D: Documents>(&self) -> &Db {
        self.db.register::<D>().await.unwrap();
        &self.db
    }

    /// Which kind of database it is.
    pub fn target(&self) -> Target {
        self.target
    }

    /// What the database runs on.
    pub fn engine(&self) -> Engine {
        self.target.engine()
    }

    /// What den opened.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL with this parameter, such as `max_connections=2`, set or changed.
    pub fn url_with(&self, parameter: &str) -> String {
        let (base, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let name = |pair: &str| pair.split('=').next().map(str::to_owned);
        let mut pairs: Vec<&str> = query.split('&').filter(|it| !it.is_empty()).collect();
        pairs.retain(|it| name(it) != name(parameter));
        pairs.push(parameter);
        [base, "?", &pairs.join("&")].concat()
    }

    /// Opens the same database a second time, as another process would: with connections and
    /// registered types of its own. Close it before the case ends.
    ///
    /// # Panics
    ///
    /// If the target [cannot be opened twice](Target::can_be_opened_twice).
    pub async fn open_again(&self) -> Db {
        assert!(self.target.can_be_opened_twice(), "{:?}", self.target);
        Db::open(&self.url).await.unwrap()
    }

    /// A second handle over the same connections, on which no type is registered.
    pub async fn another_handle(&self) -> Db {
        let backend = Arc::clone(&self.backend);
        Db::builder().shared_backend(backend).open().await.unwrap()
    }

    /// Stores a document below den, which does not check it.
    pub async fn plant(&self, collection: &str, id: &str, document: &Json) {
        let body = serde_json::to_vec(document).unwrap();
        let put = Put {
            id,
            body: &body,
            expect: Expectation::Any,
        };
        self.backend.put(collection, put).await.unwrap();
    }

    /// A plain connection to the server, with the driver alone.
    ///
    /// # Panics
    ///
    /// If the target is no server.
    pub async fn plain_connection(&self) -> tokio_postgres::Client {
        let Place::Schema(schema) = &self.place else {
            panic!("{:?} is no server", self.target);
        };
        let client = postgres::connect(self.target).await;
        let statement = ["SET search_path = \"", schema.name(), "\""].concat();
        client.batch_execute(&statement).await.unwrap();
        client
    }

    /// The file of a SQLite database.
    ///
    /// # Panics
    ///
    /// If the target has none.
    pub fn file(&self) -> std::path::PathBuf {
        let Place::Folder(folder) = &self.place else {
            panic!("{:?} has no file", self.target);
        };
        folder.path().join(FILE)
    }

    /// Where the database can be looked at after a failure.
    pub(super) fn whereabouts(&self) -> Option<String> {
        match &self.place {
            Place::Nowhere => None,
            Place::Folder(folder) => Some(format!("file {}", folder.path().display())),
            Place::Schema(schema) => Some(format!("schema {}", schema.name())),
        }
    }

    /// Closes the connections; the database itself stays.
    ///
    /// # Errors
    ///
    /// What went wrong, for a person.
    pub(super) async fn close(&self) -> Result<(), String> {
        match tokio::time::timeout(Duration::from_secs(20), self.backend.close()).await {
            Ok(Ok(())) => Ok(()),
            // The case closed it.
            Ok(Err(error)) if error.kind() == den::ErrorKind::ConnectionLost => Ok(()),
            Ok(Err(error)) => Err(format!("closing failed: {error:?}")),
            Err(_) => Err("closing did not end; something still holds a connection".to_owned()),
        }
    }

    /// Removes the database.
    pub(super) async fn remove(self) {
        match self.place {
            Place::Nowhere => {}
            Place::Folder(folder) => drop(folder),
            Place::Schema(schema) => schema.drop().await,
        }
    }

    /// Leaves the database for a look at it.
    pub(super) fn keep(self) {
        match self.place {
            Place::Nowhere | Place::Schema(_) => {}
            Place::Folder(folder) => drop(folder.keep()),
        }
    }
}

const FILE: &str = "test.db";

impl Place {
    async fn make(target: Target) -> (Self, String) {
        match target {
            Target::Memory => {
                let name = den::Id::<()>::generate();
                (Self::Nowhere, format!("memory://{name}"))
            }
            Target::SqliteMemory => (Self::Nowhere, "sqlite://:memory:".to_owned()),
            Target::SqliteFile => {
                let folder = TempDir::with_prefix("den-test-").unwrap();
                let file = folder.path().join(FILE);
                let url = format!("sqlite:///{}", file.display());
                (Self::Folder(folder), url)
            }
            Target::Postgres | Target::PostgresIcu => {
                let schema = Schema::create(target).await;
                let url = schema.url();
                (Self::Schema(schema), url)
            }
        }
    }
}

async fn open_backend(url: &str) -> Arc<dyn Backend> {
    let url = DatabaseUrl::parse(url).unwrap();
    let driver = find_driver(url.scheme()).unwrap();
    let name = url.to_string();
    (driver.open)(url, OpenOptions::default())
        .await
        .unwrap_or_else(|error| panic!("{name} does not open: {error:?}"))
}

impl fmt::Debug for TestDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDb")
            .field("target", &self.target)
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}
