//! `den count`.

use clap::Args;
use serde_json::json;

use crate::{context::Context, documents::filter_of, failure::Outcome};

/// Count documents.
#[derive(Debug, Args)]
pub(crate) struct Count {
    /// The collection.
    collection: String,
    /// Which documents; all without one. See `den find --help`.
    filter: Option<String>,
}

impl Count {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let filter = filter_of(self.filter.as_deref())?;
        let db = cx.open().await?;
        let query = db.collection(&self.collection).query().filter(filter);
        let count = query.count().await?;
        match cx.out.is_json() {
            true => cx.out.json(&json!({ "count": count })),
            false => cx.out.line(count.to_string()),
        }
    }
}
