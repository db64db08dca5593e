//! Damage is found, told, and never passed on.

use super::super::archive::ArchiveLimits;
use super::super::testing::dump;
use super::*;
use crate::backend::Backend;
use crate::key::Key;
use crate::ops::{DeleteOptions, WriteOptions};

fn write(backend: &Memory, key: &str, bytes: &[u8]) {
    let written = backend.write(&Key::new(key).unwrap(), bytes.to_vec().into(), &WriteOptions::default());
    drop(written.unwrap());
}

/// What each way to spoil an object does to it, and how the problem is told.
fn spoilt(bytes: &[u8]) -> Vec<(Option<Vec<u8>>, &'static str)> {
    let mut flipped = bytes.to_vec();
    flipped[0] ^= 1;
    vec![
        (None, "missing"),
        (Some(flipped), "is expected"),
        (Some(bytes[..bytes.len() - 1].to_vec()), "bytes long where"),
        (Some([bytes, b"x"].concat()), "bytes long where"),
        (Some(Vec::new()), "0 bytes long where"),
    ]
}

#[test]
fn every_damaged_or_missing_object_is_told_with_what_refers_to_it() {
    let memory = Arc::new(Memory::new());
    let snapshots = chain(Arc::clone(&memory) as Arc<_>);
    snapshots.create("tag", &Which::Newest).unwrap();
    let clean = snapshots.verify(&named("tag")).unwrap();
    assert_eq!((clean.manifests, clean.files, clean.blocks, clean.damage.len()), (1, 2, 7, 0));
    let objects = dump(&*memory);
    let data = objects.iter().filter(|(key, _)| !key.contains("manifests/"));
    let mut seen = 0;
    for (key, bytes) in data {
        for (spoil, told) in spoilt(bytes) {
            match &spoil {
                None => drop(memory.delete(&[Key::new(key).unwrap()], &DeleteOptions::default()).unwrap()),
                Some(bytes) => write(&memory, key, bytes),
            }
            let damage = snapshots.verify(&named("tag")).unwrap().damage;
            let [damage] = &damage[..] else { panic!("{key} {told}: {damage:?}") };
            assert_eq!(damage.key.as_str(), key);
            assert!(damage.problem.to_string().contains(told), "{told} in {}", damage.problem);
            let kind = if key.starts_with("data/") { ObjectKind::File } else { ObjectKind::Block };
            assert_eq!((damage.kind, damage.number), (kind, 3));
            assert!(!damage.entries.is_empty() && damage.entries.iter().all(|name| name == "log" || name == "table"));
            assert_eq!(snapshots.verify_all().unwrap().damage.len(), 1);
            // It does not get into an archive either.
            let exported = snapshots.export(&named("tag"), Vec::new(), &ArchiveLimits::default());
            let expected = if spoil.is_none() { ErrorKind::NotFound } else { ErrorKind::Corrupt };
            assert_eq!(exported.unwrap_err().kind(), expected, "{key} {told}");
            write(&memory, key, bytes);
            seen += 1;
        }
    }
    assert_eq!(seen, 9 * 5);
    assert!(snapshots.verify_all().unwrap().damage.is_empty());
}

#[test]
fn all_damage_is_told_at_once() {
    let memory = Arc::new(Memory::new());
    let snapshots = chain(Arc::clone(&memory) as Arc<_>);
    for key in dump(&*memory).keys().filter(|key| !key.contains("manifests/")) {
        write(&memory, key, b"rotten beyond recognition");
    }
    let damage = snapshots.verify(&Which::Newest).unwrap().damage;
    assert_eq!(damage.len(), 9);
    assert_eq!(snapshots.verify_all().unwrap().damage.len(), 9);
    let blocks = snapshots.verify_blocks().unwrap();
    assert_eq!((blocks.files, blocks.blocks, blocks.damage.len()), (0, 7, 7));
}

