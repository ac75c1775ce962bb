//! `den compare`.

use clap::Args;
use den::transfer::{self, Comparison, Differing};
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output::{BAD, GOOD},
    progress::Progress,
    table::{Align, Table, clean},
    units,
    url::Missing,
};

/// Compare two databases document by document. Exit code 3 if they differ.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// A database.
    left: String,
    /// Another one.
    right: String,
    /// Only these collections.
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',')]
    collections: Vec<String>,
    /// Name at most so many documents of each kind.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    ids: usize,
}

impl Compare {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let left = cx.open_url(&self.left, Missing::Refuse).await?;
        let right = cx.open_url(&self.right, Missing::Refuse).await?;
        let progress = Progress::new(cx);
        let mut compare = transfer::compare(&left, &right)
            .keep(self.ids)
            .on_progress(progress.of_transfer());
        if !self.collections.is_empty() {
            compare = compare.collections(self.collections);
        }
        let found = compare.await;
        progress.done();
        let found = found?;
        match cx.out.is_json() {
            true => lines(&found, cx)?,
            false => show(&found, cx)?,
        }
        match found.is_equal() {
            true => Ok(()),
            false => Err(Failure::Different),
        }
    }
}

fn lines(found: &Comparison, cx: &Context) -> Outcome {
    for it in &found.collections {
        cx.out.json(&json!({
            "collection": it.name,
            "left": it.left,
            "right": it.right,
            "missing": differing(&it.missing),
            "extra": differing(&it.extra),
            "different": differing(&it.different),
        }))?;
    }
    Ok(())
}

fn differing(it: &Differing) -> Value {
    json!({ "count": it.count, "ids": it.ids })
}

fn show(found: &Comparison, cx: &Context) -> Outcome {
    let mut table = Table::default()
        .column("collection", Align::Left)
        .column("left", Align::Right)
        .column("right", Align::Right)
        .column("only left", Align::Right)
        .column("only right", Align::Right)
        .column("different", Align::Right);
    for it in &found.collections {
        table.row([
            it.name.clone(),
            units::count(it.left),
            units::count(it.right),
            units::count(it.missing.count),
            units::count(it.extra.count),
            units::count(it.different.count),
        ]);
    }
    if !table.is_empty() {
        cx.out.table(&table)?;
    }
    for it in &found.collections {
        let kinds = [
            ("only left", &it.missing),
            ("only right", &it.extra),
            ("different", &it.different),
        ];
        for (what, documents) in kinds {
            if documents.ids.is_empty() {
                continue;
            }
            let mut line = format!(
                "{}, {what}: {}",
                clean(&it.name),
                clean(&documents.ids.join(", "))
            );
            let named = u64::try_from(documents.ids.len()).unwrap_or(u64::MAX);
            if documents.count > named {
                line.push_str(&format!(
                    " and {} more",
                    units::count(documents.count - named)
                ));
            }
            cx.out.line(line)?;
        }
    }
    match found.is_equal() {
        true => cx.out.line(cx.out.styled(GOOD, "equal")),
        false => cx.out.line(cx.out.styled(BAD, "different")),
    }
}
