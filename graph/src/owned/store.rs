//! The chain of manifests as the place of what queries have created.
//!
//! An entry `created/change/NUMBER` is what the statement of that number changed; `created/whole` is everything up to the
//! number that is its version. When there are many changes, the next one puts everything into one content anew.

use worldstore_core::blocks::{Blocks, Content};
use worldstore_core::manifest::{Draft, Entry, Manifest, Manifests};
use worldstore_core::{Error, ErrorKind, Result};
use worldstore_cypher_runtime::{Changes, MemoryGraph};

use super::codec::{decode, encode};
use super::{Created, Owned};
use crate::catalog::Expiry;

const WHOLE: &str = "created/whole";
const CHANGE: &str = "created/change/";

/// So many changes are kept beside the whole.
const CHANGES_MAX: usize = 64;

/// So often a content is put again because a collection came between it and the manifest.
const PUTS_MAX: u32 = 3;

/// What came of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    Done,
    /// Somebody else has changed something first: the statement has to be run again on that.
    Stale,
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct OwnedStore {
    manifests: Manifests,
    expiry: Expiry,
}

impl OwnedStore {
    pub fn new(manifests: Manifests, expiry: Expiry) -> Self {
        Self { manifests, expiry }
    }

    /// Publishes what the statement under way has changed, on top of what this process knows. Waits for the store.
    ///
    /// # Errors
    /// Those of the chain; `Corrupt` for an entry without a number. After `OutcomeUnknown` it may have been published.
    pub fn publish(&self, created: &MemoryGraph, changes: &Changes, known: u64) -> Result<Published> {
        let change = encode(changes)?;
        for _ in 0..PUTS_MAX {
            let blocks = self.manifests.blocks()?;
            let content = blocks.put(change.clone())?;
            let mut whole = None;
            let mut is_stale = false;
            let published = self.manifests.publish_shared(|draft| {
                if statements(draft.base())? != known || is_declared(draft, changes) {
                    is_stale = true;
                    return Err(Error::new(ErrorKind::Conflict, "somebody else was first"));
                }
                let number = known + 1;
                let kept = changes_in(draft.base())?;
                if kept.len() + 1 < CHANGES_MAX {
                    draft.put(entry(format!("{CHANGE}{number:020}"), number, &content));
                    return Ok(());
                }
                let whole = match &whole {
                    Some(whole) => whole,
                    None => &*whole.insert(blocks.put(encode(&created.whole())?)?),
                };
                let merged: Vec<String> = kept.iter().map(|(_, entry)| entry.name.clone()).collect();
                merged.iter().for_each(|name| drop(draft.remove(name)));
                draft.put(entry(WHOLE.to_owned(), number, whole));
                Ok(())
            });
            match published {
                Ok(published) => {
                    self.expiry.note(&published);
                    return Ok(Published::Done);
                }
                Err(_) if is_stale => return Ok(Published::Stale),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "others have published or collected first each time"))
    }

    /// True if a manifest has changes that this process has not. No I/O, and it does not wait.
    ///
    /// # Errors
    /// `Corrupt` for an entry without a number.
    pub fn has_news(&self, manifest: &Manifest, owned: &Owned) -> Result<bool> {
        Ok(statements(manifest)? > owned.changes())
    }

    /// Takes over what a manifest has and this process has not. Waits for the store.
    ///
    /// # Errors
    /// `Corrupt` if it cannot be read: then this process knows nothing any more, and reads all of it the next time.
    pub fn take(&self, manifest: &Manifest, owned: &Owned) -> Result<()> {
        let known = owned.changes();
        let head = statements(manifest)?;
        if head <= known {
            return Ok(());
        }
        let blocks = self.manifests.blocks()?;
        let new = |after: u64| {
            let entries = changes_in(manifest)?.into_iter().filter(|(number, _)| *number > after);
            entries.map(|(_, entry)| read(&blocks, entry)).collect::<Result<Vec<_>>>()
        };
        let whole = manifest.entry(WHOLE);
        let merged = whole.map(version).transpose()?.unwrap_or(0);
        let (base, changes) = match whole.filter(|_| merged > known) {
            Some(whole) => (Some(read(&blocks, whole)?), new(merged)?),
            None => (None, new(known)?),
        };
        owned.change(|created| {
            // Meanwhile another statement of this process may have come so far.
            if created.changes != known {
                return Ok(());
            }
            let applied = apply(created, base, changes);
            match &applied {
                Ok(()) => created.changes = head,
                Err(_) => *created = Created::default(),
            }
            applied
        })
    }
}

fn apply(created: &mut Created, base: Option<Changes>, changes: Vec<Changes>) -> Result<()> {
    if let Some(base) = base {
        let mut graph = MemoryGraph::new();
        graph.apply(base)?;
        created.graph = graph;
    }
    changes.into_iter().try_for_each(|change| created.graph.apply(change))
}

/// How many statements have changed something.
///
/// # Errors
/// `Corrupt` for an entry without a number.
pub(crate) fn statements(manifest: &Manifest) -> Result<u64> {
    let merged = manifest.entry(WHOLE).map(version).transpose()?.unwrap_or(0);
    let changes = changes_in(manifest)?;
    Ok(changes.into_iter().map(|(number, _)| number).max().unwrap_or(0).max(merged))
}

/// Changes that are not in the whole, in order.
fn changes_in(manifest: &Manifest) -> Result<Vec<(u64, &Entry)>> {
    let changes = manifest.entries.iter().filter_map(|entry| Some((entry.name.strip_prefix(CHANGE)?, entry)));
    changes.map(|(text, entry)| Ok((number(text, entry)?, entry))).collect()
}

/// True if a label or a type that was given a row is one that somebody has declared over rows of a table.
fn is_declared(draft: &Draft<'_>, changes: &Changes) -> bool {
    let labels = changes.nodes.iter().filter_map(|(_, node)| node.as_ref()).flat_map(|node| &node.labels);
    let types = changes.relationships.iter().filter_map(|(_, one)| one.as_ref()).map(|one| &one.kind);
    let is_known = |name: String| draft.properties.contains_key(&name);
    labels.map(|label| format!("label/{label}")).any(is_known)
        || types.map(|kind| format!("edge type/{kind}")).any(is_known)
}

fn entry(name: String, number: u64, content: &Content) -> Entry {
    Entry::new(name, number.to_string(), content.hash).with_blocks(content.blocks.clone())
}

fn version(entry: &Entry) -> Result<u64> {
    number(&entry.version, entry)
}

fn number(text: &str, entry: &Entry) -> Result<u64> {
    text.parse().map_err(|source| {
        let error = Error::new(ErrorKind::Corrupt, "an entry of the catalog has no number").with("entry", &entry.name);
        error.caused_by(source)
    })
}

fn read(blocks: &Blocks, entry: &Entry) -> Result<Changes> {
    let length = entry.blocks.iter().map(|block| block.length).sum();
    let content = Content { hash: entry.content, length, blocks: entry.blocks.clone() };
    let about = |error: Error| error.with("entry", &entry.name);
    let bytes = blocks.get(&content).and_then(|reader| reader.bytes()).map_err(about)?;
    decode(&bytes).map_err(about)
}
