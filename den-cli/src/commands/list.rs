//! `den ls`.

use clap::Args;
use serde_json::json;

use crate::{
    context::Context,
    failure::Outcome,
    table::{Align, Table},
    units,
};

/// List the collections.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only the names, without counting documents.
    #[arg(long)]
    names: bool,
}

impl List {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let db = cx.open().await?;
        let collections = db.collections().await?;
        if self.names {
            for name in collections {
                match cx.out.is_json() {
                    true => cx.out.json(&json!({ "collection": name }))?,
                    false => cx.out.line(crate::table::clean(&name))?,
                }
            }
            return Ok(());
        }
        let mut table = Table::default()
            .column("collection", Align::Left)
            .column("documents", Align::Right);
        for name in collections {
            let count = db.collection(&name).query().count().await?;
            match cx.out.is_json() {
                true => cx
                    .out
                    .json(&json!({ "collection": name, "documents": count }))?,
                false => table.row([name, units::count(count)]),
            }
        }
        if cx.out.is_json() {
            return Ok(());
        }
        if table.is_empty() {
            cx.out.remark("no collections");
            return Ok(());
        }
        cx.out.table(&table)
    }
}
