//! The total order of a query.

use crate::{
    Backend, Direction,
    FieldKind::{Any, Array, Bool, Number, Object, Text},
    Nulls, Query,
    conformance::support::*,
};

pub(super) const CASES: &[Case] = &[
    case!(without_a_sort_the_id_orders),
    case!(the_id_is_ordered_by_bytes),
    case!(the_id_may_be_a_sort_key),
    case!(numbers_are_ordered_exactly),
    case!(text_sorts_by_bytes),
    case!(bools_sort_false_first),
    case!(null_is_the_smallest_value),
    case!(nulls_go_where_they_are_told),
    case!(another_kind_counts_as_null),
    case!(arrays_and_objects_count_as_null_for_their_kind),
    case!(an_unknown_kind_orders_the_types),
    case!(ties_are_broken_by_the_next_key_and_the_id),
    case!(directions_may_be_mixed),
    case!(a_sort_key_may_lie_deep),
    case!(the_same_key_twice_is_harmless),
];

const ONE_OF_EACH: &[&str] = &[
    r#"{"x":2}"#,
    r#"{"x":"b"}"#,
    r#"{"x":true}"#,
    r#"{"x":null}"#,
    "{}",
    r#"{"x":[1]}"#,
    r#"{"x":{"k":1}}"#,
    r#"{"x":-1.5}"#,
    r#"{"x":"B"}"#,
    r#"{"x":false}"#,
    r#"{"x":[]}"#,
    r#"{"x":{}}"#,
];

async fn without_a_sort_the_id_orders(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for id in ["b", "c", "a"] {
        insert(backend, id, "{}").await;
    }
    check_order(backend, &[], "a b c").await;
    let query = Query {
        id_direction: Direction::Desc,
        ..Query::new(ITEMS)
    };
    assert_eq!(ids(backend, &query).await, "c b a");
}

async fn the_id_is_ordered_by_bytes(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    for id in [
        "a", "B", "_", "10", "9", "é", "z", "😀", "\u{fffd}", "a-b", "ab",
    ] {
        insert(backend, id, "{}").await;
    }
    check_order(backend, &[], "10 9 B _ a a-b ab z é \u{fffd} 😀").await;
}

async fn the_id_may_be_a_sort_key(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, r#"{"x":2}"#, r#"{"x":1}"#]).await;
    check_order(backend, &[by("_id", Text)], "a b c").await;
    check_order(backend, &[by("-_id", Text)], "c b a").await;
    check_order(backend, &[by("-x", Number), by("-_id", Text)], "b c a").await;
}

async fn numbers_are_ordered_exactly(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":9007199254740993}"#,
            r#"{"x":9007199254740992.0}"#,
            r#"{"x":9223372036854775807}"#,
            r#"{"x":-9223372036854775808}"#,
            r#"{"x":10}"#,
            r#"{"x":9}"#,
            r#"{"x":9.5}"#,
            r#"{"x":-0.5}"#,
            r#"{"x":1e300}"#,
            r#"{"x":9007199254740991}"#,
            r#"{"x":5e-324}"#,
        ],
    )
    .await;
    for kind in [Number, Any] {
        check_order(backend, &[by("x", kind)], "d h k f g e j b a c i").await;
        check_order(backend, &[by("-x", kind)], "i c a b j e g f k h d").await;
    }
}

async fn text_sorts_by_bytes(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":"a"}"#,
            r#"{"x":"B"}"#,
            r#"{"x":"_x"}"#,
            r#"{"x":"10"}"#,
            r#"{"x":"9"}"#,
            r#"{"x":"é"}"#,
            r#"{"x":"z"}"#,
            r#"{"x":""}"#,
            r#"{"x":"😀"}"#,
            r#"{"x":"\ufffd"}"#,
            r#"{"x":"a b"}"#,
            r#"{"x":"ab"}"#,
            r#"{"x":"A"}"#,
        ],
    )
    .await;
    for kind in [Text, Any] {
        check_order(backend, &[by("x", kind)], "h d e m b c a k l g f j i").await;
        check_order(backend, &[by("-x", kind)], "i j f g l k a c b m e d h").await;
    }
}

async fn bools_sort_false_first(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":true}"#,
            r#"{"x":false}"#,
            r#"{"x":null}"#,
            r#"{"x":true}"#,
        ],
    )
    .await;
    for kind in [Bool, Any] {
        check_order(backend, &[by("x", kind)], "c b a d").await;
        check_order(backend, &[by("-x", kind)], "a d b c").await;
    }
}

async fn null_is_the_smallest_value(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[r#"{"x":1}"#, r#"{"x":null}"#, "{}", r#"{"x":-1}"#],
    )
    .await;
    for kind in [Number, Any] {
        check_order(backend, &[by("x", kind)], "b c d a").await;
        check_order(backend, &[by("-x", kind)], "a d b c").await;
    }
}

