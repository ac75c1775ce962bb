//! Positions: walking pages returns every row once, in both directions.

use crate::{
    Backend, Direction,
    FieldKind::{Any, Bool, Number, Text},
    Nulls, Query, Seek, Select, Sort, Value,
    conformance::support::*,
    order::sort_keys,
};

pub(super) const CASES: &[Case] = &[
    case!(pages_by_id),
    case!(pages_by_one_number),
    case!(pages_by_one_text),
    case!(pages_by_one_bool),
    case!(pages_by_an_unknown_kind),
    case!(pages_with_nulls_elsewhere),
    case!(pages_by_two_keys),
    case!(pages_by_mixed_directions),
    case!(pages_by_three_keys),
    case!(pages_when_everything_ties),
    case!(pages_when_everything_is_null),
    case!(pages_compose_with_filters),
    case!(a_position_need_not_exist),
    case!(rows_inserted_behind_the_position_do_not_matter),
    case!(a_position_beside_exact_numbers),
    case!(a_position_and_an_id_selection),
];

/// Nulls, missing values, ties and other kinds, in every key.
const MANY: &[&str] = &[
    r#"{"x":1,"y":"a","z":true}"#,
    r#"{"x":1,"y":"a","z":false}"#,
    r#"{"x":1,"y":"b"}"#,
    r#"{"x":null,"y":"a","z":true}"#,
    r#"{"y":"b","z":false}"#,
    r#"{"x":2,"y":null}"#,
    r#"{"x":2}"#,
    r#"{"x":"text","y":1,"z":"no"}"#,
    r#"{"x":[1],"y":{"k":1},"z":[]}"#,
    r#"{"x":{"k":1},"y":[1],"z":{}}"#,
    r#"{"x":-1.5,"y":"é","z":null}"#,
    r#"{"x":2.0,"y":"B","z":true}"#,
    r#"{}"#,
    r#"{"x":true,"y":true,"z":0}"#,
    r#"{"x":[2],"y":"","z":true}"#,
    r#"{"x":"other","y":"a","z":true}"#,
    r#"{"x":false,"y":"a","z":false}"#,
    r#"{"x":{},"y":"a","z":false}"#,
    r#"{"x":"","y":"c","z":false}"#,
    r#"{"x":1,"y":"a","z":true}"#,
];

/// Walks `items` in this order, in pages of several sizes, forwards and backwards, and from each
/// row on its own.
async fn walk(backend: &dyn Backend, sort: &[Sort]) {
    for collection in sorted_in(backend, sort).await {
        for id_direction in [Direction::Asc, Direction::Desc] {
            let query = Query {
                id_direction,
                collection: collection.clone(),
                ..sorted(sort)
            };
            walk_query(backend, &query).await;
            walk_query(backend, &query.reversed()).await;
        }
    }
}

async fn walk_query(backend: &dyn Backend, query: &Query) {
    let all = rows(backend, query).await;
    let expected: Vec<&str> = all.iter().map(|it| it.id.as_str()).collect();
    let positions: Vec<Seek> = all
        .iter()
        .map(|it| Seek {
            keys: sort_keys(&parsed(it), &query.sort).unwrap(),
            id: it.id.clone(),
        })
        .collect();
    for (i, seek) in positions.iter().enumerate() {
        let rest = Query {
            seek: Some(seek.clone()),
            ..query.clone()
        };
        let found = ids(backend, &rest).await;
        assert_eq!(
            found,
            expected[i + 1..].join(" "),
            "after {seek:?} of {query:?}"
        );
        let before = Query {
            seek: Some(seek.clone()),
            limit: Some(3),
            ..query.clone().reversed()
        };
        let three: Vec<&str> = expected[..i].iter().rev().take(3).copied().collect();
        let found = ids(backend, &before).await;
        assert_eq!(found, three.join(" "), "before {seek:?} of {query:?}");
    }
    for size in [1_u32, 3, 100] {
        let mut walked: Vec<String> = Vec::new();
        let mut seek = None;
        loop {
            let page = Query {
                seek: seek.take(),
                limit: Some(u64::from(size)),
                ..query.clone()
            };
            let found = rows(backend, &page).await;
            let Some(last) = found.last() else { break };
            seek = Some(Seek {
                keys: sort_keys(&parsed(last), &query.sort).unwrap(),
                id: last.id.clone(),
            });
            walked.extend(found.into_iter().map(|it| it.id));
            assert!(
                walked.len() <= expected.len(),
                "a row comes twice: {query:?}"
            );
        }
        assert_eq!(walked, expected, "in pages of {size}: {query:?}");
    }
}

