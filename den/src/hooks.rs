//! Hooks: the application's own code before and after reads and writes of its documents.

use std::sync::Arc;

use den_backend::{Error, ErrorKind, Result};
use futures_util::future::BoxFuture;

use crate::{Db, DeleteOptions, Document, Executor, Tx, executor::Handle};

/// What runs before and after reads and writes of a document type; all optional.
///
/// Say `#[den(hooks)]` on the document and implement this trait.
///
/// # Behavior
///
/// - The order of an insert: `before_insert`, `before_save`, the rules of `#[den(validate)]`,
///   `validate`, the write, `after_insert`, `after_save`; of an update the same with
///   `before_update` and `after_update`. Of a delete: `before_delete`, the write, `after_delete`;
///   where the document is only marked as deleted, `before_soft_delete` and `after_soft_delete` lie
///   inside of these.
/// - All of it is one transaction, also on `&db`. An error from any hook stops there, rolls back
///   everything, also what hooks wrote through the context, and leaves the document in memory as it
///   was. In a transaction of the caller, that transaction stays usable.
/// - In a transaction, one such write at a time: each has a savepoint, so of two that run at once
///   one is refused, as [`Tx::savepoint`] says. That holds for hooks that write, too.
/// - `after_load` runs for every document that is read, links loaded before. What it changes is
///   only in memory.
/// - A delete and an update of a whole query run the hooks document by document, unless
///   [`without_hooks`](crate::QuerySet::without_hooks) is said. What the hooks of one have deleted
///   before its turn came is left out. The hooks of an update see the document with the changes
///   made, and may change it further.
///
/// ```
/// # use den::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
/// #[den(hooks)]
/// struct Post {
///     #[serde(flatten)]
///     base: Base<Post>,
///     title: String,
///     slug: String,
/// }
///
/// impl Hooks for Post {
///     async fn before_save(&mut self, _cx: &HookContext) -> den::Result<()> {
///         self.slug = self.title.to_lowercase().replace(' ', "-");
///         Ok(())
///     }
/// }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let db = Db::open("sqlite://:memory:").await?;
/// # db.register::<(Post,)>().await?;
/// let mut post = Post { title: "Hello World".into(), ..Default::default() };
/// post.save(&db).await?;
/// assert_eq!(post.slug, "hello-world");
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` says `#[den(hooks)]` but does not implement `Hooks`",
    label = "hooks are missing",
    note = "write `impl den::Hooks for {Self} {{ .. }}`, or leave out `#[den(hooks)]`; hooks also need `Clone`"
)]
pub trait Hooks: Document + Clone {
    /// Runs first when the document is inserted; it may change the document.
    fn before_insert(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Runs first when the document is updated; it may change the document.
    fn before_update(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Runs before every insert and update, after the hook of that; it may change the document.
    fn before_save(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Checks the document after the hooks that may change it and the declared rules.
    ///
    /// [`Error::validation`](crate::Error) carries what is wrong, field by field; den adds which
    /// document it is about.
    fn validate(&self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Runs after the document was inserted.
    fn after_insert(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Runs after the document was updated.
    fn after_update(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Runs last after every insert and update.
    fn after_save(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Runs first when the document is deleted, or marked as deleted.
    fn before_delete(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Runs before the document is marked as deleted.
    fn before_soft_delete(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Runs after the document was marked as deleted.
    fn after_soft_delete(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Runs last after the document was deleted, or marked as deleted.
    fn after_delete(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }

    /// Runs after the document was read.
    fn after_load(&mut self, _cx: &HookContext) -> impl Future<Output = Result<()>> + Send {
        done()
    }
}

fn done() -> std::future::Ready<Result<()>> {
    std::future::ready(Ok(()))
}

/// Where a hook runs: pass it where `&db` or `&tx` would go, and what it does belongs to the
/// operation's transaction. There, a write through the database handle is refused: it would wait
/// for that transaction.
#[derive(Debug, Clone)]
pub struct HookContext {
    handle: Handle,
    delete: Option<Arc<DeleteOptions>>,
}

impl HookContext {
    pub(crate) fn new(handle: Handle) -> Self {
        Self {
            handle,
            delete: None,
        }
    }

    pub(crate) fn of_delete(handle: Handle, options: Arc<DeleteOptions>) -> Self {
        Self {
            handle,
            delete: Some(options),
        }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        self.handle.db()
    }

    /// The transaction of the operation; none in [`Hooks::after_load`] of a read outside of one.
    pub fn tx(&self) -> Option<&Tx> {
        match &self.handle {
            Handle::Tx(tx) => Some(tx),
            Handle::Db(_) => None,
        }
    }

    /// How the document is being deleted, in the hooks of a delete.
    pub fn delete_options(&self) -> Option<&DeleteOptions> {
        self.delete.as_deref()
    }

    /// Registers work to run once, after the transaction was committed; see [`Tx::after_commit`].
    ///
    /// # Errors
    ///
    /// `InvalidQuery` in [`Hooks::after_load`] of a read outside of a transaction.
    pub fn after_commit<F, Fut>(&self, work: F) -> Result<()>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let tx = self.tx().ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidQuery,
                "this read runs outside of a transaction, so there is no commit to wait for",
            )
        })?;
        tx.after_commit(work);
        Ok(())
    }
}

impl Executor for HookContext {
    fn __handle(&self) -> Handle {
        self.handle.clone()
    }
}

/// Which hook to run.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    BeforeInsert,
    BeforeUpdate,
    BeforeSave,
    Validate,
    AfterInsert,
    AfterUpdate,
    AfterSave,
    BeforeDelete,
    BeforeSoftDelete,
    AfterSoftDelete,
    AfterDelete,
    AfterLoad,
}

/// What `#[den(hooks)]` expands to. Boxed, so that a hook may save documents of its own type.
#[doc(hidden)]
pub fn run_hook<'a, D: Hooks>(
    document: &'a mut D,
    hook: Hook,
    cx: &'a HookContext,
) -> BoxFuture<'a, Result<()>> {
    match hook {
        Hook::BeforeInsert => Box::pin(document.before_insert(cx)),
        Hook::BeforeUpdate => Box::pin(document.before_update(cx)),
        Hook::BeforeSave => Box::pin(document.before_save(cx)),
        Hook::Validate => Box::pin(document.validate(cx)),
        Hook::AfterInsert => Box::pin(document.after_insert(cx)),
        Hook::AfterUpdate => Box::pin(document.after_update(cx)),
        Hook::AfterSave => Box::pin(document.after_save(cx)),
        Hook::BeforeDelete => Box::pin(document.before_delete(cx)),
        Hook::BeforeSoftDelete => Box::pin(document.before_soft_delete(cx)),
        Hook::AfterSoftDelete => Box::pin(document.after_soft_delete(cx)),
        Hook::AfterDelete => Box::pin(document.after_delete(cx)),
        Hook::AfterLoad => Box::pin(document.after_load(cx)),
    }
}
