//! Ends work that takes too long, or that nobody wants any more.

use std::future::Future;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use worldstore_core::{Error, ErrorKind};
use worldstore_cypher_runtime::Cancel;
use worldstore_datafusion::Roomy;

use super::LimitReached;
use crate::error::QueryError;
use crate::options::QueryOptions;
use crate::stop::Stop;

/// How often it is looked whether the caller has given up.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    pub deadline: Option<Instant>,
    pub cancel: Option<Cancel>,
    /// Is asked of operators once nobody waits for them.
    pub stop: Stop,
}

impl Guard {
    pub fn new(options: &QueryOptions) -> Self {
        Self { deadline: options.deadline, cancel: options.cancel.clone(), stop: Stop::default() }
    }

    /// True if it never ends anything.
    pub fn is_idle(&self) -> bool {
        self.deadline.is_none() && self.cancel.is_none()
    }

    /// Waits for work that gives way now and then.
    pub async fn watch<T>(&self, work: impl Future<Output = Result<T, QueryError>>) -> Result<T, QueryError> {
        if self.is_idle() {
            return work.await;
        }
        // The runtime's own timer stands still while all of its threads compute.
        let (sender, stopped) = oneshot::channel();
        let (_working, worked) = mpsc::channel::<()>();
        let guard = self.clone();
        let thread = thread::Builder::new().name("query-limits".to_owned());
        thread
            .spawn(move || guard.keep(&worked, sender))
            .map_err(|source| Error::new(ErrorKind::Unavailable, "no thread keeps the deadline").caused_by(source))?;
        tokio::select! {
            biased;
            Ok(reached) = stopped => Err(QueryError::from(reached)),
            done = work => done,
        }
    }

    /// Waits for work that may compute for long without giving way: it goes on a thread of its own until it does, and is
    /// forgotten.
    pub async fn detach<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, QueryError>> + Send + 'static,
    ) -> Result<T, QueryError> {
        let work = Roomy::new(work);
        if self.is_idle() {
            return work.await;
        }
        let runtime = Handle::try_current().map_err(|source| {
            Error::new(ErrorKind::Unsupported, "a query with a deadline needs a tokio runtime").caused_by(source)
        })?;
        let mut task = Aborted(runtime.spawn(work), self.stop.clone());
        self.watch(async {
            match (&mut task.0).await {
                Ok(result) => result,
                Err(source) => Err(Error::unexpected("the query did not come to its end").caused_by(source).into()),
            }
        })
        .await
    }

    /// Tells when the work must end, and asks operators to stop; until nobody works any more.
    fn keep(self, worked: &Receiver<()>, sender: oneshot::Sender<LimitReached>) {
        loop {
            let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let reached = match left {
                _ if self.cancel.as_ref().is_some_and(Cancel::is_cancelled) => Some(LimitReached::cancelled()),
                Some(Duration::ZERO) => Some(LimitReached::deadline()),
                _ => None,
            };
            if let Some(reached) = reached {
                // Before the work fails by being stopped, it is known why.
                let _ = sender.send(reached);
                self.stop.stop();
                return;
            }
            let pause = match (left, &self.cancel) {
                (Some(left), None) => left,
                (left, _) => left.map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY)),
            };
            if worked.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }
}

/// Is stopped when dropped.
struct Aborted<T>(JoinHandle<T>, Stop);

impl<T> Drop for Aborted<T> {
    fn drop(&mut self) {
        if !self.0.is_finished() {
            self.0.abort();
            self.1.stop();
        }
    }
}
