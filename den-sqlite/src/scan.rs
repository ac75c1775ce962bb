//! Statements that may look at many rows, and the stream of what they find.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use den_backend::{Error, ErrorKind, RawDocument, Result};
use den_sql::{Param, Statement};
use futures_core::Stream;
use rusqlite::{ToSql, types::ToSqlOutput};
use tokio::sync::mpsc;

use crate::{
    connection::Connection,
    document::raw_document,
    error::{Failure, Outcome},
    subject::Subject,
    threads::panicked,
};

/// Rows sent at first, so that the first one arrives early.
const FIRST_ROWS: usize = 8;
/// Rows sent at once at most: each time it is four times as many, so that the cost of waking the reader
/// is shared.
const ROWS: usize = 256;
/// Bytes sent at once, if the documents are large.
const BYTES: usize = 256 * 1024;
/// How long rows are handed out before other tasks of the reader's thread get their turn. A runtime
/// looks at its timers after some sixty turns, so this is a small part of what they may wait.
const TURN: Duration = Duration::from_micros(40);
/// Rows between two looks at the clock.
const LOOK: u8 = 4;
/// Messages that may wait for a slow reader.
pub(crate) const MESSAGES: usize = 4;

/// What a scan sends.
#[derive(Debug)]
pub(crate) enum Message {
    Rows(Vec<RawDocument>),
    Failed(Failure),
    /// All rows were sent, and the connection is free again.
    End,
}

/// Tells work on another thread that nobody waits for it any more, when dropped.
#[derive(Debug, Default)]
pub(crate) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads all rows.
pub(crate) fn all(connection: &Connection, statement: &Statement) -> Outcome<Vec<RawDocument>> {
    let mut found = Vec::new();
    each(connection, statement, |row| {
        found.push(row);
        true
    })?;
    Ok(found)
}

/// Reads rows and sends them on, until nobody wants them.
pub(crate) fn send(
    connection: &Connection,
    statement: &Statement,
    sender: &mpsc::Sender<Message>,
) -> Outcome<()> {
    let mut chunk = Vec::with_capacity(FIRST_ROWS);
    let mut bytes = 0;
    let mut size = FIRST_ROWS;
    let outcome = each(connection, statement, |row| {
        bytes += row.body.len();
        chunk.push(row);
        if chunk.len() < size && bytes < BYTES {
            return true;
        }
        size = ROWS.min(size * 4);
        bytes = 0;
        let full = std::mem::replace(&mut chunk, Vec::with_capacity(size));
        sender.blocking_send(Message::Rows(full)).is_ok()
    });
    // A failed send means that the stream was dropped: there is nobody to tell.
    if !chunk.is_empty() {
        let _ = sender.blocking_send(Message::Rows(chunk));
    }
    outcome
}

/// The texts that a statement answers, one for each row.
pub(crate) fn bodies(connection: &Connection, statement: &Statement) -> Outcome<Vec<Vec<u8>>> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let params = rusqlite::params_from_iter(statement.params.iter().map(Bound));
    let mut rows = prepared.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(row.get_ref(0)?.as_bytes().map_err(|_| not_text())?.to_vec());
    }
    Ok(found)
}

/// The one number that a statement answers.
pub(crate) fn number(connection: &Connection, statement: &Statement) -> Outcome<u64> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let params = rusqlite::params_from_iter(statement.params.iter().map(Bound));
    let number: i64 = prepared.query_row(params, |row| row.get(0))?;
    Ok(number.unsigned_abs())
}

/// Runs a statement that writes, and returns how many rows it did so to.
pub(crate) fn execute(connection: &Connection, statement: &Statement) -> Outcome<u64> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let params = rusqlite::params_from_iter(statement.params.iter().map(Bound));
    let changed = prepared.execute(params)?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

