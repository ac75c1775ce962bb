//! The long lists of an expression, made ready to be searched.

use std::collections::{HashMap, HashSet};

use super::aggregate::key;
use crate::{Expr, Value};

/// A shorter list is looked through as fast.
const LONG: usize = 16;

/// The values of each long list (`Expr::In`) of an expression, for an expression that is evaluated for
/// many documents.
#[derive(Debug, Default)]
pub struct Sets {
    /// By where the list lies in memory: it does not move as long as the expression is there.
    by_place: HashMap<usize, HashSet<String>>,
}

impl Sets {
    /// The lists of an expression, to be used with that very expression while it is unchanged.
    pub fn of(expr: &Expr) -> Self {
        let mut sets = Self::default();
        sets.collect(expr);
        sets
    }

    fn collect(&mut self, expr: &Expr) {
        if let Expr::In { values, .. } = expr
            && values.len() > LONG
        {
            let keys = values.iter().filter(|it| !it.is_null()).map(key);
            self.by_place.insert(place(values), keys.collect());
        }
        expr.parts().for_each(|it| self.collect(it));
    }

    /// Whether a value is in a list; none if the list is to be looked through.
    pub(super) fn find(&self, values: &[Value], value: &Value) -> Option<bool> {
        if values.len() <= LONG {
            return None;
        }
        let set = self.by_place.get(&place(values))?;
        Some(!value.is_null() && set.contains(&key(value)))
    }
}

fn place(values: &[Value]) -> usize {
    values.as_ptr().addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, FieldKind, FieldPath, evaluate::Scope};

    #[test]
    fn a_set_has_what_its_list_has() {
        let field = Field::document(FieldPath::parse("x").unwrap(), FieldKind::Any);
        let mut values: Vec<Value> = (0..100).map(|it| Value::Int(it * 2)).collect();
        values.extend((0..20).map(|it| Value::from(it.to_string())));
        values.push(Value::Float(9_007_199_254_740_992.0));
        values.push(Value::Array(vec![Value::Float(1.0)]));
        let expr = Expr::Not(Box::new(Expr::In {
            operand: Box::new(Expr::Field(field)),
            values: values.clone(),
        }));
        let sets = Sets::of(&expr);
        assert_eq!(sets.by_place.len(), 1);
        for text in [
            "4",
            "4.0",
            "4.5",
            "5",
            "\"4\"",
            "\"40\"",
            "null",
            "true",
            "[1]",
            "[1.0]",
            "[\"1\"]",
            "9007199254740992",
            "9007199254740993",
            "{}",
        ] {
            let document = format!("{{\"x\":{text}}}");
            let document: Value = serde_json::from_str(&document).unwrap();
            let slow = Scope::of(&document);
            let fast = Scope {
                sets: Some(&sets),
                ..slow
            };
            let (fast, slow) = (fast.holds(&expr).unwrap(), slow.holds(&expr).unwrap());
            assert_eq!(fast, slow, "{text}");
        }
    }
}
