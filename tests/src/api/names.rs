//! Names with odd characters are quoted, not refused.

use den::{ErrorKind, Json, field, prelude::*};
use serde::{Deserialize, Serialize};

use super::support::refused;
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(collections_of_any_name),
    case!(collections_that_differ_in_case),
    case!(collections_that_differ_late),
    case!(indexes_of_any_name),
    case!(fields_of_any_name),
    case!(fields_whose_paths_look_alike),
];

/// A document type in a collection of its own.
macro_rules! in_collection {
    ($type:ident, $collection:tt) => {
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
        #[den(collection = $collection, index(fields("n", "name")))]
        struct $type {
            #[serde(flatten)]
            base: Base<$type>,
            #[den(unique)]
            name: String,
            #[den(index)]
            n: i64,
            #[den(index)]
            tags: Vec<String>,
        }
    };
}

macro_rules! check_collection {
    ($on:expr, $type:ident) => {{
        let db = $on.with::<$type>().await;
        let mut it = $type {
            name: "a".into(),
            n: 1,
            tags: vec!["t".into()],
            ..Default::default()
        };
        it.save(db).await.unwrap();
        it.n = 2;
        it.save(db).await.unwrap();
        let p = $type::fields();
        let query = || $type::query(db).filter(p.n.eq(2) & p.tags.contains("t"));
        assert_eq!(query().sort(p.name.asc()).one().await.unwrap(), it);
        let error = refused(
            $type {
                name: "a".into(),
                ..Default::default()
            }
            .save(db)
            .await,
            ErrorKind::Duplicate,
        );
        assert_eq!(error.constraint().unwrap().fields(), ["name"]);
        assert_eq!(error.collection(), Some($type::COLLECTION));
        let names = db.collections().await.unwrap();
        assert!(names.iter().any(|it| it == $type::COLLECTION), "{names:?}");
        let untyped = db.collection($type::COLLECTION);
        assert_eq!(untyped.query().count().await.unwrap(), 1);
        assert_eq!(query().delete().await.unwrap(), 1);
    }};
}

async fn collections_of_any_name(on: &TestDb) {
    in_collection!(Space, "two words");
    in_collection!(Quote, "it's \"quoted\" `so` [x]");
    in_collection!(Dash, "a-b--c");
    in_collection!(Dot, "a.b");
    in_collection!(Unicode, "prodüits-日本-🎉");
    in_collection!(Injection, "x\"; DROP TABLE items; --");
    in_collection!(Keyword, "select");
    in_collection!(Percent, "100%_\\sure");
    in_collection!(Number, "1");
    in_collection!(Blank, " ");
    in_collection!(Dollar, "$1");
    in_collection!(Mark, "?1");
    in_collection!(SqliteOwn, "sqlite_things");
    in_collection!(PostgresOwn, "pg_things");
    in_collection!(Underscore, "_things");
    check_collection!(on, Space);
    check_collection!(on, Quote);
    check_collection!(on, Dash);
    check_collection!(on, Dot);
    check_collection!(on, Unicode);
    check_collection!(on, Injection);
    check_collection!(on, Keyword);
    check_collection!(on, Percent);
    check_collection!(on, Number);
    check_collection!(on, Blank);
    check_collection!(on, Dollar);
    check_collection!(on, Mark);
    check_collection!(on, PostgresOwn);
    check_collection!(on, Underscore);
    // SQLite keeps `sqlite_` for itself: it works, or the refusal says so.
    match on.db.register::<SqliteOwn>().await {
        Ok(()) => check_collection!(on, SqliteOwn),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error:?}");
            assert!(error.to_string().contains("sqlite_"), "{error}");
        }
    }
}

async fn collections_that_differ_in_case(on: &TestDb) {
    in_collection!(Lower, "things");
    in_collection!(Upper, "Things");
    on.with::<Lower>().await;
    match on.db.register::<Upper>().await {
        Ok(()) => {
            check_collection!(on, Lower);
            check_collection!(on, Upper);
            let mut it = Lower {
                name: "only here".into(),
                ..Default::default()
            };
            it.save(&on.db).await.unwrap();
            assert_eq!(Upper::query(&on.db).count().await.unwrap(), 0);
        }
        // SQLite does not tell these apart; then it must not mix them up either.
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{error:?}");
            assert!(error.to_string().contains("Things"), "{error}");
        }
    }
}

async fn collections_that_differ_late(on: &TestDb) {
    // 63 bytes, the most that every engine keeps.
    in_collection!(
        One,
        "a_name_as_long_as_every_engine_keeps_it_which_is_sixty_three__1"
    );
    in_collection!(
        Two,
        "a_name_as_long_as_every_engine_keeps_it_which_is_sixty_three__2"
    );
    assert_eq!(One::COLLECTION.len(), 63);
    on.with::<(One, Two)>().await;
    check_collection!(on, One);
    check_collection!(on, Two);
    let mut it = One {
        name: "only here".into(),
        ..Default::default()
    };
    it.save(&on.db).await.unwrap();
    assert_eq!(Two::query(&on.db).count().await.unwrap(), 0);
}

