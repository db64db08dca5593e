//! The hash of what a state means.

use std::collections::BTreeMap;

use crate::blocks::{Hash, Hasher};
use crate::manifest::{Entry, Manifest};

/// What the hash begins with: another way to compute it gets another line.
const START: &[u8] = b"worldstore content 1\n";

/// The hash of what a manifest means: the name, content and watermark of each entry, and the properties.
///
/// Files, blocks and versions are not in it, so storing the same in another way (compaction, other blocks, another
/// place) leaves it as it is; nor is what belongs to the chain (number, epoch, writer, time, pins).
///
/// ```text
/// "worldstore content 1\n"
/// number of entries, u64      for each, sorted by name in byte order:
///   length of the name, u64 · name · content hash, 32 bytes · watermark, u64
/// number of properties, u64   for each, sorted by name in byte order:
///   length of the name, u64 · name · length of the value, u64 · value
/// ```
///
/// It is BLAKE3 over these bytes; integers are little-endian.
pub fn content_hash(manifest: &Manifest) -> Hash {
    hash_of(&manifest.entries, &manifest.properties)
}

fn hash_of(entries: &[Entry], properties: &BTreeMap<String, String>) -> Hash {
    let mut hasher = Hasher::new();
    hasher.update(START);
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|one, two| one.name.cmp(&two.name));
    hasher.update_number(sorted.len() as u64);
    for entry in sorted {
        hasher.update_text(&entry.name);
        hasher.update(entry.content.as_bytes());
        hasher.update_number(entry.watermark);
    }
    hasher.update_number(properties.len() as u64);
    for (name, value) in properties {
        hasher.update_text(name);
        hasher.update_text(value);
    }
    hasher.hash()
}

#[cfg(test)]
mod tests;
