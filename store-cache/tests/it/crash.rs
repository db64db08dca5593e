//! Power cuts at every call under the log, with tables that outlive them: no acknowledged row is lost, none is there twice,
//! steps over two tables are whole, the order is kept. The recovery is cut off too.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use tokio::runtime::{Builder, Runtime};
use worldstore_async::AsyncWal;
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore_cache::{CacheConfig, Durability, TableCache};
use worldstore_core::Result;
use worldstore_core::table::{
    AppendOptions, CreateOptions, FlushOptions, Level, ListTablesOptions, MemoryTables, Scan, ShutdownOptions,
    TableBackend, base,
};
use worldstore_core::vfs::sim::{Explorer, Random, SimVfs};
use worldstore_core::wal::{Threads, WalOptions};

use crate::probe::{Fault, Probe};
use crate::support::{calm, collect, name, rows, schema};

const TABLES: [&str; 2] = ["a", "b"];

/// What was appended, and what became of it. The tables outlive crashes: what reached them is durable.
#[derive(Debug, Default)]
struct History {
    tables: Arc<MemoryTables>,
    /// Each step: its number, and the tables it went to.
    sent: Vec<Vec<usize>>,
    /// Steps that were acknowledged.
    acknowledged: BTreeSet<i64>,
}

/// Each image of a crash has tables of its own: what a check puts into them, the next one does not find.
impl Clone for History {
    fn clone(&self) -> Self {
        let tables = MemoryTables::new();
        for table in self.tables.list(&ListTablesOptions::default()).unwrap() {
            tables.create(&table, &CreateOptions::new(schema())).unwrap();
            let scan = self.tables.scan(&table, &Scan::all()).unwrap();
            let watermark = scan.watermark;
            let batches = scan.batches.collect::<Result<Vec<_>>>().unwrap();
            if watermark > 0 {
                let _ = tables.append(&table, batches, &AppendOptions::exactly_once(0, watermark)).unwrap();
            }
        }
        Self { tables: Arc::new(tables), sent: self.sent.clone(), acknowledged: self.acknowledged.clone() }
    }
}

