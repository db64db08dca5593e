//! What tests of snapshots share.

mod lesser;

pub use lesser::Lesser;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::Snapshots;
use crate::backend::Backend;
use crate::blocks::{BlockOptions, Hash};
use crate::key::{Key, Prefix};
use crate::manifest::{Entry, File, ManifestOptions, Manifests, Stored};
use crate::ops::{ListOptions, Outcome, ReadOptions, WriteOptions};

/// Everything that a backend holds.
pub fn dump(backend: &dyn Backend) -> BTreeMap<String, Bytes> {
    let page = backend.list(&Prefix::root(), &ListOptions::default().with_limit(100_000)).unwrap();
    assert!(page.next.is_none());
    let read = |key: &Key| {
        let body = backend.read(key, &ReadOptions::default()).unwrap().body;
        let chunks: Vec<Bytes> = body.collect::<crate::Result<_>>().unwrap();
        Bytes::from(chunks.concat())
    };
    page.objects.iter().map(|meta| (meta.key.to_string(), read(&meta.key))).collect()
}

/// A chain in memory, with two entries of files and blocks; the last block is shared. The newest manifest is number 3.
pub fn chain(backend: Arc<dyn Backend>) -> Snapshots {
    let options =
        ManifestOptions::default().with_writer("test").with_blocks(BlockOptions::default().with_block_bytes(4));
    let manifests = Manifests::create(Arc::clone(&backend), Prefix::new("world").unwrap(), options).unwrap();
    publish(&manifests, 7, "first rows");
    Snapshots::new(manifests)
}

/// Publishes entries that hold this text, up to this watermark.
pub fn publish(manifests: &Manifests, watermark: u64, text: &str) -> Arc<Stored> {
    let backend = manifests.backend();
    let files = [format!("data/é/{watermark}.bin"), format!("data/{}/{watermark}.bin", "long".repeat(30))].map(|key| {
        let written = backend.write(&Key::new(&key).unwrap(), text.to_owned().into(), &WriteOptions::default());
        assert!(matches!(written, Ok(Outcome::Applied(_))));
        File { key, length: text.len() as u64, hash: Hash::of(text.as_bytes()) }
    });
    let [one, other] = files;
    let blocks = manifests.blocks().unwrap();
    let log = blocks.put(text.to_owned()).unwrap();
    let index = blocks.put(format!("idx: {text}")).unwrap();
    let published = manifests.writer().unwrap().publish(|draft| {
        draft.put(Entry::new("log", "1", log.hash).with_watermark(watermark).with_blocks(log.blocks.clone()));
        let table = Entry::new("table", "v1", index.hash).with_blocks(index.blocks.clone());
        draft.put(table.with_files(vec![one.clone(), other.clone()]));
        draft.properties.insert("run".into(), "main".into());
        Ok(())
    });
    published.unwrap()
}
