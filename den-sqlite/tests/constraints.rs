//! Constraints against other programs, and against statements of an application's own.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{
    ITEMS, at_least, index_of_n, open_file,
    schema::{assert_names, constrain, field, file, items, of_type, path, put, required, unique},
    with_items,
};
use den_backend::{
    Change, CompareOp, ConstraintKind, ConstraintRule, Error, ErrorKind, Expectation, Expr,
    FieldKind, IndexKind, IndexMeta, JsonType, Patch, Pattern, Put, PutOutcome, ReadWrite,
    Returning, TxOptions, Value,
};
use den_sqlite::native::rusqlite::Connection;

fn positive(field_name: &str) -> ConstraintKind {
    let number = field(field_name, FieldKind::Number);
    let filter = Expr::compare(CompareOp::Gt, number, Expr::Value(Value::Int(0)));
    ConstraintKind::Check { filter }
}

fn matching(field_name: &str, pattern: &str) -> ConstraintKind {
    let filter = Expr::Matches {
        operand: Box::new(field(field_name, FieldKind::Text)),
        pattern: Pattern::parse(pattern).unwrap(),
    };
    ConstraintKind::Check { filter }
}

async fn raw(on: &dyn ReadWrite, sql: &str) -> Error {
    on.raw_execute(sql, &[]).await.unwrap_err()
}

