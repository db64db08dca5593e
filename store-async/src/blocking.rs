//! Running blocking work from async code: off the runtime's threads, with typed errors for whatever goes wrong.

use futures::stream::{self, BoxStream, StreamExt};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use worldstore_core::{Error, Result};

/// Runs `work` on the blocking pool. If the caller goes away, the work still ends as it began.
pub(crate) async fn run<Value: Send + 'static>(work: impl FnOnce() -> Value + Send + 'static) -> Result<Value> {
    runtime()?.spawn_blocking(work).await.map_err(failed)
}

/// Runs `work` that changes nothing on the blocking pool. If the caller goes away before it has begun, it never does.
pub(crate) async fn look<Value: Send + 'static>(work: impl FnOnce() -> Value + Send + 'static) -> Result<Value> {
    let mut work = AbortOnDrop(runtime()?.spawn_blocking(work));
    (&mut work.0).await.map_err(failed)
}

struct AbortOnDrop<Value>(JoinHandle<Value>);

impl<Value> Drop for AbortOnDrop<Value> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn runtime() -> Result<Handle> {
    let missing = |source| Error::unsupported("blocking backends need a tokio runtime around them").caused_by(source);
    Handle::try_current().map_err(missing)
}

fn failed(source: JoinError) -> Error {
    Error::unexpected("blocking work failed").caused_by(source)
}

/// An iterator as a stream: one item is fetched at a time, and nothing more once the stream is dropped.
pub(crate) fn stream<Item: Send + 'static>(
    first: Option<Result<Item>>,
    rest: Box<dyn Iterator<Item = Result<Item>> + Send>,
) -> BoxStream<'static, Result<Item>> {
    let Some(first) = first else { return stream::empty().boxed() };
    let rest = stream::unfold(Some(rest), |rest| async move {
        let mut rest = rest?;
        match look(move || (rest.next(), rest)).await {
            Ok((Some(item), rest)) => Some((item, Some(rest))),
            Ok((None, _)) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    stream::iter([first]).chain(rest).boxed()
}
