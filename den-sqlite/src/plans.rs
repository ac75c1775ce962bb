//! What SQLite makes of the statements that group, change and insert: tests.

use den_backend::{
    Aggregate, AggregateFunction, Change, CollectionMeta, CompareOp, ConflictTarget, Direction,
    Expr, Field, FieldKind, FieldMeta, FieldPath, Grouping, IndexKind, IndexMeta, OnConflict,
    Patch, Query, Returning, Root, Sort, Upsert,
};
use den_sql::{Layout, SQLITE, Statement, schema};
use rusqlite::Connection;

use crate::functions;

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

fn field(at: &str, kind: FieldKind) -> Expr {
    Expr::Field(Field::document(path(at), kind))
}

fn kind() -> Expr {
    field("kind", FieldKind::Text)
}

fn price() -> Expr {
    field("price", FieldKind::Number)
}

fn is(left: Expr, right: &str) -> Expr {
    Expr::compare(CompareOp::Eq, left, Expr::Value(right.into()))
}

fn index(name: &str, kind: IndexKind, fields: &[(&str, FieldKind)], filter: Expr) -> IndexMeta {
    let fields = fields.iter().map(|(at, kind)| {
        let field = FieldMeta {
            path: path(at),
            kind: *kind,
        };
        (field, Direction::Asc)
    });
    IndexMeta {
        name: name.into(),
        fields: fields.collect(),
        kind,
        filter,
        search: None,
    }
}

fn items() -> CollectionMeta {
    let text = FieldKind::Text;
    let open = is(field("state", text), "open");
    let by_kind = [("kind", text), ("price", FieldKind::Number)];
    CollectionMeta {
        indexes: vec![
            index("ix_kind", IndexKind::Plain, &by_kind, Expr::always()),
            index(
                "ux_code",
                IndexKind::Unique,
                &[("code", text)],
                Expr::always(),
            ),
            index(
                "ux_open",
                IndexKind::Unique,
                &[("slot", FieldKind::Any)],
                open,
            ),
        ],
        ..CollectionMeta::new("items")
    }
}

/// The plan of a statement over the collection, which holds no rows.
fn plan(render: impl FnOnce(&Layout) -> Statement) -> String {
    let connection = Connection::open_in_memory().unwrap();
    functions::register(&connection).unwrap();
    let meta = items();
    let layout = Layout::of(&meta);
    let table = schema::create_table(SQLITE, &meta);
    connection.execute_batch(&table).unwrap();
    for index in &meta.indexes {
        for sql in schema::create_index(SQLITE, &layout, index, false) {
            connection.execute_batch(&sql).unwrap();
        }
    }
    let statement = render(&layout);
    let explain = ["EXPLAIN QUERY PLAN ", &statement.sql].concat();
    let mut prepared = connection.prepare(&explain).unwrap();
    let steps = prepared.raw_query().mapped(|row| row.get::<_, String>(3));
    steps.collect::<Result<Vec<_>, _>>().unwrap().join("\n")
}

fn sum(of: Expr) -> Aggregate {
    Aggregate {
        function: AggregateFunction::Sum,
        operand: Some(of),
    }
}

fn of_kind() -> Query {
    Query {
        filter: is(kind(), "a"),
        ..Query::new("items")
    }
}

fn inc() -> Patch {
    Patch::new(vec![Change::Inc {
        path: path("price"),
        by: 1.into(),
    }])
}

#[track_caller]
fn check_group(query: &Query, keys: Vec<Expr>, aggregate: Aggregate, expected: &[&str]) {
    let grouping = Grouping::new(keys, vec![aggregate]);
    let plan = plan(|layout| den_sql::group(SQLITE, layout.into(), query, &grouping));
    assert_eq!(plan.lines().collect::<Vec<_>>(), expected);
}

#[track_caller]
fn check_update(query: &Query, expected: &[&str]) {
    let patch = inc();
    let render =
        |layout: &Layout| den_sql::update(SQLITE, layout.into(), query, &patch, Returning::Nothing);
    assert_eq!(plan(render).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn groups_come_out_of_an_index_in_order() {
    check_group(
        &Query::new("items"),
        vec![kind()],
        sum(price()),
        &[
            "CO-ROUTINE d",
            "SCAN d USING INDEX ix_kind",
            "SCAN d",
            "USE TEMP B-TREE FOR ORDER BY",
        ],
    );
}

#[test]
fn what_is_grouped_is_found_by_an_index() {
    let search = "SEARCH d USING INDEX ix_kind (t_kind_cefba494=?)";
    check_group(
        &of_kind(),
        vec![],
        sum(price()),
        &["CO-ROUTINE d", search, "SCAN d"],
    );
    let state = field("state", FieldKind::Text);
    check_group(
        &of_kind(),
        vec![state],
        sum(price()),
        &[
            "CO-ROUTINE d",
            search,
            "USE TEMP B-TREE FOR GROUP BY",
            "SCAN d",
            "USE TEMP B-TREE FOR ORDER BY",
        ],
    );
    let element = Expr::Field(Field {
        root: Root::Element,
        path: FieldPath::root(),
        kind: FieldKind::Text,
    });
    let unwound = Query {
        unwind: Some(path("tags")),
        ..of_kind()
    };
    check_group(
        &unwound,
        vec![element],
        sum(price()),
        &[
            "CO-ROUTINE d",
            search,
            "SCAN e0 VIRTUAL TABLE INDEX 3:",
            "USE TEMP B-TREE FOR GROUP BY",
            "SCAN d",
            "USE TEMP B-TREE FOR ORDER BY",
        ],
    );
}

#[test]
fn what_a_function_changes_is_found_by_an_index() {
    let search = "SEARCH d USING INDEX ix_kind (t_kind_cefba494=?)";
    check_update(&of_kind(), &[search]);
    let first = Query {
        limit: Some(1),
        sort: vec![Sort {
            key: price(),
            direction: Direction::Asc,
            nulls: Direction::Asc.default_nulls(),
        }],
        ..of_kind()
    };
    // In the order of the index: nothing is sorted.
    check_update(
        &first,
        &[
            "SEARCH d USING COVERING INDEX sqlite_autoindex_items_1 (id=?)",
            "LIST SUBQUERY 2",
            search,
        ],
    );
}

#[test]
fn an_upsert_names_its_index() {
    let patch = inc();
    for index in items()
        .indexes
        .iter()
        .filter(|it| it.kind == IndexKind::Unique)
    {
        for on_conflict in [OnConflict::Nothing, OnConflict::Change(&patch)] {
            let upsert = Upsert {
                id: "1",
                body: b"{}",
                target: ConflictTarget::Index(index),
                on_conflict,
            };
            // SQLite refuses to prepare one that names no unique index, and looks at no other row.
            let render = |layout: &Layout| den_sql::upsert(SQLITE, layout.into(), &upsert);
            assert_eq!(plan(render), "", "{}", index.name);
        }
    }
}
