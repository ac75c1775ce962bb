//! The workloads on PostgreSQL, beside `tokio-postgres`.

use den::prelude::*;
use tokio_postgres::{Client, NoTls, Statement};

use crate::{
    article::{Article, COLLECTION, column, sql},
    timing::Row,
    workloads::{self, Failure, Raw, seed},
};

pub(crate) async fn run(url: &str) -> den::Result<Vec<Row>> {
    let db = Db::open(url).await?;
    seed(&db).await?;
    // Both use one table, and write documents of their own.
    let raw = TokioPostgres::connect(url).await.map_err(Error::custom)?;
    let rows = workloads::run(&db, &raw).await?;
    Article::query(&db).all_rows().delete().await?;
    db.close().await?;
    Ok(rows)
}

/// `tokio-postgres` alone.
struct TokioPostgres {
    client: Client,
    get: Statement,
    insert: Statement,
    insert_all: Statement,
    newest: Statement,
}

impl TokioPostgres {
    async fn connect(url: &str) -> Result<Self, Failure> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("{error}");
            }
        });
        let status = column("status");
        let published = column("published_at");
        let get = sql(&["SELECT data::text FROM ", COLLECTION, " WHERE id = $1"]);
        let insert = sql(&[
            "INSERT INTO ",
            COLLECTION,
            " (id, data) VALUES ($1, $2::text::jsonb)",
        ]);
        let insert_all = sql(&[
            "INSERT INTO ",
            COLLECTION,
            " (id, data) SELECT i, d::jsonb FROM unnest($1::text[], $2::text[]) AS t(i, d)",
        ]);
        let newest = sql(&[
            "SELECT data::text FROM ",
            COLLECTION,
            " WHERE ",
            &status,
            " = $1 ORDER BY ",
            &published,
            " DESC NULLS LAST, id DESC LIMIT $2",
        ]);
        client
            .batch_execute(&sql(&["ANALYZE ", COLLECTION]))
            .await?;
        Ok(Self {
            get: client.prepare(&get).await?,
            insert: client.prepare(&insert).await?,
            insert_all: client.prepare(&insert_all).await?,
            newest: client.prepare(&newest).await?,
            client,
        })
    }
}

impl Raw for TokioPostgres {
    async fn ids(&self) -> Result<Vec<String>, Failure> {
        let all = sql(&["SELECT id FROM ", COLLECTION, " ORDER BY id"]);
        let rows = self.client.query(&all, &[]).await?;
        let ids: Result<_, _> = rows.iter().map(|row| row.try_get(0)).collect();
        Ok(ids?)
    }

    async fn get(&self, id: &str) -> Result<Article, Failure> {
        let row = self.client.query_one(&self.get, &[&id]).await?;
        Ok(serde_json::from_str(row.try_get(0)?)?)
    }

    async fn newest(&self, status: &str, limit: i64) -> Result<Vec<Article>, Failure> {
        let rows = self.client.query(&self.newest, &[&status, &limit]).await?;
        let articles = rows
            .iter()
            .map(|row| Ok(serde_json::from_str(row.try_get(0)?)?));
        articles.collect()
    }

    async fn insert(&self, article: &Article) -> Result<(), Failure> {
        let json = serde_json::to_string(article)?;
        let id = article.id().as_str();
        self.client.execute(&self.insert, &[&id, &json]).await?;
        Ok(())
    }

    async fn insert_all(&self, articles: &[Article]) -> Result<(), Failure> {
        let ids: Vec<&str> = articles.iter().map(|it| it.id().as_str()).collect();
        let json: serde_json::Result<Vec<String>> =
            articles.iter().map(serde_json::to_string).collect();
        self.client
            .execute(&self.insert_all, &[&ids, &json?])
            .await?;
        Ok(())
    }
}
