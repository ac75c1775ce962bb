//! Documents, ids and names that no database could keep exactly: refused before anything is sent,
//! with nothing changed; and the largest and deepest that are kept.

use std::{collections::BTreeMap, fmt::Debug};

use den::{Error, ErrorKind, prelude::*};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny, ser::SerializeMap};
use serde_json::json;

use super::support::{count, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(numbers_that_json_cannot_hold),
    case!(integers_beyond_i64),
    case!(text_with_a_nul),
    case!(keys_with_a_nul),
    case!(keys_that_occur_twice),
    case!(keys_that_are_not_text),
    case!(times_that_would_not_sort),
    case!(what_a_type_refuses_itself),
    case!(nothing_is_sent_for_a_bad_document),
    case!(a_transaction_survives_a_bad_document),
    case!(documents_that_are_no_objects),
    case!(untyped_documents_follow_the_same_rules),
    case!(ids_that_cannot_be_stored),
    case!(ids_that_cannot_be_stored_name_nothing),
    case!(untyped_ids_that_cannot_be_stored),
    case!(documents_as_deep_as_can_be_read),
    case!(documents_too_deep_to_be_read),
    case!(large_text_is_kept),
    case!(many_fields_are_kept),
];

/// Ids with control characters, of which PostgreSQL could not even be sent the first.
const BAD_IDS: [&str; 6] = ["\0", "a\0b", "a\nb", "\t", "\u{7f}", "\u{85}x"];

/// A document that can hold anything that is refused.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "odds", revision)]
struct Odd {
    #[serde(flatten)]
    base: Base<Odd>,
    single: f32,
    #[den(index)]
    double: f64,
    list: Vec<f64>,
    map: BTreeMap<String, f32>,
    inner: Inner,
    unsigned: u64,
    many: Vec<Option<u64>>,
    #[den(index)]
    text: String,
    letter: Option<char>,
    texts: Vec<String>,
    at: Option<Timestamp>,
    data: Json,
    #[den(kind = "any")]
    own: Own,
    #[serde(flatten)]
    more: BTreeMap<String, Json>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Inner {
    value: Option<f64>,
    names: BTreeMap<String, String>,
}

/// A value with a `Serialize` of its own; it always reads as nothing.
#[derive(Debug, Clone, Default, PartialEq)]
enum Own {
    #[default]
    Nothing,
    Twice(&'static str),
    ListAsKey,
    Refuses,
}

impl Serialize for Own {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Twice(key) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry(key, &1)?;
                map.serialize_entry("between", &2)?;
                map.serialize_entry(key, &1)?;
                map.end()
            }
            Self::ListAsKey => serializer.collect_map([([1, 2], 3)]),
            Self::Refuses => Err(serde::ser::Error::custom("not today")),
        }
    }
}

impl<'de> Deserialize<'de> for Own {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Ok(Self::Nothing)
    }
}

/// Makes sure that every call that would store the document that `spoil` makes of a good one
/// refuses it, saying `why`, and leaves database and document as they were.
async fn check(on: &TestDb, why: &str, spoil: impl Fn(&mut Odd)) {
    let db = on.with::<Odd>().await;
    let mut stored = Odd::default();
    stored.insert(db).await.unwrap();
    let before = count::<Odd>(db).await;

    let mut new = Odd::default();
    spoil(&mut new);
    check_error(new.insert(db).await, why);
    check_error(new.save(db).await, why);
    let mut several = [Odd::default(), new, Odd::default()];
    let inserted = check_error(Odd::insert_many(db, &mut several).await, why);
    assert!(
        inserted.to_string().contains("document 2 of 3"),
        "{inserted}"
    );
    check_error(Odd::save_all(db, &mut several).await, why);
    for it in &several {
        assert_eq!(it.base, Base::default());
        assert!(!it.base.is_stored());
    }

    let mut changed = stored.clone();
    spoil(&mut changed);
    check_error(changed.update(db).await, why);
    check_error(changed.save(db).await, why);
    check_error(changed.replace(db).await, why);
    check_error(
        Odd::save_all(db, std::slice::from_mut(&mut changed)).await,
        why,
    );
    assert_eq!(changed.base, stored.base);
    assert!(changed.base.is_stored());

    assert_eq!(Odd::find(db, stored.id()).await.unwrap(), stored);
    assert_eq!(count::<Odd>(db).await, before);
    // What is mended can be stored.
    changed = Odd {
        base: changed.base,
        ..Odd::default()
    };
    changed.save(db).await.unwrap();
}

