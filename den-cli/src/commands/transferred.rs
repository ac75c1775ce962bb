//! What was transferred, as a table.

use clap::ValueEnum;
use den::transfer::{Mode, Transferred};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    table::{Align, Table},
    units,
};

/// What becomes of what the collections hold already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OnExisting {
    /// They must not hold any document.
    #[default]
    RequireEmpty,
    /// They keep theirs and get more; an id that is taken is an error.
    Append,
    /// They get the new ones in place of theirs, in one transaction.
    Replace,
    /// They keep theirs but for those with the id of a new one.
    Upsert,
}

impl From<OnExisting> for Mode {
    fn from(it: OnExisting) -> Self {
        match it {
            OnExisting::RequireEmpty => Self::RequireEmpty,
            OnExisting::Append => Self::Append,
            OnExisting::Replace => Self::Replace,
            OnExisting::Upsert => Self::Upsert,
        }
    }
}

/// Shows what was transferred.
pub(crate) fn report(done: &Transferred, heading: &str, cx: &Context) -> Outcome {
    if cx.out.is_json() {
        for it in &done.collections {
            cx.out.json(&json!({
                "collection": it.name,
                "documents": it.documents,
                "resumed": it.resumed,
                "bad": it.bad,
                "sha256": it.sha256,
            }))?;
        }
    } else {
        let resumed = done.collections.iter().any(|it| it.resumed > 0);
        let mut table = Table::default()
            .column("collection", Align::Left)
            .column(heading, Align::Right);
        if resumed {
            table = table.column("there already", Align::Right);
        }
        if done.bad() > 0 {
            table = table.column("bad", Align::Right);
        }
        for it in &done.collections {
            let mut row = vec![it.name.clone(), units::count(it.documents)];
            if resumed {
                row.push(units::count(it.resumed));
            }
            if done.bad() > 0 {
                row.push(units::count(it.bad));
            }
            table.row(row);
        }
        match table.is_empty() {
            true => cx.out.remark("no collections"),
            false => cx.out.table(&table)?,
        }
    }
    match done.bad() {
        0 => Ok(()),
        1 => Err(Failure::NotFound(
            "1 document was left out; see the file of bad lines".into(),
        )),
        bad => Err(Failure::NotFound(format!(
            "{} documents were left out; see the file of bad lines",
            units::count(bad)
        ))),
    }
}
