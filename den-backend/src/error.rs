//! The one error type of den.

use std::{borrow::Cow, fmt, sync::Arc};

use crate::{FieldKind, FieldPath, check::TOO_DEEP};

/// What den's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed. Callers branch on [`Error::kind`].
///
/// # Behavior
///
/// - `Display` says what failed in one line: never a document's content, never a password, never
///   the text of [`source`](std::error::Error::source) a second time.
/// - The driver's own error, where there is one, is the `source`.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    collection: Option<String>,
    id: Option<String>,
    constraint: Option<Constraint>,
    violations: Vec<Violation>,
    offenders: Vec<String>,
    code: Option<String>,
    retryable: Option<bool>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// The application's own error, whose text is `message`.
    custom: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of failure a caller can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The document is not there.
    NotFound,
    /// One document was asked for and several match.
    MultipleMatches,
    /// A unique index, or the id, already holds this value.
    Duplicate,
    /// The document was changed by someone else since it was loaded.
    RevisionConflict,
    /// The document type or collection was not registered with this database.
    NotRegistered,
    /// The document breaks a declared rule.
    Validation,
    /// The query, path, pattern, token or option makes no sense.
    InvalidQuery,
    /// The document cannot be stored: NaN, NUL, a number out of range, duplicate keys.
    InvalidDocument,
    /// A number that was to be computed lies outside of what its type can hold.
    OutOfRange,
    /// This backend cannot do that exactly, so it does not do it at all.
    Unsupported,
    /// No driver is registered for the scheme of the URL, or several are.
    UnknownScheme,
    /// The row or database is locked by someone else.
    Locked,
    /// The database broke a deadlock by ending this transaction.
    Deadlock,
    /// The database could not serialise this transaction with a concurrent one.
    Serialization,
    /// The time allowed is over.
    Timeout,
    /// The connection is gone, or could not be made.
    ConnectionLost,
    /// The connection was lost during commit: the outcome is not known.
    CommitUnknown,
    /// The transaction is already committed or rolled back.
    TransactionClosed,
    /// A link points to a document that is not there.
    DanglingLink,
    /// Documents still link to this one, and a rule says that it stays as long as they do.
    Restricted,
    /// The document carries no snapshot to compare with.
    NoSnapshot,
    /// A migration failed.
    Migration,
    /// What is stored cannot be read as what it should be.
    Corrupt,
    /// A hook, or the application's own code in a transaction, refused.
    Hook,
    /// The database reported something else.
    Backend,
}

/// A unique index or other constraint, in the document's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    name: String,
    fields: Vec<String>,
    rule: ConstraintRule,
}

/// What a constraint asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConstraintRule {
    /// No two documents have the same values.
    Unique,
    /// There is a value.
    Required,
    /// The value is of a type.
    Type,
    /// There are values, and no two documents have the same.
    Key,
    /// A filter.
    Check,
}

/// One broken rule of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The dotted path of the field; empty for a rule about the whole document.
    pub path: String,
    /// A short stable code, such as `range`.
    pub code: String,
    /// What is wrong, for a person.
    pub message: String,
}

