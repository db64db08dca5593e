//! Settings of deadlines, which only the async side has: see [the module](crate::wrap).

use std::time::Duration;

/// How long things may take. Both are unbounded by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TimeoutOptions {
    /// One call. An append and a commit of a writer are calls; the body of a read is not a part of its call.
    pub call: Option<Duration>,
    /// One chunk of a body.
    pub chunk: Option<Duration>,
}

impl TimeoutOptions {
    /// Bounds calls and chunks alike.
    pub fn new(time: Duration) -> Self {
        Self { call: Some(time), chunk: Some(time) }
    }

    /// Bounds calls.
    #[must_use]
    pub fn with_call(mut self, time: Duration) -> Self {
        self.call = Some(time);
        self
    }

    /// Bounds chunks.
    #[must_use]
    pub fn with_chunk(mut self, time: Duration) -> Self {
        self.chunk = Some(time);
        self
    }
}
