//! The protocol: what wins, what is fenced, what is kept, and what is found out about answers that are lost.

mod answers;
mod crashes;
mod fences;
mod histories;
mod keeping;
mod tampered;
mod threads;
mod turns;
mod unruly;

use super::*;
use crate::blocks::Content;
use crate::ops::ListOptions;

fn folder() -> Prefix {
    Prefix::new("w").unwrap()
}

/// A memory with a chain.
fn backend() -> Arc<dyn Backend> {
    let memory: Arc<dyn Backend> = Arc::new(crate::Memory::new());
    Manifests::create(Arc::clone(&memory), folder(), ManifestOptions::default()).unwrap();
    memory
}

fn open(backend: &Arc<dyn Backend>) -> Manifests {
    with(backend, |_| {})
}

/// A handle with a clock that does not wait, and other options set.
fn with(backend: &Arc<dyn Backend>, set: impl Fn(&mut ManifestOptions)) -> Manifests {
    let mut options = ManifestOptions::default().with_clock(Arc::new(ManualWallClock::new(1_000)));
    set(&mut options);
    Manifests::open(Arc::clone(backend), folder(), options).unwrap()
}

/// Publishes an id at the end of the list of all.
fn add(writer: &Writer, id: &str) -> Result<Arc<Stored>> {
    writer.publish(|draft| {
        let log = draft.properties.entry("log".into()).or_default();
        log.push_str(id);
        log.push(' ');
        Ok(())
    })
}

/// As [`add`], and sets an entry to a content.
fn add_with(writer: &Writer, id: &str, name: &str, content: &Content) -> Result<Arc<Stored>> {
    writer.publish(|draft| {
        draft.put(entry(name, content));
        let log = draft.properties.entry("log".into()).or_default();
        log.push_str(id);
        log.push(' ');
        Ok(())
    })
}

fn log(manifests: &Manifests) -> String {
    manifests.latest().unwrap().properties.get("log").cloned().unwrap_or_default()
}

/// A planted bug must make the test fail.
fn caught(test: impl FnOnce()) {
    let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
    assert!(run.is_err(), "the planted bug is not found");
}

/// An entry of this content.
fn entry(name: &str, content: &Content) -> Entry {
    Entry::new(name, "1", content.hash).with_blocks(content.blocks.clone())
}

/// The keys of all blocks that are stored.
fn block_keys(manifests: &Manifests) -> Vec<String> {
    let page = manifests.backend().list(manifests.inner.blocks.folder(), &ListOptions::default()).unwrap();
    assert!(page.next.is_none());
    page.objects.into_iter().map(|meta| meta.key.to_string()).collect()
}
