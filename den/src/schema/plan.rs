//! What there is to do, and doing it.

use std::fmt;

use den_backend::{Error, ErrorKind, PlannedAction, PlannedChange, RecordedIndex, Result};

use crate::{Db, schema::stale};

/// What [`Schema::apply`](crate::schema::Schema::apply) would do, or did.
///
/// # Behavior
///
/// - `Display` says it line by line, for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    changes: Vec<PlannedChange>,
    stale: Vec<RecordedIndex>,
}

impl Plan {
    /// What is to be done, by collection.
    pub fn changes(&self) -> &[PlannedChange] {
        &self.changes
    }

    /// The indexes of collections of these types that no type declares. They are in nobody's way;
    /// [`drop_stale`](crate::schema::Schema::drop_stale) drops them.
    pub fn stale(&self) -> &[RecordedIndex] {
        &self.stale
    }

    /// Whether there is nothing to be done. Stale indexes do not count.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The statements that would be run, in the engine's own language, as a script; empty for a backend
    /// that has none.
    pub fn sql(&self) -> String {
        let statements = self.changes.iter().flat_map(|it| &it.statements);
        let mut script = String::new();
        for statement in statements {
            script.push_str(statement.trim_end().trim_end_matches(';'));
            script.push_str(";\n");
        }
        script
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            writeln!(f, "nothing to do")?;
        }
        for change in &self.changes {
            writeln!(f, "{}", Line(change))?;
        }
        for index in &self.stale {
            let RecordedIndex {
                collection,
                name,
                fields,
                ..
            } = index;
            let fields = fields.join(", ");
            writeln!(
                f,
                "(stale: the index `{name}` of `{collection}` on {fields}, which no type declares)"
            )?;
        }
        Ok(())
    }
}

/// A change in words.
struct Line<'a>(&'a PlannedChange);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let collection = &self.0.collection;
        match &self.0.action {
            PlannedAction::CreateCollection => write!(f, "create the collection `{collection}`"),
            PlannedAction::CreateIndex { name } => {
                write!(f, "create the index `{name}` of `{collection}`")
            }
            PlannedAction::RebuildIndex { name, reason } => {
                write!(f, "rebuild the index `{name}` of `{collection}`: {reason}")
            }
        }
    }
}

pub(super) async fn plan(db: &Db) -> Result<Plan> {
    let mut changes = Vec::new();
    let mut stale = Vec::new();
    for meta in db.wanted() {
        changes.extend(db.backend().plan_collection(&meta).await?);
        stale.extend(stale::of_collection(db, &meta).await?);
    }
    Ok(Plan { changes, stale })
}

pub(super) async fn apply(db: &Db) -> Result<Plan> {
    let mut changes = Vec::new();
    let mut stale = Vec::new();
    for meta in db.wanted() {
        let planned = db.backend().plan_collection(&meta).await?;
        if !planned.is_empty() {
            db.backend().ensure_collection(&meta).await?;
            for change in &planned {
                tracing::info!(target: "den::schema", "{}", Line(change));
            }
        }
        changes.extend(planned);
        stale.extend(stale::of_collection(db, &meta).await?);
    }
    Ok(Plan { changes, stale })
}

pub(super) async fn check(db: &Db) -> Result<()> {
    let plan = plan(db).await?;
    if plan.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = plan.changes.iter().map(|it| Line(it).to_string()).collect();
    let count = match lines.len() {
        1 => "1 difference".to_owned(),
        count => format!("{count} differences"),
    };
    Err(Error::new(
        ErrorKind::Migration,
        format!(
            "the database is not as the types declare ({count}; `db.schema().apply()` would put it \
             right): {}",
            lines.join("; ")
        ),
    ))
}
