//! A table backend that counts, waits at gates and fails on command.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use tokio::sync::Semaphore;
use worldstore_async::table::{AsyncBatches, AsyncTableBackend, SyncTableAdapter};
use worldstore_core::table::{
    AppendOptions, CompactOptions, Compaction, CreateOptions, DescribeOptions, EvolveOptions, ExpireOptions, Expiry,
    FilesOptions, FlushOptions, HistoryOptions, ListTablesOptions, MemoryTables, Receipt, RemoveTableOptions, Scan,
    ShutdownOptions, TableBackendInfo, TableFile, TableInfo, TableName, TableScan, TableVersion,
};
use worldstore_core::{Error, ErrorKind, Result};

/// How an append fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing has happened.
    Before,
    /// The rows have landed; nobody says so.
    Unknown,
    /// The rows have landed, nobody says so, and the table cannot be looked up for this one time.
    UnknownAndBlind,
}

/// A place at which appends wait, once it is shut.
#[derive(Debug)]
pub struct Gate {
    shut: AtomicBool,
    arrived: Semaphore,
    passes: Semaphore,
}

impl Gate {
    fn new() -> Self {
        Self { shut: AtomicBool::new(false), arrived: Semaphore::new(0), passes: Semaphore::new(0) }
    }

    pub fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
    }

    /// Waits until an append stands at the gate.
    pub async fn arrived(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets one append through.
    pub fn pass(&self) {
        self.passes.add_permits(1);
    }

    async fn wait(&self) {
        if self.shut.load(Ordering::SeqCst) {
            self.arrived.add_permits(1);
            self.passes.acquire().await.unwrap().forget();
        }
    }
}

#[derive(Debug)]
pub struct Probe {
    pub inner: Arc<dyn AsyncTableBackend>,
    pub before: Gate,
    pub after: Gate,
    /// Behind the making of a table.
    pub made: Gate,
    /// Calls of any kind.
    pub calls: AtomicU64,
    /// Appends that were asked for.
    pub appends: AtomicU64,
    faults: Mutex<VecDeque<Fault>>,
    away: AtomicBool,
    blind: AtomicBool,
    /// Appends that are under way.
    under_way: AtomicU64,
    /// Whether it holds no number above [`NARROW_MAX`] in column `n`.
    narrow: AtomicBool,
    /// Whether rows are let go as soon as they are committed, as a table on a disk does.
    forgetful: AtomicBool,
}

/// The greatest number that narrow tables hold.
pub const NARROW_MAX: i64 = 1_000;

impl Probe {
    pub fn new() -> Arc<Self> {
        Self::over(Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new()))))
    }

    pub fn over(inner: Arc<dyn AsyncTableBackend>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            before: Gate::new(),
            after: Gate::new(),
            made: Gate::new(),
            calls: AtomicU64::new(0),
            appends: AtomicU64::new(0),
            faults: Mutex::default(),
            away: AtomicBool::new(false),
            blind: AtomicBool::new(false),
            under_way: AtomicU64::new(0),
            narrow: AtomicBool::new(false),
            forgetful: AtomicBool::new(false),
        })
    }

    /// Makes one of the next appends fail, in the order given.
    pub fn fail(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    /// Makes every append fail, or none any more.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// From now on it is a format that does not hold all numbers.
    pub fn set_narrow(&self) {
        self.narrow.store(true, Ordering::SeqCst);
    }

    /// From now on rows are let go with their commit, which takes a while.
    pub fn set_forgetful(&self) {
        self.forgetful.store(true, Ordering::SeqCst);
    }

    fn holds(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        let numbers = rows["n"].as_primitive::<Int64Type>().values();
        match numbers.iter().position(|number| *number > NARROW_MAX) {
            Some(row) if self.narrow.load(Ordering::SeqCst) => {
                Err(Error::invalid("number is too great").with("table", table).with("column", "n").with("row", row))
            }
            _ => Ok(()),
        }
    }

    /// Ends a life: no append lands any more.
    pub async fn kill(&self) {
        self.set_away(true);
        while self.under_way.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    }

    pub fn clear_faults(&self) {
        self.faults.lock().unwrap().clear();
    }

    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    pub fn appends(&self) -> u64 {
        self.appends.load(Ordering::SeqCst)
    }

    fn count(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
    }
}

fn away() -> Error {
    Error::new(ErrorKind::Unavailable, "the store is away")
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "probe({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncTableBackend for Probe {
    fn info(&self) -> TableBackendInfo {
        self.inner.info()
    }

    async fn create(&self, table: &TableName, options: &CreateOptions) -> Result<TableInfo> {
        self.count();
        let made = self.inner.create(table, options).await;
        self.made.wait().await;
        made
    }

    async fn describe(&self, table: &TableName, options: &DescribeOptions) -> Result<TableInfo> {
        self.count();
        match self.blind.swap(false, Ordering::SeqCst) {
            true => Err(away()),
            false => self.inner.describe(table, options).await,
        }
    }

    fn check(&self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        self.holds(table, rows)?;
        self.inner.check(table, rows)
    }

    async fn append(&self, table: &TableName, batches: Vec<RecordBatch>, options: &AppendOptions) -> Result<Receipt> {
        self.count();
        self.appends.fetch_add(1, Ordering::SeqCst);
        self.before.wait().await;
        let fault = self.faults.lock().unwrap().pop_front();
        self.under_way.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) || fault == Some(Fault::Before) {
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            return Err(away());
        }
        let batches = match self.forgetful.load(Ordering::SeqCst) {
            true => {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Vec::new()
            }
            false => batches,
        };
        let appended = match batches.iter().try_for_each(|batch| self.holds(table, batch)) {
            Ok(()) => self.inner.append(table, batches, options).await,
            Err(refused) => Err(refused),
        };
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.after.wait().await;
        if let (Some(fault), Ok(_)) = (fault, &appended) {
            self.blind.store(fault == Fault::UnknownAndBlind, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::OutcomeUnknown, "the answer got lost"));
        }
        appended
    }

    async fn scan(&self, table: &TableName, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
        self.count();
        self.inner.scan(table, scan).await
    }

    async fn list(&self, options: &ListTablesOptions) -> Result<Vec<TableName>> {
        self.count();
        self.inner.list(options).await
    }

    async fn history(&self, table: &TableName, options: &HistoryOptions) -> Result<Vec<TableVersion>> {
        self.count();
        self.inner.history(table, options).await
    }

    async fn evolve(&self, table: &TableName, options: &EvolveOptions) -> Result<TableInfo> {
        self.count();
        self.inner.evolve(table, options).await
    }

    async fn compact(&self, table: &TableName, options: &CompactOptions) -> Result<Compaction> {
        self.count();
        self.inner.compact(table, options).await
    }

    async fn expire(&self, table: &TableName, options: &ExpireOptions) -> Result<Expiry> {
        self.count();
        self.inner.expire(table, options).await
    }

    async fn files(&self, table: &TableName, options: &FilesOptions) -> Result<Vec<TableFile>> {
        self.count();
        self.inner.files(table, options).await
    }

    async fn remove(&self, table: &TableName, options: &RemoveTableOptions) -> Result<()> {
        self.count();
        self.inner.remove(table, options).await
    }

    async fn flush(&self, options: &FlushOptions) -> Result<()> {
        self.count();
        self.inner.flush(options).await
    }

    /// Not passed on: tables in memory could not be opened again.
    async fn shutdown(&self, _options: &ShutdownOptions) -> Result<()> {
        self.count();
        Ok(())
    }
}
