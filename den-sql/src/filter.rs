//! The renderer of filters: walks an expression once and leaves each predicate to the dialect.
//!
//! A dialect's predicate is true where it should be, and false or NULL elsewhere. `AND` and `OR`
//! keep that, so only a negation has to tell NULL from true: it is written `(..) IS NOT TRUE`, which
//! is the exact complement.

use std::{
    borrow::{Borrow, Cow},
    cmp::Ordering,
};

use den_backend::{CompareOp, Expr, Root, TextOp, Value};

use crate::{
    dialect::{Dialect, Quantifier, TextTest},
    layout::{Layout, Layouts},
    source::{Place, Scalar, Scope, Source},
    writer::SqlWriter,
};

/// So many conditions stand side by side; more are written as a balanced tree, because engines
/// read `a AND b AND c` as a list of nested pairs, and SQLite allows a depth of 1000.
const FLAT: usize = 8;

/// Writes filters of one collection in one dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filters<'a> {
    pub(crate) dialect: &'a dyn Dialect,
    pub(crate) layout: &'a Layout,
    /// What is known of the collections that are linked to.
    pub(crate) known: Layouts<'a>,
    pub(crate) scope: Scope,
    /// Whether links are followed for each row by itself.
    by_row: bool,
}

impl<'a> Filters<'a> {
    /// Filters of a statement that reads the table under alias `d`.
    pub(crate) fn of_query(dialect: &'a dyn Dialect, layouts: Layouts<'a>) -> Self {
        Self {
            dialect,
            layout: layouts.own,
            known: layouts,
            scope: Scope::Document,
            by_row: false,
        }
    }

    /// Filters of a definition, which name the table's columns without an alias.
    pub(crate) fn of_table(dialect: &'a dyn Dialect, layout: &'a Layout) -> Self {
        Self {
            dialect,
            layout,
            known: Layouts::new(layout),
            scope: Scope::Table,
            by_row: false,
        }
    }

    /// The same with links followed for each row by itself, whatever it links to by then: a
    /// predicate that no engine makes a join of.
    pub(crate) fn by_row(self) -> Self {
        Self {
            by_row: true,
            ..self
        }
    }

