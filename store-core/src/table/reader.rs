//! Applying a scan to batches of a whole table: the reference for formats that cannot do it themselves.

use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::predicate::Predicate;
use super::scan::Scan;
use crate::error::{Error, Result};

/// Applies filter and projection of a scan to batches of the whole table schema.
#[derive(Debug, Clone)]
pub struct Reader {
    schema: SchemaRef,
    filter: Option<Predicate>,
}

impl Reader {
    /// A reader for batches of a table with schema `table`.
    ///
    /// # Errors
    /// As for [`Scan::schema`].
    pub fn new(scan: &Scan, table: &SchemaRef) -> Result<Self> {
        Ok(Self { schema: scan.schema(table)?, filter: scan.filter() })
    }

    /// The rows and columns that the scan asks for; its limit is not applied.
    ///
    /// # Errors
    /// As for [`Predicate::evaluate`](super::Predicate::evaluate).
    pub fn read(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let failed = |source| Error::unexpected("rows could not be read").caused_by(source);
        let kept = match &self.filter {
            Some(filter) => filter_record_batch(batch, &filter.evaluate(batch)?).map_err(failed)?,
            None => batch.clone(),
        };
        let column = |field: &arrow::datatypes::FieldRef| {
            let column = kept.column_by_name(field.name()).cloned();
            column.ok_or_else(|| Error::invalid("unknown column").with("column", field.name()))
        };
        let columns = self.schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(kept.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &rows).map_err(failed)
    }
}
