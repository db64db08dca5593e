//! Running blocking work from async code: off the runtime's threads, with typed errors for whatever goes wrong.

use futures::stream::{self, BoxStream, StreamExt};
use tokio::runtime::Handle;
use worldstore_core::{Error, Result};

/// Runs `work` on the blocking pool. If the caller goes away, the work still ends as it began.
pub(crate) async fn run<Value: Send + 'static>(work: impl FnOnce() -> Value + Send + 'static) -> Result<Value> {
    let handle = Handle::try_current()
        .map_err(|source| Error::unsupported("blocking backends need a tokio runtime around them").caused_by(source))?;
    handle.spawn_blocking(work).await.map_err(|source| Error::unexpected("blocking work failed").caused_by(source))
}

/// An iterator as a stream: one item is fetched at a time, and nothing more once the stream is dropped.
pub(crate) fn stream<Item: Send + 'static>(
    first: Option<Result<Item>>,
    rest: Box<dyn Iterator<Item = Result<Item>> + Send>,
) -> BoxStream<'static, Result<Item>> {
    let Some(first) = first else { return stream::empty().boxed() };
    let rest = stream::unfold(Some(rest), |rest| async move {
        let mut rest = rest?;
        match run(move || (rest.next(), rest)).await {
            Ok((Some(item), rest)) => Some((item, Some(rest))),
            Ok((None, _)) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    stream::iter([first]).chain(rest).boxed()
}