    /// The same over rows whose fields lie elsewhere.
    pub(crate) fn with_layout<'b>(self, layout: &'b Layout) -> Filters<'b>
    where
        'a: 'b,
    {
        Filters { layout, ..self }
    }

    /// The same over the row before or after a change, in a trigger.
    pub(crate) fn with_scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// Writes `filter` over a row of the table.
    pub(crate) fn write(&self, sql: &mut SqlWriter, filter: &Expr) {
        self.predicate(sql, filter, 0);
    }

    /// The place of a field of the document.
    pub(crate) fn place<'p>(&self, path: &'p den_backend::FieldPath) -> Place<'p>
    where
        'a: 'p,
    {
        Place {
            scope: self.scope,
            path,
            layout: self.layout,
        }
    }

    /// `level` is the number of element predicates around the expression.
    pub(crate) fn predicate(&self, sql: &mut SqlWriter, expr: &Expr, level: usize) {
        let source = |expr| Source::of(expr, *self, level);
        match expr {
            Expr::Value(value) => constant(sql, *value == Value::Bool(true)),
            // Not predicates: `Query::check` lets none come here.
            Expr::Field(_) | Expr::Len(_) => constant(sql, false),
            Expr::Arithmetic { .. }
            | Expr::Case { .. }
            | Expr::Coalesce(_)
            | Expr::Call { .. }
            | Expr::Native(_) => self.dialect.typed(sql, &source(expr), Scalar::Bool),
            Expr::Compare { op, left, right } => {
                self.compare(sql, *op, &source(left), &source(right));
            }
            Expr::In { operand, values } => {
                let operand = source(operand);
                match (operand.constant(), values.as_slice()) {
                    (Some(value), _) => {
                        constant(sql, !value.is_null() && values.contains(&value));
                    }
                    // Engines keep the order of an index behind an equality, not behind a set.
                    (None, [only]) => self.compare_literal(sql, CompareOp::Eq, &operand, only),
                    (None, _) if values.iter().all(Value::is_null) => constant(sql, false),
                    (None, _) => self.dialect.is_in(sql, &operand, values),
                }
            }
            Expr::IsNull(operand) => {
                let operand = source(operand);
                match operand.constant() {
                    Some(value) => constant(sql, value.is_null()),
                    None => self.dialect.is_null(sql, &operand),
                }
            }
            Expr::Exists(field) => {
                let place = Place {
                    scope: match field.root {
                        Root::Document => self.scope,
                        Root::Element => Scope::Element(level),
                    },
                    path: &field.path,
                    layout: self.layout,
                };
                self.dialect.exists(sql, &place);
            }
            Expr::Text {
                op,
                ignore_case,
                operand,
                needle,
            } => {
                let test = TextTest {
                    op: *op,
                    ignore_case: *ignore_case,
                    needle,
                };
                self.text(sql, &source(operand), test);
            }
            Expr::Matches { operand, pattern } => {
                self.dialect.matches(sql, &source(operand), pattern);
            }
            Expr::Contains { array, value } => match source(array) {
                Source::Place(place) => self.dialect.contains(sql, &place, value),
                Source::Value(Value::Array(items)) => constant(sql, items.contains(value)),
                Source::Computed(_)
                | Source::Value(_)
                | Source::Len(_)
                | Source::Count(_)
                | Source::Null => {
                    constant(sql, false);
                }
            },
            Expr::IsEmpty(array) => match source(array) {
                Source::Place(place) => self.dialect.is_empty(sql, &place),
                array @ Source::Len(_) => self.dialect.is_null(sql, &array),
                Source::Value(Value::Array(items)) => constant(sql, items.is_empty()),
                Source::Value(value) => constant(sql, value.is_null()),
                Source::Computed(_) | Source::Count(_) => constant(sql, false),
                Source::Null => constant(sql, true),
            },
            Expr::AnyElement { array, predicate } => {
                let array = source(array);
                if !self.member_linked(sql, &array, predicate) {
                    self.elements(sql, Quantifier::Any, &array, predicate, level);
                }
            }
            Expr::AllElements { array, predicate } => {
                self.elements(sql, Quantifier::All, &source(array), predicate, level);
            }
            Expr::HasKey { object, key } => match source(object) {
                Source::Place(place) => self.dialect.has_key(sql, &place, key),
                Source::Value(Value::Object(map)) => constant(sql, map.contains_key(key)),
                Source::Computed(_)
                | Source::Value(_)
                | Source::Len(_)
                | Source::Count(_)
                | Source::Null => {
                    constant(sql, false);
                }
            },
            Expr::Linked {
                operand,
                collection,
                predicate,
            } => {
                // An element predicate around it is a sub-select for each row already.
                let by_row = self.by_row && level == 0;
                if by_row {
                    sql.push("(EXISTS (SELECT 1 FROM (SELECT ");
                }
                self.dialect.typed(sql, &source(operand), Scalar::Text);
                if by_row {
                    sql.push(" AS v) AS o WHERE o.v");
                }
                self.linked_ids(sql, collection, predicate);
                if by_row {
                    sql.push(")) IS TRUE");
                }
            }
            Expr::And(all) if all.is_empty() => constant(sql, true),
            Expr::And(all) => self.tree(sql, all, " AND ", level),
            Expr::Or(any) if any.is_empty() => constant(sql, false),
            Expr::Or(any) if any.len() > FLAT => self.tree(sql, &fused(any), " OR ", level),
            Expr::Or(any) => self.tree(sql, any, " OR ", level),
            Expr::Not(inner) => {
                sql.push("(");
                self.predicate(sql, inner, level);
                sql.push(") IS NOT TRUE");
            }
        }
    }

    fn compare(&self, sql: &mut SqlWriter, op: CompareOp, left: &Source<'_>, right: &Source<'_>) {
        match (left.constant(), right.constant()) {
            (Some(left), Some(right)) => constant(sql, compares(op, &left, &right)),
            (None, Some(value)) => self.compare_literal(sql, op, left, &value),
            (Some(value), None) => self.compare_literal(sql, flipped(op), right, &value),
            (None, None) => self.dialect.compare_sources(sql, op, left, right),
        }
    }

    fn compare_literal(
        &self,
        sql: &mut SqlWriter,
        op: CompareOp,
        source: &Source<'_>,
        value: &Value,
    ) {
        match (op, value) {
            (_, Value::Null)
            | (
                CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge,
                Value::Array(_) | Value::Object(_),
            ) => constant(sql, false),
            (
                CompareOp::Eq | CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge,
                Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::Array(_)
                | Value::Object(_),
            ) => self.dialect.compare(sql, op, source, value),
        }
    }

    fn text(&self, sql: &mut SqlWriter, source: &Source<'_>, test: TextTest<'_>) {
        match test.op {
            TextOp::Equals if !test.ignore_case => {
                let needle = Value::Text(test.needle.to_owned());
                self.compare(sql, CompareOp::Eq, source, &Source::Value(&needle));
            }
            TextOp::Equals | TextOp::StartsWith | TextOp::EndsWith | TextOp::Contains => {
                self.dialect.text(sql, source, test);
            }
        }
    }

    fn elements(
        &self,
        sql: &mut SqlWriter,
        quantifier: Quantifier,
        array: &Source<'_>,
        predicate: &Expr,
        level: usize,
    ) {
        match array {
            Source::Place(_) | Source::Value(Value::Array(_)) => {}
            Source::Computed(_)
            | Source::Value(_)
            | Source::Len(_)
            | Source::Count(_)
            | Source::Null => {
                return constant(sql, false);
            }
        }
        let level = level + 1;
        self.dialect.elements(sql, quantifier, array, level);
        match quantifier {
            Quantifier::Any => self.predicate(sql, predicate, level),
            Quantifier::All => {
                sql.push("(");
                self.predicate(sql, predicate, level);
                sql.push(") IS NOT TRUE");
            }
        }
        sql.push("))");
    }

    /// Writes that what stands before is the id of a document of `collection` that satisfies
    /// `predicate`. The ids are looked up once, whatever row is at hand: the alias `d` within is
    /// that of the linked table, and hides the outer one.
    fn linked_ids(&self, sql: &mut SqlWriter, collection: &str, predicate: &Expr) {
        let unknown;
        let layout = match self.known.of(collection) {
            Some(layout) => layout,
            None => {
                unknown = Layout::new(collection);
                &unknown
            }
        };
        let inner = Filters {
            dialect: self.dialect,
            layout,
            known: self.known,
            scope: Scope::Document,
            by_row: false,
        };
        sql.push(" IN (SELECT d.id FROM ").ident(collection);
        sql.push(" AS d");
        if !predicate.is_always() {
            sql.push(" WHERE ");
            inner.write(sql, predicate);
        }
        sql.push(")");
    }

    /// Writes that an element of the array is such an id, if a members index can look for them and
    /// `predicate` asks for no more.
    fn member_linked(&self, sql: &mut SqlWriter, array: &Source<'_>, predicate: &Expr) -> bool {
        let Expr::Linked {
            operand,
            collection,
            predicate,
        } = predicate
        else {
            return false;
        };
        let (Source::Place(array), Expr::Field(field)) = (array, &**operand) else {
            return false;
        };
        let is_element = field.root == Root::Element && field.path.is_root();
        if !is_element || !self.dialect.text_members(sql, array) {
            return false;
        }
        self.linked_ids(sql, collection, predicate);
        sql.push(")");
        true
    }

    fn tree<E: Borrow<Expr>>(
        &self,
        sql: &mut SqlWriter,
        exprs: &[E],
        operator: &'static str,
        level: usize,
    ) {
        if let [only] = exprs {
            return self.predicate(sql, only.borrow(), level);
        }
        sql.push("(");
        if exprs.len() > FLAT {
            let (left, right) = exprs.split_at(exprs.len() / 2);
            self.tree(sql, left, operator, level);
            sql.push(operator);
            self.tree(sql, right, operator, level);
        } else {
            for (i, expr) in exprs.iter().enumerate() {
                if i > 0 {
                    sql.push(operator);
                }
                self.predicate(sql, expr.borrow(), level);
            }
        }
        sql.push(")");
    }
}

