//! Does what a plan says, and compares what is stored with the model after each step.

use std::collections::{BTreeMap, BTreeSet};

use den::{DeleteOptions, Json, prelude::*};
use den_backend::{Expectation, OnRefusal, Put, Query};
use futures_util::TryStreamExt as _;

use super::{
    model::{Expected, Key, Model, Refused},
    plan::{Deleted, How, Place, Plan, Step, Turn, Vertex, Which},
    slots::Kind,
    types::{Event, Full, Hooked, Node, Plain, Soft},
};
use crate::harness::TestDb;

/// What is stored, to the letter.
type Stored = BTreeMap<Key, Json>;

/// What a step answered.
struct Answer {
    outcome: den::Result<Option<u64>>,
    /// What is wrong with the documents in memory.
    complaint: Option<String>,
    /// Documents in memory that are stored like this.
    in_memory: Vec<(Key, Json)>,
    /// Says what is wrong with documents in memory once everything is rolled back.
    after_rollback: Box<dyn Fn() -> Option<String> + Send>,
}

impl Answer {
    /// The answer of an operation on one document that is stored like this if all went well.
    fn of<T: Node>(outcome: den::Result<()>, document: &T) -> Self {
        let in_memory = outcome.is_ok().then(|| entry(document));
        Self {
            in_memory: in_memory.into_iter().collect(),
            ..outcome.map(|()| None).into()
        }
    }
}

fn entry<T: Node>(document: &T) -> (Key, Json) {
    let key = (T::KIND, document.id().as_str().to_owned());
    (key, serde_json::to_value(document).unwrap())
}

impl From<den::Result<Option<u64>>> for Answer {
    fn from(outcome: den::Result<Option<u64>>) -> Self {
        Self {
            outcome,
            complaint: None,
            in_memory: Vec::new(),
            after_rollback: Box::new(|| None),
        }
    }
}

/// How many steps did what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) refused: u64,
    /// Steps that changed documents beside the one they were about.
    pub(super) spread: u64,
}

/// Plays a plan on an emptied database, and says what went otherwise than in the model.
pub(super) async fn play(on: &TestDb, plan: &Plan) -> Result<Tally, String> {
    let mut tally = Tally::default();
    plant(on, &plan.given).await;
    let mut model = Model::of(&plan.given);
    let mut before = stored(on).await;
    for (at, turn) in plan.turns.iter().enumerate() {
        let expected = model.after(&turn.step);
        let wrong = |why: String| format!("turn {at}, {turn:?}: {why}\nmodel: {expected:?}");
        let answer = take(on, turn)
            .await
            .map_err(|it| wrong(format!("{it:?}")))?;
        let after = stored(on).await;
        let events = events(on).await;
        let went_on = turn.place != Place::Rollback;
        compare(&model, &expected, turn, answer, (&before, &after), &events).map_err(wrong)?;
        match expected {
            Ok(expected) => {
                let changed = model.differences(&expected.after);
                tally.spread += u64::from(changed > 1);
                if went_on {
                    model = expected.after;
                }
            }
            Err(_) => tally.refused += 1,
        }
        before = after;
    }
    Ok(tally)
}

fn compare(
    model: &Model,
    expected: &Result<Expected, Refused>,
    turn: &Turn,
    answer: Answer,
    (before, after): (&Stored, &Stored),
    events: &[String],
) -> Result<(), String> {
    let expected = match (expected, &answer.outcome) {
        (Ok(expected), Ok(count)) if expected.count == *count => Some(expected),
        (Err(kinds), Err(error)) if kinds.contains(&error.kind()) => None,
        (_, outcome) => return Err(format!("it answered {outcome:?}")),
    };
    if let Some(complaint) = answer.complaint {
        return Err(complaint);
    }
    let expected = expected.filter(|_| turn.place != Place::Rollback);
    let Some(expected) = expected else {
        return match before == after && events.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "it was not to change anything, but {events:?} ran, and {before:?} became {after:?}"
            )),
        };
    };
    for (key, document) in &answer.in_memory {
        if after.get(key) != Some(document) {
            return Err(format!("in memory there is {document}, stored {after:?}"));
        }
    }
    let plain = without_own_fields(after);
    if plain != expected.after.documents {
        return Err(format!("this is stored: {plain:?}"));
    }
    for (key, document) in after {
        let is_same = model.documents.get(key) == expected.after.documents.get(key);
        let is_saved = expected.saved.contains(&format!("saved {}", key.1)) || writes(turn, key);
        if is_same && !is_saved && before.get(key) != Some(document) {
            return Err(format!("{key:?} was touched: {document}"));
        }
    }
    let (saved, hooks): (Vec<&String>, Vec<_>) =
        events.iter().partition(|it| it.starts_with("saved"));
    let saved: BTreeSet<String> = saved.into_iter().cloned().collect();
    if saved != expected.saved {
        return Err(format!("these were saved: {saved:?}"));
    }
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for it in hooks {
        *counts.entry(it.clone()).or_default() += 1;
    }
    match counts == expected.hooks {
        true => Ok(()),
        false => Err(format!("these hooks ran: {counts:?}")),
    }
}

