//! Differences that were found once, so that they do not come back.

use den_backend::{Query, Value};

use super::{
    documents::{Document, Layout},
    queries::Case,
    search::Pair,
};
use crate::harness::TestDb;

/// One difference: what was stored, how, and what was asked.
pub(super) struct Kept {
    pub(super) name: &'static str,
    layouts: &'static [Layout],
    /// The fields of each document, as JSON; the ids are `a`, `b`, `c` and so on.
    documents: &'static [&'static str],
    query: fn() -> Query,
}

/// The table of them.
pub(super) const KEPT: &[Kept] = &[];

/// Compares the answers, with pages of each size and a delete.
pub(super) async fn check(on: &TestDb, kept: &Kept) {
    let ids = ('a'..='z').map(String::from);
    let documents: Vec<Document> = ids
        .zip(kept.documents)
        .map(|(id, fields)| Document {
            id,
            fields: serde_json::from_str(fields).unwrap(),
        })
        .collect();
    for layout in kept.layouts {
        let pair = Pair::new(on, *layout, "kept");
        for page in [None, Some(1), Some(2)] {
            let case = Case {
                query: (kept.query)(),
                page,
                delete: true,
            };
            if let Err(difference) = pair.check(&documents, case).await {
                panic!("{difference}");
            }
        }
    }
}

/// A value, written as JSON.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
