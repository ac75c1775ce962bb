//! A query in words, for `explain`.

use std::fmt::{self, Display, Formatter};

use crate::{
    ArithmeticOp, CompareOp, Direction, Explain, ExplainMode, Expr, Field, Nulls, Query, Root,
    Select, TextOp, Value,
};

/// Says how the query is run: there is but one way.
pub(super) fn explain(query: &Query, mode: ExplainMode) -> Explain {
    Explain {
        statement: InWords(query).to_string(),
        parameters: Vec::new(),
        plan: match mode {
            ExplainMode::Statement => Vec::new(),
            ExplainMode::Plan => vec!["full scan of the collection".to_owned()],
        },
    }
}

struct InWords<'a, T>(&'a T);

impl Display for InWords<'_, Query> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let query = self.0;
        match &query.select {
            Select::Document => f.write_str("documents")?,
            Select::Id => f.write_str("ids")?,
            Select::Value(path) => write!(f, "values of {path}")?,
            Select::Values(all) => write_call(f, "values", all)?,
            Select::Scored => f.write_str("documents with scores")?,
        }
        write!(f, " of {:?}", query.collection)?;
        if let Some(path) = &query.unwind {
            write!(f, "\nfor each element of {path}")?;
        }
        if !query.filter.is_always() {
            write!(f, "\nwhere {}", InWords(&query.filter))?;
        }
        if let Some(search) = &query.search {
            let ranked = if search.ranked { ", best first" } else { "" };
            write!(f, "\nfound by {}{ranked}", search.index.name)?;
        }
        f.write_str("\nby ")?;
        for key in &query.sort {
            let nulls = match key.nulls {
                Nulls::First => "nulls first",
                Nulls::Last => "nulls last",
            };
            let direction = InWords(&key.direction);
            write!(f, "{} {direction} {nulls}, ", InWords(&key.key))?;
        }
        write!(f, "id {}", InWords(&query.id_direction))?;
        if !query.distinct_by.is_empty() {
            write_call(f, "\ndistinct by ", &query.distinct_by)?;
        }
        if let Some(seek) = &query.seek {
            f.write_str("\nafter (")?;
            for key in &seek.keys {
                write!(f, "{key}, ")?;
            }
            write!(f, "{})", Value::from(seek.id.as_str()))?;
        }
        if query.skip > 0 {
            write!(f, "\nskip {}", query.skip)?;
        }
        if let Some(limit) = query.limit {
            write!(f, "\nlimit {limit}")?;
        }
        Ok(())
    }
}

impl Display for InWords<'_, Expr> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::Value(value) => write!(f, "{value}"),
            Expr::Field(field) => write!(f, "{}", InWords(field)),
            Expr::Len(array) => write!(f, "len({})", InWords(&**array)),
            Expr::Arithmetic { op, left, right } => {
                let op = match op {
                    ArithmeticOp::Add => "+",
                    ArithmeticOp::Sub => "-",
                    ArithmeticOp::Mul => "*",
                    ArithmeticOp::Div => "/",
                };
                write!(f, "({} {op} {})", InWords(&**left), InWords(&**right))
            }
            Expr::Case {
                branches,
                otherwise,
            } => {
                for (condition, value) in branches {
                    write!(f, "if {} then {} else ", InWords(condition), InWords(value))?;
                }
                write!(f, "{}", InWords(&**otherwise))
            }
            Expr::Coalesce(all) => write_call(f, "coalesce", all),
            Expr::Call {
                function,
                arguments,
            } => write_call(f, &format!("{function:?}"), arguments),
            Expr::Native(native) => write_call(f, native.feature, &native.arguments),
            Expr::Compare { op, left, right } => {
                let op = match op {
                    CompareOp::Eq => "=",
                    CompareOp::Lt => "<",
                    CompareOp::Le => "<=",
                    CompareOp::Gt => ">",
                    CompareOp::Ge => ">=",
                };
                write!(f, "{} {op} {}", InWords(&**left), InWords(&**right))
            }
            Expr::In { operand, values } => {
                let values = Value::Array(values.clone());
                write!(f, "{} in {values}", InWords(&**operand))
            }
            Expr::IsNull(operand) => write!(f, "{} is null", InWords(&**operand)),
            Expr::Exists(field) => write!(f, "{} exists", InWords(field)),
            Expr::Text {
                op,
                ignore_case,
                operand,
                needle,
            } => {
                let op = match op {
                    TextOp::Equals => "equals",
                    TextOp::StartsWith => "starts with",
                    TextOp::EndsWith => "ends with",
                    TextOp::Contains => "contains",
                };
                let case = if *ignore_case { " in any case" } else { "" };
                let needle = Value::from(needle.as_str());
                write!(f, "{} {op}{case} {needle}", InWords(&**operand))
            }
            Expr::Matches { operand, pattern } => {
                let pattern = Value::from(pattern.as_str());
                write!(f, "{} matches {pattern}", InWords(&**operand))
            }
            Expr::Contains { array, value } => {
                write!(f, "{} has {value}", InWords(&**array))
            }
            Expr::IsEmpty(operand) => write!(f, "{} is empty", InWords(&**operand)),
            Expr::AnyElement { array, predicate } => {
                let (array, predicate) = (InWords(&**array), InWords(&**predicate));
                write!(f, "any of {array} ({predicate})")
            }
            Expr::AllElements { array, predicate } => {
                let (array, predicate) = (InWords(&**array), InWords(&**predicate));
                write!(f, "all of {array} ({predicate})")
            }
            Expr::HasKey { object, key } => {
                let key = Value::from(key.as_str());
                write!(f, "{} has key {key}", InWords(&**object))
            }
            Expr::Linked {
                operand,
                collection,
                predicate,
            } => {
                let (operand, predicate) = (InWords(&**operand), InWords(&**predicate));
                write!(f, "{operand} links into {collection:?} ({predicate})")
            }
            Expr::And(all) => write_list(f, all, "and", "true"),
            Expr::Or(all) => write_list(f, all, "or", "false"),
            Expr::Not(inner) => write!(f, "not ({})", InWords(&**inner)),
        }
    }
}

impl Display for InWords<'_, Field> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.0.root, self.0.path.is_root()) {
            (Root::Document, _) => write!(f, "{}", self.0.path),
            (Root::Element, true) => f.write_str("element"),
            (Root::Element, false) => write!(f, "element.{}", self.0.path),
        }
    }
}

impl Display for InWords<'_, Direction> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Direction::Asc => "asc",
            Direction::Desc => "desc",
        })
    }
}

fn write_call(f: &mut Formatter<'_>, name: &str, arguments: &[Expr]) -> fmt::Result {
    write!(f, "{name}(")?;
    for (i, it) in arguments.iter().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        write!(f, "{comma}{}", InWords(it))?;
    }
    f.write_str(")")
}

fn write_list(f: &mut Formatter<'_>, all: &[Expr], word: &str, empty: &str) -> fmt::Result {
    if all.is_empty() {
        return f.write_str(empty);
    }
    for (i, it) in all.iter().enumerate() {
        if i > 0 {
            write!(f, " {word} ")?;
        }
        match it {
            Expr::And(_) | Expr::Or(_) => write!(f, "({})", InWords(it))?,
            Expr::Value(_)
            | Expr::Field(_)
            | Expr::Len(_)
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
            | Expr::Arithmetic { .. }
            | Expr::Case { .. }
            | Expr::Coalesce(_)
            | Expr::Call { .. }
            | Expr::Native(_)
            | Expr::Not(_) => write!(f, "{}", InWords(it))?,
        }
    }
    Ok(())
}
