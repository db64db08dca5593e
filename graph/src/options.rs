//! What a query may use, and which state of the tables it asks.

use std::time::{Duration, Instant};

use worldstore_cypher_runtime::Cancel;
use worldstore_datafusion::Moment;

use crate::limits::ResumeToken;
use crate::tier::Minimum;

/// What a query may use, which state it asks, and how sure its rows must be. By default there are no limits, and the
/// newest state is asked.
///
/// A deadline and a way to cancel cost a thread that waits.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct QueryOptions {
    /// When the query must have come to its end. A query whose rows come one after the other (no aggregate, no order, no
    /// `DISTINCT`, `SKIP` and `LIMIT`) ends with what it has then, and says how to go on
    /// ([`Outcome::Truncated`](crate::Outcome::Truncated)); any other fails ([`QueryError::Limit`](crate::QueryError)). Edges
    /// that are not in memory yet are not brought there for a query with a deadline: it joins.
    pub deadline: Option<Instant>,
    /// Bytes that joins, sorts, groups and the result may hold together. More is [`QueryError::Limit`](crate::QueryError).
    pub memory: Option<u64>,
    /// Rows of the result. More is [`QueryError::Limit`](crate::QueryError).
    pub rows: Option<u64>,
    /// Row groups that are read before the query ends with what it has; the same cut as by a deadline, but the same each
    /// time. A row group is one of the files of the label that the query is cut along, a batch of rows in memory, 64
    /// sequence numbers of a table of a world, or, in a query that is walked, a row of the result.
    pub row_groups: Option<u64>,
    /// What the caller can stop the query with, from anywhere; dropping the future of the query does the same.
    pub cancel: Option<Cancel>,
    /// Goes on where an earlier call of the same query was cut off, in the same state of the tables.
    pub resume: Option<ResumeToken>,
    /// The state that is asked; `AS OF` in the text says the same.
    pub at: Option<Moment>,
    /// How sure what is read must be at least.
    pub minimum: Minimum,
}

impl QueryOptions {
    /// True if nothing is limited but the time, and nothing chosen or left out.
    pub(crate) fn limit_time_at_most(&self) -> bool {
        let Self { deadline: _, memory, rows, row_groups, cancel: _, resume, at, minimum } = self;
        let unlimited = memory.is_none() && rows.is_none() && row_groups.is_none();
        unlimited && resume.is_none() && at.is_none() && minimum.is_none()
    }

    /// Sets when the query must have come to its end.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how long the query may take from now on.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.with_deadline(deadline),
            // Beyond the end of the clock there is no deadline.
            None => self,
        }
    }

    /// Sets the bytes that the query may hold.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Sets the greatest number of rows of the result.
    #[must_use]
    pub fn with_rows(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Sets the number of row groups after which the query is cut off.
    #[must_use]
    pub fn with_row_groups(mut self, row_groups: u64) -> Self {
        self.row_groups = Some(row_groups);
        self
    }

    /// Sets what the caller can stop the query with.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Goes on where an earlier call was cut off.
    #[must_use]
    pub fn with_resume(mut self, token: ResumeToken) -> Self {
        self.resume = Some(token);
        self
    }

    /// Asks a state in the past.
    #[must_use]
    pub fn with_at(mut self, at: Moment) -> Self {
        self.at = Some(at);
        self
    }

    /// Sets how sure what is read must be at least.
    #[must_use]
    pub fn with_minimum(mut self, minimum: Minimum) -> Self {
        self.minimum = minimum;
        self
    }
}
