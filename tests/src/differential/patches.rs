//! Random patches, over declared, undeclared and missing places.

use den_backend::{Change, FieldPath, Patch, Value};
use proptest::{collection, prelude::*, sample::select};

use super::{computed::selected, filters::place, values};

/// Places that take a value in most documents: the others often lie below something else.
const EASY: &[&[&str]] = &[
    &["text"],
    &["number"],
    &["tags"],
    &["flag"],
    &["US Gross"],
    &["a.b"],
    &["\""],
    &["\\"],
    &["0"],
    &["new"],
    &["new", "0"],
    &["new", "x"],
    &["new", "x", "y"],
    &["nested", "city"],
    &["nested", "list"],
    &["map", "x"],
    &["map", "a.b"],
    &["_rev"],
];

pub(super) fn patch() -> BoxedStrategy<Patch> {
    collection::vec(change(), 1..6).prop_map(Patch::new).boxed()
}

fn change() -> BoxedStrategy<Change> {
    let set = |path: BoxedStrategy<FieldPath>| {
        (path, value()).prop_map(|(path, value)| Change::Set { path, value })
    };
    let either = || prop_oneof![8 => easy(), 1 => any_path()];
    let list = || prop_oneof![6 => select(LISTS).prop_map(segments), 1 => either()];
    let count = || prop_oneof![6 => select(COUNTS).prop_map(segments), 1 => either()];
    prop_oneof![
        8 => set(easy()),
        1 => set(any_path()),
        4 => prop_oneof![easy(), any_path()].prop_map(|path| Change::Unset { path }),
        3 => (either(), selected(2)).prop_map(|(path, value)| Change::SetExpr { path, value }),
        2 => (count(), values::number()).prop_map(|(path, by)| Change::Inc { path, by }),
        2 => (count(), values::number()).prop_map(|(path, by)| Change::Mul { path, by }),
        1 => (count(), values::scalar()).prop_map(|(path, value)| Change::Min { path, value }),
        1 => (count(), values::scalar()).prop_map(|(path, value)| Change::Max { path, value }),
        2 => (list(), value()).prop_map(|(path, value)| Change::Push { path, value }),
        2 => (list(), value()).prop_map(|(path, value)| Change::AddToSet { path, value }),
        2 => (list(), value()).prop_map(|(path, value)| Change::Pull { path, value }),
        1 => list().prop_map(|path| Change::PopFirst { path }),
        1 => list().prop_map(|path| Change::PopLast { path }),
        2 => (either(), either())
            .prop_filter("one leads through the other", |(from, to)| {
                let shorter = from.segments().len().min(to.segments().len());
                from.segments()[..shorter] != to.segments()[..shorter]
            })
            .prop_map(|(from, to)| Change::Rename { from, to }),
    ]
    .boxed()
}

/// Places that mostly hold a number, or nothing.
const COUNTS: &[&[&str]] = &[
    &["number"],
    &["count"],
    &["rank"],
    &["US Gross"],
    &["new", "n"],
    &["new"],
    &["nested", "deep", "n"],
];

/// Places that mostly hold an array, or nothing.
const LISTS: &[&[&str]] = &[
    &["tags"],
    &["items"],
    &["nested", "list"],
    &["new", "list"],
    &["new"],
];

fn value() -> BoxedStrategy<Value> {
    prop_oneof![
        6 => values::value(),
        2 => values::object(),
        2 => Just(Value::Null),
        1 => Just(Value::Object(Default::default())),
        1 => values::array(),
    ]
    .boxed()
}

fn easy() -> BoxedStrategy<FieldPath> {
    select(EASY).prop_map(segments).boxed()
}

/// Any place a filter could look at, or a path of odd keys.
fn any_path() -> BoxedStrategy<FieldPath> {
    let odd: Vec<&str> = values::KEYS
        .iter()
        .copied()
        .filter(|it| !it.is_empty() && !it.contains(char::is_control))
        .collect();
    prop_oneof![
        place().prop_map(|it| it.path),
        collection::vec(select(odd), 1..4).prop_map(|keys| segments(&keys)),
    ]
    .prop_filter("the id never changes", |it| {
        it.segments().first().is_some_and(|it| it != "_id")
    })
    .boxed()
}

fn segments(path: &[&str]) -> FieldPath {
    FieldPath::from_segments(path.iter().copied()).unwrap()
}
