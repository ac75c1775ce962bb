//! Computed values that must fit the field they are put into: where they do not, the statement fails.

use den_backend::{ArithmeticOp, CompareOp, Expr, Field, FieldKind, Function, Value};

use crate::fields::path::Path;

/// The value, which must lie in the range if there is one, and must not be null where the field never
/// is; `OutOfRange` otherwise.
///
/// A field that is always there may be missing in a document that was stored before it was declared,
/// so that what is computed from it is null all the same.
pub(crate) fn fitting(value: Expr, range: Option<(i64, i64)>, may_be_null: bool) -> Expr {
    // Computed twice, an expression of the engine's own might be another one the second time.
    if value.is_predicate() || contains(&value, &|it| matches!(it, Expr::Native(_))) {
        return value;
    }
    let mut branches = Vec::new();
    if !may_be_null && contains(&value, &|it| matches!(it, Expr::Field(_))) {
        branches.push((Expr::IsNull(Box::new(value.clone())), out_of_range()));
    }
    let beyond = |op, bound: i64| Expr::compare(op, value.clone(), Expr::Value(Value::Int(bound)));
    if let Some((least, most)) = range {
        let bounds = [
            (CompareOp::Lt, least, i64::MIN),
            (CompareOp::Gt, most, i64::MAX),
        ];
        for (op, bound, widest) in bounds {
            if bound != widest {
                branches.push((beyond(op, bound), out_of_range()));
            }
        }
    }
    if branches.is_empty() {
        return value;
    }
    Expr::Case {
        branches,
        otherwise: Box::new(value),
    }
}

/// What a field holds after a number was added or multiplied, which must lie in the range.
pub(crate) fn counted(field: Field, op: ArithmeticOp, by: &Value, range: (i64, i64)) -> Expr {
    let zero = Expr::Value(Value::Int(0));
    let result = Expr::Arithmetic {
        op,
        left: Box::new(Expr::Coalesce(vec![Expr::Field(field), zero])),
        right: Box::new(Expr::Value(by.clone())),
    };
    // Null says that the field holds no number, which the change itself refuses.
    fitting(result, Some(range), true)
}

/// Cannot be computed for any document. An engine might compute a constant beforehand, whether it is
/// asked for or not.
fn out_of_range() -> Expr {
    let id = Field::document(Path::ROOT.child("_id").to_field_path(), FieldKind::Text);
    let length = Expr::Call {
        function: Function::Length,
        arguments: vec![Expr::Field(id)],
    };
    Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(length),
        right: Box::new(Expr::Value(Value::Int(i64::MAX))),
    }
}

/// Whether a part of an expression is such.
pub(crate) fn contains(expr: &Expr, is_such: &dyn Fn(&Expr) -> bool) -> bool {
    is_such(expr) || expr.parts().any(|it| contains(it, is_such))
}