async fn pages_by_id(backend: &dyn Backend) {
    given(backend, MANY).await;
    walk(backend, &[]).await;
    walk(backend, &[by("_id", Text)]).await;
    walk(backend, &[by("-_id", Text)]).await;
}

async fn pages_by_one_number(backend: &dyn Backend) {
    given_scalars(backend, MANY).await;
    walk(backend, &[by("x", Number)]).await;
    walk(backend, &[by("-x", Number)]).await;
}

async fn pages_by_one_text(backend: &dyn Backend) {
    given_scalars(backend, MANY).await;
    walk(backend, &[by("x", Text)]).await;
    walk(backend, &[by("-y", Text)]).await;
}

async fn pages_by_one_bool(backend: &dyn Backend) {
    given_scalars(backend, MANY).await;
    walk(backend, &[by("x", Bool)]).await;
    walk(backend, &[by("-z", Bool)]).await;
}

async fn pages_by_an_unknown_kind(backend: &dyn Backend) {
    given(backend, MANY).await;
    walk(backend, &[by("x", Any)]).await;
    walk(backend, &[by("-x", Any)]).await;
    walk(backend, &[by("y", Any), by("-z", Any)]).await;
}

async fn pages_with_nulls_elsewhere(backend: &dyn Backend) {
    given_scalars(backend, MANY).await;
    walk(backend, &[with_nulls(by("x", Number), Nulls::Last)]).await;
    walk(backend, &[with_nulls(by("-x", Number), Nulls::First)]).await;
    walk(backend, &[with_nulls(by("x", Any), Nulls::Last)]).await;
    let two = [
        with_nulls(by("x", Number), Nulls::Last),
        with_nulls(by("y", Text), Nulls::First),
    ];
    walk(backend, &two).await;
}

async fn pages_by_two_keys(backend: &dyn Backend) {
    given_scalars(backend, MANY).await;
    walk(backend, &[by("x", Number), by("y", Text)]).await;
    walk(backend, &[by("-y", Text), by("-x", Number)]).await;
}

async fn pages_by_mixed_directions(backend: &dyn Backend) {
    given_scalars(backend, MANY).await;
    walk(backend, &[by("x", Number), by("-y", Text)]).await;
    walk(backend, &[by("-z", Bool), by("x", Number)]).await;
    walk(backend, &[by("-x", Text), by("_id", Text)]).await;
}

async fn pages_by_three_keys(backend: &dyn Backend) {
    given_scalars(backend, MANY).await;
    walk(backend, &[by("x", Number), by("-y", Text), by("z", Bool)]).await;
    walk(backend, &[by("z", Bool), by("y", Text), by("x", Number)]).await;
}

