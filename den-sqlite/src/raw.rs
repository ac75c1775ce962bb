//! Statements that an application wrote itself.
//!
//! - What only reads runs on a connection that reads; SQLite says which statements do. Anything else
//!   runs on the one that writes.
//! - A row comes back as a JSON object of its columns. Of a blob one cannot see where it came from: one
//!   that is a JSON object or array in SQLite's own binary form is taken for that.

use std::{collections::HashSet, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use den_backend::{Error, ErrorKind, Result, Value, value::float_text};
use den_sql::{
    SQLITE,
    placeholders::{Raw, raw},
};
use rusqlite::{
    OptionalExtension, Statement, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use crate::{
    cache::schema_version,
    catalog,
    connection::Connection,
    error::{Failure, Outcome, Place},
    session::{Batch, Session, Work, anywhere},
};

/// The low half of the first byte of a JSON array and of an object, in SQLite's binary form.
const ARRAY: u8 = 0x0b;
const OBJECT: u8 = 0x0c;

/// The text of a blob, if it is JSON in SQLite's binary form in every detail.
const BLOB_AS_JSON: &str = "SELECT json(?1) WHERE json_valid(?1, 8)";

/// Runs a statement for its rows.
pub(crate) async fn query<S: Session>(
    session: &S,
    statement: &str,
    parameters: &[Value],
    batch: Batch,
) -> Result<Vec<Vec<u8>>> {
    run(session, raw(SQLITE, statement, parameters)?, batch, rows).await
}

/// Runs a statement, and returns how many rows it changed.
pub(crate) async fn execute<S: Session>(
    session: &S,
    statement: &str,
    parameters: &[Value],
    batch: Batch,
) -> Result<u64> {
    run(session, raw(SQLITE, statement, parameters)?, batch, changes).await
}

async fn run<S: Session, T: Send + 'static>(
    session: &S,
    raw: Raw,
    batch: Batch,
    work: fn(&Connection, &Raw, &mut Statement<'_>) -> Outcome<T>,
) -> Result<T> {
    let raw = Arc::new(raw);
    if raw.reads {
        let raw = Arc::clone(&raw);
        let read = move |it: &mut Connection| {
            let mut statement = it.prepare_cached(&raw.sql)?;
            // What it calls may write, or make a table for it to write to.
            if !statement.readonly() {
                return Ok(None);
            }
            work(it, &raw, &mut statement).map(Some)
        };
        let done = session.run(Work::BriefRead, read).await?;
        match done {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {}
            Err(failure) => return Err(in_terms(session, failure).await),
        }
    }
    let makes = Arc::clone(&raw);
    let write = move |it: &mut Connection| {
        let write = |it: &Connection| {
            let mut statement = it.prepare_cached(&makes.sql)?;
            work(it, &makes, &mut statement)
        };
        match is_data(&makes.verb) {
            // `OR FAIL` keeps what it did before it failed.
            true => batch.run(it, write, |_| true),
            // `VACUUM` does not run in a transaction.
            false => write(it),
        }
    };
    let done = session.run(Work::ScanWrite, write).await?;
    if !is_data(&raw.verb) {
        // It may have changed the schema.
        let version = anywhere(session.run(Work::Read, |it| schema_version(it))).await?;
        session.cache().saw_version(version);
    }
    match done {
        Ok(answer) => Ok(answer),
        Err(failure) => Err(in_terms(session, failure).await),
    }
}

/// Whether a statement that begins with this word is about rows.
fn is_data(verb: &str) -> bool {
    ["INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"].contains(&verb)
}

fn rows(
    connection: &Connection,
    raw: &Raw,
    statement: &mut Statement<'_>,
) -> Outcome<Vec<Vec<u8>>> {
    let names = column_names(statement)?;
    let mut rows = statement.query(params_from_iter(raw.parameters.iter().map(Bound)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut json = Vec::with_capacity(64);
        for (at, name) in names.iter().enumerate() {
            json.push(if at == 0 { b'{' } else { b',' });
            json.extend_from_slice(name.as_bytes());
            json.push(b':');
            push_value(connection, &mut json, row.get_ref(at)?)?;
        }
        if names.is_empty() {
            json.push(b'{');
        }
        json.push(b'}');
        found.push(json);
    }
    Ok(found)
}

fn changes(connection: &Connection, raw: &Raw, statement: &mut Statement<'_>) -> Outcome<u64> {
    let counts = !statement.readonly() && is_data(&raw.verb);
    let mut rows = statement.query(params_from_iter(raw.parameters.iter().map(Bound)))?;
    // It may have rows, which nobody asked for.
    while rows.next()?.is_some() {}
    // Where a statement is not about rows, SQLite still counts those of the one before.
    Ok(if counts { connection.changes() } else { 0 })
}

/// The names of the columns, as JSON.
fn column_names(statement: &Statement<'_>) -> Outcome<Vec<String>> {
    let mut seen = HashSet::new();
    let mut names = Vec::new();
    for name in statement.column_names() {
        if !seen.insert(name) {
            let message = format!("two columns are called `{name}`; name one of them with `AS`");
            return Err(Error::new(ErrorKind::InvalidQuery, message).into());
        }
        names.push(json_text(name));
    }
    Ok(names)
}

fn push_value(connection: &Connection, json: &mut Vec<u8>, value: ValueRef<'_>) -> Outcome<()> {
    match value {
        ValueRef::Null => json.extend_from_slice(b"null"),
        ValueRef::Integer(it) => json.extend_from_slice(it.to_string().as_bytes()),
        ValueRef::Real(it) if it.is_finite() => {
            json.extend_from_slice(float_text(it).as_bytes());
        }
        ValueRef::Real(it) => {
            let text = if it > 0.0 {
                "\"Infinity\""
            } else {
                "\"-Infinity\""
            };
            json.extend_from_slice(text.as_bytes());
        }
        ValueRef::Text(it) => {
            let text = std::str::from_utf8(it).map_err(|error| {
                let message = "the statement answered with text that is not UTF-8";
                Error::new(ErrorKind::Corrupt, message).with_source(error)
            })?;
            json.extend_from_slice(json_text(text).as_bytes());
        }
        ValueRef::Blob(it) => match blob_as_json(connection, it)? {
            Some(text) => json.extend_from_slice(text.as_bytes()),
            None => {
                json.push(b'"');
                json.extend_from_slice(BASE64.encode(it).as_bytes());
                json.push(b'"');
            }
        },
    }
    Ok(())
}

fn blob_as_json(connection: &Connection, blob: &[u8]) -> Outcome<Option<String>> {
    let kind = blob.first().map(|it| it & 0x0f);
    if kind != Some(ARRAY) && kind != Some(OBJECT) {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(BLOB_AS_JSON)?;
    Ok(statement.query_row([blob], |row| row.get(0)).optional()?)
}

fn json_text(text: &str) -> String {
    Value::from(text).to_string()
}

async fn in_terms<S: Session>(session: &S, failure: Failure) -> Error {
    if let Some(refused) = failure.refused() {
        let find = move |it: &mut Connection| catalog::refusing(it, &refused);
        if let Ok(Ok(Some(found))) = session.run(Work::Read, find).await {
            return failure.at(found.place(None));
        }
    }
    let missing = failure.missing_table().map(str::to_owned);
    failure.at(Place {
        collection: missing.as_deref(),
        ..Place::default()
    })
}

/// One parameter.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self.0 {
            Value::Null => Ok(ToSqlOutput::Owned(rusqlite::types::Value::Null)),
            Value::Bool(it) => it.to_sql(),
            Value::Int(it) => it.to_sql(),
            Value::Float(it) => it.to_sql(),
            Value::Text(it) => it.to_sql(),
            Value::Array(_) | Value::Object(_) => Ok(self.0.to_string().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use den_backend::{Backend as _, CollectionMeta, DatabaseUrl, OpenOptions, ReadWrite as _};

    use super::*;
    use crate::backend::SqliteBackend;

    async fn database() -> SqliteBackend {
        let url = DatabaseUrl::parse("sqlite::memory:").unwrap();
        let it = SqliteBackend::open(&url, &OpenOptions::default())
            .await
            .unwrap();
        it.ensure_collection(&CollectionMeta::new("c"))
            .await
            .unwrap();
        it
    }

    async fn one(on: &SqliteBackend, sql: &str, parameters: &[Value]) -> String {
        let rows = on.raw_query(sql, parameters).await.unwrap();
        assert_eq!(rows.len(), 1, "{sql}");
        String::from_utf8(rows[0].clone()).unwrap()
    }

    #[tokio::test]
    async fn rows_are_json() {
        let db = database().await;
        let json = r#"{"a":[1,2.5,null,true,"é"]}"#;
        for (sql, parameters, row) in [
            (
                "SELECT 1 AS a, 2.0 AS b, 'x\"' AS \"c\"\"\"",
                vec![],
                r#"{"a":1,"b":2.0,"c\"":"x\""}"#,
            ),
            (
                "SELECT NULL AS a, 9e999 AS b",
                vec![],
                r#"{"a":null,"b":"Infinity"}"#,
            ),
            (
                "SELECT $2 AS a, $1 AS b",
                vec![Value::Int(1), Value::Int(2)],
                r#"{"a":2,"b":1}"#,
            ),
            ("SELECT $1 AS a", vec![Value::Bool(true)], r#"{"a":1}"#),
            (
                "SELECT x'00ff' AS a, x'0c' AS b, x'1c' AS c",
                vec![],
                r#"{"a":"AP8=","b":{},"c":"HA=="}"#,
            ),
            (
                "SELECT jsonb($1) AS a",
                vec![Value::from(json)],
                &["{\"a\":", json, "}"].concat(),
            ),
        ] {
            assert_eq!(one(&db, sql, &parameters).await, row, "{sql}");
        }
        let error = db
            .raw_query("SELECT 1 AS a, 2 AS a", &[])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery);
        db.close().await.unwrap();
    }

    #[tokio::test]
    async fn what_writes_goes_to_the_writer() {
        let db = database().await;
        let sql = "INSERT INTO c (id, data) VALUES ($1, jsonb($2)) RETURNING id, data";
        let parameters = [Value::from("1"), Value::from(r#"{"n":1}"#)];
        assert_eq!(
            one(&db, sql, &parameters).await,
            r#"{"id":"1","data":{"n":1}}"#
        );
        let sql =
            "WITH a AS (SELECT 2 AS n) UPDATE c SET data = jsonb_set(data, '$.n', a.n) FROM a";
        assert_eq!(db.raw_execute(sql, &[]).await.unwrap(), 1);
        assert_eq!(db.raw_execute("SELECT * FROM c", &[]).await.unwrap(), 0);
        assert_eq!(db.raw_execute("CREATE TABLE t (a)", &[]).await.unwrap(), 0);
        assert_eq!(db.raw_execute("VACUUM", &[]).await.unwrap(), 0);
        let row = one(&db, "SELECT data->>'$.n' AS n FROM c", &[]).await;
        assert_eq!(row, r#"{"n":2}"#);
        let error = db.raw_query("SELECT * FROM nope", &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotRegistered);
        db.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_failure_leaves_nothing_done() {
        let db = database().await;
        let sql = "INSERT OR FAIL INTO c (id, data) VALUES ('1', jsonb('{}')), ('1', jsonb('{}'))";
        let error = db.raw_execute(sql, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        let row = one(&db, "SELECT count(*) AS n FROM c", &[]).await;
        assert_eq!(row, r#"{"n":0}"#);
        db.close().await.unwrap();
    }
}
