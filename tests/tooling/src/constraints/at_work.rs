//! Constraints among many writers, and beside others.

use den_test_harness::Engine;
use futures_util::future::join_all;

use super::*;

pub(super) async fn of_many_with_one_value_one_is_taken(on: &TestDb) {
    let db = given(on).await;
    let inserted = (0..16).map(|i| async move {
        let mut it = product(if i % 2 == 0 { "x" } else { "y" });
        it.insert(db).await
    });
    let outcomes = join_all(inserted).await;
    let taken = outcomes.iter().filter(|it| it.is_ok()).count();
    assert_eq!(taken, 2);
    for error in outcomes.iter().filter_map(|it| it.as_ref().err()) {
        assert_broken(error, "one_sku", ConstraintRule::Unique);
    }
}

pub(super) async fn a_constraint_made_while_others_write_holds(on: &TestDb) {
    let db = given_free(on, &[]).await;
    let write = async |worker: usize| {
        let free = db.collection("free");
        for i in 0..20 {
            // Some break one rule, some the other.
            let mut document = json!({ "v": worker * 100 + i, "w": 1 });
            if i % 7 == 6 {
                document = json!({ "v": i });
            }
            match free.insert(document).await {
                Ok(_) => {}
                Err(error) if error.constraint().is_some() => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    let make = async |rule: fn() -> NewConstraint| {
        for _ in 0..10 {
            let made = db
                .schema()
                .create_constraint("free", rule())
                .if_not_exists();
            match made.await {
                Ok(_) => {}
                Err(error) if !error.offenders().is_empty() => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    let rules: [fn() -> NewConstraint; 2] =
        [|| constraint::required("w"), || constraint::unique(["v"])];
    tokio::join!(write(1), write(2), make(rules[0]), write(3), make(rules[1]));
    // What was made is kept by all.
    let all = db.collection("free").query().all().await.unwrap();
    for made in db.schema().constraints("free").await.unwrap() {
        match made.kind.rule() {
            ConstraintRule::Required => assert!(all.iter().all(|it| !it["w"].is_null())),
            ConstraintRule::Unique
            | ConstraintRule::Type
            | ConstraintRule::Key
            | ConstraintRule::Check => {
                let mut values: Vec<i64> = all.iter().map(|it| it["v"].as_i64().unwrap()).collect();
                let count = values.len();
                values.sort_unstable();
                values.dedup();
                assert_eq!(values.len(), count);
            }
        }
    }
}

pub(super) async fn a_name_that_is_taken_elsewhere_is_refused(on: &TestDb) {
    let db = given_free(on, &[]).await;
    let schema = db.schema();
    on.with::<Product>().await;
    let one = || constraint::unique(["sku"]).named("one");
    schema.create_constraint("products", one()).await.unwrap();
    let error = schema.create_constraint("free", one()).await.unwrap_err();
    assert!(error.to_string().contains("one"), "{error}");
    let index = den::schema::index(["sku"]).named("one");
    let error = schema.create_index("free", index).await.unwrap_err();
    assert!(error.to_string().contains("one"), "{error}");
    assert_eq!(schema.constraints("free").await.unwrap(), []);
    assert_eq!(schema.indexes("free").await.unwrap(), []);
    let index = den::schema::index(["sku"]).named("two");
    schema.create_index("free", index).await.unwrap();
    let two = constraint::unique(["sku"]).named("two");
    schema.create_constraint("free", two).await.unwrap_err();
    assert_eq!(schema.constraints("free").await.unwrap(), []);
    product("a").save(db).await.unwrap();
    product("a").save(db).await.unwrap_err();
}

pub(super) async fn long_texts_may_be_unique(on: &TestDb) {
    let db = given_free(on, &[]).await;
    let schema = db.schema();
    let unique = constraint::unique(["v"]);
    schema.create_constraint("free", unique).await.unwrap();
    let free = db.collection("free");
    // Longer than a row of an index can be, and not to be packed.
    let long = |seed: u32| -> String {
        let letters = (0..20_000u32).map(|i| {
            let mixed = (i ^ seed).wrapping_mul(2_654_435_761) >> 13;
            char::from_u32(0x4e00 + mixed % 20_000).unwrap_or('x')
        });
        letters.collect()
    };
    let first = free.insert(json!({ "v": long(1) })).await;
    if on.engine() == Engine::Postgres {
        // An entry of its indexes holds no more than a page: refused, rather than kept unchecked.
        assert_eq!(first.unwrap_err().kind(), ErrorKind::InvalidDocument);
        assert_eq!(free.query().count().await.unwrap(), 0);
        return;
    }
    first.unwrap();
    free.insert(json!({ "v": long(2) })).await.unwrap();
    let error = free.insert(json!({ "v": long(1) })).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
}

pub(super) async fn a_constraint_in_a_transaction_closure_is_refused(on: &TestDb) {
    let db = given_free(on, &[]).await;
    db.transaction(async |_tx| {
        let made = db
            .schema()
            .create_constraint("free", constraint::required("v"))
            .if_not_exists()
            .await;
        assert_eq!(made.unwrap_err().kind(), ErrorKind::Unsupported);
        Ok::<(), Error>(())
    })
    .await
    .unwrap();
}
