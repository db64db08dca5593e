//! The protocol: what wins, what is fenced, what is kept, and what is found out about answers that are lost.

mod histories;
mod turns;
mod unruly;

use super::*;
use crate::blocks::Content;
use crate::ops::ListOptions;

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
