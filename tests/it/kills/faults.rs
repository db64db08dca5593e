//! Storage that fails at each call, loses the answer to it, or is full: a typed error or success, and the right rows once
//! the world is opened again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use worldstore::cache::{ExpireTablesOptions, expire_tables, verify_retained};
use worldstore::core::table::{CompactOptions, Level, TableName};
use worldstore::core::{Backend, Memory};
use worldstore::registry::{OpenRequest, Scheme, SchemeInfo};
use worldstore::world::{IfOpen, LogPlace};
use worldstore::{CacheConfig, Error, ErrorKind, Registry, Result, Storage, TableFormat, World, WorldOptions};

use super::ledger::Ledger;
use super::rows::{Id, read, table};
use super::scripted::{Scripted, Trouble};
use super::{Replay, number, options, report, seed};

/// How many places of each kind of trouble are tried by default.
const PLACES: u64 = 4;
const URI: &str = "shelf://world";

/// What may be answered while storage fails.
const KINDS: [ErrorKind; 5] =
    [ErrorKind::Unavailable, ErrorKind::StorageFull, ErrorKind::OutcomeUnknown, ErrorKind::Poisoned, ErrorKind::Fenced];

macro_rules! for_each_trouble {
    ($format:ident $name:literal: $($test:ident $trouble:ident $of:ident),+) => {
        mod $format {
            use super::{Of, Trouble, strike};
            $(#[test]
            fn $test() {
                strike($name.parse().unwrap(), stringify!($test), Of::$of, Trouble::$trouble);
            })+
        }
    };
}

#[cfg(feature = "lance")]
for_each_trouble!(
    lance "lance":
    a_call_fails Fail Calls,
    storage_goes_away FailFrom Calls,
    an_answer_is_lost Lose Calls,
    storage_is_full Full Bytes,
    the_log_goes_away FailRecordsFrom Records
);
#[cfg(feature = "iceberg")]
for_each_trouble!(
    iceberg "iceberg":
    a_call_fails Fail Calls,
    storage_goes_away FailFrom Calls,
    an_answer_is_lost Lose Calls,
    storage_is_full Full Bytes,
    the_log_goes_away FailRecordsFrom Records
);

/// What a place is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Calls,
    Bytes,
    Records,
}

