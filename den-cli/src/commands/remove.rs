//! `den rm`.

use clap::Args;
use den::{Db, Json, QuerySet};
use serde_json::json;

use crate::{
    context::Context,
    documents::{confirm, filter_of, input_is_piped},
    failure::{Failure, Outcome},
    units,
};

/// Delete documents for good, all of them or none.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct Remove {
    /// The collection.
    collection: String,
    /// The ids.
    #[arg(group = "which")]
    ids: Vec<String>,
    /// Delete the documents that pass a filter; see `den find --help`.
    #[arg(short = 'w', long = "where", value_name = "FILTER", group = "which")]
    filter: Option<String>,
    /// Delete every document.
    #[arg(long, group = "which")]
    all: bool,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// Only say how many there are.
    #[arg(long)]
    dry_run: bool,
}

impl Remove {
    pub(crate) async fn run(mut self, cx: &Context) -> Outcome {
        self.ids.sort_unstable();
        self.ids.dedup();
        let filter = filter_of(self.filter.as_deref())?;
        let db = cx.open().await?;
        let count = match self.ids.is_empty() {
            false => self.by_id(&db).await?,
            true => {
                let query = db.collection(&self.collection).query().filter(filter);
                // An empty filter lets every document pass, which may not have been meant.
                let query = match self.all {
                    true => query.all_rows(),
                    false => query,
                };
                self.by_query(query).await?
            }
        };
        match (cx.out.is_json(), self.dry_run) {
            (true, true) => cx.out.json(&json!({ "would_delete": count })),
            (true, false) => cx.out.json(&json!({ "deleted": count })),
            (false, true) => cx
                .out
                .line(format!("would delete {}", units::documents(count))),
            (false, false) => cx.out.line(format!("deleted {}", units::documents(count))),
        }
    }

    async fn by_id(&self, db: &Db) -> Outcome<u64> {
        let work = async |tx: den::Tx| {
            let collection = tx.collection(self.collection.as_str());
            let mut missing = Vec::new();
            for id in &self.ids {
                if collection.get(id).await?.is_none() {
                    missing.push(id.as_str());
                } else if !self.dry_run {
                    collection.delete(id).await?;
                }
            }
            match missing.is_empty() {
                true => Ok(u64::try_from(self.ids.len()).unwrap_or(u64::MAX)),
                false => Err(Failure::NotFound(format!(
                    "nothing was deleted, because these are not in {}: {}",
                    self.collection,
                    missing.join(", ")
                ))),
            }
        };
        db.transaction(work).await
    }

    async fn by_query(&self, query: QuerySet<Json>) -> Outcome<u64> {
        let count = query.clone().count().await?;
        if self.dry_run || count == 0 {
            return Ok(count);
        }
        if !self.yes {
            if input_is_piped() {
                let message = "deleting by a filter needs --yes where nobody can be asked";
                return Err(Failure::Usage(message.into()));
            }
            let documents = units::documents(count);
            let question = format!("Delete {documents} of `{}` for good?", self.collection);
            if !confirm(&question).await? {
                return Err(Failure::Message("nothing was deleted".into()));
            }
        }
        Ok(query.delete().await?)
    }
}
