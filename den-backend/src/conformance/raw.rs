//! Statements in the engine's own language: here, what engines share of SQL.

use crate::{Backend, ErrorKind, ReadWrite, Result, Value, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(parameters_go_by_number: RawStatements),
    case!(parameters_of_every_kind_come_back: RawStatements),
    case!(parameters_are_values: RawStatements),
    case!(a_dollar_in_a_text_is_no_parameter: RawStatements),
    case!(many_rows_and_none: RawStatements),
    case!(a_statement_says_how_many_rows_it_changed: RawStatements),
    case!(a_bad_statement_is_an_error: RawStatements),
    case!(statements_belong_to_their_transaction: RawStatements, Transactions),
    case!(a_bad_statement_leaves_a_transaction_usable: RawStatements, Transactions),
    case!(documents_come_back_as_json: RawStatements),
];

/// The rows, each as JSON text.
async fn ask(on: &(impl ReadWrite + ?Sized), statement: &str, parameters: &[&str]) -> Vec<String> {
    let found = try_ask(on, statement, parameters).await.unwrap();
    let text = |row: &Vec<u8>| serde_json::from_slice::<Value>(row).unwrap().to_string();
    found.iter().map(text).collect()
}

async fn try_ask(
    on: &(impl ReadWrite + ?Sized),
    statement: &str,
    parameters: &[&str],
) -> Result<Vec<Vec<u8>>> {
    let parameters: Vec<Value> = parameters.iter().map(|it| json(it)).collect();
    on.raw_query(statement, &parameters).await
}

async fn run(on: &(impl ReadWrite + ?Sized), statement: &str, parameters: &[&str]) -> Result<u64> {
    let parameters: Vec<Value> = parameters.iter().map(|it| json(it)).collect();
    on.raw_execute(statement, &parameters).await
}