impl Error {
    /// Creates an error: `message` says what failed, lower case, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            collection: None,
            id: None,
            constraint: None,
            violations: Vec::new(),
            offenders: Vec::new(),
            code: None,
            retryable: None,
            source: None,
            custom: None,
        }))
    }

    /// The error for a value that is taken under a unique index.
    pub fn duplicate(constraint: Constraint) -> Self {
        let message = constraint.refusal();
        Self::new(ErrorKind::Duplicate, message).with_constraint(constraint)
    }

    /// The error for a document that breaks a constraint other than unique values.
    ///
    /// # Behavior
    ///
    /// - The violation has the constraint's first field, and the word of its rule as code.
    pub fn broken(constraint: Constraint) -> Self {
        let rule = constraint.rule;
        let message = match rule {
            ConstraintRule::Required | ConstraintRule::Key => "must have a value",
            ConstraintRule::Type => "is of another type than it must be",
            ConstraintRule::Unique | ConstraintRule::Check => "breaks a rule of the collection",
        };
        let name = constraint.name();
        let message = format!("{message} (constraint {name})");
        let path = match rule {
            ConstraintRule::Check => String::new(),
            ConstraintRule::Unique
            | ConstraintRule::Required
            | ConstraintRule::Type
            | ConstraintRule::Key => constraint.fields.first().cloned().unwrap_or_default(),
        };
        Self::validation([Violation::new(path, rule.word(), message)]).with_constraint(constraint)
    }

    /// The error for a collection that was never registered.
    pub fn not_registered(collection: &str) -> Self {
        Self::new(
            ErrorKind::NotRegistered,
            "the collection is not registered with this database; call `db.register::<T>()` with \
             its document type first",
        )
        .with_collection(collection)
    }

    /// The error for a document that breaks rules.
    ///
    /// # Behavior
    ///
    /// - `Display` says the first violation, and how many more there are.
    pub fn validation(violations: impl Into<Vec<Violation>>) -> Self {
        let violations = violations.into();
        let message = match violations.as_slice() {
            [] => "validation failed".to_owned(),
            [only] => format!("validation failed: {only}"),
            [first, more @ ..] => format!("validation failed: {first} (and {} more)", more.len()),
        };
        Self::new(ErrorKind::Validation, message).with_violations(violations)
    }

    /// The error for a field that a patch cannot set, because `parent`, the first of its parents
    /// that is no object, holds a value of this kind.
    pub fn parent_holds(field: &FieldPath, parent: &FieldPath, kind: FieldKind) -> Self {
        let holds = in_words(kind);
        Self::new(
            ErrorKind::InvalidDocument,
            format!("the field `{field}` cannot be set, because `{parent}` holds {holds}"),
        )
    }

    /// The error for a field that a change cannot be made to, because it holds a value of this kind,
    /// and the change needs another.
    pub fn field_holds(field: &FieldPath, kind: FieldKind, needed: FieldKind) -> Self {
        let (holds, needed) = (in_words(kind), in_words(needed));
        Self::new(
            ErrorKind::InvalidDocument,
            format!("the field `{field}` holds {holds}, but the change needs {needed}"),
        )
    }

    /// The error for a field that a patch cannot set, because documents would nest too deep with the
    /// value there.
    pub fn nested_too_deep(field: &FieldPath) -> Self {
        Self::cannot_be_set(field, TOO_DEEP)
    }

    /// The error for a field that cannot be set to a value.
    pub(crate) fn cannot_be_set(field: &FieldPath, why: &'static str) -> Self {
        Self::new(
            ErrorKind::InvalidDocument,
            format!("the field `{field}` cannot be set to this value: {why}"),
        )
    }

    /// The error for a number that cannot be computed.
    pub fn out_of_range() -> Self {
        Self::new(
            ErrorKind::OutOfRange,
            "a computed number is too large or too small for its type",
        )
    }

    /// Wraps an error of the application, for instance to roll a transaction back.
    ///
    /// # Behavior
    ///
    /// - The kind is `Hook`; `Display` is the wrapped error's text and `source` its source.
    /// - [`downcast_ref`](Self::downcast_ref) gives the wrapped error back.
    pub fn custom(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = error.into();
        let mut it = Self::new(ErrorKind::Hook, error.to_string());
        it.0.custom = Some(Arc::from(error));
        it
    }

    /// The application's error that was wrapped with [`custom`](Self::custom), if it is an `E`.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.0.custom.as_deref()?.downcast_ref()
    }

    /// Says something else.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Puts `context` in front of the message: `context: message`.
    #[must_use]
    pub fn with_context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message).into();
        self
    }

    /// Names the collection concerned.
    #[must_use]
    pub fn with_collection(mut self, collection: impl Into<String>) -> Self {
        self.0.collection = Some(collection.into());
        self
    }

    /// Names the document concerned.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.0.id = Some(id.into());
        self
    }

    /// Names the constraint that refused.
    #[must_use]
    pub fn with_constraint(mut self, constraint: Constraint) -> Self {
        self.0.constraint = Some(constraint);
        self
    }

    /// Adds the stored documents that are in the way.
    #[must_use]
    pub fn with_offenders(mut self, ids: impl Into<Vec<String>>) -> Self {
        self.0.offenders = ids.into();
        self
    }

    /// Adds the rules that were broken.
    #[must_use]
    pub fn with_violations(mut self, violations: Vec<Violation>) -> Self {
        self.0.violations = violations;
        self
    }

    /// Adds the engine's own code: an SQLSTATE, or SQLite's extended result code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Says whether trying again may succeed, where the kind alone does not tell.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same operation, or the whole transaction, may succeed when tried again.
    ///
    /// # Behavior
    ///
    /// - True for `Locked`, `Deadlock` and `Serialization`, unless the backend said otherwise.
    /// - Never true for `RevisionConflict` (the document must be loaded again first) and
    ///   `CommitUnknown` (the first try may have succeeded).
    pub fn is_retryable(&self) -> bool {
        self.0.retryable.unwrap_or(matches!(
            self.0.kind,
            ErrorKind::Locked | ErrorKind::Deadlock | ErrorKind::Serialization
        ))
    }

    /// The collection concerned, where there is one.
    pub fn collection(&self) -> Option<&str> {
        self.0.collection.as_deref()
    }

    /// The id of the document concerned, where there is one.
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// The constraint that refused, with the document's fields, on a `Duplicate`.
    pub fn constraint(&self) -> Option<&Constraint> {
        self.0.constraint.as_ref()
    }

    /// The rules that were broken, on a `Validation`.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The ids of stored documents that are in the way of what was asked, the first few in order of id:
    /// those that break a constraint that was to be made.
    pub fn offenders(&self) -> &[String] {
        &self.0.offenders
    }

    /// The engine's own code: an SQLSTATE (`23505`) or SQLite's extended result code (`2067`).
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }
}

