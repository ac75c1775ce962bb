//! What a change of the schema may say.

use crate::{
    Capabilities, Capability, ConstraintKind, ConstraintMeta, Error, ErrorKind, Expr, FieldPath,
    IndexMeta, Query, Result, SchemaChange,
    check::{OWN_PREFIX, check_collection},
};

impl SchemaChange {
    /// Checks that the change can be made on a backend with these capabilities; `in_transaction` says
    /// where.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` for a name or description that no backend takes, and for den's own collections.
    /// - `Unsupported` for a capability that is missing.
    pub fn check(&self, capabilities: Capabilities, in_transaction: bool) -> Result<()> {
        let needs = |capability: Capability| match capabilities.has(capability) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Unsupported,
                format!("this backend does not support {}", capability.describe()),
            )
            .with_collection(self.collection())),
        };
        if in_transaction {
            needs(Capability::SchemaChanges)?;
        }
        check_name(self.collection())?;
        match self {
            Self::CreateCollection(meta) => meta.check(),
            Self::RenameCollection { to, .. } => {
                needs(Capability::SchemaChanges)?;
                check_name(to)
            }
            Self::CreateIndex { index, collection } => index
                .check()
                .map_err(|error| error.with_collection(collection.as_str())),
            Self::DropCollection(_) | Self::DropIndex { .. } => Ok(()),
            Self::CreateConstraint {
                collection,
                constraint,
            } => {
                needs(Capability::Constraints)?;
                constraint
                    .check(collection, capabilities)
                    .map_err(|error| error.with_collection(collection.as_str()))
            }
            Self::DropConstraint { .. } => needs(Capability::Constraints),
        }
    }
}

impl ConstraintMeta {
    /// Checks that the constraint can be made on a backend with these capabilities.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` for a bad name, no fields, a field twice, no types, and a filter that makes no
    ///   sense or looks at more than the document: other collections, the present time, one engine's own
    ///   functions.
    /// - `Unsupported` for an operator that the backend does not have.
    pub fn check(&self, collection: &str, capabilities: Capabilities) -> Result<()> {
        let name = self.name.as_str();
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(invalid(
                "a constraint name is empty or holds a control character",
            ));
        }
        if name.len() > IndexMeta::MAX_NAME {
            return Err(invalid(format!(
                "the constraint name `{name}` is longer than {} bytes",
                IndexMeta::MAX_NAME
            )));
        }
        let fields = self.kind.fields();
        if fields.is_empty() && !matches!(self.kind, ConstraintKind::Check { .. }) {
            return Err(invalid(format!("the constraint `{name}` has no fields")));
        }
        if fields.iter().any(|it| it.is_root()) {
            return Err(invalid(format!(
                "the constraint `{name}` is about the whole document; name a field"
            )));
        }
        match &self.kind {
            ConstraintKind::Unique { fields } | ConstraintKind::Key { fields } => {
                check_distinct(name, fields)
            }
            ConstraintKind::Required { .. } => Ok(()),
            ConstraintKind::Type { types, .. } if types.is_empty() => {
                Err(invalid(format!("the constraint `{name}` names no type")))
            }
            ConstraintKind::Type { .. } => Ok(()),
            ConstraintKind::Check { filter } => check_alone(filter)
                .and_then(|()| {
                    let mut query = Query::new(collection);
                    query.filter = filter.clone();
                    query.check(capabilities)
                })
                .map_err(|error| {
                    error.with_context(format_args!("the filter of the constraint `{name}`"))
                }),
        }
    }
}

fn check_distinct(name: &str, fields: &[FieldPath]) -> Result<()> {
    for (at, field) in fields.iter().enumerate() {
        if fields.iter().take(at).any(|it| it == field) {
            return Err(invalid(format!(
                "the constraint `{name}` names `{field}` twice"
            )));
        }
    }
    Ok(())
}

/// Refuses what depends on more than the document.
fn check_alone(filter: &Expr) -> Result<()> {
    match filter {
        Expr::Linked { .. } => return Err(invalid("it looks at other documents")),
        Expr::Native(_) => return Err(invalid("it uses a function of one engine alone")),
        Expr::Value(_)
        | Expr::Field(_)
        | Expr::Len(_)
        | Expr::Arithmetic { .. }
        | Expr::Case { .. }
        | Expr::Coalesce(_)
        | Expr::Call { .. }
        | Expr::Compare { .. }
        | Expr::In { .. }
        | Expr::IsNull(_)
        | Expr::Exists(_)
        | Expr::Text { .. }
        | Expr::Matches { .. }
        | Expr::Contains { .. }
        | Expr::IsEmpty(_)
        | Expr::AnyElement { .. }
        | Expr::AllElements { .. }
        | Expr::HasKey { .. }
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_) => {}
    }
    filter.parts().try_for_each(check_alone)
}

fn check_name(collection: &str) -> Result<()> {
    if collection.starts_with(OWN_PREFIX) {
        return Err(
            invalid("names that begin with `_den_` are den's own").with_collection(collection)
        );
    }
    check_collection(collection)
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}
