//! Random writes: every outcome and the state they leave are those of the reference backend.

use std::sync::Arc;

use den_backend::{
    Backend, Change, CollectionMeta, ConflictTarget, Direction, Expectation, Expr, FieldKind,
    FieldMeta, FieldPath, IndexKind, IndexMeta, OnConflict, OnRefusal, Patch, Put, Query,
    ReadWrite, Result, Returning, SavepointId, Transaction, TxOptions, Upsert, UpsertOutcome,
    Value, memory::MemoryBackend,
};
use futures_util::TryStreamExt as _;
use proptest::{collection, prelude::*, sample::select};
use tokio::{runtime::Handle, task};

use super::{
    answers::parse,
    search::{runner, tree},
    shrink::{Budget, shrink},
};
use crate::harness::TestDb;

/// So many sequences make up one test.
const SEQUENCES: u64 = 100;
const NAME: &str = "stock";
const IDS: &[&str] = &["a", "b", "c", "é"];
const KEYS: &[&str] = &[
    "sku",
    "code",
    "a",
    "b",
    "note",
    "slug",
    "slug",
    "_deleted_at",
];
const REVISIONS: &[&str] = &["r1", "r2"];

/// One step; one that makes no sense where it stands (a commit without a transaction) is left out.
#[derive(Debug, Clone)]
enum Step {
    Put(Write),
    PutMany(Vec<Write>, OnRefusal),
    /// Under the id, or under the index with this number among the unique ones, counted round.
    Upsert(Write, Option<usize>, Option<Patch>),
    Delete(&'static str, Expected),
    DeleteMatching(Expr, Option<u64>),
    Update(Expr, Option<u64>, Patch),
    Get(&'static str),
    GetMany(Vec<&'static str>),
    Begin,
    Commit,
    Rollback,
    /// Drops the transaction.
    Abandon,
    Savepoint,
    /// The savepoint with this number among those that are there, counted round.
    Release(usize),
    RollbackTo(usize),
}

#[derive(Debug, Clone)]
struct Write {
    id: &'static str,
    fields: Vec<(&'static str, Value)>,
    expect: Expected,
}

#[derive(Debug, Clone, Copy)]
enum Expected {
    Any,
    Absent,
    Present,
    Live,
    Revision(Option<&'static str>),
}

/// How many tests there are for each target.
pub(super) fn chunks() -> u64 {
    super::search::chunks().div_ceil(2)
}

/// Searches for a sequence with another outcome.
pub(super) fn search(on: &TestDb, chunk: u64) {
    // The trees of proptest stay on one thread, so this is no task.
    task::block_in_place(|| {
        let steps = steps();
        for number in chunk * SEQUENCES..(chunk + 1) * SEQUENCES {
            let mut runner = runner(b'w', number);
            let mut tree = tree(&steps, &mut runner);
            let steps = tree.current();
            if outcomes_differ(on, &steps).is_some() {
                let mut budget = Budget::new();
                let (steps, _) = shrink(&mut *tree, steps, &mut budget, |it| {
                    outcomes_differ(on, it).is_some()
                });
                let difference = outcomes_differ(on, &steps);
                panic!(
                    "{}",
                    difference.unwrap_or_else(|| "it only failed once".to_owned())
                );
            }
        }
    });
}

fn outcomes_differ(on: &TestDb, steps: &[Step]) -> Option<String> {
    Handle::current().block_on(async {
        let reference: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
        let expected = run(&*reference, steps).await;
        let found = run(&*on.backend, steps).await;
        let at = expected.iter().zip(&found).position(|(a, b)| a != b)?;
        Some(format!(
            "step {at} has another outcome\n{steps:#?}\n\nmemory: {}\n\n{}: {}",
            expected[..=at].join("\n"),
            on.target().name(),
            found[..=at].join("\n"),
        ))
    })
}

/// Runs the steps on an empty collection; one line for each, and one for the final state.
async fn run(backend: &dyn Backend, steps: &[Step]) -> Vec<String> {
    backend.drop_collection(NAME).await.unwrap();
    backend.ensure_collection(&meta()).await.unwrap();
    let mut tx: Option<Open> = None;
    let mut lines = Vec::new();
    for step in steps {
        lines.push(take(backend, &mut tx, step).await);
    }
    drop(tx);
    lines.push(text_of(state(backend).await));
    lines
}

/// A transaction with its savepoints, in order.
struct Open {
    transaction: Arc<dyn Transaction>,
    savepoints: Vec<SavepointId>,
}

async fn take(backend: &dyn Backend, tx: &mut Option<Open>, step: &Step) -> String {
    match step {
        Step::Begin if tx.is_none() => {
            let transaction = backend.begin(TxOptions::default()).await.unwrap();
            *tx = Some(Open {
                transaction,
                savepoints: Vec::new(),
            });
            "begun".to_owned()
        }
        Step::Commit => match tx.take() {
            Some(open) => text_of(open.transaction.commit().await),
            None => String::new(),
        },
        Step::Rollback => match tx.take() {
            Some(open) => text_of(open.transaction.rollback().await),
            None => String::new(),
        },
        Step::Abandon => {
            *tx = None;
            String::new()
        }
        Step::Begin => String::new(),
        Step::Savepoint => match tx {
            Some(open) => {
                let id = open.transaction.savepoint().await.unwrap();
                open.savepoints.push(id);
                format!("{id:?}")
            }
            None => String::new(),
        },
        Step::Release(at) | Step::RollbackTo(at) => match tx {
            Some(open) if !open.savepoints.is_empty() => {
                let at = at % open.savepoints.len();
                let id = open.savepoints[at];
                open.savepoints.truncate(at);
                if matches!(step, Step::Release(_)) {
                    text_of(open.transaction.release(id).await)
                } else {
                    text_of(open.transaction.rollback_to(id).await)
                }
            }
            Some(_) | None => String::new(),
        },
        Step::Put(_)
        | Step::PutMany(..)
        | Step::Upsert(..)
        | Step::Delete(..)
        | Step::DeleteMatching(..)
        | Step::Update(..)
        | Step::Get(_)
        | Step::GetMany(_) => match tx {
            Some(open) => access(&*open.transaction, step).await,
            None => access(backend, step).await,
        },
    }
}

async fn access(on: &(impl ReadWrite + ?Sized), step: &Step) -> String {
    match step {
        Step::Put(change) => {
            let body = change.body();
            text_of(on.put(NAME, change.put(&body)).await)
        }
        Step::PutMany(changes, on_refusal) => {
            let bodies: Vec<Vec<u8>> = changes.iter().map(Write::body).collect();
            let puts: Vec<Put<'_>> = changes
                .iter()
                .zip(&bodies)
                .map(|(it, body)| it.put(body))
                .collect();
            text_of(on.put_many(NAME, &puts, *on_refusal).await)
        }
        Step::Upsert(change, target, patch) => {
            let body = change.body();
            let indexes = meta().indexes;
            let uniques: Vec<&IndexMeta> = indexes
                .iter()
                .filter(|it| it.kind == IndexKind::Unique)
                .collect();
            let upsert = Upsert {
                id: change.id,
                body: &body,
                target: match target {
                    Some(at) => ConflictTarget::Index(uniques[at % uniques.len()]),
                    None => ConflictTarget::Id,
                },
                on_conflict: match patch {
                    Some(patch) => OnConflict::Change(patch),
                    None => OnConflict::Nothing,
                },
            };
            match on.upsert(NAME, &upsert).await {
                Ok(UpsertOutcome::Changed(row)) => text_of(parse(&row.body)),
                Ok(outcome) => format!("{outcome:?}"),
                // Of several values that are taken, an engine may name any.
                Err(error) => format!("{:?}", error.kind()),
            }
        }
        Step::Delete(id, expect) => text_of(on.delete(NAME, id, expect.to_contract()).await),
        Step::DeleteMatching(filter, limit) => {
            let query = Query {
                filter: filter.clone(),
                limit: *limit,
                ..Query::new(NAME)
            };
            text_of(on.delete_matching(&query).await)
        }
        Step::Update(filter, limit, patch) => {
            let query = Query {
                filter: filter.clone(),
                limit: *limit,
                ..Query::new(NAME)
            };
            // Of several values that are taken, an engine may name any.
            match on.update(&query, patch, Returning::Nothing).await {
                Ok(updated) => format!("{} updated", updated.count),
                Err(error) => format!("{:?}", error.kind()),
            }
        }
        Step::Get(id) => {
            let found = on.get(NAME, id).await.unwrap();
            text_of(found.map(|it| parse(&it.body)).transpose())
        }
        Step::GetMany(ids) => {
            let mut found = on.get_many(NAME, ids).await.unwrap();
            found.sort_by(|a, b| a.id.cmp(&b.id));
            let bodies: Result<Vec<Value>> = found.iter().map(|it| parse(&it.body)).collect();
            text_of(bodies)
        }
        Step::Begin
        | Step::Commit
        | Step::Rollback
        | Step::Abandon
        | Step::Savepoint
        | Step::Release(_)
        | Step::RollbackTo(_) => String::new(),
    }
}

/// The documents, by id.
async fn state(backend: &dyn Backend) -> Result<Vec<Value>> {
    let rows: Vec<_> = backend
        .query(&Query::new(NAME))
        .await?
        .try_collect()
        .await?;
    rows.iter().map(|it| parse(&it.body)).collect()
}

/// What was answered, an error by its kind and what it says of the constraint.
fn text_of<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    match outcome {
        Ok(value) => format!("{value:?}"),
        Err(error) => {
            let constraint = error
                .constraint()
                .map(|it| (it.name().to_owned(), it.fields().to_vec()));
            format!("{:?} {constraint:?}", error.kind())
        }
    }
}

impl Write {
    fn body(&self) -> Vec<u8> {
        let fields = self.fields.iter().cloned();
        let id = ("_id", Value::from(self.id));
        let all = fields.chain([id]).map(|(key, it)| (key.to_owned(), it));
        Value::Object(all.collect()).to_string().into_bytes()
    }

    fn put<'a>(&'a self, body: &'a [u8]) -> Put<'a> {
        Put {
            id: self.id,
            body,
            expect: self.expect.to_contract(),
        }
    }
}

impl Expected {
    fn to_contract(self) -> Expectation<'static> {
        match self {
            Self::Any => Expectation::Any,
            Self::Absent => Expectation::Absent,
            Self::Present => Expectation::Present,
            Self::Live => Expectation::Live,
            Self::Revision(rev) => Expectation::Revision(rev),
        }
    }
}

fn steps() -> BoxedStrategy<Vec<Step>> {
    let on_refusal = select(&[OnRefusal::Abort, OnRefusal::Skip][..]);
    let step = prop_oneof![
        8 => write().prop_map(Step::Put),
        3 => (collection::vec(write(), 0..4), on_refusal)
            .prop_map(|(all, it)| Step::PutMany(distinct(all), it)),
        4 => (write(), prop::option::of(0..4_usize), prop::option::of(patch()))
            .prop_map(|(write, target, patch)| Step::Upsert(write, target, patch)),
        3 => (select(IDS), expected()).prop_map(|(id, expect)| Step::Delete(id, expect)),
        1 => (filter(), prop::option::of(0..3_u64))
            .prop_map(|(filter, limit)| Step::DeleteMatching(filter, limit)),
        4 => (filter(), prop::option::of(0..3_u64), patch())
            .prop_map(|(filter, limit, patch)| Step::Update(filter, limit, patch)),
        1 => select(IDS).prop_map(Step::Get),
        1 => collection::vec(select(IDS), 0..4).prop_map(Step::GetMany),
        3 => Just(Step::Begin),
        2 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        1 => Just(Step::Abandon),
        2 => Just(Step::Savepoint),
        1 => (0..3_usize).prop_map(Step::Release),
        2 => (0..3_usize).prop_map(Step::RollbackTo),
    ];
    collection::vec(step, 1..30).boxed()
}

/// The contract is given distinct ids.
fn distinct(mut all: Vec<Write>) -> Vec<Write> {
    let mut seen = Vec::new();
    all.retain(|it| {
        let is_new = !seen.contains(&it.id);
        seen.push(it.id);
        is_new
    });
    all
}

fn write() -> BoxedStrategy<Write> {
    let field = (select(KEYS), value());
    let revision = prop_oneof![
        3 => select(REVISIONS).prop_map(|it| Some(("_rev", Value::from(it)))),
        2 => Just(None),
        1 => Just(Some(("_rev", Value::Null))),
        1 => Just(Some(("_rev", Value::Int(1)))),
    ];
    (
        select(IDS),
        collection::vec(field, 0..4),
        revision,
        expected(),
    )
        .prop_map(|(id, mut fields, revision, expect)| {
            fields.extend(revision);
            Write { id, fields, expect }
        })
        .boxed()
}

fn patch() -> BoxedStrategy<Patch> {
    let change = prop_oneof![
        4 => (select(KEYS), value()).prop_map(|(key, value)| Change::Set {
            path: FieldPath::from_segments([key]).unwrap(),
            value,
        }),
        1 => value().prop_map(|value| Change::Set {
            path: FieldPath::from_segments(["note", "x"]).unwrap(),
            value,
        }),
        2 => select(KEYS).prop_map(|key| Change::Unset {
            path: FieldPath::from_segments([key]).unwrap(),
        }),
    ];
    collection::vec(change, 1..4).prop_map(Patch::new).boxed()
}

fn expected() -> BoxedStrategy<Expected> {
    prop_oneof![
        4 => Just(Expected::Any),
        3 => Just(Expected::Absent),
        2 => Just(Expected::Present),
        2 => Just(Expected::Live),
        3 => select(REVISIONS).prop_map(|it| Expected::Revision(Some(it))),
        1 => Just(Expected::Revision(None)),
    ]
    .boxed()
}

/// Values that collide, or seem to.
fn value() -> BoxedStrategy<Value> {
    let all = [
        Value::from("x"),
        Value::from("X"),
        Value::Int(1),
        Value::Float(1.0),
        Value::from("1"),
        Value::from("a"),
        Value::Bool(true),
        Value::Null,
        Value::Int(2),
        Value::Array(Vec::new()),
        Value::Int(9_007_199_254_740_993),
        Value::Float(9_007_199_254_740_992.0),
    ];
    select(all.to_vec()).boxed()
}

fn filter() -> BoxedStrategy<Expr> {
    let field = |key: &str, kind| {
        let path = FieldPath::from_segments([key]).unwrap();
        Expr::Field(den_backend::Field::document(path, kind))
    };
    let op = den_backend::CompareOp::Eq;
    prop_oneof![
        Just(Expr::compare(
            op,
            field("sku", FieldKind::Text),
            Expr::Value("x".into())
        )),
        Just(Expr::IsNull(Box::new(field("code", FieldKind::Number)))),
        Just(Expr::Linked {
            operand: Box::new(field("note", FieldKind::Any)),
            collection: NAME.to_owned(),
            predicate: Box::new(Expr::IsNull(Box::new(field("code", FieldKind::Number)))),
        }),
        select(IDS).prop_map(move |id| {
            Expr::compare(op, field("_id", FieldKind::Text), Expr::Value(id.into()))
        }),
        Just(Expr::always()),
        Just(Expr::never()),
    ]
    .boxed()
}

/// Unique over one field of each kind, over two together, and over one of what is live.
fn meta() -> CollectionMeta {
    let field = |key: &str, kind| FieldMeta {
        path: FieldPath::from_segments([key]).unwrap(),
        kind,
    };
    let unique = |fields: Vec<FieldMeta>, filter: Expr| {
        let paths: Vec<&FieldPath> = fields.iter().map(|it| &it.path).collect();
        IndexMeta {
            name: IndexMeta::default_name(NAME, IndexKind::Unique, &paths),
            fields: fields.into_iter().map(|it| (it, Direction::Asc)).collect(),
            kind: IndexKind::Unique,
            filter,
            search: None,
        }
    };
    let (sku, code) = (
        field("sku", FieldKind::Text),
        field("code", FieldKind::Number),
    );
    let (a, b) = (field("a", FieldKind::Text), field("b", FieldKind::Number));
    let slug = field("slug", FieldKind::Text);
    let deleted_at = FieldPath::from_segments(["_deleted_at"]).unwrap();
    let deleted_at = den_backend::Field::document(deleted_at, FieldKind::Text);
    let live = Expr::IsNull(Box::new(Expr::Field(deleted_at)));
    CollectionMeta {
        name: NAME.to_owned(),
        fields: vec![
            sku.clone(),
            code.clone(),
            a.clone(),
            b.clone(),
            slug.clone(),
        ],
        indexes: vec![
            unique(vec![sku], Expr::always()),
            unique(vec![code], Expr::always()),
            unique(vec![a, b], Expr::always()),
            unique(vec![slug], live),
        ],
    }
}
