//! Random steps against plain lists of rows.

use std::sync::Arc;

use proptest::prelude::*;
use worldstore_async::table::AsyncTableBackend;
use worldstore_cache::TableCache;
use worldstore_core::table::{FlushOptions, Level, Predicate, Receipt, Scan, ShutdownOptions, base};

use crate::probe::{Fault, Probe};
use crate::support::{append, calm, check, collect, create, flush, name, read, rows};

const TABLES: [&str; 2] = ["a", "b"];

#[derive(Debug, Clone)]
enum Step {
    Append {
        table: usize,
        rows: i64,
    },
    Flush {
        table: usize,
    },
    FlushAll,
    /// Waits for one of the receipts given out.
    Wait {
        receipt: usize,
    },
    /// The next flush of anything fails.
    Fail {
        fault: Fault,
    },
    /// Reads rows up to a sequence number.
    ReadUpTo {
        table: usize,
        seq: u64,
    },
    /// Drains and opens again.
    Reopen,
    /// Drops the cache without draining and opens again: what was only buffered is lost.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![Just(Fault::Before), Just(Fault::Unknown), Just(Fault::UnknownAndBlind)];
    prop_oneof![
        6 => (0..2_usize, 0..5_i64).prop_map(|(table, rows)| Step::Append { table, rows }),
        3 => (0..2_usize).prop_map(|table| Step::Flush { table }),
        1 => Just(Step::FlushAll),
        2 => (0..100_usize).prop_map(|receipt| Step::Wait { receipt }),
        3 => fault.prop_map(|fault| Step::Fail { fault }),
        2 => (0..2_usize, 0..30_u64).prop_map(|(table, seq)| Step::ReadUpTo { table, seq }),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

/// A row's number and the sequence number that it got.
type Row = (i64, u64);

struct Model {
    probe: Arc<Probe>,
    cache: TableCache,
    rows: [Vec<Row>; 2],
    /// How many of them were said to be committed.
    committed: [usize; 2],
    receipts: Vec<(usize, Receipt)>,
    next: i64,
}

impl Model {
    async fn new() -> Self {
        let probe = Probe::new();
        let cache = open(&probe).await;
        for table in TABLES {
            create(&cache, table).await;
        }
        Self { probe, cache, rows: [vec![], vec![]], committed: [0; 2], receipts: vec![], next: 0 }
    }

    async fn run(&mut self, step: &Step) {
        match step {
            Step::Append { table, rows } => self.append(*table, *rows).await,
            Step::Flush { table } => {
                if flush(&self.cache, TABLES[*table]).await.is_ok() {
                    self.committed[*table] = self.rows[*table].len();
                }
            }
            Step::FlushAll => {
                if self.cache.flush(&FlushOptions::default()).await.is_ok() {
                    self.committed = [self.rows[0].len(), self.rows[1].len()];
                }
            }
            Step::Wait { receipt } => self.wait(*receipt).await,
            Step::Fail { fault } => self.probe.fail(*fault),
            Step::ReadUpTo { table, seq } => self.read_up_to(*table, *seq).await,
            Step::Reopen => {
                self.probe.clear_faults();
                self.shut_down().await;
                self.committed = [self.rows[0].len(), self.rows[1].len()];
                self.reopen().await;
            }
            Step::Kill => self.reopen().await,
        }
        self.check().await;
    }

    async fn append(&mut self, table: usize, count: i64) {
        let numbers = self.next..self.next + count;
        let receipt = append(&self.cache, TABLES[table], rows(numbers.clone())).await.unwrap();
        assert_eq!(receipt.rows, count as u64);
        let newest = self.rows.iter().flatten().map(|row| row.1).max().unwrap_or(0);
        assert!(count == 0 || receipt.seq > newest, "sequence number {} after {newest}", receipt.seq);
        self.rows[table].extend(numbers.map(|number| (number, receipt.seq)));
        self.next += count;
        self.receipts.push((self.rows[table].len(), receipt));
    }

    async fn wait(&mut self, index: usize) {
        let count = self.receipts.len().max(1);
        let Some((end, receipt)) = self.receipts.get(index % count) else { return };
        if let Ok(done) = self.cache.wait(receipt, Level::Committed).await {
            assert!(done.version.is_some());
            let table = TABLES.iter().position(|table| *table == receipt.table.as_str()).unwrap();
            self.committed[table] = self.committed[table].max(*end);
        }
    }

    async fn read_up_to(&self, table: usize, seq: u64) {
        let scan = Scan::all().with_predicate(Predicate::le(base::SEQ, seq)).with_columns(["n"]);
        let got = collect(self.cache.scan(&name(TABLES[table]), &scan).await.unwrap()).await;
        let expected = self.rows[table].iter().filter(|row| row.1 <= seq).map(|row| row.0);
        assert_eq!(got, expected.collect::<Vec<_>>());
    }

    /// A flush of the background may still meet a fault that was set before.
    async fn shut_down(&self) {
        for _ in 0..100 {
            if self.cache.shutdown(&ShutdownOptions::default()).await.is_ok() {
                return;
            }
        }
        panic!("the cache cannot be shut down");
    }

    /// The table must hold all that was said to be committed, and nothing but a beginning of what was appended.
    async fn reopen(&mut self) {
        self.probe.kill().await;
        for (index, table) in TABLES.iter().enumerate() {
            let landed = read(&*self.probe.inner, table).await;
            let all: Vec<i64> = self.rows[index].iter().map(|row| row.0).collect();
            assert!(landed.len() >= self.committed[index], "{table} lost rows that were committed");
            assert_eq!(landed, all[..landed.len()], "{table} holds other rows than were appended");
            self.rows[index].truncate(landed.len());
        }
        self.probe = Probe::over(self.probe.inner.clone());
        self.receipts.clear();
        self.cache = open(&self.probe).await;
    }

    async fn check(&self) {
        for (index, table) in TABLES.iter().enumerate() {
            check(&self.cache, table, self.rows[index].iter().map(|row| row.0)).await;
        }
    }
}

async fn open(probe: &Arc<Probe>) -> TableCache {
    // Seven rows flush by themselves, so that appends fail to flush too.
    TableCache::open(probe.clone(), calm().with_flush_rows(7)).await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_steps_show_each_row_once(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut model = Model::new().await;
            for step in &steps {
                model.run(step).await;
            }
        });
    }
}
