//! What the cases are written with.

use den_backend::{
    CompareOp, Direction, Expr, Field, FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta,
    Nulls, Query, Root, Sort, Value,
};
use den_sql::{Layout, Layouts, POSTGRES, SQLITE, Statement};
use expect_test::Expect;

use crate::lint::{lint_postgres, lint_sqlite};

/// A collection of which nothing is known.
pub(crate) fn bare() -> Layout {
    Layout::new("articles")
}

/// A collection with columns for `title`, `price`, `draft`, `mixed` and a members index on `tags`.
pub(crate) fn indexed() -> Layout {
    bare()
        .with_column(path("title"), FieldKind::Text)
        .with_column(path("price"), FieldKind::Number)
        .with_column(path("draft"), FieldKind::Bool)
        .with_column(path("mixed"), FieldKind::Any)
        .with_members(path("tags"), "mx_tags")
}

/// Renders the rows of a filter with both dialects, without columns.
#[track_caller]
pub(crate) fn check(filter: Expr, sqlite: &Expect, postgres: &Expect) {
    check_query(&bare(), &articles(filter), sqlite, postgres);
}

/// Renders the rows of a filter with both dialects, with columns.
#[track_caller]
pub(crate) fn check_indexed(filter: Expr, sqlite: &Expect, postgres: &Expect) {
    check_query(&indexed(), &articles(filter), sqlite, postgres);
}

/// Renders a query with both dialects.
#[track_caller]
pub(crate) fn check_query(layout: &Layout, query: &Query, sqlite: &Expect, postgres: &Expect) {
    check_statements(
        &den_sql::select(SQLITE, Layouts::new(layout), query),
        &den_sql::select(POSTGRES, Layouts::new(layout), query),
        sqlite,
        postgres,
    );
}

/// Compares and lints two statements.
#[track_caller]
pub(crate) fn check_statements(
    lite: &Statement,
    pg: &Statement,
    sqlite: &Expect,
    postgres: &Expect,
) {
    lint_sqlite(&lite.sql);
    lint_postgres(&pg.sql);
    sqlite.assert_eq(&show(lite));
    postgres.assert_eq(&show(pg));
}

/// Compares and lints two texts that a backend binds itself.
#[track_caller]
pub(crate) fn check_texts(lite: &str, pg: &str, sqlite: &Expect, postgres: &Expect) {
    lint_sqlite(lite);
    lint_postgres(pg);
    sqlite.assert_eq(lite);
    postgres.assert_eq(pg);
}

pub(crate) fn show(statement: &Statement) -> String {
    let mut text = statement.sql.clone();
    for (i, param) in statement.params.iter().enumerate() {
        text.push_str(&format!("\n-- {} {param:?}", i + 1));
    }
    text
}

pub(crate) fn articles(filter: Expr) -> Query {
    let mut query = Query::new("articles");
    query.filter = filter;
    query
}

pub(crate) fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).expect("a path")
}

pub(crate) fn field(text: &str) -> Expr {
    kinded(text, FieldKind::Any)
}

/// A field of which the kind is known.
pub(crate) fn kinded(text: &str, kind: FieldKind) -> Expr {
    Expr::Field(Field::document(path(text), kind))
}

/// A field of the array element at hand.
pub(crate) fn element(text: &str) -> Expr {
    let path = if text.is_empty() {
        FieldPath::root()
    } else {
        path(text)
    };
    Expr::Field(Field {
        root: Root::Element,
        path,
        kind: FieldKind::Any,
    })
}

pub(crate) fn compare(op: CompareOp, left: Expr, right: impl Into<Value>) -> Expr {
    Expr::compare(op, left, Expr::Value(right.into()))
}

pub(crate) fn eq(name: &str, value: impl Into<Value>) -> Expr {
    compare(CompareOp::Eq, field(name), value)
}

pub(crate) fn is_in<V: Into<Value>>(name: &str, values: impl IntoIterator<Item = V>) -> Expr {
    Expr::In {
        operand: Box::new(field(name)),
        values: values.into_iter().map(Into::into).collect(),
    }
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Sorted by fields in their default order of nulls; the id goes the way of the last.
pub(crate) fn sorted(keys: &[(&str, FieldKind, Direction)]) -> Query {
    let mut query = articles(Expr::always());
    for (name, kind, direction) in keys {
        query.id_direction = *direction;
        query
            .sort
            .push(sort(name, *kind, *direction, direction.default_nulls()));
    }
    query
}

pub(crate) fn sort(name: &str, kind: FieldKind, direction: Direction, nulls: Nulls) -> Sort {
    Sort {
        key: Expr::Field(Field::document(path(name), kind)),
        direction,
        nulls,
    }
}

pub(crate) fn index(
    name: &str,
    kind: IndexKind,
    fields: &[(&str, FieldKind, Direction)],
) -> IndexMeta {
    let fields = fields.iter().map(|(name, kind, direction)| {
        let meta = FieldMeta {
            path: path(name),
            kind: *kind,
        };
        (meta, *direction)
    });
    IndexMeta {
        name: name.to_owned(),
        fields: fields.collect(),
        kind,
        filter: Expr::always(),
        search: None,
    }
}