fn in_words(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Number => "a number",
        FieldKind::Bool => "a bool",
        FieldKind::Array => "an array",
        FieldKind::Object => "an object",
        FieldKind::Any => "another value",
    }
}

impl Violation {
    /// A violation of the rule `code` by the field at `path`. The message ends up in logs, so it
    /// says what is expected rather than what the document holds.
    pub fn new(
        path: impl Into<String>,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            code: code.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Violation {
    /// Writes `path: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl Constraint {
    /// A constraint by its name and the dotted paths of the fields it covers.
    pub fn new(name: impl Into<String>, fields: Vec<String>) -> Self {
        Self {
            name: name.into(),
            fields,
            rule: ConstraintRule::Unique,
        }
    }

    /// The same for another rule than unique values.
    #[must_use]
    pub fn with_rule(mut self, rule: ConstraintRule) -> Self {
        self.rule = rule;
        self
    }

    /// What to say of a document whose values another one has.
    pub fn refusal(&self) -> String {
        let fields = self.fields.join(", ");
        let what = match self.rule {
            ConstraintRule::Key => "key",
            ConstraintRule::Unique
            | ConstraintRule::Required
            | ConstraintRule::Type
            | ConstraintRule::Check => "unique index",
        };
        format!(
            "a document with this {fields} exists already ({what} {})",
            self.name
        )
    }

    /// What it asks for.
    pub fn rule(&self) -> ConstraintRule {
        self.rule
    }

    /// The name of the index or constraint.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The document's fields it covers, as dotted paths.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            message,
            collection,
            id,
            ..
        } = &*self.0;
        f.write_str(message)?;
        match (collection, id) {
            (Some(collection), Some(id)) => write!(f, ": {collection}/{id}"),
            (Some(collection), None) => write!(f, ": {collection}"),
            (None, Some(id)) => write!(f, ": {id}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for ErrorKind {
    /// Writes the name of the kind.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut it = f.debug_struct("Error");
        it.field("kind", &self.0.kind);
        it.field("message", &self.to_string());
        if let Some(constraint) = &self.0.constraint {
            it.field("constraint", constraint);
        }
        if !self.0.violations.is_empty() {
            it.field("violations", &self.0.violations);
        }
        if let Some(code) = &self.0.code {
            it.field("code", code);
        }
        if let Some(source) = &self.0.source {
            it.field("source", source);
        }
        it.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Some(custom) = &self.0.custom {
            return custom.source();
        }
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn the_source_is_not_repeated() {
        let error = Error::new(ErrorKind::Backend, "could not read")
            .with_collection("articles")
            .with_source("disk on fire");
        assert_eq!(error.to_string(), "could not read: articles");
        let source = std::error::Error::source(&error).expect("a source");
        assert_eq!(source.to_string(), "disk on fire");
    }

    #[test]
    fn a_validation_error_says_the_first_violation() {
        let name = Violation::new("name", "length", "must have at least 3 characters");
        let whole = Violation::new("", "dates", "must end after it begins");
        let cases = [
            (Error::validation([]), "validation failed"),
            (
                Error::validation([whole.clone()]),
                "validation failed: must end after it begins",
            ),
            (
                Error::validation([name.clone(), whole.clone(), name.clone()]),
                "validation failed: name: must have at least 3 characters (and 2 more)",
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.kind(), ErrorKind::Validation);
        }
        let error = Error::validation(vec![name.clone(), whole.clone()]);
        assert_eq!(error.violations(), [name, whole]);
    }

    #[test]
    fn a_revision_conflict_is_not_retryable() {
        assert!(!Error::new(ErrorKind::RevisionConflict, "x").is_retryable());
        assert!(Error::new(ErrorKind::Serialization, "x").is_retryable());
    }
}
