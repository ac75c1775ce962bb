//! Times: one stored form, whose order is the order of time.

use den::{ErrorKind, field, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Item, check, found, given, item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(times_are_stored_with_a_fixed_width),
    case!(comparisons_of_times),
    case!(times_of_any_precision_sort_as_times),
    case!(a_time_of_another_zone_is_the_same_instant),
    case!(times_written_by_others_are_read),
    case!(what_is_no_time_is_corrupt),
    case!(creation_and_update_times_sort),
    case!(times_before_1970_and_far_ahead),
    case!(times_of_other_crates),
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn dated(name: &str, time: &str) -> Item {
    Item {
        at: Some(at(time)),
        ..item(name)
    }
}

async fn times_are_stored_with_a_fixed_width(on: &TestDb) {
    let db = given(on, [dated("a", "2024-05-06T07:08:09.5+02:00")]).await;
    let stored = &db.collection("items").query().all().await.unwrap()[0];
    assert_eq!(stored["at"], "2024-05-06T05:08:09.500000Z");
    for key in ["_created_at", "_updated_at"] {
        let text = stored[key].as_str().unwrap();
        assert!(text.len() == 27 && text.ends_with('Z'), "{text}");
    }
}

async fn given_times(on: &TestDb) -> &Db {
    let items = [
        dated("noon", "2024-05-06T12:00:00Z"),
        dated("micro", "2024-05-06T12:00:00.000001Z"),
        dated("tenth", "2024-05-06T12:00:00.1Z"),
        dated("later", "2024-05-06T12:00:01Z"),
        item("never"),
    ];
    given(on, items).await
}

async fn comparisons_of_times(on: &TestDb) {
    let db = given_times(on).await;
    let p = Item::fields();
    let noon = at("2024-05-06T12:00:00Z");
    let tenth = at("2024-05-06T12:00:00.1Z");
    check(db, p.at.eq(noon), "noon").await;
    check(db, p.at.ne(noon), "micro tenth later never").await;
    check(db, p.at.gt(noon), "micro tenth later").await;
    check(db, p.at.ge(tenth), "tenth later").await;
    check(db, p.at.lt(tenth), "noon micro").await;
    check(db, p.at.le(tenth), "noon micro tenth").await;
    check(db, p.at.between(noon, tenth), "noon micro tenth").await;
    check(db, p.at.is_in([noon, tenth]), "noon tenth").await;
    check(db, p.at.not_in([noon, tenth]), "micro later never").await;
    check(db, p.at.is_null(), "never").await;
    check(db, field("at").gt(noon), "micro tenth later").await;
    check(db, p.at.gt(Timestamp::default()), "noon micro tenth later").await;
}

async fn times_of_any_precision_sort_as_times(on: &TestDb) {
    let db = given_times(on).await;
    let p = Item::fields();
    let sorted = Item::query(db).sort(p.at.asc());
    assert_eq!(found(sorted).await, "never noon micro tenth later");
    let sorted = Item::query(db).sort(p.at.desc().nulls_first());
    assert_eq!(found(sorted).await, "never later tenth micro noon");
    let values = Item::query(db)
        .sort(p.at.asc())
        .limit(2)
        .values(p.at)
        .await
        .unwrap();
    assert_eq!(values, [None, Some(at("2024-05-06T12:00:00Z"))]);
}

async fn a_time_of_another_zone_is_the_same_instant(on: &TestDb) {
    let db = given(on, [dated("berlin", "2024-07-01T01:30:00+02:00")]).await;
    let p = Item::fields();
    for same in [
        "2024-06-30T23:30:00Z",
        "2024-06-30T19:30:00-04:00",
        "2024-07-01T01:30:00.0+02:00",
    ] {
        check(db, p.at.eq(at(same)), "berlin").await;
    }
    check(db, p.at.lt(at("2024-07-01T00:00:00Z")), "berlin").await;
}

async fn times_written_by_others_are_read(on: &TestDb) {
    let db = on.with::<Item>().await;
    for (id, text) in [
        ("a", "2024-05-06T07:08:09Z"),
        ("b", "2024-05-06T07:08:09.123456789Z"),
        ("c", "2024-05-06T09:08:09.5+02:00"),
    ] {
        let mut it = serde_json::to_value(item(id)).unwrap();
        it["_id"] = json!(id);
        it["_created_at"] = json!(text);
        it["at"] = json!(text);
        on.plant("items", id, &it).await;
        let read = Item::find(db, id).await.unwrap();
        assert_eq!(read.at, Some(at(text)));
        assert_eq!(read.base.created_at, at(text));
    }
    // Saving stores the form that sorts.
    for mut it in Item::query(db).all().await.unwrap() {
        it.save(db).await.unwrap();
    }
    assert_eq!(
        found(Item::query(db).sort(Item::fields().at.asc())).await,
        "a b c"
    );
}

async fn what_is_no_time_is_corrupt(on: &TestDb) {
    let db = on.with::<Item>().await;
    for (id, key, value) in [
        ("text", "at", json!("yesterday")),
        ("number", "at", json!(1_700_000_000)),
        ("date", "_created_at", json!("2024-05-06")),
        ("null", "_updated_at", json!(null)),
    ] {
        let mut it = serde_json::to_value(item(id)).unwrap();
        it["_id"] = json!(id);
        it[key] = value;
        on.plant("items", id, &it).await;
        let error = refused(Item::find(db, id).await, ErrorKind::Corrupt);
        assert_eq!((error.collection(), error.id()), (Some("items"), Some(id)));
        assert!(!error.to_string().contains("yesterday"), "{error}");
    }
    assert_eq!(Item::query(db).count().await.unwrap(), 4);
    assert_eq!(
        Item::query(db)
            .filter(Item::fields().at.is_null())
            .ids()
            .await
            .unwrap()
            .len(),
        2
    );
}

async fn creation_and_update_times_sort(on: &TestDb) {
    let db = on.with::<Item>().await;
    for name in ["a", "b", "c"] {
        item(name).save(db).await.unwrap();
    }
    let p = Item::fields();
    let mut b = Item::query(db).filter(p.name.eq("b")).one().await.unwrap();
    b.save(db).await.unwrap();
    let by_update = Item::query(db).sort(p.base.updated_at.desc());
    assert_eq!(found(by_update.limit(1)).await, "b");
    let created = Item::query(db).values(p.base.created_at).await.unwrap();
    assert!(created.is_sorted());
    let newer = Item::query(db).filter(p.base.updated_at.gt(p.base.created_at));
    assert_eq!(found(newer).await, "b");
}

async fn times_before_1970_and_far_ahead(on: &TestDb) {
    let db = given(
        on,
        [
            dated("far", "9999-12-30T21:59:59.999999Z"),
            dated("zero", "0000-01-01T00:00:00Z"),
            dated("old", "1969-12-31T23:59:59.999999Z"),
            dated("epoch", "1970-01-01T00:00:00Z"),
        ],
    )
    .await;
    let p = Item::fields();
    assert_eq!(
        found(Item::query(db).sort(p.at.asc())).await,
        "zero old epoch far"
    );
    check(db, p.at.lt(Timestamp::UNIX_EPOCH), "zero old").await;
    let mut before_year_0 = item("x");
    before_year_0.at = Timestamp::from_unix_micros(-62_200_000_000_000_000);
    refused(before_year_0.insert(db).await, ErrorKind::InvalidDocument);
    let filter = p.at.eq(before_year_0.at.unwrap());
    refused(
        Item::query(db).filter(filter).all().await,
        ErrorKind::InvalidQuery,
    );
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "meetings")]
struct Meeting {
    #[serde(flatten)]
    base: Base<Meeting>,
    #[serde(with = "den::times::jiff")]
    #[den(kind = "text", index)]
    starts: jiff::Timestamp,
    #[serde(default, with = "den::times::jiff::option")]
    #[den(kind = "text")]
    ends: Option<jiff::Timestamp>,
}

async fn times_of_other_crates(on: &TestDb) {
    let db = on.with::<Meeting>().await;
    for (starts, ends) in [
        ("2024-05-06T12:00:00.25+01:00", None),
        ("2024-05-06T11:00:00Z", Some("2024-05-06T12:00:00Z")),
    ] {
        let mut it = Meeting {
            base: Base::default(),
            starts: starts.parse().unwrap(),
            ends: ends.map(|it| it.parse().unwrap()),
        };
        it.save(db).await.unwrap();
        assert_eq!(Meeting::find(db, it.id()).await.unwrap(), it);
    }
    let p = Meeting::fields();
    let sorted = Meeting::query(db).sort(p.starts.asc()).all().await.unwrap();
    assert_eq!(sorted[0].starts.to_string(), "2024-05-06T11:00:00Z");
    let late = Meeting::query(db).filter(field("starts").gt(at("2024-05-06T11:00:00.1Z")));
    assert_eq!(late.count().await.unwrap(), 1);
    let open = Meeting::query(db).filter(p.ends.is_null());
    assert_eq!(open.count().await.unwrap(), 1);
}
