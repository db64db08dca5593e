//! Playing the steps of a case on one format, and keeping the count of its commits.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use worldstore_core::table::conformance::{Answer, At, Sequence, Step, column_text, row_texts};
use worldstore_core::table::schema::check_schema;
use worldstore_core::table::{
    AppendOptions, ColumnChange, CompactOptions, CreateOptions, DescribeOptions, EvolveOptions, Existing,
    ExpireOptions, FlushOptions, HistoryOptions, Level, ListTablesOptions, Predicate, Receipt, RemoveTableOptions,
    Scan, ShutdownOptions, TableInfo, TableName, TableScan,
};
use worldstore_core::{Error, ErrorKind, Result};

use crate::table::{AsyncBatches, AsyncTableBackend};

/// Whether a scan's limit is passed on. The reference reads all that matches, as which rows a limit keeps is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Kept,
    Ignored,
}

/// One of so many scans is read in parts too.
const SCANS_TO_PARTS: usize = 5;
/// In so many parts.
const PARTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// One format in the middle of a case.
pub(super) struct Player<'open, Open> {
    open: &'open Open,
    place: &'static str,
    sequence: Sequence,
    tables: Arc<dyn AsyncTableBackend>,
    /// The version that each commit of a table made, the first by its creation.
    versions: BTreeMap<&'static str, Vec<u64>>,
    /// Scans so far.
    scans: usize,
}

