//! Statements that answer a query.

use den_backend::{LockMode, Query, Search, Select};

use crate::{
    dialect::Dialect,
    filter::Filters,
    layout::{Layout, Layouts},
    order::Order,
    seek::{Branch, branches},
    source::Source,
    statement::Statement,
    writer::SqlWriter,
};

/// The rows of a query: filter, order, position, window, selection, lock.
///
/// Columns: `id` (text), `body` (SQLite: JSON text; PostgreSQL: `jsonb`; NULL for `Select::Id`, and
/// JSON `null` for a selected value that is missing; an array of the values for `Select::Values`, of
/// the document and a number for `Select::Scored`).
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
    write_rows_of(&mut sql, &filters, query);
    sql.finish()
}

/// Whether a document matches the filter: one row, one bool (SQLite 0 or 1).
pub fn exists(dialect: &dyn Dialect, layouts: Layouts<'_>, query: &Query) -> Statement {
    let mut sql = SqlWriter::new(dialect.placeholders());
    let filters = Filters::of_query(dialect, layouts);
    sql.push("SELECT EXISTS (\nSELECT 1");
    write_rows_of(&mut sql, &filters, query);
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
    let has_links = looks_again && has_links(query);
    // What a search is joined with has no place in a statement that changes rows.
    let is_joined = query.search.is_some() && !looks_again;
    if query.has_window() || is_joined || !query.distinct_by.is_empty() {
        sql.push("\nWHERE d.id IN (SELECT d.id FROM (\n");
        let mut ids = query.clone();
        ids.select = Select::Id;
        write_select(sql, filters, &ids);
        sql.push("\n) AS d)");
    } else if has_links {
        write_found_links(sql, filters, query);
    } else {
        return write_where(sql, filters, query, &[]);
    }
    if looks_again {
        Conditions::after_another(filters.by_row()).of_rows(sql, query);
    }
}

/// Writes a statement that finds and locks the rows of a query, with the columns `id` and `data`.
pub(crate) fn write_found(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query) {
    let order = Order::of(filters, query);
    sql.push("SELECT d.id AS id, d.data AS data");
    write_from(sql, filters, query);
    if has_links(query) {
        write_found_links(sql, filters, query);
        let mut conditions = Conditions::after_another(filters.by_row());
        conditions.of_query(sql, query);
        conditions.within(sql, &branches(&order, query));
    } else {
        write_where(sql, filters, query, &branches(&order, query));
    }
    order.write(filters, sql);
    filters.dialect.window(sql, query.limit, query.skip);
    filters
        .dialect
        .lock(sql, query.lock.unwrap_or(LockMode::Wait));
}

fn has_links(query: &Query) -> bool {
    !query.filter.linked_collections().is_empty()
}

/// Writes that the row is among those that satisfy the filter, links and all.
fn write_found_links(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query) {
    sql.push("\nWHERE d.id IN (SELECT d.id");
    sql.push("\nFROM ").ident(&filters.layout.collection);
    sql.push(" AS d\nWHERE ");
    filters.write(sql, &query.filter);
    sql.push("\n)");
}

fn write_select(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query) {
    let order = Order::of(filters, query);
    let branches = branches(&order, query);
    // Rows of a union cannot be locked, and have lost what they were joined with, so there the ranges
    // become one condition.
    if branches.len() > 1 && query.lock.is_none() && query.search.is_none() {
        return write_union(sql, filters, query, &order, &branches);
    }
    if is_found_first(filters, query) {
        return write_found_first(sql, filters, query, &order);
    }
    sql.push("SELECT d.id AS id, ");
    write_body(sql, filters, query);
    write_from(sql, filters, query);
    write_where(sql, filters, query, &branches);
    if query.unwind.is_none() {
        order.write(filters, sql);
    }
    filters.dialect.window(sql, query.limit, query.skip);
    if let Some(mode) = query.lock {
        filters.dialect.lock(sql, mode);
    }
}

/// Whether the best rows are found before anything is read of them: some engines carry what is
/// selected of every row through the sort.
fn is_found_first(filters: &Filters<'_>, query: &Query) -> bool {
    let is_ranked = |it: &Search| it.ranked && !it.query.any.is_empty();
    filters.dialect.sorts_whole_rows()
        && query.search.as_ref().is_some_and(is_ranked)
        && query.limit.is_some()
        && query.select != Select::Id
        && query.sort.is_empty()
        && query.distinct_by.is_empty()
        && query.unwind.is_none()
        && query.seek.is_none()
        && query.lock.is_none()
}

fn write_found_first(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query, order: &Order<'_>) {
    sql.push("SELECT d.id AS id, ");
    write_body(sql, filters, query);
    sql.push("\nFROM (\nSELECT d.id AS id, s.score AS score");
    write_from(sql, filters, query);
    write_where(sql, filters, query, &[]);
    order.write(filters, sql);
    filters.dialect.window(sql, query.limit, query.skip);
    sql.push("\n) AS s JOIN ").ident(&filters.layout.collection);
    sql.push(" AS d ON d.id = s.id");
    order.write(filters, sql);
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
    // Of the table's columns only the document comes out of the union.
    let bare = Layout::new(filters.layout.collection.as_str());
    write_body(sql, &filters.with_layout(&bare), query);
    sql.push("\nFROM (");
    for (i, branch) in branches.iter().enumerate() {
        if i > 0 {
            sql.push("\nUNION ALL");
        }
        // SQLite takes an order and a limit only inside of a sub-select.
        sql.push("\nSELECT * FROM (\nSELECT d.id AS id");
        match query.select {
            Select::Document | Select::Value(_) | Select::Values(_) | Select::Scored => {
                sql.push(", d.data AS data");
            }
            Select::Id => {}
        }
        for (i, key) in order.keys.iter().enumerate() {
            sql.push(", ");
            key.term.write(filters, sql);
            sql.push(" AS k").number(i + 1);
        }
        write_from(sql, filters, query);
        write_where(sql, filters, query, std::slice::from_ref(branch));
        order.write(filters, sql);
        filters.dialect.window(sql, query.limit, 0);
        sql.push("\n) AS b").number(i + 1);
    }
    sql.push("\n) AS d");
    order.write_selected(filters, sql);
    filters.dialect.window(sql, query.limit, query.skip);
}

