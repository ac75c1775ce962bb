//! Walks over expressions: the time of the operation, and how deep they are.

use den_backend::{Error, ErrorKind, Expr, Function, Native, Query, Result, Select, Value};

use super::refuse_aggregates;
use crate::Timestamp;

/// Deeper than this nothing is walked: [`Query::check`] refuses less.
const TOO_DEEP: usize = 256;

/// Refuses an expression that is too deep to be walked.
///
/// # Errors
///
/// `InvalidQuery`.
pub(crate) fn check_depth(expr: &Expr) -> Result<()> {
    match survey(expr, 0, &mut false) {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::InvalidQuery,
            "the expression is nested deeper than 100 levels",
        )),
    }
}

/// As [`check_depth`], for all expressions of a query; and refuses aggregates, which are not about
/// single documents.
///
/// # Errors
///
/// `InvalidQuery`.
pub(crate) fn check_query(query: &Query) -> Result<()> {
    exprs(query).try_for_each(|it| {
        check_depth(it)?;
        refuse_aggregates(it)
    })
}

/// Puts a time in the place of each `den::now()` of a query.
pub(crate) fn set_time(query: &mut Query, now: Timestamp) {
    let selected: &mut [Expr] = match &mut query.select {
        Select::Values(all) => all,
        Select::Document | Select::Id | Select::Value(_) | Select::Scored => &mut [],
    };
    let sorted = query.sort.iter_mut().map(|it| &mut it.key);
    [&mut query.filter]
        .into_iter()
        .chain(sorted)
        .chain(&mut query.distinct_by)
        .chain(selected)
        .for_each(|it| set_time_in(it, now));
}

/// Puts a time in the place of each `den::now()` of an expression; one that is too deep stays as it
/// is, to be refused.
pub(crate) fn set_time_in(expr: &mut Expr, now: Timestamp) {
    let mut asked = false;
    if survey(expr, 0, &mut asked) && asked {
        replace_time(expr, &Value::Text(now.to_string()));
    }
}

/// Refuses an order by what the engine alone can compute, where den has to know the keys.
///
/// # Errors
///
/// `InvalidQuery`.
pub(crate) fn refuse_native_order(query: &Query) -> Result<()> {
    match query.sort.iter().find_map(|it| native(&it.key)) {
        None => Ok(()),
        Some(native) => {
            let message = format!(
                "an order by `{}` has no positions to go on from, because the database alone can \
                 compute it; use `all` with limit and skip",
                native.feature
            );
            Err(Error::new(ErrorKind::InvalidQuery, message))
        }
    }
}

fn native(expr: &Expr) -> Option<&Native> {
    if let Expr::Native(native) = expr {
        return Some(native);
    }
    let mut parts = expr.parts();
    parts.find_map(native)
}

fn exprs(query: &Query) -> impl Iterator<Item = &Expr> {
    let selected = match &query.select {
        Select::Values(all) => all.as_slice(),
        Select::Document | Select::Id | Select::Value(_) | Select::Scored => &[],
    };
    let sorted = query.sort.iter().map(|it| &it.key);
    [&query.filter]
        .into_iter()
        .chain(sorted)
        .chain(&query.distinct_by)
        .chain(selected)
}

/// Whether an expression can be walked; notes whether it asks for the time. All of it is looked at
/// unless it is too deep.
fn survey(expr: &Expr, depth: usize, asked: &mut bool) -> bool {
    *asked |= is_now(expr);
    let mut parts = expr.parts();
    depth < TOO_DEEP && parts.all(|it| survey(it, depth + 1, asked))
}

fn is_now(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Call {
            function: Function::Now,
            ..
        }
    )
}

fn replace_time(expr: &mut Expr, now: &Value) {
    if is_now(expr) {
        *expr = Expr::Value(now.clone());
        return;
    }
    parts_mut(expr)
        .into_iter()
        .for_each(|it| replace_time(it, now));
}

/// The expressions that an expression is directly made of.
pub(crate) fn parts_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Value(_) | Expr::Field(_) | Expr::Exists(_) => Vec::new(),
        Expr::Len(it) | Expr::IsNull(it) | Expr::IsEmpty(it) | Expr::Not(it) => vec![it],
        Expr::Arithmetic { left, right, .. } | Expr::Compare { left, right, .. } => {
            vec![left, right]
        }
        Expr::Case {
            branches,
            otherwise,
        } => {
            let branches = branches.iter_mut();
            let mut parts: Vec<_> = branches.flat_map(|(filter, it)| [filter, it]).collect();
            parts.push(otherwise);
            parts
        }
        Expr::Coalesce(all) | Expr::And(all) | Expr::Or(all) => all.iter_mut().collect(),
        Expr::Call { arguments, .. } => arguments.iter_mut().collect(),
        Expr::Native(native) => native.arguments.iter_mut().collect(),
        Expr::In { operand, .. } | Expr::Text { operand, .. } | Expr::Matches { operand, .. } => {
            vec![operand]
        }
        Expr::Contains { array, .. } => vec![array],
        Expr::HasKey { object, .. } => vec![object],
        Expr::AnyElement { array, predicate } | Expr::AllElements { array, predicate } => {
            vec![array, predicate]
        }
        Expr::Linked {
            operand, predicate, ..
        } => vec![operand, predicate],
    }
}
