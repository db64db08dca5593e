//! Appends: files first, then the commit, then whether the table stands on it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use lance::Dataset;
use lance::dataset::transaction::Transaction;
use lance::dataset::{CommitBuilder, InsertBuilder, WriteMode};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::schema::check_schema;
use worldstore_core::table::{AppendOptions, ListTablesOptions, TableName, WatermarkStep};
use worldstore_core::{Error, ErrorKind, Result};

use crate::commit::{epoch as mark, is_set_by, properties, watermark};
use crate::hidden::formed;
use crate::lineage::{self, Standing, standing_of};
use crate::spans;
use crate::tables::{LanceTables, explain, schema_of};

/// So often an append is committed anew because the versions that it stands on have expired.
const ATTEMPTS_MAX: usize = 10;

impl LanceTables {
    /// Fences off writers of smaller epochs: once this is done none of their appends takes effect, in any table that there
    /// is. A table that does not know the epoch yet gets a version without rows.
    ///
    /// # Errors
    /// `Fenced` if a table knows a greater epoch; `Unsupported` where one dataset stands for every name; those of an append.
    pub async fn claim(&self, epoch: u64) -> Result<()> {
        let options = AppendOptions::default().with_epoch(epoch);
        for table in self.list(&ListTablesOptions::default()).await? {
            let dataset = self.latest(&table).await?;
            if mark(dataset.config())? != epoch {
                self.write(&table, Vec::new(), &options).await?;
            }
        }
        Ok(())
    }

    /// Appends rows, and returns a version that stands on them.
    pub(crate) async fn write(
        &self,
        table: &TableName,
        rows: Vec<RecordBatch>,
        options: &AppendOptions,
    ) -> Result<Dataset> {
        for _ in 0..ATTEMPTS_MAX {
            // With files of its own each time: those before may have expired with the version that had them.
            let (dataset, transaction) = self.stage(table, rows.clone(), options).await?;
            let (schema, id) = (dataset.schema().clone(), transaction.uuid.clone());
            if let Some(done) = self.commit(table, dataset, transaction, options).await? {
                return Ok(done);
            }
            let latest = self.latest(table).await?;
            if lineage::contains(latest.config(), &id) {
                return Ok(latest);
            }
            if *latest.schema() != schema {
                break;
            }
        }
        Err(Error::new(ErrorKind::Conflict, "versions changed and expired faster than the append could be committed")
            .with("table", table))
    }

    /// Writes the files of the rows. Until they are committed nothing has changed.
    async fn stage(
        &self,
        table: &TableName,
        rows: Vec<RecordBatch>,
        options: &AppendOptions,
    ) -> Result<(Dataset, Transaction)> {
        let dataset = self.latest(table).await?;
        let schema = schema_of(&dataset);
        for batch in &rows {
            check_schema(&schema, batch.schema_ref()).map_err(|error| error.with("table", table))?;
        }
        let before = watermark(dataset.config())?;
        options.check_epoch(mark(dataset.config())?).map_err(|error| error.with("table", table))?;
        if let Some(step) = &options.watermark {
            // Refused here, a repeated append leaves no file behind; the commit decides races.
            step.check(before).map_err(|error| error.with("table", table))?;
        }
        let rows = alike(rows, &schema)?;
        let properties = properties(options, spans::of_rows(&rows, dataset.schema()));
        let params = self.params(WriteMode::Append, properties);
        let insert = InsertBuilder::new(Arc::new(dataset.clone())).with_params(&params);
        let transaction = insert.execute_uncommitted(rows).await.map_err(|source| explain(source, table))?;
        Ok((dataset, transaction))
    }

    /// None if versions that the commit stood on have expired, so that it is not in the table.
    async fn commit(
        &self,
        table: &TableName,
        dataset: Dataset,
        transaction: Transaction,
        options: &AppendOptions,
    ) -> Result<Option<Dataset>> {
        let id = transaction.uuid.clone();
        let commit = CommitBuilder::new(Arc::new(dataset)).with_skip_auto_cleanup(true);
        let error = match commit.execute(transaction).await {
            Ok(committed) => match standing_of(self.backend(), &committed).await {
                Ok(Standing::Holds) => {
                    self.hold(table, &committed);
                    return Ok(Some(committed));
                }
                Ok(Standing::Overtaken) => {
                    self.take_back(table, &committed).await;
                    return Ok(None);
                }
                Err(error) => error.with("table", table),
            },
            Err(source) => explain(source, table),
        };
        match error.is_not_found() {
            true => Ok(None),
            false => self.read_back(table, options.watermark, &id, error).await.map(Some),
        }
    }

    /// After an error, the table says whether the rows are in it.
    async fn read_back(
        &self,
        table: &TableName,
        step: Option<WatermarkStep>,
        id: &str,
        error: Error,
    ) -> Result<Dataset> {
        self.forget_held(table);
        let Some(step) = step else {
            return match self.latest(table).await {
                Ok(dataset) if lineage::contains(dataset.config(), id) => Ok(dataset),
                _ => Err(unclear(error)),
            };
        };
        let is_refusal = matches!(error.kind(), ErrorKind::ConditionFailed | ErrorKind::Fenced);
        match self.find(table, step, id).await {
            Ok((_, Some(dataset))) => Ok(dataset),
            Ok((have, None)) if is_refusal || have == step.expected => Err(error),
            Ok((have, None)) => Err(Error::new(ErrorKind::ConditionFailed, "another writer moved the table")
                .with("have", have)
                .with("expected", step.expected)
                .caused_by(error)),
            Err(_) => Err(unclear(error)),
        }
    }

    /// Where the table stands, and a version that stands on this transaction, if it has made its step.
    async fn find(&self, table: &TableName, step: WatermarkStep, id: &str) -> Result<(u64, Option<Dataset>)> {
        let latest = self.latest(table).await?;
        let have = watermark(latest.config())?;
        let mut dataset = latest.clone();
        while watermark(dataset.config())? > step.expected {
            if is_set_by(dataset.config(), id) {
                return Ok((have, Some(dataset)));
            }
            match dataset.checkout_version(dataset.version().version - 1).await {
                Ok(before) => dataset = before,
                // The version itself has expired; the latest still tells.
                Err(_) if lineage::contains(latest.config(), id) => return Ok((have, Some(latest))),
                Err(source) => return Err(explain(source, table)),
            }
        }
        Ok((have, None))
    }
}

/// The rows with exactly this schema, in at least one batch: Lance compares metadata too, and writes no list of none.
/// Columns are shared, not copied, but those that have to be brought into form.
fn alike(rows: Vec<RecordBatch>, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let rows = if rows.is_empty() { vec![RecordBatch::new_empty(schema.clone())] } else { rows };
    let alike = rows
        .iter()
        .map(|batch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).and_then(|batch| formed(&batch)));
    alike.collect::<Result<_, _>>().map_err(|source| Error::invalid("rows do not fit the table").caused_by(source))
}

/// An error after which the change may be in the table.
fn unclear(error: Error) -> Error {
    let is_clear = matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::Invalid
            | ErrorKind::Unsupported
            | ErrorKind::StorageFull
            | ErrorKind::ConditionFailed
            | ErrorKind::Fenced
    );
    match is_clear {
        true => error,
        false => Error::new(ErrorKind::OutcomeUnknown, "the append may or may not have happened").caused_by(error),
    }
}
