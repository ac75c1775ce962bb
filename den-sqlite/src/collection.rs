//! What is known of one collection: where its fields lie, and the text of its statements.

use std::{
    borrow::Cow,
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use den_backend::{
    ConstraintMeta, ConstraintRule, Expectation, IndexKind, IndexMeta, RecordedIndex,
};
use den_sql::{ExpectationKind, Layout, SQLITE, constraint::backing_index};

use crate::{
    connection::BRIEF,
    error::{Place, Unique},
};

/// So many ids are bound one by one; more go as one JSON array.
pub(crate) const MAX_BOUND_IDS: usize = 128;

/// So many slow statements are remembered for each collection.
const SHAPES: usize = 1000;

/// One collection as the database has it.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) layout: Layout,
    uniques: Vec<Unique>,
    constraints: Vec<ConstraintMeta>,
    get: OnceLock<String>,
    state_of: OnceLock<String>,
    put: [OnceLock<String>; 5],
    delete: [OnceLock<String>; 5],
    slow: Mutex<HashSet<Shape>>,
}

/// A statement whose time is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shape(u64);

impl Collection {
    /// A collection whose indexes and constraints are these, and these unique indexes of another program.
    pub(crate) fn new(
        layout: Layout,
        indexes: &[IndexMeta],
        foreign: Vec<RecordedIndex>,
        constraints: Vec<ConstraintMeta>,
    ) -> Self {
        let mut uniques: Vec<Unique> = indexes
            .iter()
            .filter(|it| it.kind == IndexKind::Unique)
            .map(|it| unique(&layout, it, ConstraintRule::Unique))
            .collect();
        // The predecessor's are over expressions.
        uniques.extend(foreign.into_iter().map(|it| Unique {
            called: quoted(&it.name),
            name: it.name,
            fields: it.fields,
            rule: ConstraintRule::Unique,
        }));
        for constraint in &constraints {
            let rule = constraint.kind.rule();
            uniques.extend(backing_index(constraint).map(|it| unique(&layout, &it, rule)));
        }
        Self {
            layout,
            uniques,
            constraints,
            get: OnceLock::new(),
            state_of: OnceLock::new(),
            put: Default::default(),
            delete: Default::default(),
            slow: Mutex::default(),
        }
    }

    /// The name, which is that of the table.
    pub(crate) fn name(&self) -> &str {
        &self.layout.collection
    }

    /// Where an error about this collection, or one document of it, occurred.
    pub(crate) fn place<'a>(&'a self, id: Option<&'a str>) -> Place<'a> {
        Place {
            collection: Some(self.name()),
            id,
            uniques: &self.uniques,
            constraints: &self.constraints,
            linked: &[],
        }
    }

    /// Whether SQLite calls one of the unique indexes so, or that of the ids.
    pub(crate) fn is_called(&self, called: &str) -> bool {
        called.strip_prefix(self.name()) == Some(".id")
            || self.uniques.iter().any(|it| it.called == called)
    }

    /// Whether a statement of this shape took long the last time.
    pub(crate) fn is_slow(&self, shape: Shape) -> bool {
        self.slow().contains(&shape)
    }

    /// Remembers whether a statement of this shape takes long.
    pub(crate) fn took(&self, shape: Shape, time: Duration) {
        let mut slow = self.slow();
        if time >= BRIEF {
            if slow.len() >= SHAPES {
                slow.clear();
            }
            slow.insert(shape);
        } else if time < BRIEF / 2 && !slow.is_empty() {
            slow.remove(&shape);
        }
    }

    fn slow(&self) -> MutexGuard<'_, HashSet<Shape>> {
        // Held for a look only.
        self.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self) -> &str {
        self.get.get_or_init(|| den_sql::get(SQLITE, self.name()))
    }

    pub(crate) fn get_many(&self, ids: usize) -> String {
        den_sql::get_many(SQLITE, self.name(), ids)
    }

    pub(crate) fn state_of(&self) -> &str {
        self.state_of
            .get_or_init(|| den_sql::state_of(SQLITE, self.name()))
    }

    pub(crate) fn put(&self, expect: ExpectationKind) -> &str {
        self.put[slot(expect)].get_or_init(|| den_sql::put(SQLITE, self.name(), expect))
    }

    pub(crate) fn delete(&self, expect: ExpectationKind) -> &str {
        self.delete[slot(expect)].get_or_init(|| den_sql::delete(SQLITE, self.name(), expect))
    }
}

impl Shape {
    /// The shape of a statement, from its text and the order of magnitude of its limit.
    pub(crate) fn new(sql: &str, limit: Option<u64>) -> Self {
        let mut hasher = DefaultHasher::new();
        sql.hash(&mut hasher);
        limit.map(u64::leading_zeros).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// What of an expectation decides the text of a statement.
pub(crate) fn kind_of(expect: Expectation<'_>) -> ExpectationKind {
    match expect {
        Expectation::Any => ExpectationKind::Any,
        Expectation::Absent => ExpectationKind::Absent,
        Expectation::Present => ExpectationKind::Present,
        Expectation::Live => ExpectationKind::Live,
        Expectation::Revision(_) => ExpectationKind::Revision,
    }
}

/// The number of ids to bind for `count` of them, so that few texts serve all; 0 stands for one
/// JSON array.
pub(crate) fn padded(count: usize) -> usize {
    if count > MAX_BOUND_IDS {
        return 0;
    }
    count.next_power_of_two()
}

fn slot(expect: ExpectationKind) -> usize {
    match expect {
        ExpectationKind::Any => 0,
        ExpectationKind::Absent => 1,
        ExpectationKind::Present => 2,
        ExpectationKind::Live => 3,
        ExpectationKind::Revision => 4,
    }
}

fn unique(layout: &Layout, index: &IndexMeta, rule: ConstraintRule) -> Unique {
    let called = if index.filter.is_always() {
        columns_of(layout, index)
    } else {
        quoted(&index.name)
    };
    Unique {
        name: index.name.clone(),
        fields: index
            .fields
            .iter()
            .map(|(field, _)| field.path.to_string())
            .collect(),
        called,
        rule,
    }
}

/// What SQLite calls an index with an expression among its keys.
fn quoted(index: &str) -> String {
    ["index '", &index.replace('\'', "''"), "'"].concat()
}

fn columns_of(layout: &Layout, index: &IndexMeta) -> String {
    let columns: Vec<String> = index
        .fields
        .iter()
        .map(|(field, _)| {
            let column = if field.path.is_id() {
                Cow::Borrowed("id")
            } else {
                Cow::Owned(den_sql::column_name(&field.path, field.kind))
            };
            [&layout.collection, ".", &column].concat()
        })
        .collect();
    columns.join(", ")
}