async fn indexes_of_any_name(on: &TestDb) {
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
    #[den(
        collection = "indexed",
        index(fields("b", "a"), name = "it's \"the\" – ünï; index"),
        unique(fields("a"), name = "a-b c.d"),
        unique(fields("b"), name = "SELECT")
    )]
    struct Indexed {
        #[serde(flatten)]
        base: Base<Indexed>,
        a: i64,
        b: i64,
    }
    let db = on.with::<Indexed>().await;
    db.register::<Indexed>().await.unwrap();
    let mut it = Indexed {
        a: 1,
        b: 2,
        ..Default::default()
    };
    it.save(db).await.unwrap();
    for (a, b, name, fields) in [(1, 9, "a-b c.d", ["a"]), (9, 2, "SELECT", ["b"])] {
        let mut other = Indexed {
            a,
            b,
            ..Default::default()
        };
        let error = refused(other.save(db).await, ErrorKind::Duplicate);
        assert_eq!(error.constraint().unwrap().name(), name);
        assert_eq!(error.constraint().unwrap().fields(), fields);
    }
    let recorded = on.backend.list_recorded_indexes("indexed").await.unwrap();
    let names: Vec<&str> = recorded.iter().map(|it| it.name.as_str()).collect();
    assert!(names.contains(&"it's \"the\" – ünï; index"), "{names:?}");
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "odd fields", index(fields("na me", "US Gross")))]
struct Odd {
    #[serde(flatten)]
    base: Base<Odd>,
    #[serde(rename = "na me")]
    #[den(unique)]
    space: String,
    #[serde(rename = "US Gross")]
    #[den(index)]
    gross: Option<i64>,
    #[serde(rename = "a.b")]
    #[den(index)]
    dot: i64,
    #[serde(rename = "it's \"so\"")]
    #[den(index)]
    quote: i64,
    #[serde(rename = "back\\slash/")]
    #[den(index)]
    slash: i64,
    #[serde(rename = "ключ 🎉")]
    #[den(index)]
    unicode: i64,
    #[serde(rename = "$[0]*{}")]
    #[den(index)]
    json_path: i64,
    #[serde(rename = "0")]
    #[den(index)]
    number: i64,
    #[serde(rename = "%s ?1 $1 :x @y")]
    #[den(index)]
    placeholder: i64,
    #[serde(rename = "select")]
    #[den(index)]
    keyword: i64,
    #[serde(rename = "tags, too")]
    #[den(index)]
    tags: Vec<String>,
}

async fn fields_of_any_name(on: &TestDb) {
    let db = on.with::<Odd>().await;
    for n in 1..=3 {
        let mut it = Odd {
            space: format!("s{n}"),
            gross: (n > 1).then_some(n),
            dot: n,
            quote: n,
            slash: n,
            unicode: n,
            json_path: n,
            number: n,
            placeholder: n,
            keyword: n,
            tags: vec![format!("t{n}")],
            ..Default::default()
        };
        it.save(db).await.unwrap();
        assert_eq!(Odd::find(db, it.id()).await.unwrap(), it);
    }
    let p = Odd::fields();
    for field in [
        p.dot,
        p.quote,
        p.slash,
        p.unicode,
        p.json_path,
        p.number,
        p.placeholder,
        p.keyword,
    ] {
        let found = Odd::query(db)
            .filter(field.ge(2))
            .sort(field.desc())
            .values(field)
            .await;
        assert_eq!(found.unwrap(), [3, 2], "{field:?}");
        let key = field.path().segments()[0].clone();
        let untyped = db.collection("odd fields").query();
        let found = untyped
            .filter(den::field([key.as_str()]).eq(2))
            .count()
            .await;
        assert_eq!(found.unwrap(), 1, "{key}");
    }
    assert_eq!(
        Odd::query(db)
            .filter(p.space.starts_with("s"))
            .count()
            .await
            .unwrap(),
        3
    );
    assert_eq!(
        Odd::query(db)
            .filter(p.gross.is_null())
            .count()
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        Odd::query(db)
            .filter(p.tags.contains("t2"))
            .count()
            .await
            .unwrap(),
        1
    );
    let again = Odd {
        space: "s1".into(),
        ..Default::default()
    }
    .save(db)
    .await;
    assert_eq!(
        refused(again, ErrorKind::Duplicate)
            .constraint()
            .unwrap()
            .fields()
            .len(),
        1
    );
}

async fn fields_whose_paths_look_alike(on: &TestDb) {
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
    struct Inner {
        #[den(index)]
        b_c: i64,
        #[den(index)]
        c: i64,
    }
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
    #[den(collection = "alike")]
    struct Alike {
        #[serde(flatten)]
        base: Base<Alike>,
        a: Inner,
        a_b: Inner,
        #[serde(rename = "a.b_c")]
        #[den(index)]
        dotted: i64,
        #[den(index)]
        a_b_c: i64,
    }
    let db = on.with::<Alike>().await;
    let mut it = Alike {
        a: Inner { b_c: 1, c: 2 },
        a_b: Inner { b_c: 3, c: 4 },
        dotted: 5,
        a_b_c: 6,
        ..Default::default()
    };
    it.save(db).await.unwrap();
    let p = Alike::fields();
    for (field, n) in [
        (p.a.b_c, 1),
        (p.a.c, 2),
        (p.a_b.b_c, 3),
        (p.a_b.c, 4),
        (p.dotted, 5),
        (p.a_b_c, 6),
    ] {
        let query = Alike::query(db).filter(field.eq(n)).sort(field.asc());
        assert_eq!(query.values(field).await.unwrap(), [n], "{field:?}");
    }
    let untyped = |filter: Filter<Json>| db.collection("alike").query().filter(filter).count();
    assert_eq!(untyped(field("a.b_c").eq(1)).await.unwrap(), 1);
    assert_eq!(untyped(field(["a.b_c"]).eq(5)).await.unwrap(), 1);
    assert_eq!(untyped(field(["a", "b_c"]).eq(5)).await.unwrap(), 0);
}
