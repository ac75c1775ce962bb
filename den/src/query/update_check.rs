//! Whether changes may be made: den's own fields, and fields that nobody declared.

use den_backend::{
    ArithmeticOp, Capability, Change, Error, ErrorKind, Field, FieldKind, FieldPath, Patch, Result,
    Value,
};

use crate::{
    Db, Timestamp,
    expr::{fitting::counted, refuse_aggregates, walk::set_time_in},
    fields::schema::Reads,
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
    /// What was named by handles, below a parent.
    nested: Vec<FieldPath>,
    /// The integers that numbers must stay among.
    ranges: Vec<(FieldPath, (i64, i64))>,
    pub(super) error: Option<Error>,
    /// Whether fields may be named that nobody declared.
    pub(super) unknown_fields: bool,
    /// Whether a changed document may not read as its type, for all that the compiler has seen.
    may_not_read: bool,
}

/// Changes that were checked.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) patch: Patch,
    /// Whether each changed document has to be read as its type, because it might not.
    pub(crate) reads_back: bool,
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
        } else if place.path.segments().len() > 1 {
            self.nested.push(place.path.clone());
        }
        place.path
    }

    /// Notes where a change leaves nothing.
    pub(super) fn emptied(&mut self, place: Place, may_be_missing: bool) -> FieldPath {
        self.may_not_read |= place.is_known && !may_be_missing;
        match place.is_known {
            true => place.path,
            false => self.place(place),
        }
    }

    /// Notes where a change counts.
    pub(super) fn counted(&mut self, place: Place, range: Option<(i64, i64)>) -> FieldPath {
        if let Some(range) = range {
            self.ranges.push((place.path.clone(), range));
        }
        self.place(place)
    }

    /// Notes that a changed document may not read as its type.
    pub(super) fn may_not_read(&mut self) {
        self.may_not_read = true;
    }

    /// The changes as a patch, checked; those that name fields by path against what is declared.
    pub(crate) fn into_patch(
        mut self,
        db: &Db,
        declared: impl FnOnce() -> Option<Declared>,
    ) -> Result<Ready> {
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
        let is_clear = self.untyped.is_empty() && self.nested.is_empty();
        if !is_clear
            && !self.unknown_fields
            && let Some(declared) = declared()
        {
            // A parent that is null becomes an object that holds nothing else.
            self.may_not_read |= self.nested.iter().any(|it| declared.may_lack_parent(it));
            for path in &self.untyped {
                check_known(&declared, path)?;
            }
            for change in &self.changes {
                if self.untyped.contains(change.path()) {
                    check_kind(&declared, change)?;
                    self.may_not_read |= !fits(&declared, change)?;
                    if let Some(Reads::Integers(least, most)) = declared.reads_at(change.path()) {
                        self.ranges.push((change.path().clone(), (least, most)));
                    }
                }
            }
        }
        let patch = Patch::new(self.changes);
        patch.check(db.capabilities())?;
        patch.check_engine(db.backend().name())?;
        let computes = db.capabilities().has(Capability::Expressions);
        let (patch, is_bounded) = bounded(patch, &self.ranges, computes);
        Ok(Ready {
            patch,
            reads_back: !self.unknown_fields && (self.may_not_read || !is_bounded),
        })
    }
}

/// Engines take long for patches that change what they have changed; more numbers are looked at by den.
const MOST_GUARDS: usize = 16;