/// Whether the step writes this document even where that changes nothing.
fn writes(turn: &Turn, key: &Key) -> bool {
    matches!(&turn.step, Step::Replace(it) if it.kind == key.0 && it.id == key.1)
}

async fn take(on: &TestDb, turn: &Turn) -> den::Result<Answer> {
    if turn.place == Place::Db {
        return Ok(step(&on.db, &turn.step).await);
    }
    let tx = on.db.begin().await?;
    let mut answer = step(&tx, &turn.step).await;
    match turn.place {
        Place::Db | Place::Commit => tx.commit().await?,
        Place::Rollback => {
            tx.rollback().await?;
            answer.complaint = answer.complaint.or_else(|| (answer.after_rollback)());
        }
    }
    Ok(answer)
}

/// Runs an expression with a name for the type of a kind.
macro_rules! with_type {
    ($kind:expr, $name:ident => $body:expr) => {
        match $kind {
            Kind::Plain => {
                type $name = Plain;
                $body
            }
            Kind::Soft => {
                type $name = Soft;
                $body
            }
            Kind::Hooked => {
                type $name = Hooked;
                $body
            }
            Kind::Full => {
                type $name = Full;
                $body
            }
        }
    };
}

async fn step(on: &dyn Executor, step: &Step) -> Answer {
    match step {
        Step::Insert(it) => with_type!(it.kind, T => {
            let mut document: T = made(it.document());
            Answer::of(document.insert(on).await, &document)
        }),
        Step::Replace(it) => with_type!(it.kind, T => {
            let mut document: T = made(it.document());
            Answer::of(document.replace(on).await, &document)
        }),
        Step::Delete(kind, id, how) => with_type!(kind, T => {
            delete_listed::<T>(on, std::slice::from_ref(id), how, true).await
        }),
        Step::DeleteAll(kind, ids, how) => with_type!(kind, T => {
            delete_listed::<T>(on, ids, how, false).await
        }),
        Step::DeleteQuery(kind, which, how) => with_type!(kind, T => {
            found::<T>(on, which).delete_with(options(how)).await.map(Some).into()
        }),
        Step::Purge(kind) => with_type!(kind, T => {
            let query = T::query(on).all_rows();
            let now = Timestamp::now() + std::time::Duration::from_secs(60);
            query.purge_deleted_before(now).await.map(Some).into()
        }),
        Step::Restore(kind, id) => with_type!(kind, T => {
            let mut document: T = match in_hand(on, id).await {
                Ok(it) => it,
                Err(error) => return Err(error).into(),
            };
            Answer::of(document.restore(on).await, &document)
        }),
        Step::RestoreQuery(kind, ids) => with_type!(kind, T => {
            T::query(on).filter(T::id_is_in(ids)).restore().await.map(Some).into()
        }),
    }
}

fn found<T: Node>(on: &dyn Executor, which: &Which) -> QuerySet<T> {
    let mut query = T::query(on);
    query = match &which.ids {
        Some(ids) => query.filter(T::id_is_in(ids)),
        None => query.all_rows(),
    };
    query = match which.deleted {
        Deleted::LeftOut => query,
        Deleted::Included => query.with_deleted(),
        Deleted::Only => query.only_deleted(),
    };
    if let Some(limit) = which.limit {
        query = query.limit(limit);
    }
    match which.hooks {
        true => query,
        false => query.without_hooks(),
    }
}

fn options(how: &How) -> DeleteOptions {
    let mut options = DeleteOptions::new();
    if how.hard {
        options = options.hard();
    }
    if how.traced {
        options = options.by("ada").because("spring");
    }
    if let Some(rule) = how.links_here {
        options = options.links_here(rule);
    }
    match how.with_links {
        true => options.with_links(),
        false => options,
    }
}

fn made<T: Node>(document: Json) -> T {
    serde_json::from_value(document).unwrap()
}

/// The document as it is stored; one that was never stored if there is none.
async fn in_hand<T: Node>(on: &dyn Executor, id: &str) -> den::Result<T> {
    let found = T::get(on, id).await?;
    Ok(found.unwrap_or_else(|| made(T::KIND.blank(id))))
}