#[track_caller]
fn check_error<T: Debug>(outcome: den::Result<T>, why: &str) -> Error {
    let error = refused(outcome, ErrorKind::InvalidDocument);
    assert!(
        error.to_string().contains(why),
        "`{why}` is not in: {error}"
    );
    assert_eq!(error.collection(), Some("odds"), "{error:?}");
    assert!(!error.is_retryable());
    error
}

async fn numbers_that_json_cannot_hold(on: &TestDb) {
    check(on, "`single` is NaN", |it| it.single = f32::NAN).await;
    check(on, "`single` is infinite", |it| {
        it.single = f32::NEG_INFINITY;
    })
    .await;
    check(on, "`double` is NaN", |it| it.double = f64::NAN).await;
    check(on, "`double` is infinite", |it| it.double = f64::INFINITY).await;
    check(on, "`list.1` is NaN", |it| it.list = vec![1.0, -f64::NAN]).await;
    check(on, "`list.0` is infinite", |it| {
        it.list = vec![f64::NEG_INFINITY];
    })
    .await;
    check(on, "`map.b` is NaN", |it| {
        it.map = [("a".into(), 1.0), ("b".into(), f32::NAN)].into();
    })
    .await;
    check(on, "`inner.value` is infinite", |it| {
        it.inner.value = Some(f64::INFINITY);
    })
    .await;
}

async fn integers_beyond_i64(on: &TestDb) {
    let why = "is an integer outside the range of i64";
    let above = i64::MAX.unsigned_abs() + 1;
    check(on, &format!("`unsigned` {why}"), |it| it.unsigned = above).await;
    check(on, &format!("`unsigned` {why}"), |it| {
        it.unsigned = u64::MAX;
    })
    .await;
    check(on, &format!("`many.2` {why}"), |it| {
        it.many = vec![Some(1), None, Some(above)];
    })
    .await;
    check(on, &format!("`data.a.0` {why}"), |it| {
        it.data = json!({ "a": [u64::MAX] });
    })
    .await;
    let mut largest = Odd {
        unsigned: above - 1,
        ..Odd::default()
    };
    largest.save(&on.db).await.unwrap();
    let p = Odd::fields();
    let found = Odd::query(&on.db)
        .filter(p.unsigned.eq(above - 1))
        .one()
        .await
        .unwrap();
    assert_eq!(found, largest);
}

async fn text_with_a_nul(on: &TestDb) {
    let why = "has a NUL character";
    check(on, &format!("`text` {why}"), |it| it.text = "\0".into()).await;
    check(on, &format!("`letter` {why}"), |it| it.letter = Some('\0')).await;
    check(on, &format!("`texts.1` {why}"), |it| {
        it.texts = vec!["a".into(), "b\0c".into()];
    })
    .await;
    check(on, &format!("`inner.names.n` {why}"), |it| {
        it.inner.names = [("n".into(), "\0\0".into())].into();
    })
    .await;
    check(on, &format!("`data.0` {why}"), |it| {
        it.data = json!(["x\0"]);
    })
    .await;
}

async fn keys_with_a_nul(on: &TestDb) {
    let why = "has a key with a NUL character";
    check(on, &format!("`map` {why}"), |it| {
        it.map = [("a\0".into(), 1.0)].into();
    })
    .await;
    check(on, &format!("`data.a` {why}"), |it| {
        it.data = json!({ "a": { "\0": 1 } });
    })
    .await;
    check(on, why, |it| it.more = [("\0".into(), json!(1))].into()).await;
}

