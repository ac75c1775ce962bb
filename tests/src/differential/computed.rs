//! Random computed values: arithmetic, choices and every function, over fitting places and others.

use std::{cell::RefCell, collections::HashMap};

use den_backend::{
    ArithmeticOp, Capabilities, Expr, Function, Query, Root, Select, TimeUnit, Value,
};
use proptest::{collection, prelude::*, sample::select};

use super::{
    filters::{fitting_number, fitting_text, fitting_time, operand, predicate_of_document},
    values,
};

/// A strategy, made once in each thread: they are made of each other many times over.
fn once(
    name: &'static str,
    root: Root,
    depth: u32,
    make: impl FnOnce() -> BoxedStrategy<Expr>,
) -> BoxedStrategy<Expr> {
    type Made = HashMap<(&'static str, Root, u32), BoxedStrategy<Expr>>;
    thread_local! {
        static MADE: RefCell<Made> = RefCell::default();
    }
    let found = MADE.with_borrow(|it| it.get(&(name, root, depth)).cloned());
    found.unwrap_or_else(|| {
        let made = make();
        MADE.with_borrow_mut(|it| it.insert((name, root, depth), made.clone()));
        made
    })
}

/// A computed value that a query may hold: of at most this depth, in place of an operand.
pub(super) fn computed(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    once("computed", root, depth, || {
        any_value(root, depth)
            .prop_filter("nothing is computed", |it| !is_plain(it))
            .prop_filter("a constant that cannot be computed", is_sound)
            .boxed()
    })
}

/// What may be selected, or be a key of a group: computed or not, a bool too.
pub(super) fn selected(depth: u32) -> BoxedStrategy<Expr> {
    let root = Root::Document;
    prop_oneof![
        4 => operand(root),
        6 => any_value(root, depth),
        1 => predicate_of_document(),
    ]
    .prop_filter("a constant that cannot be computed", is_sound)
    .boxed()
}

fn is_plain(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(_) | Expr::Field(_) | Expr::Len(_))
}

/// Whether a query with it passes the checks: one with a failing constant does not.
fn is_sound(expr: &Expr) -> bool {
    let query = Query {
        select: Select::Values(vec![expr.clone()]),
        unwind: None,
        ..Query::new("things")
    };
    query.check(Capabilities::all()).is_ok()
}

fn any_value(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    once("any_value", root, depth, || make_any_value(root, depth))
}

fn make_any_value(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    if depth == 0 {
        return leaf(root);
    }
    prop_oneof![
        5 => number(root, depth),
        4 => text(root, depth),
        1 => time(root, depth),
        2 => chosen(root, depth),
        1 => leaf(root),
    ]
    .boxed()
}

fn leaf(root: Root) -> BoxedStrategy<Expr> {
    once("leaf", root, 0, || make_leaf(root))
}

fn make_leaf(root: Root) -> BoxedStrategy<Expr> {
    prop_oneof![6 => operand(root), 1 => values::value().prop_map(Expr::Value)].boxed()
}

/// What is mostly a number.
fn number(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    once("number", root, depth, || make_number(root, depth))
}

fn make_number(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    if depth == 0 {
        return prop_oneof![
            6 => fitting_number(root),
            3 => small_number().prop_map(Expr::Value),
            1 => values::number().prop_map(Expr::Value),
            1 => leaf(root),
        ]
        .boxed();
    }
    let inner = || number(root, depth - 1);
    prop_oneof![
        1 => number(root, 0),
        6 => (operator(), inner(), inner()).prop_map(|(op, left, right)| Expr::Arithmetic {
            op,
            left: Box::new(left),
            right: Box::new(right),
        }),
        1 => inner().prop_map(|it| call(Function::Abs, vec![it])),
        2 => (0..6_u8, inner()).prop_map(|(digits, it)| call(Function::Round { digits }, vec![it])),
        1 => collection::vec(inner(), 1..4).prop_map(|all| call(Function::Least, all)),
        1 => collection::vec(inner(), 1..4).prop_map(|all| call(Function::Greatest, all)),
        1 => text(root, depth - 1).prop_map(|it| call(Function::Length, vec![it])),
        1 => (time(root, depth - 1), time(root, depth - 1))
            .prop_map(|(to, from)| call(Function::SecondsBetween, vec![to, from])),
        1 => any_value(root, depth - 1),
    ]
    .boxed()
}

/// What is mostly text.
fn text(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    once("text", root, depth, || make_text(root, depth))
}

fn make_text(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    if depth == 0 {
        return prop_oneof![
            6 => fitting_text(root),
            2 => values::text().prop_map(|it| Expr::Value(Value::Text(it))),
            1 => leaf(root),
        ]
        .boxed();
    }
    let inner = || text(root, depth - 1);
    let length = prop::option::of(0..4_u32);
    prop_oneof![
        1 => text(root, 0),
        2 => (select(&[Function::Lower, Function::Upper, Function::Trim][..]), inner())
            .prop_map(|(function, it)| call(function, vec![it])),
        2 => (0..4_u32, length, inner())
            .prop_map(|(start, length, it)| call(Function::Substr { start, length }, vec![it])),
        2 => collection::vec(inner(), 1..4).prop_map(|all| call(Function::Concat, all)),
        2 => collection::vec(inner(), 3..=3).prop_map(|all| call(Function::Replace, all)),
        1 => any_value(root, depth - 1).prop_map(|it| call(Function::TypeName, vec![it])),
        1 => any_value(root, depth - 1),
    ]
    .boxed()
}

/// What is mostly a time.
fn time(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    once("time", root, depth, || make_time(root, depth))
}

fn make_time(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    if depth == 0 {
        return prop_oneof![
            4 => fitting_time(root),
            2 => values::time().prop_map(|it| Expr::Value(Value::Text(it))),
            1 => leaf(root),
        ]
        .boxed();
    }
    let unit = select(
        &[
            TimeUnit::Minute,
            TimeUnit::Hour,
            TimeUnit::Day,
            TimeUnit::Week,
            TimeUnit::Month,
            TimeUnit::Year,
        ][..],
    );
    let inner = time(root, depth - 1);
    (unit, inner)
        .prop_map(|(unit, it)| call(Function::Truncate(unit), vec![it]))
        .boxed()
}

/// One of several values.
fn chosen(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    once("chosen", root, depth, || make_chosen(root, depth))
}

fn make_chosen(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    let inner = || any_value(root, depth - 1);
    let branches = collection::vec((predicate_of_document(), inner()), 1..3);
    prop_oneof![
        1 => (branches, inner()).prop_map(|(branches, otherwise)| Expr::Case {
            branches,
            otherwise: Box::new(otherwise),
        }),
        1 => collection::vec(inner(), 1..4).prop_map(Expr::Coalesce),
    ]
    .boxed()
}

/// Numbers that can be multiplied a few times.
fn small_number() -> BoxedStrategy<Value> {
    prop_oneof![
        (-3..20_i64).prop_map(Value::Int),
        select(&[0.5, -0.25, 1.0, 2.5, 0.1, 100.0, 1e-3][..]).prop_map(Value::Float),
    ]
    .boxed()
}

fn operator() -> impl Strategy<Value = ArithmeticOp> + Clone {
    select(
        &[
            ArithmeticOp::Add,
            ArithmeticOp::Sub,
            ArithmeticOp::Mul,
            ArithmeticOp::Div,
        ][..],
    )
}

fn call(function: Function, arguments: Vec<Expr>) -> Expr {
    Expr::Call {
        function,
        arguments,
    }
}
