//! Compaction of rows whose form has to be minded: read, formed and written by us, committed by Lance.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::AsArray;
use arrow::datatypes::{SchemaRef, UInt64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use lance::Dataset;
use lance::dataset::index::DatasetIndexRemapperOptions;
use lance::dataset::optimize::{
    CompactionMetrics, CompactionOptions, CompactionTask, RewriteResult, commit_compaction, plan_compaction,
};
use lance::dataset::transaction::Operation;
use lance::dataset::{InsertBuilder, WriteMode};
use lance_core::{Error as LanceError, ROW_ADDR};
use roaring::RoaringTreemap;

use crate::hidden::formed;
use crate::tables::{LanceTables, schema_of};

/// The addresses of rows that were read.
type Addresses = Arc<Mutex<RoaringTreemap>>;

impl LanceTables {
    /// As [`compact_files`](lance::dataset::optimize::compact_files), for tables with parts that Lance cannot write as it
    /// reads them.
    pub(crate) async fn rewrite(&self, dataset: &mut Dataset, how: &CompactionOptions) -> lance::Result<()> {
        let plan = plan_compaction(dataset, how).await?;
        let mut done = Vec::with_capacity(plan.num_tasks());
        for task in plan.compaction_tasks() {
            done.push(self.rewrite_some(dataset, task, how).await?);
        }
        let indexes = Arc::new(DatasetIndexRemapperOptions::default());
        commit_compaction(dataset, done, indexes, plan.options()).await.map(|_| ())
    }

    async fn rewrite_some(
        &self,
        dataset: &Dataset,
        task: CompactionTask,
        how: &CompactionOptions,
    ) -> lance::Result<RewriteResult> {
        let original_fragments = task.task.fragments;
        let mut scanner = dataset.scan();
        scanner.with_fragments(original_fragments.clone()).scan_in_order(true).with_row_address();
        let (schema, addresses) = (schema_of(dataset), Addresses::default());
        let (of_rows, taken) = (Arc::clone(&schema), Arc::clone(&addresses));
        let read = SendableRecordBatchStream::from(scanner.try_into_stream().await?);
        let rows = read.and_then(move |batch| {
            let formed = without_addresses(&batch, &of_rows, &taken);
            std::future::ready(formed.map_err(DataFusionError::from))
        });
        let rows: SendableRecordBatchStream = Box::pin(RecordBatchStreamAdapter::new(schema, rows));
        let mut params = self.params(WriteMode::Append, None);
        params.max_rows_per_file = how.target_rows_per_fragment;
        let insert = InsertBuilder::new(Arc::new(dataset.clone())).with_params(&params);
        let new_fragments = match insert.execute_uncommitted_stream(rows).await?.operation {
            Operation::Append { fragments } => fragments,
            other => return Err(LanceError::internal(format!("rows were written by {other}"))),
        };
        let metrics = CompactionMetrics {
            fragments_removed: original_fragments.len(),
            fragments_added: new_fragments.len(),
            files_removed: original_fragments.iter().map(|fragment| fragment.files.len()).sum(),
            files_added: new_fragments.iter().map(|fragment| fragment.files.len()).sum(),
        };
        let mut row_addrs = Vec::new();
        addresses.lock().unwrap_or_else(PoisonError::into_inner).serialize_into(&mut row_addrs)?;
        let (read_version, row_addrs) = (task.read_version, Some(row_addrs));
        Ok(RewriteResult { metrics, new_fragments, read_version, original_fragments, row_addrs })
    }
}

/// Notes the addresses of rows, and gives the rows in form.
fn without_addresses(
    batch: &RecordBatch,
    schema: &SchemaRef,
    addresses: &Addresses,
) -> Result<RecordBatch, ArrowError> {
    let missing = |name: &str| ArrowError::SchemaError(format!("column {name} was not read"));
    let found = batch.column_by_name(ROW_ADDR).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let found = found.ok_or_else(|| missing(ROW_ADDR))?;
    addresses.lock().unwrap_or_else(PoisonError::into_inner).extend(found.values().iter().copied());
    let column = |name: &String| batch.column_by_name(name).cloned().ok_or_else(|| missing(name));
    let columns = schema.fields().iter().map(|field| column(field.name())).collect::<Result<_, _>>()?;
    formed(&RecordBatch::try_new(Arc::clone(schema), columns)?)
}
