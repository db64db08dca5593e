//! Tables in memory: the reference that other formats are compared with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::backend::TableBackend;
use super::name::TableName;
use super::ops::*;
use super::reader::Reader;
use super::scan::Scan;
use super::schema::check_schema;
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

/// Version `n` is made of the first `n` commits.
#[derive(Debug, Clone)]
struct Table {
    schema: SchemaRef,
    commits: Vec<Commit>,
}

#[derive(Debug, Clone)]
struct Commit {
    batches: Vec<RecordBatch>,
    watermark: u64,
    committed_ms: i64,
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
}

impl Table {
    fn at(&self, version: Option<u64>) -> Result<&[Commit]> {
        let version = version.unwrap_or(self.commits.len() as u64);
        let commits = usize::try_from(version).ok().and_then(|version| self.commits.get(..version));
        commits.ok_or_else(|| Error::not_found("no such version").with("version", version))
    }
}

fn watermark(commits: &[Commit]) -> u64 {
    commits.last().map_or(0, |commit| commit.watermark)
}

fn describe(name: &TableName, table: &Table, version: Option<u64>) -> Result<TableInfo> {
    let commits = table.at(version)?;
    let rows = commits.iter().flat_map(|commit| &commit.batches).map(|batch| batch.num_rows() as u64).sum();
    Ok(TableInfo::new(name.clone(), table.schema.clone(), commits.len() as u64, watermark(commits), rows))
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
                check_schema(&existing.schema, &options.schema).map_err(|error| error.with("table", table))?;
                return describe(table, existing, None);
            }
        }
        let made = Table { schema: options.schema.clone(), commits: Vec::new() };
        let info = describe(table, &made, None);
        state.tables.insert(table.clone(), made);
        info
    }

    fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        describe(table, self.lock().table(table)?, options.version).map_err(|error| error.with("table", table))
    }

    fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::new(ErrorKind::Poisoned, "tables are shut down").with("table", table));
        }
        let held = state.tables.get_mut(table);
        let held = held.ok_or_else(|| Error::not_found("no such table").with("table", table))?;
        for batch in &batches {
            check_schema(&held.schema, batch.schema_ref()).map_err(|error| error.with("table", table))?;
        }
        let batches: Vec<_> = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        let have = watermark(&held.commits);
        let next = match options.watermark {
            Some(step) => step.check(have).map_err(|error| error.with("table", table))?,
            None => have,
        };
        if batches.is_empty() && options.watermark.is_none() {
            return Ok(Receipt::committed(table.clone(), 0, have, held.commits.len() as u64));
        }
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        held.commits.push(Commit { batches, watermark: next, committed_ms: since.as_millis() as i64 });
        Ok(Receipt::committed(table.clone(), rows, next, held.commits.len() as u64))
    }

    fn scan(&self, table: &TableName, scan: &Scan) -> Result<TableScan<Batches>> {
        let (table_schema, commits) = {
            let state = self.lock();
            let held = state.table(table)?;
            let commits = held.at(scan.version).map_err(|error| error.with("table", table))?;
            (held.schema.clone(), commits.to_vec())
        };
        let schema = scan.schema(&table_schema).map_err(|error| error.with("table", table))?;
        let (version, watermark) = (commits.len() as u64, watermark(&commits));
        let reader = Reader::new(scan, &table_schema)?;
        let batches = commits.into_iter().flat_map(|commit| commit.batches).map(move |batch| reader.read(&batch));
        Ok(TableScan::new(schema, version, watermark, limited(Box::new(batches), scan.limit)))
    }

    fn list(&self, _options: &ListTablesOptions) -> Result<Vec<TableName>> {
        Ok(self.lock().tables.keys().cloned().collect())
    }

    fn history(&self, table: &TableName, _options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        let state = self.lock();
        let commits = state.table(table)?.commits.iter().zip(1..);
        Ok(commits.map(|(commit, number)| TableVersion::new(number, commit.watermark, commit.committed_ms)).collect())
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
