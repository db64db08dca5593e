//! Waiting for async work from sync code: on a runtime's threads, with typed errors where waiting is not allowed.

mod items;
mod wait;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{self as threads, Sender, SyncSender};

use futures::stream::{BoxStream, StreamExt};
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::sync::mpsc;
use tokio::task::{JoinError, block_in_place};
use worldstore_core::{Error, ErrorKind, Result};

pub(crate) use items::Ahead;
pub use items::Pulled;
use wait::{refuse_async, wait};

/// Items that wait between the producer and the reader. One more is in the producer's hands.
const ITEMS_QUEUED: usize = 1;

/// A way from sync code to async work: a runtime of its own, or a borrowed one, whose threads do the work while the
/// caller's thread waits. Clones share it, and a runtime of its own ends with the last of them.
///
/// # Errors
/// In async code, where waiting would block a runtime, every call fails with [`ErrorKind::Unsupported`]: on tasks, in
/// `block_on`, and nowhere else. Threads of `spawn_blocking` and sections of `block_in_place` may call. (A task under
/// `tokio::task::unconstrained` is not noticed, and waits.) After a borrowed runtime has shut down every call fails with
/// [`ErrorKind::Poisoned`].
#[derive(Clone)]
pub struct Bridge {
    handle: Handle,
    /// None where the runtime is borrowed.
    own: Option<Arc<Own>>,
}

/// A runtime that ends with its last bridge.
struct Own(Option<Runtime>);

impl Drop for Own {
    fn drop(&mut self) {
        // Waiting for its threads would not be allowed in async code.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Bridge {
    /// Starts a runtime with so many threads for async work. It has a blocking pool besides.
    ///
    /// # Errors
    /// Those of the system if a thread does not start.
    pub fn new(threads: NonZeroUsize) -> Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(threads.get()).thread_name("worldstore-bridge").enable_all();
        let runtime = builder.build().map_err(|source| Error::io("start a runtime", source))?;
        Ok(Self { handle: runtime.handle().clone(), own: Some(Arc::new(Own(Some(runtime)))) })
    }

    /// Borrows a runtime, which must have threads of its own and outlive the bridge.
    ///
    /// # Errors
    /// `Unsupported` for a runtime of one thread: nothing says that its thread moves on while a caller waits.
    pub fn with_handle(handle: Handle) -> Result<Self> {
        match handle.runtime_flavor() {
            RuntimeFlavor::CurrentThread => {
                let message = "a runtime of one thread runs nothing while a caller waits, lend one with worker threads";
                Err(Error::unsupported(message))
            }
            _ => Ok(Self { handle, own: None }),
        }
    }

    /// Runs the work on the runtime and waits for it.
    ///
    /// # Errors
    /// Those of the work and of the [bridge](Self); `Unexpected` if the work panics.
    pub fn run<Value: Send + 'static>(
        &self,
        work: impl Future<Output = Result<Value>> + Send + 'static,
    ) -> Result<Value> {
        refuse_async()?;
        wait(self.handle.spawn(work)).map_err(lost)?
    }

    /// Runs work that asks questions meanwhile, and answers them on this thread: `answer` may borrow, and may itself wait
    /// for work on the same bridge.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn run_asking<Question, Answer, Value, Work>(
        &self,
        work: impl FnOnce(Asker<Question, Answer>) -> Work,
        mut answer: impl FnMut(Question) -> Answer,
    ) -> Result<Value>
    where
        Value: Send + 'static,
        Work: Future<Output = Result<Value>> + Send + 'static,
    {
        refuse_async()?;
        let (sender, questions) = threads::channel();
        let task = self.handle.spawn(work(Asker { sender }));
        // It ends when the work has ended, however it did.
        for (question, reply) in questions {
            // Nobody waits for it any more if the runtime has shut down: the task tells.
            let _ = reply.send(answer(question));
        }
        wait(task).map_err(lost)?
    }

    /// A stream as an iterator: each item is made when it is asked for, and nothing before.
    pub fn pull<Item: Send + 'static>(&self, stream: BoxStream<'static, Result<Item>>) -> Pulled<Item> {
        Pulled::new(stream, self.clone())
    }

    /// A stream as an iterator: the runtime fetches ahead by two items at most, and stops when it is dropped.
    pub(crate) fn fetch_ahead<Item: Send + 'static>(
        &self,
        mut stream: BoxStream<'static, Result<Item>>,
    ) -> Ahead<Item> {
        let (sender, items) = mpsc::channel(ITEMS_QUEUED);
        let pump = async move {
            while let Some(item) = stream.next().await {
                if sender.send(item).await.is_err() {
                    break;
                }
            }
        };
        Ahead::new(items, self.handle.spawn(pump), self.clone())
    }

    /// Drops a value where async code may expect to be dropped.
    pub(crate) fn discard<Value>(&self, value: Value) {
        let _inside = self.handle.enter();
        drop(value);
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.own.is_some() { "Bridge(own)" } else { "Bridge(borrowed)" })
    }
}

/// Asks the thread that waits for the work, see [`Bridge::run_asking`].
#[derive(Debug)]
pub struct Asker<Question, Answer> {
    sender: Sender<(Question, SyncSender<Answer>)>,
}

impl<Question, Answer> Asker<Question, Answer> {
    /// Asks, and waits for the answer. Other work of the runtime goes on meanwhile.
    ///
    /// # Errors
    /// `Unexpected` if the other thread has panicked.
    pub fn ask(&self, question: Question) -> Result<Answer> {
        let gone = || Error::unexpected("the thread that answers is gone");
        let (reply, answer) = threads::sync_channel(1);
        self.sender.send((question, reply)).map_err(|_| gone())?;
        block_in_place(|| answer.recv()).map_err(|_| gone())
    }
}

fn lost(source: JoinError) -> Error {
    match source.is_cancelled() {
        true => Error::new(ErrorKind::Poisoned, "the runtime of the bridge has shut down").caused_by(source),
        false => Error::unexpected("the work panicked").caused_by(source),
    }
}
