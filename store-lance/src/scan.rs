//! Reading a Lance dataset at one version.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance::dataset::scanner::Scanner;
use worldstore_async::table::AsyncBatches;
use worldstore_core::table::{Scan, TableScan};
use worldstore_core::{Error, Result};

use crate::commit::watermark;
use crate::error::from_lance;
use crate::expression::translate;
use crate::spans::pruned;

/// Where the files that are left have no more rows, reading them costs less than reading an index.
const SCANNED_ROWS_MAX: usize = 10_000;

/// Plans a scan; nothing is read before the first batch is asked for.
pub(crate) fn scan(dataset: Arc<Dataset>, table: &SchemaRef, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
    let schema = scan.schema(table)?;
    let (version, watermark) = (dataset.version().version, watermark(dataset.config())?);
    let batches = match schema.fields().is_empty() {
        true => count(dataset, table, scan, schema.clone())?,
        false => rows(&dataset, table, scan, schema.clone())?,
    };
    Ok(TableScan::new(schema, version, watermark, batches))
}

fn rows(dataset: &Dataset, table: &SchemaRef, scan: &Scan, schema: SchemaRef) -> Result<AsyncBatches> {
    if scan.limit == Some(0) {
        // Lance takes a limit of 0 beside a filter for none at all. The filter is checked all the same.
        scan.filter().map(|filter| translate(&filter, table)).transpose()?;
        return Ok(stream::empty().boxed());
    }
    let Some(mut scanner) = scanner(dataset, table, scan)? else { return Ok(stream::empty().boxed()) };
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    scanner.project(&columns).map_err(from_lance)?;
    if let Some(limit) = scan.limit {
        scanner.limit(Some(limit_of(limit)), None).map_err(from_lance)?;
    }
    let opened = async move {
        let batches = scanner.try_into_stream().await.map_err(from_lance)?;
        Ok(batches.map_err(from_lance))
    };
    let batches = stream::once(opened).try_flatten().map(move |batch| conform(&batch?, &schema));
    Ok(batches.boxed())
}

/// The number of rows as batches without columns: from the manifest alone where there is no filter.
fn count(dataset: Arc<Dataset>, table: &SchemaRef, scan: &Scan, schema: SchemaRef) -> Result<AsyncBatches> {
    let filtered = match scan.filter() {
        Some(_) => Some(scanner(&dataset, table, scan)?),
        None => None,
    };
    let limit = scan.limit.unwrap_or(usize::MAX);
    let counted = async move {
        let rows = match filtered {
            None => dataset.count_rows(None).await.map_err(from_lance)?,
            Some(None) => 0,
            Some(Some(scanner)) => scanner.count_rows().await.map_err(from_lance)? as usize,
        };
        let options = RecordBatchOptions::new().with_row_count(Some(rows.min(limit)));
        RecordBatch::try_new_with_options(schema, Vec::new(), &options).map_err(misfit)
    };
    Ok(stream::once(counted).boxed())
}

/// A scanner of the fragments that may have rows of this scan; none if no fragment may.
fn scanner(dataset: &Dataset, table: &SchemaRef, scan: &Scan) -> Result<Option<Scanner>> {
    let mut scanner = dataset.scan();
    let Some(filter) = scan.filter() else { return Ok(Some(scanner)) };
    scanner.filter_expr(translate(&filter, table)?);
    match pruned((dataset.fragments(), dataset.config()), dataset.schema(), &filter)? {
        Some(left) if left.is_empty() => return Ok(None),
        Some(left) => {
            let rows: usize =
                left.iter().map(|fragment| fragment.physical_rows.unwrap_or(usize::MAX)).fold(0, usize::saturating_add);
            scanner.with_fragments(left).use_scalar_index(rows > SCANNED_ROWS_MAX);
        }
        None => {}
    }
    Ok(Some(scanner))
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The batch with exactly the schema that was promised.
fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |field: &arrow::datatypes::FieldRef| {
        let column = batch.column_by_name(field.name()).cloned();
        column.ok_or_else(|| Error::unexpected("Lance left out a column").with("column", field.name()))
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(misfit)
}

fn misfit(source: arrow::error::ArrowError) -> Error {
    Error::unexpected("Lance returned other columns than promised").caused_by(source)
}
