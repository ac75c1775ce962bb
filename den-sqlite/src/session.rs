//! What works alike in a transaction and outside of one.

use std::{sync::Arc, time::Instant};

use den_backend::{
    Access, CompareOp, DeleteOutcome, Error, ErrorKind, Expectation, Explain, ExplainMode, Expr,
    Grouping, OnRefusal, Put, PutOutcome, Query, RawDocument, Result, Root, Value,
};
use den_sql::{Layouts, Param, SQLITE, Statement};

use crate::{
    cache::{Cache, schema_version},
    catalog,
    collection::{Collection, Shape},
    connection::Connection,
    document::{self, OwnedExpectation, OwnedPut},
    error::{Failure, Outcome, Place},
    scan,
    subject::Subject,
};

/// A document of more bytes is written on another thread.
pub(crate) const LARGE: usize = 64 * 1024;

/// So many documents may be fetched or written by id where the call is made.
const FEW: usize = 16;

/// What kind of work it is, which decides where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// A bounded read.
    Read,
    /// A bounded write.
    Write,
    /// A write of bounded rows but many bytes.
    LargeWrite,
    /// A read that is expected to be brief.
    BriefRead,
    /// A read that may look at every row.
    ScanRead,
    /// A write that may look at every row.
    ScanWrite,
}

impl Work {
    /// Whether it changes the database.
    pub(crate) fn writes(self) -> bool {
        match self {
            Self::Write | Self::LargeWrite | Self::ScanWrite => true,
            Self::Read | Self::BriefRead | Self::ScanRead => false,
        }
    }

    /// Whether it may run where the call is made.
    pub(crate) fn is_bounded(self) -> bool {
        match self {
            Self::Read | Self::Write => true,
            Self::BriefRead | Self::LargeWrite | Self::ScanRead | Self::ScanWrite => false,
        }
    }
}

/// Where work is run: the database, or one transaction of it.
pub(crate) trait Session: Sync {
    /// What is known of the collections.
    fn cache(&self) -> &Cache;

    /// Runs `work` on a connection: here if it is bounded (or brief) and nothing is in its way, else
    /// on another thread.
    ///
    /// # Behavior
    ///
    /// - `work` may be run again if it was busy the first time.
    fn run<T: Send + 'static>(
        &self,
        kind: Work,
        work: impl Fn(&mut Connection) -> Outcome<T> + Send + 'static,
    ) -> impl Future<Output = Result<Outcome<T>>> + Send;
}

/// Runs work on one collection. If the schema turns out to have changed, once more.
pub(crate) async fn on_collection<S, T, W>(
    session: &S,
    name: &str,
    id: Option<&str>,
    prepare: impl Fn(Arc<Collection>) -> (Work, W) + Send + Sync,
) -> Result<T>
where
    S: Session,
    T: Send + 'static,
    W: Fn(&mut Connection) -> Outcome<T> + Send + 'static,
{
    let found = collection(session, name).await?;
    let (kind, work) = prepare(Arc::clone(&found));
    let first = session.run(kind, work).await?;
    let (found, last) = match first {
        Err(failure) if failure.is_stale_schema() => {
            session.cache().forget(name);
            let found = collection(session, name).await?;
            let (kind, work) = prepare(Arc::clone(&found));
            let again = session.run(kind, work).await?;
            (found, again)
        }
        first => (found, first),
    };
    match last {
        Ok(answer) => Ok(answer),
        Err(failure) => Err(explained(session, failure, found.place(id)).await),
    }
}

/// Runs work on the collections of a query. If the schema turns out to have changed, once more.
pub(crate) async fn on_query<S, T, W>(
    session: &S,
    query: &Query,
    prepare: impl Fn(&Subject) -> (Work, W) + Send + Sync,
) -> Result<T>
where
    S: Session,
    T: Send + 'static,
    W: Fn(&mut Connection) -> Outcome<T> + Send + 'static,
{
    let found = Subject::find(session, query).await?;
    let (kind, work) = prepare(&found);
    let first = session.run(kind, work).await?;
    let (found, last) = match first {
        Err(failure) if failure.is_stale_schema() => {
            Subject::forget(session, query);
            let found = Subject::find(session, query).await?;
            let (kind, work) = prepare(&found);
            let again = session.run(kind, work).await?;
            (found, again)
        }
        first => (found, first),
    };
    match last {
        Ok(answer) => Ok(answer),
        Err(failure) => Err(explained(session, failure, found.place()).await),
    }
}