fn write_body(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query) {
    let dialect = filters.dialect;
    match (&query.select, &query.search) {
        (Select::Document, _) => dialect.document(sql),
        (Select::Id, _) => dialect.no_body(sql),
        (Select::Value(path), _) => dialect.value(sql, &filters.place(path)),
        (Select::Values(values), _) => {
            let sources: Vec<Source<'_>> = values
                .iter()
                .map(|it| Source::of(it, *filters, 0))
                .collect();
            dialect.array(sql, sources.len(), &mut |sql, at| {
                if let Some(source) = sources.get(at) {
                    dialect.element(sql, source);
                }
            });
            sql.push(" AS body");
        }
        (Select::Scored, Some(search)) => {
            dialect.array(sql, 2, &mut |sql, at| match at {
                0 => dialect.document_element(sql),
                _ => dialect.score(sql, filters.layout, search),
            });
            sql.push(" AS body");
        }
        // Only what is searched for has a score; `Query::check` lets nothing else come here.
        (Select::Scored, None) => dialect.document(sql),
    }
}

/// Writes where the rows of a query come from: the table, the elements of what is unwound, what is
/// searched.
fn write_from(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query) {
    sql.push("\nFROM ")
        .ident(&filters.layout.collection)
        .push(" AS d");
    if let Some(path) = &query.unwind {
        filters.dialect.unwound(sql, &filters.place(path));
    }
    if let Some(search) = &query.search {
        filters.dialect.search_from(sql, filters.layout, search);
    }
}

/// Writes where the rows of a query come from, and which they are, position and window aside.
pub(crate) fn write_rows_of(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query) {
    write_from(sql, filters, query);
    write_where(sql, filters, query, &[]);
}

/// Writes which rows a query is about; with ranges, that they lie in one of them.
fn write_where(sql: &mut SqlWriter, filters: &Filters<'_>, query: &Query, ranges: &[Branch<'_>]) {
    let mut conditions = Conditions {
        filters: *filters,
        lead: "\nWHERE ",
    };
    conditions.of_query(sql, query);
    conditions.within(sql, ranges);
}

/// The conditions of a statement, joined by `AND`.
struct Conditions<'a> {
    filters: Filters<'a>,
    /// What stands before the next one.
    lead: &'static str,
}

impl<'a> Conditions<'a> {
    fn after_another(filters: Filters<'a>) -> Self {
        Self { filters, lead: AND }
    }

    fn next(&mut self, sql: &mut SqlWriter) {
        sql.push(self.lead);
        self.lead = AND;
    }

    fn of_query(&mut self, sql: &mut SqlWriter, query: &Query) {
        self.of_rows(sql, query);
        if query.distinct_by.is_empty() {
            return;
        }
        self.next(sql);
        sql.push(
            "d.id IN (SELECT q.id FROM (\nSELECT d.id AS id, row_number() OVER (PARTITION BY ",
        );
        let filters = self.filters;
        for (i, key) in query.distinct_by.iter().enumerate() {
            if i > 0 {
                sql.push(", ");
            }
            let source = Source::of(key, filters, 0);
            filters.dialect.key(sql, &source, key.kind());
        }
        Order::of(&filters, query).write(&filters, sql);
        sql.push("\n) AS n");
        write_from(sql, &filters, query);
        let mut inner = Conditions {
            filters,
            lead: "\nWHERE ",
        };
        inner.of_rows(sql, query);
        sql.push("\n) AS q WHERE q.n = 1)");
    }

    /// What makes a row one of the query by itself.
    fn of_rows(&mut self, sql: &mut SqlWriter, query: &Query) {
        if !query.filter.is_always() {
            self.next(sql);
            self.filters.write(sql, &query.filter);
        }
        if let Some(search) = &query.search {
            self.found(sql, search);
        }
    }

    fn found(&mut self, sql: &mut SqlWriter, search: &Search) {
        self.next(sql);
        self.filters.dialect.found(sql, self.filters.layout, search);
    }

    fn within(&mut self, sql: &mut SqlWriter, ranges: &[Branch<'_>]) {
        match ranges {
            [] => {}
            [only] => {
                self.next(sql);
                only.write(&self.filters, sql);
            }
            several => {
                self.next(sql);
                sql.push("(");
                for (i, range) in several.iter().enumerate() {
                    if i > 0 {
                        sql.push(" OR ");
                    }
                    sql.push("(");
                    range.write(&self.filters, sql);
                    sql.push(")");
                }
                sql.push(")");
            }
        }
    }
}

const AND: &str = "\n    AND ";
