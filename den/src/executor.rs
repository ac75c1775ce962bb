//! What runs an operation: a database, or a transaction of one.

use std::sync::Arc;

use den_backend::{Error, ErrorKind, ReadWrite, Result};

use crate::{Db, Tx, base::Scope, batch};

/// A [`Db`] or a [`Tx`]: what every operation is given.
///
/// Write functions over `&impl Executor`, or over `&dyn Executor`, to have them work both inside
/// and outside of a transaction.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64 }
/// async fn cheap(executor: &dyn Executor) -> den::Result<Vec<Product>> {
///     let p = Product::fields();
///     Product::query(executor).filter(p.price.lt(5.0)).all().await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run an operation on a database",
    label = "expected `&db` or `&tx`",
    note = "pass the `Db` or, inside a transaction, the `Tx`"
)]
pub trait Executor: sealed::Sealed + Send + Sync {
    #[doc(hidden)]
    fn __handle(&self) -> Handle;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Db {}
    impl Sealed for crate::Tx {}
    impl Sealed for crate::HookContext {}
    impl Sealed for crate::migrate::Migration {}
    impl<E: crate::Executor + ?Sized> Sealed for &E {}
    impl<E: crate::Executor + ?Sized> Sealed for std::sync::Arc<E> {}
}

impl Executor for Db {
    fn __handle(&self) -> Handle {
        Handle::Db(self.clone())
    }
}

impl Executor for Tx {
    fn __handle(&self) -> Handle {
        Handle::Tx(self.clone())
    }
}

impl<E: Executor + ?Sized> Executor for &E {
    fn __handle(&self) -> Handle {
        (**self).__handle()
    }
}

impl<E: Executor + ?Sized> Executor for Arc<E> {
    fn __handle(&self) -> Handle {
        (**self).__handle()
    }
}

/// An executor, owned.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub enum Handle {
    Db(Db),
    Tx(Tx),
}

/// Where an operation's calls go; holds the transaction open while it lives.
pub(crate) enum Session {
    Backend(Db),
    Transaction(Arc<dyn den_backend::Transaction>),
}

impl Session {
    pub(crate) fn get(&self) -> &dyn ReadWrite {
        match self {
            Self::Backend(db) => db.backend(),
            Self::Transaction(tx) => &**tx,
        }
    }
}

impl Handle {
    pub(crate) fn db(&self) -> &Db {
        match self {
            Self::Db(db) => db,
            Self::Tx(tx) => tx.db(),
        }
    }

    /// The transaction's scope, for documents to remember what wrote them.
    pub(crate) fn scope(&self) -> Option<Arc<Scope>> {
        match self {
            Self::Db(_) => None,
            Self::Tx(tx) => Some(tx.scope()),
        }
    }

    pub(crate) fn is_transaction(&self) -> bool {
        matches!(self, Self::Tx(_))
    }

    /// Where reads go.
    pub(crate) async fn read(&self) -> Result<Session> {
        match self {
            Self::Db(db) => Ok(match batch::shared(db).await? {
                Some(shared) => Session::Transaction(shared),
                None => Session::Backend(db.clone()),
            }),
            Self::Tx(tx) => tx.session().await.map(Session::Transaction),
        }
    }

    /// Where writes go.
    ///
    /// # Errors
    ///
    /// `Unsupported` for a write through the database handle inside a batch or a transaction closure
    /// of it.
    pub(crate) async fn write(&self) -> Result<Session> {
        if let Self::Db(db) = self {
            batch::refuse_write(db)?;
            db.refuse_inside_transaction()?;
        }
        self.read().await
    }
}

pub(crate) fn nested_use() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "a write through the database handle inside its own transaction would wait for that \
         transaction; pass the transaction (`&tx`, in a hook `cx`) instead of `&db`",
    )
}
