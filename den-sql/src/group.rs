//! Groups and aggregates.

use den_backend::{
    Aggregate, AggregateFunction, Direction, Expr, FieldKind, Grouping, Query, Sort,
};

use crate::{
    dialect::{Dialect, Extreme},
    filter::Filters,
    layout::{Layout, Layouts},
    order::Order,
    query::write_rows_of,
    source::{Scalar, Source},
    statement::Statement,
    writer::SqlWriter,
};

/// One row for each group of the rows of a query. Column: `body`, a JSON array of the keys and the
/// aggregates (SQLite: JSON text; PostgreSQL: `jsonb`).
///
/// The values of each row are selected first and grouped then, so that each is written once; the
/// row of a group is a document again, which `having` and the order look at.
pub fn group(
    dialect: &dyn Dialect,
    layouts: Layouts<'_>,
    query: &Query,
    grouping: &Grouping,
) -> Statement {
    let mut sql = SqlWriter::new(dialect.placeholders());
    let filters = Filters::of_query(dialect, layouts);
    sql.push("SELECT d.data AS body\nFROM (\nSELECT ");
    write_row(&mut sql, dialect, grouping);
    sql.push(" AS data\nFROM (\nSELECT ");
    write_values(&mut sql, &filters, grouping);
    write_rows_of(&mut sql, &filters, query);
    if sums_what_is_computed(&filters, grouping) {
        dialect.computed_once(&mut sql);
    }
    sql.push("\n) AS s");
    for number in 1..=grouping.keys.len() {
        sql.push(if number == 1 { "\nGROUP BY " } else { ", " });
        sql.push("s.g").number(number);
    }
    sql.push("\n) AS d");
    let layout = Layout::new("");
    let rows = Filters::of_query(dialect, Layouts::new(&layout));
    if !grouping.having.is_always() {
        sql.push("\nWHERE ");
        rows.write(&mut sql, &grouping.having);
    }
    let ties = ties(&grouping.keys);
    let sorts = grouping.sort.iter().chain(&ties);
    Order::of_rows(&rows, sorts).write(&rows, &mut sql);
    dialect.window(&mut sql, grouping.limit, grouping.skip);
    sql.finish()
}

/// Writes the row of a group.
fn write_row(sql: &mut SqlWriter, dialect: &dyn Dialect, grouping: &Grouping) {
    let keys = grouping.keys.len();
    let count = keys + grouping.aggregates.len();
    dialect.array(sql, count, &mut |sql, at| {
        if let Some(key) = grouping.keys.get(at) {
            dialect.key_element(sql, at + 1, key.kind());
            return;
        }
        let number = at - keys;
        if let Some(aggregate) = grouping.aggregates.get(number) {
            write_aggregate(sql, dialect, aggregate, number + 1);
        }
    });
}

/// Writes the values of one row that are grouped.
fn write_values(sql: &mut SqlWriter, filters: &Filters<'_>, grouping: &Grouping) {
    let dialect = filters.dialect;
    let mut columns = Columns::default();
    for (i, key) in grouping.keys.iter().enumerate() {
        columns.next(sql);
        dialect.key(sql, &Source::of(key, *filters, 0), key.kind());
        sql.push(" AS g").number(i + 1);
    }
    for (i, aggregate) in grouping.aggregates.iter().enumerate() {
        let Some(operand) = &aggregate.operand else {
            continue;
        };
        let number = i + 1;
        let source = Source::of(operand, *filters, 0);
        match (aggregate.function, Scalar::of_kind(operand.kind())) {
            (AggregateFunction::Count, _) => {
                columns.next(sql);
                dialect.present(sql, &source);
                sql.push(" AS a").number(number);
            }
            (AggregateFunction::CountDistinct, _) => {
                columns.next(sql);
                dialect.key(sql, &source, operand.kind());
                sql.push(" AS a").number(number);
            }
            (AggregateFunction::Sum | AggregateFunction::Avg, _) => {
                columns.next(sql);
                dialect.typed(sql, &source, Scalar::Number);
                sql.push(" AS a").number(number);
            }
            (AggregateFunction::Min | AggregateFunction::Max, Some(scalar)) => {
                columns.next(sql);
                dialect.typed(sql, &source, scalar);
                sql.push(" AS a").number(number);
            }
            (AggregateFunction::Min | AggregateFunction::Max, None) => {
                for scalar in Scalar::ALL {
                    columns.next(sql);
                    dialect.typed(sql, &source, scalar);
                    sql.push(" AS a").number(number).push(match scalar {
                        Scalar::Number => "n",
                        Scalar::Text => "t",
                        Scalar::Bool => "b",
                    });
                }
            }
        }
    }
    // Rows are counted without a value.
    if !columns.written {
        sql.push("1 AS one");
    }
}

/// Whether a sum, which a statement may look at several times, is of anything but a column: that
/// costs more than what the engine could make of the sub-select.
fn sums_what_is_computed(filters: &Filters<'_>, grouping: &Grouping) -> bool {
    grouping.aggregates.iter().any(|it| match it.function {
        AggregateFunction::Sum | AggregateFunction::Avg => {
            let source = it.operand.as_ref().map(|it| Source::of(it, *filters, 0));
            !source.is_some_and(|it| match it {
                Source::Place(place) => place.column(FieldKind::Number).is_some(),
                Source::Value(_) | Source::Count(_) | Source::Null => true,
                Source::Len(_) | Source::Computed(_) => false,
            })
        }
        AggregateFunction::Count
        | AggregateFunction::CountDistinct
        | AggregateFunction::Min
        | AggregateFunction::Max => false,
    })
}

fn write_aggregate(
    sql: &mut SqlWriter,
    dialect: &dyn Dialect,
    aggregate: &Aggregate,
    number: usize,
) {
    let extreme = match (aggregate.function, &aggregate.operand) {
        (AggregateFunction::Count, None) => {
            sql.push("count(*)");
            return;
        }
        (AggregateFunction::Count, Some(_)) => {
            sql.push("count(s.a").number(number).push(")");
            return;
        }
        (AggregateFunction::CountDistinct, _) => {
            sql.push("count(DISTINCT s.a").number(number).push(")");
            return;
        }
        (AggregateFunction::Sum, _) => return dialect.sum(sql, number),
        (AggregateFunction::Avg, _) => return dialect.average(sql, number),
        (AggregateFunction::Min, _) => Extreme::Min,
        (AggregateFunction::Max, _) => Extreme::Max,
    };
    match Scalar::of_kind(aggregate.kind()) {
        Some(scalar) => dialect.extreme(sql, extreme, number, scalar),
        None => dialect.mixed_extreme(sql, extreme, number),
    }
}

/// The order of groups that tie: by their keys.
fn ties(keys: &[Expr]) -> Vec<Sort> {
    let fields = keys.iter().enumerate().filter_map(|(number, key)| {
        // A key of one of these kinds tells values of all kinds apart.
        let kind = match key.kind() {
            kind @ (FieldKind::Text | FieldKind::Number | FieldKind::Bool) => kind,
            FieldKind::Array | FieldKind::Object | FieldKind::Any => FieldKind::Any,
        };
        Grouping::column(number, kind).ok()
    });
    fields.map(|it| Sort::field(it, Direction::Asc)).collect()
}

/// The columns of a sub-select, of which there must be one.
#[derive(Default)]
struct Columns {
    written: bool,
}

impl Columns {
    fn next(&mut self, sql: &mut SqlWriter) {
        if self.written {
            sql.push(", ");
        }
        self.written = true;
    }
}
