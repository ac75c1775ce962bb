//! Computed values, updates that return rows, and upserts: what the contract's suite cannot see.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::*;
use den_backend::{
    ArgumentMode, ArithmeticOp, Backend, Change, CompareOp, ConflictTarget, Direction, ErrorKind,
    Expr, Field, FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta, Native, NativeKind,
    OnConflict, Patch, Piece, Query, Returning, Select, Sort, Upsert, UpsertOutcome, Value,
};
use futures_util::TryStreamExt;

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

fn field(at: &str, kind: FieldKind) -> Expr {
    Expr::Field(Field::document(path(at), kind))
}

fn is(at: &str, value: &str) -> Expr {
    let value = Expr::Value(value.into());
    Expr::compare(CompareOp::Eq, field(at, FieldKind::Text), value)
}

fn add(left: Expr, right: Expr) -> Expr {
    Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(left),
        right: Box::new(right),
    }
}

/// A value in SQLite's own language.
fn native(kind: NativeKind, pieces: Vec<Piece>) -> Expr {
    Expr::Native(Native {
        engine: "sqlite",
        feature: "test",
        pieces,
        arguments: vec![n()],
        kind,
    })
}

/// `n % 3`
fn remainder() -> Expr {
    let pieces = vec![Piece::Argument(0, ArgumentMode::Number), Piece::Sql(" % 3")];
    native(NativeKind::Number, pieces)
}

fn even() -> Expr {
    let pieces = vec![
        Piece::Argument(0, ArgumentMode::Number),
        Piece::Sql(" % 2 = 0"),
    ];
    native(NativeKind::Bool, pieces)
}

async fn bodies(backend: &dyn Backend, query: &Query) -> Vec<String> {
    let rows = backend.query(query).await.unwrap();
    let rows: Vec<_> = rows.try_collect().await.unwrap();
    let text = |body| String::from_utf8(body).unwrap();
    rows.into_iter().map(|it| text(it.body)).collect()
}

#[tokio::test]
async fn what_sqlite_computes_mixes_with_what_den_computes() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    fill(&*backend, 5).await;
    let even_or_not = Expr::Case {
        branches: vec![(even(), Expr::Value("even".into()))],
        otherwise: Box::new(remainder()),
    };
    let json = native(NativeKind::Json, vec![Piece::Sql("json_array(d.id, 1)")]);
    let query = Query {
        filter: Expr::compare(
            CompareOp::Gt,
            add(remainder(), n()),
            Expr::Value(Value::Int(1)),
        )
        .or(even()),
        select: Select::Values(vec![
            n(),
            add(n(), remainder()),
            even_or_not.clone(),
            even(),
            json,
        ]),
        sort: vec![Sort {
            key: add(remainder(), n()),
            direction: Direction::Desc,
            nulls: Direction::Desc.default_nulls(),
        }],
        ..Query::new(ITEMS)
    };
    assert_eq!(
        bodies(&*backend, &query).await,
        [
            r#"[4,5,"even",true,["00004",1]]"#,
            r#"[2,4,"even",true,["00002",1]]"#,
            r#"[3,3,0,false,["00003",1]]"#,
            r#"[1,2,1,false,["00001",1]]"#,
            r#"[0,0,"even",true,["00000",1]]"#,
        ]
    );
    let patch = Patch::new(vec![
        Change::SetExpr {
            path: path("m"),
            value: even_or_not,
        },
        Change::SetExpr {
            path: path("n"),
            value: add(n(), remainder()),
        },
    ]);
    let last = Query {
        sort: vec![Sort {
            key: n(),
            direction: Direction::Desc,
            nulls: Direction::Desc.default_nulls(),
        }],
        limit: Some(2),
        ..Query::new(ITEMS)
    };
    let changed = backend.update(&last, &patch, Returning::New).await.unwrap();
    let rows = changed.rows.into_iter().map(|it| it.body);
    assert_eq!(
        rows.collect::<Vec<_>>(),
        [
            br#"{"_id":"00004","m":"even","n":5}"#,
            &br#"{"_id":"00003","m":0,"n":3}"#[..]
        ]
    );
    backend.close().await.unwrap();
}

