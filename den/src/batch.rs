//! Several reads at once.

use std::sync::Arc;

use den_backend::{
    Access, Capability, Error, ErrorKind, Isolation, Result, Transaction,
    TxOptions as ContractOptions,
};
use tokio::sync::OnceCell;

use crate::Db;

tokio::task_local! {
    /// What the reads of the batch in this task have in common.
    static SHARED: Shared;
}

/// The read-only transaction of a batch, begun by the first read that needs it.
#[derive(Clone)]
struct Shared {
    /// Tells the database from others.
    database: usize,
    /// None where reads are just done side by side.
    session: Option<Arc<Begun>>,
}

/// A transaction that is begun once.
type Begun = OnceCell<Result<Arc<dyn Transaction>>>;

/// Reads to be done together: a tuple of up to 8 futures.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no batch of reads",
    label = "expected a tuple of up to 8 futures",
    note = "`db.batch((query.all(), other.count(), Product::get(&db, id)))`"
)]
pub trait Batch {
    /// The answers.
    type Answers;

    /// Runs them side by side.
    #[doc(hidden)]
    fn join(self) -> impl Future<Output = Self::Answers> + Send;
}

macro_rules! batch {
    ($($name:ident $local:ident),+) => {
        impl<$($name),+> Batch for ($($name,)+)
        where
            $($name: IntoFuture<IntoFuture: Send, Output: Send> + Send,)+
        {
            type Answers = ($($name::Output,)+);

            async fn join(self) -> Self::Answers {
                let ($($local,)+) = self;
                let ($($local,)+) = ($($local.into_future(),)+);
                tokio::join!($($local),+)
            }
        }
    };
}

batch!(A a);
batch!(A a, B b);
batch!(A a, B b, C c);
batch!(A a, B b, C c, E e);
batch!(A a, B b, C c, E e, F f);
batch!(A a, B b, C c, E e, F f, G g);
batch!(A a, B b, C c, E e, F f, G g, H h);
batch!(A a, B b, C c, E e, F f, G g, H h, I i);

impl Db {
    /// Does several reads together and returns their answers, each a `Result` of its own.
    ///
    /// # Behavior
    ///
    /// - On PostgreSQL they are sent in one go, on one connection: one round trip instead of several,
    ///   once their statements are prepared there. On SQLite they are done one after the other.
    /// - All of them see the same snapshot of the database, where the backend has such.
    /// - An error of one leaves the others alone.
    /// - Only reads through handles of this database belong to it; a write through `&db` is refused.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64 }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.register::<(Product,)>().await?;
    /// # let id = Id::<Product>::generate();
    /// let p = Product::fields();
    /// let (cheap, count, one) = db
    ///     .batch((
    ///         Product::query(&db).filter(p.price.lt(5.0)).limit(10).all(),
    ///         Product::query(&db).count(),
    ///         Product::get(&db, &id),
    ///     ))
    ///     .await;
    /// assert_eq!((cheap?.len(), count?, one?.is_none()), (0, 0, true));
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub async fn batch<B: Batch>(&self, reads: B) -> B::Answers {
        let has = |capability| self.capabilities().has(capability);
        let can_share = has(Capability::Transactions) && has(Capability::Isolation);
        let shared = Shared {
            database: self.identity(),
            session: can_share.then(Arc::default),
        };
        // What is dropped at the end is the transaction, which has nothing to keep.
        SHARED
            .scope(shared, crate::transaction::inside(self, reads.join()))
            .await
    }
}

/// The transaction that the reads of this task have in common, if they are a batch of this database.
pub(crate) async fn shared(db: &Db) -> Result<Option<Arc<dyn Transaction>>> {
    let Some(session) = here(db).and_then(|it| it.session) else {
        return Ok(None);
    };
    let begin = || {
        db.backend().begin(ContractOptions {
            isolation: Isolation::RepeatableRead,
            access: Access::ReadOnly,
        })
    };
    session.get_or_init(begin).await.clone().map(Some)
}

/// Refuses a write among the reads of a batch.
///
/// # Errors
///
/// `Unsupported`, if a batch of this database runs in this task.
pub(crate) fn refuse_write(db: &Db) -> Result<()> {
    match here(db) {
        Some(_) => Err(Error::new(
            ErrorKind::Unsupported,
            "a batch is for reads, which share one snapshot: do what writes before or after it, also \
             what only may write, as `get_or_create` does",
        )),
        None => Ok(()),
    }
}

fn here(db: &Db) -> Option<Shared> {
    let shared = SHARED.try_with(Clone::clone).ok();
    shared.filter(|it| it.database == db.identity())
}
