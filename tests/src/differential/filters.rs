//! Random filters: every operator, over declared, undeclared and missing places.

use den_backend::{CompareOp, Expr, Field, FieldKind, FieldPath, Pattern, Root, TextOp, Value};
use proptest::{collection, prelude::*, sample::select};

use super::{
    computed::computed,
    documents::{DECLARED, LINKED, THINGS},
    values,
};

/// Places that are not declared, or lie inside of something declared.
const OTHERS: &[&[&str]] = &[
    &["any"],
    &["free"],
    &["count"],
    &["items"],
    &["map"],
    &["kind"],
    &["rank"],
    &["nested"],
    &["nested", "deep"],
    &["nested", "other"],
    &["nested", "other", "x"],
    &["tags", "0"],
    &["tags", "1"],
    &["tags", "0", "x"],
    &["items", "0"],
    &["items", "0", "x"],
    &["items", "1", "y"],
    &["any", "x"],
    &["any", "0"],
    &["any", "01"],
    &["any", "-1"],
    &["any", "a.b"],
    &["map", "x"],
    &["map", "a.b"],
    &["map", "\""],
    &["map", "\\"],
    &["map", "0"],
    &["map", "$.x"],
    &["map", "{x,y}"],
    &["map", "k", "x"],
    &["text", "0"],
    &["text", "x"],
    &["na-me"],
    &["01"],
    &["-1"],
    &["'"],
    &["[0]"],
    &["NULL"],
    &["_id"],
    &["_rev"],
    &["nope"],
    &["nope", "x"],
];

const BELOW_ELEMENT: &[&[&str]] = &[
    &[],
    &[],
    &["x"],
    &["y"],
    &["k"],
    &["0"],
    &["a.b"],
    &["x", "y"],
    &["\\"],
    &["nope"],
];

const TEXTS: &[&[&str]] = &[
    &["text"],
    &["nested", "city"],
    &["kind"],
    &["free"],
    &["a.b"],
    &["\""],
    &["0"],
    &["_id"],
];

const NUMBERS: &[&[&str]] = &[
    &["number"],
    &["nested", "deep", "n"],
    &["rank"],
    &["count"],
    &["US Gross"],
    &["\\"],
];

const ARRAYS: &[&[&str]] = &[&["tags"], &["items"], &["nested", "list"]];

const KINDS: &[FieldKind] = &[
    FieldKind::Any,
    FieldKind::Text,
    FieldKind::Number,
    FieldKind::Bool,
    FieldKind::Array,
    FieldKind::Object,
];

const PATTERNS: &[&str] = &[
    "a",
    "^a",
    "b$",
    "^a.b$",
    ".",
    "^$",
    "",
    "[ab]+",
    "^[^a]",
    "(a|b)c?",
    "a{1,2}b",
    r"\d",
    r"^\d+$",
    r"\w",
    r"^\W*$",
    r"\s",
    r"\\",
    "%",
    "_",
    "é",
    "(?i)AB",
    "(?i)é",
    "(?i)k",
    "(?i)s",
    r"\p{Lu}",
    r"^\P{L}+$",
    "(?s)a.b",
    "a|",
    "x*",
    "^(?:a|ab)(?:c|b)?$",
    "[日-本]",
    "[^\\x00-\\x7F]",
    "😀",
    "a.*?b",
    "ab??",
];

/// A filter of at most this depth.
pub(super) fn filter(depth: u32) -> BoxedStrategy<Expr> {
    prop_oneof![
        1 => Just(Expr::always()),
        12 => predicate(Root::Document, depth),
    ]
    .boxed()
}

/// A place in the document, mostly with the kind it is declared with.
pub(super) fn place() -> BoxedStrategy<Field> {
    let declared = (select(DECLARED), kind_or_any()).prop_map(|((path, declared), kind)| {
        Field::document(segments(path), kind.unwrap_or(declared))
    });
    let other = (select(OTHERS), kind_or_any())
        .prop_map(|(path, kind)| Field::document(segments(path), kind.unwrap_or(FieldKind::Any)));
    prop_oneof![declared, other].boxed()
}

/// None for the declared kind.
fn kind_or_any() -> BoxedStrategy<Option<FieldKind>> {
    prop_oneof![
        6 => Just(None),
        3 => Just(Some(FieldKind::Any)),
        1 => select(KINDS).prop_map(Some),
    ]
    .boxed()
}

fn segments(path: &[&str]) -> FieldPath {
    FieldPath::from_segments(path.iter().copied()).unwrap_or_default()
}

fn field(root: Root) -> BoxedStrategy<Field> {
    match root {
        Root::Document => place(),
        Root::Element => {
            let inside = (select(BELOW_ELEMENT), select(KINDS)).prop_map(|(path, kind)| Field {
                root: Root::Element,
                path: segments(path),
                kind,
            });
            prop_oneof![6 => inside, 1 => place()].boxed()
        }
    }
}

/// An operand that is mostly a number.
pub(super) fn fitting_number(root: Root) -> BoxedStrategy<Expr> {
    fitting(root, FieldKind::Number)
}

