//! The log of worldstore: in files, and as objects on a backend.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use worldstore_core::vfs::OsVfs;
use worldstore_core::wal::{RecordKind, Wal, WalOptions};
use worldstore_core::{Local, Prefix};

use crate::Failure;

use super::load::Load;
use super::peer::Peer;
use super::race::{Run, race};

/// The log in files, as it comes.
pub struct Files;

impl Peer for Files {
    fn name(&self) -> &'static str {
        "worldstore"
    }

    fn run(&self, folder: &Path, load: &Load) -> Result<Run, Failure> {
        append(&self.open(folder)?, load)
    }

    fn read(&self, folder: &Path, _load: &Load, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        read(&self.open(folder)?, each)
    }
}

impl Files {
    /// Opens the log, which reads and tests all of it.
    pub fn open(&self, folder: &Path) -> Result<Wal, Failure> {
        Ok(Wal::open(&OsVfs::open(folder)?, "log", WalOptions::new())?.0)
    }
}

/// The log as objects, on a folder of this machine with full durability: file, name and folder synced for each group.
pub struct Objects;

impl Peer for Objects {
    fn name(&self) -> &'static str {
        "worldstore, objects on Local"
    }

    fn run(&self, folder: &Path, load: &Load) -> Result<Run, Failure> {
        append(&self.open(folder)?, load)
    }

    fn read(&self, folder: &Path, _load: &Load, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        read(&self.open(folder)?, each)
    }
}

impl Objects {
    /// Opens the log.
    pub fn open(&self, folder: &Path) -> Result<Wal, Failure> {
        let local = Arc::new(Local::open(folder)?);
        Ok(Wal::open_objects(local, Prefix::new("log")?, WalOptions::new())?.0)
    }
}

/// Appends without waiting for each record, until all are durable.
pub fn fill(wal: &Wal, load: &Load) -> Result<(), Failure> {
    let mut records = load.records(0);
    for _ in 0..load.each_max {
        drop(wal.append(RecordKind::DATA, Bytes::copy_from_slice(records.step()))?);
    }
    wal.wait_durable(wal.last())?;
    Ok(wal.close()?)
}

fn append(wal: &Wal, load: &Load) -> Result<Run, Failure> {
    let run = race(load, |record| {
        wal.append_durable(RecordKind::DATA, Bytes::copy_from_slice(record))?;
        Ok(())
    })?;
    wal.close()?;
    Ok(run)
}

/// Gives every record to `each`.
pub fn read(wal: &Wal, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
    for record in wal.replay(wal.first() - 1)? {
        each(&record?.payload);
    }
    Ok(())
}
