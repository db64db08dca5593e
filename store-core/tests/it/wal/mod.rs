//! The log from outside: crashes and faults at every call, planted bugs, traps by name, a model, a stored log.

mod crash;
mod golden;
mod history;
mod missing;
mod planted;
mod steps;
mod takeover;
mod traps;

use bytes::Bytes;
use worldstore_core::vfs::{Folder, Vfs};
use worldstore_core::wal::{RecordKind, Threads, Wal, WalOptions};

/// Small segments and no threads: the same calls are the same steps.
fn small() -> WalOptions {
    WalOptions::new().with_segment_bytes(4096).with_threads(Threads::None)
}

/// All records that are kept.
fn records(wal: &Wal) -> Vec<(u64, Bytes)> {
    let replay = wal.replay(wal.first() - 1).unwrap();
    replay.map(|record| record.map(|record| (record.seq, record.payload)).unwrap()).collect()
}

/// Appends so many records of a kilobyte, and waits for each.
fn fill(wal: &Wal, count: u64) {
    for number in 0..count {
        wal.append_durable(RecordKind::DATA, vec![number as u8; 1000]).unwrap();
    }
}

/// The names of the segments.
fn segments<V: Vfs>(vfs: &V, path: &str) -> Vec<String> {
    let entries = vfs.root().unwrap().open_folder(path).unwrap().list().unwrap();
    let mut names: Vec<String> =
        entries.into_iter().map(|entry| entry.name).filter(|name| name.ends_with(".wal")).collect();
    names.sort();
    names
}