/// An operand that is mostly text.
pub(super) fn fitting_text(root: Root) -> BoxedStrategy<Expr> {
    fitting(root, FieldKind::Text)
}

/// An operand that is mostly a time.
pub(super) fn fitting_time(root: Root) -> BoxedStrategy<Expr> {
    let at = Field::document(segments(&["at"]), FieldKind::Text);
    prop_oneof![4 => Just(Expr::Field(at)), 1 => operand(root)].boxed()
}

/// A predicate over the document in which nothing is computed, and no link is followed.
pub(super) fn predicate_of_document() -> BoxedStrategy<Expr> {
    let leaf = || leaf(Root::Document, Operands::Plain);
    prop_oneof![
        6 => leaf(),
        1 => leaf().prop_map(|it| Expr::Not(Box::new(it))),
        1 => collection::vec(leaf(), 0..3).prop_map(Expr::And),
    ]
    .boxed()
}

/// Whether operands may be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operands {
    Plain,
    Computed,
}

/// An operand of a comparison or test.
fn compared(root: Root, operands: Operands) -> BoxedStrategy<Expr> {
    match operands {
        Operands::Plain => operand(root),
        Operands::Computed => prop_oneof![4 => operand(root), 1 => computed(root, 2)].boxed(),
    }
}

pub(super) fn operand(root: Root) -> BoxedStrategy<Expr> {
    let len = field(root).prop_map(|it| Expr::Len(Box::new(Expr::Field(it))));
    prop_oneof![
        20 => field(root).prop_map(Expr::Field),
        2 => len,
        1 => values::value().prop_map(Expr::Value),
    ]
    .boxed()
}

/// An operand that mostly holds a value of this kind.
fn fitting(root: Root, kind: FieldKind) -> BoxedStrategy<Expr> {
    let places: &'static [&'static [&'static str]] = match kind {
        FieldKind::Text => TEXTS,
        FieldKind::Number => NUMBERS,
        FieldKind::Bool => &[&["flag"]],
        FieldKind::Array => ARRAYS,
        FieldKind::Object => &[&["map"], &["nested"], &["items", "0"], &["nested", "deep"]],
        FieldKind::Any => &[&["any"]],
    };
    let inside: &'static [&'static [&'static str]] = match kind {
        FieldKind::Array | FieldKind::Object => &[&[]],
        FieldKind::Text | FieldKind::Number | FieldKind::Bool | FieldKind::Any => {
            &[&[], &[], &["x"], &["y"]]
        }
    };
    let path = match root {
        Root::Document => select(places),
        Root::Element => select(inside),
    };
    let fits = (path, prop::bool::weighted(0.7)).prop_map(move |(path, is_declared)| {
        Expr::Field(Field {
            root,
            path: segments(path),
            kind: if is_declared { kind } else { FieldKind::Any },
        })
    });
    prop_oneof![3 => fits, 1 => operand(root)].boxed()
}

fn predicate(root: Root, depth: u32) -> BoxedStrategy<Expr> {
    if depth == 0 {
        return leaf(root, Operands::Computed);
    }
    let inner = predicate(root, depth - 1);
    let element = predicate(Root::Element, depth - 1);
    let linked = predicate(Root::Document, depth - 1);
    let arrays = || fitting(root, FieldKind::Array);
    prop_oneof![
        3 => (link(root), select(&[THINGS, LINKED][..]), linked).prop_map(
            |(operand, collection, predicate)| Expr::Linked {
                operand: Box::new(operand),
                collection: collection.to_owned(),
                predicate: Box::new(predicate),
            }
        ),
        8 => leaf(root, Operands::Computed),
        2 => collection::vec(inner.clone(), 0..4).prop_map(Expr::And),
        2 => collection::vec(inner.clone(), 0..4).prop_map(Expr::Or),
        2 => inner.prop_map(|it| Expr::Not(Box::new(it))),
        2 => (arrays(), element.clone()).prop_map(|(array, predicate)| Expr::AnyElement {
            array: Box::new(array),
            predicate: Box::new(predicate),
        }),
        1 => (arrays(), element).prop_map(|(array, predicate)| Expr::AllElements {
            array: Box::new(array),
            predicate: Box::new(predicate),
        }),
    ]
    .boxed()
}

/// An operand that is the id of a document now and then.
fn link(root: Root) -> BoxedStrategy<Expr> {
    let own = FieldPath::from_segments(["_id"]).unwrap();
    prop_oneof![
        6 => fitting(root, FieldKind::Text),
        3 => Just(Expr::Field(Field::document(own, FieldKind::Text))),
        1 => values::text().prop_map(|it| Expr::Value(Value::Text(it))),
    ]
    .boxed()
}