async fn keys_that_occur_twice(on: &TestDb) {
    check(on, "`own.key` occurs twice", |it| {
        it.own = Own::Twice("key");
    })
    .await;
    check(on, "occurs twice", |it| it.own = Own::Twice("a\"b\u{e9}")).await;
    // A flattened map that repeats a field of the struct, or of its base.
    for key in ["text", "inner", "_id", "_created_at", "_rev"] {
        let why = format!("`{key}` occurs twice");
        check(on, &why, |it| {
            it.more = [(key.to_owned(), json!("again"))].into();
        })
        .await;
    }
}

async fn keys_that_are_not_text(on: &TestDb) {
    check(on, "`own` has a key that is not text", |it| {
        it.own = Own::ListAsKey;
    })
    .await;
}

async fn times_that_would_not_sort(on: &TestDb) {
    let year_minus_1: Timestamp = "-000001-06-01T00:00:00Z".parse().unwrap();
    check(on, "at", |it| it.at = Some(year_minus_1)).await;
}

async fn what_a_type_refuses_itself(on: &TestDb) {
    check(on, "`own`: not today", |it| it.own = Own::Refuses).await;
}

async fn nothing_is_sent_for_a_bad_document(on: &TestDb) {
    let db = on.with::<Odd>().await;
    let mut stored = Odd::default();
    stored.insert(db).await.unwrap();
    db.clone().close().await.unwrap();
    // A good document meets the closed database, a bad one does not get that far.
    refused(Odd::default().insert(db).await, ErrorKind::ConnectionLost);
    let mut bad = Odd {
        double: f64::NAN,
        ..Odd::default()
    };
    check_error(bad.insert(db).await, "is NaN");
    check_error(bad.save(db).await, "is NaN");
    check_error(
        Odd::insert_many(db, &mut [Odd::default(), bad]).await,
        "is NaN",
    );
    stored.text = "\0".into();
    check_error(stored.update(db).await, "NUL");
    check_error(stored.save(db).await, "NUL");
    let untyped = db.collection("odds").insert(json!({ "x": u64::MAX })).await;
    check_error(untyped, "outside the range");
}

