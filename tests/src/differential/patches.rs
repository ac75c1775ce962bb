//! Random patches, over declared, undeclared and missing places.

use den_backend::{Change, FieldPath, Patch, Value};
use proptest::{collection, prelude::*, sample::select};

use super::{filters::place, values};

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
    prop_oneof![
        8 => set(easy()),
        1 => set(any_path()),
        4 => prop_oneof![easy(), any_path()].prop_map(|path| Change::Unset { path }),
    ]
    .boxed()
}

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
