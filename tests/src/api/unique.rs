//! Unique values: single, nested, together, nullable.

use den::{ErrorKind, Json, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::{Note, count, note, refused};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(the_same_value_twice_is_duplicate),
    case!(an_update_may_keep_its_value),
    case!(a_change_frees_the_old_value),
    case!(a_delete_frees_the_value),
    case!(nulls_never_collide),
    case!(empty_text_and_zero_are_values),
    case!(nested_values_are_unique),
    case!(nested_values_of_a_missing_parent_never_collide),
    case!(together_means_all_of_them),
    case!(together_across_levels),
    case!(types_do_not_collide_but_equal_numbers_do),
    case!(large_integers_are_told_apart),
    case!(text_is_compared_by_bytes),
    case!(long_texts_are_compared_whole),
    case!(of_two_indexes_the_broken_one_is_named),
    case!(the_error_does_not_show_the_value),
    case!(a_duplicate_is_seen_across_handles, except: [SqliteMemory]),
    case!(one_of_many_concurrent_inserts_wins),
];

async fn the_same_value_twice_is_duplicate(on: &TestDb) {
    let db = on.with::<Note>().await;
    note("a").save(db).await.unwrap();
    note("b").save(db).await.unwrap();
    let error = refused(note("a").save(db).await, ErrorKind::Duplicate);
    let constraint = error.constraint().unwrap();
    assert_eq!(constraint.fields(), ["slug"]);
    let recorded = on.backend.list_recorded_indexes("notes").await.unwrap();
    assert_eq!(constraint.name(), recorded[0].name);
    assert_eq!(error.collection(), Some("notes"));
    assert!(!error.is_retryable());
    assert_eq!(count::<Note>(db).await, 2);
}

async fn an_update_may_keep_its_value(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    it.save(db).await.unwrap();
    it.text = "new".into();
    it.save(db).await.unwrap();
    it.replace(db).await.unwrap();
    Note::save_all(db, std::slice::from_mut(&mut it))
        .await
        .unwrap();
}

async fn a_change_frees_the_old_value(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    it.save(db).await.unwrap();
    it.slug = Some("b".into());
    it.save(db).await.unwrap();
    note("a").save(db).await.unwrap();
    refused(note("b").save(db).await, ErrorKind::Duplicate);
}

async fn a_delete_frees_the_value(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut it = note("a");
    it.save(db).await.unwrap();
    it.delete(db).await.unwrap();
    note("a").save(db).await.unwrap();
    Note::query(db).all_rows().delete().await.unwrap();
    note("a").save(db).await.unwrap();
}

