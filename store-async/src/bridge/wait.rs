//! Waiting on this thread, where that is allowed.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::Handle;
use tokio::task::coop;
use worldstore_core::{Error, Result};

/// More than tokio grants a task in one go, which is 128.
const UNITS: usize = 256;

/// Refuses to wait on a thread that polls async tasks: it would keep them all from moving on.
///
/// Tokio has no question for that. It gives every task that it polls a budget, though, and none to threads that may
/// block: the blocking pool, `block_in_place`, threads of others that have entered a runtime.
pub(super) fn refuse_async() -> Result<()> {
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
            "a sync call would block a runtime: call the async side, or move the call to `spawn_blocking`",
        )),
    }
}

/// Polls a future that others wake, on this thread.
pub(super) fn wait<Value>(future: impl Future<Output = Value>) -> Value {
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
