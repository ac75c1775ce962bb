//! Random queries, and what is asked of each.

use den_backend::{
    Capabilities, Direction, Expr, FieldKind, Nulls, Patch, Query, Returning, Root, Seek, Select,
    Sort, Value,
};
use proptest::{collection, prelude::*};

use super::{
    computed::{computed, selected},
    documents::THINGS,
    filters::{filter, place},
    groups::{Groups, groups},
    patches::patch,
    values,
};

/// A query, and what is asked beside its rows, their count, and whether there are any.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) query: Query,
    /// Also walk it forwards and back in pages of this size.
    pub(super) page: Option<u64>,
    /// Also delete its rows, and take that back.
    pub(super) delete: bool,
    /// Also change its rows, and take that back.
    pub(super) patch: Option<Patch>,
    /// Which of the changed rows to return.
    pub(super) returning: Returning,
    /// Also group documents.
    pub(super) groups: Option<Groups>,
}

/// A place between rows, before the order it belongs to is known.
#[derive(Debug, Clone)]
struct Position {
    keys: Vec<Candidates>,
    id: String,
}

/// A key of each kind.
#[derive(Debug, Clone)]
struct Candidates {
    text: String,
    number: Value,
    flag: bool,
    any: Value,
    is_null: bool,
}

/// Cases over a collection whose name is filled in later.
pub(super) fn case() -> BoxedStrategy<Case> {
    let id_direction = direction();
    let order = (collection::vec(sort(), 0..4), id_direction);
    let window = prop_oneof![
        4 => Just((None, 0, None)),
        3 => (limit(), skip()).prop_map(|(limit, skip)| (limit, skip, None)),
        2 => (limit(), position()).prop_map(|(limit, it)| (limit, 0, Some(it))),
    ];
    let asked = (
        prop::option::weighted(0.2, 1..8_u64),
        prop::bool::weighted(0.3),
        prop::option::weighted(0.4, patch()),
        prop_oneof![
            Just(Returning::Nothing),
            Just(Returning::New),
            Just(Returning::Old)
        ],
        prop::option::weighted(0.4, groups()),
    );
    let distinct_by = prop_oneof![
        5 => Just(Vec::new()),
        1 => collection::vec(selected(1), 1..3),
    ];
    (filter(3), order, window, (select(), distinct_by), asked)
        .prop_map(
            |(filter, (mut sort, id_direction), (limit, skip, position), selected, asked)| {
                // Behind the id no key can matter, but for a row that changed since a position was
                // taken from it; the engines leave such keys out.
                if position.is_some() {
                    let by_id = sort.iter().position(is_by_id);
                    sort.truncate(by_id.map_or(sort.len(), |at| at + 1));
                }
                let seek = position.map(|it: Position| it.fit(&sort));
                Case {
                    query: Query {
                        filter,
                        sort,
                        id_direction,
                        seek,
                        skip,
                        limit,
                        select: selected.0,
                        distinct_by: selected.1,
                        ..Query::new(THINGS)
                    },
                    page: asked.0,
                    delete: asked.1,
                    patch: asked.2,
                    returning: asked.3,
                    groups: asked.4,
                }
            },
        )
        .prop_filter("it makes no sense", |it| {
            let all = Capabilities::all();
            let is_sound = |patch: &Patch| patch.check(all).is_ok();
            it.query.check(all).is_ok() && it.patch.as_ref().is_none_or(is_sound)
        })
        .boxed()
}

fn direction() -> BoxedStrategy<Direction> {
    prop_oneof![Just(Direction::Asc), Just(Direction::Desc)].boxed()
}

fn sort() -> BoxedStrategy<Sort> {
    let nulls = prop_oneof![
        4 => Just(None),
        1 => Just(Some(Nulls::First)),
        1 => Just(Some(Nulls::Last)),
    ];
    let key = prop_oneof![
        5 => place().prop_map(Expr::Field),
        1 => computed(Root::Document, 2),
    ];
    (key, direction(), nulls)
        .prop_map(|(key, direction, nulls)| Sort {
            key,
            direction,
            nulls: nulls.unwrap_or(direction.default_nulls()),
        })
        .boxed()
}

fn limit() -> BoxedStrategy<Option<u64>> {
    prop_oneof![
        2 => Just(None),
        6 => (1..10_u64).prop_map(Some),
        1 => Just(Some(0)),
        1 => prop_oneof![Just(u64::MAX), Just(1 << 63), Just(1 << 40)].prop_map(Some),
    ]
    .boxed()
}

fn skip() -> BoxedStrategy<u64> {
    prop_oneof![
        4 => Just(0),
        4 => 1..6_u64,
        1 => prop_oneof![Just(u64::MAX), Just(1 << 63), Just(1 << 40)],
    ]
    .boxed()
}

fn select() -> BoxedStrategy<Select> {
    prop_oneof![
        4 => Just(Select::Document),
        2 => Just(Select::Id),
        2 => place().prop_map(|it| Select::Value(it.path)),
        4 => collection::vec(selected(3), 1..4).prop_map(Select::Values),
    ]
    .boxed()
}

fn position() -> BoxedStrategy<Position> {
    let candidates = (
        values::text(),
        values::number(),
        any::<bool>(),
        values::value(),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(text, number, flag, any, is_null)| Candidates {
            text,
            number,
            flag,
            any,
            is_null,
        });
    (collection::vec(candidates, 3..=3), values::text())
        .prop_map(|(keys, id)| Position { keys, id })
        .boxed()
}

fn is_by_id(sort: &Sort) -> bool {
    sort.is_id() && matches!(sort.kind(), FieldKind::Text | FieldKind::Any)
}

impl Position {
    fn fit(self, sort: &[Sort]) -> Seek {
        Seek {
            keys: sort
                .iter()
                .zip(self.keys)
                .map(|(sort, it)| it.fit(sort, &self.id))
                .collect(),
            id: self.id,
        }
    }
}

impl Candidates {
    fn fit(self, sort: &Sort, id: &str) -> Value {
        // The id as a key is the id of the row, and never null.
        if is_by_id(sort) {
            return Value::from(id);
        }
        if self.is_null || sort.is_id() {
            return Value::Null;
        }
        match sort.kind() {
            FieldKind::Text => Value::Text(self.text),
            FieldKind::Number => self.number,
            FieldKind::Bool => Value::Bool(self.flag),
            FieldKind::Any => self.any,
            FieldKind::Array | FieldKind::Object => Value::Null,
        }
    }
}