fn leaf(root: Root, operands: Operands) -> BoxedStrategy<Expr> {
    let boxed = || compared(root, operands).prop_map(Box::new);
    let boxed_of = |kind| fitting(root, kind).prop_map(Box::new);
    prop_oneof![
        1 => any::<bool>().prop_map(|it| Expr::Value(Value::Bool(it))),
        8 => compare_literal(root, operands),
        2 => compare_fields(root, operands),
        3 => sets(root, operands),
        2 => boxed().prop_map(Expr::IsNull),
        2 => field(root).prop_map(Expr::Exists),
        4 => text_test(root, operands),
        2 => (boxed_of(FieldKind::Text), select(PATTERNS)).prop_map(|(operand, pattern)| {
            Expr::Matches {
                operand,
                pattern: Pattern::parse(pattern).unwrap(),
            }
        }),
        3 => (boxed_of(FieldKind::Array), values::value())
            .prop_map(|(array, value)| Expr::Contains { array, value }),
        1 => boxed_of(FieldKind::Array).prop_map(Expr::IsEmpty),
        1 => (boxed_of(FieldKind::Object), values::key())
            .prop_map(|(object, key)| Expr::HasKey { object, key }),
    ]
    .boxed()
}

fn compare_literal(root: Root, operands: Operands) -> BoxedStrategy<Expr> {
    let equal = (compared(root, operands), values::present())
        .prop_map(|(left, right)| (CompareOp::Eq, left, Expr::Value(right)));
    let ordered = (ordering(), compared(root, operands), values::scalar())
        .prop_map(|(op, left, right)| (op, left, Expr::Value(right)));
    let op = || prop_oneof![Just(CompareOp::Eq), ordering()];
    let texts = (op(), fitting(root, FieldKind::Text), values::text())
        .prop_map(|(op, left, right)| (op, left, Expr::Value(right.into())));
    let numbers = (op(), fitting(root, FieldKind::Number), values::number())
        .prop_map(|(op, left, right)| (op, left, Expr::Value(right)));
    let bools = (op(), fitting(root, FieldKind::Bool), any::<bool>())
        .prop_map(|(op, left, right)| (op, left, Expr::Value(right.into())));
    let pair = prop_oneof![2 => equal, 2 => ordered, 4 => texts, 4 => numbers, 1 => bools];
    // `check` refuses a literal null and an order of literal arrays, wherever they stand.
    let is_sound = |(op, left, _): &(CompareOp, Expr, Expr)| {
        let Expr::Value(literal) = left else {
            return true;
        };
        let has_order = !matches!(literal, Value::Array(_) | Value::Object(_));
        !literal.is_null() && (has_order || *op == CompareOp::Eq)
    };
    (
        pair.prop_filter("an order of no values", is_sound),
        prop::bool::weighted(0.1),
    )
        .prop_map(|((op, left, right), turned)| match turned {
            true => Expr::compare(op, right, left),
            false => Expr::compare(op, left, right),
        })
        .boxed()
}

fn compare_fields(root: Root, operands: Operands) -> BoxedStrategy<Expr> {
    let op = prop_oneof![Just(CompareOp::Eq), ordering()];
    let side = || {
        prop_oneof![
            6 => compared(root, operands).prop_filter("a literal", |it| !matches!(it, Expr::Value(_))),
            1 => field(root).prop_map(|it| Expr::Len(Box::new(Expr::Field(it)))),
        ]
    };
    (op, side(), side())
        .prop_map(|(op, left, right)| Expr::compare(op, left, right))
        .boxed()
}

fn ordering() -> impl Strategy<Value = CompareOp> + Clone {
    select(&[CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge][..])
}

fn sets(root: Root, operands: Operands) -> BoxedStrategy<Expr> {
    let text = || values::text().prop_map(Value::Text).boxed();
    let of = |kind, values: BoxedStrategy<Value>, length| {
        (
            fitting(root, kind).prop_map(Box::new),
            collection::vec(values, length),
        )
            .prop_map(|(operand, values)| Expr::In { operand, values })
            .boxed()
    };
    prop_oneof![
        1 => (compared(root, operands).prop_map(Box::new), collection::vec(values::present(), 0..5))
            .prop_map(|(operand, values)| Expr::In { operand, values }),
        4 => of(FieldKind::Any, values::present(), 0..5),
        3 => of(FieldKind::Text, text(), 0..6),
        3 => of(FieldKind::Number, values::number(), 0..6),
        1 => of(FieldKind::Number, values::scalar(), 30..70),
        1 => of(FieldKind::Text, values::scalar(), 30..70),
    ]
    .boxed()
}

fn text_test(root: Root, operands: Operands) -> BoxedStrategy<Expr> {
    let ops = [
        TextOp::Equals,
        TextOp::StartsWith,
        TextOp::EndsWith,
        TextOp::Contains,
    ];
    let texts = prop_oneof![
        3 => fitting(root, FieldKind::Text),
        1 => compared(root, operands),
    ];
    let parts = (select(ops.to_vec()), any::<bool>(), texts, values::text());
    parts
        .prop_map(|(op, ignore_case, operand, needle)| Expr::Text {
            op,
            ignore_case,
            operand: Box::new(operand),
            needle,
        })
        .boxed()
}
