//! Names of collections and indexes that not every database can have: refused before anything is
//! sent, with nothing made.

use den::{CollectionMeta, ErrorKind, FieldKind, FieldPath, prelude::*};
use den_backend::{Direction, Expr, FieldMeta, IndexKind, IndexMeta};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    alone!(collections_with_control_characters),
    case!(collections_with_long_names),
    case!(collections_of_den_itself),
    case!(untyped_collections_with_bad_names),
    alone!(indexes_with_bad_names),
    case!(generated_index_names_are_never_too_long),
];

/// A document type in a collection of its own.
macro_rules! in_collection {
    ($type:ident, $collection:tt) => {
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
        #[den(collection = $collection)]
        struct $type {
            #[serde(flatten)]
            base: Base<$type>,
            n: i64,
        }
    };
}

/// Makes sure that a type cannot be registered, and that nothing was made of the attempt.
async fn check<D: Document + Default>(on: &TestDb, why: &str) {
    on.with::<Item>().await;
    let before = on.db.collections().await.unwrap();
    let error = refused(on.db.register::<D>().await, ErrorKind::InvalidQuery);
    assert!(
        error.to_string().contains(why),
        "`{why}` is not in: {error}"
    );
    refused(D::default().insert(&on.db).await, ErrorKind::NotRegistered);
    assert_eq!(on.db.collections().await.unwrap(), before);
    // Other types are none the worse for it.
    item("a").save(&on.db).await.unwrap();
}

/// The same for what the derive refuses while compiling.
fn check_meta(meta: &CollectionMeta, why: &str) {
    let error = refused(meta.check(), ErrorKind::InvalidQuery);
    assert!(
        error.to_string().contains(why),
        "`{why}` is not in: {error}"
    );
}

async fn collections_with_control_characters() {
    for name in ["", "a\0b", "\n", "a\tb", "a\u{7f}", "a\u{85}b"] {
        check_meta(&CollectionMeta::new(name), "control character");
    }
}

async fn collections_with_long_names(on: &TestDb) {
    // 63 bytes, 64 bytes, and 62 characters in 64 bytes.
    in_collection!(
        Longest,
        "a23456789_123456789_123456789_123456789_123456789_123456789_123"
    );
    in_collection!(
        TooLong,
        "a23456789_123456789_123456789_123456789_123456789_123456789_1234"
    );
    in_collection!(
        TooWide,
        "éé3456789_123456789_123456789_123456789_123456789_123456789_12"
    );
    assert_eq!(
        (Longest::COLLECTION.len(), TooLong::COLLECTION.len()),
        (63, 64)
    );
    assert_eq!(
        (
            TooWide::COLLECTION.len(),
            TooWide::COLLECTION.chars().count()
        ),
        (64, 62)
    );
    check::<TooLong>(on, "63 bytes").await;
    check::<TooWide>(on, "63 bytes").await;

    on.with::<Longest>().await;
    let mut it = Longest::default();
    it.save(&on.db).await.unwrap();
    assert_eq!(Longest::find(&on.db, it.id()).await.unwrap(), it);
    let names = on.db.collections().await.unwrap();
    assert!(
        names.iter().any(|it| it == Longest::COLLECTION),
        "{names:?}"
    );
}

async fn collections_of_den_itself(on: &TestDb) {
    in_collection!(Indexes, "_den_indexes");
    in_collection!(Anything, "_den_anything");
    check::<Indexes>(on, "_den_").await;
    check::<Anything>(on, "_den_").await;
}

async fn untyped_collections_with_bad_names(on: &TestDb) {
    let db = on.with::<Item>().await;
    let long = "x".repeat(64);
    let tx = db.begin().await.unwrap();
    for name in ["", "a\0b", "\n", "items\0", &long] {
        let it = tx.collection(name);
        refused(it.insert(json!({})).await, ErrorKind::InvalidQuery);
        refused(it.get("a").await, ErrorKind::InvalidQuery);
        refused(it.get("a\0").await, ErrorKind::InvalidQuery);
        refused(it.delete("a").await, ErrorKind::InvalidQuery);
        refused(
            it.replace(json!({ "_id": "a" })).await,
            ErrorKind::InvalidQuery,
        );
        refused(it.query().all().await, ErrorKind::InvalidQuery);
        refused(it.query().count().await, ErrorKind::InvalidQuery);
        refused(it.query().exists().await, ErrorKind::InvalidQuery);
        refused(it.query().ids().await, ErrorKind::InvalidQuery);
        refused(
            it.query().all_rows().delete().await,
            ErrorKind::InvalidQuery,
        );
        refused(
            it.query().page(PageRequest::first(1)).await,
            ErrorKind::InvalidQuery,
        );
    }
    // None of them got as far as the database, which would have spoiled the transaction.
    item("a").insert(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(Item::query(db).count().await.unwrap(), 1);
}

async fn indexes_with_bad_names() {
    let indexed = |names: &[&str]| {
        let mut meta = CollectionMeta::new("named");
        let n = FieldMeta {
            path: FieldPath::parse("n").unwrap(),
            kind: FieldKind::Number,
        };
        meta.indexes.extend(names.iter().map(|name| IndexMeta {
            name: (*name).to_owned(),
            fields: vec![(n.clone(), Direction::Asc)],
            kind: IndexKind::Plain,
            filter: Expr::always(),
            search: None,
        }));
        meta
    };
    let longest = "x".repeat(IndexMeta::MAX_NAME);
    let too_long = [&longest, "x"].concat();
    // Fewer characters than bytes.
    let too_wide = "é".repeat(IndexMeta::MAX_NAME / 2 + 1);
    for bad in ["", "a\0b", "a\n", "\u{9b}"] {
        check_meta(&indexed(&["good", bad]), "control character");
    }
    check_meta(&indexed(&["good", &too_long]), "50 bytes");
    check_meta(&indexed(&[&too_wide]), "50 bytes");
    check_meta(&indexed(&["good", "good"]), "`good`");
    check_meta(&indexed(&["good", "attachments"]), "table of its own");
    let mut empty = indexed(&["good", "empty"]);
    empty.indexes[1].fields.clear();
    check_meta(&empty, "`empty` has no fields");
    indexed(&["good", &longest]).check().unwrap();
}

async fn generated_index_names_are_never_too_long(on: &TestDb) {
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
    #[den(collection = "a_collection_with_a_name_that_is_just_about_as_long_as_can_be")]
    struct Long {
        #[serde(flatten)]
        base: Base<Long>,
        #[den(unique)]
        a_field_with_a_name_that_is_a_good_deal_longer_than_what_databases_take_as_one: i64,
        #[den(unique)]
        a_field_with_a_name_that_is_a_good_deal_longer_than_what_databases_take_as_two: i64,
    }
    let db = on.with::<Long>().await;
    db.register::<Long>().await.unwrap();
    let long = |one: i64, two: i64| Long {
        a_field_with_a_name_that_is_a_good_deal_longer_than_what_databases_take_as_one: one,
        a_field_with_a_name_that_is_a_good_deal_longer_than_what_databases_take_as_two: two,
        ..Long::default()
    };
    long(1, 1).insert(db).await.unwrap();
    for (mut other, end) in [(long(1, 2), "_one"), (long(2, 1), "_two")] {
        let error = refused(other.insert(db).await, ErrorKind::Duplicate);
        let [field] = error.constraint().unwrap().fields() else {
            panic!("{error:?}");
        };
        assert!(field.ends_with(end), "{error:?}");
    }
    long(2, 2).insert(db).await.unwrap();
}
