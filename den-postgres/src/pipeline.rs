//! Two tools for futures: sending before waiting, and going on when nobody waits any more.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_util::future::BoxFuture;

use crate::pool::in_background;

/// A future that was polled once, so that the driver has queued what it sends.
///
/// The driver queues a whole request when its future is first polled, and the connection's task
/// writes all that is queued at once: starting several futures in a row sends them in one flush.
pub(crate) enum Started<'a, T> {
    /// It needed no answer.
    Done(T),
    /// The answer is to come.
    Waiting(BoxFuture<'a, T>),
}

/// Polls a future once.
pub(crate) fn start<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Started<'a, T> {
    let mut future: BoxFuture<'a, T> = Box::pin(future);
    // Whoever waits later polls again, with a waker of their own.
    let mut context = Context::from_waker(Waker::noop());
    match future.as_mut().poll(&mut context) {
        Poll::Ready(done) => Started::Done(done),
        Poll::Pending => Started::Waiting(future),
    }
}

impl<T> Started<'_, T> {
    /// Waits for the answer.
    pub(crate) async fn answer(self) -> T {
        match self {
            Self::Done(done) => done,
            Self::Waiting(future) => future.await,
        }
    }
}

/// Runs a future to its end, in the background if the caller stops waiting once it has begun.
pub(crate) fn to_the_end<F>(future: F) -> ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    ToTheEnd {
        future: Some(Box::pin(future)),
        begun: false,
    }
}

/// The future of [`to_the_end`].
pub(crate) struct ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    future: Option<Pin<Box<F>>>,
    begun: bool,
}

impl<F> Future for ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.begun = true;
        let Some(future) = &mut self.future else {
            return Poll::Pending;
        };
        let polled = future.as_mut().poll(context);
        if polled.is_ready() {
            self.future = None;
        }
        polled
    }
}

impl<F> Drop for ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    fn drop(&mut self) {
        if let Some(future) = self.future.take()
            && self.begun
        {
            in_background(async move { drop(future.await) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use futures_util::FutureExt as _;
    use tokio::{sync::oneshot, task::yield_now};

    use super::*;

    #[tokio::test]
    async fn what_has_begun_goes_on_when_dropped() {
        let (send, receive) = oneshot::channel::<()>();
        let done = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&done);
        let mut future = to_the_end(async move {
            receive.await.unwrap();
            mark.store(true, Ordering::SeqCst);
        });
        assert!((&mut future).now_or_never().is_none());
        drop(future);
        send.send(()).unwrap();
        yield_now().await;
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn what_has_not_begun_never_does() {
        let (send, receive) = oneshot::channel::<()>();
        drop(to_the_end(async move { drop(receive.await) }));
        yield_now().await;
        assert!(send.is_closed());
    }

    #[tokio::test]
    async fn a_started_future_is_answered_later() {
        let (send, receive) = oneshot::channel();
        let started = start(receive);
        send.send(1).unwrap();
        assert_eq!(started.answer().await.unwrap(), 1);
    }
}
