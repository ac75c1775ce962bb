//! The workloads on PostgreSQL, beside `tokio-postgres`.

use den::prelude::*;
use den_backend::{FieldKind, FieldPath};
use tokio_postgres::{Client, NoTls, Statement};

use crate::{
    FILTER, GET, INSERT, Rows, SAVE_ALL, SEED,
    article::{Article, COLLECTION, article, stamped},
    timing::duel,
};

pub(crate) async fn run(url: &str) -> den::Result<Rows> {
    let db = Db::open(url).await?;
    db.register::<(Article,)>().await?;
    Article::query(&db).all_rows().delete().await?;
    let mut seed: Vec<Article> = (0..SEED).map(article).collect();
    Article::insert_many(&db, &mut seed).await?;
    let raw = Raw::connect(url).await.map_err(Error::custom)?;
    raw.analyze().await.map_err(Error::custom)?;
    let ids = Article::query(&db).ids().await?;
    let a = Article::fields();

    let mut rows = Rows::new();
    rows.push(
        duel(
            "get by id",
            GET.rounds,
            GET.times,
            async |n| Article::find(&db, &ids[n % SEED]).await.map(drop),
            async |n| {
                let found = raw.get(ids[n % SEED].as_str()).await;
                found.map(drop).map_err(Error::custom)
            },
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
                let found = raw.newest("published", 10).await.map_err(Error::custom)?;
                assert_eq!(found.len(), 10);
                Ok(())
            },
        )
        .await?,
    );
    // Both write into one table, with numbers of their own.
    rows.push(
        duel(
            "insert one",
            INSERT.rounds,
            INSERT.times,
            async |n| article(1_000_000 + n).insert(&db).await,
            async |n| {
                let inserted = raw.insert(&stamped(2_000_000 + n)).await;
                inserted.map_err(Error::custom)
            },
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
                    .map(|i| article(3_000_000 + n * 1000 + i))
                    .collect();
                Article::save_all(&db, &mut batch).await
            },
            async |n| {
                let batch: Vec<Article> = (0..1000)
                    .map(|i| stamped(4_000_000 + n * 1000 + i))
                    .collect();
                raw.insert_all(&batch).await.map_err(Error::custom)
            },
        )
        .await?,
    );
    Article::query(&db).all_rows().delete().await?;
    db.close().await?;
    Ok(rows)
}

/// What one would write without den.
struct Raw {
    client: Client,
    get: Statement,
    insert: Statement,
    insert_all: Statement,
    newest: Statement,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Raw {
    async fn connect(url: &str) -> Result<Self> {
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
        Ok(Self {
            get: client.prepare(&get).await?,
            insert: client.prepare(&insert).await?,
            insert_all: client.prepare(&insert_all).await?,
            newest: client.prepare(&newest).await?,
            client,
        })
    }

    async fn analyze(&self) -> Result<()> {
        self.client
            .batch_execute(&sql(&["ANALYZE ", COLLECTION]))
            .await?;
        Ok(())
    }

    async fn get(&self, id: &str) -> Result<Article> {
        let row = self.client.query_one(&self.get, &[&id]).await?;
        Ok(serde_json::from_str(row.try_get(0)?)?)
    }

    async fn newest(&self, status: &str, limit: i64) -> Result<Vec<Article>> {
        let rows = self.client.query(&self.newest, &[&status, &limit]).await?;
        let articles = rows
            .iter()
            .map(|row| Ok(serde_json::from_str(row.try_get(0)?)?));
        articles.collect()
    }

    async fn insert(&self, article: &Article) -> Result<()> {
        let json = serde_json::to_string(article)?;
        let id = article.id().as_str();
        self.client.execute(&self.insert, &[&id, &json]).await?;
        Ok(())
    }

    async fn insert_all(&self, articles: &[Article]) -> Result<()> {
        let ids: Vec<&str> = articles.iter().map(|it| it.id().as_str()).collect();
        let json: serde_json::Result<Vec<String>> =
            articles.iter().map(serde_json::to_string).collect();
        self.client
            .execute(&self.insert_all, &[&ids, &json?])
            .await?;
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
