//! Orders by computed values, and positions in them.

use crate::{
    ArithmeticOp::Mul,
    Backend, Capabilities, ErrorKind, Expr,
    FieldKind::{Any, Number, Text},
    Function, Nulls, Query, Seek, Sort, Value,
    conformance::support::*,
};

fn x() -> Expr {
    field("x")
}

fn number(text: &str) -> Expr {
    literal(text)
}

pub(super) const CASES: &[Case] = &[
    case!(computed_values_order: Expressions),
    case!(computed_values_of_any_kind_order: Expressions),
    case!(a_position_in_a_computed_order: Expressions),
];

/// A sort key: `x` times -1, ascending.
fn negative() -> Sort {
    Sort {
        key: arithmetic(Mul, x(), number("-1")),
        ..by("x", Number)
    }
}

async fn computed_values_order(backend: &dyn Backend) {
    let values = ["3", "10", "null", "-2.5", "\"7\"", "3.0", "-"];
    given_x(backend, &values).await;
    let order = |sort: Sort, expected: &'static str| async move {
        check_order(backend, &[sort], expected).await;
    };
    order(negative(), "c e g b a f d").await;
    let last = with_nulls(negative(), Nulls::Last);
    order(last, "b a f d c e g").await;
    let descending = Sort {
        key: negative().key,
        ..by("-x", Number)
    };
    // Ties go by id, which stays ascending.
    order(descending, "d a f b c e g").await;
    let length = Sort {
        key: call(
            Function::Length,
            vec![coalesce(vec![x(), literal("\"none\"")])],
        ),
        ..by("x", Number)
    };
    order(length, "a b d f e c g").await;
    let is_large = Sort {
        key: gt(x(), number("2")),
        ..by("-x", Any)
    };
    // A predicate is no sort key, but a case of bools is one.
    let checked = sorted(std::slice::from_ref(&is_large)).check(Capabilities::all());
    assert_eq!(kind_of(checked), ErrorKind::InvalidQuery);
    let as_bool = Sort {
        key: coalesce(vec![is_large.key]),
        ..by("-x", Any)
    };
    order(as_bool, "a b f c d e g").await;
}

async fn computed_values_of_any_kind_order(backend: &dyn Backend) {
    let values = [
        "true",
        "\"b\"",
        "2",
        "[2]",
        "{\"y\":1}",
        "null",
        "[1]",
        "1.5",
        "\"a\"",
        "false",
    ];
    given_x(backend, &values).await;
    let any = || Sort {
        key: coalesce(vec![x(), field("y")]),
        ..by("x", Any)
    };
    check_order(backend, &[any()], "f h c i b j a d g e").await;
    let chosen = Sort {
        key: case_when(vec![(is_null(x()), literal("0"))], typed("x", Number)),
        ..by("x", Number)
    };
    // Of a kind that is known, everything else counts as null.
    let expected = "a b d e g i j f h c";
    check_order(backend, &[chosen], expected).await;
    let text = Sort {
        key: coalesce(vec![typed("x", Text), literal("\"aa\"")]),
        ..by("-x", Text)
    };
    check_order(backend, &[text], "b f i a c d e g h j").await;
}

async fn a_position_in_a_computed_order(backend: &dyn Backend) {
    let values = ["3", "10", "null", "-2.5", "\"7\"", "3.0", "-"];
    given_x(backend, &values).await;
    let order = ["c", "e", "g", "b", "a", "f", "d"];
    let keys = ["null", "null", "null", "-10", "-3", "-3.0", "2.5"];
    for (at, (id, key)) in order.iter().zip(keys).enumerate() {
        let query = Query {
            seek: Some(Seek {
                keys: vec![json(key)],
                id: (*id).to_owned(),
            }),
            ..sorted(&[negative()])
        };
        assert_eq!(
            ids(backend, &query).await,
            order[at + 1..].join(" "),
            "{id}"
        );
        let before: Vec<&str> = order[..at].iter().rev().copied().collect();
        let found = ids(backend, &query.reversed()).await;
        assert_eq!(found, before.join(" "), "{id} reversed");
    }
    // A position in an order by a value of any kind.
    let any = Sort {
        key: coalesce(vec![x(), field("y")]),
        ..by("x", Any)
    };
    let query = Query {
        seek: Some(Seek {
            keys: vec![Value::Int(3)],
            id: "a".to_owned(),
        }),
        ..sorted(&[any])
    };
    assert_eq!(ids(backend, &query).await, "f b e");
}
