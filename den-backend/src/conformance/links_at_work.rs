//! Predicates through links in whole queries, in writes, and where they cannot be answered.

use futures_util::TryStreamExt as _;

use crate::{
    Backend, CollectionMeta, ErrorKind, Expectation, Expr, Field,
    FieldKind::{Any, Array, Number, Text},
    IndexKind, IndexMeta, OnRefusal, Put, Query, RawDocument, Result, Seek, Value,
    conformance::{
        linked::{LINKS, PEOPLE, given_people, name_is, to_people},
        support::*,
    },
};

pub(super) const CASES: &[Case] = &[
    case!(indexes_of_the_other_collection_change_nothing: LinkedPredicates),
    case!(a_link_into_an_unknown_collection_fails: LinkedPredicates),
    case!(a_failed_link_leaves_the_transaction_usable: LinkedPredicates, Transactions),
    case!(odd_names_are_linked: LinkedPredicates),
    case!(linked_queries_are_sorted_and_paged: LinkedPredicates),
    case!(linked_rows_are_deleted: LinkedPredicates),
    case!(linked_rows_are_updated: LinkedPredicates, Patches),
    case!(a_link_sees_the_writes_of_its_transaction: LinkedPredicates, Transactions),
];

async fn indexes_of_the_other_collection_change_nothing(backend: &dyn Backend) {
    let names = ["bare", "early", "late"];
    let indexes = |name: &str| {
        let index = |kind, key: &str, of| IndexMeta {
            name: IndexMeta::default_name(name, kind, &[&path(key)]),
            ..index(kind, &[(key, of)])
        };
        vec![
            index(IndexKind::Plain, "age", Number),
            index(IndexKind::Plain, "name", Text),
            index(IndexKind::Members, "tags", Array),
        ]
    };
    let meta = |name: &str, indexes| CollectionMeta {
        name: name.to_owned(),
        ..declared(&[("age", Number), ("name", Text), ("tags", Array)], indexes)
    };
    backend
        .ensure_collection(&meta("early", indexes("early")))
        .await
        .unwrap();
    given_people(backend).await;
    let people = rows(backend, &Query::new(PEOPLE)).await;
    for name in names {
        if name != "early" {
            ensure(backend, name).await;
        }
        let puts: Vec<Put<'_>> = people
            .iter()
            .map(|it| Put {
                id: &it.id,
                body: &it.body,
                expect: Expectation::Absent,
            })
            .collect();
        backend
            .put_many(name, &puts, OnRefusal::Abort)
            .await
            .unwrap();
    }
    for index in indexes("late") {
        backend.ensure_index("late", &index).await.unwrap();
    }
    given_scalars(backend, LINKS).await;
    for name in names {
        for age in [Any, Number] {
            let age = || Expr::Field(Field::document(path("age"), age));
            let into = |predicate| linked(field("x"), name, predicate);
            check(backend, into(eq(age(), literal("36"))), "a").await;
            check(backend, into(ge(age(), literal("2"))), "a").await;
            check(backend, into(eq(age(), literal("\"36\""))), "b").await;
            check(backend, into(is_null(age())), "c").await;
        }
        let name_field = || Expr::Field(Field::document(path("name"), Text));
        let ada = eq(name_field(), literal("\"Ada\""));
        check(backend, linked(field("x"), name, ada), "a").await;
        let tags = Expr::Field(Field::document(path("tags"), Array));
        check(
            backend,
            linked(field("x"), name, contains(tags, "\"b\"")),
            "a",
        )
        .await;
    }
}

