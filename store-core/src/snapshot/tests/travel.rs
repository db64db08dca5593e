//! Export, import, restore: everything arrives, or nothing.

use std::collections::BTreeMap;

use super::super::archive::tests::hostile;
use super::super::archive::{self, ArchiveLimits, ArchiveList, ArchiveSummary, ArchiveWriter};
use super::super::testing::dump;
use super::*;
use crate::backend::Backend;
use crate::blocks::Hash;
use crate::error::Result;
use crate::key::Key;
use crate::manifest::{Manifest, Stored, encode};
use crate::ops::WriteOptions;
use crate::wrap::PrefixBackend;

pub fn root() -> Prefix {
    Prefix::new("copy").unwrap()
}

pub fn export(snapshots: &Snapshots, which: &Which) -> (Vec<u8>, Exported) {
    snapshots.export(which, Vec::new(), &ArchiveLimits::default()).unwrap()
}

pub fn import(backend: &Arc<impl Backend>, archive: &[u8]) -> Result<(Snapshots, Imported)> {
    Snapshots::import(Arc::clone(backend) as Arc<dyn Backend>, root(), archive, &ImportOptions::default())
}

/// Files and blocks of a state, by what they are and not by where they are.
pub fn contents(snapshots: &Snapshots, which: &Which) -> BTreeMap<String, Vec<u8>> {
    let (archive, _) = export(snapshots, which);
    let mut reader = archive::ArchiveReader::new(&archive[..], &ArchiveLimits::default()).unwrap();
    let mut contents = BTreeMap::new();
    while reader.next_member().is_some() {
        let mut content = Vec::new();
        let member = reader.read_member(&mut |chunk| {
            content.extend_from_slice(&chunk);
            Ok(())
        });
        contents.insert(member.unwrap().name, content);
    }
    contents
}

#[test]
fn an_archive_is_the_same_each_time_and_arrives_whole() {
    let snapshots = chain(Arc::new(Memory::new()));
    snapshots.create("monday", &Which::Newest).unwrap();
    let (archive, exported) = export(&snapshots, &named("monday"));
    publish(snapshots.manifests(), 8, "later rows");
    snapshots.manifests().expire(&ExpireOptions::default().with_keep_last(1)).unwrap();
    assert_eq!(export(&snapshots, &named("monday")), (archive.clone(), exported), "whatever happens since");
    assert_eq!(exported.archive.blake3, Hash::of(&archive));

    let memory = Arc::new(Memory::new());
    let (copy, imported) = import(&memory, &archive).unwrap();
    assert_eq!((imported.source_number, imported.content, imported.left_behind.len()), (3, exported.content, 0));
    assert_eq!((imported.entries, imported.members, imported.archive), (2, 9, Some(exported.archive)));
    assert_eq!(contents(&copy, &Which::Newest), contents(&snapshots, &named("monday")));
    let verified = copy.verify_all().unwrap();
    assert_eq!((verified.damage.len(), verified.files, verified.blocks), (0, 2, 7));
    assert!(dump(&*memory).keys().all(|key| !key.contains("importing")));
    let (there, here) = (snapshots.manifest(&named("monday")).unwrap(), copy.manifest(&Which::Newest).unwrap());
    assert_eq!((&there.entries, &there.properties), (&here.entries, &here.properties));
    // And it is a chain like any other.
    publish(copy.manifests(), 9, "rows on top");
    assert_ne!(copy.describe(&Which::Newest).unwrap().content, exported.content);
}

#[test]
fn a_state_is_restored_without_an_archive() {
    let snapshots = chain(Arc::new(Memory::new()));
    snapshots.create("monday", &Which::Newest).unwrap();
    publish(snapshots.manifests(), 8, "bad rows");
    let memory = Arc::new(Memory::new());
    let options = ImportOptions::default();
    let restored = snapshots.restore(&named("monday"), Arc::clone(&memory) as Arc<_>, root(), &options);
    let (copy, imported) = restored.unwrap();
    assert_eq!((imported.source_number, imported.members, imported.archive), (3, 9, None));
    assert_eq!(contents(&copy, &Which::Newest), contents(&snapshots, &named("monday")));
    assert!(copy.verify_all().unwrap().damage.is_empty());
}