async fn a_transaction_survives_a_bad_document(on: &TestDb) {
    let db = on.with::<Odd>().await;
    let tx = db.begin().await.unwrap();
    let mut it = Odd::default();
    it.insert(&tx).await.unwrap();
    let good = it.clone();
    it.double = f64::NAN;
    check_error(it.save(&tx).await, "is NaN");
    check_error(it.replace(&tx).await, "is NaN");
    assert_eq!(it.base, good.base);
    let mut other = Odd {
        text: "\0".into(),
        ..Odd::default()
    };
    check_error(other.insert(&tx).await, "NUL");
    other.text.clear();
    other.insert(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(Odd::query(db).all().await.unwrap(), [good, other]);
}

async fn documents_that_are_no_objects(on: &TestDb) {
    let db = on.with::<Odd>().await;
    let odds = db.collection("odds");
    for it in [
        json!(null),
        json!(true),
        json!(1),
        json!("{}"),
        json!([]),
        json!([{ "_id": "a" }]),
    ] {
        let error = refused(odds.insert(it.clone()).await, ErrorKind::InvalidDocument);
        assert!(error.to_string().contains("object"), "{error}");
        refused(odds.replace(it).await, ErrorKind::InvalidDocument);
    }
    assert_eq!(count::<Odd>(db).await, 0);
}

async fn untyped_documents_follow_the_same_rules(on: &TestDb) {
    let db = on.with::<Odd>().await;
    let odds = db.collection("odds");
    let id = odds.insert(json!({ "x": 1 })).await.unwrap();
    let stored = odds.get(&id).await.unwrap().unwrap();
    for (bad, why) in [
        (json!({ "a": { "b": "\0" } }), "`a.b` has a NUL character"),
        (
            json!({ "a": { "b\0": 1 } }),
            "`a` has a key with a NUL character",
        ),
        (
            json!({ "a": [i64::MIN, u64::MAX] }),
            "`a.1` is an integer outside",
        ),
    ] {
        check_error(odds.insert(bad.clone()).await, why);
        let mut bad = bad;
        bad["_id"] = json!(id);
        check_error(odds.replace(bad).await, why);
    }
    assert_eq!(odds.get(&id).await.unwrap().unwrap(), stored);
    assert_eq!(odds.query().count().await.unwrap(), 1);
}

async fn ids_that_cannot_be_stored(on: &TestDb) {
    let db = on.with::<Odd>().await;
    for bad in BAD_IDS {
        let mut it = Odd::default();
        it.base.id = Id::new(bad);
        let before = it.clone();
        check_error(it.insert(db).await, "control character");
        check_error(it.save(db).await, "control character");
        let mut several = [Odd::default(), it];
        check_error(
            Odd::insert_many(db, &mut several).await,
            "control character",
        );
        check_error(Odd::save_all(db, &mut several).await, "control character");
        let [other, it] = several;
        assert_eq!(it, before);
        assert!(!it.base.is_stored());
        assert_eq!(other, Odd::default());
    }
    assert_eq!(count::<Odd>(db).await, 0);
}

async fn ids_that_cannot_be_stored_name_nothing(on: &TestDb) {
    let db = on.with::<Odd>().await;
    let mut good = Odd::default();
    good.insert(db).await.unwrap();
    let tx = db.begin().await.unwrap();
    for bad in BAD_IDS {
        assert_eq!(Odd::get(&tx, bad).await.unwrap(), None);
        assert_eq!(tx.lock::<Odd>(bad, LockMode::Wait).await.unwrap(), None);
        let mut it = Odd::default();
        it.base.id = Id::new(bad);
        let error = refused(it.delete(&tx).await, ErrorKind::NotFound);
        assert_eq!((error.collection(), error.id()), (Some("odds"), Some(bad)));
        refused(it.refresh(&tx).await, ErrorKind::NotFound);
        refused(it.replace(&tx).await, ErrorKind::NotFound);
        let updated = it.update(&tx).await.unwrap_err();
        let kinds = [ErrorKind::NotFound, ErrorKind::InvalidDocument];
        assert!(kinds.contains(&updated.kind()), "{updated:?}");
        assert_eq!(it.base.id.as_str(), bad);
    }
    let ids = BAD_IDS.into_iter().chain([good.id().as_str()]);
    assert_eq!(Odd::get_many(&tx, ids).await.unwrap(), [good]);
    tx.commit().await.unwrap();

    db.clone().close().await.unwrap();
    refused(Odd::get(db, "good").await, ErrorKind::ConnectionLost);
    for bad in BAD_IDS {
        assert_eq!(Odd::get(db, bad).await.unwrap(), None);
        refused(Odd::find(db, bad).await, ErrorKind::NotFound);
        let mut it = Odd::default();
        it.base.id = Id::new(bad);
        refused(it.delete(db).await, ErrorKind::NotFound);
    }
    assert_eq!(Odd::get_many(db, BAD_IDS).await.unwrap(), []);
}

async fn untyped_ids_that_cannot_be_stored(on: &TestDb) {
    let db = on.with::<Odd>().await;
    let odds = db.collection("odds");
    let bad = BAD_IDS.map(Json::from).into_iter();
    for id in bad.chain([json!(""), json!(1), json!(true), json!(["a"]), json!({})]) {
        let error = refused(
            odds.insert(json!({ "_id": id })).await,
            ErrorKind::InvalidDocument,
        );
        assert!(error.to_string().contains("`_id`"), "{error}");
        let replaced = odds.replace(json!({ "_id": id })).await.unwrap_err();
        let kinds = [ErrorKind::NotFound, ErrorKind::InvalidDocument];
        assert!(kinds.contains(&replaced.kind()), "{replaced:?}");
    }
    for id in BAD_IDS {
        assert_eq!(odds.get(id).await.unwrap(), None);
        let error = refused(odds.delete(id).await, ErrorKind::NotFound);
        assert_eq!((error.collection(), error.id()), (Some("odds"), Some(id)));
    }
    refused(odds.replace(json!({})).await, ErrorKind::InvalidDocument);
    assert_eq!(odds.query().count().await.unwrap(), 0);
}

/// So many arrays in one another.
fn nested(levels: usize) -> Json {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

/// So many objects in one another.
fn nested_objects(levels: usize) -> Json {
    (0..levels).fold(json!("x"), |inner, _| json!({ "a": inner }))
}

async fn documents_as_deep_as_can_be_read(on: &TestDb) {
    let db = on.with::<Odd>().await;
    // The document itself is one of the 127 levels.
    for data in [nested(126), nested_objects(126), nested(100)] {
        let mut it = Odd {
            data,
            ..Odd::default()
        };
        it.save(db).await.unwrap();
        it.text = "saved again".into();
        it.save(db).await.unwrap();
        assert_eq!(Odd::find(db, it.id()).await.unwrap(), it);
        let untyped = db.collection("odds").get(it.id()).await.unwrap().unwrap();
        assert_eq!(untyped["data"], it.data);
    }
    assert_eq!(Odd::query(db).all().await.unwrap().len(), 3);
}

async fn documents_too_deep_to_be_read(on: &TestDb) {
    check(on, "is nested too deeply", |it| it.data = nested(127)).await;
    check(on, "is nested too deeply", |it| {
        it.data = nested_objects(127);
    })
    .await;
    check(on, "is nested too deeply", |it| it.data = nested(1000)).await;
    let odds = on.db.collection("odds");
    let id = odds.insert(nested_objects(127)).await.unwrap();
    assert!(odds.get(&id).await.unwrap().is_some());
    check_error(
        odds.insert(nested_objects(128)).await,
        "is nested too deeply",
    );
}

async fn large_text_is_kept(on: &TestDb) {
    let db = on.with::<Odd>().await;
    // With every kind of character, so that escapes and encodings count.
    let large = "a\"é\\日🎉\n".repeat(1 << 17);
    assert!(large.len() >= 1 << 20);
    let mut it = Odd {
        texts: vec![large.clone(), "small".into()],
        data: json!({ "large": large }),
        ..Odd::default()
    };
    it.insert(db).await.unwrap();
    Odd::default().insert(db).await.unwrap();
    assert_eq!(Odd::find(db, it.id()).await.unwrap(), it);
    let p = Odd::fields();
    let query = Odd::query(db).filter(p.texts.contains(large.as_str()));
    assert_eq!(query.one().await.unwrap(), it);
    let untyped = || db.collection("odds").query();
    let same = untyped().filter(field("data.large").eq(large.as_str()));
    assert_eq!(same.ids().await.unwrap(), [it.id().as_str()]);
    let other = untyped().filter(field("data.large").eq([&large, "x"].concat()));
    assert_eq!(other.count().await.unwrap(), 0);
    let values = untyped()
        .filter(field("data.large").exists())
        .values_at("data.large")
        .await;
    assert_eq!(values.unwrap(), [json!(large)]);
    it.texts.clear();
    it.save(db).await.unwrap();
    assert_eq!(Odd::find(db, it.id()).await.unwrap(), it);
}

async fn many_fields_are_kept(on: &TestDb) {
    let db = on.with::<Odd>().await;
    let more = (0..5_000).map(|it| (format!("key {it}"), json!({ "n": it })));
    let mut it = Odd {
        more: more.collect(),
        ..Odd::default()
    };
    it.insert(db).await.unwrap();
    assert_eq!(Odd::find(db, it.id()).await.unwrap(), it);
    let query = db
        .collection("odds")
        .query()
        .filter(field(["key 4999", "n"]).eq(4999));
    assert_eq!(query.ids().await.unwrap(), [it.id().as_str()]);
}
