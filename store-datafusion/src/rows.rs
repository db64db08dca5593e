//! The rows of a query, as they come.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use worldstore_async::table::AsyncBatches;
use worldstore_core::{Error, Result};

use crate::error::from_datafusion;
use crate::limits::{SqlOptions, out_of_time, too_many_rows, with_size};

/// Batches that are ready before they are asked for.
const READY: usize = 2;

/// The answer of a query under way. Dropping it, or its batches, ends the query.
#[non_exhaustive]
pub struct SqlRows {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows. After an error it ends; a limit that is exceeded is such an error.
    pub batches: AsyncBatches,
}

impl SqlRows {
    /// Reads them into memory.
    ///
    /// # Errors
    /// Those of the query and its limits.
    pub async fn collect(self) -> Result<Vec<RecordBatch>> {
        self.batches.try_collect().await
    }

    /// Runs in a task of its own: an operator that is busy does not keep the deadline from being seen.
    pub(crate) fn new(stream: SendableRecordBatchStream, options: Arc<SqlOptions>, deadline: Deadline) -> Self {
        let schema = stream.schema();
        let (sender, receiver) = mpsc::channel(READY);
        let task = AbortOnDrop(tokio::spawn(run(stream, sender)));
        let running = Running { receiver, task, options, deadline, rows: 0, is_over: false };
        let batches = stream::unfold(running, |mut running| async move {
            let batch = running.next().await?;
            running.is_over = batch.is_err();
            Some((batch, running))
        });
        Self { schema, batches: batches.boxed() }
    }
}

impl std::fmt::Debug for SqlRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlRows").field("schema", &self.schema).finish_non_exhaustive()
    }
}

async fn run(mut stream: SendableRecordBatchStream, sender: mpsc::Sender<Result<RecordBatch, DataFusionError>>) {
    while let Some(batch) = stream.next().await {
        let is_last = batch.is_err();
        if sender.send(batch).await.is_err() || is_last {
            return;
        }
    }
}

/// When a query has to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Option<(Instant, Duration)>,
}

impl Deadline {
    /// From now on.
    pub fn after(time: Option<Duration>) -> Self {
        // A time that no clock can show is none.
        Self { at: time.and_then(|time| Some((Instant::now().checked_add(time)?, time))) }
    }

    pub async fn within<Value>(&self, work: impl Future<Output = Value>) -> Result<Value> {
        match self.at {
            Some((at, time)) => timeout_at(at, work).await.map_err(|_| out_of_time(time)),
            None => Ok(work.await),
        }
    }
}

struct Running {
    receiver: mpsc::Receiver<Result<RecordBatch, DataFusionError>>,
    task: AbortOnDrop,
    options: Arc<SqlOptions>,
    deadline: Deadline,
    rows: u64,
    is_over: bool,
}

impl Running {
    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        if self.is_over {
            return None;
        }
        let received = match self.deadline.within(self.receiver.recv()).await {
            Ok(received) => received,
            Err(error) => {
                self.task.0.abort();
                return Some(Err(error));
            }
        };
        match received {
            Some(Ok(batch)) => Some(self.count(batch)),
            Some(Err(error)) => Some(Err(with_size(from_datafusion(error), &self.options))),
            None => {
                self.is_over = true;
                // The end of the channel may be the end of a task that failed.
                let ended = (&mut self.task.0).await;
                ended.err().map(|source| Err(Error::unexpected("the query was broken off").caused_by(source)))
            }
        }
    }

    fn count(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        self.rows += batch.num_rows() as u64;
        match self.options.rows_max {
            Some(limit) if self.rows > limit => {
                self.task.0.abort();
                Err(too_many_rows(limit))
            }
            _ => Ok(batch),
        }
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
