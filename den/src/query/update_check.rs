//! Whether changes may be made: den's own fields, and fields that nobody declared.

use den_backend::{Change, Error, ErrorKind, FieldKind, FieldPath, Patch, Result};

use crate::{
    Db, Timestamp,
    expr::{refuse_aggregates, walk::set_time_in},
    query::{
        declared::Declared,
        update_fields::{Place, kind_of},
    },
    soft_delete::{DELETE_REASON, DELETED_AT, DELETED_BY},
    write::{new_revision, set_or_unset},
};

/// Changes under way, and the first mistake among them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(super) changes: Vec<Change>,
    /// What was named by path, which the compiler could not see.
    untyped: Vec<FieldPath>,
    pub(super) error: Option<Error>,
    /// Whether fields may be named that nobody declared.
    pub(super) unknown_fields: bool,
}

/// The fields that den looks after itself, and what to do instead of changing them.
const OWN: [(&str, &str); 7] = [
    ("_id", "a document keeps its id for life"),
    ("_rev", "den changes it with every write"),
    (
        "_created_at",
        "den sets it when the document is first inserted",
    ),
    ("_updated_at", "den changes it with every write"),
    (DELETED_AT, MARK),
    (DELETED_BY, MARK),
    (DELETE_REASON, MARK),
];

const MARK: &str = "`delete` and `restore` change it";

impl Draft {
    /// Adds a change, or notes what is wrong with it.
    pub(super) fn add(&mut self, change: impl FnOnce(&mut Self) -> Result<Change>) {
        match change(self) {
            Ok(change) => self.changes.push(change),
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
    }

    /// Notes where a change is made.
    pub(super) fn place(&mut self, place: Place) -> FieldPath {
        if !place.is_known {
            self.untyped.push(place.path.clone());
        }
        place.path
    }

    /// The changes as a patch, checked; those that name fields by path against what is declared.
    pub(crate) fn into_patch(
        mut self,
        db: &Db,
        declared: impl FnOnce() -> Option<Declared>,
    ) -> Result<Patch> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let now = db.now();
        for change in &mut self.changes {
            if let Change::SetExpr { value, .. } = change {
                refuse_aggregates(value)?;
                set_time_in(value, now);
            }
        }
        for change in &self.changes {
            refuse_own(change.path())?;
            if let Change::Rename { from, .. } = change {
                refuse_own(from)?;
            }
        }
        if !self.untyped.is_empty()
            && !self.unknown_fields
            && let Some(declared) = declared()
        {
            for path in &self.untyped {
                check_known(&declared, path)?;
            }
            for change in &self.changes {
                if self.untyped.contains(change.path()) {
                    check_kind(&declared, change)?;
                }
            }
        }
        let patch = Patch::new(self.changes);
        patch.check(db.capabilities())?;
        patch.check_engine(db.backend().name())?;
        Ok(patch)
    }
}

/// Adds what den changes itself on every write.
pub(crate) fn with_own_changes(
    mut patch: Patch,
    has_revision: bool,
    now: Timestamp,
) -> Result<Patch> {
    let now = set_or_unset("_updated_at", Some(now))?;
    patch.changes.push(now);
    if has_revision {
        let rev = set_or_unset("_rev", Some(new_revision()))?;
        patch.changes.push(rev);
    }
    Ok(patch)
}

fn refuse_own(path: &FieldPath) -> Result<()> {
    let first = path.segments().first();
    let own = OWN
        .iter()
        .find(|(name, _)| first.is_some_and(|it| it == name));
    match own {
        Some((name, instead)) => Err(invalid(format!(
            "the field `{name}` is den's own and cannot be changed by a patch: {instead}"
        ))),
        None => Ok(()),
    }
}

fn check_known(declared: &Declared, path: &FieldPath) -> Result<()> {
    if declared.is_open_at(path) {
        return Ok(());
    }
    for field in &declared.fields {
        let lies_above = path.segments().starts_with(field.path.segments());
        if field.path.segments().starts_with(path.segments()) {
            return Ok(());
        }
        if lies_above {
            return match field.kind {
                FieldKind::Object | FieldKind::Any => Ok(()),
                FieldKind::Text | FieldKind::Number | FieldKind::Bool | FieldKind::Array => {
                    Err(invalid(format!(
                        "nothing lies at `{path}`, because `{}` is declared as {}",
                        field.path,
                        describe(field.kind)
                    )))
                }
            };
        }
    }
    let meant = match declared.nearest(path) {
        Some(it) => format!("did you mean `{it}`?"),
        None => "to change what the type does not declare, say `.with_unknown_fields()`".to_owned(),
    };
    Err(invalid(format!(
        "the type of the documents declares no field `{path}`; {meant}"
    )))
}

/// Makes sure that a declared field will hold what it is declared to hold.
fn check_kind(declared: &Declared, change: &Change) -> Result<()> {
    let path = change.path();
    let Some(kind) = declared.kind_of(path) else {
        return Ok(());
    };
    let needed = match change {
        Change::Set { value, .. } | Change::Min { value, .. } | Change::Max { value, .. } => {
            kind_of(value)
        }
        Change::SetExpr { value, .. } => Some(value.kind()),
        Change::Inc { .. } | Change::Mul { .. } => Some(FieldKind::Number),
        Change::Push { .. }
        | Change::AddToSet { .. }
        | Change::Pull { .. }
        | Change::PopFirst { .. }
        | Change::PopLast { .. } => Some(FieldKind::Array),
        Change::Unset { .. } | Change::Rename { .. } => None,
    };
    match needed {
        Some(needed) if needed != kind && needed != FieldKind::Any && kind != FieldKind::Any => {
            Err(invalid(format!(
                "the field `{path}` is declared as {}, and this change is for {}",
                describe(kind),
                describe(needed)
            )))
        }
        Some(_) | None => Ok(()),
    }
}

const fn describe(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Number => "a number",
        FieldKind::Bool => "a bool",
        FieldKind::Array => "an array",
        FieldKind::Object => "an object",
        FieldKind::Any => "anything",
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}
