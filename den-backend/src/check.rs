//! The one place where a query is checked before it reaches a backend, and so are patches and
//! descriptions of collections.

mod collection;
mod computed;
mod grouping;
mod patch;
mod schema;
mod stages;
#[cfg(test)]
mod tests;

use crate::{
    Capabilities, Capability, CompareOp, Error, ErrorKind, Expr, Field, NativeKind, Query, Result,
    Root, Value,
};

pub use self::patch::MAX_NESTING;
pub(crate) use self::patch::TOO_DEEP;

/// The deepest nesting of an expression; engines have limits of their own well above it.
const MAX_DEPTH: usize = 100;

/// The deepest nesting of predicates over array elements: SQLite plans at most about twenty.
///
/// Predicates through a link count, for they are queries in queries as well.
const MAX_ELEMENT_DEPTH: usize = 16;

/// The deepest nesting of computed values: some of them are queries in queries.
const MAX_COMPUTED_DEPTH: usize = 32;

/// The deepest nesting of predicates through a link.
const MAX_LINKS: usize = 8;

/// The longest name of a collection, in bytes: PostgreSQL cuts names there.
const MAX_COLLECTION: usize = 63;

/// What the names of den's own tables begin with.
pub(crate) const OWN_PREFIX: &str = "_den_";

impl Query {
    /// Checks that the query makes sense and needs nothing the backend cannot do.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery`: a filter that is no predicate, a null literal in a comparison or set, an
    ///   order of arrays or objects, text with NUL, a number that is not finite, a sort by
    ///   something that is not in the document, a position that does not fit the order or comes
    ///   with a skip, nesting deeper than 100, element predicates in one another deeper than 16, or
    ///   links in one another deeper than 8.
    /// - `NotRegistered` for one of den's own tables in place of a collection.
    /// - `OutOfRange`: a computed value without fields that cannot be computed.
    /// - `Unsupported`: an operator or lock for which a capability is missing.
    pub fn check(&self, capabilities: Capabilities) -> Result<()> {
        check_collection(&self.collection)?;
        let checker = Checker { capabilities };
        let root = checker.rows(self)?;
        for key in &self.sort {
            checker.sort_key(key)?;
        }
        checker.selection(self, root)?;
        if let Some(seek) = &self.seek {
            if seek.keys.len() != self.sort.len() {
                return Err(invalid("the position does not fit the order of the query"));
            }
            if self.search.as_ref().is_some_and(|it| it.ranked) {
                return Err(invalid(
                    "an order by relevance has no positions; page by limit and skip, or sort",
                ));
            }
            if self.skip > 0 {
                return Err(invalid("a page token and `skip` exclude each other"));
            }
            for key in &seek.keys {
                checker.value(key, Depth::default())?;
            }
            check_text(&seek.id)?;
        }
        if self.lock.is_some() {
            checker.needs(Capability::RowLocks)?;
        }
        Ok(())
    }
}

struct Checker {
    capabilities: Capabilities,
}

/// How deep an expression lies.
#[derive(Clone, Copy, Default)]
struct Depth {
    levels: usize,
    elements: usize,
    links: usize,
    computed: usize,
    is_computed: bool,
}

impl Depth {
    fn deeper(mut self) -> Result<Self> {
        if self.levels > MAX_DEPTH {
            return Err(invalid("the filter is nested deeper than 100 levels"));
        }
        self.levels += 1;
        Ok(self)
    }

    fn within_computed(mut self) -> Result<Self> {
        self.computed += 1;
        self.is_computed = true;
        if self.computed > MAX_COMPUTED_DEPTH {
            return Err(invalid("a computed value is nested deeper than 32 levels"));
        }
        Ok(self)
    }

    fn within_elements(mut self) -> Result<Self> {
        self.elements += 1;
        if self.elements > MAX_ELEMENT_DEPTH {
            return Err(invalid(
                "element predicates are nested deeper than 16 levels",
            ));
        }
        Ok(self)
    }

    fn within_link(mut self) -> Result<Self> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(invalid("links are nested deeper than 8 levels"));
        }
        self.within_elements()
    }
}