/// SQLite's plan for a statement, one line a step, indented by depth.
pub(crate) fn plan(connection: &Connection, statement: &Statement) -> Outcome<Vec<String>> {
    let sql = ["EXPLAIN QUERY PLAN ", &statement.sql].concat();
    let mut prepared = connection.prepare(&sql)?;
    let params = rusqlite::params_from_iter(statement.params.iter().map(Bound));
    let mut rows = prepared.query(params)?;
    let mut depths: Vec<(i64, usize)> = Vec::new();
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, parent, detail): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let above = depths.iter().find(|(it, _)| *it == parent);
        let depth = above.map_or(0, |(_, depth)| depth + 1);
        depths.push((id, depth));
        lines.push(["  ".repeat(depth), detail].concat());
    }
    Ok(lines)
}

/// What is bound, for a person to read.
pub(crate) fn describe(param: &Param) -> String {
    match param {
        Param::Bool(it) => it.to_string(),
        Param::Int(it) | Param::Rows(it) => it.to_string(),
        Param::Float(it) => den_backend::value::float_text(*it),
        Param::Text(it) => format!("{it:?}"),
        Param::Json(it) => it.clone(),
        Param::TextArray(it) | Param::NumericArray(it) | Param::JsonArray(it) => format!("{it:?}"),
    }
}

/// Hands each row to `take`, until it says that it has enough.
pub(crate) fn each(
    connection: &Connection,
    statement: &Statement,
    mut take: impl FnMut(RawDocument) -> bool,
) -> Outcome<()> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let params = rusqlite::params_from_iter(statement.params.iter().map(Bound));
    let mut rows = prepared.query(params)?;
    while let Some(row) = rows.next()? {
        if !take(raw_document(row)?) {
            break;
        }
    }
    Ok(())
}

fn not_text() -> Error {
    Error::new(ErrorKind::Corrupt, "a row has a body that is not text")
}

/// One parameter, bound without a copy.
pub(crate) struct Bound<'a>(pub(crate) &'a Param);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self.0 {
            Param::Bool(it) => it.to_sql(),
            Param::Int(it) | Param::Rows(it) => it.to_sql(),
            Param::Float(it) => it.to_sql(),
            Param::Text(it) | Param::Json(it) => it.to_sql(),
            Param::TextArray(_) | Param::NumericArray(_) | Param::JsonArray(_) => Err(
                rusqlite::Error::ToSqlConversionFailure("SQLite has no array parameters".into()),
            ),
        }
    }
}

/// The rows of a query, as another thread finds them.
pub(crate) struct Rows {
    ready: std::vec::IntoIter<RawDocument>,
    receiver: mpsc::Receiver<Message>,
    subject: Subject,
    ended: bool,
    /// When this turn began; none before its first row.
    turn: Option<Instant>,
    /// Rows until the next look at the clock.
    look: u8,
    _cancel: Cancel,
}

impl Rows {
    /// The rows that were received already, and those to come.
    pub(crate) fn new(
        first: Vec<RawDocument>,
        receiver: mpsc::Receiver<Message>,
        subject: Subject,
        cancel: Cancel,
    ) -> Self {
        Self {
            ready: first.into_iter(),
            receiver,
            subject,
            ended: false,
            turn: None,
            look: LOOK,
            _cancel: cancel,
        }
    }
}

impl Rows {
    fn is_turn_over(&mut self) -> bool {
        let Some(began) = self.turn else {
            self.turn = Some(Instant::now());
            self.look = LOOK;
            return false;
        };
        self.look -= 1;
        if self.look > 0 {
            return false;
        }
        self.look = LOOK;
        began.elapsed() > TURN
    }
}

impl Stream for Rows {
    type Item = Result<RawDocument>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_turn_over() {
            // Rows that are there already would let this task run on and on.
            self.turn = None;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            if let Some(row) = self.ready.next() {
                return Poll::Ready(Some(Ok(row)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let Poll::Ready(message) = self.receiver.poll_recv(context) else {
                self.turn = None;
                return Poll::Pending;
            };
            match message {
                Some(Message::Rows(rows)) => self.ready = rows.into_iter(),
                Some(Message::End) => self.ended = true,
                Some(Message::Failed(failure)) => {
                    self.ended = true;
                    let error = failure.at(self.subject.place());
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(panicked())));
                }
            }
        }
    }
}
