//! `den get`.

use clap::Args;

use crate::{
    context::Context,
    documents::pretty,
    failure::{Failure, Outcome},
};

/// Show documents by their ids.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The collection.
    collection: String,
    /// The ids.
    #[arg(required = true)]
    ids: Vec<String>,
}

impl Get {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let db = cx.open().await?;
        let collection = db.collection(&self.collection);
        let mut missing = Vec::new();
        for id in self.ids {
            match collection.get(&id).await? {
                Some(document) if cx.out.is_json() => cx.out.json(&document)?,
                Some(document) => cx.out.line(pretty(&document))?,
                None => missing.push(id),
            }
        }
        match missing.is_empty() {
            true => Ok(()),
            false => Err(Failure::NotFound(format!(
                "not in {}: {}",
                self.collection,
                missing.join(", ")
            ))),
        }
    }
}
