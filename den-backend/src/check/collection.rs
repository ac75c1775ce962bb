//! What a collection and its indexes may be.

use crate::{
    CollectionMeta, Error, ErrorKind, Expr, Field, IndexKind, IndexMeta, Result, Root, Value,
    check::{OWN_PREFIX, check_collection, check_text},
};

/// What den's own tables are called behind `_den_`. A backend may keep an index over members in a
/// table of its own, named alike.
const OWN_TABLES: [&str; 5] = [
    "indexes",
    "attachments",
    "migrations",
    "constraints",
    "transfers",
];

/// The deepest nesting of the filter of an index, which is kept as JSON.
const MAX_DEPTH: usize = 16;

/// The most different weights of a search index: PostgreSQL has no more.
const MAX_WEIGHTS: usize = 4;

impl CollectionMeta {
    /// Whether the collection is den's own: its name begins with `_den_`.
    pub fn is_own(&self) -> bool {
        self.name.starts_with(OWN_PREFIX)
    }

    /// Checks that an application's collection can be made on every backend.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a name that is empty, longer than 63 bytes, holds a control character
    /// or begins with den's own `_den_`; for an index that [cannot be](IndexMeta::check), and for
    /// two of one name.
    pub fn check(&self) -> Result<()> {
        let problem = |error: Error| Err(error.with_collection(self.name.as_str()));
        if self.is_own() {
            return problem(invalid("names that begin with `_den_` are den's own"));
        }
        check_collection(&self.name)?;
        for (at, index) in self.indexes.iter().enumerate() {
            index.check().or_else(problem)?;
            let name = index.name.as_str();
            if self.indexes.iter().take(at).any(|it| it.name == name) {
                return problem(invalid(format!("two indexes are named `{name}`")));
            }
        }
        Ok(())
    }
}

impl IndexMeta {
    /// Checks that the index can be made on every backend.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for one without fields or with a name that is empty, longer than
    /// [`MAX_NAME`](Self::MAX_NAME) bytes, holds a control character or is that of one of den's own
    /// tables (`indexes`, `attachments`, `migrations`, `constraints`, `transfers`); for a filter that looks at
    /// more than fields of the document and literals, and for any filter of an index over members
    /// or for search; for a search index with more than four different weights, or one of substrings
    /// with a language.
    pub fn check(&self) -> Result<()> {
        let name = self.name.as_str();
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(invalid(
                "an index name is empty or holds a control character",
            ));
        }
        if name.len() > Self::MAX_NAME {
            return Err(invalid(format!(
                "the index name `{name}` is longer than {} bytes",
                Self::MAX_NAME
            )));
        }
        if OWN_TABLES.contains(&name) {
            return Err(invalid(format!(
                "an index cannot be named `{name}`, because den keeps a table of its own under \
                 that name"
            )));
        }
        if self.fields.is_empty() {
            return Err(invalid(format!("the index `{name}` has no fields")));
        }
        if (self.kind == IndexKind::Search) != self.search.is_some() {
            return Err(invalid(format!(
                "the index `{name}` is for search exactly if it says how text is read"
            )));
        }
        if let Some(search) = &self.search {
            let is_positive = |it: &f64| it.is_finite() && *it > 0.0;
            if search.weights.len() != self.fields.len() || !search.weights.iter().all(is_positive)
            {
                return Err(invalid(format!(
                    "the search index `{name}` needs one positive weight for each field"
                )));
            }
            let mut different: Vec<f64> = Vec::new();
            for weight in &search.weights {
                if !different.contains(weight) {
                    different.push(*weight);
                }
            }
            if different.len() > MAX_WEIGHTS {
                return Err(invalid(format!(
                    "the search index `{name}` has more than {MAX_WEIGHTS} different weights"
                )));
            }
            if search.substrings && search.language.is_some() {
                return Err(invalid(format!(
                    "the search index `{name}` finds pieces inside of words, which no language has"
                )));
            }
            if !self.filter.is_always() {
                return Err(invalid(format!(
                    "the index `{name}` is for search, so it takes no filter"
                )));
            }
        }
        if self.kind == IndexKind::Members && !self.filter.is_always() {
            return Err(invalid(format!(
                "the index `{name}` is over the members of an array, so it takes no filter"
            )));
        }
        check_filter(&self.filter, 0)
            .map_err(|error| error.with_context(format_args!("the filter of the index `{name}`")))
    }
}

fn check_filter(filter: &Expr, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(invalid("it is nested deeper than 16 levels"));
    }
    match filter {
        Expr::And(all) | Expr::Or(all) => all.iter().try_for_each(|it| check_filter(it, depth + 1)),
        Expr::Not(inner) => check_filter(inner, depth + 1),
        Expr::Compare { op: _, left, right } => {
            let Expr::Value(literal) = &**right else {
                return Err(invalid(
                    "it compares a field with something else than a literal",
                ));
            };
            check_operand(left)?;
            check_literal(literal)
        }
        Expr::In { operand, values } => {
            check_operand(operand)?;
            values.iter().try_for_each(check_literal)
        }
        Expr::IsNull(operand) => check_operand(operand),
        Expr::Exists(field) => check_field(field),
        Expr::Text {
            operand, needle, ..
        } => {
            check_operand(operand)?;
            check_text(needle)
        }
        Expr::Value(_)
        | Expr::Field(_)
        | Expr::Len(_)
        | Expr::Arithmetic { .. }
        | Expr::Case { .. }
        | Expr::Coalesce(_)
        | Expr::Call { .. }
        | Expr::Native(_)
        | Expr::Matches { .. }
        | Expr::Contains { .. }
        | Expr::IsEmpty(_)
        | Expr::AnyElement { .. }
        | Expr::AllElements { .. }
        | Expr::HasKey { .. }
        | Expr::Linked { .. } => Err(invalid(
            "it may only compare fields with literals, test for null, for presence and for text, \
             and join such tests",
        )),
    }
}

fn check_operand(operand: &Expr) -> Result<()> {
    match operand {
        Expr::Field(field) => check_field(field),
        Expr::Value(_)
        | Expr::Len(_)
        | Expr::Arithmetic { .. }
        | Expr::Case { .. }
        | Expr::Coalesce(_)
        | Expr::Call { .. }
        | Expr::Native(_)
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
        | Expr::Linked { .. }
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_) => Err(invalid("it looks at something else than a field")),
    }
}

fn check_field(field: &Field) -> Result<()> {
    match field.root {
        Root::Document if !field.path.is_root() => Ok(()),
        Root::Document | Root::Element => Err(invalid(
            "it looks at something else than a field of the document",
        )),
    }
}

fn check_literal(value: &Value) -> Result<()> {
    match value {
        Value::Bool(_) | Value::Int(_) => Ok(()),
        Value::Float(it) if it.is_finite() => Ok(()),
        Value::Float(_) => Err(invalid("NaN and infinities compare with nothing")),
        Value::Text(it) => check_text(it),
        Value::Null => Err(invalid("nothing compares with null; use `is_null`")),
        Value::Array(_) | Value::Object(_) => {
            Err(invalid("it compares with an array or an object"))
        }
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}
