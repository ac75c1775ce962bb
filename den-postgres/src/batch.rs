//! `put_many`: many documents, all or none of them, or those that are not refused.
//!
//! - Documents are sent in arrays, up to [`MAX_ROWS`] or [`MAX_BYTES`] in one statement, one
//!   statement for each kind of expectation, sorted by id so that two batches cannot lock each other
//!   out, and matched with the answer by id.
//! - What fits one statement and cannot be refused ([`Expectation::Any`]), or may be without the
//!   others ([`OnRefusal::Skip`]), is that one statement: one round trip. Anything else is a
//!   transaction, or in one a savepoint, because what was written beside a refused document must be
//!   taken back.

use std::{collections::HashMap, mem};

use den_backend::{Error, ErrorKind, Expectation, OnRefusal, Put, PutOutcome, Result};
use den_sql::ExpectationKind;

use crate::{
    call::{Answer, Call, Guard},
    catalog::{Collection, kind_of},
    ops::{refusal, written},
    runner::{Runner, Shared, Within, in_terms_of, run_on},
    transaction::BEGIN_OWN,
    values::{Bound, column},
};

/// So many documents go into one statement.
const MAX_ROWS: usize = 2000;

/// So many bytes of documents go into one statement; a message of the protocol is at most 1 GiB.
const MAX_BYTES: usize = 8 << 20;

/// Writes documents outside of a transaction.
pub(crate) async fn put_many(
    shared: &Shared,
    collection: &str,
    puts: &[Put<'_>],
    on_refusal: OnRefusal,
) -> Result<Vec<PutOutcome>> {
    let it = shared.collections.find(collection, shared).await?;
    let mut calls = calls(&it, puts);
    let nothing_to_take_back = match on_refusal {
        OnRefusal::Abort => puts.iter().all(|it| it.expect == Expectation::Any),
        OnRefusal::Skip => true,
    };
    match (calls.pop(), calls.is_empty() && nothing_to_take_back) {
        (None, _) => Ok(Vec::new()),
        (Some(only), true) => {
            let answer = run_on(shared, shared, &it, only).await?;
            outcomes(shared, shared, &it, puts, &[answer]).await
        }
        (Some(last), false) => {
            calls.push(last);
            let session = shared.begin(BEGIN_OWN).await?;
            let on = Within { session };
            match in_batch(shared, &on, &it, calls, puts.len(), on_refusal).await {
                Ok((answers, accepted)) => {
                    if accepted {
                        on.session.commit().await?;
                    } else {
                        on.session.rollback().await?;
                    }
                    outcomes(shared, shared, &it, puts, &answers).await
                }
                Err(error) => {
                    // The error says what happened; the rollback adds nothing to it.
                    let _rolled_back = on.session.rollback().await;
                    Err(error)
                }
            }
        }
    }
}

/// Writes documents in a transaction.
pub(crate) async fn put_many_within(
    shared: &Shared,
    on: &Within,
    collection: &str,
    puts: &[Put<'_>],
    on_refusal: OnRefusal,
) -> Result<Vec<PutOutcome>> {
    let it = shared.collections.find(collection, on).await?;
    let calls = calls(&it, puts);
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let (answers, _) = in_batch(shared, on, &it, calls, puts.len(), on_refusal).await?;
    outcomes(shared, on, &it, puts, &answers).await
}

async fn in_batch(
    shared: &Shared,
    on: &Within,
    it: &Collection,
    calls: Vec<Call>,
    expected: usize,
    on_refusal: OnRefusal,
) -> Result<(Vec<Answer>, bool)> {
    let accept = move |answers: &[Answer]| match on_refusal {
        OnRefusal::Abort => {
            let count: usize = answers.iter().map(|it| it.rows.len()).sum();
            count == expected
        }
        OnRefusal::Skip => true,
    };
    match on.session.batch(calls, accept).await {
        Ok(answered) => Ok(answered),
        Err(error) => Err(in_terms_of(shared, on, it, error).await),
    }
}

/// The statements for these documents.
fn calls(it: &Collection, puts: &[Put<'_>]) -> Vec<Call> {
    let mut sorted: Vec<&Put<'_>> = puts.iter().collect();
    sorted.sort_unstable_by_key(|it| it.id);
    let kinds = [
        ExpectationKind::Any,
        ExpectationKind::Absent,
        ExpectationKind::Present,
        ExpectationKind::Live,
        ExpectationKind::Revision,
    ];
    let mut calls = Vec::new();
    for kind in kinds {
        let mut rows = Rows::default();
        for put in sorted.iter().filter(|it| kind_of(it.expect) == kind) {
            if rows.is_full(put) {
                calls.push(mem::take(&mut rows).into_call(it, kind));
            }
            rows.add(put);
        }
        if !rows.ids.is_empty() {
            calls.push(rows.into_call(it, kind));
        }
    }
    calls
}

/// The arrays of one statement.
#[derive(Default)]
struct Rows {
    ids: Vec<String>,
    bodies: Vec<Vec<u8>>,
    revisions: Vec<Option<String>>,
    bytes: usize,
}

impl Rows {
    fn is_full(&self, next: &Put<'_>) -> bool {
        let bytes = self.bytes.saturating_add(next.body.len());
        !self.ids.is_empty() && (self.ids.len() >= MAX_ROWS || bytes > MAX_BYTES)
    }

    fn add(&mut self, put: &Put<'_>) {
        self.ids.push(put.id.to_owned());
        self.bodies.push(put.body.to_vec());
        self.bytes += put.body.len();
        match put.expect {
            Expectation::Any | Expectation::Absent | Expectation::Present | Expectation::Live => {}
            Expectation::Revision(rev) => self.revisions.push(rev.map(str::to_owned)),
        }
    }

    fn into_call(self, it: &Collection, kind: ExpectationKind) -> Call {
        let mut params = vec![Bound::TextArray(self.ids), Bound::JsonArray(self.bodies)];
        match kind {
            ExpectationKind::Any
            | ExpectationKind::Absent
            | ExpectationKind::Present
            | ExpectationKind::Live => {}
            ExpectationKind::Revision => params.push(Bound::NullableTextArray(self.revisions)),
        }
        // The savepoint around the batch is guard enough.
        Call::write(it.texts.put_many(kind), params).guarded_by(Guard::TimeLimit)
    }
}

/// What became of each document, in the order they were given.
async fn outcomes(
    shared: &Shared,
    on: &impl Runner,
    it: &Collection,
    puts: &[Put<'_>],
    answers: &[Answer],
) -> Result<Vec<PutOutcome>> {
    let mut by_id: HashMap<&str, bool> = HashMap::with_capacity(puts.len());
    for row in answers.iter().flat_map(|it| &it.rows) {
        by_id.insert(column(row, 0)?, column(row, 1)?);
    }
    let mut outcomes = Vec::with_capacity(puts.len());
    for put in puts {
        outcomes.push(match by_id.get(put.id) {
            Some(inserted) => written(*inserted),
            None if put.expect == Expectation::Any => return Err(lost_row()),
            None => PutOutcome::Refused(refusal(shared, on, it, put.id, put.expect).await?),
        });
    }
    Ok(outcomes)
}

fn lost_row() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "the server did not say what became of a document",
    )
}
