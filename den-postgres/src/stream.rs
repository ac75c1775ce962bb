//! The rows of a query outside of a transaction, as they arrive.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use den_backend::{Query, RawDocument, Result, RowStream};
use den_sql::POSTGRES;
use futures_core::Stream;
use futures_util::stream::iter;

use crate::{
    call::{Call, Effect, open},
    catalog::Collection,
    error::{Doing, classify, is_fatal, of_query},
    ops,
    pool::{Lease, Usage},
    runner::{Retry, Shared, in_terms_of},
    subject::Subject,
    values::document,
};

/// A result of at most so many rows is read at once, which frees its connection at once.
const AT_ONCE: u64 = 500;

/// Answers a query from any free connection.
pub(crate) async fn query(shared: &Shared, query: &Query) -> Result<RowStream> {
    if query.limit.is_some_and(|limit| limit <= AT_ONCE) {
        return Ok(ready_rows(ops::query(shared, shared, query).await?));
    }
    let mut subject = Subject::find(shared, shared, query).await?;
    let mut retry = Retry::default();
    let mut looked_again = false;
    loop {
        let statement = subject.render(|layouts| den_sql::select(POSTGRES, layouts, query));
        let call = Call::rendered(statement, Effect::Read);
        call.check()?;
        let lease = shared.pool.acquire().await?;
        lease.set_usage(Usage::Call);
        let error = match open(lease.client(), &call, shared.pool.statements()).await {
            Ok(rows) => {
                lease.set_usage(Usage::Stream);
                return Ok(Box::pin(Rows {
                    rows: Box::pin(rows),
                    lease: Some(lease),
                    collection: subject.collection,
                }));
            }
            Err(error) => classify(error, Doing::Call),
        };
        if retry.allows(&error, Effect::Read, &lease, &shared.pool) {
            continue;
        }
        drop(lease);
        if !subject.is_outdated(&error) || looked_again {
            let error = in_terms_of(shared, shared, &subject.collection, error).await;
            return Err(of_query(error));
        }
        looked_again = true;
        subject = Subject::find_again(shared, shared, query).await?;
    }
}

/// Rows that are all here.
pub(crate) fn ready_rows(rows: Vec<RawDocument>) -> RowStream {
    Box::pin(iter(rows.into_iter().map(Ok)))
}

/// Rows on their way. Dropped before the end, it takes its connection along.
struct Rows {
    rows: Pin<Box<tokio_postgres::RowStream>>,
    /// None after the end.
    lease: Option<Lease>,
    collection: Arc<Collection>,
}

impl Stream for Rows {
    type Item = Result<RawDocument>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.lease.is_none() {
            return Poll::Ready(None);
        }
        let next = ready!(self.rows.as_mut().poll_next(context));
        match next {
            Some(Ok(row)) => {
                let row = document(&row);
                if row.is_err() {
                    // The stream ends here, with rows still to come.
                    self.lease = None;
                }
                Poll::Ready(Some(row))
            }
            Some(Err(error)) => {
                let error = self.collection.explain_error(classify(error, Doing::Call));
                let error = of_query(error);
                self.free(if is_fatal(&error) {
                    Usage::Broken
                } else {
                    Usage::Idle
                });
                Poll::Ready(Some(Err(error)))
            }
            None => {
                self.free(Usage::Idle);
                Poll::Ready(None)
            }
        }
    }
}

impl Rows {
    fn free(&mut self, usage: Usage) {
        if let Some(lease) = self.lease.take() {
            lease.set_usage(usage);
        }
    }
}
