//! Playing the steps of a case on one format, and keeping the count of its commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use worldstore_core::table::conformance::{Answer, At, Sequence, Step, column_text, row_texts};
use worldstore_core::table::{
    AppendOptions, CreateOptions, DescribeOptions, Existing, FlushOptions, HistoryOptions, Level, ListTablesOptions,
    Receipt, Scan, ShutdownOptions, TableInfo, TableName, TableScan, WatermarkStep,
};
use worldstore_core::{Error, Result};

use crate::table::{AsyncBatches, AsyncTableBackend};

/// Whether a scan's limit is passed on. The reference reads all that matches, as which rows a limit keeps is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Kept,
    Ignored,
}

/// One format in the middle of a case.
pub(super) struct Player<'open, Open> {
    open: &'open Open,
    place: &'static str,
    sequence: Sequence,
    tables: Arc<dyn AsyncTableBackend>,
    /// The version that each commit of a table made, the first by its creation.
    versions: BTreeMap<&'static str, Vec<u64>>,
}

impl<'open, Open> Player<'open, Open>
where
    Open: AsyncFn(&str) -> Result<Arc<dyn AsyncTableBackend>>,
{
    pub async fn new(open: &'open Open, place: &'static str, sequence: Sequence) -> Result<Self> {
        Ok(Self { open, place, sequence, tables: open(place).await?, versions: BTreeMap::new() })
    }

    /// Makes the step; a failure is an answer. The limit is that of a scan.
    pub async fn play(&mut self, step: &Step, limit: Limit) -> Result<(Answer, Option<usize>)> {
        if matches!(step, Step::Reopen) {
            self.tables = (self.open)(self.place).await?;
            return Ok((Answer::Done, None));
        }
        let kept = match step {
            Step::Scan { scan, .. } | Step::ScanAcross { scan, .. } => scan.limit,
            _ => None,
        };
        Ok((self.answer(step, limit).await.unwrap_or_else(|error| Answer::failed(&error)), kept))
    }

    async fn answer(&mut self, step: &Step, limit: Limit) -> Result<Answer> {
        match step {
            Step::Create { table, schema, existing } => {
                let mut options = CreateOptions::new(schema.clone());
                options.existing = *existing;
                self.create(table, &options).await
            }
            Step::Describe { table, at } => {
                let mut options = DescribeOptions::default();
                options.version = self.version(table, *at)?;
                let info = self.tables.describe(&name(table)?, &options).await?;
                Ok(self.table_answer(table, &info))
            }
            Step::Append { table, batches, watermark } => self.append(table, batches.clone(), *watermark).await,
            Step::Scan { table, scan, at } => {
                let opened = self.scan(table, scan, *at, limit).await?;
                self.rows(table, opened).await
            }
            Step::ScanAcross { table, scan, batches } => {
                let opened = self.scan(table, scan, At::Latest, limit).await?;
                self.append(table, batches.clone(), None).await?;
                self.rows(table, opened).await
            }
            Step::List => {
                let names = self.tables.list(&ListTablesOptions::default()).await?;
                Ok(Answer::Names(names.iter().map(ToString::to_string).collect()))
            }
            Step::History { table } => {
                let history = self.tables.history(&name(table)?, &HistoryOptions::default()).await?;
                let versions = history.iter().filter(|each| self.starts_at(table, each.version));
                Ok(Answer::History(versions.map(|each| (self.commit(table, each.version), each.watermark)).collect()))
            }
            Step::Flush => self.tables.flush(&FlushOptions::default()).await.map(|()| Answer::Done),
            Step::Shutdown => self.tables.shutdown(&ShutdownOptions::default()).await.map(|()| Answer::Done),
            other => Err(Error::unsupported("the driver does not know this step").with("step", other)),
        }
    }

    async fn create(&mut self, table: &'static str, options: &CreateOptions) -> Result<Answer> {
        let info = self.tables.create(&name(table)?, options).await?;
        if options.existing == Existing::Refuse || !self.versions.contains_key(table) {
            self.versions.insert(table, vec![info.version]);
        }
        Ok(self.table_answer(table, &info))
    }

    async fn append(
        &mut self,
        table: &'static str,
        batches: Vec<RecordBatch>,
        watermark: Option<WatermarkStep>,
    ) -> Result<Answer> {
        let mut options = AppendOptions::default();
        options.watermark = watermark;
        let receipt = self.tables.append(&name(table)?, batches, &options).await?;
        if self.sequence == Sequence::Backend {
            self.tables.flush(&FlushOptions::table(name(table)?)).await?;
        }
        let info = self.tables.describe(&name(table)?, &DescribeOptions::default()).await?;
        let versions = self.versions.entry(table).or_default();
        let last = versions.last().copied();
        match last {
            Some(last) if info.version < last => {
                return Err(Error::unexpected("version went back").with("from", last).with("to", info.version));
            }
            Some(last) if info.version == last => {}
            _ => versions.push(info.version),
        }
        self.check_receipt(table, &receipt, &info)?;
        let commit = self.commit(table, info.version);
        Ok(Answer::Appended { rows: receipt.rows, seq: receipt.seq, commit })
    }

    fn check_receipt(&self, table: &str, receipt: &Receipt, info: &TableInfo) -> Result<()> {
        let wrong = |what: &'static str| Error::unexpected(what).with("receipt", format!("{receipt:?}"));
        if receipt.table.as_str() != table {
            return Err(wrong("receipt names another table"));
        }
        if self.sequence == Sequence::Backend {
            return Ok(());
        }
        if receipt.level != Level::Committed || receipt.version != Some(info.version) {
            return Err(wrong("receipt is not for the version that was committed").with("version", info.version));
        }
        Ok(())
    }

    async fn scan(&self, table: &str, scan: &Scan, at: At, limit: Limit) -> Result<TableScan<AsyncBatches>> {
        let mut scan = scan.clone();
        scan.version = self.version(table, at)?;
        if limit == Limit::Ignored {
            scan.limit = None;
        }
        self.tables.scan(&name(table)?, &scan).await
    }

    async fn rows(&self, table: &str, opened: TableScan<AsyncBatches>) -> Result<Answer> {
        let TableScan { schema, version, watermark, batches, .. } = opened;
        let batches: Vec<RecordBatch> = batches.try_collect().await?;
        let rows = batches.iter().map(|batch| row_texts(&schema, batch)).collect::<Result<Vec<_>>>()?;
        let mut rows = rows.concat();
        rows.sort();
        let columns = schema.fields().iter().map(|field| column_text(field)).collect();
        Ok(Answer::Rows { columns, commit: self.commit(table, version), watermark, rows })
    }

    fn table_answer(&self, table: &str, info: &TableInfo) -> Answer {
        let columns = info.schema.fields().iter().map(|field| column_text(field)).collect();
        let commit = self.commit(table, info.version);
        Answer::Table { columns, commit, watermark: info.watermark, rows: info.rows }
    }

    /// Whose number a version is: none if no step of this case has made it.
    fn commit(&self, table: &str, version: u64) -> Option<usize> {
        self.versions.get(table)?.iter().position(|each| *each == version)
    }

    /// A history may tell the creation or not: it is left out.
    fn starts_at(&self, table: &str, version: u64) -> bool {
        self.commit(table, version) != Some(0)
    }

    fn version(&self, table: &str, at: At) -> Result<Option<u64>> {
        let versions = self.versions.get(table).map(Vec::as_slice).unwrap_or_default();
        match at {
            At::Latest => Ok(None),
            At::Commit(number) => match versions.get(number) {
                Some(version) => Ok(Some(*version)),
                None => Err(Error::unexpected("the case has not made so many commits").with("commit", number)),
            },
            At::Missing => Ok(Some(versions.last().copied().unwrap_or_default() + 1_000)),
        }
    }
}

fn name(table: &str) -> Result<TableName> {
    TableName::new(table)
}
