//! `den schema`.

use clap::{Args, Subcommand};
use den::{
    Db,
    schema::{DryRun, Plan, PlannedAction},
};
use serde_json::{Value, json};

use crate::{
    catalog,
    context::Context,
    failure::{Failure, Outcome},
    output::{DOUBTFUL, GOOD},
    table::clean,
};

/// Compare the database with the application's types, and make it fit.
///
/// The types are known where the application has built this command into its own program, with
/// `den_cli::Cli`. Elsewhere `plan` and `check` say what the database itself knows: indexes that are
/// gone or half built, and records of collections that are gone.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show what `apply` would do.
    Plan {
        /// As statements of the database.
        #[arg(long)]
        sql: bool,
    },
    /// Make the collections and indexes that are missing, and build anew those that changed.
    Apply,
    /// Make sure that there is nothing to apply. Exit code 3 if there is.
    Check,
    /// Drop the indexes that no type declares any more.
    DropStale {
        /// Only show them.
        #[arg(long)]
        dry_run: bool,
    },
}

impl Schema {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        if !cx.has_types() {
            return match self.what {
                What::Plan { sql: false } => faults(&cx.open().await?, cx).await.map(|_| ()),
                What::Check => match faults(&cx.open().await?, cx).await? {
                    0 => Ok(()),
                    _ => Err(Failure::Different),
                },
                What::Plan { sql: true } | What::Apply | What::DropStale { .. } => {
                    Err(Failure::Usage(NO_TYPES.to_owned()))
                }
            };
        }
        let db = cx.open().await?;
        match self.what {
            What::Plan { sql } => {
                let plan = db.schema().plan().await?;
                match sql && !cx.out.is_json() {
                    true => print(&plan.sql(), cx),
                    false => show(&plan, cx),
                }
            }
            What::Apply => show(&db.schema().apply().await?, cx),
            What::Check => {
                let plan = db.schema().plan().await?;
                show(&plan, cx)?;
                match plan.is_empty() {
                    true => Ok(()),
                    false => Err(Failure::Different),
                }
            }
            What::DropStale { dry_run } => drop_stale(&db, dry_run, cx).await,
        }
    }
}

const NO_TYPES: &str = "this program does not know the types of your application; build the command \
     into it with `den_cli::Cli::new().types::<(..)>()`, which takes three lines (see docs/command.md)";

/// What is wrong by the database's own account; how much it is.
async fn faults(db: &Db, cx: &Context) -> Outcome<usize> {
    let faults = catalog::faults(db).await?;
    for fault in &faults {
        match cx.out.is_json() {
            true => cx.out.json(fault)?,
            false => cx.out.line(clean(&fault.to_string()))?,
        }
    }
    if faults.is_empty() && !cx.out.is_json() {
        cx.out.line(cx.out.styled(GOOD, "nothing to do"))?;
    }
    cx.out
        .remark("the application's types are not known here: only recorded indexes were looked at");
    Ok(faults.len())
}

fn show(plan: &Plan, cx: &Context) -> Outcome {
    if !cx.out.is_json() {
        return match plan.is_empty() && plan.stale().is_empty() {
            true => cx.out.line(cx.out.styled(GOOD, "nothing to do")),
            false => print(&plan.to_string(), cx),
        };
    }
    for change in plan.changes() {
        let mut line = match &change.action {
            PlannedAction::CreateCollection => json!({ "action": "create_collection" }),
            PlannedAction::CreateIndex { name } => {
                json!({ "action": "create_index", "index": name })
            }
            PlannedAction::RebuildIndex { name, reason } => {
                json!({ "action": "rebuild_index", "index": name, "reason": reason })
            }
        };
        if let Some(map) = line.as_object_mut() {
            map.insert(
                "collection".to_owned(),
                Value::from(change.collection.as_str()),
            );
            map.insert("statements".to_owned(), json!(change.statements));
        }
        cx.out.json(&line)?;
    }
    for index in plan.stale() {
        cx.out.json(&json!({
            "action": "stale",
            "collection": index.collection,
            "index": index.name,
            "fields": index.fields,
        }))?;
    }
    Ok(())
}

fn print(text: &str, cx: &Context) -> Outcome {
    text.lines().try_for_each(|it| cx.out.line(it))
}

async fn drop_stale(db: &Db, dry_run: bool, cx: &Context) -> Outcome {
    let mode = match dry_run {
        true => DryRun::Yes,
        false => DryRun::No,
    };
    let found = db.schema().drop_stale(mode).await?;
    for (what, index) in found
        .dropped
        .iter()
        .map(|it| (if dry_run { "would drop" } else { "dropped" }, it))
        .chain(found.kept.iter().map(|it| ("kept", it)))
    {
        let fields = index.fields.join(", ");
        match cx.out.is_json() {
            true => cx.out.json(&json!({
                "action": what,
                "collection": index.collection,
                "index": index.name,
                "fields": index.fields,
            }))?,
            false => {
                let (collection, name) = (clean(&index.collection), clean(&index.name));
                cx.out.line(format!(
                    "{what}: {name} of {collection} on {}",
                    clean(&fields)
                ))?;
            }
        }
    }
    if !found.kept.is_empty() {
        cx.out
            .remark("kept: their collections belong to no type that is known here");
    }
    if found.dropped.is_empty() && !cx.out.is_json() {
        cx.out.line(cx.out.styled(DOUBTFUL, "no stale indexes"))?;
    }
    Ok(())
}