impl History {
    /// Calls of the tables in one life.
    fn probe(&self) -> Arc<Probe> {
        Probe::over(Arc::new(SyncTableAdapter::new(self.tables.clone())))
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

async fn open(vfs: &SimVfs, probe: &Arc<Probe>, durability: Durability, direct_mb: usize) -> Result<TableCache> {
    let options = WalOptions::new().with_segment_bytes(4 << 10).with_threads(Threads::None);
    let (log, _) = AsyncWal::open(vfs, "log", options).await?;
    // Every append of one table is direct, or none is.
    let config = calm().with_durability(durability).with_direct_mb(direct_mb);
    let cache = TableCache::builder(probe.clone()).with_config(config).with_log(log).open().await?.0;
    for table in TABLES {
        cache.create(&name(table), &CreateOptions::new(schema()).or_keep()).await?;
    }
    Ok(cache)
}

/// A life that ends at the first failure of the log.
async fn live(vfs: &SimVfs, random: &mut Random, history: &mut History) -> Result<()> {
    let probe = history.probe();
    let durability = if random.chance(50) { Durability::Durable } else { Durability::Buffered };
    let outcome = steps(vfs, random, history, &probe, durability).await;
    probe.kill().await;
    outcome
}

async fn steps(
    vfs: &SimVfs,
    random: &mut Random,
    history: &mut History,
    probe: &Arc<Probe>,
    durability: Durability,
) -> Result<()> {
    let direct_mb = [0, CacheConfig::MB_MOST][random.index(2)];
    let cache = open(vfs, probe, durability, direct_mb).await?;
    let born = history.sent.len() as i64;
    for _ in 0..2 + random.below(8) {
        let step = history.sent.len() as i64;
        let to: Vec<usize> = [vec![0], vec![1], vec![0, 1]][random.index(3)].clone();
        history.sent.push(to.clone());
        let parts = to.iter().map(|table| (name(TABLES[*table]), vec![rows([step])])).collect();
        let receipts = cache.append_all(parts).await?;
        if receipts[0].level >= Level::Durable || random.chance(30) {
            let _ = cache.wait(&receipts[0], Level::Durable).await?;
            // The log keeps order: all before it, in this life, are durable too.
            history.acknowledged.extend(born..=step);
        }
        match random.below(8) {
            0 | 4 | 5 => cache.flush(&FlushOptions::table(name(TABLES[random.index(2)]))).await?,
            1 => cache.flush(&FlushOptions::default()).await?,
            2 => probe.fail([Fault::Before, Fault::Unknown, Fault::UnknownAndBlind][random.index(3)]),
            3 => drop(cache.flush(&FlushOptions::default()).await),
            _ => {}
        }
    }
    match random.chance(30) {
        true => cache.shutdown(&ShutdownOptions::default()).await,
        false => Ok(()),
    }
}

/// Opens what is left and compares it.
async fn check(vfs: &SimVfs, history: &mut History) -> std::result::Result<(), String> {
    let probe = history.probe();
    let found = compare(vfs, history, &probe).await;
    probe.kill().await;
    found
}

async fn compare(vfs: &SimVfs, history: &mut History, probe: &Arc<Probe>) -> std::result::Result<(), String> {
    let told = |error: worldstore_core::Error| format!("{error:?}");
    let cache = open(vfs, probe, Durability::Durable, CacheConfig::MB_MOST).await.map_err(told)?;
    let mut found = Vec::new();
    for table in TABLES {
        let buffered = collect(cache.scan(&name(table), &Scan::all()).await.map_err(told)?).await;
        found.push(buffered);
    }
    // Once more after all is in the tables, in the order of the sequence.
    cache.flush(&FlushOptions::default()).await.map_err(told)?;
    for (index, table) in TABLES.iter().enumerate() {
        let flushed = collect(probe.inner.scan(&name(table), &Scan::all()).await.map_err(told)?).await;
        if flushed != found[index] {
            return Err(format!("{table} had {:?}, and after a flush {flushed:?}", found[index]));
        }
        if !flushed.is_sorted_by(|left, right| left < right) {
            return Err(format!("{table} has rows twice: {flushed:?}"));
        }
    }
    for (step, to) in history.sent.iter().enumerate() {
        let step = step as i64;
        let has: Vec<bool> = to.iter().map(|table| found[*table].contains(&step)).collect();
        if has.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(format!("step {step} is torn: {has:?}"));
        }
        if history.acknowledged.contains(&step) && !has[0] {
            return Err(format!("step {step} was acknowledged and is lost"));
        }
    }
    in_order(&cache).await?;
    history.acknowledged.extend(found.iter().flatten());
    Ok(())
}

/// Later steps have greater sequence numbers.
async fn in_order(cache: &TableCache) -> std::result::Result<(), String> {
    let told = |error: worldstore_core::Error| format!("{error:?}");
    for table in TABLES {
        let scan = cache.scan(&name(table), &Scan::all()).await.map_err(told)?;
        let batches: Vec<RecordBatch> = scan.batches.try_collect().await.map_err(told)?;
        let mut rows = Vec::new();
        for batch in &batches {
            let seqs = batch[base::SEQ].as_primitive::<UInt64Type>().values();
            rows.extend(seqs.iter().zip(batch["n"].as_primitive::<Int64Type>().values()));
        }
        rows.sort_unstable();
        if !rows.is_sorted_by(|left, right| left.0 < right.0 && left.1 < right.1) {
            return Err(format!("{table} has another order: {rows:?}"));
        }
    }
    Ok(())
}

/// Each round begins with tables of its own.
fn work(vfs: &SimVfs, random: &mut Random, history: &mut History) {
    *history = History::default();
    let runtime = runtime();
    for _ in 0..2 {
        if runtime.block_on(live(vfs, random, history)).is_err() {
            break;
        }
        // The handle of the log goes with the last task.
        runtime.block_on(tokio::task::yield_now());
    }
}

#[test]
fn nothing_acknowledged_is_lost_in_a_crash() {
    let explorer = Explorer::new("crash::nothing_acknowledged_is_lost_in_a_crash", 500);
    let report = explorer.explore(work, |vfs, history| runtime().block_on(check(vfs, history)));
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.images() > 0 && report.second_images() > 0);
}

#[test]
fn nothing_acknowledged_is_lost_by_a_fault() {
    let explorer = Explorer::new("crash::nothing_acknowledged_is_lost_by_a_fault", 250);
    let report = explorer.explore_faults(work, |vfs, history| runtime().block_on(check(vfs, history)));
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.images() > 0 && report.faults().0 > 0);
}
