//! The workloads on SQLite, beside `rusqlite`.

use den::prelude::*;
use den_backend::{FieldKind, FieldPath};
use rusqlite::{Connection, params};

use crate::{
    FILTER, GET, INSERT, Rows, SAVE_ALL, SEED,
    article::{Article, COLLECTION, article, stamped},
    timing::duel,
};

pub(crate) async fn run() -> den::Result<Rows> {
    let folder = tempfile::tempdir().map_err(Error::custom)?;
    let url = |name: &str| format!("sqlite:///{}", folder.path().join(name).display());
    let db = prepare(&url("den.db")).await?;
    // The same tables for the hand-written code, in a file of its own.
    prepare(&url("raw.db")).await?.close().await?;
    let mut raw = Raw::open(&folder.path().join("raw.db")).map_err(Error::custom)?;
    let ids = Article::query(&db).ids().await?;
    let raw_ids = raw.ids().map_err(Error::custom)?;
    let a = Article::fields();

    let mut rows = Rows::new();
    rows.push(
        duel(
            "get by id",
            GET.rounds,
            GET.times,
            async |n| Article::find(&db, &ids[n % SEED]).await.map(drop),
            async |n| raw.get(&raw_ids[n % SEED]).map(drop).map_err(Error::custom),
        )
        .await?,
    );
    rows.push(
        duel(
            "filter + sort + limit 10",
            FILTER.rounds,
            FILTER.times,
            async |_| {
                let found = Article::query(&db)
                    .filter(a.status.eq("published"))
                    .sort(a.published_at.desc())
                    .limit(10)
                    .all()
                    .await?;
                assert_eq!(found.len(), 10);
                Ok(())
            },
            async |_| {
                let found = raw.newest("published", 10).map_err(Error::custom)?;
                assert_eq!(found.len(), 10);
                Ok(())
            },
        )
        .await?,
    );
    rows.push(
        duel(
            "insert one",
            INSERT.rounds,
            INSERT.times,
            async |n| article(SEED + n).insert(&db).await,
            async |n| raw.insert(&stamped(SEED + n)).map_err(Error::custom),
        )
        .await?,
    );
    rows.push(
        duel(
            "save_all 1000",
            SAVE_ALL.rounds,
            SAVE_ALL.times,
            async |n| {
                let mut batch: Vec<Article> = (0..1000)
                    .map(|i| article(1_000_000 + n * 1000 + i))
                    .collect();
                Article::save_all(&db, &mut batch).await
            },
            async |n| {
                let batch: Vec<Article> = (0..1000)
                    .map(|i| stamped(1_000_000 + n * 1000 + i))
                    .collect();
                raw.insert_all(&batch).map_err(Error::custom)
            },
        )
        .await?,
    );
    db.close().await?;
    Ok(rows)
}

async fn prepare(url: &str) -> den::Result<Db> {
    let db = Db::open(url).await?;
    db.register::<(Article,)>().await?;
    let mut seed: Vec<Article> = (0..SEED).map(article).collect();
    Article::insert_many(&db, &mut seed).await?;
    Ok(db)
}

/// What one would write without den.
struct Raw {
    connection: Connection,
    get: String,
    insert: String,
    newest: String,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Raw {
    fn open(path: &std::path::Path) -> Result<Self> {
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
            connection,
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

    fn ids(&self) -> Result<Vec<String>> {
        let all = sql(&["SELECT id FROM ", COLLECTION, " ORDER BY id"]);
        let mut statement = self.connection.prepare(&all)?;
        let ids = statement.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    fn get(&self, id: &str) -> Result<Article> {
        let mut statement = self.connection.prepare_cached(&self.get)?;
        let mut rows = statement.query(params![id])?;
        let row = rows.next()?.ok_or("no such article")?;
        Ok(serde_json::from_str(row.get_ref(0)?.as_str()?)?)
    }

    fn newest(&self, status: &str, limit: i64) -> Result<Vec<Article>> {
        let mut statement = self.connection.prepare_cached(&self.newest)?;
        let mut rows = statement.query(params![status, limit])?;
        let mut articles = Vec::new();
        while let Some(row) = rows.next()? {
            articles.push(serde_json::from_str(row.get_ref(0)?.as_str()?)?);
        }
        Ok(articles)
    }

    fn insert(&self, article: &Article) -> Result<()> {
        let json = serde_json::to_string(article)?;
        let mut statement = self.connection.prepare_cached(&self.insert)?;
        statement.execute(params![article.id().as_str(), json])?;
        Ok(())
    }

    fn insert_all(&mut self, articles: &[Article]) -> Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
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

/// The generated column of an indexed text field, quoted.
fn column(field: &str) -> String {
    let path = FieldPath::parse(field).expect("a plain name");
    sql(&["\"", &den_sql::column_name(&path, FieldKind::Text), "\""])
}

fn sql(parts: &[&str]) -> String {
    parts.concat()
}
