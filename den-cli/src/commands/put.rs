//! `den put`.

use std::path::PathBuf;

use clap::Args;
use den::{Collection, Db, ErrorKind, Json};
use serde_json::json;

use crate::{
    context::Context,
    documents::{input_is_piped, parse_documents, read_text},
    failure::{Failure, Outcome},
    table::clean,
    units,
    url::Missing,
};

/// Store documents, all of them or none.
///
/// A document with the `_id` of a stored one replaces it. For many documents there is `den import`.
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// The collection.
    collection: String,
    /// The document as JSON; several one after the other, or a list of them, will do too. Without
    /// it, and for `-`, it is read from the standard input.
    document: Option<String>,
    /// Read the documents from a file.
    #[arg(short, long, value_name = "PATH", conflicts_with = "document")]
    file: Option<PathBuf>,
    /// Replace nothing: an `_id` that is taken is an error.
    #[arg(long)]
    new: bool,
    /// Add nothing: an `_id` that is not there is an error.
    #[arg(long, conflicts_with = "new")]
    existing: bool,
    /// Make the collection if it is not there, and a SQLite file too.
    #[arg(long)]
    create: bool,
}

/// What was done with a document.
enum Done {
    Added(String),
    Replaced(String),
}

impl Put {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let documents = parse_documents(&self.text().await?)?;
        if let Some(at) = documents.iter().position(|it| !it.is_object()) {
            let message = format!("a document is a JSON object; number {} is none", at + 1);
            return Err(Failure::Message(message));
        }
        if documents.is_empty() {
            return Err(Failure::Message("there is no document in the input".into()));
        }
        let missing = match self.create {
            true => Missing::Create,
            false => Missing::Refuse,
        };
        let db = cx.open_url(cx.url()?, missing).await?;
        if self.create {
            let meta = den::CollectionMeta::new(self.collection.as_str());
            meta.check()?;
            db.backend().ensure_collection(&meta).await?;
        }
        let done = self.store(&db, documents).await?;
        let mut added = 0;
        for it in &done {
            let (id, word) = match it {
                Done::Added(id) => (id, "added"),
                Done::Replaced(id) => (id, "replaced"),
            };
            added += u64::from(matches!(it, Done::Added(_)));
            match cx.out.is_json() {
                true => cx.out.json(&json!({ "_id": id, "done": word }))?,
                false => cx.out.line(clean(id))?,
            }
        }
        let total = u64::try_from(done.len()).unwrap_or(u64::MAX);
        cx.out.remark(&format!(
            "{} added, {} replaced",
            units::count(added),
            units::count(total - added)
        ));
        Ok(())
    }

    async fn text(&self) -> Outcome<String> {
        match (self.document.as_deref(), self.file.as_deref()) {
            (Some(text), _) if text != "-" => Ok(text.to_owned()),
            (None, None) if !input_is_piped() => Err(Failure::Usage(
                "which document? Give it as JSON, with --file, or through a pipe".into(),
            )),
            (_, file) => read_text(file).await,
        }
    }

    async fn store(&self, db: &Db, documents: Vec<Json>) -> Outcome<Vec<Done>> {
        let stored = db.transaction(async |tx| {
            let collection = tx.collection(self.collection.as_str());
            let mut done = Vec::with_capacity(documents.len());
            for document in documents {
                done.push(self.store_one(&collection, document).await?);
            }
            Ok::<_, den::Error>(done)
        });
        Ok(stored.await?)
    }

    async fn store_one(&self, collection: &Collection, document: Json) -> den::Result<Done> {
        let id = document
            .get("_id")
            .and_then(Json::as_str)
            .map(str::to_owned);
        if let Some(id) = id.filter(|_| !self.new) {
            match collection.replace(document.clone()).await {
                Ok(()) => return Ok(Done::Replaced(id)),
                Err(error) if error.kind() == ErrorKind::NotFound && !self.existing => {}
                Err(error) => return Err(error),
            }
        } else if self.existing {
            // Refused, and the message says why.
            collection.replace(document.clone()).await?;
        }
        collection.insert(document).await.map(Done::Added)
    }
}
