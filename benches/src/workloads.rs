//! The workloads: den's side, and what the hand-written side has to answer.

use den::prelude::*;

use crate::{
    article::{Article, article, stamped},
    timing::{Row, duel},
};

/// How many documents there are when reading is measured.
pub(crate) const SEED: usize = 1000;

/// The numbers of rounds and of operations in a round.
struct Size {
    rounds: usize,
    times: usize,
}

const GET: Size = Size {
    rounds: 41,
    times: 500,
};
const FILTER: Size = Size {
    rounds: 41,
    times: 100,
};
const INSERT: Size = Size {
    rounds: 41,
    times: 100,
};
const SAVE_ALL: Size = Size {
    rounds: 15,
    times: 1,
};

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What one would write without den.
pub(crate) trait Raw {
    /// The articles' ids.
    async fn ids(&self) -> Result<Vec<String>, Failure>;

    /// One article.
    async fn get(&self, id: &str) -> Result<Article, Failure>;

    /// The newest articles of a status.
    async fn newest(&self, status: &str, limit: i64) -> Result<Vec<Article>, Failure>;

    /// Stores one article.
    async fn insert(&self, article: &Article) -> Result<(), Failure>;

    /// Stores many articles, all or none.
    async fn insert_all(&self, articles: &[Article]) -> Result<(), Failure>;
}

/// Fills an empty collection.
pub(crate) async fn seed(db: &Db) -> den::Result<()> {
    db.register::<(Article,)>().await?;
    Article::query(db).all_rows().delete().await?;
    let mut seed: Vec<Article> = (0..SEED).map(article).collect();
    Article::insert_many(db, &mut seed).await
}

/// Runs every workload on den and on the hand-written code in turn. They may share a database or
/// have one each.
pub(crate) async fn run(db: &Db, raw: &impl Raw) -> den::Result<Vec<Row>> {
    let ids = Article::query(db).ids().await?;
    let raw_ids = raw.ids().await.map_err(Error::custom)?;
    let a = Article::fields();
    Ok(vec![
        duel(
            "get by id",
            GET.rounds,
            GET.times,
            async |n| Article::find(db, &ids[n % SEED]).await.map(drop),
            async |n| {
                let found = raw.get(&raw_ids[n % SEED]).await;
                found.map(drop).map_err(Error::custom)
            },
        )
        .await?,
        duel(
            "filter + sort + limit 10",
            FILTER.rounds,
            FILTER.times,
            async |_| {
                let found = Article::query(db)
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
        duel(
            "insert one",
            INSERT.rounds,
            INSERT.times,
            async |n| article(1_000_000 + n).insert(db).await,
            async |n| {
                let inserted = raw.insert(&stamped(2_000_000 + n)).await;
                inserted.map_err(Error::custom)
            },
        )
        .await?,
        duel(
            "save_all 1000",
            SAVE_ALL.rounds,
            SAVE_ALL.times,
            async |n| {
                let first = 3_000_000 + n * 1000;
                let mut batch: Vec<Article> = (first..first + 1000).map(article).collect();
                Article::save_all(db, &mut batch).await
            },
            async |n| {
                let first = 4_000_000 + n * 1000;
                let batch: Vec<Article> = (first..first + 1000).map(stamped).collect();
                raw.insert_all(&batch).await.map_err(Error::custom)
            },
        )
        .await?,
    ])
}
