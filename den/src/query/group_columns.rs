//! What an expression about groups is in terms of the rows a backend answers with.

use den_backend::{Aggregate, Error, ErrorKind, Expr, FieldKind, Grouping, Result};

use crate::expr::{aggregate_of, walk};

/// The columns of the rows: keys, then aggregates, which are added as they are asked for.
#[derive(Debug)]
pub(super) struct GroupColumns {
    keys: Vec<Expr>,
    aggregates: Vec<Aggregate>,
}

impl GroupColumns {
    pub(super) fn new(keys: Vec<Expr>) -> Self {
        Self {
            keys,
            aggregates: Vec::new(),
        }
    }

    pub(super) fn into_parts(self) -> (Vec<Expr>, Vec<Aggregate>) {
        (self.keys, self.aggregates)
    }

    /// The expression with columns of the row in the place of keys and aggregates.
    pub(super) fn column(&mut self, mut expr: Expr) -> Result<Expr> {
        self.replace(&mut expr)?;
        Ok(expr)
    }

    fn replace(&mut self, expr: &mut Expr) -> Result<()> {
        if matches!(expr, Expr::Value(_)) {
            return Ok(());
        }
        if let Some(at) = self.keys.iter().position(|it| is_same(it, expr)) {
            let kind = self.keys.get(at).map_or(FieldKind::Any, Expr::kind);
            *expr = Expr::Field(Grouping::column(at, kind)?);
            return Ok(());
        }
        if let Some(aggregate) = aggregate_of(expr) {
            let kind = aggregate.kind();
            let known = self.aggregates.iter().position(|it| *it == aggregate);
            let at = known.unwrap_or(self.aggregates.len());
            if known.is_none() {
                self.aggregates.push(aggregate);
            }
            *expr = Expr::Field(Grouping::column(self.keys.len() + at, kind)?);
            return Ok(());
        }
        if let Expr::Field(field) | Expr::Exists(field) = expr {
            let name = match field.path.is_root() {
                true => "the element".to_owned(),
                false => format!("`{}`", field.path),
            };
            let message = format!(
                "{name} is no key of the groups: name it in `group_by`, or ask for an aggregate of it"
            );
            return Err(Error::new(ErrorKind::InvalidQuery, message));
        }
        // What is said of an element is not about the group.
        if let Expr::AnyElement { array, .. } | Expr::AllElements { array, .. } = expr {
            return self.replace(array);
        }
        let mut parts = walk::parts_mut(expr).into_iter();
        parts.try_for_each(|it| self.replace(it))
    }
}

/// Whether two expressions are the same; the declared kind of a field does not matter, for the same
/// place may be named with a type and without.
fn is_same(key: &Expr, expr: &Expr) -> bool {
    match (key, expr) {
        (Expr::Field(key), Expr::Field(field)) => key.root == field.root && key.path == field.path,
        (key, expr) => key == expr,
    }
}
