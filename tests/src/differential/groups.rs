//! Random groupings: keys, aggregates, filters and orders of groups.

use den_backend::{
    Aggregate, AggregateFunction, Capabilities, CompareOp, Direction, Expr, FieldKind, FieldPath,
    Grouping, Query, Root, Sort,
};
use proptest::{collection, prelude::*, sample::select};

use super::{
    computed::selected,
    filters::{filter, operand},
    values,
};

/// What is grouped, and how.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    pub(super) query: Query,
    pub(super) grouping: Grouping,
}

/// What is unwound: mostly an array.
const UNWOUND: &[&[&str]] = &[&["tags"], &["items"], &["nested", "list"], &["any"]];

/// Groupings over a collection whose name is filled in later.
pub(super) fn groups() -> BoxedStrategy<Groups> {
    let unwound = select(UNWOUND);
    let unwind = prop::option::weighted(0.3, unwound);
    let filter = prop_oneof![3 => Just(Expr::always()), 1 => filter(2)];
    (filter, unwind)
        .prop_flat_map(|(filter, unwind)| {
            let root = match unwind {
                Some(_) => Root::Element,
                None => Root::Document,
            };
            let keys = collection::vec(part(root), 0..3);
            let aggregates = collection::vec(aggregate(root), 0..4);
            (Just(filter), Just(unwind), keys, aggregates, after())
        })
        .prop_map(|(filter, unwind, keys, aggregates, after)| {
            let query = Query {
                filter,
                unwind: unwind.map(|it| FieldPath::from_segments(it.iter().copied()).unwrap()),
                ..Query::new("things")
            };
            let grouping = after.of(keys, aggregates);
            Groups { query, grouping }
        })
        .prop_filter("it makes no sense", |it| {
            let checked = it.grouping.check(&it.query, Capabilities::all());
            checked.is_ok()
        })
        .boxed()
}

/// What a key or an operand is made of.
fn part(root: Root) -> BoxedStrategy<Expr> {
    prop_oneof![4 => operand(root), 2 => selected(2)].boxed()
}

fn aggregate(root: Root) -> BoxedStrategy<Aggregate> {
    let functions = [
        AggregateFunction::Count,
        AggregateFunction::CountDistinct,
        AggregateFunction::Sum,
        AggregateFunction::Avg,
        AggregateFunction::Min,
        AggregateFunction::Max,
    ];
    let of_documents = Just(Aggregate {
        function: AggregateFunction::Count,
        operand: None,
    });
    let of_values = (select(functions.to_vec()), part(root)).prop_map(|(function, operand)| {
        let operand = Some(operand);
        Aggregate { function, operand }
    });
    prop_oneof![1 => of_documents, 6 => of_values].boxed()
}

/// What is done with the rows of groups, before it is known how many columns they have.
#[derive(Debug, Clone)]
struct After {
    having: Option<(usize, CompareOp, den_backend::Value)>,
    sort: Vec<(usize, Direction)>,
    skip: u64,
    limit: Option<u64>,
}

fn after() -> BoxedStrategy<After> {
    let op = select(&[CompareOp::Eq, CompareOp::Gt, CompareOp::Le][..]);
    let having = prop::option::weighted(0.3, (0..4_usize, op, values::scalar()));
    let direction = prop_oneof![Just(Direction::Asc), Just(Direction::Desc)];
    let sort = collection::vec((0..4_usize, direction), 0..3);
    let window = (
        prop_oneof![3 => Just(0_u64), 1 => 1..3_u64],
        prop::option::weighted(0.3, 1..5_u64),
    );
    (having, sort, window)
        .prop_map(|(having, sort, (skip, limit))| After {
            having,
            sort,
            skip,
            limit,
        })
        .boxed()
}

impl After {
    fn of(self, keys: Vec<Expr>, aggregates: Vec<Aggregate>) -> Grouping {
        let kinds: Vec<FieldKind> = keys
            .iter()
            .map(Expr::kind)
            .chain(aggregates.iter().map(Aggregate::kind))
            .collect();
        let column = |at: usize| {
            let at = at % kinds.len().max(1);
            let kind = kinds.get(at).copied().unwrap_or(FieldKind::Any);
            Grouping::column(at, kind).unwrap()
        };
        let having = self.having.map_or(Expr::always(), |(at, op, value)| {
            Expr::compare(op, Expr::Field(column(at)), Expr::Value(value))
        });
        let sort = self
            .sort
            .iter()
            .map(|(at, it)| Sort::field(column(*at), *it));
        // Groups whose keys tie in every order come in none, so they cannot be counted off.
        let is_total = is_total(&keys);
        Grouping {
            having,
            sort: sort.collect(),
            skip: if is_total { self.skip } else { 0 },
            limit: self.limit.filter(|_| is_total),
            ..Grouping::new(keys, aggregates)
        }
    }
}

/// Whether no two groups tie in the end: arrays do with arrays, and objects with objects.
pub(super) fn is_total(keys: &[Expr]) -> bool {
    keys.iter().all(|it| match it.kind() {
        FieldKind::Text | FieldKind::Number | FieldKind::Bool => true,
        FieldKind::Array | FieldKind::Object | FieldKind::Any => false,
    })
}
