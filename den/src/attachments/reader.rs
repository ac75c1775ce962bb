//! Content on its way out of a storage.

use std::{
    fmt,
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use den_backend::{Error, ErrorKind, Result};
use futures_core::{Stream, stream::BoxStream};
use futures_util::{StreamExt, TryStreamExt};

use crate::attachments::ContentHash;

/// Content, or a range of it, as a stream of bytes.
///
/// # Behavior
///
/// - The stream gives exactly [`size`](Self::size) bytes, or ends with an error (`Corrupt` if the
///   content turns out to be shorter or longer).
/// - The bytes are not checked against the hash; `Attachments::verify` does that.
pub struct ContentReader {
    stream: BoxStream<'static, Result<Bytes>>,
    range: Range<u64>,
    total: u64,
    left: u64,
    is_over: bool,
}

impl ContentReader {
    /// A reader of `range` out of content of `total` bytes, for those who write a storage.
    pub fn new(
        range: Range<u64>,
        total: u64,
        stream: impl Stream<Item = Result<Bytes>> + Send + 'static,
    ) -> Self {
        let left = range.end.saturating_sub(range.start);
        Self {
            stream: stream.boxed(),
            range,
            total,
            left,
            is_over: false,
        }
    }

    /// The range that was asked for, all of it by default, out of content of `total` bytes.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` if it ends before it starts, or beyond the content.
    pub fn within(range: Option<Range<u64>>, total: u64) -> Result<Range<u64>> {
        let range = range.unwrap_or(0..total);
        let Range { start, end } = range;
        if start > end || end > total {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                format!("the range {start}..{end} does not lie within content of {total} bytes"),
            ));
        }
        Ok(range)
    }

    /// The error for content that is not there, for those who write a storage.
    pub fn missing(hash: &ContentHash) -> Error {
        Error::new(
            ErrorKind::NotFound,
            "no content with this SHA-256 is stored",
        )
        .with_id(hash.as_str())
    }

    /// The number of bytes that this gives altogether.
    pub fn size(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    /// Which bytes of the content these are, half-open.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The size of the whole content.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Reads what is left into memory.
    ///
    /// # Errors
    ///
    /// Those of the storage; `Corrupt` for content of another size than it should have.
    pub async fn bytes(self) -> Result<Vec<u8>> {
        // The size is only a claim until the bytes are there.
        let capacity = usize::try_from(self.left.min(1 << 20)).unwrap_or(0);
        let append = |mut all: Vec<u8>, bytes: Bytes| async move {
            all.extend_from_slice(&bytes);
            Ok(all)
        };
        self.try_fold(Vec::with_capacity(capacity), append).await
    }
}

impl Stream for ContentReader {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let next = ready!(self.stream.poll_next_unpin(cx));
        let item = match next {
            Some(Ok(bytes)) => match u64::try_from(bytes.len()) {
                Ok(len) if len <= self.left => {
                    self.left -= len;
                    return Poll::Ready(Some(Ok(bytes)));
                }
                _ => Some(Err(of_another_size())),
            },
            Some(Err(error)) => Some(Err(error)),
            None if self.left > 0 => Some(Err(of_another_size())),
            None => None,
        };
        self.is_over = true;
        Poll::Ready(item)
    }
}

fn of_another_size() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "the stored content does not have the size it should have",
    )
}

impl fmt::Debug for ContentReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentReader")
            .field("range", &self.range)
            .field("total", &self.total)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
