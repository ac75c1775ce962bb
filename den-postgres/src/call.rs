//! One statement with its parameters, and how it is run on a connection.

use std::{pin::pin, sync::Arc};

use deadpool_postgres::ClientWrapper;
use den_backend::{Error, ErrorKind, Result};
use den_sql::Statement;
use futures_util::TryStreamExt as _;
use tokio_postgres::{Row, RowStream, types::Type};

use crate::{url::Statements, values::Bound};

/// One statement with its parameters. Owned, so that it can outlive the future that made it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) sql: Arc<str>,
    pub(crate) params: Vec<Bound>,
    pub(crate) effect: Effect,
    pub(crate) guard: Guard,
    /// Whether it may change what tables and columns there are.
    pub(crate) redefines: bool,
}

/// A statement has at most so many parameters: the protocol counts them in two bytes.
const MAX_PARAMETERS: usize = 65_535;

/// What comes of a call, in the driver's terms.
type Answered<T> = std::result::Result<T, tokio_postgres::Error>;

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It does not, so it may be asked twice.
    Read,
    /// It does.
    Write,
}

/// Whether a call in a transaction needs a savepoint of its own, so that its failure is not the
/// end of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// It may fail for a reason that the caller is told about and can live with.
    Savepoint,
    /// Only a time limit of the server's can end it before the connection or the transaction does.
    TimeLimit,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    pub(crate) affected: u64,
}

impl Call {
    /// A statement that reads by key.
    pub(crate) fn read(sql: Arc<str>, params: Vec<Bound>) -> Self {
        Self {
            sql,
            params,
            effect: Effect::Read,
            guard: Guard::TimeLimit,
            redefines: false,
        }
    }

    /// A statement that writes.
    pub(crate) fn write(sql: Arc<str>, params: Vec<Bound>) -> Self {
        Self {
            sql,
            params,
            effect: Effect::Write,
            guard: Guard::Savepoint,
            redefines: false,
        }
    }

    /// A rendered statement.
    pub(crate) fn rendered(statement: Statement, effect: Effect) -> Self {
        Self {
            sql: statement.sql.into(),
            params: statement.params.into_iter().map(Bound::from).collect(),
            effect,
            guard: Guard::Savepoint,
            redefines: false,
        }
    }

    /// The same with another guard.
    pub(crate) fn guarded_by(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// Refuses what the protocol cannot carry.
    pub(crate) fn check(&self) -> Result<()> {
        match self.params.len() {
            0..=MAX_PARAMETERS => Ok(()),
            count => Err(Error::new(
                ErrorKind::InvalidQuery,
                format!(
                    "the statement has {count} values to bind, and PostgreSQL takes at most \
                     {MAX_PARAMETERS}; give lists of values as one list, or ask in several steps"
                ),
            )),
        }
    }

    /// The types of the parameters.
    pub(crate) fn types(&self) -> Vec<Type> {
        self.params.iter().map(Bound::type_of).collect()
    }
}

/// Starts a call on a connection: ends when the server has accepted the parameters.
pub(crate) async fn open(
    client: &ClientWrapper,
    call: &Call,
    statements: Statements,
) -> Answered<RowStream> {
    match statements {
        Statements::Cached => {
            let types = call.types();
            let statement = client.prepare_typed_cached(&call.sql, &types).await?;
            client.query_raw(&statement, &call.params).await
        }
        Statements::Unnamed => open_unnamed(client, call).await,
    }
}

/// As [`open`], sending the statement whole, under no name.
pub(crate) async fn open_unnamed(client: &ClientWrapper, call: &Call) -> Answered<RowStream> {
    let params = call.params.iter().map(|it| (it, it.type_of()));
    client.query_typed_raw(&call.sql, params).await
}

/// Runs a call on a connection and reads all it answers.
pub(crate) async fn execute(
    client: &ClientWrapper,
    call: &Call,
    statements: Statements,
) -> Answered<Answer> {
    collect(open(client, call, statements).await?).await
}

/// Reads all rows.
pub(crate) async fn collect(rows: RowStream) -> Answered<Answer> {
    let mut stream = pin!(rows);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(row);
    }
    Ok(Answer {
        rows,
        affected: stream.rows_affected().unwrap_or(0),
    })
}
