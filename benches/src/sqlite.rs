//! The workloads on SQLite, beside `rusqlite`.

use std::{path::Path, sync::Mutex};

use den::prelude::*;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::{
    article::{Article, COLLECTION, column, sql},
    timing::Row,
    workloads::{self, Failure, Raw, seed},
};

pub(crate) async fn run() -> den::Result<Vec<Row>> {
    let folder = tempfile::tempdir().map_err(Error::custom)?;
    let url = |name: &str| format!("sqlite:///{}", folder.path().join(name).display());
    let db = Db::open(url("den.db")).await?;
    seed(&db).await?;
    // The same tables for the hand-written code, in a file of its own.
    let other = Db::open(url("raw.db")).await?;
    seed(&other).await?;
    other.close().await?;
    let raw = Rusqlite::open(&folder.path().join("raw.db")).map_err(Error::custom)?;
    let rows = workloads::run(&db, &raw).await?;
    db.close().await?;
    Ok(rows)
}

/// `rusqlite` alone.
struct Rusqlite {
    // Never waited for: one task uses it.
    connection: Mutex<Connection>,
    get: String,
    insert: String,
    newest: String,
}

impl Rusqlite {
    fn open(path: &Path) -> Result<Self, Failure> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY;",
        )?;
        connection.set_prepared_statement_cache_capacity(64);
        let status = column("status");
        let published = column("published_at");
        Ok(Self {
            connection: Mutex::new(connection),
            get: sql(&["SELECT json(data) FROM ", COLLECTION, " WHERE id = ?1"]),
            insert: sql(&[
                "INSERT INTO ",
                COLLECTION,
                " (id, data) VALUES (?1, jsonb(?2))",
            ]),
            newest: sql(&[
                "SELECT json(data) FROM ",
                COLLECTION,
                " WHERE ",
                &status,
                " = ?1 ORDER BY ",
                &published,
                " DESC, id DESC LIMIT ?2",
            ]),
        })
    }

    fn connection(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection.lock().expect("no panic while it is held")
    }
}

impl Raw for Rusqlite {
    async fn ids(&self) -> Result<Vec<String>, Failure> {
        let all = sql(&["SELECT id FROM ", COLLECTION, " ORDER BY id"]);
        let connection = self.connection();
        let mut statement = connection.prepare(&all)?;
        let ids = statement.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    async fn get(&self, id: &str) -> Result<Article, Failure> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&self.get)?;
        let mut rows = statement.query(params![id])?;
        let row = rows.next()?.ok_or("no such article")?;
        Ok(serde_json::from_str(row.get_ref(0)?.as_str()?)?)
    }

    async fn newest(&self, status: &str, limit: i64) -> Result<Vec<Article>, Failure> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&self.newest)?;
        let mut rows = statement.query(params![status, limit])?;
        let mut articles = Vec::new();
        while let Some(row) = rows.next()? {
            articles.push(serde_json::from_str(row.get_ref(0)?.as_str()?)?);
        }
        Ok(articles)
    }

    async fn insert(&self, article: &Article) -> Result<(), Failure> {
        let json = serde_json::to_string(article)?;
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&self.insert)?;
        statement.execute(params![article.id().as_str(), json])?;
        Ok(())
    }

    async fn insert_all(&self, articles: &[Article]) -> Result<(), Failure> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut statement = transaction.prepare_cached(&self.insert)?;
            for article in articles {
                let json = serde_json::to_string(article)?;
                statement.execute(params![article.id().as_str(), json])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
