//! Conditions in the engine's own language, beside filters of den's.

use den::{ErrorKind, prelude::*, raw::RawSql, site};

use super::support::{Item, check, given, given_numbered, item, recorded, refused};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_condition_beside_other_filters, except: [Memory]),
    case!(conditions_bind_their_parameters, except: [Memory]),
    case!(a_condition_belongs_to_its_engine, except: [Memory]),
    case!(bad_conditions_send_nothing, except: [Memory]),
];

async fn a_condition_beside_other_filters(on: &TestDb) {
    let db = given_numbered(on, 4).await;
    let p = Item::fields();
    let even = || {
        let sql = RawSql::new()
            .sqlite("(d.data->>'n') % $1 = 0 -- even")
            .postgres("(d.data->>'n')::int % $1::int = 0 -- even");
        Filter::raw(db, site!("even"), sql, (2,))
    };
    check(db, even(), "i2 i4").await;
    check(db, even() & p.n.gt(2), "i4").await;
    check(db, even() | p.name.eq("i1"), "i1 i2 i4").await;
    check(db, !even(), "i1 i3").await;
    let by_id = |id: &Id<Item>| Filter::raw(db, site!("by_id"), "d.id = $1", (id,));
    let first = Item::query(db).first().await.unwrap().unwrap();
    check(db, by_id(first.id()), "i1").await;
    // Null is neither true nor false to SQL, and false to den.
    let null = || Filter::raw(db, site!("null"), "d.data->>'category' = $1", ("x",));
    check(db, null(), "").await;
    let deleted = Item::query(db).filter(even()).delete().await.unwrap();
    assert_eq!(deleted, 2);
    db.transaction(async |tx| {
        let odd = Filter::raw(&tx, site!("odd"), "d.data->>'name' = $1", ["i3"]);
        assert_eq!(Item::query(&tx).filter(odd).count().await?, 1);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

async fn conditions_bind_their_parameters(on: &TestDb) {
    let evil = "'OR'1'='1";
    let db = given(on, [item(evil), item("b")]).await;
    let named = |name: &str| Filter::raw(db, site!("named"), "d.data->>'name' = $1", (name,));
    check(db, named(evil), evil).await;
    check(db, named("x' OR 1=1 --"), "").await;
    check(db, named("$1"), "").await;
}

async fn a_condition_belongs_to_its_engine(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let memory = Db::open("memory:").await.unwrap();
    memory.register::<Item>().await.unwrap();
    let filter = || Filter::raw(&db, site!("its_engine"), "d.id IS NOT NULL", ());
    let error = refused(
        Item::query(&memory).filter(filter()).all().await,
        ErrorKind::Unsupported,
    );
    assert!(error.to_string().contains("its_engine"), "{error}");
    refused(
        Item::query(&memory).filter(filter()).count().await,
        ErrorKind::Unsupported,
    );
    recorder.clear();
    let other = match on.engine() {
        Engine::Sqlite => RawSql::new().postgres("true"),
        Engine::Postgres | Engine::Memory => RawSql::new().sqlite("true"),
    };
    let filter = Filter::raw(&db, site!("no_text"), other, ());
    refused(
        Item::query(&db).filter(filter).all().await,
        ErrorKind::Unsupported,
    );
    assert!(recorder.take().is_empty());
}

async fn bad_conditions_send_nothing(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    for (text, params) in [
        ("d.id = $1", vec![]),
        ("true", vec![1]),
        ("", vec![]),
        ("true;", vec![]),
        ("true; DROP TABLE items", vec![]),
        ("d.id = 'x", vec![]),
    ] {
        let filter = Filter::raw(&db, site!("bad_condition"), text, params);
        refused(
            Item::query(&db).filter(filter).all().await,
            ErrorKind::InvalidQuery,
        );
    }
    let made = Filter::raw(
        &db,
        site!("made_condition"),
        RawSql::assert_safe("true"),
        (),
    );
    refused(
        Item::query(&db).filter(made).all().await,
        ErrorKind::InvalidQuery,
    );
    assert!(recorder.take().is_empty());
}