/// Tries the trouble at places all over the course of a world.
fn strike(format: TableFormat, name: &str, of: Of, trouble: fn(u64) -> Trouble) {
    let (places, seed) = (number("WORLDSTORE_CRASH_PLACES", PLACES), seed());
    let suite = format!("kills::faults::{format}::{name}");
    let _shows_again = Replay::new(&suite, &[("SEED", seed), ("PLACES", places)]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let all = runtime.block_on(Shelf::new(format).run(Trouble::None)).used[of as usize];
    let step = all.div_ceil(places).max(1);
    let mut kinds = BTreeMap::new();
    let (mut places, mut struck, mut acknowledged) = (0, 0, 0);
    for place in (1 + seed % step..all).step_by(step as usize) {
        eprintln!("{suite}: {name} at {place} of {all} {of:?}");
        let told = runtime.block_on(Shelf::new(format).run(trouble(place)));
        places += 1;
        struck += u64::from(told.has_struck);
        acknowledged += told.acknowledged;
        told.kinds.into_iter().for_each(|kind| *kinds.entry(format!("{kind:?}")).or_insert(0) += 1);
    }
    eprintln!("{suite}: {kinds:?}");
    assert!(struck * 4 > places * 3, "{struck} of {places} places were met");
    assert!(acknowledged > places, "{acknowledged} ticks were acknowledged");
    report(&suite, &[("places", places), ("acknowledged", acknowledged)]);
    super::tell(&format!("suite={suite}\tfault:{name} {format}={struck}/{places}"));
}

/// A world whose bytes are in memory, outlive it, and can fail.
struct Shelf {
    format: TableFormat,
    bytes: Arc<dyn Backend>,
    folder: TempDir,
    idle_sec: f64,
    ledger: Ledger,
    kinds: Vec<ErrorKind>,
}

struct Told {
    /// Calls, bytes and records of the course.
    used: [u64; 3],
    has_struck: bool,
    acknowledged: u64,
    kinds: Vec<ErrorKind>,
}

impl Shelf {
    fn new(format: TableFormat) -> Self {
        let (bytes, folder) = (Arc::new(Memory::new()), tempfile::tempdir().unwrap());
        Self { format, bytes, folder, idle_sec: 0.05, ledger: Ledger::default(), kinds: Vec::new() }
    }

    fn catalog(&self) -> PathBuf {
        self.folder.path().join("catalog.db")
    }

    fn options(&self, backend: &Arc<dyn Backend>) -> WorldOptions {
        let mut registry = Registry::compiled_in();
        let backend = Arc::clone(backend);
        let scheme = Scheme::new(SchemeInfo::new("shelf"), move |request: OpenRequest| {
            let storage = Storage::from_sync(Arc::clone(&backend), request.uri);
            async move { Ok(storage) }
        });
        registry.register(scheme).unwrap();
        // So few rows that a tick lets some of its tables be flushed at once, and others not.
        let cache = CacheConfig::default().with_flush_rows(3).with_idle_sec(self.idle_sec).with_direct_mb(0);
        let options = options(self.format).with_cache(cache).with_registry(registry).with_log(LogPlace::Store);
        options.with_catalog(self.catalog()).with_if_open(IfOpen::TakeOver)
    }

    /// A world with some ticks, then trouble, then what is left of it.
    async fn run(mut self, trouble: Trouble) -> Told {
        let sound = Arc::clone(&self.bytes);
        let world = World::create(URI, &self.options(&sound)).await.unwrap();
        let failed = self.course(&world, 1).await;
        failed.unwrap_or_else(|error| panic!("without trouble: {error:?}"));
        assert_eq!(self.kinds, []);
        world.shutdown().await.unwrap();
        drop(world);

        if let Trouble::FailRecordsFrom(_) = trouble {
            // Only tables that are full are flushed while the log is away.
            self.idle_sec = 60.0;
        }
        let scripted = Scripted::new(Arc::clone(&self.bytes), trouble);
        let backend: Arc<dyn Backend> = Arc::new(scripted.clone());
        let options = self.options(&backend);
        for cycle in 2..4 {
            match World::open(URI, &options).await {
                Ok(world) => {
                    if let Err(error) = self.course(&world, cycle).await {
                        self.note(error);
                    }
                    if let Err(error) = world.shutdown().await {
                        self.note(error);
                    }
                }
                Err(error) => self.note(error),
            }
        }
        let (used, has_struck) = (scripted.used(), scripted.has_struck());
        self.settle(&sound).await;
        Told { used, has_struck, acknowledged: self.ledger.acknowledgements(), kinds: self.kinds }
    }

    fn note(&mut self, error: Error) {
        assert!(KINDS.contains(&error.kind()), "{error:?}");
        self.kinds.push(error.kind());
    }

    /// Writes, flushes, compacts, expires and reads; goes on after a failure.
    async fn course(&mut self, world: &World, cycle: u64) -> Result<()> {
        let run = world.run("main").await?;
        for number in 0..6 {
            let id = Id { cycle, writer: 0, number };
            match id.commit(&run).await {
                Ok(receipt) => {
                    assert!(receipt.receipts.iter().all(|receipt| receipt.level == Level::Durable));
                    self.ledger.acknowledge(id, receipt.receipts[0].seq);
                    if number % 4 == 1 {
                        let committed = world.wait(&receipt.receipts[0], Level::Committed).await;
                        match committed {
                            Ok(receipt) => self.ledger.commit(receipt.seq),
                            Err(error) => self.note(error),
                        }
                    }
                }
                Err(error) => {
                    self.ledger.fail(id);
                    self.note(error);
                }
            }
            let kept = if number % 4 == 2 { upkeep(world, number).await } else { Ok(()) };
            kept.unwrap_or_else(|error| self.note(error));
        }
        match read(world).await {
            Ok(found) => self.ledger.check(found),
            Err(error) => self.note(error),
        }
        Ok(())
    }

    /// Opens it again without trouble, and looks for everything.
    async fn settle(&mut self, sound: &Arc<dyn Backend>) {
        let options = self.options(sound);
        let world = World::open(URI, &options).await.unwrap();
        self.ledger.check(read(&world).await.unwrap());
        let before = self.kinds.len();
        self.course(&world, 9).await.unwrap();
        assert_eq!(self.kinds[before..], [], "nothing fails any more");
        world.shutdown().await.unwrap();
        let reader = World::read(URI, &options).await.unwrap();
        self.ledger.check_published(read(&reader).await.unwrap());
        let verified = verify_retained(reader.manifests()).await.unwrap();
        assert!(verified.damage.is_empty(), "{:#?}", verified.damage);
    }
}

async fn upkeep(world: &World, number: u64) -> Result<()> {
    let tables = world.table_backend();
    match tables.compact(&TableName::new(table(number % 8))?, &CompactOptions::default()).await {
        Err(error) if !error.is_not_found() => return Err(error),
        _ => {}
    }
    let options = ExpireTablesOptions::default().with_keep_for(Duration::ZERO);
    let expired = expire_tables(&tables, world.manifests(), &options).await?;
    expired.failed.into_values().next().map_or(Ok(()), Err)
}