/// Files keep their keys: below the same root they would be those of the old chain, which may remove them.
#[test]
fn a_state_with_files_is_not_restored_below_its_own_root() {
    let memory = Arc::new(Memory::new());
    let snapshots = chain(Arc::clone(&memory) as Arc<_>);
    let before = dump(&*memory);
    let other = Prefix::new("elsewhere").unwrap();
    let options = ImportOptions::default();
    let same = PrefixBackend::new(Arc::clone(&memory) as Arc<_>, Prefix::root());
    for backend in [Arc::clone(&memory) as Arc<dyn Backend>, Arc::new(same)] {
        let error = snapshots.restore(&Which::Newest, backend, other.clone(), &options).unwrap_err();
        assert_eq!((error.kind(), error.to_string().contains("PrefixBackend")), (ErrorKind::Invalid, true), "{error}");
        assert_eq!(dump(&*memory), before, "nothing is left");
    }
    let below = Arc::new(PrefixBackend::new(Arc::clone(&memory) as Arc<_>, other));
    let (copy, _) = snapshots.restore(&Which::Newest, below, Prefix::root(), &options).unwrap();
    assert_eq!(contents(&copy, &Which::Newest), contents(&snapshots, &Which::Newest));
    assert!(before.keys().filter(|key| !key.contains('/')).all(|key| dump(&*memory).contains_key(key)));
}

#[test]
fn a_damaged_state_is_not_restored() {
    let memory = Arc::new(Memory::new());
    let snapshots = chain(Arc::clone(&memory) as Arc<_>);
    for key in dump(&*memory).keys().filter(|key| !key.contains("manifests/")) {
        let source = Arc::new(memory.snapshot());
        drop(source.write(&Key::new(key).unwrap(), "rot!".into(), &WriteOptions::default()).unwrap());
        let folder = snapshots.manifests().folder().clone();
        let manifests = Manifests::open(source, folder, ManifestOptions::default()).unwrap();
        let target = Arc::new(Memory::new());
        let options = ImportOptions::default();
        let restored =
            Snapshots::new(manifests).restore(&Which::Newest, Arc::clone(&target) as Arc<_>, root(), &options);
        assert_eq!(restored.unwrap_err().kind(), ErrorKind::Corrupt, "{key}");
        assert!(dump(&*target).is_empty(), "{key}");
    }
}

#[test]
fn only_an_empty_place_takes_a_state() {
    let snapshots = chain(Arc::new(Memory::new()));
    let (archive, _) = export(&snapshots, &Which::Newest);
    let used = Arc::new(Memory::new());
    import(&used, &archive).unwrap();
    let before = dump(&*used);
    assert_eq!(import(&used, &archive).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(dump(&*used), before);
    // A chain without anything in it is an empty place, whatever generation its blocks have.
    let begun = Arc::new(Memory::new());
    let manifests = Manifests::create(Arc::clone(&begun) as Arc<_>, root(), ManifestOptions::default()).unwrap();
    (0..5).for_each(|_| drop(manifests.collect(&CollectOptions::default()).unwrap()));
    let (copy, imported) = import(&begun, &archive).unwrap();
    assert_eq!((imported.number, copy.verify_all().unwrap().damage.len()), (8, 0));
    // A file that stands in the way is not replaced; one that is the same does not.
    for (bytes, arrives) in [("first rows", true), ("other rows", false)] {
        let memory = Arc::new(Memory::new());
        let key = Key::new("data/é/7.bin").unwrap();
        drop(memory.write(&key, bytes.into(), &WriteOptions::default()).unwrap());
        let done = import(&memory, &archive);
        assert_eq!(done.is_ok(), arrives);
        if let Err(error) = done {
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
            let left: Vec<_> = dump(&*memory).into_keys().filter(|key| !key.contains("/blocks/")).collect();
            assert_eq!(left, [key.as_str()]);
        }
    }
}

/// The archive of a manifest that was changed, and which is right in itself.
fn forged(stored: &Stored, contents: &BTreeMap<String, Vec<u8>>, change: impl FnOnce(&mut Manifest)) -> Vec<u8> {
    let mut manifest = stored.manifest.clone();
    change(&mut manifest);
    let bytes = encode(&manifest).unwrap().0;
    let members = super::super::needs::Needs::of(&manifest).unwrap().members();
    let list = ArchiveList::new(content_hash(&manifest), &bytes, members, &ArchiveLimits::default()).unwrap();
    written(&bytes, list, contents).unwrap().0
}

fn written(
    manifest: &[u8],
    list: ArchiveList,
    contents: &BTreeMap<String, Vec<u8>>,
) -> Result<(Vec<u8>, ArchiveSummary)> {
    let mut writer = ArchiveWriter::new(Vec::new(), manifest, list, &ArchiveLimits::default())?;
    while let Some(member) = writer.next_member() {
        let content = contents.values().find(|content| Hash::of(content) == member.blake3).unwrap();
        writer.write_member([Ok(content.clone().into())])?;
    }
    writer.finish()
}

#[test]
fn manifests_that_reach_further_than_they_may_are_refused() {
    let snapshots = chain(Arc::new(Memory::new()));
    let (stored, contents) = (snapshots.manifest(&Which::Newest).unwrap(), contents(&snapshots, &Which::Newest));
    let target = || Arc::new(Memory::new());
    let file = |key: &str| {
        let key = key.to_owned();
        forged(&stored, &contents, |manifest| manifest.entries[1].files[0].key = key)
    };
    let number = format!("copy/manifests/{:020}", 1);
    for own in [number.as_str(), "copy/manifests", "copy/blocks/x", "copy/importing/x/1"] {
        let memory = target();
        let error = import(&memory, &file(own)).unwrap_err();
        assert!(error.to_string().contains("lies in a folder of the chain"), "{own}: {error}");
        assert!(dump(&*memory).is_empty());
    }
    for other in [format!("manifests/{:020}", 9), format!("world/blocks/{:020}/x", 1)] {
        let memory = target();
        let error = import(&memory, &file(&other)).unwrap_err();
        assert!(error.to_string().contains("could pass for one of a chain"), "{other}: {error}");
        assert!(dump(&*memory).is_empty());
    }
    import(&target(), &file("copy/other/manifests/1")).unwrap();
    // A list that is right in itself and tells of another manifest.
    let bytes = encode(&stored.manifest).unwrap().0;
    let members = super::super::needs::Needs::of(&stored).unwrap().members();
    let mut lists = vec![(content_hash(&stored), members[1..].to_vec()), (Hash::of(b"other"), members.clone())];
    let extra = archive::ArchiveMember::file(&Key::new("extra").unwrap(), 4, members[4].blake3);
    lists.push((content_hash(&stored), [&members[..], &[extra]].concat()));
    for (content, members) in lists {
        let list = ArchiveList::new(content, &bytes, members, &ArchiveLimits::default()).unwrap();
        let Ok((archive, _)) = written(&bytes, list, &contents) else { continue };
        archive::check(&archive, &ArchiveLimits::default()).unwrap();
        let memory = target();
        let error = import(&memory, &archive).unwrap_err();
        assert!(error.to_string().contains("the list of members is not that of the manifest"), "{error}");
        assert!(dump(&*memory).is_empty());
    }
    // A manifest that is none.
    let list = ArchiveList::new(Hash::of(b"x"), b"none", Vec::new(), &ArchiveLimits::default()).unwrap();
    let (archive, _) = written(b"none", list, &contents).unwrap();
    let error = import(&target(), &archive).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("member: manifest")), (ErrorKind::Corrupt, true));
}