async fn parameters_go_by_number(backend: &dyn Backend) {
    let found = ask(backend, "SELECT $2 AS a, $1 AS b", &["1", "2"]).await;
    assert_eq!(found, [r#"{"a":2,"b":1}"#]);
    let found = ask(
        backend,
        "SELECT $2 AS a, $1 AS b, $2 AS c, $3 AS d",
        &["\"one\"", "2", "true"],
    )
    .await;
    let [row] = &found[..] else {
        panic!("{found:?}")
    };
    let row = json(row);
    assert_eq!(row.at(&["b".to_owned()]), Some(&"one".into()));
    assert_eq!(row.at(&["a".to_owned()]), row.at(&["c".to_owned()]));
    let eleven: Vec<String> = (1..=11).map(|it| it.to_string()).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    let statement = "SELECT $11 AS k, $10 AS j, $1 AS a, $2 AS b, $3 AS c, $4 AS d, $5 AS e, \
                     $6 AS f, $7 AS g, $8 AS h, $9 AS i";
    let found = ask(backend, statement, &eleven).await;
    assert_eq!(
        found,
        [r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11}"#]
    );
}

async fn parameters_of_every_kind_come_back(backend: &dyn Backend) {
    for value in [
        "null",
        "0",
        "-7",
        "9223372036854775807",
        "-9223372036854775808",
        "0.5",
        "-1e300",
        "5e-324",
        "0.1",
        "\"\"",
        "\"text\"",
        "\"1\"",
        "\"it's $1 \\\" ?1 é😀 \\\\\"",
    ] {
        let found = ask(backend, "SELECT $1 AS a", &[value]).await;
        assert_eq!(found, [format!("{{\"a\":{}}}", json(value))], "{value}");
    }
    // Not every engine has bools and arrays; they are then the number and the text they stand for.
    for (value, others) in [("true", ["1", "true"]), ("false", ["0", "false"])] {
        let found = ask(backend, "SELECT $1 AS a", &[value]).await;
        let expected = others.map(|it| format!("{{\"a\":{it}}}"));
        assert!(expected.contains(&found[0]), "{value}: {found:?}");
    }
    for value in ["[]", "[1,\"é'\",null,[0.5]]", "{}", r#"{"y":{"z":[1]}}"#] {
        let found = ask(backend, "SELECT $1 AS a", &[value]).await;
        let row = json(&found[0]);
        match row.at(&["a".to_owned()]) {
            Some(Value::Text(text)) => assert_eq!(json(text), json(value)),
            other => assert_eq!(other, Some(&json(value))),
        }
    }
}

async fn parameters_are_values(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    for text in ["1; DROP TABLE items", "' OR '1'='1", "$2", "a--"] {
        let value = Value::from(text).to_string();
        let found = ask(backend, "SELECT $1 AS a WHERE $1 = $2", &[&value, &value]).await;
        assert_eq!(found, [format!("{{\"a\":{value}}}")]);
        let none = ask(backend, "SELECT 1 AS a WHERE $1 = $2", &[&value, "\"x\""]).await;
        assert_eq!(none, [""; 0]);
    }
    assert_eq!(ids(backend, &crate::Query::new(ITEMS)).await, "a");
}

async fn a_dollar_in_a_text_is_no_parameter(backend: &dyn Backend) {
    let statement = "SELECT '$1 ''$2' AS a, $1 AS \"$2\" -- $3\n/* $4 */";
    let found = ask(backend, statement, &["5"]).await;
    assert_eq!(found, [r#"{"$2":5,"a":"$1 '$2"}"#]);
}

async fn many_rows_and_none(backend: &dyn Backend) {
    let statement = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500)
        SELECT x FROM n ORDER BY x";
    let found = ask(backend, statement, &[]).await;
    assert_eq!(found.len(), 500);
    assert_eq!(found[499], r#"{"x":500}"#);
    let none = ask(backend, "SELECT 1 AS a WHERE 1 = 0", &[]).await;
    assert_eq!(none, [""; 0]);
}

async fn a_statement_says_how_many_rows_it_changed(backend: &dyn Backend) {
    let made = run(backend, "CREATE TABLE raw_numbers (x INTEGER)", &[]).await;
    assert_eq!(made.unwrap(), 0);
    let insert = "INSERT INTO raw_numbers (x) VALUES (1), (2), (3)";
    assert_eq!(run(backend, insert, &[]).await.unwrap(), 3);
    let update = "UPDATE raw_numbers SET x = x + 1 WHERE x > 1";
    assert_eq!(run(backend, update, &[]).await.unwrap(), 2);
    let update = "UPDATE raw_numbers SET x = 0 WHERE x > 100";
    assert_eq!(run(backend, update, &[]).await.unwrap(), 0);
    let found = ask(backend, "SELECT x FROM raw_numbers ORDER BY x", &[]).await;
    assert_eq!(found, [r#"{"x":1}"#, r#"{"x":3}"#, r#"{"x":4}"#]);
    assert_eq!(
        run(backend, "DELETE FROM raw_numbers", &[]).await.unwrap(),
        3
    );
    run(backend, "DROP TABLE raw_numbers", &[]).await.unwrap();
}

async fn a_bad_statement_is_an_error(backend: &dyn Backend) {
    for statement in ["SELEC 1", "SELECT x FROM nope_nope"] {
        let failed = try_ask(backend, statement, &[]).await;
        assert!(failed.is_err(), "{statement}");
    }
    let failed = run(backend, "UPDATE nope_nope SET x = 1", &[]).await;
    assert!(failed.is_err());
    for (statement, parameters) in [
        ("SELECT $1 AS a, $2 AS b", &["1"][..]),
        ("SELECT $1 AS a", &[]),
    ] {
        let failed = try_ask(backend, statement, parameters).await;
        assert_eq!(kind_of(failed), ErrorKind::InvalidQuery, "{statement}");
    }
    assert_eq!(ask(backend, "SELECT 1 AS a", &[]).await, [r#"{"a":1}"#]);
}

async fn statements_belong_to_their_transaction(backend: &dyn Backend) {
    run(backend, "CREATE TABLE raw_numbers (x INTEGER)", &[])
        .await
        .unwrap();
    let insert = "INSERT INTO raw_numbers (x) VALUES (7)";
    let count = "SELECT count(*) AS n FROM raw_numbers";
    let tx = begin(backend).await;
    assert_eq!(run(&*tx, insert, &[]).await.unwrap(), 1);
    assert_eq!(ask(&*tx, count, &[]).await, [r#"{"n":1}"#]);
    tx.rollback().await.unwrap();
    assert_eq!(ask(backend, count, &[]).await, [r#"{"n":0}"#]);
    let tx = begin(backend).await;
    assert_eq!(run(&*tx, insert, &[]).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(ask(backend, count, &[]).await, [r#"{"n":1}"#]);
    let closed = try_ask(&*tx, count, &[]).await;
    assert_eq!(kind_of(closed), ErrorKind::TransactionClosed);
    let closed = run(&*tx, insert, &[]).await;
    assert_eq!(kind_of(closed), ErrorKind::TransactionClosed);
    run(backend, "DROP TABLE raw_numbers", &[]).await.unwrap();
}

async fn a_bad_statement_leaves_a_transaction_usable(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    let tx = begin(backend).await;
    insert(&*tx, "b", "{}").await;
    assert!(try_ask(&*tx, "SELECT x FROM nope_nope", &[]).await.is_err());
    assert!(run(&*tx, "DELETE FROM nope_nope", &[]).await.is_err());
    assert!(try_ask(&*tx, "SELECT $1 AS a", &[]).await.is_err());
    assert_eq!(ask(&*tx, "SELECT $1 AS a", &["1"]).await, [r#"{"a":1}"#]);
    insert(&*tx, "c", "{}").await;
    tx.commit().await.unwrap();
    assert_eq!(ids(backend, &crate::Query::new(ITEMS)).await, "a b c");
}

async fn documents_come_back_as_json(backend: &dyn Backend) {
    given(backend, &[r#"{"x":[1,{"y":"é"}]}"#, r#"{"x":0.5}"#]).await;
    let found = ask(backend, "SELECT id, data FROM items ORDER BY id", &[]).await;
    assert_eq!(
        found,
        [
            r#"{"data":{"_id":"a","x":[1,{"y":"é"}]},"id":"a"}"#,
            r#"{"data":{"_id":"b","x":0.5},"id":"b"}"#,
        ]
    );
}
