//! Statements that answer a query.

use den_backend::{Query, Select};

use crate::{
    dialect::Dialect,
    filter::Filters,
    layout::{Layout, Layouts},
    order::Order,
    seek::{Branch, branches},
    statement::Statement,
    writer::SqlWriter,
};

/// The rows of a query: filter, order, position, window, selection, lock.
///
/// Columns: `id` (text), `body` (SQLite: JSON text; PostgreSQL: `jsonb`; NULL for `Select::Id`, and
/// JSON `null` for a selected value that is missing).
pub fn select(dialect: &dyn Dialect, layouts: Layouts<'_>, query: &Query) -> Statement {
    let mut sql = SqlWriter::new(dialect.placeholders());
    let filters = Filters::of_query(dialect, layouts);
    write_select(&mut sql, &filters, query);
    sql.finish()
}

/// The number of documents that match the filter: one row, one `bigint`.
pub fn count(dialect: &dyn Dialect, layouts: Layouts<'_>, query: &Query) -> Statement {
    let mut sql = SqlWriter::new(dialect.placeholders());
    let filters = Filters::of_query(dialect, layouts);
    sql.push("SELECT count(*) AS count");
    write_from(&mut sql, filters.layout);
    write_where(&mut sql, &filters, query, None);
    sql.finish()
}

/// Whether a document matches the filter: one row, one bool (SQLite 0 or 1).
pub fn exists(dialect: &dyn Dialect, layouts: Layouts<'_>, query: &Query) -> Statement {
    let mut sql = SqlWriter::new(dialect.placeholders());
    let filters = Filters::of_query(dialect, layouts);
    sql.push("SELECT EXISTS (\nSELECT 1");
    write_from(&mut sql, filters.layout);
    write_where(&mut sql, &filters, query, None);
    sql.push("\n) AS found");
    sql.finish()
}

/// Deletes the rows of a query, window included; the number of affected rows is the answer.
pub fn delete_matching(dialect: &dyn Dialect, layouts: Layouts<'_>, query: &Query) -> Statement {
    let mut sql = SqlWriter::new(dialect.placeholders());
    let filters = Filters::of_query(dialect, layouts);
    sql.push("DELETE FROM ")
        .ident(&layouts.own.collection)
        .push(" AS d");
    write_rows(&mut sql, &filters, query);
    sql.finish()
}

/// Writes the `WHERE` of a statement that changes the rows of a query, window included.
///
/// Where a row can change between being found and being written, it is found in a sub-select and
/// looked at again outside of it. A link needs both as well as a window: an engine that makes a join
/// of it would look at the row again beside the one document it was joined with, and pass over a
/// row that links to another one by now.
pub(crate) fn write_rows(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query) {
    let looks_again = filters.dialect.looks_again();
    let has_links = looks_again && !query.filter.linked_collections().is_empty();
    if query.has_window() {
        sql.push("\nWHERE d.id IN (SELECT d.id FROM (\n");
        let mut ids = query.clone();
        ids.select = Select::Id;
        write_select(sql, filters, &ids);
        sql.push("\n) AS d)");
    } else if has_links {
        sql.push("\nWHERE d.id IN (SELECT d.id");
        write_from(sql, filters.layout);
        write_where(sql, filters, query, None);
        sql.push("\n)");
    } else {
        return write_where(sql, filters, query, None);
    }
    if looks_again && !query.filter.is_always() {
        sql.push("\n    AND ");
        filters.by_row().write(sql, &query.filter);
    }
}

fn write_select(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query) {
    let order = Order::of(filters, query);
    let branches = branches(&order, query);
    // Rows of a union cannot be locked, so there the ranges become one condition.
    if branches.len() > 1 && query.lock.is_none() {
        return write_union(sql, filters, query, &order, &branches);
    }
    sql.push("SELECT d.id AS id, ");
    write_body(sql, filters, query);
    write_from(sql, filters.layout);
    write_where(sql, filters, query, Some(&branches));
    order.write(filters, sql);
    filters.dialect.window(sql, query.limit, query.skip);
    if let Some(mode) = query.lock {
        filters.dialect.lock(sql, mode);
    }
}

/// Each range limited on its own, then all of them ordered and limited once more.
fn write_union(
    sql: &mut SqlWriter,
    filters: &Filters<'_>,
    query: &Query,
    order: &Order<'_>,
    branches: &[Branch<'_>],
) {
    sql.push("SELECT d.id AS id, ");
    write_body(sql, filters, query);
    sql.push("\nFROM (");
    for (i, branch) in branches.iter().enumerate() {
        if i > 0 {
            sql.push("\nUNION ALL");
        }
        // SQLite takes an order and a limit only inside of a sub-select.
        sql.push("\nSELECT * FROM (\nSELECT d.id AS id");
        match query.select {
            Select::Document | Select::Value(_) => {
                sql.push(", d.data AS data");
            }
            Select::Id => {}
        }
        for (i, key) in order.keys.iter().enumerate() {
            sql.push(", ");
            key.term.write(filters, sql);
            sql.push(" AS k").number(i + 1);
        }
        write_from(sql, filters.layout);
        write_where(sql, filters, query, Some(std::slice::from_ref(branch)));
        order.write(filters, sql);
        filters.dialect.window(sql, query.limit, 0);
        sql.push("\n) AS b").number(i + 1);
    }
    sql.push("\n) AS d");
    order.write_selected(filters, sql);
    filters.dialect.window(sql, query.limit, query.skip);
}

fn write_body(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query) {
    match &query.select {
        Select::Document => filters.dialect.document(sql),
        Select::Id => filters.dialect.no_body(sql),
        Select::Value(path) => filters.dialect.value(sql, &filters.place(path)),
    }
}

fn write_from(sql: &mut SqlWriter, layout: &Layout) {
    sql.push("\nFROM ").ident(&layout.collection).push(" AS d");
}

/// Writes the filter, and with `position` that the row lies in one of the ranges.
fn write_where(
    sql: &mut SqlWriter,
    filters: &Filters<'_>,
    query: &Query,
    position: Option<&[Branch<'_>]>,
) {
    let ranges = position.unwrap_or_default();
    if query.filter.is_always() && ranges.is_empty() {
        return;
    }
    sql.push("\nWHERE ");
    if !query.filter.is_always() {
        filters.write(sql, &query.filter);
        if !ranges.is_empty() {
            sql.push("\n    AND ");
        }
    }
    match ranges {
        [] => {}
        [only] => only.write(filters, sql),
        several => {
            sql.push("(");
            for (i, range) in several.iter().enumerate() {
                if i > 0 {
                    sql.push(" OR ");
                }
                sql.push("(");
                range.write(filters, sql);
                sql.push(")");
            }
            sql.push(")");
        }
    }
}
