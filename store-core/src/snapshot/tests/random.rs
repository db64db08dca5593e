//! Any state arrives and means the same; any change of an archive is noticed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::testing::dump;
use super::travel::{contents, export, import, root};
use super::*;
use crate::backend::Backend;
use crate::blocks::Hash;
use crate::key::Key;
use crate::manifest::File;
use crate::ops::{Outcome, WriteOptions};

/// What an entry is made of: files by key, and blocks.
pub type Made = (BTreeMap<String, Vec<u8>>, Vec<Vec<u8>>, u64);

fn any_entries() -> impl Strategy<Value = BTreeMap<String, Made>> {
    let content = || proptest::collection::vec(any::<u8>(), 0..700);
    let files = proptest::collection::btree_map("[a-zé]{1,30}(/[a-z0-9=]{1,90}){0,3}", content(), 0..3);
    let entry = (files, proptest::collection::vec(content(), 0..3), any::<u64>());
    proptest::collection::btree_map("[a-z]{1,4}", entry, 0..4)
}

/// A chain with these entries. Keys of files are made different by their entry's name.
pub fn build(entries: &BTreeMap<String, Made>, block_bytes: u64) -> Snapshots {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let options = ManifestOptions::default().with_blocks(BlockOptions::default().with_block_bytes(block_bytes));
    let manifests = Manifests::create(Arc::clone(&backend), root(), options).unwrap();
    let blocks = manifests.blocks().unwrap();
    let mut made = Vec::new();
    for (name, (files, contents, watermark)) in entries {
        let mut entry = Entry::new(name, "1", Hash::of(name.as_bytes())).with_watermark(*watermark);
        for (place, (key, content)) in files.iter().enumerate() {
            // One folder each, so that no key is a folder of another.
            let key = format!("{name}/{place}/{key}");
            let put = backend.write(&Key::new(&key).unwrap(), content.clone().into(), &WriteOptions::default());
            assert!(matches!(put.unwrap(), Outcome::Applied(_)));
            entry.files.push(File { key, length: content.len() as u64, hash: Hash::of(content) });
        }
        for content in contents {
            entry.blocks.extend(blocks.put(content.clone()).unwrap().blocks);
        }
        made.push(entry);
    }
    let publish = |draft: &mut crate::manifest::Draft<'_>| {
        made.iter().for_each(|entry| drop(draft.put(entry.clone())));
        draft.properties.insert("entries".into(), made.len().to_string());
        Ok(())
    };
    manifests.writer().unwrap().publish(publish).unwrap();
    Snapshots::new(manifests)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_state_arrives_and_means_the_same(entries in any_entries(), small in 1..200_u64) {
        let snapshots = build(&entries, small);
        let (archive, exported) = export(&snapshots, &Which::Newest);
        prop_assert_eq!(&export(&snapshots, &Which::Newest).0, &archive);
        let (copy, imported) = import(&Arc::new(Memory::new()), &archive).unwrap();
        prop_assert_eq!(imported.content, exported.content);
        prop_assert!(copy.verify_all().unwrap().damage.is_empty());
        prop_assert_eq!(contents(&copy, &Which::Newest), contents(&snapshots, &Which::Newest));
        // Blocks of another size mean the same.
        let repacked = build(&entries, 1_000);
        prop_assert_eq!(repacked.describe(&Which::Newest).unwrap().content, exported.content);
    }

    #[test]
    fn any_change_of_an_archive_imports_nothing(
        entries in any_entries(),
        at: prop::sample::Index,
        bit in 0..8_u32,
        cut: bool,
    ) {
        let (mut archive, _) = export(&build(&entries, 100), &Which::Newest);
        let at = at.index(archive.len());
        match cut {
            true => archive.truncate(at),
            false => archive[at] ^= 1 << bit,
        }
        let memory = Arc::new(Memory::new());
        prop_assert!(import(&memory, &archive).is_err());
        prop_assert!(dump(&*memory).is_empty());
    }
}