#[test]
fn damaged_manifests_are_told() {
    let memory = Arc::new(Memory::new());
    let snapshots = chain(Arc::clone(&memory) as Arc<_>);
    snapshots.create("tag", &Which::Newest).unwrap();
    let key = format!("world/manifests/{:020}", 3);
    let bytes = dump(&*memory)[&key].clone();
    let mut flipped = bytes.to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    write(&memory, &key, &flipped);
    let error = snapshots.verify(&named("tag")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let verified = snapshots.verify_all().unwrap();
    let [damage] = &verified.damage[..] else { panic!("{:?}", verified.damage) };
    assert_eq!((damage.kind, damage.number, damage.key.as_str()), (ObjectKind::Manifest, 3, key.as_str()));
    assert_eq!(verified.manifests, 3);
    // Another manifest under the number, right in itself: the pin names its hash.
    let other = chain(Arc::new(Memory::new()));
    let foreign = crate::manifest::encode(&other.manifest(&Which::Number(3)).unwrap()).unwrap().0;
    write(&memory, &key, &foreign);
    assert_eq!(snapshots.verify(&named("tag")).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(snapshots.verify_all().unwrap().damage.len(), 1);
    write(&memory, &key, &bytes);
    assert!(snapshots.verify_all().unwrap().damage.is_empty());
    memory.delete(&[Key::new(&key).unwrap()], &DeleteOptions::default()).unwrap();
    assert_eq!(snapshots.verify(&named("tag")).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(snapshots.verify_all().unwrap().damage.len(), 1);
}

#[test]
fn an_object_that_cannot_be_read_does_not_end_the_verification() {
    let failing = Memory::new().with_hook(|event| match event {
        event if event.operation == "read" && event.key.ends_with("7.bin") => {
            crate::memory::Verdict::Fail(crate::Error::new(ErrorKind::Unexpected, "i/o error"))
        }
        _ => crate::memory::Verdict::Pass,
    });
    let snapshots = chain(Arc::new(failing));
    let damage = snapshots.verify(&Which::Newest).unwrap().damage;
    assert_eq!(damage.len(), 2);
    assert!(damage.iter().all(|damage| matches!(&damage.problem, Problem::Unreadable(_))));
    assert!(damage[0].problem.to_string().contains("i/o error"));
}

#[test]
fn of_two_copies_of_a_block_the_right_one_is_exported() {
    let memory = Arc::new(Memory::new());
    let snapshots = chain(Arc::clone(&memory) as Arc<_>);
    let manifests = snapshots.manifests();
    let log = snapshots.manifest(&Which::Newest).unwrap().entry("log").unwrap().clone();
    manifests.collect(&CollectOptions::default()).unwrap();
    // A second entry refers to the same blocks, put again under the next generation.
    let mut copies = log.blocks.clone();
    for block in &mut copies {
        let from = block.key(&Prefix::new("world/blocks").unwrap()).unwrap();
        block.generation += 1;
        let to = block.key(&Prefix::new("world/blocks").unwrap()).unwrap();
        drop(memory.copy(&from, &to, &crate::ops::CopyOptions::default()).unwrap());
    }
    let writer = manifests.writer().unwrap();
    writer
        .publish(|draft| {
            draft.put(Entry::new("copy", "1", log.content).with_blocks(copies.clone()));
            Ok(())
        })
        .unwrap();
    let verified = snapshots.verify(&Which::Newest).unwrap();
    assert_eq!((verified.blocks, verified.damage.len()), (10, 0));
    let whole = snapshots.export(&Which::Newest, Vec::new(), &ArchiveLimits::default()).unwrap();
    for copies in [&log.blocks, &copies] {
        let key = copies[0].key(&Prefix::new("world/blocks").unwrap()).unwrap();
        let before = dump(&*memory)[key.as_str()].clone();
        write(&memory, key.as_str(), b"rot!");
        assert_eq!(snapshots.verify(&Which::Newest).unwrap().damage.len(), 1);
        let (archive, exported) = snapshots.export(&Which::Newest, Vec::new(), &ArchiveLimits::default()).unwrap();
        assert_eq!((archive, exported), whole.clone());
        write(&memory, key.as_str(), &before);
    }
}