#[tokio::test]
async fn raw_statements_keep_constraints() {
    let (_folder, file) = file();
    let db = items(&file).await;
    put(&*db, "a", r#"{"n":1,"k":1,"u":1}"#).await.unwrap();
    put(&*db, "b", r#"{"n":2,"k":2,"u":2}"#).await.unwrap();
    let r = constrain(&*db, required("r.s")).await;
    assert_eq!(r.unwrap_err().offenders(), ["a", "b"]);
    let n = constrain(&*db, required("n")).await.unwrap();
    let t = constrain(&*db, of_type("t", &[JsonType::Integer, JsonType::Bool]))
        .await
        .unwrap();
    let k = constrain(
        &*db,
        ConstraintKind::Key {
            fields: vec![path("k")],
        },
    )
    .await
    .unwrap();
    let u = constrain(&*db, unique(&["u"])).await.unwrap();
    let c = constrain(&*db, positive("n")).await.unwrap();
    for (sql, kind, constraint, fields) in [
        (
            "UPDATE items SET data = jsonb_remove(data, '$.n')",
            ErrorKind::Validation,
            &n,
            "n",
        ),
        (
            "UPDATE OR IGNORE items SET data = jsonb_set(data, '$.n', NULL)",
            ErrorKind::Validation,
            &n,
            "n",
        ),
        (
            "UPDATE items SET data = jsonb_set(data, '$.t', 1.5)",
            ErrorKind::Validation,
            &t,
            "t",
        ),
        (
            "UPDATE items SET data = jsonb_set(data, '$.t', '1')",
            ErrorKind::Validation,
            &t,
            "t",
        ),
        (
            "UPDATE items SET data = jsonb_set(data, '$.n', -1)",
            ErrorKind::Validation,
            &c,
            "n",
        ),
        (
            "UPDATE items SET data = jsonb_remove(data, '$.k')",
            ErrorKind::Validation,
            &k,
            "k",
        ),
        (
            "UPDATE items SET data = jsonb_set(data, '$.k', 1)",
            ErrorKind::Duplicate,
            &k,
            "k",
        ),
        (
            "UPDATE items SET data = jsonb_set(data, '$.u', 1.0)",
            ErrorKind::Duplicate,
            &u,
            "u",
        ),
        (
            "INSERT INTO items (id, data) VALUES ('c', jsonb('{\"n\":1,\"k\":3,\"u\":1}'))",
            ErrorKind::Duplicate,
            &u,
            "u",
        ),
        (
            "INSERT OR REPLACE INTO items (id, data) VALUES ('a', jsonb('{\"k\":3}'))",
            ErrorKind::Validation,
            &n,
            "n",
        ),
        (
            "REPLACE INTO items (id, data) VALUES ('c', jsonb('{\"k\":3}'))",
            ErrorKind::Validation,
            &n,
            "n",
        ),
        (
            "INSERT OR IGNORE INTO items (id, data) VALUES ('c', jsonb('{\"k\":3}'))",
            ErrorKind::Validation,
            &n,
            "n",
        ),
    ] {
        let error = raw(&*db, sql).await;
        assert_eq!(error.kind(), kind, "{sql}: {error:?}");
        // A row that breaks two rules is refused for one of them.
        if fields == "n" {
            let named = error.constraint().unwrap().name();
            assert!([&n.name, &c.name].iter().any(|it| *it == named), "{sql}");
        } else {
            assert_names(&error, constraint, &[fields]);
        }
        let error = db
            .raw_query(&[sql, " RETURNING id"].concat(), &[])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{sql}");
    }
    // Types that differ do not collide, and null takes no part.
    for value in [
        "'1'",
        "json('true')",
        "NULL",
        "NULL",
        "1.5",
        "json('[1]')",
        "json('\"[1]\"')",
    ] {
        let id = ["'", &value.replace('\'', ""), "'"].concat();
        let sql = "INSERT INTO items (id, data) VALUES (lower(hex(randomblob(9))), \
                   jsonb_object('n', 1, 'k', lower(hex(randomblob(9))), 'u', ";
        let sql = [sql, value, "))"].concat();
        assert_eq!(db.raw_execute(&sql, &[]).await.unwrap(), 1, "{id}");
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn an_id_that_is_taken_is_said_before_what_a_constraint_says() {
    let (_folder, file) = file();
    let db = items(&file).await;
    put(&*db, "a", r#"{"n":1}"#).await.unwrap();
    constrain(&*db, required("n")).await.unwrap();
    let absent = |id| Put {
        id,
        body: b"{}",
        expect: Expectation::Absent,
    };
    assert!(matches!(
        db.put(ITEMS, absent("a")).await.unwrap(),
        PutOutcome::Refused(_)
    ));
    let error = db.put(ITEMS, absent("b")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.id()),
        (ErrorKind::Validation, Some("b"))
    );
    db.close().await.unwrap();
}

#[tokio::test]
async fn an_update_of_many_names_the_document() {
    let (_folder, file) = file();
    let db = items(&file).await;
    for n in 1..=5 {
        let json = format!(r#"{{"n":{n},"m":{}}}"#, 3 - n);
        put(&*db, &format!("{n}"), &json).await.unwrap();
    }
    let rule = constrain(&*db, positive("n")).await.unwrap();
    let less = Patch::new(vec![Change::SetExpr {
        path: path("n"),
        value: field("m", FieldKind::Number),
    }]);
    let tx = db.begin(TxOptions::default()).await.unwrap();
    for returning in [Returning::Nothing, Returning::New] {
        let on: [&dyn ReadWrite; 1] = [&*tx];
        for it in on {
            let error = it.update(&at_least(2), &less, returning).await.unwrap_err();
            assert_names(&error, &rule, &["n"]);
            assert_eq!(error.id(), Some("3"));
        }
    }
    tx.rollback().await.unwrap();
    for returning in [Returning::Nothing, Returning::New] {
        let error = db.update(&at_least(2), &less, returning).await.unwrap_err();
        assert_names(&error, &rule, &["n"]);
        assert_eq!(error.id(), Some("3"));
    }
    assert_eq!(db.count(&at_least(1)).await.unwrap(), 5);
    db.close().await.unwrap();
}

#[tokio::test]
async fn other_programs_keep_constraints() {
    let (_folder, file) = file();
    let db = items(&file).await;
    constrain(&*db, required("n")).await.unwrap();
    constrain(&*db, of_type("t", &[JsonType::Integer]))
        .await
        .unwrap();
    constrain(&*db, positive("n")).await.unwrap();
    constrain(&*db, unique(&["u"])).await.unwrap();
    let other = Connection::open(&file).unwrap();
    let insert = |json: &str| {
        other.execute(
            "INSERT INTO items (id, data) VALUES (lower(hex(randomblob(9))), jsonb(?1))",
            [json],
        )
    };
    insert(r#"{"n":1,"u":"x"}"#).unwrap();
    for wrong in [
        "{}",
        r#"{"n":0}"#,
        r#"{"n":1,"t":"1"}"#,
        r#"{"n":1,"t":1.5}"#,
        r#"{"n":1,"u":"x"}"#,
    ] {
        insert(wrong).unwrap_err();
    }
    insert(r#"{"n":1,"t":2.0,"u":"y"}"#).unwrap();
    // What SQLite cannot compute itself is refused there, never let pass.
    constrain(&*db, matching("u", "^[xyz]$")).await.unwrap();
    insert(r#"{"n":1,"u":"z"}"#).unwrap_err();
    put(&*db, "z", r#"{"n":1,"u":"z"}"#).await.unwrap();
    let error = put(&*db, "w", r#"{"n":1,"u":"w"}"#).await.unwrap_err();
    assert_eq!(error.constraint().unwrap().rule(), ConstraintRule::Check);
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_constraint_of_another_handle_is_known_when_it_refuses() {
    let (_folder, file) = file();
    let db = items(&file).await;
    put(&*db, "a", r#"{"n":1}"#).await.unwrap();
    let other = open_file(&file, "").await;
    let rule = constrain(&*other, required("n")).await.unwrap();
    let error = put(&*db, "b", "{}").await.unwrap_err();
    assert_names(&error, &rule, &["n"]);
    let one = constrain(&*other, unique(&["n"])).await.unwrap();
    let error = put(&*db, "b", r#"{"n":1.0}"#).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_names(&error, &one, &["n"]);
    assert_eq!(db.constraints(ITEMS).await.unwrap(), [rule, one]);
    other.close().await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_table_that_others_drop_takes_its_constraints_along() {
    let (_folder, file) = file();
    let db = items(&file).await;
    let rule = constrain(&*db, required("n")).await.unwrap();
    constrain(&*db, unique(&["n"])).await.unwrap();
    db.raw_execute("DROP TABLE items", &[]).await.unwrap();
    with_items(&*db).await;
    assert_eq!(db.constraints(ITEMS).await.unwrap(), []);
    put(&*db, "a", "{}").await.unwrap();
    assert_eq!(
        constrain(&*db, required("n"))
            .await
            .unwrap_err()
            .offenders(),
        ["a"]
    );
    put(&*db, "a", r#"{"n":1}"#).await.unwrap();
    constrain(&*db, required("n")).await.unwrap();
    assert_eq!(db.constraints(ITEMS).await.unwrap(), [rule]);
    db.drop_collection(ITEMS).await.unwrap();
    let left = db
        .raw_query("SELECT count(*) AS n FROM _den_constraints", &[])
        .await
        .unwrap();
    assert_eq!(left, [br#"{"n":0}"#.to_vec()]);
    db.close().await.unwrap();
}

#[tokio::test]
async fn an_index_that_backs_a_constraint_stays() {
    let (_folder, file) = file();
    let db = items(&file).await;
    let rule = constrain(&*db, unique(&["n"])).await.unwrap();
    assert_eq!(db.list_recorded_indexes(ITEMS).await.unwrap(), []);
    let error = db.drop_index(ITEMS, &rule.name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Restricted);
    assert!(error.to_string().contains(&rule.name));
    let other = IndexMeta {
        name: rule.name.clone(),
        ..index_of_n(IndexKind::Plain)
    };
    let error = db.ensure_index(ITEMS, &other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    db.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_make_one_constraint_at_once() {
    let (_folder, file) = file();
    let db = items(&file).await;
    put(&*db, "a", r#"{"n":1}"#).await.unwrap();
    let mut starters = Vec::new();
    for _ in 0..8 {
        let file = file.clone();
        starters.push(tokio::spawn(async move {
            let db = open_file(&file, "").await;
            constrain(&*db, unique(&["n"])).await.unwrap();
            constrain(&*db, required("n")).await.unwrap();
            db.close().await.unwrap();
        }));
    }
    for it in starters {
        it.await.unwrap();
    }
    assert_eq!(db.constraints(ITEMS).await.unwrap().len(), 2);
    put(&*db, "b", "{}").await.unwrap_err();
    db.close().await.unwrap();
}