impl<'open, Open> Player<'open, Open>
where
    Open: AsyncFn(&str) -> Result<Arc<dyn AsyncTableBackend>>,
{
    pub async fn new(open: &'open Open, place: &'static str, sequence: Sequence) -> Result<Self> {
        Ok(Self { open, place, sequence, tables: open(place).await?, versions: BTreeMap::new(), scans: 0 })
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
            Step::Append { table, batches, options } => self.append(table, batches.clone(), options).await,
            Step::Scan { table, scan, at } => {
                let opened = self.scan(table, scan, *at, limit).await?;
                let whole = self.rows(table, opened).await?;
                self.scans += 1;
                if limit == Limit::Kept && self.scans.is_multiple_of(SCANS_TO_PARTS) {
                    self.check_parts(table, scan, *at, &whole).await?;
                }
                Ok(whole)
            }
            Step::ScanAcross { table, scan, batches } => {
                let opened = self.scan(table, scan, At::Latest, limit).await?;
                self.append(table, batches.clone(), &AppendOptions::default()).await?;
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
            Step::Evolve { table, change } => self.evolve(table, change).await,
            Step::Compact { table, drop } => self.compact(table, drop.clone()).await,
            Step::Expire { table, keep, retain, dry_run } => self.expire(table, *keep, retain, *dry_run).await,
            Step::Remove { table } => {
                self.tables.remove(&name(table)?, &RemoveTableOptions::default()).await?;
                self.versions.remove(table);
                Ok(Answer::Done)
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
        options: &AppendOptions,
    ) -> Result<Answer> {
        let table_name = name(table)?;
        let checked = batches.iter().try_for_each(|batch| self.tables.check(&table_name, batch));
        let schemas: Vec<_> = batches.iter().map(RecordBatch::schema).collect();
        let appended = self.tables.append(&table_name, batches, options).await;
        self.compare_check(&table_name, &schemas, checked, &appended).await?;
        let receipt = appended?;
        if self.sequence == Sequence::Backend {
            self.tables.flush(&FlushOptions::table(name(table)?)).await?;
        }
        let info = self.newest(table).await?;
        self.check_receipt(table, &receipt, &info)?;
        let commit = self.commit(table, info.version);
        Ok(Answer::Appended { rows: receipt.rows, seq: receipt.seq, commit })
    }

    /// What is appended passes the check before it, and what is refused for its values does not.
    async fn compare_check(
        &self,
        table: &TableName,
        schemas: &[SchemaRef],
        checked: Result<()>,
        appended: &Result<Receipt>,
    ) -> Result<()> {
        match (checked, appended) {
            (Err(error), Ok(_)) => Err(Error::unexpected("check refuses rows that are appended").caused_by(error)),
            (Ok(()), Err(error)) if error.kind() == ErrorKind::Invalid => {
                let info = self.tables.describe(table, &DescribeOptions::default()).await?;
                match schemas.iter().all(|schema| check_schema(&info.schema, schema).is_ok()) {
                    true => Err(Error::unexpected("check takes rows that an append refuses").with("append", error)),
                    false => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    async fn evolve(&mut self, table: &'static str, change: &ColumnChange) -> Result<Answer> {
        let options = match change.clone() {
            ColumnChange::Add(fields) => EvolveOptions::add(fields),
            ColumnChange::Rename { from, to } => EvolveOptions::rename(from, to),
            other => {
                return Err(
                    Error::unsupported("the driver does not know this change").with("change", format!("{other:?}"))
                );
            }
        };
        let told = self.tables.evolve(&name(table)?, &options).await?;
        let info = self.newest(table).await?;
        match told.version == info.version {
            true => Ok(self.table_answer(table, &told)),
            false => Err(Error::unexpected("another version was told than is the newest").with("told", told.version)),
        }
    }

    async fn compact(&mut self, table: &'static str, drop: Option<Predicate>) -> Result<Answer> {
        let mut options = CompactOptions::default();
        options.drop = drop;
        let compaction = self.tables.compact(&name(table)?, &options).await?;
        let info = self.newest(table).await?;
        if compaction.version != info.version || compaction.files_after > 1 {
            return Err(Error::unexpected("not one file, or another version than the newest")
                .with("told", format!("{compaction:?}")));
        }
        Ok(Answer::Compacted { commit: self.commit(table, info.version), dropped_rows: compaction.dropped_rows })
    }

    async fn expire(&mut self, table: &'static str, keep: usize, retain: &[usize], dry_run: bool) -> Result<Answer> {
        let retain = retain.iter().map(|commit| self.version(table, At::Commit(*commit)));
        let retain = retain.collect::<Result<Vec<_>>>()?;
        let mut options = ExpireOptions::default().with_keep(keep).with_retain(retain.into_iter().flatten());
        options.dry_run = dry_run;
        let expiry = self.tables.expire(&name(table)?, &options).await?;
        let commits = expiry.versions.iter().filter_map(|version| self.commit(table, *version));
        Ok(Answer::Expired(commits.filter(|commit| *commit > 0).collect()))
    }

    /// The newest version, which is counted as a commit if it was not there before.
    async fn newest(&mut self, table: &'static str) -> Result<TableInfo> {
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
        Ok(info)
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
        if !opened.others.is_empty() {
            return Err(wrong("scan has parts that nobody has asked for"));
        }
        let TableScan { schema, version, watermark, batches, .. } = opened;
        let mut rows = texts(&schema, batches).await?;
        rows.sort();
        let columns = schema.fields().iter().map(|field| column_text(field)).collect();
        Ok(Answer::Rows { columns, commit: self.commit(table, version), watermark, rows })
    }

    /// A scan in parts is the same one: each row is in one part, and no part goes beyond the limit.
    async fn check_parts(&self, table: &str, scan: &Scan, at: At, whole: &Answer) -> Result<()> {
        let Answer::Rows { columns, rows: all, .. } = whole else { return Ok(()) };
        let opened = self.scan(table, &scan.clone().with_parts(PARTS), at, Limit::Kept).await?;
        let names: Vec<String> = opened.schema.fields().iter().map(|field| column_text(field)).collect();
        if names != *columns {
            return Err(wrong("scan in parts has other columns"));
        }
        let schema = Arc::clone(&opened.schema);
        let mut rows = Vec::new();
        for (number, part) in opened.into_parts().into_iter().enumerate() {
            let some = texts(&schema, part).await?;
            if number >= PARTS.get() || scan.limit.is_some_and(|limit| some.len() > limit) {
                return Err(wrong("scan has too many parts, or a part goes beyond the limit").with("part", number));
            }
            rows.extend(some);
        }
        rows.sort();
        // Which rows a limit keeps is open.
        let (differs, fewer) = (scan.limit.is_none() && rows != *all, rows.len() < all.len());
        match differs || fewer {
            true => Err(wrong("scan in parts has other rows").with("rows", rows.len()).with("whole", all.len())),
            false => Ok(()),
        }
    }

    fn table_answer(&self, table: &str, info: &TableInfo) -> Answer {
        let columns = info.schema.fields().iter().map(|field| column_text(field)).collect();
        let commit = self.commit(table, info.version);
        Answer::Table { columns, commit, watermark: info.watermark, epoch: info.epoch, rows: info.rows }
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

fn wrong(what: &str) -> Error {
    Error::unexpected(what)
}

async fn texts(schema: &SchemaRef, batches: AsyncBatches) -> Result<Vec<String>> {
    let batches: Vec<RecordBatch> = batches.try_collect().await?;
    let rows = batches.iter().map(|batch| row_texts(schema, batch)).collect::<Result<Vec<_>>>()?;
    Ok(rows.concat())
}

fn name(table: &str) -> Result<TableName> {
    TableName::new(table)
}
