//! A stretch of row groups that the scans of one label are held to, so that a query can be run piece by piece.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;

/// Sequence numbers of a table of a world that count as one row group.
pub(crate) const GROUP_SEQUENCES: u64 = 64;

/// See the module. All row groups by default.
#[derive(Debug, Default)]
pub(crate) struct Window {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    range: Option<Range<u64>>,
    total: u64,
    is_counted: bool,
    bounds: BTreeMap<String, RangeInclusive<u64>>,
}

impl Window {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds scans that are planned from now on to these row groups.
    pub fn set(&self, range: Range<u64>) {
        self.lock().range = Some(range);
    }

    /// The row groups; all if none.
    pub fn range(&self) -> Option<Range<u64>> {
        self.lock().range.clone()
    }

    /// Holds a variable to rows with these sequence numbers.
    pub fn bind(&self, variable: &str, sequences: RangeInclusive<u64>) {
        self.lock().bounds.insert(variable.to_owned(), sequences);
    }

    /// The sequence numbers of the rows that a variable is held to, where rows have such numbers; all if none.
    pub fn sequences(&self, variable: &str) -> Option<RangeInclusive<u64>> {
        let inner = self.lock();
        let of_groups = inner.range.as_ref().map(|range| {
            let end = range.end.saturating_mul(GROUP_SEQUENCES);
            range.start.saturating_mul(GROUP_SEQUENCES)..=end.saturating_sub(1)
        });
        inner.bounds.get(variable).cloned().or(of_groups)
    }

    /// Notes how many row groups there are.
    pub fn note_total(&self, total: u64) {
        let mut inner = self.lock();
        inner.total = inner.total.max(total);
    }

    /// How many row groups there are, as far as a scan has seen.
    pub fn total(&self) -> u64 {
        self.lock().total
    }

    /// True if what a scan leaves out is to be counted: once for all pieces.
    pub fn is_to_count(&self) -> bool {
        let mut inner = self.lock();
        inner.range.is_none() || !std::mem::replace(&mut inner.is_counted, true)
    }
}

/// Rows in memory; each batch is a row group.
#[derive(Debug)]
pub(crate) struct OwnedTable {
    pub schema: SchemaRef,
    pub batches: Arc<[RecordBatch]>,
    pub window: Arc<Window>,
}

#[async_trait]
impl TableProvider for OwnedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.window.note_total(self.batches.len() as u64);
        let inside = self.window.range();
        let numbered = self.batches.iter().zip(0_u64..);
        let chosen = numbered.filter(|(_, number)| inside.as_ref().is_none_or(|range| range.contains(number)));
        let chosen = chosen.map(|(batch, _)| batch.clone()).collect();
        MemTable::try_new(Arc::clone(&self.schema), vec![chosen])?.scan(state, projection, filters, limit).await
    }
}
