//! `den checkpoint` and `den restore`.

use std::path::PathBuf;

use clap::Args;
use den::transfer::{self, Checkpoint as Kind};
use serde_json::json;

use crate::{
    commands::transferred::{self, OnExisting},
    context::Context,
    failure::Outcome,
    progress::Progress,
    url::Missing,
};

/// Write a copy of the database to a file, as it is at one moment, while others write.
///
/// Of SQLite it is a database that can be opened as it is, of PostgreSQL an archive.
#[derive(Debug, Args)]
pub(crate) struct Checkpoint {
    /// The file, which must not be there yet.
    path: PathBuf,
}

impl Checkpoint {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let db = cx.open().await?;
        let progress = Progress::new(cx);
        let kind =
            transfer::checkpoint_with_progress(&db, &self.path, progress.of_transfer()).await;
        progress.done();
        let kind = match kind? == Kind::Sqlite {
            true => "sqlite",
            false => "archive",
        };
        match cx.out.is_json() {
            true => cx
                .out
                .json(&json!({ "path": self.path.display().to_string(), "kind": kind })),
            false => {
                cx.out
                    .remark(&format!("written to {} ({kind})", self.path.display()));
                Ok(())
            }
        }
    }
}

/// Read a checkpoint, another archive, or a SQLite database into a database: all of it, or nothing.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The file.
    path: PathBuf,
    /// What becomes of what is there.
    #[arg(short, long, default_value = "require-empty")]
    mode: OnExisting,
}

impl Restore {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let db = cx.open_url(cx.url()?, Missing::Create).await?;
        let progress = Progress::new(cx);
        let restore = transfer::restore(&self.path, &db)
            .mode(self.mode.into())
            .on_progress(progress.of_transfer());
        let done = restore.await;
        progress.done();
        transferred::report(&done?, "restored", cx)
    }
}
