//! Tables in memory: the reference that other formats are compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::backend::TableBackend;
use super::maintenance::*;
use super::name::TableName;
use super::ops::*;
use super::reader::Reader;
use super::scan::Scan;
use super::schema::{check_nulls, check_schema, widen};
use crate::error::{Error, ErrorKind, Result};

/// Tables in memory. They are gone when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryTables {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tables: BTreeMap<TableName, Table>,
    closed: bool,
}

#[derive(Debug)]
struct Table {
    /// The columns that it was created with: those of version 0.
    created: SchemaRef,
    /// Version `n` is what the first `n` commits have made.
    commits: Vec<Commit>,
    /// Versions that cannot be read any more.
    expired: BTreeSet<u64>,
}

#[derive(Debug, Clone)]
struct Commit {
    /// The columns of the table from here on.
    schema: SchemaRef,
    rows: Rows,
    watermark: u64,
    epoch: u64,
    committed_ms: i64,
}

/// What a commit does to the rows.
#[derive(Debug, Clone)]
enum Rows {
    /// Puts these behind those that are there.
    Added(Vec<RecordBatch>),
    /// Puts these in place of all.
    Replaced(Vec<RecordBatch>),
}

impl Rows {
    fn batches(&self) -> &[RecordBatch] {
        let (Self::Added(batches) | Self::Replaced(batches)) = self;
        batches
    }
}

/// A table at one version.
struct At<'table> {
    version: u64,
    schema: SchemaRef,
    /// The commits that its rows are in.
    commits: &'table [Commit],
}

impl MemoryTables {
    /// No tables.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn table(&self, name: &TableName) -> Result<&Table> {
        self.tables.get(name).ok_or_else(|| Error::not_found("no such table").with("table", name))
    }

    /// A table that shall be changed.
    fn table_mut(&mut self, name: &TableName) -> Result<&mut Table> {
        if self.closed {
            return Err(Error::new(ErrorKind::Poisoned, "tables are shut down").with("table", name));
        }
        self.tables.get_mut(name).ok_or_else(|| Error::not_found("no such table").with("table", name))
    }
}

impl Table {
    fn at(&self, version: Option<u64>) -> Result<At<'_>> {
        let version = version.unwrap_or(self.commits.len() as u64);
        let missing = || Error::not_found("no such version").with("version", version);
        if self.expired.contains(&version) {
            return Err(missing());
        }
        let until =
            usize::try_from(version).ok().and_then(|version| self.commits.get(..version)).ok_or_else(missing)?;
        let from = until.iter().rposition(|commit| matches!(commit.rows, Rows::Replaced(_))).unwrap_or(0);
        let schema = until.last().map_or(&self.created, |commit| &commit.schema);
        Ok(At { version, schema: schema.clone(), commits: &until[from..] })
    }

    /// Makes the next version, with watermark and epoch of the one before.
    fn replace(&mut self, schema: SchemaRef, batches: Vec<RecordBatch>) {
        let (watermark, epoch) = self.commits.last().map_or((0, 0), |commit| (commit.watermark, commit.epoch));
        self.commits.push(Commit { schema, rows: Rows::Replaced(batches), watermark, epoch, committed_ms: now_ms() });
    }

    /// Forgets the rows that only expired versions have.
    fn release(&mut self) {
        let oldest = (0..=self.commits.len() as u64).find(|version| !self.expired.contains(version)).unwrap_or(0);
        let Ok(At { commits, .. }) = self.at(Some(oldest)) else { return };
        let dead = oldest as usize - commits.len();
        for commit in &mut self.commits[..dead] {
            commit.rows = Rows::Added(Vec::new());
        }
    }
}

impl At<'_> {
    fn watermark(&self) -> u64 {
        self.commits.last().map_or(0, |commit| commit.watermark)
    }

    fn epoch(&self) -> u64 {
        self.commits.last().map_or(0, |commit| commit.epoch)
    }

    fn batches(&self) -> impl Iterator<Item = &RecordBatch> {
        self.commits.iter().flat_map(|commit| commit.rows.batches())
    }

    fn info(&self, name: &TableName) -> TableInfo {
        let rows = self.batches().map(|batch| batch.num_rows() as u64).sum();
        TableInfo::new(name.clone(), self.schema.clone(), self.version, self.watermark(), rows).with_epoch(self.epoch())
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}

impl fmt::Display for MemoryTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}

impl TableBackend for MemoryTables {
    fn info(&self) -> TableBackendInfo {
        TableBackendInfo::new("memory", "")
    }

    fn create(&self, table: &TableName, options: &CreateOptions) -> Result<TableInfo> {
        let mut state = self.lock();
        match (state.tables.get(table), options.existing) {
            (None, _) => {}
            (Some(_), Existing::Refuse) => {
                return Err(Error::new(ErrorKind::AlreadyExists, "table exists already").with("table", table));
            }
            (Some(existing), Existing::Keep) => {
                let existing = existing.at(None)?;
                check_schema(&existing.schema, &options.schema).map_err(|error| error.with("table", table))?;
                return Ok(existing.info(table));
            }
        }
        let made = Table { created: options.schema.clone(), commits: Vec::new(), expired: BTreeSet::new() };
        let info = made.at(None)?.info(table);
        state.tables.insert(table.clone(), made);
        Ok(info)
    }

    fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        let state = self.lock();
        let at = state.table(table)?.at(options.version).map_err(|error| error.with("table", table))?;
        Ok(at.info(table))
    }

    /// Memory holds whatever Arrow does.
    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        check_nulls(rows).map_err(|error| error.with("table", table))
    }

    fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        let mut state = self.lock();
        let held = state.table_mut(table)?;
        let newest = held.at(None)?;
        for batch in &batches {
            check_schema(&newest.schema, batch.schema_ref()).map_err(|error| error.with("table", table))?;
        }
        let batches: Vec<_> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        let epoch = options.check_epoch(newest.epoch()).map_err(|error| error.with("table", table))?;
        let have = newest.watermark();
        let watermark = match options.watermark {
            Some(step) => step.check(have).map_err(|error| error.with("table", table))?,
            None => have,
        };
        if batches.is_empty() && options.watermark.is_none() {
            return Ok(Receipt::committed(table.clone(), 0, have, newest.version));
        }
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        let (schema, committed_ms) = (newest.schema, now_ms());
        held.commits.push(Commit { schema, rows: Rows::Added(batches), watermark, epoch, committed_ms });
        Ok(Receipt::committed(table.clone(), rows, watermark, held.commits.len() as u64))
    }

    fn scan(&self, table: &TableName, scan: &Scan) -> Result<TableScan<Batches>> {
        let (table_schema, version, watermark, batches) = {
            let state = self.lock();
            let at = state.table(table)?.at(scan.version).map_err(|error| error.with("table", table))?;
            (at.schema.clone(), at.version, at.watermark(), at.batches().cloned().collect::<Vec<_>>())
        };
        let schema = scan.schema(&table_schema).map_err(|error| error.with("table", table))?;
        let reader = Reader::new(scan, &table_schema)?;
        let rows = |batches: Vec<RecordBatch>| {
            let reader = reader.clone();
            limited(Box::new(batches.into_iter().map(move |batch| reader.read(&batch))), scan.limit)
        };
        let at_once = batches.len().div_ceil(scan.parts.most()).max(1);
        let mut parts = batches.chunks(at_once).map(|some| rows(some.to_vec()));
        let first = parts.next().unwrap_or_else(|| rows(Vec::new()));
        Ok(TableScan::new(schema, version, watermark, first).with_others(parts.collect()))
    }

    fn list(&self, _options: &ListTablesOptions) -> Result<Vec<TableName>> {
        Ok(self.lock().tables.keys().cloned().collect())
    }

    fn history(&self, table: &TableName, _options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        let state = self.lock();
        let held = state.table(table)?;
        let commits = (1..).zip(&held.commits).filter(|(number, _)| !held.expired.contains(number));
        Ok(commits.map(|(number, commit)| TableVersion::new(number, commit.watermark, commit.committed_ms)).collect())
    }

    fn evolve(&self, table: &TableName, options: &EvolveOptions) -> Result<TableInfo> {
        let mut state = self.lock();
        let held = state.table_mut(table)?;
        let newest = held.at(None)?;
        let schema = options.change.apply(&newest.schema).map_err(|error| error.with("table", table))?;
        let batches = newest.batches().map(|batch| widen(batch, &schema)).collect::<Result<Vec<_>>>()?;
        held.replace(schema, batches);
        Ok(held.at(None)?.info(table))
    }

    fn compact(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        options.check()?;
        let mut state = self.lock();
        let held = state.table_mut(table)?;
        let newest = held.at(None)?;
        options.check_columns(&newest.schema).map_err(|error| error.with("table", table))?;
        let (schema, before) = (newest.schema.clone(), newest.info(table).rows);
        let batches = newest.batches().map(|batch| options.kept(batch)).collect::<Result<Vec<_>>>()?;
        let files = newest.commits.len() as u64;
        let after: u64 = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        if files <= 1 && after == before {
            return Ok(Compaction::new(newest.version, files, files, 0));
        }
        held.replace(schema, batches);
        Ok(Compaction::new(held.commits.len() as u64, files, 1, before - after))
    }

    fn expire(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        let mut state = self.lock();
        let held = state.table_mut(table)?;
        let created = held.commits.first().map_or_else(now_ms, |commit| commit.committed_ms);
        let times = std::iter::once(created).chain(held.commits.iter().map(|commit| commit.committed_ms));
        let versions: Vec<_> = (0..).zip(times).filter(|(version, _)| !held.expired.contains(version)).collect();
        let expired = options.expired(&versions).map_err(|error| error.with("table", table))?;
        if !options.dry_run {
            held.expired.extend(&expired);
            held.release();
        }
        Ok(Expiry::new(expired, 0, 0))
    }

    fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>> {
        let state = self.lock();
        state.table(table)?.at(options.version).map_err(|error| error.with("table", table))?;
        Ok(Vec::new())
    }

    fn remove(&self, table: &TableName, _options: &RemoveTableOptions) -> Result<()> {
        let mut state = self.lock();
        state.table_mut(table)?;
        state.tables.remove(table);
        Ok(())
    }

    fn flush(&self, _options: &FlushOptions) -> Result<()> {
        Ok(())
    }

    fn shutdown(&self, _options: &ShutdownOptions) -> Result<()> {
        self.lock().closed = true;
        Ok(())
    }
}

/// Ends after `limit` rows; without one it stays as it is.
fn limited(batches: Batches, limit: Option<usize>) -> Batches {
    let Some(mut left) = limit else { return batches };
    Box::new(batches.map_while(move |batch| match batch {
        _ if left == 0 => None,
        Ok(batch) => {
            let taken = batch.num_rows().min(left);
            left -= taken;
            Some(Ok(batch.slice(0, taken)))
        }
        Err(error) => Some(Err(error)),
    }))
}

#[cfg(test)]
mod tests;
