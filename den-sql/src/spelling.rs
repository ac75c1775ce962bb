//! What both dialects spell alike.

use den_backend::CompareOp;

use crate::{
    dialect::Predicates,
    source::{Scalar, Source},
    statement::Param,
    text::prefix_end,
    writer::SqlWriter,
};

/// The operator between two values of one type.
pub(crate) fn operator(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => " = ",
        CompareOp::Lt => " < ",
        CompareOp::Le => " <= ",
        CompareOp::Gt => " > ",
        CompareOp::Ge => " >= ",
    }
}

/// Conditions joined by `OR`, in parentheses.
#[derive(Debug, Default)]
pub(crate) struct Either {
    written: bool,
}

impl Either {
    /// Writes what stands before the next condition.
    pub(crate) fn next(&mut self, sql: &mut SqlWriter) {
        sql.push(if self.written { " OR " } else { "(" });
        self.written = true;
    }

    /// Whether there is none so far.
    pub(crate) fn is_empty(&self) -> bool {
        !self.written
    }

    /// Writes the end; without any condition none holds.
    pub(crate) fn end(self, sql: &mut SqlWriter) {
        sql.push(if self.written { ")" } else { "FALSE" });
    }
}

/// Writes that two operands compare so as values of a type with an order, one condition for each
/// type that both may have.
pub(crate) fn compare_typed(
    dialect: &dyn Predicates,
    sql: &mut SqlWriter,
    either: &mut Either,
    op: CompareOp,
    sides: [&Source<'_>; 2],
) {
    let [left, right] = sides;
    for scalar in Scalar::ALL {
        if left.may_be(scalar) && right.may_be(scalar) {
            either.next(sql);
            dialect.typed(sql, left, scalar);
            sql.push(operator(op));
            dialect.typed(sql, right, scalar);
        }
    }
}

/// Writes that a text lies in the range of texts that start with `prefix`.
pub(crate) fn prefix_range(
    dialect: &dyn Predicates,
    sql: &mut SqlWriter,
    source: &Source<'_>,
    prefix: &str,
) {
    sql.push("(");
    dialect.typed(sql, source, Scalar::Text);
    sql.push(" >= ").bind(Param::Text(prefix.to_owned()));
    if let Some(end) = prefix_end(prefix) {
        sql.push(" AND ");
        dialect.typed(sql, source, Scalar::Text);
        sql.push(" < ").bind(Param::Text(end));
    }
    sql.push(")");
}
