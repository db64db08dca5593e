//! Disks that fail in the middle of a change, and power cuts.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use redb::{Builder, StorageBackend};
use worldstore_core::kv::{KvObjects, Sizes};
use worldstore_core::{
    Backend, Durability, ErrorKind, Key, Outcome, ReadOptions, SettleOptions, Settled, StatOptions, WriteOptions,
    WriteToken,
};

use super::RedbMap;
use crate::Redb;

/// A disk: what is written, and what of it is synced. Clones are the same one.
#[derive(Debug, Clone, Default)]
struct Disk {
    bytes: Arc<Mutex<(Vec<u8>, Vec<u8>)>>,
    fails: Arc<AtomicBool>,
}

impl Disk {
    fn open(&self) -> Redb {
        let database = Builder::new().set_cache_size(1 << 20).create_with_backend(self.clone()).unwrap();
        KvObjects::open(RedbMap::new(database, PathBuf::from("disk")), Sizes::default()).unwrap()
    }

    /// The disk after a power cut: with what was synced and nothing else.
    fn after_power_cut(&self) -> Self {
        let synced = self.bytes.lock().unwrap().1.clone();
        Self { bytes: Arc::new(Mutex::new((synced.clone(), synced))), fails: Arc::default() }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().0.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (start, length) = (offset as usize, out.len());
        out.copy_from_slice(&self.bytes.lock().unwrap().0[start..start + length]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().0.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is broken"));
        }
        let mut bytes = self.bytes.lock().unwrap();
        bytes.1 = bytes.0.clone();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = offset as usize;
        self.bytes.lock().unwrap().0[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn write(backend: &Redb, name: &str, length: usize, durability: Durability) {
    let options = WriteOptions::default().with_durability(durability);
    assert!(matches!(backend.write(&key(name), vec![7; length].into(), &options).unwrap(), Outcome::Applied(_)));
}

/// The length of what is read whole, piece by piece; none if there is no object.
fn length(backend: &Redb, name: &str) -> Option<usize> {
    match backend.read(&key(name), &ReadOptions::default()) {
        Ok(reply) => Some(reply.body.map(|chunk| chunk.unwrap().len()).sum()),
        Err(error) => {
            assert!(error.is_not_found(), "{error:?}");
            None
        }
    }
}

#[test]
fn a_failed_sync_is_unknown_and_the_database_is_poisoned_until_it_is_opened_again() {
    let disk = Disk::default();
    let backend = disk.open();
    write(&backend, "before", 700_000, Durability::Full);
    let token = WriteToken::new("mine").unwrap();
    disk.fails.store(true, Ordering::SeqCst);
    let options = WriteOptions::if_absent().with_token(token.clone());
    assert_eq!(backend.write(&key("a"), "body".into(), &options).unwrap(), Outcome::Unknown);
    disk.fails.store(false, Ordering::SeqCst);
    let refused = backend.write(&key("b"), "body".into(), &WriteOptions::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Poisoned, "{refused:?}");
    drop(backend);
    let backend = disk.after_power_cut().open();
    assert_eq!(length(&backend, "before"), Some(700_000));
    // It may have happened or not, but settling and reading agree.
    match backend.settle(&key("a"), &token, &SettleOptions::default()).unwrap() {
        Settled::Applied(_) => assert_eq!(length(&backend, "a"), Some(4)),
        other => assert_eq!((other, length(&backend, "a")), (Settled::Absent, None)),
    }
}

#[test]
fn a_power_cut_takes_only_what_was_not_to_be_durable() {
    let disk = Disk::default();
    let backend = disk.open();
    write(&backend, "small", 4, Durability::Full);
    write(&backend, "large", 1_500_000, Durability::File);
    let version = backend.stat(&key("large"), &StatOptions::default()).unwrap().version;
    write(&backend, "lazy", 700_000, Durability::None);
    write(&backend, "large", 2_500_000, Durability::None);
    let lost = backend.stat(&key("large"), &StatOptions::default()).unwrap().version;
    let mut half = backend.open_writer(&key("half"), &WriteOptions::default()).unwrap();
    half.write(vec![7; 900_000].into()).unwrap();
    let after = disk.after_power_cut().open();
    assert_eq!(
        ["small", "large", "lazy", "half"].map(|name| length(&after, name)),
        [Some(4), Some(1_500_000), None, None]
    );
    assert_eq!(after.stat(&key("large"), &StatOptions::default()).unwrap().version, version);
    for _ in 0..20 {
        write(&after, "large", 4, Durability::Full);
        let version = after.stat(&key("large"), &StatOptions::default()).unwrap().version;
        assert_ne!(version, lost, "no version is used twice");
    }
    // What came later and was synced takes along what came before.
    write(&backend, "last", 4, Durability::Full);
    let after = disk.after_power_cut().open();
    assert_eq!(["last", "large", "lazy"].map(|name| length(&after, name)), [Some(4), Some(2_500_000), Some(700_000)]);
}
