//! Storage that fails at every call in turn, loses the reply of every call in turn, and is full at every step.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use worldstore_async::AsyncBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;
use worldstore_core::{ErrorKind, Key, Outcome, Prefix, ReadOptions, WriteOptions};
use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables};

use crate::trouble::{Trouble, TroubledBackend};
use crate::{LOCATION, ids, memory_backend, name, objects, rows, schema};

struct Setting {
    backend: Arc<dyn AsyncBackend>,
    folder: tempfile::TempDir,
    table: TableName,
}

/// What a setting begins with: objects, and the files of the catalog. SQLite may leave what was written last in a file
/// beside it.
struct Template {
    objects: Vec<(Key, Bytes)>,
    catalog: Vec<(&'static str, Vec<u8>)>,
}

impl Template {
    /// A table of six appends.
    async fn new() -> Self {
        let setting = Setting::empty();
        let tables = setting.open(setting.backend.clone()).await;
        tables.create(&setting.table, &CreateOptions::new(schema())).await.unwrap();
        for step in 0..6_u64 {
            let ids = step as i64 * 10..step as i64 * 10 + 10;
            let once = AppendOptions::exactly_once(step, step + 1);
            let _ = tables.append(&setting.table, vec![rows(ids)], &once).await.unwrap();
        }
        tables.shutdown(&ShutdownOptions::default()).await.unwrap();
        let mut found = Vec::new();
        for key in objects(&setting.backend).await {
            let key = Key::new(key).unwrap();
            let reply = setting.backend.read(&key, &ReadOptions::default()).await.unwrap();
            found.push((key, reply.body.try_collect::<Vec<Bytes>>().await.unwrap().concat().into()));
        }
        let file = |name| Some((name, std::fs::read(setting.folder.path().join(name)).ok()?));
        let catalog: Vec<_> = ["catalog.db", "catalog.db-wal"].into_iter().filter_map(file).collect();
        Self { objects: found, catalog }
    }

    async fn setting(&self) -> Setting {
        let setting = Setting::empty();
        for (key, body) in &self.objects {
            let written = setting.backend.write(key, body.clone(), &WriteOptions::if_absent()).await.unwrap();
            assert!(matches!(written, Outcome::Applied(_)));
        }
        for (name, bytes) in &self.catalog {
            std::fs::write(setting.folder.path().join(name), bytes).unwrap();
        }
        setting
    }
}

impl Setting {
    fn empty() -> Self {
        Self { backend: memory_backend(), folder: tempfile::tempdir().unwrap(), table: name("items") }
    }

    async fn open(&self, backend: Arc<dyn AsyncBackend>) -> IcebergTables {
        let location = CatalogLocation::File(self.folder.path().join("catalog.db"));
        let config = IcebergConfig::new(location, LOCATION).with_prefix(Prefix::new("t").unwrap());
        IcebergTables::open(backend, config).await.unwrap()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Append,
    Compact,
    Drop,
    Expire,
}

const ACTIONS: [Action; 4] = [Action::Append, Action::Compact, Action::Drop, Action::Expire];

impl Action {
    async fn run(self, tables: &IcebergTables, table: &TableName) -> worldstore_core::Result<()> {
        match self {
            Self::Append => {
                let once = AppendOptions::exactly_once(6, 7);
                tables.append(table, vec![rows(60..70)], &once).await.map(drop)
            }
            Self::Compact => tables.compact(table, &CompactOptions::default()).await.map(drop),
            Self::Drop => {
                let drop_some = CompactOptions::default().with_drop(Predicate::compare("id", CompareOp::Lt, 15_i64));
                tables.compact(table, &drop_some).await.map(drop)
            }
            Self::Expire => tables.expire(table, &ExpireOptions::default().with_keep(2)).await.map(drop),
        }
    }

    /// The rows afterwards.
    fn rows(self) -> Vec<i64> {
        match self {
            Self::Append => (0..70).collect(),
            Self::Compact | Self::Expire => (0..60).collect(),
            Self::Drop => (15..60).collect(),
        }
    }
}

/// Does it with this trouble, and checks that all of it happened or nothing, that whoever opens the tables next sees the
/// same, and that it can be done then. True if the trouble was met.
async fn check(template: &Template, action: Action, trouble: Trouble) -> bool {
    let setting = template.setting().await;
    let (table, note) = (&setting.table, format!("{action:?} with {trouble:?}"));
    let troubled = TroubledBackend::new(setting.backend.clone(), trouble);
    let tables = setting.open(troubled.clone()).await;
    let done = action.run(&tables, table).await;
    let met = troubled.met();
    troubled.end();
    let before: Vec<i64> = (0..60).collect();
    let fresh = setting.open(setting.backend.clone()).await;
    let (seen, seen_fresh) = (ids(&tables, table, &Scan::all()).await, ids(&fresh, table, &Scan::all()).await);
    assert_eq!(seen, seen_fresh, "{note}");
    match &done {
        Ok(()) => assert_eq!(seen, action.rows(), "{note}"),
        Err(error) => {
            let typed = [ErrorKind::Unavailable, ErrorKind::OutcomeUnknown, ErrorKind::StorageFull];
            assert!(met && typed.contains(&error.kind()), "{note}: {error:?}");
            let may_have_happened = error.kind() == ErrorKind::OutcomeUnknown || action == Action::Expire;
            assert!(seen == before || may_have_happened && seen == action.rows(), "{note}: {error:?} but {seen:?}");
        }
    }
    // Every version that is still named is whole.
    for version in fresh.history(table, &HistoryOptions::default()).await.unwrap() {
        ids(&fresh, table, &Scan::all().with_version(version.version)).await;
    }
    if done.is_err() && seen == before {
        action.run(&fresh, table).await.unwrap_or_else(|error| panic!("{note}, again: {error:?}"));
        assert_eq!(ids(&fresh, table, &Scan::all()).await, action.rows(), "{note}");
    }
    // What was left behind can be cleaned up, and nothing else goes with it.
    let at_once = worldstore_iceberg::OrphanOptions::default().with_older_than(std::time::Duration::ZERO);
    fresh.remove_orphans(table, &at_once).await.unwrap_or_else(|error| panic!("{note}, orphans: {error:?}"));
    for version in fresh.history(table, &HistoryOptions::default()).await.unwrap() {
        ids(&fresh, table, &Scan::all().with_version(version.version)).await;
    }
    met
}

/// Every call in turn, until one is not made any more.
async fn every_call(trouble: impl Fn(u64) -> Trouble) {
    let template = Template::new().await;
    for action in ACTIONS {
        let mut call = 1;
        while check(&template, action, trouble(call)).await {
            call += 1;
        }
        assert!(call > 5, "{action:?} made {call} calls");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_fails_once() {
    every_call(Trouble::FailOnce).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_fails_and_all_after_it() {
    every_call(Trouble::FailFrom).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reply_of_every_call_is_lost_once() {
    every_call(Trouble::LoseReply).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_is_full_at_every_step() {
    let template = Template::new().await;
    for action in ACTIONS {
        let (mut budget, mut steps) = (0, 0);
        // Expiry writes one metadata file only.
        while check(&template, action, Trouble::FullAfter(budget)).await {
            budget += if action == Action::Expire { 128 } else { 1024 };
            steps += 1;
        }
        assert!(steps >= 3, "{action:?} needed {budget} bytes");
    }
}
