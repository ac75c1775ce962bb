//! Raw statements, run.

use std::borrow::Cow;

use den_backend::{
    Capability, Error, ErrorKind, RawDocument, Result, Value,
    raw::{RawText, Syntax},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{RawSql, Site, params};
use crate::{Document, Executor, Json, document, executor::Handle, links::LinkPlan, loading};

/// Runs raw statements: on a [`Db`](crate::Db), a [`Tx`](crate::Tx), and any other [`Executor`].
///
/// # Behavior
///
/// - Placeholders are `$1`, `$2` and so on, on every engine. Each parameter is used, as often and in
///   whatever order as needed; numbers, texts and bools are bound as such, anything else as JSON text on
///   SQLite and `jsonb` on PostgreSQL, where each placeholder has the type of its parameter (an `i64`
///   is a `bigint`: write `$1::int` where a function asks for an `integer`).
/// - One text is one statement. What begins or ends transactions, changes the settings of a
///   connection or attaches databases is refused.
/// - On SQLite, what only reads runs beside writers; what writes takes its turn with other writes.
/// - An error leaves nothing of the statement done, and a transaction usable.
/// - No hooks run, nothing is validated, no revision changes: that is up to the statement.
///
/// # Errors
///
/// - `InvalidQuery`, before anything is sent: a text that is not one statement, a parameter without a
///   placeholder or the other way around, a value that JSON cannot hold.
/// - `Unsupported`: a backend without statements, or without a text for it; a write through the
///   database handle inside of its own transaction.
/// - What the engine says.
pub trait ExecuteRaw: Executor {
    /// Runs a statement and returns its rows, each read from a JSON object of its columns: into a
    /// struct, a map or [`Json`].
    ///
    /// # Behavior
    ///
    /// - Documents (the column `data` of a collection) are JSON; times are RFC 3339 text, in UTC
    ///   where they have a zone; bytes are base64. SQLite answers 1 and 0 where it compares:
    ///   see [`truth`](crate::raw::truth).
    /// - A write that a statement makes through a function it calls may be made twice, if the
    ///   connection breaks: [`execute_raw`](Self::execute_raw) never is.
    ///
    /// # Errors
    ///
    /// `Corrupt` for a row that does not fit `R`; else as said [above](Self).
    fn query_raw<R: DeserializeOwned + Send>(
        &self,
        site: Site,
        sql: impl Into<RawSql>,
        params: impl Serialize,
    ) -> impl Future<Output = Result<Vec<R>>> + Send {
        let call = Call::new(self.__handle(), site, sql.into(), &params);
        async move { call?.rows().await }
    }

    /// Runs a statement and returns the documents in the column `data` of its rows, as in
    /// `SELECT d.data FROM products AS d`.
    ///
    /// # Behavior
    ///
    /// - They are as if found by a query: links are loaded as declared, `after_load` runs. Documents
    ///   that are marked as deleted are not left out.
    ///
    /// # Errors
    ///
    /// As [`query_raw`](Self::query_raw); `NotRegistered` if the type is not registered.
    fn query_raw_documents<D: Document>(
        &self,
        site: Site,
        sql: impl Into<RawSql>,
        params: impl Serialize,
    ) -> impl Future<Output = Result<Vec<D>>> + Send {
        let call = Call::new(self.__handle(), site, sql.into(), &params);
        async move { call?.documents().await }
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    ///
    /// As said [above](Self).
    fn execute_raw(
        &self,
        site: Site,
        sql: impl Into<RawSql>,
        params: impl Serialize,
    ) -> impl Future<Output = Result<u64>> + Send {
        let call = Call::new(self.__handle(), site, sql.into(), &params);
        async move { call?.execute().await }
    }
}

impl<E: Executor + ?Sized> ExecuteRaw for E {}

/// A statement that was checked, and what it runs on.
struct Call {
    handle: Handle,
    site: Site,
    text: Cow<'static, str>,
    params: Vec<Value>,
    reads: bool,
}

#[derive(Deserialize)]
struct DocumentRow {
    data: Json,
}

impl Call {
    fn new(handle: Handle, site: Site, sql: RawSql, params: &impl Serialize) -> Result<Self> {
        let checked = || {
            let db = handle.db();
            db.require(Capability::RawStatements)?;
            let text = sql.text_for(db.backend_name())?;
            let params = params::values(params)?;
            let parsed = RawText::parse(&text, Syntax::of(db.backend_name()))?;
            parsed.check_parameters(params.len())?;
            let reads = parsed.reads();
            Ok((text, params, reads))
        };
        match checked() {
            Ok((text, params, reads)) => Ok(Self {
                handle,
                site,
                text,
                params,
                reads,
            }),
            Err(error) => Err(at(error, site)),
        }
    }

    async fn query(&self) -> Result<Vec<Vec<u8>>> {
        let session = match self.reads {
            true => self.handle.read().await?,
            false => self.handle.write().await?,
        };
        let rows = session.get().raw_query(&self.text, &self.params).await;
        rows.map_err(|error| at(error, self.site))
    }

    async fn rows<R: DeserializeOwned>(self) -> Result<Vec<R>> {
        let rows = self.query().await?;
        self.read(&rows)
    }

    async fn documents<D: Document>(self) -> Result<Vec<D>> {
        self.handle.db().registered::<D>()?;
        let rows: Vec<DocumentRow> = self.read(&self.query().await?)?;
        let mut documents = Vec::with_capacity(rows.len());
        for DocumentRow { data } in rows {
            let id = data.get("_id").and_then(Json::as_str).unwrap_or_default();
            let raw = RawDocument {
                id: id.to_owned(),
                body: data.to_string().into_bytes(),
            };
            let document = document::decode(&raw);
            documents.push(document.map_err(|error| at(error, self.site))?);
        }
        loading::finish(&self.handle, &mut documents, &LinkPlan::default()).await?;
        Ok(documents)
    }

    async fn execute(self) -> Result<u64> {
        let session = self.handle.write().await?;
        let changed = session.get().raw_execute(&self.text, &self.params).await;
        changed.map_err(|error| at(error, self.site))
    }

    fn read<R: DeserializeOwned>(&self, rows: &[Vec<u8>]) -> Result<Vec<R>> {
        let read = |row: &Vec<u8>| {
            serde_json::from_slice(row).map_err(|why| {
                let message = "a row of the answer does not fit the type that was asked for";
                at(Error::new(ErrorKind::Corrupt, message), self.site).with_source(why)
            })
        };
        rows.iter().map(read).collect()
    }
}

/// Says which statement an error is about.
fn at(error: Error, site: Site) -> Error {
    error.with_context(["raw statement `", site.name(), "`"].concat())
}