/// The error in den's terms, with what has to be asked for first.
async fn explained<S: Session>(session: &S, failure: Failure, place: Place<'_>) -> Error {
    if let Some(name) = place.collection
        && failure.is_unknown(place)
    {
        // Another program made the index since: learn which fields it covers.
        session.cache().forget(name);
        if let Ok(found) = collection(session, name).await {
            return failure.at(found.place(place.id));
        }
    }
    failure.at(place)
}

/// What is known of a collection, read from the database if need be.
pub(crate) async fn collection<S: Session>(session: &S, name: &str) -> Result<Arc<Collection>> {
    if let Some(found) = session.cache().find(name) {
        return Ok(found);
    }
    let owned = name.to_owned();
    let load = move |connection: &mut Connection| catalog::load(connection, &owned);
    let loaded = anywhere(session.run(Work::Read, load)).await?;
    let loaded = loaded.ok_or_else(|| Error::not_registered(name))?;
    Ok(session.cache().learn(loaded))
}

pub(crate) async fn get<S: Session>(
    session: &S,
    name: &str,
    id: &str,
) -> Result<Option<RawDocument>> {
    on_collection(session, name, Some(id), |collection| {
        let id = id.to_owned();
        let work = move |it: &mut Connection| document::get(it, &collection, &id);
        (Work::Read, work)
    })
    .await
}

pub(crate) async fn get_many<S: Session>(
    session: &S,
    name: &str,
    ids: &[&str],
) -> Result<Vec<RawDocument>> {
    // Also without ids the collection must be there.
    let kind = if ids.len() <= FEW {
        Work::Read
    } else {
        Work::ScanRead
    };
    on_collection(session, name, None, |collection| {
        let ids: Vec<String> = ids.iter().map(|it| (*it).to_owned()).collect();
        let work = move |it: &mut Connection| document::get_many(it, &collection, &ids);
        (kind, work)
    })
    .await
}

pub(crate) async fn put<S: Session>(session: &S, name: &str, put: Put<'_>) -> Result<PutOutcome> {
    let kind = if put.body.len() > LARGE {
        Work::LargeWrite
    } else {
        Work::Write
    };
    on_collection(session, name, Some(put.id), |collection| {
        let put = OwnedPut::new(&put);
        let work = move |it: &mut Connection| {
            let expect = put.expect.as_ref();
            document::put(it, &collection, &put.id, &put.body, expect)
        };
        (kind, work)
    })
    .await
}

pub(crate) async fn delete<S: Session>(
    session: &S,
    name: &str,
    id: &str,
    expect: Expectation<'_>,
) -> Result<DeleteOutcome> {
    on_collection(session, name, Some(id), |collection| {
        let (id, expect) = (id.to_owned(), OwnedExpectation::new(expect));
        let work =
            move |it: &mut Connection| document::delete(it, &collection, &id, expect.as_ref());
        (Work::Write, work)
    })
    .await
}

