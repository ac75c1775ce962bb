//! `den copy`.

use clap::Args;
use den::transfer;

use crate::{
    commands::transferred::{self, OnExisting},
    context::Context,
    failure::Outcome,
    progress::Progress,
    url::Missing,
};

/// Copy documents into another database, of whichever engine, and compare.
///
/// Indexes are made when the application registers its types there. A SQLite file is made if it is
/// not there.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The database to read.
    source: String,
    /// The database to write.
    target: String,
    /// Only these collections.
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',')]
    collections: Vec<String>,
    /// What becomes of what is there.
    #[arg(short, long, default_value = "require-empty")]
    mode: OnExisting,
    /// Go on where an earlier try has ended: what is there and equal is left as it is.
    #[arg(long)]
    resume: bool,
    /// Copy everything, or nothing.
    #[arg(long, conflicts_with = "resume")]
    whole: bool,
    /// Do not read the copy again and compare it.
    #[arg(long)]
    no_verify: bool,
}

impl Copy {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let source = cx.open_url(&self.source, Missing::Refuse).await?;
        let target = cx.open_url(&self.target, Missing::Create).await?;
        let progress = Progress::new(cx);
        let mut copy = transfer::copy(&source, &target)
            .mode(self.mode.into())
            .resume(self.resume)
            .verify(!self.no_verify)
            .on_progress(progress.of_transfer());
        if self.whole {
            copy = copy.in_one_transaction();
        }
        if !self.collections.is_empty() {
            copy = copy.collections(self.collections);
        }
        let done = copy.await;
        progress.done();
        transferred::report(&done?, "copied", cx)
    }
}
