//! What may be grouped.

use super::{Checker, Depth, check_collection, invalid};
use crate::{
    AggregateFunction, Capabilities, Capability, Expr, FieldPath, Grouping, Query, Result, Root,
    Select, Sort,
};

impl Grouping {
    /// Checks that this can be computed over the rows of `query` by a backend that can do so much.
    ///
    /// # Errors
    ///
    /// As [`Query::check`], and `InvalidQuery` for a query with order, window, selection or lock, for
    /// a grouping without keys and aggregates, and for a filter or order that looks at something
    /// else than the row of a group.
    pub fn check(&self, query: &Query, capabilities: Capabilities) -> Result<()> {
        check_collection(&query.collection)?;
        let checker = Checker { capabilities };
        checker.needs(Capability::Groups)?;
        let root = checker.rows(query)?;
        let is_plain = query.sort.is_empty()
            && !query.has_window()
            && query.distinct_by.is_empty()
            && query.lock.is_none()
            && query.select == Select::Document;
        if !is_plain {
            return Err(invalid(
                "what is grouped has no order, limit, skip or lock of its own; give them to the \
                 groups",
            ));
        }
        if self.keys.is_empty() && self.aggregates.is_empty() {
            return Err(invalid("a grouping needs a key or an aggregate"));
        }
        for key in &self.keys {
            checker.argument(key, root, Depth::default())?;
            if key.is_constant() {
                return Err(invalid("a constant is no key of a group"));
            }
        }
        for aggregate in &self.aggregates {
            match (&aggregate.operand, aggregate.function) {
                (Some(operand), _) => checker.argument(operand, root, Depth::default())?,
                (None, AggregateFunction::Count) => {}
                (None, _) => return Err(invalid("this aggregate needs an operand")),
            }
        }
        checker.predicate(&self.having, Root::Document, Depth::default())?;
        let columns = self.keys.len() + self.aggregates.len();
        check_columns(&self.having, columns)?;
        self.sort.iter().try_for_each(|it| {
            checker.sort_key(it)?;
            check_sort(it, columns)
        })
    }

    /// Checks that the grouping is meant for the engine of this name.
    ///
    /// # Errors
    ///
    /// `Unsupported` for what another engine alone can compute.
    pub fn check_engine(&self, engine: &str) -> Result<()> {
        let operands = self.aggregates.iter().filter_map(|it| it.operand.as_ref());
        let sorted = self.sort.iter().map(|it| &it.key);
        let mut all = self.keys.iter().chain(operands).chain(sorted);
        all.try_for_each(|it| it.check_engine(engine))?;
        self.having.check_engine(engine)
    }
}

fn check_sort(sort: &Sort, columns: usize) -> Result<()> {
    check_columns(&sort.key, columns)
}

/// Checks that all fields of the document are columns of the row.
fn check_columns(expr: &Expr, columns: usize) -> Result<()> {
    if matches!(expr, Expr::Linked { .. }) {
        return Err(invalid("a group links to nothing"));
    }
    let field = if let Expr::Exists(field) = expr {
        Some(field)
    } else {
        expr.as_field()
    };
    if let Some(field) = field
        && field.root == Root::Document
    {
        let column = field.path.segments().first();
        let column = column.and_then(|it| FieldPath::index_of(it));
        if column.is_none_or(|it| it >= columns) {
            return Err(invalid("a group has no such column"));
        }
    }
    let mut parts = expr.parts();
    parts.try_for_each(|it| check_columns(it, columns))
}
