//! Tracing: a span for every call, of a read over the whole life of its body.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tracing::Span;
use tracing::field::Empty;

use crate::backend::{Backend, Presign, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;

use super::no_links;
use super::operation::Operation;

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceScope {
    /// A call, with all its attempts.
    Call,
    /// One attempt of a call.
    Attempt,
}

impl TraceScope {
    /// Opens a span of level debug named `backend`, with the fields `db.operation.name`, and below `worldstore.` `scope`,
    /// `backend`, `key` (or the prefix, the target of a move, the number of keys of a delete), and `bytes` and `outcome`
    /// to be recorded later, and what [`failed`] records.
    ///
    /// A span of a disabled level costs no more than asking for it.
    pub fn span(self, operation: Operation, backend: &dyn fmt::Display, name: &dyn fmt::Display) -> Span {
        let scope = match self {
            Self::Call => "call",
            Self::Attempt => "attempt",
        };
        tracing::debug_span!(
            target: "worldstore",
            "backend",
            otel.kind = "client",
            otel.name = operation.as_str(),
            otel.status_code = Empty,
            db.operation.name = operation.as_str(),
            worldstore.scope = scope,
            worldstore.backend = %backend,
            worldstore.key = %name,
            worldstore.bytes = Empty,
            worldstore.outcome = Empty,
            "error.type" = Empty,
            "error.message" = Empty,
        )
    }
}

/// A backend that opens a span around each call, by [`TraceScope`], and changes nothing. The span of a read stays open
/// until its body is dropped, and so does that of a writer until it ends. Listings are not drained and bodies not held.
#[derive(Debug, Clone)]
pub struct TraceBackend {
    inner: Arc<dyn Backend>,
    scope: TraceScope,
}

impl TraceBackend {
    /// Traces what goes to `inner`.
    pub fn new(inner: Arc<dyn Backend>, scope: TraceScope) -> Self {
        Self { inner, scope }
    }

    fn span(&self, operation: Operation, name: &dyn fmt::Display) -> Span {
        self.scope.span(operation, &self.inner, name)
    }
}

/// Notes in a span how a call ended: nothing if it went well, as [`failed`] if not.
///
/// # Errors
/// The answer's.
pub fn ended<Value>(span: &Span, answer: Result<Value>) -> Result<Value> {
    answer.inspect_err(|error| failed(span, error))
}

/// As [`ended`], with the `outcome` of a change.
///
/// # Errors
/// The answer's.
pub fn ended_change(span: &Span, answer: Result<Outcome>) -> Result<Outcome> {
    ended(span, answer).inspect(|outcome| {
        let outcome = match outcome {
            Outcome::Applied(_) => "applied",
            Outcome::Rejected => "rejected",
            Outcome::Unknown => "unknown",
        };
        span.record("worldstore.outcome", outcome);
    })
}

/// Notes an error in a span, as [`failed_as`]: its message without its context, which may hold values of rows.
pub fn failed(span: &Span, error: &Error) {
    failed_as(span, error.kind(), error.message());
}

/// Notes a failure in a span, as far as it has these fields: `error.type`, the [kind](ErrorKind::code), `error.message`,
/// and `otel.status_code`, by which OpenTelemetry knows a failure.
pub fn failed_as(span: &Span, kind: ErrorKind, message: &str) {
    span.record("error.type", kind.code());
    span.record("error.message", message);
    span.record("otel.status_code", "ERROR");
}

impl fmt::Display for TraceBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trace({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Backend for TraceBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    fn stat(&self, key: &Key, options: &StatOptions) -> Result<ObjectMeta> {
        let span = self.span(Operation::Stat, key);
        ended(&span, span.in_scope(|| self.inner.stat(key, options)))
    }

    fn read(&self, key: &Key, options: &ReadOptions) -> Result<ReadReply<Chunks>> {
        let span = self.span(Operation::Read, key);
        let ReadReply { meta, range, body, .. } = ended(&span, span.in_scope(|| self.inner.read(key, options)))?;
        let traced = Traced { body, bytes: 0, span };
        Ok(ReadReply::new(meta, range, Box::new(traced)))
    }

    fn read_ranges(&self, key: &Key, ranges: &[Range<u64>], options: &ReadRangesOptions) -> Result<Vec<Bytes>> {
        let span = self.span(Operation::ReadRanges, key);
        let parts = ended(&span, span.in_scope(|| self.inner.read_ranges(key, ranges, options)))?;
        span.record("worldstore.bytes", parts.iter().map(|part| part.len() as u64).sum::<u64>());
        Ok(parts)
    }

    fn write(&self, key: &Key, body: Bytes, options: &WriteOptions) -> Result<Outcome> {
        let span = self.span(Operation::Write, key);
        span.record("worldstore.bytes", body.len() as u64);
        ended_change(&span, span.in_scope(|| self.inner.write(key, body, options)))
    }

    fn open_writer(&self, key: &Key, options: &WriteOptions) -> Result<Box<dyn Writer>> {
        let span = self.span(Operation::OpenWriter, key);
        let inner = ended(&span, span.in_scope(|| self.inner.open_writer(key, options)))?;
        Ok(Box::new(TraceWriter { inner, bytes: 0, span }))
    }

    fn settle(&self, key: &Key, token: &WriteToken, options: &SettleOptions) -> Result<Settled> {
        let span = self.span(Operation::Settle, key);
        ended(&span, span.in_scope(|| self.inner.settle(key, token, options)))
    }

    fn delete(&self, keys: &[Key], options: &DeleteOptions) -> Result<Vec<Deleted>> {
        let span = self.span(Operation::Delete, &keys.len());
        let answers = ended(&span, span.in_scope(|| self.inner.delete(keys, options)))?;
        for answer in &answers {
            if let Deleted::Failed(error) = answer {
                failed(&span, error);
            }
        }
        Ok(answers)
    }

    fn list(&self, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
        let span = self.span(Operation::List, prefix);
        ended(&span, span.in_scope(|| self.inner.list(prefix, options)))
    }

    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Outcome> {
        let span = self.span(Operation::Copy, to);
        ended_change(&span, span.in_scope(|| self.inner.copy(from, to, options)))
    }

    fn rename(&self, from: &Key, to: &Key, options: &RenameOptions) -> Result<Outcome> {
        let span = self.span(Operation::Rename, to);
        ended_change(&span, span.in_scope(|| self.inner.rename(from, to, options)))
    }

    fn check(&self, options: &CheckOptions) -> Result<()> {
        let span = self.span(Operation::Check, &"");
        ended(&span, span.in_scope(|| self.inner.check(options)))
    }

    fn presign(&self) -> Option<&dyn Presign> {
        self.inner.presign().map(|_| self as &dyn Presign)
    }
}

impl Presign for TraceBackend {
    fn sign(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let presign = self.inner.presign().ok_or_else(no_links)?;
        let span = self.span(Operation::Sign, key);
        ended(&span, span.in_scope(|| presign.sign(key, options)))
    }
}

/// A body under the span of its read.
struct Traced {
    body: Chunks,
    bytes: u64,
    span: Span,
}

impl Iterator for Traced {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.span.in_scope(|| self.body.next());
        match &item {
            Some(Ok(chunk)) => self.bytes += chunk.len() as u64,
            Some(Err(error)) => failed(&self.span, error),
            None => {}
        }
        item
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.span.record("worldstore.bytes", self.bytes);
    }
}

#[derive(Debug)]
struct TraceWriter {
    inner: Box<dyn Writer>,
    bytes: u64,
    span: Span,
}

#[deny(clippy::missing_trait_methods)]
impl Writer for TraceWriter {
    fn write(&mut self, chunk: Bytes) -> Result<()> {
        let Self { inner, bytes, span } = self;
        *bytes += chunk.len() as u64;
        ended(span, span.in_scope(|| inner.write(chunk)))
    }

    fn commit(self: Box<Self>) -> Result<Outcome> {
        let Self { inner, bytes, span } = *self;
        span.record("worldstore.bytes", bytes);
        ended_change(&span, span.in_scope(|| inner.commit()))
    }

    fn abort(self: Box<Self>) -> Result<()> {
        let Self { inner, span, .. } = *self;
        ended(&span, span.in_scope(|| inner.abort()))
    }
}
