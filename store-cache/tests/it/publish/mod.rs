//! Worlds: ticks over several tables, published as manifests and read at them.

mod fencing;
mod files;
mod publishing;
mod reading;
mod upkeep;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use worldstore_async::AsyncMemory;
use worldstore_async::table::AsyncTableBackend;
use worldstore_async::wrap::{AsyncLedgerBackend, AsyncPrefixBackend, Ledger};
use worldstore_cache::{
    Cut, CutTable, ExpireTablesOptions, ManifestPublisher, PinnedTables, Publish, PublisherOptions,
};
use worldstore_core::manifest::{ManifestOptions, Manifests, ManualWallClock};
use worldstore_core::snapshot::Which;
use worldstore_core::table::{
    AppendOptions, CompactOptions, CreateOptions, DescribeOptions, HistoryOptions, ListTablesOptions, TableName,
};
use worldstore_core::{Backend, DeleteOptions, Key, Memory, Prefix, ReadOptions, Result, WriteOptions};

use crate::support::{name, read, rows, schema};
use files::FileTables;

pub const TABLES: [&str; 3] = ["agents", "edges", "sensors"];

/// Tables in the folder `tables` of a memory, and a chain in its folder `world`.
pub struct World {
    pub memory: Arc<Memory>,
    pub tables: Arc<dyn AsyncTableBackend>,
    pub files: Arc<FileTables>,
    pub ledger: Ledger,
    pub clock: Arc<ManualWallClock>,
}

impl World {
    pub async fn new() -> Self {
        Self::on(Memory::new()).await
    }

    pub async fn on(memory: Memory) -> Self {
        let memory = Arc::new(memory);
        let store = Arc::new(AsyncMemory::from(Arc::clone(&memory)));
        let store = Arc::new(AsyncPrefixBackend::new(store, Prefix::new("tables").unwrap()));
        let store = Arc::new(AsyncLedgerBackend::new(store));
        let ledger = store.ledger().clone();
        let files = Arc::new(FileTables::new(store));
        let tables: Arc<dyn AsyncTableBackend> = files.clone();
        for table in TABLES {
            tables.create(&name(table), &CreateOptions::new(schema())).await.unwrap();
        }
        let clock = Arc::new(ManualWallClock::new(1_000_000));
        Self { memory, tables, files, ledger, clock }
    }

    pub fn options(&self) -> ManifestOptions {
        ManifestOptions::default().with_clock(self.clock.clone())
    }

    pub fn manifests_on(&self, backend: Arc<dyn Backend>, options: ManifestOptions) -> Manifests {
        Manifests::open_or_create(backend, Prefix::new("world").unwrap(), options).unwrap()
    }

    /// A handle of the chain, as another process has one.
    pub fn manifests(&self) -> Manifests {
        self.manifests_on(self.memory.clone(), self.options())
    }

    pub fn publisher_options(&self) -> PublisherOptions {
        PublisherOptions::default().with_tables_in(Prefix::new("tables").unwrap()).with_ledger(self.ledger.clone())
    }

    pub async fn publisher(&self) -> ManifestPublisher {
        self.publisher_with(self.manifests(), self.publisher_options()).await
    }

    pub async fn publisher_with(&self, manifests: Manifests, options: PublisherOptions) -> ManifestPublisher {
        ManifestPublisher::claim(manifests, self.tables.clone(), options).await.unwrap()
    }

    /// One row with the number of the tick for each table.
    pub async fn tick(&self, seq: u64) {
        for table in TABLES {
            self.append(table, seq).await;
        }
    }

    pub async fn append(&self, table: &str, seq: u64) {
        let at = self.tables.describe(&name(table), &DescribeOptions::default()).await.unwrap().watermark;
        let options = AppendOptions::exactly_once(at, seq);
        let _ = self.tables.append(&name(table), vec![rows([seq as i64])], &options).await.unwrap();
    }

    /// The newest version of each table that holds nothing above this.
    pub async fn cut(&self, seq: u64) -> Cut {
        let mut tables = Vec::new();
        for table in self.tables.list(&ListTablesOptions::default()).await.unwrap() {
            let history = self.tables.history(&table, &HistoryOptions::default()).await.unwrap();
            let fits = history.iter().rev().find(|version| version.watermark <= seq);
            let version = fits.map_or(0, |version| version.version);
            let described = self.tables.describe(&table, &DescribeOptions::default().with_version(version)).await;
            let Ok(info) = described else { continue };
            let (watermark, rows, schema) = (info.watermark, info.rows, info.schema);
            tables.push(CutTable { name: table, version, watermark, rows, schema });
        }
        Cut { seq, tables }
    }

    pub async fn publish(&self, publisher: &ManifestPublisher, seq: u64) -> Result<u64> {
        publisher.publish(&self.cut(seq).await).await
    }

    pub async fn compact(&self, table: &str) {
        self.tables.compact(&name(table), &CompactOptions::default()).await.unwrap();
    }

    pub fn bytes(&self, key: &str) -> Bytes {
        let reply = self.memory.read(&Key::new(key).unwrap(), &ReadOptions::default()).unwrap();
        reply.body.collect::<Result<Vec<_>>>().unwrap().concat().into()
    }

    pub fn overwrite(&self, key: &str, bytes: Bytes) {
        let _ = self.memory.write(&Key::new(key).unwrap(), bytes, &WriteOptions::default()).unwrap();
    }

    pub fn delete(&self, key: &str) {
        self.memory.delete(&[Key::new(key).unwrap()], &DeleteOptions::default()).unwrap();
    }

    pub async fn reader(&self) -> PinnedTables {
        PinnedTables::open(self.tables.clone(), self.manifests(), Which::Newest).await.unwrap()
    }
}

/// Expires whatever no manifest keeps, however young.
pub fn at_once() -> ExpireTablesOptions {
    ExpireTablesOptions::default().with_keep_for(Duration::ZERO)
}

/// The rows of each table, which must be the ticks up to the one that was published.
pub async fn check_ticks(pinned: &PinnedTables) {
    let expected: Vec<i64> = (1..=pinned.seq() as i64).collect();
    for table in pinned.list(&ListTablesOptions::default()).await.unwrap() {
        assert_eq!(read(pinned, table.as_str()).await, expected, "{table} at manifest {}", pinned.number());
    }
}

pub fn seq_at(manifests: &Manifests, number: u64) -> u64 {
    manifests.at(number).unwrap().properties["seq"].parse().unwrap()
}

pub fn versions(manifests: &Manifests) -> BTreeMap<TableName, Vec<u64>> {
    let retained = worldstore_cache::retained(manifests, &Prefix::root()).unwrap();
    retained.into_iter().map(|(table, retained)| (table, retained.versions.into_iter().collect())).collect()
}
