//! The backend over real redb files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod openings;

use std::path::Path;

use worldstore_core::{Backend, Condition, Key, ObjectMeta, ReadOptions, WriteOptions};
use worldstore_redb::{Redb, RedbConfig};

fn open(folder: &Path) -> Redb {
    config(folder).open().unwrap()
}

fn config(folder: &Path) -> RedbConfig {
    RedbConfig::new(folder.join("objects.redb")).with_cache_bytes(8 << 20)
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn write(backend: &dyn Backend, name: &str, body: impl Into<Vec<u8>>) -> ObjectMeta {
    let outcome = backend.write(&key(name), body.into().into(), &WriteOptions::default()).unwrap();
    outcome.applied(&key(name), &Condition::None).unwrap()
}

fn read(backend: &dyn Backend, name: &str) -> Vec<u8> {
    let reply = backend.read(&key(name), &ReadOptions::default()).unwrap();
    reply.body.map(|chunk| chunk.unwrap()).collect::<Vec<_>>().concat()
}

/// Bytes of which no two pieces are alike.
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u32).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect()
}