async fn pages_when_everything_ties(backend: &dyn Backend) {
    given_scalars(backend, &[r#"{"x":1,"y":"a"}"#; 12]).await;
    walk(backend, &[by("x", Number)]).await;
    walk(backend, &[by("-x", Number), by("y", Text)]).await;
}

async fn pages_when_everything_is_null(backend: &dyn Backend) {
    given_scalars(
        backend,
        &["{}", r#"{"x":null}"#, r#"{"x":"a"}"#, "{}", "{}"],
    )
    .await;
    walk(backend, &[by("x", Number)]).await;
    walk(backend, &[by("-x", Number), by("-y", Text)]).await;
}

async fn pages_compose_with_filters(backend: &dyn Backend) {
    given_scalars(backend, MANY).await;
    for filter in [
        eq(field("z"), literal("true")).or(is_null(field("x"))),
        eq(field("y"), literal("\"a\"")).not(),
    ] {
        for sort in [
            vec![],
            vec![by("x", Number)],
            vec![by("-x", Any), by("y", Text)],
        ] {
            let query = Query {
                filter: filter.clone(),
                ..sorted(&sort)
            };
            walk_query(backend, &query).await;
        }
    }
}

async fn a_position_need_not_exist(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[r#"{"x":1}"#, r#"{"x":2}"#, r#"{"x":2}"#, r#"{"x":3}"#, "{}"],
    )
    .await;
    for (key, id, expected) in [
        (Value::Int(2), "bb", "c d"),
        (Value::Int(2), "", "b c d"),
        (Value::Float(1.5), "zzz", "b c d"),
        (Value::Int(100), "", ""),
        (Value::Null, "", "e a b c d"),
        (Value::Null, "z", "a b c d"),
    ] {
        let query = Query {
            seek: Some(Seek {
                keys: vec![key],
                id: id.to_owned(),
            }),
            ..sorted(&[by("x", Number)])
        };
        assert_eq!(ids(backend, &query).await, expected, "{:?}", query.seek);
    }
    let deleted = backend.delete(ITEMS, "b", crate::Expectation::Any).await;
    deleted.unwrap();
    let query = Query {
        seek: Some(Seek {
            keys: vec![Value::Int(2)],
            id: "b".to_owned(),
        }),
        ..sorted(&[by("x", Number)])
    };
    assert_eq!(ids(backend, &query).await, "c d");
}

async fn rows_inserted_behind_the_position_do_not_matter(backend: &dyn Backend) {
    given(backend, &[r#"{"x":10}"#, r#"{"x":20}"#, r#"{"x":30}"#]).await;
    let query = Query {
        seek: Some(Seek {
            keys: vec![Value::Int(20)],
            id: "b".to_owned(),
        }),
        ..sorted(&[by("x", Number)])
    };
    insert(backend, "k", r#"{"x":15}"#).await;
    insert(backend, "l", r#"{"x":25}"#).await;
    insert(backend, "aa", r#"{"x":20}"#).await;
    insert(backend, "bb", r#"{"x":20}"#).await;
    assert_eq!(ids(backend, &query).await, "bb l c");
    assert_eq!(ids(backend, &query.reversed()).await, "aa k a");
}

async fn a_position_beside_exact_numbers(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":9007199254740991}"#,
            r#"{"x":9007199254740992}"#,
            r#"{"x":9007199254740993}"#,
            r#"{"x":9007199254740992.0}"#,
            r#"{"x":9223372036854775807}"#,
            r#"{"x":-9223372036854775808}"#,
            r#"{"x":0.1}"#,
            r#"{"x":0.30000000000000004}"#,
            r#"{"x":0.3}"#,
            r#"{"x":1e300}"#,
        ],
    )
    .await;
    walk(backend, &[by("x", Number)]).await;
    walk(backend, &[by("-x", Any)]).await;
}

async fn a_position_and_an_id_selection(backend: &dyn Backend) {
    given(backend, MANY).await;
    let query = Query {
        seek: Some(Seek {
            keys: vec![Value::Int(1)],
            id: "b".to_owned(),
        }),
        limit: Some(2),
        select: Select::Id,
        ..sorted(&[by("x", Number)])
    };
    let found = rows(backend, &query).await;
    assert_eq!(ids(backend, &query).await, "c t");
    assert!(found.iter().all(|it| it.body.is_empty()));
}