async fn nulls_go_where_they_are_told(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":1}"#,
            r#"{"x":null}"#,
            "{}",
            r#"{"x":-1}"#,
            r#"{"x":2}"#,
        ],
    )
    .await;
    for kind in [Number, Any] {
        let up = || by("x", kind);
        let down = || by("-x", kind);
        check_order(backend, &[with_nulls(up(), Nulls::Last)], "d a e b c").await;
        check_order(backend, &[with_nulls(up(), Nulls::First)], "b c d a e").await;
        check_order(backend, &[with_nulls(down(), Nulls::First)], "b c e a d").await;
        check_order(backend, &[with_nulls(down(), Nulls::Last)], "e a d b c").await;
    }
}

async fn another_kind_counts_as_null(backend: &dyn Backend) {
    given_scalars(backend, ONE_OF_EACH).await;
    check_order(backend, &[by("x", Number)], "b c d e f g i j k l h a").await;
    check_order(backend, &[by("-x", Number)], "a h b c d e f g i j k l").await;
    check_order(backend, &[by("x", Text)], "a c d e f g h j k l i b").await;
    check_order(backend, &[by("x", Bool)], "a b d e f g h i k l j c").await;
    let last = with_nulls(by("x", Text), Nulls::Last);
    check_order(backend, &[last], "i b a c d e f g h j k l").await;
}

async fn arrays_and_objects_count_as_null_for_their_kind(backend: &dyn Backend) {
    given(backend, ONE_OF_EACH).await;
    for kind in [Array, Object] {
        check_order(backend, &[by("x", kind)], "a b c d e f g h i j k l").await;
        check_order(backend, &[by("-x", kind)], "a b c d e f g h i j k l").await;
    }
}

async fn an_unknown_kind_orders_the_types(backend: &dyn Backend) {
    given(backend, ONE_OF_EACH).await;
    check_order(backend, &[by("x", Any)], "d e h a i b j c f k g l").await;
    check_order(backend, &[by("-x", Any)], "g l f k c j b i a h d e").await;
    let last = with_nulls(by("x", Any), Nulls::Last);
    check_order(backend, &[last], "h a i b j c f k g l d e").await;
}

async fn ties_are_broken_by_the_next_key_and_the_id(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":1,"y":"b"}"#,
            r#"{"x":1.0,"y":"a"}"#,
            r#"{"x":0,"y":"c"}"#,
            r#"{"x":1,"y":"a"}"#,
            r#"{"x":null,"y":"a"}"#,
            r#"{"y":"a"}"#,
        ],
    )
    .await;
    check_order(backend, &[by("x", Number)], "e f c a b d").await;
    check_order(backend, &[by("x", Number), by("y", Text)], "e f c b d a").await;
    check_order(backend, &[by("y", Text), by("x", Number)], "e f b d a c").await;
    let query = Query {
        id_direction: Direction::Desc,
        ..sorted(&[by("x", Number), by("y", Text)])
    };
    assert_eq!(ids(backend, &query).await, "f e c d b a");
}

async fn directions_may_be_mixed(backend: &dyn Backend) {
    given_scalars(
        backend,
        &[
            r#"{"x":1,"y":"a"}"#,
            r#"{"x":1,"y":"b"}"#,
            r#"{"x":2,"y":"a"}"#,
            r#"{"x":2}"#,
            r#"{"y":"a"}"#,
            r#"{"y":"b"}"#,
        ],
    )
    .await;
    check_order(backend, &[by("x", Number), by("-y", Text)], "f e b a c d").await;
    check_order(backend, &[by("-x", Number), by("y", Text)], "d c a b e f").await;
    check_order(backend, &[by("-x", Any), by("-y", Any)], "c d b a f e").await;
}

async fn a_sort_key_may_lie_deep(backend: &dyn Backend) {
    given(
        backend,
        &[
            r#"{"o":{"p":[3,1]}}"#,
            r#"{"o":{"p":[2,2]}}"#,
            r#"{"o":{"p":{"0":1,"1":3}}}"#,
            r#"{"o":[1]}"#,
        ],
    )
    .await;
    check_order(backend, &[by("o.p.0", Number)], "d c b a").await;
    check_order(backend, &[by("-o.p.1", Number)], "c b a d").await;
}

async fn the_same_key_twice_is_harmless(backend: &dyn Backend) {
    given(backend, &[r#"{"x":1}"#, r#"{"x":2}"#, "{}"]).await;
    check_order(backend, &[by("x", Number), by("-x", Number)], "c a b").await;
}