#[test]
fn hostile_archives_import_nothing() {
    let (right, cases) = hostile::cases();
    for (name, archive, kind, _) in cases {
        let memory = Arc::new(Memory::new());
        let error = import(&memory, &archive).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(dump(&*memory).is_empty(), "{name}");
    }
    import(&Arc::new(Memory::new()), &right).unwrap();
}

#[test]
fn limits_hold_on_both_ways() {
    let snapshots = chain(Arc::new(Memory::new()));
    let (archive, _) = export(&snapshots, &Which::Newest);
    let limits = ArchiveLimits::default().with_members_max(8);
    let exported = snapshots.export(&Which::Newest, Vec::new(), &limits);
    assert_eq!(exported.unwrap_err().kind(), ErrorKind::Invalid);
    let memory = Arc::new(Memory::new());
    let options = ImportOptions::default().with_limits(limits);
    let imported = Snapshots::import(Arc::clone(&memory) as Arc<_>, root(), &archive[..], &options);
    let error = imported.unwrap_err();
    assert!(error.to_string().contains("limit: members_max, found: 9, max: 8"), "{error}");
    assert!(dump(&*memory).is_empty());
}

#[test]
fn a_flipped_bit_anywhere_imports_nothing() {
    let memory = Arc::new(Memory::new());
    let options = ManifestOptions::default();
    let manifests = Manifests::create(Arc::clone(&memory) as Arc<_>, root(), options).unwrap();
    let content = manifests.blocks().unwrap().put("b").unwrap();
    let publish = |draft: &mut crate::manifest::Draft<'_>| {
        draft.put(Entry::new("e", "1", content.hash).with_blocks(content.blocks.clone()));
        Ok(())
    };
    manifests.writer().unwrap().publish(publish).unwrap();
    let (archive, _) = export(&Snapshots::new(manifests), &Which::Newest);
    let target = Arc::new(Memory::new());
    for at in 0..archive.len() {
        let mut flipped = archive.clone();
        flipped[at] ^= 1 << (at % 8);
        let error = import(&target, &flipped).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Invalid | ErrorKind::Unsupported),
            "{at}: {error}"
        );
        assert!(dump(&*target).is_empty(), "{at}");
    }
    for end in 0..archive.len() {
        assert_eq!(import(&target, &archive[..end]).unwrap_err().kind(), ErrorKind::Corrupt, "{end}");
        assert!(dump(&*target).is_empty(), "{end}");
    }
    import(&target, &archive).unwrap();
}
