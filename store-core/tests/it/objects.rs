//! Short forms for looking at what a backend holds.

use std::path::Path;

use bytes::Bytes;
use worldstore_core::local::STAGING;
use worldstore_core::{Backend, Condition, Key, ListOptions, ObjectMeta, Prefix, ReadOptions, Result, WriteOptions};

/// A key of a text that is one.
pub fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

/// Writes an object, which must succeed.
pub fn put(backend: &dyn Backend, name: &str, body: impl Into<Bytes>) -> ObjectMeta {
    let key = key(name);
    let outcome = backend.write(&key, body.into(), &WriteOptions::default()).unwrap();
    outcome.applied(&key, &Condition::None).unwrap()
}

/// The whole content of an object.
pub fn content(backend: &dyn Backend, name: &str) -> Bytes {
    let reply = backend.read(&key(name), &ReadOptions::default()).unwrap();
    reply.body.collect::<Result<Vec<_>>>().unwrap().concat().into()
}

/// The names of all objects, which fit in one large page.
pub fn names(backend: &dyn Backend) -> Vec<String> {
    let page = backend.list(&Prefix::root(), &ListOptions::default().with_limit(10_000)).unwrap();
    assert!(page.next.is_none(), "more than a page");
    page.objects.iter().map(|meta| meta.key.to_string()).collect()
}

/// How many files writers have left below a local root. The folder of the locks is no such file.
pub fn staged(root: &Path) -> usize {
    let entries = std::fs::read_dir(root.join(STAGING)).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_file()).count()
}
