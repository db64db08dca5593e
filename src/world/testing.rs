//! Where unit tests run: a world over tables and bytes in memory that outlive its handle.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, UInt64Array};
use arrow::datatypes::{Int64Type, UInt64Type};
use worldstore_async::table::{AsyncTableBackend, SyncTableAdapter};
use worldstore_async::{AsyncMemory, AsyncWal};
use worldstore_cache::CacheConfig;
use worldstore_core::table::MemoryTables;

use super::lineage::RunRecord;
use super::manifest::WorldManifest;
use super::own_log::Note;
use super::{MAIN_RUN, TableFormat, View, World, WorldOptions, open};
use crate::storage::Storage;

/// Bytes and tables.
pub struct Bed {
    storage: Storage,
    tables: Arc<dyn AsyncTableBackend>,
    name: String,
}

impl Bed {
    pub async fn new(name: &str) -> Self {
        let storage = Storage::from_async(Arc::new(AsyncMemory::new()), "memory:");
        RunRecord::root(MAIN_RUN).create(&storage.backend).await.unwrap();
        let tables = Arc::new(SyncTableAdapter::new(Arc::new(MemoryTables::new())));
        Self { storage, tables, name: name.to_owned() }
    }

    /// The tables, past the world.
    pub fn tables(&self) -> Arc<dyn AsyncTableBackend> {
        Arc::clone(&self.tables)
    }

    /// A new handle, as a process that starts would have.
    pub async fn open(&self) -> World {
        self.open_with(None).await
    }

    /// A new handle that keeps a log.
    pub async fn open_with(&self, log: Option<AsyncWal>) -> World {
        let options = WorldOptions::default().with_cache(CacheConfig::default().with_idle_sec(3_600.0));
        let (storage, ledger) = open::noted(&self.storage);
        let written =
            open::over(&storage, self.tables.clone().into(), (log, Note::default()), ledger, &options).await.unwrap();
        World::written(storage, WorldManifest::new(&self.name, TableFormat::Memory), written)
    }
}

pub async fn world() -> World {
    Bed::new("world").await.open().await
}

/// Rows of active entities with a component `x`, which may be null.
pub fn rows(state: &[(u64, Option<i64>)]) -> RecordBatch {
    let entities = UInt64Array::from_iter_values(state.iter().map(|(entity, _)| *entity));
    let x: Int64Array = state.iter().map(|(_, x)| *x).collect();
    let columns: [(&str, ArrayRef, bool); 2] = [("entity", Arc::new(entities), false), ("x", Arc::new(x), true)];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Rows that say whether their entity is active.
pub fn rows_with_active(state: &[(u64, bool, Option<i64>)]) -> RecordBatch {
    let plain: Vec<_> = state.iter().map(|(entity, _, x)| (*entity, *x)).collect();
    let plain = rows(&plain);
    let active = BooleanArray::from_iter(state.iter().map(|(_, active, _)| Some(*active)));
    let columns: [(&str, ArrayRef, bool); 3] = [
        ("entity", plain.column(0).clone(), false),
        ("active", Arc::new(active), false),
        ("x", plain.column(1).clone(), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Entity and `x` of batches.
pub fn pairs(batches: &[RecordBatch]) -> Vec<(u64, Option<i64>)> {
    let mut found = Vec::new();
    for batch in batches {
        let (entities, x) = (batch["entity"].as_primitive::<UInt64Type>(), batch["x"].as_primitive::<Int64Type>());
        found.extend((0..batch.num_rows()).map(|row| (entities.value(row), x.is_valid(row).then(|| x.value(row)))));
    }
    found
}

/// The state of a table as entity and `x`; none where there is no such table.
pub async fn state(view: &View, table: &str) -> BTreeMap<u64, Option<i64>> {
    match view.collect_state(table).await {
        Err(error) if error.is_not_found() => BTreeMap::new(),
        found => {
            let pairs = pairs(&found.unwrap());
            assert!(pairs.is_sorted_by_key(|(entity, _)| *entity), "in the order of the entities");
            let state: BTreeMap<_, _> = pairs.iter().copied().collect();
            assert_eq!(state.len(), pairs.len(), "one row per entity");
            state
        }
    }
}
