//! The connection, and waiting for it from a thread that knows nothing of runtimes.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::runtime::{Builder, Runtime};
use worldstore_core::{Error, Result};

use super::error::{is_broken, translate};

/// The oldest server that has MERGE, as it counts versions.
const VERSION_MIN: u32 = 150_000;

/// Every statement here names the keys that it wants, and finds them by the index, one by one. The server's planner would take
/// that for dear where there are many, and read whole tables; and a plan that was made for an empty table, which it keeps, would
/// go on to read all of it. So there is one plan for each statement, by the index. (Compiling plans costs more than they do.)
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
                     SET enable_mergejoin = off; SET jit = off";

/// One connection, made anew after it broke.
pub(super) struct Link {
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

impl Link {
    pub(super) fn new(options: PgConnectOptions) -> Result<Self> {
        // The one thread watches the socket; futures are driven by the thread that calls.
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("zset-postgres").enable_all().build();
        let runtime = runtime.map_err(|error| Error::unexpected("a thread cannot be started").caused_by(error))?;
        Ok(Self { runtime: Some(runtime), options, connection: None })
    }

    /// Makes sure that there is a connection, outside of a transaction.
    pub(super) fn ready(&mut self) -> Result<()> {
        if self.connection.is_none() {
            let _context = self.runtime.as_ref().map(Runtime::enter);
            let connection = wait(PgConnection::connect_with(&self.options)).map_err(translate)?;
            if let Some(version) = connection.server_version_num().filter(|version| *version < VERSION_MIN) {
                let error = Error::unsupported("the server is older than postgresql 15, the first that merges");
                return Err(error.with("version", version));
            }
            self.connection = Some(connection);
            let planned = self.execute(PLANS);
            if planned.is_err() {
                self.cut();
            }
            return planned;
        }
        Ok(())
    }

    /// Runs an action on the connection. One that breaks the connection lets go of it.
    pub(super) fn run<T>(&mut self, action: impl AsyncFnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
        let _context = self.runtime.as_ref().map(Runtime::enter);
        let Some(connection) = self.connection.as_mut() else {
            return Err(Error::new(worldstore_core::ErrorKind::Unavailable, "the connection to the server is gone"));
        };
        let result = wait(action(connection));
        if result.as_ref().is_err_and(is_broken) {
            self.connection = None;
        }
        result
    }

    /// Runs statements without parameters and forgets what they answer.
    pub(super) fn execute(&mut self, sql: &str) -> Result<()> {
        self.run(async |connection| sqlx::raw_sql(sql).execute(connection).await.map(drop).map_err(translate))
    }

    /// Lets go of the connection; the server undoes what was not committed.
    pub(super) fn cut(&mut self) {
        let _context = self.runtime.as_ref().map(Runtime::enter);
        self.connection = None;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let (Some(connection), Some(runtime)) = (self.connection.take(), self.runtime.as_ref()) {
            let _context = runtime.enter();
            // The server closes its end in any case; this only tells it sooner.
            let _told = wait(connection.close()).is_ok();
        }
        if let Some(runtime) = self.runtime.take() {
            // Waiting for its thread is not allowed everywhere.
            runtime.shutdown_background();
        }
    }
}

/// Waits for a future by parking the thread.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
