//! Writes that den knows nothing of.

use den::{ErrorKind, constraint, prelude::*, raw::RawSql, schema::ConstraintRule, site};
use den_test_harness::{Engine, TestDb};

use super::{Product, assert_broken, given, product};

/// Runs a statement as another program would, and returns what it was told, if it was refused.
async fn other_program(on: &TestDb, sqlite: &str, postgres: &str) -> Result<(), String> {
    match on.engine() {
        Engine::Sqlite => {
            let file = rusqlite::Connection::open(on.file()).unwrap();
            file.execute_batch(sqlite).map_err(|it| it.to_string())
        }
        Engine::Postgres => {
            let client = on.plain_connection().await;
            let refused = |it: tokio_postgres::Error| it.as_db_error().map(ToString::to_string);
            client
                .batch_execute(postgres)
                .await
                .map_err(|it| refused(it).unwrap_or_default())
        }
        Engine::Memory => panic!("there are no statements"),
    }
}

/// Statements that each break one rule, for SQLite and PostgreSQL.
const BREAKING: &[(&str, &str, &str)] = &[
    (
        "one_sku",
        r#"INSERT INTO products (id, data) VALUES ('b', jsonb('{"sku":"a","name":"x","price":1}'))"#,
        r#"INSERT INTO products (id, data) VALUES ('b', '{"sku":"a","name":"x","price":1}')"#,
    ),
    (
        "has_name",
        r#"INSERT INTO products (id, data) VALUES ('b', jsonb('{"sku":"b","price":1}'))"#,
        r#"INSERT INTO products (id, data) VALUES ('b', '{"sku":"b","price":1}')"#,
    ),
    (
        "has_name",
        "UPDATE products SET data = jsonb_remove(data, '$.name')",
        "UPDATE products SET data = data - 'name'",
    ),
    (
        "has_name",
        "UPDATE products SET data = jsonb_set(data, '$.name', NULL)",
        r#"UPDATE products SET data = data || '{"name":null}'"#,
    ),
    (
        "type_of_extra",
        "UPDATE products SET data = jsonb_set(data, '$.extra', 'x')",
        r#"UPDATE products SET data = data || '{"extra":"x"}'"#,
    ),
    (
        "sale_is_cheaper",
        "UPDATE products SET data = jsonb_set(data, '$.sale', 99)",
        r#"UPDATE products SET data = data || '{"sale":99}'"#,
    ),
    (
        "sku_and_price",
        "UPDATE products SET data = jsonb_remove(data, '$.price')",
        "UPDATE products SET data = data - 'price'",
    ),
    (
        "has_name",
        r#"INSERT INTO products (id, data) VALUES ('a', jsonb('{"sku":"a","price":9.5}'))
           ON CONFLICT (id) DO UPDATE SET data = excluded.data"#,
        r#"INSERT INTO products (id, data) VALUES ('a', '{"sku":"a","price":9.5}')
           ON CONFLICT (id) DO UPDATE SET data = excluded.data"#,
    ),
];

async fn first(db: &Db) -> Json {
    let stored = db.collection("products").get("a").await.unwrap();
    stored.unwrap()
}

pub(super) async fn another_program_cannot_break_a_rule(on: &TestDb) {
    let db = given(on).await;
    let before = first(db).await;
    for (name, sqlite, postgres) in BREAKING {
        let refused = other_program(on, sqlite, postgres).await;
        let told = refused.expect_err(sqlite);
        assert!(!told.is_empty(), "{name}");
        assert_eq!(first(db).await, before, "{name}");
        assert_eq!(Product::query(db).count().await.unwrap(), 1, "{name}");
    }
}

pub(super) async fn raw_statements_cannot_break_a_rule(on: &TestDb) {
    let db = given(on).await;
    let before = first(db).await;
    for (name, sqlite, postgres) in BREAKING {
        let statement = RawSql::new().sqlite(sqlite).postgres(postgres);
        let error = db
            .execute_raw(site!("break_a_rule"), statement.clone(), ())
            .await
            .unwrap_err();
        let expected = match *name {
            "one_sku" => ErrorKind::Duplicate,
            _ => ErrorKind::Validation,
        };
        assert_eq!(error.kind(), expected, "{name}: {error:?}");
        let constraint = error.constraint().unwrap();
        assert_eq!(constraint.name(), *name, "{error:?}");
        db.transaction(async |tx| {
            product("b").save(&tx).await?;
            let error = tx.execute_raw(site!("break_a_rule"), statement.clone(), ());
            error.await.unwrap_err();
            // The transaction goes on.
            product("c").save(&tx).await?;
            Err::<(), Error>(Error::custom("enough"))
        })
        .await
        .unwrap_err();
        assert_eq!(first(db).await, before, "{name}");
    }
    assert_eq!(Product::query(db).count().await.unwrap(), 1);
}

pub(super) async fn what_another_program_writes_well_is_taken(on: &TestDb) {
    let db = given(on).await;
    let rule = constraint::required("sku").named("has_sku");
    db.schema()
        .create_constraint("products", rule)
        .await
        .unwrap();
    other_program(
        on,
        r#"INSERT INTO products (id, data) VALUES ('b', jsonb('{"_id":"b","sku":"b","name":"x","price":1,"extra":[]}'))"#,
        r#"INSERT INTO products (id, data) VALUES ('b', '{"_id":"b","sku":"b","name":"x","price":1,"extra":[]}')"#,
    )
    .await
    .unwrap();
    other_program(
        on,
        "UPDATE products SET data = jsonb_set(data, '$.extra', 7)",
        r#"UPDATE products SET data = data || '{"extra":7}'"#,
    )
    .await
    .unwrap();
    let mut stored = Product::find(db, "b").await.unwrap();
    assert_eq!(stored.extra, 7);
    stored.name = None;
    let error = stored.save(db).await.unwrap_err();
    assert_broken(&error, "has_name", ConstraintRule::Required);
    other_program(
        on,
        "DELETE FROM products WHERE id = 'b'",
        "DELETE FROM products WHERE id = 'b'",
    )
    .await
    .unwrap();
    product("b").save(db).await.unwrap();
}
