//! Waiting for async work from sync code: on a runtime's threads, with typed errors where waiting is not allowed.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures::stream::StreamExt;
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, coop};
use worldstore_core::{Error, ErrorKind, Result};

/// Chunks that wait between the producer and the reader. One more is in the producer's hands.
const CHUNKS_QUEUED: usize = 1;
/// More than tokio grants a task in one go, which is 128.
const UNITS: usize = 256;

/// The runtime on which the work runs: one of its own, or a borrowed one.
pub(crate) struct Worker {
    handle: Handle,
    /// Ended when the last user of the worker is gone.
    own: Option<Runtime>,
}

impl Worker {
    /// Starts a runtime with one thread for async work.
    pub(crate) fn start() -> Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(1).thread_name("worldstore-bridge").enable_all();
        let runtime = builder.build().map_err(|source| Error::io("start a runtime", source))?;
        Ok(Self { handle: runtime.handle().clone(), own: Some(runtime) })
    }

    /// Borrows a runtime, which must have threads of its own.
    pub(crate) fn borrow(handle: Handle) -> Result<Self> {
        match handle.runtime_flavor() {
            RuntimeFlavor::CurrentThread => {
                let message = "a runtime of one thread runs nothing while a caller waits, lend one with worker threads";
                Err(Error::unsupported(message))
            }
            _ => Ok(Self { handle, own: None }),
        }
    }

    /// Runs the work on the runtime and waits for it.
    pub(crate) fn run<Value: Send + 'static>(
        &self,
        work: impl Future<Output = Result<Value>> + Send + 'static,
    ) -> Result<Value> {
        refuse_async()?;
        wait(self.handle.spawn(work)).map_err(lost)?
    }

    /// A stream as an iterator: the runtime fetches ahead by two chunks at most, and stops when it is dropped.
    pub(crate) fn iterate<Item: Send + 'static>(
        self: &Arc<Self>,
        mut stream: futures::stream::BoxStream<'static, Result<Item>>,
    ) -> Iter<Item> {
        let (sender, items) = mpsc::channel(CHUNKS_QUEUED);
        let pump = async move {
            while let Some(item) = stream.next().await {
                if sender.send(item).await.is_err() {
                    break;
                }
            }
        };
        Iter { items, pump: Some(self.handle.spawn(pump)), _worker: Arc::clone(self) }
    }

    /// Drops a value where async code may expect to be dropped.
    pub(crate) fn discard<Value>(&self, value: Value) {
        let _inside = self.handle.enter();
        drop(value);
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.own.is_some() { "Worker(own)" } else { "Worker(borrowed)" })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Waiting for its threads would not be allowed in async code.
        if let Some(runtime) = self.own.take() {
            runtime.shutdown_background();
        }
    }
}

/// The items of a stream that a [`Worker`] drives.
pub(crate) struct Iter<Item> {
    items: mpsc::Receiver<Result<Item>>,
    /// None once it has ended.
    pump: Option<JoinHandle<()>>,
    _worker: Arc<Worker>,
}

impl<Item> Iterator for Iter<Item> {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pump.as_ref()?;
        if let Err(error) = refuse_async() {
            self.stop();
            return Some(Err(error));
        }
        match wait(self.items.recv()) {
            Some(Ok(item)) => Some(Ok(item)),
            Some(Err(error)) => {
                self.stop();
                Some(Err(error))
            }
            // Without a look at how it ended, a lost producer would pass for the end of the object.
            None => wait(self.pump.take()?).err().map(|source| Err(lost(source))),
        }
    }
}

impl<Item> Iter<Item> {
    fn stop(&mut self) {
        if let Some(pump) = self.pump.take() {
            pump.abort();
        }
    }
}

impl<Item> Drop for Iter<Item> {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lost(source: JoinError) -> Error {
    match source.is_cancelled() {
        true => Error::new(ErrorKind::Poisoned, "the runtime of the adapter has shut down").caused_by(source),
        false => Error::unexpected("the backend panicked").caused_by(source),
    }
}

/// Refuses to wait on a thread that polls async tasks: it would keep them all from moving on.
///
/// Tokio has no question for that. It gives every task that it polls a budget, though, and none to threads that may
/// block: the blocking pool, `block_in_place`, threads of others that have entered a runtime.
fn refuse_async() -> Result<()> {
    if Handle::try_current().is_err() {
        return Ok(());
    }
    let mut context = Context::from_waker(Waker::noop());
    // Each unit comes back when its guard is dropped; the first guard, dropped last, restores the whole.
    let mut guards = Vec::with_capacity(UNITS);
    while guards.len() < UNITS {
        match coop::poll_proceed(&mut context) {
            Poll::Ready(guard) => guards.push(guard),
            Poll::Pending => break,
        }
    }
    let blocking_allowed = guards.len() == UNITS;
    while let Some(guard) = guards.pop() {
        drop(guard);
    }
    match blocking_allowed {
        true => Ok(()),
        false => Err(Error::unsupported(
            "a sync call would block a runtime: call the async backend, or move the call to `spawn_blocking`",
        )),
    }
}

/// Polls a future that others wake, on this thread.
fn wait<Value>(future: impl Future<Output = Value>) -> Value {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