pub(crate) async fn put_many<S: Session>(
    session: &S,
    name: &str,
    puts: &[Put<'_>],
    on_refusal: OnRefusal,
    batch: Batch,
) -> Result<Vec<PutOutcome>> {
    let bytes: usize = puts.iter().map(|it| it.body.len()).sum();
    let kind = if puts.len() <= FEW && bytes <= LARGE {
        Work::Write
    } else {
        Work::ScanWrite
    };
    let puts: Arc<[OwnedPut]> = puts.iter().map(OwnedPut::new).collect();
    on_collection(session, name, None, |collection| {
        let puts = Arc::clone(&puts);
        let work = move |it: &mut Connection| batch.put(it, &collection, &puts, on_refusal);
        (kind, work)
    })
    .await
}

/// Runs a statement about a query that answers with rows, or with one number.
///
/// # Behavior
///
/// - What reads is tried where the call is made, for a moment, because a call into another thread
///   costs more than what an index answers. What took longer goes elsewhere from then on.
pub(crate) async fn with_statement<S: Session, T: Send + 'static>(
    session: &S,
    query: &Query,
    access: Access,
    render: impl Fn(Layouts<'_>, &Query) -> Statement + Send + Sync,
    work: impl Fn(&Connection, &Statement) -> Outcome<T> + Clone + Send + Sync + 'static,
) -> Result<T> {
    refresh(session).await?;
    on_query(session, query, |subject| {
        let collection = Arc::clone(&subject.collection);
        let statement = subject.render(|layouts| render(layouts, query));
        let shape = Shape::new(&statement.sql, query.limit);
        let kind = match access {
            Access::ReadWrite if is_of_one(query) && !is_large(&statement) => Work::Write,
            Access::ReadWrite => Work::ScanWrite,
            Access::ReadOnly if collection.is_slow(shape) => Work::ScanRead,
            Access::ReadOnly => Work::BriefRead,
        };
        let work = work.clone();
        let work = move |connection: &mut Connection| {
            let started = Instant::now();
            let answer = work(connection, &statement);
            collection.took(shape, started.elapsed());
            answer
        };
        (kind, work)
    })
    .await
}

pub(crate) async fn query<S: Session>(session: &S, query: &Query) -> Result<Vec<RawDocument>> {
    with_statement(session, query, Access::ReadOnly, select, scan::all).await
}

pub(crate) async fn count<S: Session>(session: &S, query: &Query) -> Result<u64> {
    let render = |layouts: Layouts<'_>, query: &Query| den_sql::count(SQLITE, layouts, query);
    with_statement(session, query, Access::ReadOnly, render, scan::number).await
}

pub(crate) async fn exists<S: Session>(session: &S, query: &Query) -> Result<bool> {
    let render = |layouts: Layouts<'_>, query: &Query| den_sql::exists(SQLITE, layouts, query);
    let found = with_statement(session, query, Access::ReadOnly, render, scan::number).await?;
    Ok(found > 0)
}

pub(crate) async fn delete_matching<S: Session>(session: &S, query: &Query) -> Result<u64> {
    let render =
        |layouts: Layouts<'_>, query: &Query| den_sql::delete_matching(SQLITE, layouts, query);
    with_statement(session, query, Access::ReadWrite, render, scan::execute).await
}

pub(crate) async fn group<S: Session>(
    session: &S,
    query: &Query,
    grouping: &Grouping,
) -> Result<Vec<Vec<u8>>> {
    let render =
        |layouts: Layouts<'_>, query: &Query| den_sql::group(SQLITE, layouts, query, grouping);
    with_statement(session, query, Access::ReadOnly, render, scan::bodies).await
}

pub(crate) async fn explain<S: Session>(
    session: &S,
    query: &Query,
    mode: ExplainMode,
) -> Result<Explain> {
    let with_plan = |connection: &Connection, statement: &Statement| {
        Ok(Explain {
            plan: scan::plan(connection, statement)?,
            ..describe(statement)
        })
    };
    let without = |_: &Connection, statement: &Statement| Ok(describe(statement));
    let work = match mode {
        ExplainMode::Statement => without,
        ExplainMode::Plan => with_plan as fn(&Connection, &Statement) -> Outcome<Explain>,
    };
    with_statement(session, query, Access::ReadOnly, select, work).await
}

/// Whether a query is about one document at most, which its id finds.
pub(crate) fn is_of_one(query: &Query) -> bool {
    let is_named = if let Expr::And(all) = &query.filter {
        all.iter().any(names_id)
    } else {
        names_id(&query.filter)
    };
    // What it looks into may be anything.
    is_named && query.filter.linked_collections().is_empty()
}

fn names_id(filter: &Expr) -> bool {
    let Expr::Compare {
        op: CompareOp::Eq,
        left,
        right,
    } = filter
    else {
        return false;
    };
    let (Expr::Field(field), Expr::Value(Value::Text(_))) = (&**left, &**right) else {
        return false;
    };
    field.root == Root::Document && field.path.is_id()
}

/// Whether a statement binds so much that what it does takes a while.
pub(crate) fn is_large(statement: &Statement) -> bool {
    let bytes = statement.params.iter().map(|it| match it {
        Param::Bool(_) | Param::Int(_) | Param::Float(_) | Param::Rows(_) => 8,
        Param::Text(it) | Param::Json(it) => it.len(),
        Param::TextArray(it) | Param::NumericArray(it) | Param::JsonArray(it) => {
            it.iter().map(String::len).sum()
        }
    });
    bytes.sum::<usize>() > LARGE
}

/// The statement for the rows of a query.
pub(crate) fn select(layouts: Layouts<'_>, query: &Query) -> Statement {
    den_sql::select(SQLITE, layouts, query)
}

/// Looks now and then whether another program has changed the schema.
pub(crate) async fn refresh<S: Session>(session: &S) -> Result<()> {
    if !session.cache().is_old() {
        return Ok(());
    }
    let version = anywhere(session.run(Work::Read, |it| schema_version(it))).await?;
    session.cache().saw_version(version);
    Ok(())
}

/// What makes a batch all or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Batch {
    /// A transaction of its own.
    Transaction,
    /// A savepoint in the transaction that runs.
    Savepoint,
}

