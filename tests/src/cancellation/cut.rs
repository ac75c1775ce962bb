//! Drops a future half-way.

use std::{future::poll_fn, task::Poll};

/// When a future is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// As soon as it waits.
    AtOnce,
    /// When what it waited for is there, but not yet seen.
    WhenWoken,
}

/// Polls a future so many times and drops it, unless it completes.
pub(crate) async fn cut<T>(
    polls: usize,
    moment: Moment,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if left == 0 && moment == Moment::AtOnce => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
