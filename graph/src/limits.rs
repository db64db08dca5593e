//! Limits of a query: what happens when one is reached, and how a query that was cut off goes on.

mod guard;
mod token;

use std::fmt;

use worldstore_core::{Error, ErrorKind};

pub(crate) use guard::Guard;
pub use token::ResumeToken;
pub(crate) use token::identity;

/// A limit of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`QueryOptions::deadline`](crate::QueryOptions::deadline).
    Deadline,
    /// [`QueryOptions::memory`](crate::QueryOptions::memory).
    Memory,
    /// [`QueryOptions::rows`](crate::QueryOptions::rows).
    Rows,
    /// [`QueryOptions::row_groups`](crate::QueryOptions::row_groups).
    RowGroups,
    /// [`QueryOptions::cancel`](crate::QueryOptions::cancel).
    Cancelled,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Rows => "rows",
            Self::RowGroups => "row groups",
            Self::Cancelled => "cancelled",
        })
    }
}

/// How a query ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// With all its rows.
    Complete,
    /// At a limit: the rows are those of the row groups that were read to their end. The rest is what the same query gives
    /// with [`resume`](crate::QueryOptions::resume).
    Truncated {
        /// The limit: the deadline, or the number of row groups.
        limit: Limit,
        /// How to go on.
        resume: ResumeToken,
    },
}

/// A query reached a limit, and there is no part of its result that could be given.
#[derive(Debug)]
pub struct LimitReached {
    pub(crate) limit: Limit,
    pub(crate) not_resumable: Option<String>,
    pub(crate) error: Error,
}

impl LimitReached {
    pub(crate) fn new(limit: Limit, message: impl Into<String>) -> Self {
        let error = Error::new(ErrorKind::Unavailable, message.into()).with("limit", limit);
        Self { limit, not_resumable: None, error }
    }

    pub(crate) fn deadline() -> Self {
        Self::new(Limit::Deadline, "the deadline of the query has passed")
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(Limit::Cancelled, "the query was cancelled")
    }

    pub(crate) fn uncut(why: &str) -> Self {
        Self::new(Limit::RowGroups, "the query cannot be cut off behind a row group").because(why)
    }

    pub(crate) fn rows(most: u64) -> Self {
        Self::new(Limit::Rows, "the result has more rows than it may have").with("rows", most)
    }

    pub(crate) fn memory(most: u64) -> Self {
        Self::new(Limit::Memory, "the query needs more memory than it may use").with("bytes", most)
    }

    fn with(mut self, key: &'static str, value: u64) -> Self {
        self.error = self.error.with(key, value);
        self
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.error = self.error.caused_by(source);
        self
    }

    /// The same for a query of which no part can be given, and why.
    pub(crate) fn because(mut self, why: &str) -> Self {
        self.error = self.error.with("not resumable", why);
        self.not_resumable = Some(why.to_owned());
        self
    }

    /// The limit.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Why there is no part of the result to go on from; none for limits that cut nothing off.
    pub fn not_resumable(&self) -> Option<&str> {
        self.not_resumable.as_deref()
    }

    /// As an error of the workspace: of the kind `Unavailable`, with the limit as context.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

#[cfg(test)]
mod tests;
