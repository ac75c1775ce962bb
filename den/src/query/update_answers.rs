//! Changes to documents where they lie: which documents, and what comes back.

use std::{future::IntoFuture, pin::Pin};

use den_backend::{
    Capability, CompareOp, Error, ErrorKind, Expr, LockMode, Query, Result, Returning, Value,
};

use crate::{
    Document, Filter, Id, IntoId, QuerySet, Record, Update,
    executor::Handle,
    links::LinkPlan,
    query::{queryset::invalid, update_check::Draft},
    write::{RunHooks, not_found, own_field},
};

/// Changes all documents of a query, and answers how many there were.
#[derive(Debug)]
pub struct Every<T>(QuerySet<T>);

/// Changes all documents of a query, and answers with them.
#[derive(Debug)]
pub struct Returned<T> {
    query: QuerySet<T>,
    returning: Returning,
    lock: Option<LockMode>,
}

/// Changes the only document of a query.
#[derive(Debug)]
pub struct One<T> {
    query: QuerySet<T>,
    /// The error if there is none.
    otherwise: Option<Error>,
}

/// Changes the only document of a query, and answers with it.
#[derive(Debug)]
pub struct ReturnedOne<T> {
    one: One<T>,
    returning: Returning,
}

/// An update, ready to run.
#[doc(hidden)]
#[derive(Debug)]
pub struct Job {
    pub(crate) handle: Handle,
    pub(crate) query: Query,
    pub(crate) draft: Draft,
    pub(crate) returning: Returning,
    /// If there must be exactly one document: the error if there is none.
    pub(crate) only: Option<Error>,
    pub(crate) hooks: RunHooks,
    pub(crate) links: LinkPlan,
}

/// What an update did.
#[doc(hidden)]
#[derive(Debug)]
pub struct Done<T> {
    pub(crate) count: u64,
    /// The documents that were asked for.
    pub(crate) documents: Vec<T>,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

impl<T: Record> QuerySet<T> {
    /// Changes the documents of the query where they lie, limit and skip included: one statement,
    /// so that of two changes at once neither is lost.
    ///
    /// # Behavior
    ///
    /// - Awaited, it answers how many documents were changed; with
    ///   [`returning`](Update::returning) or [`returning_old`](Update::returning_old), with the
    ///   documents.
    /// - A type with hooks or attachments is changed document by document, with all that belongs to
    ///   an update, in one transaction; hooks stay away on
    ///   [`without_hooks`](Self::without_hooks). Declared rules are checked for every changed
    ///   document, and one that breaks them takes all changes back.
    /// - Where a document may not read as its type after the change (a parent that may be null,
    ///   `field("a.b")` on a typed query), each is looked at before the end, which takes a
    ///   transaction, and so do documents that come back.
    /// - Without a type: `field("a.b")` names the fields. Where a type is registered for the
    ///   collection, these are fields that it declares, and its hooks and rules stay away. The
    ///   revision is new where the documents have one.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` without a filter, unless [`all_rows`](Self::all_rows) was said; for a field
    ///   of den's own such as `_id`, and for one that nobody declared.
    /// - `InvalidDocument`, naming the field, for a change that cannot be made, and `OutOfRange` for a
    ///   number that does not fit: nothing is changed then. Nor is it where a changed document would not
    ///   read as its type (`InvalidDocument`), or one that is to come back does not (`Corrupt`).
    /// - `Duplicate` for a value that is taken under a unique index, `Validation` for a broken rule:
    ///   nothing is changed then.
    pub fn update(self) -> Update<T, Every<T>> {
        Update::new(Every(self))
    }

