//! The database handle.

use std::{
    any::{TypeId, type_name},
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use den_backend::{
    Backend, Capabilities, Capability, CollectionMeta, Error, ErrorKind, IndexKind, IndexMeta,
    PoolStats, Result,
};

#[cfg(feature = "attachments")]
use crate::attachments::{Holder, Storage};
use crate::{
    Collection, Document, LinkInfo, OnDelete, Timestamp, Tx, TxOptions,
    attachments::counting,
    builder::DbBuilder,
    document::{declared_of, schema_of},
    executor::nested_use,
    links::{Incoming, Kind, LinkMeta, Trail, kind_of},
    query::Declared,
    transaction::{self, Retryable},
};

/// A database: open once, clone freely, pass `&db` to every operation.
///
/// ```
/// use den::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
/// #[den(collection = "products")]
/// struct Product {
///     #[serde(flatten)]
///     base: Base<Product>,
///     #[den(index)]
///     name: String,
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let db = Db::open("sqlite://:memory:").await?;
/// db.register::<(Product,)>().await?;
///
/// let mut product = Product { name: "Widget".into(), ..Default::default() };
/// product.save(&db).await?;
/// assert!(Product::get(&db, product.id()).await?.is_some());
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Db {
    inner: Arc<DbInner>,
}

struct DbInner {
    backend: Arc<dyn Backend>,
    clock: Clock,
    /// By collection: the type that claims it.
    registered: RwLock<BTreeMap<String, Registered>>,
    /// Where the content of attachments lies.
    #[cfg(feature = "attachments")]
    storage: Option<Arc<dyn Storage>>,
}

/// Where the time comes from.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A registered type.
#[derive(Debug)]
struct Registered {
    claim: Claim,
    kind: &'static dyn Kind,
    /// The link fields.
    links: Vec<LinkMeta>,
    declared: Declared,
    /// What the database is told of it.
    meta: CollectionMeta,
    /// The index of full text, if there is one.
    search: Option<Arc<IndexMeta>>,
    has_attachments: bool,
    #[cfg(feature = "attachments")]
    holder: Option<Holder>,
}

impl Registered {
    /// What there is to know of a type that `db` may use.
    fn of<D: Document>(db: &Db) -> Result<Self> {
        let claim = Claim {
            type_id: TypeId::of::<D>(),
            type_name: type_name::<D>(),
        };
        claim.check(D::COLLECTION, db.claim(D::COLLECTION))?;
        let meta = schema_of::<D>();
        meta.check()?;
        let kind = kind_of::<D>();
        let mut links = Vec::new();
        D::describe_links(&mut Trail::default(), &mut |it| links.push(it));
        for link in &links {
            let it = Incoming::new(kind, link.clone());
            it.check(link.rules.on_delete)?;
        }
        let search = meta.indexes.iter().find(|it| it.kind == IndexKind::Search);
        Ok(Self {
            claim,
            kind,
            links,
            declared: declared_of::<D>(),
            search: search.cloned().map(Arc::new),
            meta,
            has_attachments: D::ATTACHMENTS,
            #[cfg(feature = "attachments")]
            holder: Holder::of::<D>(),
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct Claim {
    type_id: TypeId,
    type_name: &'static str,
}

impl Claim {
    fn check(self, collection: &str, other: Option<Self>) -> Result<()> {
        match other {
            Some(other) if other.type_id != self.type_id => Err(Error::new(
                ErrorKind::InvalidQuery,
                format!(
                    "`{}` and `{}` both claim the collection `{collection}`; give one of them \
                     another name with `#[den(collection = \"..\")]`",
                    other.type_name, self.type_name
                ),
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// Document types to register together: `(Product, Maker, Part)`, or one type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered",
    label = "expected a document type, or a tuple of up to 12",
    note = "each type derives `Document`: `db.register::<(Product, Maker)>()`"
)]
pub trait Documents {
    /// Registers each of them.
    #[doc(hidden)]
    fn register(db: &Db) -> impl Future<Output = Result<()>> + Send;

    /// Declares each of them.
    #[doc(hidden)]
    fn declare(db: &Db) -> Result<()>;
}

impl<D: Document> Documents for D {
    async fn register(db: &Db) -> Result<()> {
        db.register_one::<D>().await
    }

    fn declare(db: &Db) -> Result<()> {
        db.enter(Registered::of::<D>(db)?)
    }
}

macro_rules! documents {
    ($($name:ident)+) => {
        impl<$($name: Document),+> Documents for ($($name,)+) {
            async fn register(db: &Db) -> Result<()> {
                $(db.register_one::<$name>().await?;)+
                Ok(())
            }

            fn declare(db: &Db) -> Result<()> {
                $(<$name as Documents>::declare(db)?;)+
                Ok(())
            }
        }
    };
}

documents!(A);
documents!(A B);
documents!(A B C);
documents!(A B C E);
documents!(A B C E F);
documents!(A B C E F G);
documents!(A B C E F G H);
documents!(A B C E F G H I);
documents!(A B C E F G H I J);
documents!(A B C E F G H I J K);
documents!(A B C E F G H I J K L);
documents!(A B C E F G H I J K L M);

impl Db {
    /// Opens the database a URL names: `sqlite:///app.db`, `sqlite://:memory:`,
    /// `postgres://user:password@host/name`.
    ///
    /// # Errors
    ///
    /// - `UnknownScheme`: no driver, or several, for the scheme; the message lists what there is.
    /// - `InvalidQuery`: a parameter of the URL makes no sense.
    /// - `ConnectionLost` and others: the database could not be reached or opened.
    pub async fn open(url: impl AsRef<str>) -> Result<Self> {
        Self::builder().url(url.as_ref()).open().await
    }

    /// Opens a database with more to say than a URL can.
    pub fn builder() -> DbBuilder {
        DbBuilder::default()
    }

    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        clock: Clock,
        #[cfg(feature = "attachments")] storage: Option<Arc<dyn Storage>>,
    ) -> Self {
        Self {
            inner: Arc::new(DbInner {
                backend,
                clock,
                registered: RwLock::default(),
                #[cfg(feature = "attachments")]
                storage,
            }),
        }
    }

    /// Makes the collections and indexes of these types exist, and lets this handle use them.
    ///
    /// # Behavior
    ///
    /// - Idempotent: for an unchanged type nothing is changed in the database.
    /// - Safe when many processes do it at once.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` if another type has claimed the collection, or for a name that not every
    ///   backend can give to a collection or index.
    /// - `Duplicate` if stored documents collide under a new unique index.
    pub async fn register<D: Documents>(&self) -> Result<()> {
        self.refuse_inside_transaction()?;
        D::register(self).await
    }

    async fn register_one<D: Document>(&self) -> Result<()> {
        let it = Registered::of::<D>(self)?;
        self.backend().ensure_collection(&it.meta).await?;
        counting::ensure::<D>(self).await?;
        self.enter(it)
    }

    fn enter(&self, it: Registered) -> Result<()> {
        let mut registered = self.registry_mut();
        let collection = it.meta.name.clone();
        let other = registered.get(&collection).map(|it| it.claim);
        it.claim.check(&collection, other)?;
        registered.insert(collection, it);
        Ok(())
    }

    /// What the types that this handle knows want of the database, by collection.
    pub(crate) fn wanted(&self) -> Vec<CollectionMeta> {
        let registry = self.registry();
        let has_attachments = registry.values().any(|it| it.has_attachments);
        let own = has_attachments.then(counting::needed).flatten();
        registry
            .values()
            .map(|it| it.meta.clone())
            .chain(own)
            .collect()
    }

    /// The index of full text of a registered collection; `Err` for one that is not registered here.
    pub(crate) fn search_index(&self, collection: &str) -> Result<Option<Arc<IndexMeta>>> {
        match self.registry().get(collection) {
            Some(it) => Ok(it.search.clone()),
            None => Err(Error::new(
                ErrorKind::Unsupported,
                "only a collection whose type is registered with this handle can be searched: the \
                 type says which fields are looked into",
            )),
        }
    }

    fn claim(&self, collection: &str) -> Option<Claim> {
        self.registry().get(collection).map(|it| it.claim)
    }

    // A panic leaves nothing in the registry half-changed.

    fn registry(&self) -> RwLockReadGuard<'_, BTreeMap<String, Registered>> {
        let registered = &self.inner.registered;
        registered.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn registry_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Registered>> {
        let registered = &self.inner.registered;
        registered.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the content of attachments lies.
    #[cfg(feature = "attachments")]
    pub(crate) fn storage(&self) -> Option<&Arc<dyn Storage>> {
        self.inner.storage.as_ref()
    }

    /// The registered types with attachments.
    #[cfg(feature = "attachments")]
    pub(crate) fn holders(&self) -> Vec<Holder> {
        self.registry()
            .values()
            .filter_map(|it| it.holder)
            .collect()
    }

    /// What the type declares that is registered for a collection.
    pub(crate) fn declared(&self, collection: &str) -> Option<Declared> {
        let registry = self.registry();
        registry.get(collection).map(|it| it.declared.clone())
    }

    /// Makes sure that a type was registered with this database.
    pub(crate) fn registered<D: Document>(&self) -> Result<()> {
        let claim = self.claim(D::COLLECTION);
        if claim.is_some_and(|it| it.type_id == TypeId::of::<D>()) {
            return Ok(());
        }
        let name = type_name::<D>();
        let short = name.rsplit("::").next().unwrap_or(name);
        Err(Error::new(
            ErrorKind::NotRegistered,
            format!(
                "`{name}` is not registered with this database; after opening it, call \
                 `db.register::<({short},)>().await?`"
            ),
        )
        .with_collection(D::COLLECTION))
    }

    /// A collection by name, for documents without a type: tools and migrations.
    pub fn collection(&self, name: impl Into<String>) -> Collection {
        Collection::new(self, name.into())
    }

    /// Lists the collections in the database, by name.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports.
    pub async fn collections(&self) -> Result<Vec<String>> {
        self.backend().collections().await
    }

    /// What the database is told about a document type: its collection, fields and indexes.
    pub fn meta<D: Document>(&self) -> Result<CollectionMeta> {
        self.registered::<D>()?;
        Ok(schema_of::<D>())
    }

    /// The link fields of a document type, in the order of declaration: for tools.
    ///
    /// # Errors
    ///
    /// `NotRegistered` if the type is not registered; those it links to need not be.
    pub fn links<D: Document>(&self) -> Result<Vec<LinkInfo>> {
        self.registered::<D>()?;
        let registry = self.registry();
        let own = registry.get(D::COLLECTION).map(|it| it.links.as_slice());
        let is_registered = |link: &LinkMeta| {
            let target = registry.get(link.target);
            target.is_some_and(|it| it.claim.type_id == link.target_type)
        };
        own.unwrap_or_default()
            .iter()
            .map(|it| LinkInfo::new(it, is_registered(it)))
            .collect()
    }

    /// The fields of registered types that link to this one.
    pub(crate) fn links_to(&self, target: TypeId) -> Vec<Incoming> {
        let registry = self.registry();
        let links = registry
            .values()
            .flat_map(|it| it.links.iter().map(|link| (it.kind, link)));
        links
            .filter(|(_, link)| link.target_type == target)
            .map(|(kind, link)| Incoming::new(kind, link.clone()))
            .collect()
    }

    /// The same for the type of a collection.
    pub(crate) fn links_to_collection(&self, collection: &str) -> Vec<Incoming> {
        let target = self.claim(collection).map(|it| it.type_id);
        target.map_or_else(Vec::new, |it| self.links_to(it))
    }

    /// Whether a registered type has a rule for the delete of a document that it links to.
    pub(crate) fn has_rules_for(&self, target: TypeId) -> bool {
        let registry = self.registry();
        let mut links = registry.values().flat_map(|it| &it.links);
        links.any(|it| it.target_type == target && it.rules.on_delete != OnDelete::Ignore)
    }

    /// Starts a transaction; prefer [`transaction`](Self::transaction), which also ends it.
    ///
    /// # Errors
    ///
    /// `Unsupported` on a backend without transactions.
    pub async fn begin(&self) -> Result<Tx> {
        self.begin_with(TxOptions::default()).await
    }

    /// Starts a transaction with options; the retry policy does not apply here.
    ///
    /// # Errors
    ///
    /// `Unsupported` for what the backend cannot do.
    pub async fn begin_with(&self, options: TxOptions) -> Result<Tx> {
        transaction::begin(self, options).await
    }

    /// Runs `work` in a transaction: commits when it answers `Ok`, rolls back when it answers
    /// `Err` or panics.
    ///
    /// # Behavior
    ///
    /// - Inside, pass `&tx`. A write through `&db` is refused, since it would wait for this very
    ///   transaction; reads through `&db` see what was committed before. (In a task that the closure
    ///   spawns, and under [`begin`](Self::begin), den cannot see the mistake: there such a write
    ///   waits until the backend's timeout.)
    ///
    /// # Errors
    ///
    /// What `work` answers, or why the transaction could not begin or commit.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Account { #[serde(flatten)] base: Base<Account>, balance: i64 }
    /// async fn transfer(db: &Db, from: &Id<Account>, to: &Id<Account>, sum: i64) -> den::Result<()> {
    ///     db.transaction(async |tx| {
    ///         let mut from = Account::find(&tx, from).await?;
    ///         let mut to = Account::find(&tx, to).await?;
    ///         from.balance -= sum;
    ///         to.balance += sum;
    ///         from.save(&tx).await?;
    ///         to.save(&tx).await
    ///     })
    ///     .await
    /// }
    /// ```
    pub async fn transaction<T, E, F, Fut>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        transaction::run(self, TxOptions::new(), work).await
    }

    /// Runs `work` in a transaction with options; with a retry policy, `work` runs again after an
    /// error that [can be retried](Error::is_retryable).
    ///
    /// # Behavior
    ///
    /// - Because it may run several times, `work` can change nothing it captures: load documents
    ///   inside. [`transaction_once`](Self::transaction_once) takes a closure that runs once.
    /// - Waiting before another try needs a tokio runtime with time enabled.
    ///
    /// # Errors
    ///
    /// What the last try of `work` answers, or why the transaction could not begin or commit.
    pub async fn transaction_with<T, E, F, Fut>(&self, options: TxOptions, work: F) -> Result<T, E>
    where
        F: FnMut(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error> + Retryable,
    {
        transaction::run_with(self, options, work).await
    }

    /// Runs `work` once in a transaction with options, whose retry policy does not apply; for
    /// closures that can only run once.
    ///
    /// # Errors
    ///
    /// What `work` answers, or why the transaction could not begin or commit.
    pub async fn transaction_once<T, E, F, Fut>(&self, options: TxOptions, work: F) -> Result<T, E>
    where
        F: FnOnce(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        transaction::run(self, options, work).await
    }

    /// Makes sure that the database answers.
    ///
    /// # Errors
    ///
    /// `ConnectionLost` if it does not.
    pub async fn ping(&self) -> Result<()> {
        self.backend().ping().await
    }

    /// How busy the connections are.
    pub fn stats(&self) -> PoolStats {
        self.backend().stats()
    }

    /// Waits for running work and closes every connection; also for the clones of this handle.
    ///
    /// # Errors
    ///
    /// Whatever the backend reports; it is closed all the same.
    pub async fn close(self) -> Result<()> {
        self.refuse_inside_transaction()?;
        self.backend().close().await
    }

    /// The current time, by the [clock](crate::DbBuilder::clock) of this handle.
    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    /// The engine's name, such as `sqlite`.
    pub fn backend_name(&self) -> &'static str {
        self.backend().name()
    }

    /// What the backend can do beyond the plain contract.
    pub fn capabilities(&self) -> Capabilities {
        self.backend().capabilities()
    }

    /// The backend itself: for tools that work on the contract, below types and documents.
    pub fn backend(&self) -> &dyn Backend {
        &*self.inner.backend
    }

    pub(crate) fn require(&self, capability: Capability) -> Result<()> {
        if self.capabilities().has(capability) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the backend `{}` does not support {}",
                self.backend_name(),
                capability.describe()
            ),
        ))
    }

    /// What tells this database from others in the same process.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    pub(crate) fn refuse_inside_transaction(&self) -> Result<()> {
        if transaction::is_open_here(self) {
            return Err(nested_use());
        }
        Ok(())
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("backend", &self.inner.backend)
            .finish_non_exhaustive()
    }
}
