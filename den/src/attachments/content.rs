//! Content on its way into a storage.

use std::{fmt, future::poll_fn, pin::Pin};

use bytes::Bytes;
use futures_core::{Stream, stream::BoxStream};
use futures_util::{StreamExt, stream};
use tokio::io::{AsyncRead, ReadBuf};

/// An error of whoever provides the content.
pub(super) type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// How much is read from a reader at a time.
const CHUNK: usize = 64 << 10;

/// Content to be put: bytes, a stream of them, or a reader.
///
/// ```
/// use den::attachments::Content;
///
/// let bytes: Content<'_> = vec![1, 2, 3].into();
/// let text: Content<'_> = "some text".into();
/// let reader = Content::reader(&b"anything that is AsyncRead"[..]);
/// # let _ = (bytes, text, reader);
/// ```
pub struct Content<'a>(BoxStream<'a, Result<Bytes, SourceError>>);

impl<'a> Content<'a> {
    /// The bytes of a stream, for instance the body of a request.
    pub fn stream<S, B, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<B, E>> + Send + 'a,
        B: Into<Bytes>,
        E: Into<SourceError>,
    {
        Self(stream.map(|it| it.map(B::into).map_err(E::into)).boxed())
    }

    /// The bytes of a reader, to its end.
    pub fn reader(reader: impl AsyncRead + Send + 'a) -> Self {
        Self(stream::try_unfold(Box::pin(reader), read).boxed())
    }

    fn once(bytes: Bytes) -> Self {
        Self(stream::once(async { Ok(bytes) }).boxed())
    }

    /// The next bytes, perhaps none; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, SourceError>> {
        self.0.next().await
    }
}

/// The next bytes of a reader, and the reader.
async fn read<R: AsyncRead>(
    mut reader: Pin<Box<R>>,
) -> Result<Option<(Bytes, Pin<Box<R>>)>, SourceError> {
    let mut bytes = vec![0; CHUNK];
    let mut buffer = ReadBuf::new(&mut bytes);
    poll_fn(|cx| reader.as_mut().poll_read(cx, &mut buffer)).await?;
    let len = buffer.filled().len();
    if len == 0 {
        return Ok(None);
    }
    bytes.truncate(len);
    Ok(Some((bytes.into(), reader)))
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content")
    }
}

impl From<Bytes> for Content<'_> {
    fn from(bytes: Bytes) -> Self {
        Self::once(bytes)
    }
}

impl From<Vec<u8>> for Content<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::once(bytes.into())
    }
}

impl From<String> for Content<'_> {
    fn from(text: String) -> Self {
        Self::once(text.into())
    }
}

impl From<&[u8]> for Content<'_> {
    fn from(bytes: &[u8]) -> Self {
        Self::once(Bytes::copy_from_slice(bytes))
    }
}

impl<const LEN: usize> From<&[u8; LEN]> for Content<'_> {
    fn from(bytes: &[u8; LEN]) -> Self {
        Self::once(Bytes::copy_from_slice(bytes))
    }
}

impl From<&str> for Content<'_> {
    fn from(text: &str) -> Self {
        Self::once(Bytes::copy_from_slice(text.as_bytes()))
    }
}