/// Alternatives with neighbours that look for values of one operand made one set, which any
/// engine plans in one go: SQLite takes a minute over 20 000 alternatives of an indexed field.
fn fused(any: &[Expr]) -> Vec<Cow<'_, Expr>> {
    let mut fused: Vec<Cow<'_, Expr>> = Vec::with_capacity(any.len());
    for expr in any {
        if let Some((operand, value)) = equality(expr) {
            if let Some(Cow::Owned(Expr::In {
                operand: of,
                values,
            })) = fused.last_mut()
                && **of == *operand
            {
                values.push(value.clone());
                continue;
            }
            fused.push(Cow::Owned(Expr::In {
                operand: Box::new(operand.clone()),
                values: vec![value.clone()],
            }));
            continue;
        }
        fused.push(Cow::Borrowed(expr));
    }
    fused
}

/// The operand and the literal that an expression says are equal.
fn equality(expr: &Expr) -> Option<(&Expr, &Value)> {
    let Expr::Compare {
        op: CompareOp::Eq,
        left,
        right,
    } = expr
    else {
        return None;
    };
    match (literal(left), literal(right)) {
        (None, Some(value)) => Some((left, value)),
        (Some(value), None) => Some((right, value)),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

fn literal(expr: &Expr) -> Option<&Value> {
    if let Expr::Value(value) = expr {
        Some(value)
    } else {
        None
    }
}

/// Writes a predicate that no document decides.
fn constant(sql: &mut SqlWriter, holds: bool) {
    sql.push(if holds { "TRUE" } else { "FALSE" });
}

fn compares(op: CompareOp, left: &Value, right: &Value) -> bool {
    if op == CompareOp::Eq {
        return !left.is_null() && left == right;
    }
    let Some(order) = left.compare(right) else {
        return false;
    };
    match op {
        CompareOp::Eq => order == Ordering::Equal,
        CompareOp::Lt => order == Ordering::Less,
        CompareOp::Le => order != Ordering::Greater,
        CompareOp::Gt => order == Ordering::Greater,
        CompareOp::Ge => order != Ordering::Less,
    }
}

/// The operator that says the same with its operands exchanged.
fn flipped(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Eq,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
    }
}
