//! Groups of rows in memory, and what is computed of each.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    Aggregate, AggregateFunction, FieldKind, Grouping, Result, Value,
    evaluate::{
        aggregate::{Sum, key, of_kind},
        matches,
    },
    memory::run::{Row, values},
    order::{compare_keys, compare_values, sort_keys},
};

/// Returns a JSON array for each group of these rows.
pub(super) fn group<I, V>(rows: &[Row<I, V>], grouping: &Grouping) -> Result<Vec<Vec<u8>>>
where
    I: AsRef<str>,
    V: Borrow<Value>,
{
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    if grouping.keys.is_empty() {
        groups.insert(String::new(), Group::new(Vec::new(), grouping));
    }
    for row in rows {
        let mut keys = values(row.scope(&()), &grouping.keys)?;
        for (value, expr) in keys.iter_mut().zip(&grouping.keys) {
            *value = of_kind(value, expr.kind()).clone();
        }
        let text = match keys.is_empty() {
            true => String::new(),
            false => key(&Value::Array(keys.clone())),
        };
        let group = groups
            .entry(text)
            .or_insert_with(|| Group::new(keys, grouping));
        for (aggregate, so_far) in grouping.aggregates.iter().zip(&mut group.aggregates) {
            match &aggregate.operand {
                Some(operand) => so_far.add(&*row.scope(&()).value(operand)?),
                None => so_far.add(&Value::Bool(true)),
            }
        }
    }
    let mut found = Vec::new();
    for group in groups.into_values() {
        let row = group.finish()?;
        if matches(&grouping.having, &row)? {
            found.push((sort_keys(&row, &grouping.sort)?, row));
        }
    }
    found.sort_by(|a, b| compare((&a.0, &a.1), (&b.0, &b.1), grouping));
    // A window beyond the address space is beyond the groups.
    let skip = usize::try_from(grouping.skip).unwrap_or(usize::MAX);
    let limit = usize::try_from(grouping.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let window = found.into_iter().skip(skip).take(limit);
    Ok(window
        .map(|(_, row)| row.to_string().into_bytes())
        .collect())
}

/// Compares two groups, each given by its sort keys and its row; by the keys of the group at last.
fn compare(a: (&[Value], &Value), b: (&[Value], &Value), grouping: &Grouping) -> Ordering {
    let keys = grouping.sort.iter().zip(a.0.iter().zip(b.0));
    let mut by_key = keys.map(|(sort, (a, b))| compare_keys(a, b, sort));
    if let Some(decided) = by_key.find(|it| it.is_ne()) {
        return decided;
    }
    let (Value::Array(a), Value::Array(b)) = (a.1, b.1) else {
        return Ordering::Equal;
    };
    let columns = a.iter().zip(b).take(grouping.keys.len());
    let mut by_column = columns.map(|(a, b)| compare_values(a, b));
    by_column.find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
}

struct Group {
    keys: Vec<Value>,
    aggregates: Vec<SoFar>,
}

/// What is known of one aggregate after some rows.
enum SoFar {
    Count(i64),
    Distinct(FieldKind, BTreeSet<String>),
    Sum(Sum),
    Avg(Sum),
    /// The best value yet, and on which side of it a better one lies.
    Extreme(FieldKind, Ordering, Value),
}

impl Group {
    fn new(keys: Vec<Value>, grouping: &Grouping) -> Self {
        Self {
            keys,
            aggregates: grouping.aggregates.iter().map(SoFar::new).collect(),
        }
    }

    fn finish(self) -> Result<Value> {
        let mut row = self.keys;
        for it in self.aggregates {
            row.push(it.finish()?);
        }
        Ok(Value::Array(row))
    }
}

impl SoFar {
    fn new(aggregate: &Aggregate) -> Self {
        let operand = aggregate.operand.as_ref();
        let kind = operand.map_or(FieldKind::Any, crate::Expr::kind);
        match aggregate.function {
            AggregateFunction::Count => Self::Count(0),
            AggregateFunction::CountDistinct => Self::Distinct(kind, BTreeSet::new()),
            AggregateFunction::Sum => Self::Sum(Sum::new()),
            AggregateFunction::Avg => Self::Avg(Sum::new()),
            AggregateFunction::Min => Self::Extreme(kind, Ordering::Less, Value::Null),
            AggregateFunction::Max => Self::Extreme(kind, Ordering::Greater, Value::Null),
        }
    }

    fn add(&mut self, value: &Value) {
        match self {
            Self::Count(count) => *count += i64::from(!value.is_null()),
            Self::Distinct(kind, seen) => {
                let value = of_kind(value, *kind);
                if !value.is_null() {
                    seen.insert(key(value));
                }
            }
            Self::Sum(sum) | Self::Avg(sum) => sum.add(value),
            Self::Extreme(kind, side, best) => {
                let value = of_kind(value, *kind);
                let is_better = match value {
                    Value::Null | Value::Array(_) | Value::Object(_) => false,
                    Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
                        best.is_null() || compare_values(value, best) == *side
                    }
                };
                if is_better {
                    *best = value.clone();
                }
            }
        }
    }

    fn finish(self) -> Result<Value> {
        Ok(match self {
            Self::Count(count) => Value::Int(count),
            // A set larger than `i64::MAX` does not fit in memory.
            Self::Distinct(_, seen) => i64::try_from(seen.len()).map_or(Value::Null, Value::Int),
            Self::Sum(sum) => sum.finish()?,
            Self::Avg(sum) => sum.average()?,
            Self::Extreme(_, _, best) => best,
        })
    }
}
