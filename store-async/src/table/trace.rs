//! Tracing of tables: a span for every call, of a scan over the whole life of its rows.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::{Stream, StreamExt};
use tracing::Span;
use tracing::field::Empty;
use worldstore_core::Result;
use worldstore_core::table::{
    AppendOptions, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, ExpireOptions, Expiry,
    FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, Receipt, RemoveTableOptions, Scan, ShutdownOptions,
    TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion,
};
use worldstore_core::wrap::failed;

use super::backend::{AsyncBatches, AsyncTableBackend};
use crate::trace::traced;

/// Tables with a span of level debug, target `worldstore`, name `table`, around each call but
/// [`check`](AsyncTableBackend::check). Nothing else is changed; that of a scan stays open until its rows are dropped.
///
/// Fields are named after OpenTelemetry's conventions for databases: `db.system.name` (the table format),
/// `db.operation.name` (the method), `db.collection.name` (the table, if there is one), `db.response.returned_rows` of a
/// scan, `worldstore.rows` of an append; `error.type`, `error.message` and `otel.status_code` of what failed.
#[derive(Debug, Clone)]
pub struct AsyncTraceTables {
    inner: Arc<dyn AsyncTableBackend>,
}

impl AsyncTraceTables {
    /// Traces what is asked of `inner`.
    pub fn new(inner: Arc<dyn AsyncTableBackend>) -> Self {
        Self { inner }
    }

    fn span(&self, operation: &'static str, table: Option<&TableName>) -> Span {
        let span = tracing::debug_span!(
            target: "worldstore",
            "table",
            otel.kind = "client",
            otel.name = Empty,
            otel.status_code = Empty,
            db.system.name = Empty,
            db.operation.name = operation,
            db.collection.name = Empty,
            db.response.returned_rows = Empty,
            worldstore.rows = Empty,
            "error.type" = Empty,
            "error.message" = Empty,
        );
        if !span.is_disabled() {
            span.record("db.system.name", self.inner.info().format);
            if let Some(table) = table {
                span.record("db.collection.name", table.as_str());
                span.record("otel.name", format!("{operation} {table}"));
            }
        }
        span
    }
}

/// As errors name it: the tables themselves.
impl fmt::Display for AsyncTraceTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncTableBackend for AsyncTraceTables {
    fn info(&self) -> TableBackendInfo {
        self.inner.info()
    }

    async fn create(&self, table: &TableName, options: &CreateOptions) -> Result<TableInfo> {
        traced(self.span("create", Some(table)), self.inner.create(table, options)).await
    }

    async fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        traced(self.span("describe", Some(table)), self.inner.describe(table, options)).await
    }

    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        self.inner.check(table, rows)
    }

    async fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        let span = self.span("append", Some(table));
        span.record("worldstore.rows", batches.iter().map(RecordBatch::num_rows).sum::<usize>());
        traced(span, self.inner.append(table, batches, options)).await
    }

    async fn scan(&self, table: &TableName, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        let span = self.span("scan", Some(table));
        let mut opened = traced(span.clone(), self.inner.scan(table, scan)).await?;
        if !span.is_disabled() {
            let rows = Arc::new(AtomicU64::new(0));
            opened = opened.map(|batches| {
                let (rows, span) = (Arc::clone(&rows), span.clone());
                Traced { batches, rows, span }.boxed()
            });
        }
        Ok(opened)
    }

    async fn list(&self, options: &ListTablesOptions) -> Result<Vec<TableName>> {
        traced(self.span("list", None), self.inner.list(options)).await
    }

    async fn history(&self, table: &TableName, options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        traced(self.span("history", Some(table)), self.inner.history(table, options)).await
    }

    async fn evolve(&self, table: &TableName, options: &EvolveOptions) -> Result<TableInfo> {
        traced(self.span("evolve", Some(table)), self.inner.evolve(table, options)).await
    }

    async fn compact(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        traced(self.span("compact", Some(table)), self.inner.compact(table, options)).await
    }

    async fn expire(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        traced(self.span("expire", Some(table)), self.inner.expire(table, options)).await
    }

    async fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>> {
        traced(self.span("files", Some(table)), self.inner.files(table, options)).await
    }

    async fn remove(&self, table: &TableName, options: &RemoveTableOptions) -> Result<()> {
        traced(self.span("remove", Some(table)), self.inner.remove(table, options)).await
    }

    async fn flush(&self, options: &FlushOptions) -> Result<()> {
        traced(self.span("flush", None), self.inner.flush(options)).await
    }

    async fn shutdown(&self, options: &ShutdownOptions) -> Result<()> {
        traced(self.span("shutdown", None), self.inner.shutdown(options)).await
    }
}

/// Rows under the span of their scan.
struct Traced {
    batches: AsyncBatches,
    /// Those of all parts of the scan.
    rows: Arc<AtomicU64>,
    span: Span,
}

impl Stream for Traced {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { batches, rows, span } = self.get_mut();
        let polled = span.in_scope(|| batches.poll_next_unpin(context));
        match &polled {
            Poll::Ready(Some(Ok(batch))) => {
                rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            }
            Poll::Ready(Some(Err(error))) => failed(span, error),
            _ => {}
        }
        polled
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.span.record("db.response.returned_rows", self.rows.load(Ordering::Relaxed));
    }
}