async fn a_link_into_an_unknown_collection_fails(backend: &dyn Backend) {
    let into = |name: &str| linked(field("x"), name, Expr::always());
    for documents in [&[][..], LINKS] {
        backend.drop_collection(ITEMS).await.unwrap();
        given(backend, documents).await;
        ensure(backend, PEOPLE).await;
        for filter in [
            into("nowhere"),
            into("nowhere").not(),
            Expr::Not(Box::new(literal("true"))).or(into("nowhere")),
            eq(field("x"), literal("\"none\"")).and(into("nowhere")),
            to_people(into("nowhere")),
            linked(field("x"), "nowhere", to_people(Expr::always())),
        ] {
            let query = filtered(filter);
            query.check(backend.capabilities()).unwrap();
            for error in fail(backend, &query).await {
                assert_eq!(error.kind(), ErrorKind::NotRegistered, "{error:?}");
                assert_eq!(error.collection(), Some("nowhere"), "{error:?}");
            }
        }
    }
    assert_eq!(backend.collections().await.unwrap(), [ITEMS, PEOPLE]);
    // Neither is what an engine has under such a name.
    for name in [
        "ITEMS",
        "People",
        "sqlite_master",
        "sqlite_schema",
        "pg_class",
        "pg_catalog.pg_class",
    ] {
        let error = backend.count(&filtered(into(name))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotRegistered, "{error:?}");
        assert_eq!(error.collection(), Some(name), "{error:?}");
    }
    // The collection of the query itself is named when that is the unknown one.
    let query = Query {
        collection: "unknown".to_owned(),
        ..filtered(to_people(Expr::always()))
    };
    let error = backend.count(&query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
    assert_eq!(error.collection(), Some("unknown"));
    // It can be registered, used and dropped later.
    ensure(backend, "nowhere").await;
    assert_eq!(backend.count(&filtered(into("nowhere"))).await.unwrap(), 0);
    backend.drop_collection("nowhere").await.unwrap();
    let counted = backend.count(&filtered(into("nowhere"))).await;
    assert_eq!(kind_of(counted), ErrorKind::NotRegistered);
}

/// The errors of every way to run the query.
async fn fail(backend: &dyn Backend, query: &Query) -> Vec<crate::Error> {
    let read: Result<Vec<RawDocument>> = match backend.query(query).await {
        Ok(rows) => rows.try_collect().await,
        Err(error) => Err(error),
    };
    let mut errors = vec![
        read.unwrap_err(),
        backend.count(query).await.unwrap_err(),
        backend.exists(query).await.unwrap_err(),
        backend.delete_matching(query).await.unwrap_err(),
    ];
    if backend.capabilities().has(crate::Capability::Patches) {
        let updated = update(backend, query, vec![set("x", "1")]).await;
        errors.push(updated.unwrap_err());
    }
    errors
}

async fn a_failed_link_leaves_the_transaction_usable(backend: &dyn Backend) {
    given_people(backend).await;
    given(backend, LINKS).await;
    let tx = begin(backend).await;
    insert(&*tx, "z", r#"{"x":"p"}"#).await;
    let nowhere = filtered(linked(field("x"), "nowhere", Expr::always()));
    assert_eq!(kind_of(tx.count(&nowhere).await), ErrorKind::NotRegistered);
    let deleted = tx.delete_matching(&nowhere).await;
    assert_eq!(kind_of(deleted), ErrorKind::NotRegistered);
    assert_eq!(ids(&*tx, &filtered(to_people(name_is("Ada")))).await, "a z");
    tx.commit().await.unwrap();
    assert_eq!(
        ids(backend, &filtered(to_people(name_is("Ada")))).await,
        "a z"
    );
}

async fn odd_names_are_linked(backend: &dyn Backend) {
    for name in [
        "it's", "a \"b\"", "é😀", "select", "d", "m", "a.b", "%", "[x]", "data", "id",
    ] {
        insert_into(
            backend,
            name,
            &[("p", r#"{"n":1}"#), ("it's \"é\"", r#"{"n":2}"#)],
        )
        .await;
        backend.drop_collection("items").await.unwrap();
        given(backend, &[r#"{"x":"p"}"#, r#"{"x":"it's \"é\""}"#, "{}"]).await;
        let into = |n: &str| linked(field("x"), name, eq(field("n"), literal(n)));
        check(backend, into("1"), "a").await;
        check(backend, into("2"), "b").await;
    }
}

async fn linked_queries_are_sorted_and_paged(backend: &dyn Backend) {
    given_people(backend).await;
    let documents = [
        r#"{"x":"p","n":3}"#,
        r#"{"x":"q","n":1}"#,
        r#"{"x":"p","n":2}"#,
        r#"{"x":"z","n":0}"#,
        r#"{"x":"p","n":1}"#,
    ];
    given(backend, &documents).await;
    let query = Query {
        filter: to_people(name_is("Ada")),
        ..sorted(&[by("n", Number)])
    };
    assert_eq!(ids(backend, &query).await, "e c a");
    let window = Query {
        skip: 1,
        limit: Some(1),
        ..query.clone()
    };
    assert_eq!(ids(backend, &window).await, "c");
    let page = Query {
        seek: Some(Seek {
            keys: vec![Value::Int(1)],
            id: "e".into(),
        }),
        limit: Some(1),
        ..query.clone()
    };
    assert_eq!(ids(backend, &page).await, "c");
    assert_eq!(ids(backend, &query.reversed()).await, "a c e");
}

async fn linked_rows_are_deleted(backend: &dyn Backend) {
    given_people(backend).await;
    given(backend, LINKS).await;
    let query = filtered(to_people(name_is("Ada")));
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 1);
    assert_eq!(get(backend, "a").await, None);
    let query = Query {
        filter: to_people(Expr::always()).not(),
        skip: 1,
        limit: Some(9),
        ..Query::new(ITEMS)
    };
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 9);
    assert_eq!(ids(backend, &Query::new(ITEMS)).await, "b c d");
    assert_eq!(backend.count(&Query::new(PEOPLE)).await.unwrap(), 7);
    // Into the collection from which is deleted.
    let chain = [("f", r#"{"x":"g"}"#), ("g", r#"{"x":"h"}"#), ("h", "{}")];
    insert_into(backend, "chain", &chain).await;
    let query = Query {
        collection: "chain".to_owned(),
        ..filtered(linked(field("x"), "chain", Expr::always()))
    };
    assert_eq!(backend.delete_matching(&query).await.unwrap(), 2);
    assert_eq!(ids(backend, &Query::new("chain")).await, "h");
}

async fn linked_rows_are_updated(backend: &dyn Backend) {
    given_people(backend).await;
    given(backend, LINKS).await;
    let query = filtered(to_people(name_is("Ada")));
    assert_eq!(
        update(backend, &query, vec![set("z", "1")]).await.unwrap(),
        1
    );
    let query = Query {
        filter: to_people(Expr::always()),
        skip: 1,
        limit: Some(5),
        ..sorted(&[by("-y", Number)])
    };
    assert_eq!(
        update(backend, &query, vec![set("z", "2")]).await.unwrap(),
        2
    );
    check(backend, eq(field("z"), literal("2")), "a b").await;
    // Into the collection that is changed: the links are those from before.
    let chain = [("f", r#"{"x":"g"}"#), ("g", r#"{"x":"h"}"#), ("h", "{}")];
    insert_into(backend, "chain", &chain).await;
    let query = Query {
        collection: "chain".to_owned(),
        ..filtered(linked(field("x"), "chain", is_null(field("gone"))))
    };
    let changes = vec![unset("x"), set("gone", "true")];
    assert_eq!(update(backend, &query, changes).await.unwrap(), 2);
    let left = Query {
        collection: "chain".to_owned(),
        ..filtered(is_null(field("gone")))
    };
    assert_eq!(ids(backend, &left).await, "h");
}

async fn a_link_sees_the_writes_of_its_transaction(backend: &dyn Backend) {
    ensure(backend, PEOPLE).await;
    given(backend, LINKS).await;
    let ada = filtered(to_people(name_is("Ada")));
    let tx = begin(backend).await;
    assert_eq!(ids(&*tx, &ada).await, "");
    let body = body("p", r#"{"name":"Ada"}"#);
    tx.put(PEOPLE, absent("p", &body)).await.unwrap();
    assert_eq!(ids(&*tx, &ada).await, "a");
    assert_eq!(ids(backend, &ada).await, "");
    tx.rollback().await.unwrap();
    assert_eq!(ids(backend, &ada).await, "");
}