/// Has numbers stay among the integers that their fields hold; answers whether that is certain now.
fn bounded(mut patch: Patch, ranges: &[(FieldPath, (i64, i64))], computes: bool) -> (Patch, bool) {
    let overlap = |a: &FieldPath, b: &FieldPath| {
        a.segments().starts_with(b.segments()) || b.segments().starts_with(a.segments())
    };
    let mut is_certain = true;
    let mut guards = Vec::new();
    for change in &patch.changes {
        let (path, op, by) = match change {
            Change::Inc { path, by } => (path, ArithmeticOp::Add, by),
            Change::Mul { path, by } => (path, ArithmeticOp::Mul, by),
            Change::Set { .. }
            | Change::Unset { .. }
            | Change::SetExpr { .. }
            | Change::Min { .. }
            | Change::Max { .. }
            | Change::Push { .. }
            | Change::AddToSet { .. }
            | Change::Pull { .. }
            | Change::PopFirst { .. }
            | Change::PopLast { .. }
            | Change::Rename { .. } => continue,
        };
        let range = ranges.iter().find(|(it, _)| it == path).map(|it| it.1);
        let Some(range) = range.filter(|it| *it != (i64::MIN, i64::MAX)) else {
            continue;
        };
        let touches = |it: &Change| match it {
            Change::Rename { from, to } => overlap(from, path) || overlap(to, path),
            Change::Set { .. }
            | Change::Unset { .. }
            | Change::SetExpr { .. }
            | Change::Inc { .. }
            | Change::Mul { .. }
            | Change::Min { .. }
            | Change::Max { .. }
            | Change::Push { .. }
            | Change::AddToSet { .. }
            | Change::Pull { .. }
            | Change::PopFirst { .. }
            | Change::PopLast { .. } => overlap(it.path(), path),
        };
        if !computes
            || guards.len() == MOST_GUARDS
            || patch.changes.iter().filter(|it| touches(it)).count() > 1
        {
            // What is there when its turn comes is not what was there before.
            is_certain = false;
            continue;
        }
        let field = Field::document(path.clone(), FieldKind::Number);
        guards.push(Change::SetExpr {
            path: path.clone(),
            value: counted(field, op, by, range),
        });
    }
    patch.changes.extend(guards);
    (patch, is_certain)
}

/// Whether a declared field certainly reads as its type after this change.
///
/// # Errors
///
/// `InvalidQuery` for a change after which it certainly does not.
fn fits(declared: &Declared, change: &Change) -> Result<bool> {
    let path = change.path();
    if declared.may_lack_parent(path) {
        return Ok(false);
    }
    let Some(reads) = declared.reads_at(path) else {
        return Ok(false);
    };
    Ok(match change {
        Change::Set { value, .. } | Change::Min { value, .. } | Change::Max { value, .. } => {
            match (reads, value) {
                (Reads::Json, _)
                | (Reads::Text, Value::Text(_))
                | (Reads::Bool, Value::Bool(_))
                | (Reads::Number, Value::Int(_) | Value::Float(_)) => true,
                (Reads::Integers(least, most), Value::Int(it)) if (least..=most).contains(it) => {
                    true
                }
                (Reads::Integers(..), Value::Int(_) | Value::Float(_)) => {
                    return Err(no_such_integer(path, reads));
                }
                (Reads::Text | Reads::Bool | Reads::Number | Reads::Integers(..), _) => false,
            }
        }
        Change::Inc { by, .. } | Change::Mul { by, .. } => match (reads, by) {
            (Reads::Integers(..), Value::Float(_)) => return Err(no_such_integer(path, reads)),
            (Reads::Integers(..) | Reads::Number | Reads::Json, _) => true,
            (Reads::Text | Reads::Bool, _) => false,
        },
        Change::SetExpr { .. }
        | Change::Push { .. }
        | Change::AddToSet { .. }
        | Change::Pull { .. }
        | Change::PopFirst { .. }
        | Change::PopLast { .. } => reads == Reads::Json,
        Change::Unset { .. } | Change::Rename { .. } => false,
    })
}

fn no_such_integer(path: &FieldPath, reads: Reads) -> Error {
    let range = match reads {
        Reads::Integers(i64::MIN, i64::MAX)
        | Reads::Text
        | Reads::Bool
        | Reads::Number
        | Reads::Json => String::new(),
        Reads::Integers(least, most) => format!(" from {least} to {most}"),
    };
    invalid(format!(
        "the field `{path}` is declared as an integer{range}, which it would not be after this change"
    ))
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
                FieldKind::Array => Err(invalid(format!(
                    "`{path}` cannot be changed, because `{0}` is declared as an array: a patch reaches \
                     no elements; put the whole array there, or use `push`, `add_to_set`, `pull`, \
                     `pop_first` and `pop_last` on `{0}`",
                    field.path
                ))),
                FieldKind::Text | FieldKind::Number | FieldKind::Bool => Err(invalid(format!(
                    "nothing lies at `{path}`, because `{}` is declared as {}",
                    field.path,
                    describe(field.kind)
                ))),
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
