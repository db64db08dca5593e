//! Embedded key-value stores that serve as a log: the key is a number that grows.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use redb::{Durability, ReadableDatabase, ReadableTable, TableDefinition};

use crate::Failure;

use super::load::Load;
use super::peer::Peer;
use super::race::{Run, race};

const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

/// redb with immediate durability, one transaction per record.
pub struct Redb;

impl Peer for Redb {
    fn name(&self) -> &'static str {
        "redb, immediate"
    }

    fn run(&self, folder: &Path, load: &Load) -> Result<Run, Failure> {
        let database = redb::Database::create(folder.join("log.redb"))?;
        race(load, |record| {
            let mut transaction = database.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            {
                let mut table = transaction.open_table(TABLE)?;
                let last = table.last()?.map_or(0, |(key, _)| key.value());
                table.insert(last + 1, record)?;
            }
            Ok(transaction.commit()?)
        })
    }

    fn read(&self, folder: &Path, _load: &Load, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let database = redb::Database::open(folder.join("log.redb"))?;
        let transaction = database.begin_read()?;
        for entry in transaction.open_table(TABLE)?.iter()? {
            each(entry?.1.value());
        }
        Ok(())
    }
}

/// fjall, its journal synced after every record with `SyncData`.
pub struct Fjall;

impl Peer for Fjall {
    fn name(&self) -> &'static str {
        "fjall, SyncData"
    }

    fn run(&self, folder: &Path, load: &Load) -> Result<Run, Failure> {
        let database = Database::builder(folder).open()?;
        let (log, next) = (database.keyspace("log", KeyspaceCreateOptions::default)?, AtomicU64::new(1));
        race(load, |record| {
            log.insert(next.fetch_add(1, Ordering::Relaxed).to_be_bytes(), record)?;
            Ok(database.persist(PersistMode::SyncData)?)
        })
    }

    fn read(&self, folder: &Path, _load: &Load, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let database = Database::builder(folder).open()?;
        let log = database.keyspace("log", KeyspaceCreateOptions::default)?;
        for entry in log.iter() {
            each(&entry.value()?);
        }
        Ok(())
    }
}

/// sled, flushed after every record. Its flush reaches the kernel's queue to the device (`sync_file_range`), and neither
/// the device's own cache nor the file's size: a power cut may lose what it has acknowledged.
pub struct Sled;

impl Peer for Sled {
    fn name(&self) -> &'static str {
        "sled, flush (not the device)"
    }

    fn run(&self, folder: &Path, load: &Load) -> Result<Run, Failure> {
        let (database, next) = (sled_at(folder)?, AtomicU64::new(1));
        race(load, |record| {
            database.insert(next.fetch_add(1, Ordering::Relaxed).to_be_bytes(), record)?;
            database.flush()?;
            Ok(())
        })
    }

    fn read(&self, folder: &Path, _load: &Load, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        for entry in sled_again(folder)?.iter() {
            each(&entry?.1);
        }
        Ok(())
    }
}

fn sled_at(folder: &Path) -> Result<sled::Db, Failure> {
    Ok(sled::Config::new().path(folder.join("sled")).flush_every_ms(None).open()?)
}

/// Its threads let go of the lock a while after the handle is dropped.
fn sled_again(folder: &Path) -> Result<sled::Db, Failure> {
    for _ in 0..500 {
        if let Ok(database) = sled_at(folder) {
            return Ok(database);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    sled_at(folder)
}
