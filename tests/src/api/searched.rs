//! Documents to be searched.

use den::prelude::*;
use serde::{Deserialize, Serialize};

use crate::harness::{Engine, TestDb};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "articles")]
pub(super) struct Article {
    #[serde(flatten)]
    pub(super) base: Base<Article>,
    #[den(fts(weight = 4.0))]
    pub(super) title: String,
    #[den(fts)]
    pub(super) body: Option<String>,
    #[den(fts)]
    pub(super) tags: Vec<String>,
    #[den(index)]
    pub(super) n: i64,
    pub(super) more: More,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct More {
    #[den(fts(weight = 0.5))]
    #[serde(rename = "foot note")]
    pub(super) note: String,
}

pub(super) fn article(n: i64, title: &str, body: &str) -> Article {
    Article {
        title: title.to_owned(),
        body: Some(body.to_owned()),
        n,
        ..Article::default()
    }
}

pub(super) async fn given(on: &TestDb, articles: impl IntoIterator<Item = Article>) -> &Db {
    let db = on.with::<(Article,)>().await;
    let mut articles: Vec<Article> = articles.into_iter().collect();
    Article::insert_many(db, &mut articles).await.unwrap();
    db
}

pub(super) async fn given_four(on: &TestDb) -> &Db {
    let articles = [
        article(1, "Rust for den", "how documents lie in tables"),
        article(2, "Cooking", "a den of rust-free pans, and full-text menus"),
        article(3, "Full text search", "words are found where they lie"),
        Article {
            tags: vec!["rust".into(), "full text".into()],
            more: More {
                note: "see chapter one".into(),
            },
            ..article(4, "Tags", "")
        },
    ];
    given(on, articles).await
}

pub(super) fn searched(db: &Db, text: &str) -> QuerySet<Article> {
    Article::query(db).search(text)
}

/// Runs a statement as another program would.
pub(super) async fn execute(on: &TestDb, statement: &str) {
    match on.engine() {
        Engine::Sqlite => {
            let file = rusqlite::Connection::open(on.file()).unwrap();
            file.execute_batch(statement).unwrap();
        }
        Engine::Postgres => {
            let client = on.plain_connection().await;
            client.batch_execute(statement).await.unwrap();
        }
        Engine::Memory => panic!("there are no statements"),
    }
}

/// The numbers of what a query finds, in its order.
pub(super) async fn numbers(query: QuerySet<Article>) -> Vec<i64> {
    let found = query.all().await.unwrap();
    found.iter().map(|it| it.n).collect()
}

/// The numbers of what a search finds, in order.
pub(super) async fn finds(db: &Db, text: &str) -> Vec<i64> {
    numbers(searched(db, text).sort(Article::fields().n.asc())).await
}
