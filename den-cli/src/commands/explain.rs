//! `den explain`.

use clap::Args;
use serde_json::json;

use crate::{
    context::Context,
    documents::filter_of,
    failure::Outcome,
    filter::SortList,
    output::{FAINT, HEADING},
};

/// Show the statement of a query, and how the database would run it.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The collection.
    collection: String,
    /// Which documents; all without one. See `den find --help`.
    filter: Option<String>,
    /// What to sort by, as for `den find`.
    #[arg(short, long, value_name = "FIELDS", allow_hyphen_values = true)]
    sort: Option<SortList>,
    /// At most so many documents.
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl Explain {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let filter = filter_of(self.filter.as_deref())?;
        let db = cx.open().await?;
        let mut query = db.collection(&self.collection).query().filter(filter);
        for order in self.sort.iter().flat_map(SortList::orders) {
            query = query.sort(order);
        }
        if let Some(limit) = self.limit {
            query = query.limit(limit);
        }
        let explain = query.explain().await?;
        if cx.out.is_json() {
            return cx.out.json(&json!({
                "statement": explain.statement,
                "parameters": explain.parameters,
                "plan": explain.plan,
            }));
        }
        cx.out.line(&explain.statement)?;
        for (at, parameter) in explain.parameters.iter().enumerate() {
            let line = format!("  ${} = {}", at + 1, crate::table::clean(parameter));
            cx.out.line(cx.out.styled(FAINT, &line))?;
        }
        cx.out.line("")?;
        cx.out.line(cx.out.styled(HEADING, "plan"))?;
        for line in &explain.plan {
            cx.out.line(line)?;
        }
        Ok(())
    }
}