async fn nulls_never_collide(on: &TestDb) {
    let db = on.with::<Note>().await;
    for _ in 0..3 {
        Note::default().save(db).await.unwrap();
    }
    // A key that is not there at all is as null as one that is.
    let notes = db.collection("notes");
    notes.insert(json!({"text": ""})).await.unwrap();
    notes.insert(json!({"text": ""})).await.unwrap();
    assert_eq!(count::<Note>(db).await, 5);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Position {
    #[den(unique)]
    code: Option<String>,
    row: i64,
    seat: Seat,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Seat {
    #[den(unique)]
    number: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(
    collection = "tickets",
    unique(fields("place.row", "day")),
    unique(fields("first", "last"), name = "full_name")
)]
struct Ticket {
    #[serde(flatten)]
    base: Base<Ticket>,
    place: Option<Position>,
    day: Option<String>,
    first: Option<String>,
    last: Option<String>,
    #[den(unique)]
    number: Option<i64>,
    #[den(unique)]
    label: Option<String>,
    #[den(unique)]
    anything: Json,
}

async fn empty_text_and_zero_are_values(on: &TestDb) {
    let db = on.with::<Ticket>().await;
    for it in [
        Ticket {
            number: Some(0),
            ..Default::default()
        },
        Ticket {
            label: Some(String::new()),
            ..Default::default()
        },
        Ticket {
            anything: json!(false),
            ..Default::default()
        },
    ] {
        it.clone().save(db).await.unwrap();
        refused(it.clone().save(db).await, ErrorKind::Duplicate);
    }
}

fn seated(code: Option<&str>, row: i64, seat: Option<i64>) -> Ticket {
    Ticket {
        place: Some(Position {
            code: code.map(str::to_owned),
            row,
            seat: Seat { number: seat },
        }),
        ..Default::default()
    }
}

async fn nested_values_are_unique(on: &TestDb) {
    let db = on.with::<Ticket>().await;
    seated(Some("a"), 1, Some(1)).save(db).await.unwrap();
    seated(Some("b"), 1, Some(2)).save(db).await.unwrap();
    let error = refused(
        seated(Some("a"), 1, None).save(db).await,
        ErrorKind::Duplicate,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["place.code"]);
    let error = refused(
        seated(None, 1, Some(2)).save(db).await,
        ErrorKind::Duplicate,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["place.seat.number"]);
    seated(None, 1, None).save(db).await.unwrap();
    seated(None, 1, None).save(db).await.unwrap();
}

async fn nested_values_of_a_missing_parent_never_collide(on: &TestDb) {
    let db = on.with::<Ticket>().await;
    for _ in 0..2 {
        let mut it = Ticket::default();
        it.save(db).await.unwrap();
        assert_eq!(Ticket::find(db, it.id()).await.unwrap(), it);
    }
    let p = Ticket::fields();
    assert_eq!(
        Ticket::query(db)
            .filter(p.place.code.is_null())
            .count()
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        Ticket::query(db)
            .filter(p.place.row.is_missing())
            .count()
            .await
            .unwrap(),
        2
    );
}

fn named(first: Option<&str>, last: Option<&str>) -> Ticket {
    Ticket {
        first: first.map(str::to_owned),
        last: last.map(str::to_owned),
        ..Default::default()
    }
}

async fn together_means_all_of_them(on: &TestDb) {
    let db = on.with::<Ticket>().await;
    for (first, last) in [
        (Some("Ada"), Some("L")),
        (Some("Ada"), Some("M")),
        (Some("Bob"), Some("L")),
        (Some("Ad"), Some("aL")),
    ] {
        named(first, last).save(db).await.unwrap();
    }
    let error = refused(
        named(Some("Ada"), Some("M")).save(db).await,
        ErrorKind::Duplicate,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["first", "last"]);
    assert_eq!(error.constraint().unwrap().name(), "full_name");
    // One null takes the row out.
    for (first, last) in [(Some("Ada"), None), (None, Some("L")), (None, None)] {
        named(first, last).save(db).await.unwrap();
        named(first, last).save(db).await.unwrap();
    }
}

async fn together_across_levels(on: &TestDb) {
    let db = on.with::<Ticket>().await;
    let on_day = |row, day: &str| Ticket {
        day: Some(day.to_owned()),
        ..seated(None, row, None)
    };
    on_day(1, "mon").save(db).await.unwrap();
    on_day(2, "mon").save(db).await.unwrap();
    on_day(1, "tue").save(db).await.unwrap();
    let error = refused(on_day(1, "mon").save(db).await, ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["place.row", "day"]);
}

async fn types_do_not_collide_but_equal_numbers_do(on: &TestDb) {
    let db = on.with::<Ticket>().await;
    let tickets = db.collection("tickets");
    for it in [
        json!(1),
        json!("1"),
        json!(true),
        json!("true"),
        json!(0),
        json!(false),
        json!(""),
    ] {
        tickets.insert(json!({"anything": it})).await.unwrap();
    }
    for it in [
        json!(1.0),
        json!(1),
        json!("1"),
        json!(true),
        json!(0.0),
        json!(-0.0),
    ] {
        let error = refused(
            tickets.insert(json!({"anything": it})).await,
            ErrorKind::Duplicate,
        );
        assert_eq!(error.constraint().unwrap().fields(), ["anything"]);
    }
    // Under a declared kind, a value of another kind counts as null.
    for _ in 0..2 {
        tickets.insert(json!({"number": "5"})).await.unwrap();
        tickets.insert(json!({"label": 5})).await.unwrap();
    }
    tickets.insert(json!({"number": 5})).await.unwrap();
    refused(
        tickets.insert(json!({"number": 5.0})).await,
        ErrorKind::Duplicate,
    );
}

async fn large_integers_are_told_apart(on: &TestDb) {
    let db = on.with::<Ticket>().await;
    let two_53 = 9_007_199_254_740_992;
    for n in [
        two_53,
        two_53 + 1,
        two_53 + 2,
        i64::MAX,
        i64::MAX - 1,
        i64::MIN,
        i64::MIN + 1,
    ] {
        let it = Ticket {
            number: Some(n),
            ..Default::default()
        };
        it.clone().save(db).await.unwrap();
        refused(it.clone().save(db).await, ErrorKind::Duplicate);
    }
}

async fn text_is_compared_by_bytes(on: &TestDb) {
    let db = on.with::<Note>().await;
    for slug in [
        "a",
        "A",
        "a ",
        " a",
        "é",
        "e\u{301}",
        "ß",
        "ss",
        "ı",
        "i",
        "a\u{200b}",
        "ﬁ",
        "fi",
    ] {
        note(slug).save(db).await.unwrap();
        refused(note(slug).save(db).await, ErrorKind::Duplicate);
    }
}

async fn long_texts_are_compared_whole(on: &TestDb) {
    let db = on.with::<Note>().await;
    // Hard to compress, so that an index entry is as long as the text.
    let long: String = (0..1500)
        .map(|_| Id::<Note>::generate().into_string())
        .collect();
    let (one, other) = (format!("{long}1"), format!("{long}2"));
    if on.engine() == Engine::Postgres {
        // An index entry of PostgreSQL holds 8 kB at most: refused, clearly, and nothing stored.
        let error = refused(note(&one).save(db).await, ErrorKind::InvalidDocument);
        assert_eq!(error.collection(), Some("notes"));
        assert_eq!(count::<Note>(db).await, 0);
        return;
    }
    note(&one).save(db).await.unwrap();
    note(&other).save(db).await.unwrap();
    let error = refused(note(&one).save(db).await, ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["slug"]);
    let p = Note::fields();
    assert_eq!(
        Note::query(db)
            .filter(p.slug.eq(&other))
            .count()
            .await
            .unwrap(),
        1
    );
    let beyond = format!("{long}1x");
    assert_eq!(
        Note::query(db)
            .filter(p.slug.starts_with(&long))
            .count()
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        Note::query(db)
            .filter(p.slug.gt(&beyond))
            .count()
            .await
            .unwrap(),
        1
    );
}

async fn of_two_indexes_the_broken_one_is_named(on: &TestDb) {
    let db = on.with::<Ticket>().await;
    let first = Ticket {
        number: Some(1),
        label: Some("l".into()),
        ..Default::default()
    };
    first.clone().save(db).await.unwrap();
    for (it, field) in [
        (
            Ticket {
                label: None,
                ..first.clone()
            },
            "number",
        ),
        (
            Ticket {
                number: None,
                ..first.clone()
            },
            "label",
        ),
    ] {
        let error = refused(it.clone().save(db).await, ErrorKind::Duplicate);
        assert_eq!(error.constraint().unwrap().fields(), [field]);
    }
}

async fn the_error_does_not_show_the_value(on: &TestDb) {
    let db = on.with::<Note>().await;
    note("confidential").save(db).await.unwrap();
    let error = refused(note("confidential").save(db).await, ErrorKind::Duplicate);
    assert!(!error.to_string().contains("confidential"), "{error}");
}

async fn a_duplicate_is_seen_across_handles(on: &TestDb) {
    let db = on.with::<Note>().await;
    let other = on.open_again().await;
    other.register::<Note>().await.unwrap();
    note("a").save(db).await.unwrap();
    let error = refused(note("a").save(&other).await, ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["slug"]);
    other.close().await.unwrap();
}

async fn one_of_many_concurrent_inserts_wins(on: &TestDb) {
    let db = on.with::<Note>().await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { note("only").save(&db).await })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => stored += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Duplicate, "{error:?}"),
        }
    }
    assert_eq!((stored, count::<Note>(db).await), (1, 1));
}
