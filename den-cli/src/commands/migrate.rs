//! `den migrate`.

use clap::{Args, Subcommand};
use den::{
    Db, Json,
    migrate::{Event, Heading, Migrator, StepReport, StepState, StepStatus, predecessor_log},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    catalog,
    context::Context,
    failure::{Failure, Outcome},
    output::GOOD,
    progress::{Amount, Progress},
    table::{Align, Table},
    units,
};

/// Run the application's migrations, and say how they stand.
///
/// The steps are known where the application has built this command into its own program, with
/// `den_cli::migrate` or `den_cli::Cli`. Elsewhere `status` shows what the database has noted.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(subcommand)]
    pub(crate) what: What,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Show how each step stands.
    Status,
    /// Show what `up` would do.
    Plan {
        #[command(flatten)]
        rules: Rules,
    },
    /// Run the steps that were not applied yet.
    Up {
        /// Up to this version, which is included.
        version: Option<String>,
        /// Only the next one.
        #[arg(long, conflicts_with = "version")]
        one: bool,
        #[command(flatten)]
        rules: Rules,
    },
    /// Undo the step that was applied last.
    Down {
        /// All steps newer than this version, which stays.
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// All steps.
        #[arg(long, conflicts_with = "to")]
        all: bool,
        #[command(flatten)]
        rules: Rules,
    },
    /// Have the steps up to a version count as applied, without running them.
    Baseline {
        /// The version, which is included.
        version: String,
        #[command(flatten)]
        rules: Rules,
    },
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Rules {
    /// Also run steps that are older than ones that were applied.
    #[arg(long)]
    allow_out_of_order: bool,
    /// Go on although steps were applied that are not declared any more.
    #[arg(long)]
    allow_missing: bool,
}

impl Migrate {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        self.what.run(cx).await
    }
}

impl What {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        if let Self::Status = self {
            return status(&cx.open().await?, cx).await;
        }
        if cx.registries().is_empty() {
            return Err(Failure::Usage(NO_STEPS.to_owned()));
        }
        let db = cx.open().await?;
        let progress = Progress::new(cx);
        let run = Run {
            db: &db,
            cx,
            progress: progress.clone(),
        };
        let done = match self {
            Self::Status => return Ok(()),
            Self::Plan { rules } => return plan(&run.migrator(rules), cx).await,
            Self::Up {
                version,
                one,
                rules,
            } => {
                let migrator = run.migrator(rules);
                match (version, one) {
                    (Some(version), _) => migrator.up_to(&version).await,
                    (None, true) => migrator.up_one().await,
                    (None, false) => migrator.up().await,
                }
            }
            Self::Down { to, all, rules } => {
                let migrator = run.migrator(rules);
                match (to, all) {
                    (Some(version), _) => migrator.down_to(&version).await,
                    (None, true) => migrator.down_all().await,
                    (None, false) => migrator.down().await,
                }
            }
            Self::Baseline { version, rules } => {
                let count = run.migrator(rules).baseline(&version).await?;
                return match cx.out.is_json() {
                    true => cx.out.json(&json!({ "noted": count })),
                    false => cx
                        .out
                        .line(format!("{} noted as applied", units::steps(count))),
                };
            }
        };
        progress.done();
        report(&done?, cx)
    }
}

const NO_STEPS: &str = "this program does not know the migrations of your application; build the \
     command into it with `den_cli::migrate(registry)` (see docs/command.md)";

struct Run<'a> {
    db: &'a Db,
    cx: &'a Context,
    progress: Progress,
}

impl Run<'_> {
    fn migrator(&self, rules: Rules) -> Migrator {
        let mut migrator = migrator(self.db, self.cx);
        if rules.allow_out_of_order {
            migrator = migrator.allow_out_of_order();
        }
        if rules.allow_missing {
            migrator = migrator.allow_missing();
        }
        let progress = self.progress.clone();
        let quiet = self.cx.out.is_quiet() || self.cx.out.is_json();
        // What was run is reported at the end, and a failure as the error it is.
        migrator.on_event(move |event| {
            if let Event::Progress { step, done, total } = event {
                let what = format!("{} {}", step.version, step.name);
                progress.tell(&what, Amount::Documents(*done, *total));
            }
            let remark = match event {
                Event::Waiting { since } => {
                    let since = units::duration(*since);
                    Some(format!(
                        "waiting for another program that migrates ({since})"
                    ))
                }
                Event::Unknown { step } => Some(format!("a newer program has applied {step}")),
                Event::Started { .. }
                | Event::Progress { .. }
                | Event::Finished { .. }
                | Event::Failed { .. }
                | _ => None,
            };
            if let Some(remark) = remark.filter(|_| !quiet) {
                progress.suspend(|| eprintln!("{remark}"));
            }
        })
    }
}

fn migrator(db: &Db, cx: &Context) -> Migrator {
    let registries = cx.registries().iter();
    registries.fold(Migrator::new(db), |it, registry| it.with(registry.clone()))
}

