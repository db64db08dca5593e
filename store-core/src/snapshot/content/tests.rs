//! What the hash of a state depends on, and what it does not.

use proptest::prelude::*;

use super::*;
use crate::blocks::Block;
use crate::manifest::File;

fn entry(name: &str, content: &[u8], watermark: u64) -> Entry {
    Entry::new(name, "1", Hash::of(content)).with_watermark(watermark)
}

fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_bytes_are_those_that_are_documented() {
    let mut bytes = b"worldstore content 1\n".to_vec();
    bytes.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice("é".as_bytes());
    bytes.extend_from_slice(Hash::of(b"rows").as_bytes());
    bytes.extend_from_slice(&[0x34, 0x12, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
    for text in ["run", "main"] {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    assert_eq!(hash_of(&[entry("é", b"rows", 0x1234)], &properties(&[("run", "main")])), Hash::of(&bytes));
}

#[test]
fn every_logical_change_changes_it() {
    let entries = vec![entry("a", b"x", 1), entry("b", b"y", 2)];
    let changed = |change: fn(&mut Vec<Entry>)| {
        let mut entries = entries.clone();
        change(&mut entries);
        hash_of(&entries, &BTreeMap::new())
    };
    let mut hashes = vec![
        changed(|_| {}),
        changed(|entries| entries[0].name = "c".into()),
        changed(|entries| entries[0].name = "aa".into()),
        changed(|entries| entries[0].content = Hash::of(b"z")),
        changed(|entries| entries[0].watermark = 2),
        changed(|entries| drop(entries.pop())),
        changed(|entries| entries.clear()),
        changed(|entries| entries.push(entry("c", b"x", 1))),
        changed(|entries| {
            let (one, two) = (entries[0].content, entries[1].content);
            (entries[0].content, entries[1].content) = (two, one);
        }),
    ];
    // A text may move from one field to its neighbour: lengths keep them apart.
    for pairs in [&[("a", "")][..], &[("", "a")], &[("a", "b")], &[("ab", "")], &[("a", ""), ("b", "")]] {
        hashes.push(hash_of(&entries, &properties(pairs)));
    }
    let all = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), all);
}

fn any_block() -> impl Strategy<Value = Block> {
    (any::<[u8; 32]>(), 1..1_000_u64, 0..3_u64).prop_map(|(hash, length, generation)| Block {
        hash: Hash::from_bytes(hash),
        length,
        generation,
    })
}

fn any_file() -> impl Strategy<Value = File> {
    ("[a-z]{1,8}", any::<u64>(), any::<[u8; 32]>()).prop_map(|(key, length, hash)| File {
        key,
        length,
        hash: Hash::from_bytes(hash),
    })
}

/// How an entry is stored: version, blocks, files.
type Way = (String, Vec<Block>, Vec<File>);

/// The same entry, stored in another way.
fn repacked() -> impl Strategy<Value = Way> {
    ("[0-9]{1,5}", proptest::collection::vec(any_block(), 0..4), proptest::collection::vec(any_file(), 0..4))
}

proptest! {
    #[test]
    fn storing_the_same_in_another_way_does_not_change_it(
        named in proptest::collection::btree_map("[a-zé]{1,6}", (any::<[u8; 32]>(), any::<u64>(), repacked(), repacked()), 0..5),
        values in proptest::collection::btree_map("[a-z]{1,4}", ".{0,8}", 0..4),
    ) {
        let stored = |way: fn(&Way, &Way) -> Way| {
            let entries = named.iter().map(|(name, (content, watermark, one, other))| {
                let (version, blocks, files) = way(one, other);
                let entry = Entry::new(name.clone(), version, Hash::from_bytes(*content));
                entry.with_watermark(*watermark).with_blocks(blocks).with_files(files)
            });
            hash_of(&entries.collect::<Vec<_>>(), &values)
        };
        prop_assert_eq!(stored(|one, _| one.clone()), stored(|_, other| other.clone()));
    }
}
