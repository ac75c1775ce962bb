//! Full text.

use den_backend::{
    Error, ErrorKind, Query, RawDocument, Result, Search, SearchQuery, Select, Value,
    search::SnippetOptions,
};

use super::{queryset::invalid, stream::rows_at_once};
use crate::{Db, QuerySet, Record, encode};

/// A document that was found, how well it fits, and a piece of its text; made by
/// [`QuerySet::hits`].
#[derive(Debug, Clone, PartialEq)]
pub struct Hit<T> {
    /// The document.
    pub document: T,
    /// How well it fits: more is better. The number means nothing beside those of the same answer.
    pub score: f64,
    /// A piece of its text around what was found.
    pub snippet: String,
}

impl<T: Record> QuerySet<T> {
    /// Keeps the documents in which these words are found, in the fields that are marked with
    /// `#[den(fts)]`; the best come first, unless the query is sorted.
    ///
    /// # Behavior
    ///
    /// - Any text is valid and never read by the database as its own syntax. One without words finds
    ///   nothing.
    ///
    ///   | written | finds |
    ///   |---|---|
    ///   | `red shoes` | both words, in any fields |
    ///   | `"red shoes"`, `red-shoes` | the one right before the other |
    ///   | `sho*` | words that begin so |
    ///   | `-red`, `-"red shoes"` | documents without |
    ///   | `red OR blue shoes` | `red`, or else both `blue` and `shoes` |
    ///   | `title:red` | in this field only, by its stored path; an unknown one is just more words |
    ///
    /// - A word is a run of letters and digits. Case does not matter, accents do. Which documents are
    ///   found is the same on every backend; in which order of relevance may differ.
    /// - `#[den(fts(weight = 2.0))]` makes finds in a field count more. On the struct,
    ///   `#[den(search(language = "english"))]` finds words whatever their endings, as far as the
    ///   database knows the language, and `#[den(search(substrings))]` finds pieces of three characters
    ///   and more inside of words (SQLite).
    /// - It narrows the query as a filter does: it composes with filters, sorts, limits, pages, counts,
    ///   groups, updates and deletes. Pages by relevance are cut by counting, so they slip when
    ///   documents come and go in between.
    /// - A query is searched once: a second search is a mistake.
    ///
    /// ```
    /// # use den::prelude::*;
    /// #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// struct Article {
    ///     #[serde(flatten)]
    ///     base: Base<Article>,
    ///     #[den(fts(weight = 2.0))]
    ///     title: String,
    ///     #[den(fts)]
    ///     body: String,
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// db.register::<(Article,)>().await?;
    /// let mut article = Article {
    ///     title: "Full text".into(),
    ///     body: "Words are found where they are.".into(),
    ///     ..Article::default()
    /// };
    /// article.save(&db).await?;
    ///
    /// let found = Article::query(&db).search(r#"words "are found" -lost"#).all().await?;
    /// assert_eq!(found.len(), 1);
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub fn search(mut self, text: impl Into<String>) -> Self {
        if self.note_search(text.into()) {
            self.mistake(invalid(
                "a query is searched once; write all words into one search",
            ));
        }
        self
    }

    /// Returns the documents that a [search](Self::search) found, each with its score and a piece of
    /// its text.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Article { #[serde(flatten)] base: Base<Article>, #[den(fts)] title: String }
    /// async fn print_found(db: &Db, words: &str) -> den::Result<()> {
    ///     for hit in Article::query(db).search(words).limit(10).hits().await? {
    ///         println!("{:.2} {}: {}", hit.score, hit.document.title, hit.snippet);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` without a search.
    /// - Else as [`all`](Self::all).
    pub async fn hits(self) -> Result<Vec<Hit<T>>> {
        self.hits_with(SnippetOptions::default()).await
    }

    /// Returns what [`hits`](Self::hits) does, with pieces of text that look otherwise.
    ///
    /// ```
    /// # use den::{SnippetOptions, prelude::*};
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Article { #[serde(flatten)] base: Base<Article>, #[den(fts)] title: String }
    /// async fn found(db: &Db, words: &str) -> den::Result<Vec<den::Hit<Article>>> {
    ///     let options = SnippetOptions {
    ///         before: "<b>".into(),
    ///         after: "</b>".into(),
    ///         words: 30,
    ///         ..SnippetOptions::default()
    ///     };
    ///     Article::query(db).search(words).hits_with(options).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`hits`](Self::hits).
    pub async fn hits_with(self, options: SnippetOptions) -> Result<Vec<Hit<T>>> {
        let no_hits = || {
            let why = "only what is searched for has hits: `.search(..)` comes before";
            invalid(why).with_collection(self.collection())
        };
        if !self.is_search() {
            return Err(no_hits());
        }
        let query = self.checked_as(Select::Scored)?;
        let search = query.search.as_ref().ok_or_else(no_hits)?;
        let session = self.session(&query).await?;
        let rows = rows_at_once(&session, &query).await?;
        drop(session);
        let mut documents = Vec::with_capacity(rows.len());
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let (document, score) = parts(&query.collection, &row)?;
            let value: Value = encode::decode(&query.collection, &row.id, document)?;
            found.push((score, options.snippet(search, &value)));
            let raw = RawDocument {
                body: document.to_vec(),
                id: row.id,
            };
            documents.push(T::decode(&query.collection, &raw)?);
        }
        self.finish(&mut documents).await?;
        let hits = documents.into_iter().zip(found);
        let hits = hits.map(|(document, (score, snippet))| Hit {
            document,
            score,
            snippet,
        });
        Ok(hits.collect())
    }
}

/// The document and the score of a row, which is an array of both. The score comes last and holds no
/// comma.
fn parts<'a>(collection: &str, row: &'a RawDocument) -> Result<(&'a [u8], f64)> {
    let inside = row
        .body
        .strip_prefix(b"[")
        .and_then(|it| it.strip_suffix(b"]"));
    let comma = |it: &[u8]| it.iter().rposition(|byte| *byte == b',');
    let pair = inside.and_then(|it| {
        let (document, score) = it.split_at_checked(comma(it)?)?;
        Some((document, score.get(1..)?))
    });
    let Some((document, score)) = pair else {
        return Err(
            Error::new(ErrorKind::Corrupt, "the stored document cannot be read")
                .with_collection(collection)
                .with_id(&*row.id),
        );
    };
    Ok((document, encode::decode(collection, &row.id, score)?))
}

/// What a text looks for in the documents of a query.
pub(super) fn search_of(db: &Db, query: &Query, text: &str) -> Result<Search> {
    let named = |it: Error| it.with_collection(&query.collection);
    let index = db.search_index(&query.collection).map_err(named)?;
    let index = index.ok_or_else(|| {
        let message = "no field of this type is searched; mark some with `#[den(fts)]`";
        named(Error::new(ErrorKind::InvalidQuery, message))
    })?;
    Ok(Search {
        query: SearchQuery::parse(text, &index),
        ranked: query.sort.is_empty(),
        index: (*index).clone(),
    })
}
