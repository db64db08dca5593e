//! What a query may use, and the error of one that wants more.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use datafusion::error::DataFusionError;
use worldstore_core::Error;

/// What a query may use. What goes beyond fails with [`LimitExceeded`] as the cause of an `Invalid`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqlOptions {
    /// Bytes that sorts, joins and groups of one query may hold at a time; 1 GiB by default. Nothing is written to disk
    /// instead. What tables hold while they are read is not counted.
    pub memory_bytes_max: usize,
    /// The time from the call to the last row; none by default. It is seen between two batches of an operator.
    pub time_max: Option<Duration>,
    /// Rows of the answer; none by default.
    pub rows_max: Option<u64>,
    /// Rows of a batch on its way through the operators; 8,192 by default.
    pub batch_rows: usize,
    /// Threads that a query is spread over; as many as the machine has by default.
    pub partitions: Option<usize>,
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self { memory_bytes_max: 1 << 30, time_max: None, rows_max: None, batch_rows: 8_192, partitions: None }
    }
}

impl SqlOptions {
    /// Sets the bytes that operators may hold.
    #[must_use]
    pub fn with_memory_bytes_max(mut self, bytes: usize) -> Self {
        self.memory_bytes_max = bytes;
        self
    }

    /// Sets the time from the call to the last row. The runtime must have its clock enabled.
    #[must_use]
    pub fn with_time_max(mut self, time: Duration) -> Self {
        self.time_max = Some(time);
        self
    }

    /// Sets the greatest number of rows of the answer.
    #[must_use]
    pub fn with_rows_max(mut self, rows: u64) -> Self {
        self.rows_max = Some(rows);
        self
    }

    /// Sets the rows of a batch.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows;
        self
    }

    /// Sets the threads that a query is spread over.
    #[must_use]
    pub fn with_partitions(mut self, partitions: usize) -> Self {
        self.partitions = Some(partitions);
        self
    }
}

/// A limit of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`SqlOptions::memory_bytes_max`].
    Memory,
    /// [`SqlOptions::time_max`].
    Time,
    /// [`SqlOptions::rows_max`].
    Rows,
}

/// A query wanted more than it may use.
#[derive(Debug)]
pub struct LimitExceeded {
    limit: Limit,
    source: Option<Box<DataFusionError>>,
}

impl LimitExceeded {
    pub(crate) fn new(limit: Limit, source: Option<DataFusionError>) -> Self {
        Self { limit, source: source.map(Box::new) }
    }

    /// Which limit it was.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Finds it among the causes of an error.
    pub fn find(error: &Error) -> Option<Limit> {
        let mut next = StdError::source(error);
        while let Some(cause) = next {
            if let Some(exceeded) = cause.downcast_ref::<Self>() {
                return Some(exceeded.limit);
            }
            next = cause.source();
        }
        None
    }
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.limit {
            Limit::Memory => "the limit of memory was exceeded",
            Limit::Time => "the limit of time was exceeded",
            Limit::Rows => "the limit of rows was exceeded",
        })
    }
}

impl StdError for LimitExceeded {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

pub(crate) fn out_of_time(time: Duration) -> Error {
    let error = Error::invalid("the query needs more time than it may take").with("limit_seconds", time.as_secs_f64());
    error.caused_by(LimitExceeded::new(Limit::Time, None))
}

pub(crate) fn too_many_rows(rows: u64) -> Error {
    let error = Error::invalid("the query has more rows than it may give").with("limit_rows", rows);
    error.caused_by(LimitExceeded::new(Limit::Rows, None))
}

/// Adds the size of a limit that only its owner knows.
pub(crate) fn with_size(error: Error, options: &SqlOptions) -> Error {
    match LimitExceeded::find(&error) {
        Some(Limit::Memory) => error.with("limit_bytes", options.memory_bytes_max),
        _ => error,
    }
}