#[tokio::test]
async fn an_update_that_returns_rows_is_done_or_not_wherever_it_is_cancelled() {
    let backend = open("sqlite::memory:").await.unwrap();
    with_items(&*backend).await;
    fill(&*backend, 300).await;
    let patch = Patch::new(vec![Change::Inc {
        path: path("m"),
        by: 1.into(),
    }]);
    for micros in (0..6000_u64).step_by(150) {
        let all = Query::new(ITEMS);
        let work = backend.update(&all, &patch, Returning::Old);
        let _ = tokio::time::timeout(Duration::from_micros(micros), work).await;
        // The next write waits for what may still be going on.
        let one = Query {
            filter: is("_id", "none"),
            ..Query::new(ITEMS)
        };
        let none = backend.update(&one, &patch, Returning::New).await.unwrap();
        assert_eq!((none.count, none.rows.len()), (0, 0));
        let values = Query {
            select: Select::Value(path("m")),
            ..Query::new(ITEMS)
        };
        let mut counts = bodies(&*backend, &values).await;
        counts.dedup();
        assert_eq!(counts.len(), 1, "{micros}");
    }
    backend.close().await.unwrap();
}

/// A unique index over `code` of what is open.
fn open_code() -> IndexMeta {
    let code = FieldMeta {
        path: path("code"),
        kind: FieldKind::Text,
    };
    IndexMeta {
        name: "ux_open".into(),
        fields: vec![(code, Direction::Asc)],
        kind: IndexKind::Unique,
        filter: is("state", "open"),
        search: None,
    }
}

fn by_state() -> IndexMeta {
    let state = FieldMeta {
        path: path("state"),
        kind: FieldKind::Text,
    };
    IndexMeta {
        name: "ix_state".into(),
        fields: vec![(state, Direction::Asc)],
        kind: IndexKind::Plain,
        filter: Expr::always(),
        search: None,
    }
}

async fn upsert(backend: &dyn Backend, id: &str) -> den_backend::Result<UpsertOutcome> {
    let body = format!(r#"{{"_id":"{id}","code":"x","state":"open"}}"#);
    let patch = Patch::new(vec![Change::Inc {
        path: path("n"),
        by: 1.into(),
    }]);
    let index = open_code();
    let upsert = Upsert {
        id,
        body: body.as_bytes(),
        target: ConflictTarget::Index(&index),
        on_conflict: OnConflict::Change(&patch),
    };
    backend.upsert(ITEMS, &upsert).await
}

#[tokio::test]
async fn an_upsert_finds_its_index_whatever_columns_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let [backend, other] = [open_file(&file, "").await, open_file(&file, "").await];
    with_items(&*backend).await;
    backend.ensure_index(ITEMS, &open_code()).await.unwrap();
    let outcome = upsert(&*backend, "1").await.unwrap();
    assert_eq!(outcome, UpsertOutcome::Inserted);
    // The filter is spelled by a column from now on, which the first program does not know yet.
    for round in 1..=4 {
        match round % 2 {
            1 => other.ensure_index(ITEMS, &by_state()).await.unwrap(),
            _ => other.drop_index(ITEMS, "ix_state").await.unwrap(),
        }
        for backend in [&backend, &other] {
            let UpsertOutcome::Changed(row) = upsert(&**backend, "2").await.unwrap() else {
                panic!("not changed");
            };
            assert_eq!(row.id, "1");
        }
    }
    let stored = backend.get(ITEMS, "1").await.unwrap().unwrap();
    let stored: Value = serde_json::from_slice(&stored.body).unwrap();
    assert_eq!(stored.at(path("n").segments()), Some(&Value::Int(8)));

    other.drop_index(ITEMS, "ux_open").await.unwrap();
    let error = upsert(&*backend, "2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error}");
    backend.close().await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test]
async fn an_upsert_is_made_once_however_many_programs_make_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let [one, two] = [open_file(&file, "").await, open_file(&file, "").await];
    with_items(&*one).await;
    one.ensure_index(ITEMS, &open_code()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for id in 0..40 {
        let backend = if id % 2 == 0 {
            one.clone()
        } else {
            two.clone()
        };
        tasks.spawn(async move { upsert(&*backend, &id.to_string()).await.unwrap() });
    }
    let outcomes = tasks.join_all().await;
    let inserted = outcomes.iter().filter(|it| **it == UpsertOutcome::Inserted);
    assert_eq!(inserted.count(), 1);
    assert_eq!(one.count(&Query::new(ITEMS)).await.unwrap(), 1);
    let rows = Query {
        select: Select::Value(path("n")),
        ..Query::new(ITEMS)
    };
    assert_eq!(bodies(&*one, &rows).await, ["39"]);
    one.close().await.unwrap();
    two.close().await.unwrap();
}
