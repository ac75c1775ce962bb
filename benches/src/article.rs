//! The document of the benchmarks: the predecessor's article, 1.3 KB of JSON, six plain indexes and
//! a unique one.

use std::collections::BTreeMap;

use den::prelude::*;
use den_backend::{FieldKind, FieldPath};
use serde::{Deserialize, Serialize};

/// The collection's name, which is the table's.
pub(crate) const COLLECTION: &str = "bench_articles";

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "bench_articles")]
pub(crate) struct Article {
    #[serde(flatten)]
    pub(crate) base: Base<Article>,
    #[den(index)]
    pub(crate) title: String,
    #[den(unique)]
    pub(crate) slug: String,
    pub(crate) body: String,
    pub(crate) summary: String,
    #[den(index)]
    pub(crate) status: String,
    #[den(index)]
    pub(crate) category: String,
    #[den(index)]
    pub(crate) tags: Vec<String>,
    #[den(index)]
    pub(crate) price: f64,
    pub(crate) stock: i64,
    #[den(index)]
    pub(crate) published_at: Timestamp,
    pub(crate) author: String,
    pub(crate) meta: BTreeMap<String, Json>,
}

/// 141 words of text with one `Cicero` among them.
const BODY: &str = "It is a long established fact that a reader will be distracted by the readable \
content of a page when looking at its layout. The point of using such a text is that it has a more \
or less normal distribution of letters, as opposed to using content here again and again, making it \
look like readable English. Many desktop publishing packages and web page editors now use it as \
their default model text, and a search for it will uncover many sites still in their infancy. \
Various versions have evolved over the years, sometimes by accident, sometimes on purpose with \
injected humour and the like. It has roots in a piece of classical Latin literature by Cicero, \
which makes it over two thousand years old, and a professor looked up one of the more obscure words \
and went through its citations to discover the undoubtable source.";

const STATUS: [&str; 3] = ["draft", "published", "archived"];
const CATEGORY: [&str; 6] = [
    "news",
    "review",
    "tutorial",
    "opinion",
    "analysis",
    "interview",
];

/// Article number `n`.
pub(crate) fn article(n: usize) -> Article {
    let signed = i64::try_from(n).unwrap_or(i64::MAX);
    let published = Timestamp::from_unix_micros((1_700_000_000 + signed * 3600) * 1_000_000);
    Article {
        title: format!("Article {n:06}: The quick brown fox"),
        slug: format!("article-{n:06}"),
        body: BODY.to_owned(),
        summary: "What the quick brown fox did when the lazy dog was asleep, in brief..".to_owned(),
        status: STATUS[n % STATUS.len()].to_owned(),
        category: CATEGORY[n % CATEGORY.len()].to_owned(),
        tags: ["rust", "database", "jsonb"].map(String::from).to_vec(),
        price: (n % 100) as f64 + 0.99,
        stock: signed % 1000,
        published_at: published.unwrap_or_default(),
        author: "01HZZZZZZZZZZZZZZZZZZZZZZZ".to_owned(),
        meta: BTreeMap::from([
            ("views".to_owned(), Json::from(n * 17)),
            ("featured".to_owned(), Json::from(n.is_multiple_of(7))),
            ("locale".to_owned(), Json::from("en-US")),
        ]),
        ..Article::default()
    }
}

/// Article number `n` as hand-written code would store it: with an id and its times.
pub(crate) fn stamped(n: usize) -> Article {
    let mut article = article(n);
    article.base.id = Id::generate();
    article.base.created_at = Timestamp::now();
    article.base.updated_at = article.base.created_at;
    article
}

/// The generated column of an indexed text field, quoted.
pub(crate) fn column(field: &str) -> String {
    let path = FieldPath::parse(field).expect("a plain name");
    sql(&["\"", &den_sql::column_name(&path, FieldKind::Text), "\""])
}

/// SQL text from its parts.
pub(crate) fn sql(parts: &[&str]) -> String {
    parts.concat()
}