async fn delete_listed<T: Node>(
    on: &dyn Executor,
    ids: &[String],
    how: &How,
    alone: bool,
) -> Answer {
    let mut documents = Vec::new();
    for id in ids {
        match in_hand::<T>(on, id).await {
            Ok(it) => documents.push(it),
            Err(error) => return Err(error).into(),
        }
    }
    let before = all_of(&documents);
    let outcome = match alone {
        true => documents[0].delete_with(on, options(how)).await,
        false => T::delete_all_with(on, &mut documents, options(how)).await,
    };
    let mut in_memory = Vec::new();
    if outcome.is_ok() && T::KIND.marks() && !how.hard {
        // Of several with one id the first.
        let first = |at: usize| !ids[..at].contains(&ids[at]);
        let firsts = documents.iter().enumerate().filter(|(at, _)| first(*at));
        in_memory.extend(firsts.map(|(_, it)| entry(it)));
    }
    let has_changed = outcome.is_err() && all_of(&documents) != before;
    Answer {
        outcome: outcome.map(|()| None),
        complaint: has_changed
            .then(|| format!("in memory they were {before:?}, now {documents:?}")),
        in_memory,
        after_rollback: Box::new(move || {
            let (before, now) = (own_fields(&before), own_fields(&all_of(&documents)));
            (now != before).then(|| format!("rolled back from {before:?} to {now:?}"))
        }),
    }
}

/// All there is to know of documents in memory.
fn all_of<T: Node>(documents: &[T]) -> Vec<(Json, bool)> {
    let all = documents.iter();
    all.map(|it| (serde_json::to_value(it).unwrap(), it.base().is_stored()))
        .collect()
}

/// Of these, what den fills in: only that returns when a transaction is rolled back.
fn own_fields(all: &[(Json, bool)]) -> Vec<(Json, bool)> {
    let mut all = all.to_vec();
    for fields in all.iter_mut().filter_map(|it| it.0.as_object_mut()) {
        fields.retain(|name, _| name.starts_with('_'));
    }
    all
}

/// What is stored, without what den fills in.
fn without_own_fields(stored: &Stored) -> BTreeMap<Key, Json> {
    let mut plain = stored.clone();
    for fields in plain.values_mut().filter_map(Json::as_object_mut) {
        fields.retain(|name, _| !["_created_at", "_updated_at", "_rev"].contains(&name.as_str()));
        if let Some(at) = fields.get_mut("_deleted_at") {
            *at = at.is_string().into();
        }
    }
    plain
}

/// Empties the database and stores these documents below den.
async fn plant(on: &TestDb, given: &[Vertex]) {
    // One commit is faster than nine.
    let tx = on
        .backend
        .begin(den_backend::TxOptions::default())
        .await
        .unwrap();
    for name in Kind::ALL
        .map(Kind::collection)
        .into_iter()
        .chain([Event::COLLECTION])
    {
        tx.delete_matching(&Query::new(name)).await.unwrap();
    }
    let now = serde_json::to_value(Timestamp::now()).unwrap();
    for kind in Kind::ALL {
        let these = given.iter().filter(|it| it.kind == kind);
        let bodies: Vec<(&str, Vec<u8>)> = these
            .map(|it| {
                let mut document = it.document();
                document["_created_at"] = now.clone();
                document["_updated_at"] = now.clone();
                if kind.has_revision() {
                    document["_rev"] = "0123456789abcdef".into();
                }
                if it.marked {
                    document["_deleted_at"] = now.clone();
                }
                (it.id.as_str(), serde_json::to_vec(&document).unwrap())
            })
            .collect();
        let puts: Vec<Put<'_>> = bodies
            .iter()
            .map(|(id, body)| Put {
                id,
                body,
                expect: Expectation::Absent,
            })
            .collect();
        tx.put_many(kind.collection(), &puts, OnRefusal::Abort)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

async fn documents(on: &TestDb, collection: &str) -> Vec<(String, Json)> {
    let rows = on.backend.query(&Query::new(collection)).await.unwrap();
    let rows: Vec<_> = rows.try_collect().await.unwrap();
    let parsed = rows.into_iter().map(|it| {
        let document = serde_json::from_slice(&it.body).unwrap();
        (it.id, document)
    });
    parsed.collect()
}

async fn stored(on: &TestDb) -> Stored {
    let mut stored = Stored::new();
    for kind in Kind::ALL {
        for (id, document) in documents(on, kind.collection()).await {
            stored.insert((kind, id), document);
        }
    }
    stored
}

/// What hooks wrote down since the last time.
async fn events(on: &TestDb) -> Vec<String> {
    let found = documents(on, Event::COLLECTION).await;
    if !found.is_empty() {
        let all = Query::new(Event::COLLECTION);
        on.backend.delete_matching(&all).await.unwrap();
    }
    let texts = found.iter().map(|(_, it)| it["text"].as_str().unwrap());
    texts.map(str::to_owned).collect()
}
