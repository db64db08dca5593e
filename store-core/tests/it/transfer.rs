//! Moving much at once: many keys, files in and out, objects between stores, whole folders; and what happens when it
//! breaks off.

mod broken;
mod files;
mod folders;
mod many;

use std::sync::Arc;

use worldstore_core::{Error, ErrorKind, Local, Memory, Result, Store};

/// A store in memory, below a folder of it.
fn memory() -> Store {
    Store::new(Arc::new(Memory::new())).child("some/root").unwrap()
}

/// Runs `test` on each backend, at its root and below a folder of it.
fn for_each_store(test: impl Fn(&Store)) {
    test(&Store::new(Arc::new(Memory::new())));
    test(&memory());
    let folder = tempfile::tempdir().unwrap();
    let local = Store::new(Arc::new(Local::new(folder.path().join("data")).unwrap()));
    test(&local.child("inner").unwrap());
}

fn kind<Value: std::fmt::Debug>(result: Result<Value>) -> ErrorKind {
    result.map_err(|error: Error| error.kind()).unwrap_err()
}

/// Bytes that differ everywhere.
fn body(bytes: usize) -> Vec<u8> {
    (0..bytes as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// All paths of a store with their texts.
fn content(store: &Store) -> Vec<(String, String)> {
    let files = store.list("").map(|meta| meta.unwrap().key.to_string());
    files.map(|key| (key.clone(), store.read_text(&key).unwrap())).collect()
}