    /// Changes the only document of the query.
    ///
    /// # Behavior
    ///
    /// - As [`update`](Self::update); awaited, it answers nothing, and with
    ///   [`returning`](Update::returning) or [`returning_old`](Update::returning_old) with the
    ///   document.
    /// - One statement where the filter names the id or the limit is 1 and nothing comes back, else a
    ///   transaction around it.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is none, `MultipleMatches` if there are several: nothing is changed then.
    /// - Else as [`update`](Self::update).
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Job { #[serde(flatten)] base: Base<Job>, worker: String, state: String }
    /// /// Fails with `NotFound` if the job is no longer ours.
    /// async fn complete(db: &Db, id: &Id<Job>, worker: &str) -> den::Result<Job> {
    ///     let j = Job::fields();
    ///     Job::query(db)
    ///         .filter(j.base.id.eq(id) & j.worker.eq(worker) & j.state.eq("running"))
    ///         .update_one()
    ///         .set(j.state, "done")
    ///         .returning()
    ///         .await
    /// }
    /// ```
    pub fn update_one(self) -> Update<T, One<T>> {
        Update::new(One {
            query: self,
            otherwise: None,
        })
    }

    /// Takes the first `count` documents of the query that nobody else is taking, changes them, and
    /// answers with them as they are then: for queues of work.
    ///
    /// # Behavior
    ///
    /// - Of many callers at once each gets documents of its own; nobody waits. So the changes must
    ///   make a document leave the query, as by `set(j.state, "running")`.
    /// - In the order of the query. There may be fewer documents, or none.
    /// - Else as [`update`](Self::update); in a transaction, what was taken is free again when it is
    ///   rolled back.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update); `InvalidQuery` for a count of zero. A document that does not read is
    /// `Corrupt`, and none is taken: put it aside by its id, which the error names, through
    /// [`Db::collection`](crate::Db::collection).
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Job { #[serde(flatten)] base: Base<Job>, state: String, priority: i64, tries: i64 }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.register::<(Job,)>().await?;
    /// # Job { state: "ready".into(), ..Default::default() }.save(&db).await?;
    /// let j = Job::fields();
    /// let mine: Vec<Job> = Job::query(&db)
    ///     .filter(j.state.eq("ready"))
    ///     .sort(j.priority.desc())
    ///     .claim(10)
    ///     .set(j.state, "running")
    ///     .inc(j.tries, 1)
    ///     .await?;
    /// assert_eq!(mine.len(), 1);
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub fn claim(mut self, count: u64) -> Update<T, Returned<T>> {
        if count == 0 {
            self.mistake(invalid("a claim of zero documents asks for nothing"));
        }
        self.limit_to(count);
        Update::new(Returned {
            query: self,
            returning: Returning::New,
            lock: Some(LockMode::SkipLocked),
        })
    }
}

/// What [`Document::update_by_id`] starts with.
pub(crate) fn by_id<D: Document>(handle: Handle, id: impl IntoId<D>) -> Update<D, One<D>> {
    let id: Id<D> = id.into_id();
    let mut query = QuerySet::of_document(handle);
    if !id.is_storable() {
        query.mistake(not_found::<D>(id.as_str()));
    }
    let filter = own_field("_id").map(|own| {
        let id = Expr::Value(id.as_str().into());
        Expr::compare(CompareOp::Eq, own, id)
    });
    Update::new(One {
        query: query.filter(match filter {
            Ok(filter) => Filter::from_expr(filter),
            Err(error) => Filter::new(Err(error)),
        }),
        otherwise: Some(not_found::<D>(id.as_str())),
    })
}

impl<T: Record> Update<T, Every<T>> {
    /// Answers with the documents as they are then, in the order of the query as it was before; with
    /// links, and after `after_load`, as a read does.
    pub fn returning(self) -> Update<T, Returned<T>> {
        self.returning_these(Returning::New)
    }

    /// Answers with the documents as they were before; else as [`returning`](Self::returning).
    pub fn returning_old(self) -> Update<T, Returned<T>> {
        self.returning_these(Returning::Old)
    }

    fn returning_these(self, returning: Returning) -> Update<T, Returned<T>> {
        self.answering(|Every(query)| Returned {
            query,
            returning,
            lock: None,
        })
    }
}

impl<T: Record> Update<T, One<T>> {
    /// Answers with the document as it is then; with links, and after `after_load`, as a read does.
    pub fn returning(self) -> Update<T, ReturnedOne<T>> {
        let returning = Returning::New;
        self.answering(|one| ReturnedOne { one, returning })
    }

    /// Answers with the document as it was before; else as [`returning`](Self::returning).
    pub fn returning_old(self) -> Update<T, ReturnedOne<T>> {
        let returning = Returning::Old;
        self.answering(|one| ReturnedOne { one, returning })
    }
}

impl<T: Record> IntoFuture for Update<T, Every<T>> {
    type Output = Result<u64>;
    type IntoFuture = Answer<u64>;

    fn into_future(self) -> Self::IntoFuture {
        let Every(query) = self.answer;
        let draft = self.draft;
        Box::pin(async move {
            let job = query.job(draft, Returning::Nothing)?;
            Ok(T::update(job).await?.count)
        })
    }
}

impl<T: Record> IntoFuture for Update<T, Returned<T>> {
    type Output = Result<Vec<T>>;
    type IntoFuture = Answer<Vec<T>>;

    fn into_future(self) -> Self::IntoFuture {
        let (it, draft) = (self.answer, self.draft);
        Box::pin(async move {
            let mut job = it.query.job(draft, it.returning)?;
            if it.lock.is_some() {
                job.handle.db().require(Capability::RowLocks)?;
                job.query.lock = it.lock;
            }
            Ok(T::update(job).await?.documents)
        })
    }
}

impl<T: Record> IntoFuture for Update<T, One<T>> {
    type Output = Result<()>;
    type IntoFuture = Answer<()>;

    fn into_future(self) -> Self::IntoFuture {
        let (it, draft) = (self.answer, self.draft);
        Box::pin(async move {
            it.run(draft, Returning::Nothing).await?;
            Ok(())
        })
    }
}

impl<T: Record> IntoFuture for Update<T, ReturnedOne<T>> {
    type Output = Result<T>;
    type IntoFuture = Answer<T>;

    fn into_future(self) -> Self::IntoFuture {
        let (it, draft) = (self.answer, self.draft);
        Box::pin(async move {
            let collection = it.one.query.collection().to_owned();
            let mut done = it.one.run(draft, it.returning).await?;
            done.documents.pop().ok_or_else(|| none(&collection))
        })
    }
}

impl<T: Record> One<T> {
    async fn run(self, draft: Draft, returning: Returning) -> Result<Done<T>> {
        let mut job = self.query.job(draft, returning)?;
        if !is_of_one(&job.query) {
            job.query.limit = Some(2);
        }
        job.only = Some(
            self.otherwise
                .unwrap_or_else(|| none(&job.query.collection)),
        );
        T::update(job).await
    }
}

impl<T: Record> QuerySet<T> {
    fn job(self, draft: Draft, returning: Returning) -> Result<Job> {
        self.refuse_unbounded(UNBOUNDED)?;
        let query = self.checked()?;
        self.handle.db().require(Capability::Patches)?;
        Ok(Job {
            query,
            draft,
            returning,
            only: None,
            hooks: self.hooks,
            handle: self.handle,
            links: self.links,
        })
    }
}

const UNBOUNDED: &str = "an update without a filter would change every document; if that is meant, \
     say `.all_rows()`";

impl Job {
    /// Makes sure that there was one document, where there must be.
    pub(crate) fn check_count(&self, count: u64) -> Result<()> {
        let Some(none) = &self.only else {
            return Ok(());
        };
        match count {
            0 => Err(none.clone()),
            1 => Ok(()),
            2.. => Err(Error::new(
                ErrorKind::MultipleMatches,
                "several documents match where one was to be changed",
            )
            .with_collection(&self.query.collection)),
        }
    }

    /// Whether nothing need be taken back, whatever the count.
    pub(crate) fn has_any_count(&self) -> bool {
        self.only.is_none() || is_of_one(&self.query)
    }
}

fn none(collection: &str) -> Error {
    Error::new(ErrorKind::NotFound, "no document matches").with_collection(collection)
}

/// Whether at most one document can pass.
fn is_of_one(query: &Query) -> bool {
    query.limit == Some(1) || names_id(&query.filter)
}

/// Whether a filter lets only a document with one certain id pass.
fn names_id(filter: &Expr) -> bool {
    if let Expr::And(all) = filter {
        return all.iter().any(names_id);
    }
    let Expr::Compare {
        op: CompareOp::Eq,
        left,
        right,
    } = filter
    else {
        return false;
    };
    let is_id = |it: &Expr| matches!(it, Expr::Field(it) if it.path.is_id());
    let is_text = |it: &Expr| matches!(it, Expr::Value(Value::Text(_)));
    is_id(left) && is_text(right) || is_id(right) && is_text(left)
}