async fn plan(migrator: &Migrator, cx: &Context) -> Outcome {
    let plan = migrator.plan().await?;
    if cx.out.is_json() {
        for it in &plan.steps {
            cx.out.json(&json!({
                "namespace": it.step.namespace,
                "version": it.step.version,
                "name": it.step.name,
                "resumed": it.is_resumed,
            }))?;
        }
        return Ok(());
    }
    match plan.is_empty() {
        true => cx.out.line(cx.out.styled(GOOD, "nothing to do")),
        false => plan.to_string().lines().try_for_each(|it| cx.out.line(it)),
    }
}

fn report(done: &[StepReport], cx: &Context) -> Outcome {
    for it in done {
        match cx.out.is_json() {
            true => cx.out.json(&json!({
                "namespace": it.step.namespace,
                "version": it.step.version,
                "name": it.step.name,
                "direction": it.heading.word(),
                "milliseconds": u64::try_from(it.duration.as_millis()).unwrap_or(u64::MAX),
            }))?,
            false => {
                let word = match it.heading {
                    Heading::Up => "applied",
                    Heading::Down => "undone",
                };
                let took = units::duration(it.duration);
                cx.out.line(format!("{word} {} ({took})", it.step))?;
            }
        }
    }
    if done.is_empty() && !cx.out.is_json() {
        cx.out.line(cx.out.styled(GOOD, "nothing to do"))?;
    }
    Ok(())
}

async fn status(db: &Db, cx: &Context) -> Outcome {
    if cx.registries().is_empty() {
        return noted(db, cx).await;
    }
    let steps = migrator(db, cx).status().await?;
    let rows = steps.iter().map(|StepStatus { step, state }| Row {
        namespace: Some(step.namespace.clone()),
        version: step.version.clone(),
        name: step.name.clone(),
        state: words(state),
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.extend(of_predecessor(db).await?);
    show(&rows, cx)
}

/// How the migrations of a database stand, where the application's are not known.
async fn noted(db: &Db, cx: &Context) -> Outcome {
    let mut steps = catalog::migrations(db).await?;
    steps.sort_by_key(|it| it["number"].as_u64());
    let text = |step: &Json, key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let row = |step: &Json| Row {
        namespace: Some(text(step, "namespace")),
        version: text(step, "version"),
        name: text(step, "name"),
        state: match (step["state"].as_str(), step["error"].as_str()) {
            (Some("applied"), _) => format!("applied {}", text(step, "applied_at")),
            (_, None) => "unfinished".to_owned(),
            (_, Some(error)) => format!("unfinished: {error}"),
        },
    };
    let mut rows: Vec<Row> = steps.iter().map(row).collect();
    rows.extend(of_predecessor(db).await?);
    show(&rows, cx)
}

/// A line of the status.
#[derive(Debug, Serialize)]
struct Row {
    /// None for a step of the predecessor.
    namespace: Option<String>,
    version: String,
    name: String,
    state: String,
}

async fn of_predecessor(db: &Db) -> Outcome<Vec<Row>> {
    let steps = predecessor_log(db).await?.into_iter().map(|it| Row {
        namespace: None,
        version: it.version,
        name: "(by den for Go)".to_owned(),
        state: format!("applied {}", it.applied_at),
    });
    Ok(steps.collect())
}

fn show(rows: &[Row], cx: &Context) -> Outcome {
    if cx.out.is_json() {
        return rows.iter().try_for_each(|it| cx.out.json(it));
    }
    let mut table = Table::default()
        .column("step", Align::Left)
        .column("name", Align::Left)
        .column("state", Align::Left)
        .wrapped();
    for it in rows {
        let step = match &it.namespace {
            Some(namespace) => format!("{namespace}/{}", it.version),
            None => it.version.clone(),
        };
        table.row([step, it.name.clone(), it.state.clone()]);
    }
    match table.is_empty() {
        true => cx.out.line("no migrations"),
        false => cx.out.table(&table),
    }
}

fn words(state: &StepState) -> String {
    match state {
        StepState::Pending => "pending".to_owned(),
        StepState::Applied { at, duration } => {
            let mut text = "applied".to_owned();
            if let Some(at) = at {
                text.push_str(&format!(" {at}"));
            }
            format!("{text}, took {}", units::duration(*duration))
        }
        StepState::Unfinished {
            heading,
            attempts,
            progress,
            error,
        } => {
            let mut text = format!("unfinished ({}, tried {attempts} times)", heading.word());
            if let Some((done, total)) = progress {
                text.push_str(&format!(
                    ", {} of {}",
                    units::count(*done),
                    units::count(*total)
                ));
            }
            if let Some(error) = error {
                text.push_str(": ");
                text.push_str(error);
            }
            text
        }
        StepState::Changed => "changed since it was applied".to_owned(),
        StepState::Unknown | _ => "not declared".to_owned(),
    }
}
