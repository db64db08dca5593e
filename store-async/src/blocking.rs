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
    begin(work)?.end().await
}

/// Begins work that changes nothing, as [`look`] does it.
fn begin<Value: Send + 'static>(work: impl FnOnce() -> Value + Send + 'static) -> Result<AbortOnDrop<Value>> {
    Ok(AbortOnDrop(runtime()?.spawn_blocking(work)))
}

/// Drops what may do I/O when it is dropped: on the blocking pool, and here if there is no runtime.
pub(crate) fn discard<Value: Send + 'static>(value: Option<Value>) {
    let Some(value) = value else { return };
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || drop(value))),
        Err(_) => drop(value),
    }
}

struct AbortOnDrop<Value>(JoinHandle<Value>);

impl<Value> AbortOnDrop<Value> {
    async fn end(mut self) -> Result<Value> {
        (&mut self.0).await.map_err(failed)
    }
}

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

/// Items that are still to come. Dropping them may take time, and is left to the blocking pool.
struct Rest<Item: Send + 'static>(Option<Items<Item>>);

type Items<Item> = Box<dyn Iterator<Item = Result<Item>> + Send>;

impl<Item: Send + 'static> Drop for Rest<Item> {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}

/// The next item, and those behind it.
type Next<Item> = (Result<Item>, Rest<Item>);

/// Where the next item comes from.
enum Ahead<Item: Send + 'static> {
    /// Whatever is fetched when it is asked for.
    Unasked(Rest<Item>),
    /// Fetched already while the one before is looked at.
    Fetched(Result<AbortOnDrop<Option<Next<Item>>>>),
}

impl<Item: Send + 'static> Ahead<Item> {
    fn fetch(mut rest: Rest<Item>) -> Result<AbortOnDrop<Option<Next<Item>>>> {
        begin(move || match rest.0.as_mut().and_then(Iterator::next) {
            Some(item) => Some((item, rest)),
            None => {
                // Here, where it may take time.
                drop(rest.0.take());
                None
            }
        })
    }

    async fn next(self) -> Result<Option<Next<Item>>> {
        match self {
            Self::Unasked(rest) => Self::fetch(rest)?.end().await,
            Self::Fetched(work) => work?.end().await,
        }
    }
}

/// An iterator as a stream. Whoever asks for a second item is likely to ask for all: from there on one item is fetched
/// ahead, while the one before is looked at. Once the stream is dropped nothing more is fetched.
pub(crate) fn stream<Item: Send + 'static>(
    first: Option<Result<Item>>,
    rest: Items<Item>,
) -> BoxStream<'static, Result<Item>> {
    let rest = Rest(Some(rest));
    let Some(first) = first else { return stream::empty().boxed() };
    let rest = stream::unfold(Some(Ahead::Unasked(rest)), |ahead| async move {
        match ahead?.next().await {
            Ok(Some((Ok(item), rest))) => Some((Ok(item), Some(Ahead::Fetched(Ahead::fetch(rest))))),
            Ok(Some((error, rest))) => Some((error, Some(Ahead::Unasked(rest)))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    stream::iter([first]).chain(rest).boxed()
}