impl Checker {
    fn needs(&self, capability: Capability) -> Result<()> {
        if self.capabilities.has(capability) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("this backend does not support {}", capability.describe()),
        ))
    }

    fn predicate(&self, expr: &Expr, root: Root, depth: Depth) -> Result<()> {
        let depth = depth.deeper()?;
        match expr {
            Expr::Value(Value::Bool(_)) => Ok(()),
            Expr::Native(native) if native.kind == NativeKind::Bool => {
                self.native(native, root, depth)
            }
            Expr::Value(_)
            | Expr::Field(_)
            | Expr::Len(_)
            | Expr::Arithmetic { .. }
            | Expr::Case { .. }
            | Expr::Coalesce(_)
            | Expr::Call { .. }
            | Expr::Native(_) => Err(invalid("a filter must be a predicate, not a value")),
            Expr::Compare { op, left, right } => {
                for side in [left, right] {
                    self.operand(side, root, depth)?;
                    let Expr::Value(value) = &**side else {
                        continue;
                    };
                    if value.is_null() {
                        return Err(invalid(
                            "nothing compares with null; use `is_null` or `is_not_null`",
                        ));
                    }
                    let has_order = !matches!(value, Value::Array(_) | Value::Object(_));
                    if *op != CompareOp::Eq && !has_order {
                        return Err(invalid("arrays and objects have no order"));
                    }
                }
                Ok(())
            }
            Expr::In { operand, values } => {
                self.operand(operand, root, depth)?;
                for value in values {
                    if value.is_null() {
                        return Err(invalid(
                            "a set of values holds null, which nothing equals; use `is_null`",
                        ));
                    }
                    self.value(value, depth)?;
                }
                Ok(())
            }
            Expr::IsNull(operand) => self.operand(operand, root, depth),
            Expr::IsEmpty(operand) => self.container(operand, root, depth),
            Expr::Exists(field) => self.field(field, root),
            Expr::Text {
                operand, needle, ..
            } => {
                check_text(needle)?;
                self.operand(operand, root, depth)
            }
            Expr::Matches { operand, .. } => {
                self.needs(Capability::Regex)?;
                self.operand(operand, root, depth)
            }
            Expr::Contains { array, value } => {
                self.value(value, depth)?;
                self.container(array, root, depth)
            }
            Expr::AnyElement { array, predicate } | Expr::AllElements { array, predicate } => {
                self.needs(Capability::ElementPredicates)?;
                self.container(array, root, depth)?;
                self.predicate(predicate, Root::Element, depth.within_elements()?)
            }
            Expr::HasKey { object, key } => {
                check_text(key)?;
                self.container(object, root, depth)
            }
            Expr::Linked {
                operand,
                collection,
                predicate,
            } => {
                self.needs(Capability::LinkedPredicates)?;
                if depth.is_computed {
                    return Err(invalid("a computed value cannot look through a link"));
                }
                check_collection(collection)?;
                self.operand(operand, root, depth)?;
                // No element at hand is seen from there.
                self.predicate(predicate, Root::Document, depth.within_link()?)
            }
            Expr::And(all) | Expr::Or(all) => all
                .iter()
                .try_for_each(|it| self.predicate(it, root, depth)),
            Expr::Not(inner) => self.predicate(inner, root, depth),
        }
    }

    /// `root` is where fields may lie: only in the document, or also in the element at hand.
    fn operand(&self, expr: &Expr, root: Root, depth: Depth) -> Result<()> {
        let depth = depth.deeper()?;
        match expr {
            Expr::Value(value) => self.value(value, depth),
            Expr::Field(field) => self.field(field, root),
            Expr::Len(array) => self.container(array, root, depth),
            Expr::Arithmetic { .. }
            | Expr::Case { .. }
            | Expr::Coalesce(_)
            | Expr::Call { .. }
            | Expr::Native(_) => self.computed(expr, root, depth),
            Expr::Compare { .. }
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
            | Expr::Not(_) => Err(invalid("an operand must be a value, not a predicate")),
        }
    }

    fn field(&self, field: &Field, root: Root) -> Result<()> {
        match (field.root, root) {
            (Root::Element, Root::Document) => Err(invalid(
                "a field of an array element was used outside of its element predicate",
            )),
            (Root::Document, _) if field.path.is_root() => {
                Err(invalid("a field of the document needs a path"))
            }
            (Root::Document | Root::Element, _) => Ok(()),
        }
    }

    fn value(&self, value: &Value, depth: Depth) -> Result<()> {
        let depth = depth.deeper()?;
        match value {
            Value::Null | Value::Bool(_) | Value::Int(_) => Ok(()),
            Value::Float(it) if it.is_finite() => Ok(()),
            Value::Float(_) => Err(invalid("NaN and infinities compare with nothing")),
            Value::Text(it) => check_text(it),
            Value::Array(items) => items.iter().try_for_each(|it| self.value(it, depth)),
            Value::Object(map) => map.iter().try_for_each(|(key, it)| {
                check_text(key)?;
                self.value(it, depth)
            }),
        }
    }
}

/// Checks that a name can be a collection's.
///
/// # Errors
///
/// `InvalidQuery` for a name that is empty, longer than 63 bytes or holds a control character;
/// `NotRegistered` for one of den's own.
pub fn check_collection(name: &str) -> Result<()> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(invalid(
            "the collection's name is empty or holds a control character",
        ));
    }
    if name.len() > MAX_COLLECTION {
        return Err(invalid("the collection's name is longer than 63 bytes"));
    }
    if name.starts_with(OWN_PREFIX) {
        return Err(Error::new(
            ErrorKind::NotRegistered,
            "names that begin with `_den_` are den's own and hold no documents",
        ));
    }
    Ok(())
}

fn check_text(text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(invalid(
            "text with a NUL character cannot be stored or found",
        ));
    }
    Ok(())
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}
