//! Reading a Lance dataset at one version.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use futures::{StreamExt, TryStreamExt, stream};
use lance::Dataset;
use lance::dataset::scanner::Scanner;
use lance_table::format::Fragment;
use worldstore_async::table::AsyncBatches;
use worldstore_core::table::{Scan, TableScan};
use worldstore_core::{Error, Result};

use crate::caught;
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
    let mut parts = match schema.fields().is_empty() {
        true => vec![count(dataset, table, scan, schema.clone())?],
        false => rows(&dataset, table, scan, &schema)?,
    };
    let others = parts.split_off(parts.len().min(1)).into_iter().map(caught::batches).collect();
    let first = parts.pop().unwrap_or_else(|| stream::empty().boxed());
    Ok(TableScan::new(schema, version, watermark, caught::batches(first)).with_others(others))
}

/// The rows in parts; none if there are no rows.
fn rows(dataset: &Dataset, table: &SchemaRef, scan: &Scan, schema: &SchemaRef) -> Result<Vec<AsyncBatches>> {
    if scan.limit == Some(0) {
        // Lance takes a limit of 0 beside a filter for none at all. The filter is checked all the same.
        scan.filter().map(|filter| translate(&filter, table)).transpose()?;
        return Ok(Vec::new());
    }
    let left = match scan.filter() {
        Some(filter) => pruned((dataset.fragments(), dataset.config()), dataset.schema(), &filter)?,
        None => None,
    };
    let most = scan.parts.most();
    let shares = match left {
        Some(left) if left.is_empty() => return Ok(Vec::new()),
        Some(left) => shared(left, most).into_iter().map(Some).collect(),
        None if most > 1 && dataset.fragments().len() > 1 => {
            shared(dataset.fragments().to_vec(), most).into_iter().map(Some).collect()
        }
        None => vec![None],
    };
    let names = || schema.fields().iter().map(|field| field.name());
    // Lance looks through all columns for each that is named: of thousands, that takes longer than to read them.
    let is_whole = dataset.schema().fields.iter().map(|field| &field.name).eq(names());
    let part = |fragments| {
        let mut scanner = scanner(dataset, table, scan, fragments)?;
        if !is_whole {
            scanner.project(&names().collect::<Vec<_>>()).map_err(from_lance)?;
        }
        part(scanner, scan, schema.clone())
    };
    shares.into_iter().map(part).collect()
}

/// The rows of a scanner.
fn part(mut scanner: Scanner, scan: &Scan, schema: SchemaRef) -> Result<AsyncBatches> {
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

/// Fragments, one after the other, in so many shares of about as many rows each, and none without a fragment.
fn shared(fragments: Vec<Fragment>, most: usize) -> Vec<Vec<Fragment>> {
    let rows = |fragment: &Fragment| fragment.physical_rows.unwrap_or(1).max(1);
    let all: usize = fragments.iter().map(rows).sum();
    let (mut shares, mut before) = (vec![Vec::new(); most.min(fragments.len()).max(1)], 0);
    for fragment in fragments {
        let middle = before + rows(&fragment) / 2;
        before += rows(&fragment);
        let place = (middle.saturating_mul(shares.len()) / all.max(1)).min(shares.len() - 1);
        if let Some(share) = shares.get_mut(place) {
            share.push(fragment);
        }
    }
    shares.retain(|share: &Vec<Fragment>| !share.is_empty());
    shares
}

/// The number of rows as batches without columns: from the manifest alone where there is no filter.
fn count(dataset: Arc<Dataset>, table: &SchemaRef, scan: &Scan, schema: SchemaRef) -> Result<AsyncBatches> {
    let filtered = match scan.filter() {
        Some(filter) => Some(match pruned((dataset.fragments(), dataset.config()), dataset.schema(), &filter)? {
            Some(left) if left.is_empty() => None,
            left => Some(scanner(&dataset, table, scan, left)?),
        }),
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

/// A scanner with the filter of a scan, of some fragments or of all.
fn scanner(dataset: &Dataset, table: &SchemaRef, scan: &Scan, fragments: Option<Vec<Fragment>>) -> Result<Scanner> {
    let mut scanner = dataset.scan();
    let filter = scan.filter();
    if let Some(filter) = &filter {
        scanner.filter_expr(translate(filter, table)?);
    }
    if let Some(some) = fragments {
        let rows = some.iter().map(|fragment| fragment.physical_rows.unwrap_or(usize::MAX));
        let is_indexed = rows.fold(0, usize::saturating_add) > SCANNED_ROWS_MAX;
        scanner.with_fragments(some);
        if filter.is_some() {
            scanner.use_scalar_index(is_indexed);
        }
    }
    Ok(scanner)
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