impl Batch {
    /// Writes documents, all of them or none.
    fn put(
        self,
        connection: &Connection,
        collection: &Collection,
        puts: &[OwnedPut],
        on_refusal: OnRefusal,
    ) -> Outcome<Vec<PutOutcome>> {
        let is_kept = |outcomes: &Vec<PutOutcome>| match on_refusal {
            OnRefusal::Abort => document::all_written(outcomes),
            OnRefusal::Skip => true,
        };
        let work = |it: &Connection| document::put_each(it, collection, puts);
        self.run(connection, work, is_kept)
    }

    /// Runs work of which everything is kept or nothing.
    pub(crate) fn run<T>(
        self,
        connection: &Connection,
        work: impl FnOnce(&Connection) -> Outcome<T>,
        is_kept: impl FnOnce(&T) -> bool,
    ) -> Outcome<T> {
        connection.execute_batch(self.begin())?;
        let done = work(connection);
        if done.as_ref().is_ok_and(is_kept) {
            connection.execute_batch(self.keep())?;
        } else if !connection.is_autocommit() {
            // SQLite may have rolled back already: a full disk ends the whole transaction.
            connection.execute_batch(self.undo())?;
        }
        done
    }

    const fn begin(self) -> &'static str {
        match self {
            Self::Transaction => "BEGIN IMMEDIATE",
            Self::Savepoint => "SAVEPOINT den_batch",
        }
    }

    const fn keep(self) -> &'static str {
        match self {
            Self::Transaction => "COMMIT",
            Self::Savepoint => "RELEASE den_batch",
        }
    }

    const fn undo(self) -> &'static str {
        match self {
            Self::Transaction => "ROLLBACK",
            Self::Savepoint => "ROLLBACK TO den_batch; RELEASE den_batch",
        }
    }
}

fn describe(statement: &Statement) -> Explain {
    Explain {
        statement: statement.sql.clone(),
        parameters: statement.params.iter().map(scan::describe).collect(),
        plan: Vec::new(),
    }
}

/// The error for a write where only reading is allowed.
pub(crate) fn read_only() -> Error {
    Error::new(ErrorKind::InvalidQuery, "the transaction is read-only")
}

/// Runs work that no one collection is concerned with.
pub(crate) async fn anywhere<T>(work: impl Future<Output = Result<Outcome<T>>>) -> Result<T> {
    work.await?.map_err(|failure| failure.at(Place::default()))
}
