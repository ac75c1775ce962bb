//! What is said of changes that cannot be computed.

use den_backend::{Change, Error, ErrorKind, Expr, Patch, Query};

use crate::expr::fitting::contains;

/// Says which field a number does not fit into, where no backend does.
pub(super) fn arithmetic(error: Error, patch: &Patch) -> Error {
    if error.kind() != ErrorKind::OutOfRange {
        return error;
    }
    let mut fields: Vec<String> = Vec::new();
    let mut may_be_null = false;
    for change in &patch.changes {
        let is_counted = match change {
            Change::Inc { .. } | Change::Mul { .. } => true,
            Change::SetExpr { path, value } => {
                let is_guard = fields.contains(&named(path));
                may_be_null |= !is_guard && computes_in(value);
                !is_guard && computes_in(value)
            }
            Change::Set { .. }
            | Change::Unset { .. }
            | Change::Min { .. }
            | Change::Max { .. }
            | Change::Push { .. }
            | Change::AddToSet { .. }
            | Change::Pull { .. }
            | Change::PopFirst { .. }
            | Change::PopLast { .. }
            | Change::Rename { .. } => false,
        };
        if is_counted && !fields.contains(&named(change.path())) {
            fields.push(named(change.path()));
        }
    }
    let field = match fields.as_slice() {
        [] => return error,
        [only] => ["the field ", only].concat(),
        several => ["one of the fields ", &several.join(", ")].concat(),
    };
    let null = match may_be_null {
        true => ", or null where a value has to be",
        false => "",
    };
    error.with_message(format!(
        "what was computed for {field} is too large or too small for its type{null}"
    ))
}

/// Whether rows are chosen by something that is computed.
pub(super) fn computes(query: &Query) -> bool {
    let keys = query.sort.iter().map(|it| &it.key);
    let mut all = keys.chain(&query.distinct_by).chain([&query.filter]);
    all.any(computes_in)
}

fn computes_in(expr: &Expr) -> bool {
    contains(expr, &Expr::is_computed)
}

fn named(path: &den_backend::FieldPath) -> String {
    format!("`{path}`")
}
