//! Archives that are right, archives that are not, and archives that were.

pub(in super::super) mod hostile;

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;
use proptest::prelude::*;

use super::tar::{head, padded};
use super::*;
use crate::blocks::{Block, CommitId};
use crate::error::{ErrorKind, Result};
use crate::key::Key;
use crate::manifest::{Entry, File, Manifest, encode};
use crate::snapshot::content_hash;

/// An archive and what it was made of.
#[derive(Debug, Clone)]
struct Made {
    manifest: Vec<u8>,
    list: ArchiveList,
    /// In the order of the list.
    contents: Vec<Vec<u8>>,
    archive: Vec<u8>,
}

/// Makes an archive of files and blocks. The manifest is any bytes: the archive does not look into it.
fn make(content: Hash, manifest: &[u8], files: &[(String, Vec<u8>)], blocks: &[Vec<u8>]) -> Made {
    let mut members: Vec<(ArchiveMember, Vec<u8>)> = Vec::new();
    for (key, content) in files {
        let key = Key::new(key).unwrap();
        members.push((ArchiveMember::file(&key, content.len() as u64, Hash::of(content)), content.clone()));
    }
    for content in blocks {
        members.push((ArchiveMember::block(content.len() as u64, Hash::of(content)), content.clone()));
    }
    let listed = members.iter().map(|(member, _)| member.clone()).collect();
    let list = ArchiveList::new(content, manifest, listed, &ArchiveLimits::default()).unwrap();
    members.sort_by(|one, two| one.0.name.cmp(&two.0.name));
    let contents: Vec<Vec<u8>> = members.into_iter().map(|(_, content)| content).collect();
    let archive = write(manifest, &list, &contents).unwrap();
    Made { manifest: manifest.to_vec(), list, contents, archive }
}

fn write(manifest: &[u8], list: &ArchiveList, contents: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut writer = ArchiveWriter::new(Vec::new(), manifest, list.clone(), &ArchiveLimits::default())?;
    for content in contents {
        writer.write_member(content.chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk))))?;
    }
    let (archive, summary) = writer.finish()?;
    assert_eq!((summary.bytes, summary.blake3), (archive.len() as u64, Hash::of(&archive)));
    assert_eq!(summary.bytes, list.archive_bytes()?);
    Ok(archive)
}

/// An archive with every kind of member, of a manifest that fits it.
fn sample() -> Made {
    let files = [
        ("a".to_owned(), b"first".to_vec()),
        (format!("long/{}", "n".repeat(200)), vec![7; 600]),
        ("empty".to_owned(), Vec::new()),
        ("tables/é.bin".to_owned(), vec![1; 512]),
    ];
    let blocks = [b"a block".to_vec(), vec![3; 1_024]];
    let mut entry = Entry::new("entry", "1", Hash::of(b"entry"));
    for (key, content) in &files {
        entry.files.push(File { key: key.clone(), length: content.len() as u64, hash: Hash::of(content) });
    }
    for content in &blocks {
        entry.blocks.push(Block { hash: Hash::of(content), length: content.len() as u64, generation: 0 });
    }
    let manifest = Manifest {
        number: 1,
        epoch: 0,
        commit: CommitId::from_bytes([7; 16]),
        parent: None,
        collections: 0,
        created_ms: 0,
        writer: String::new(),
        entries: vec![entry],
        properties: BTreeMap::new(),
        pins: BTreeMap::new(),
        floor: 1,
    };
    make(content_hash(&manifest), &encode(&manifest).unwrap().0, &files, &blocks)
}

fn check_all(archive: &[u8]) -> Result<(ArchiveList, ArchiveSummary)> {
    check(archive, &ArchiveLimits::default())
}

#[test]
fn an_archive_reads_back() {
    let made = sample();
    let mut reader = ArchiveReader::new(&made.archive[..], &ArchiveLimits::default()).unwrap();
    assert_eq!((&reader.manifest()[..], reader.list()), (&made.manifest[..], &made.list));
    for (listed, content) in made.list.members().iter().zip(&made.contents) {
        assert_eq!(reader.next_member(), Some(listed));
        let mut read = Vec::new();
        let member = reader.read_member(&mut |chunk| {
            read.extend_from_slice(&chunk);
            Ok(())
        });
        assert_eq!((&member.unwrap(), &read), (listed, content));
    }
    let error = reader.read_member(&mut |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let summary = reader.finish().unwrap();
    assert_eq!((summary.members, summary.blake3), (6, Hash::of(&made.archive)));
}

#[test]
fn other_readers_of_tar_see_the_same() {
    let made = sample();
    let mut archive = ::tar::Archive::new(&made.archive[..]);
    let mut seen = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!((entry.header().mode().unwrap(), entry.header().mtime().unwrap()), (0o644, 0));
        seen.push((String::from_utf8(entry.path_bytes().into_owned()).unwrap(), content));
    }
    let mut expected =
        vec![(MANIFEST.to_owned(), made.manifest.clone()), (LIST.to_owned(), made.list.print().unwrap())];
    expected.extend(made.list.members().iter().map(|member| member.name.clone()).zip(made.contents));
    assert_eq!(seen, expected);
}

#[test]
fn members_come_as_listed_or_not_at_all() {
    let made = sample();
    let begin =
        || ArchiveWriter::new(Vec::new(), &made.manifest, made.list.clone(), &ArchiveLimits::default()).unwrap();
    let wrong: [(&[u8], &str); 3] = [(b"an block", "too long"), (b"a bloc", "too short"), (b"a-block", "not the hash")];
    let at = made.contents.iter().position(|content| content == b"a block").unwrap();
    for (content, message) in wrong {
        let mut writer = begin();
        for content in &made.contents[..at] {
            writer.write_member([Ok(content.clone().into())]).unwrap();
        }
        let error = writer.write_member([Ok(Bytes::copy_from_slice(content))]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(writer.write_member([]).unwrap_err().kind(), ErrorKind::Poisoned);
        assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Poisoned);
    }
    assert!(begin().finish().unwrap_err().to_string().contains("a listed member is not written"));
    let other = ArchiveWriter::new(Vec::new(), b"another", made.list.clone(), &ArchiveLimits::default());
    assert_eq!(other.unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_reader_stops_at_its_first_error() {
    let made = sample();
    let mut damaged = made.archive.clone();
    let at = damaged.windows(7).position(|window| window == b"a block").unwrap();
    damaged[at] ^= 1;
    let mut reader = ArchiveReader::new(&damaged[..], &ArchiveLimits::default()).unwrap();
    let error = loop {
        match reader.read_member(&mut |_| Ok(())) {
            Ok(_) => continue,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(reader.read_member(&mut |_| Ok(())).unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(reader.finish().unwrap_err().kind(), ErrorKind::Poisoned);
}

/// Gives bytes one at a time, with interruptions, and sees how much is asked for at once.
#[derive(Debug)]
struct Trickle<'bytes> {
    bytes: &'bytes [u8],
    turn: u32,
    asked_max: usize,
}

impl Read for &mut Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.asked_max = self.asked_max.max(buffer.len());
        self.turn += 1;
        if self.turn.is_multiple_of(3) {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let step = buffer.len().min(self.bytes.len()).min(1);
        buffer[..step].copy_from_slice(&self.bytes[..step]);
        self.bytes = &self.bytes[step..];
        Ok(step)
    }
}

#[test]
fn a_source_may_trickle_and_is_asked_for_little() {
    let made = sample();
    let mut source = Trickle { bytes: &made.archive, turn: 0, asked_max: 0 };
    let mut reader = ArchiveReader::new(&mut source, &ArchiveLimits::default()).unwrap();
    while reader.next_member().is_some() {
        reader.read_member(&mut |_| Ok(())).unwrap();
    }
    reader.finish().unwrap();
    // A manifest that is declared to be huge, and ends soon.
    let mut declared = head(MANIFEST, 64 << 20);
    declared.extend_from_slice(b"short");
    let mut source = Trickle { bytes: &declared, turn: 0, asked_max: 0 };
    let error = ArchiveReader::new(&mut source, &ArchiveLimits::default()).unwrap_err();
    assert!(error.to_string().contains("the archive ends early, offset: 517"), "{error}");
    assert_eq!(source.asked_max, 256 << 10);
}

#[test]
fn errors_of_source_and_sink_come_through() {
    #[derive(Debug)]
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    impl std::io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let read = ArchiveReader::new(Broken, &ArchiveLimits::default());
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Unavailable);
    let made = sample();
    let written = ArchiveWriter::new(Broken, &made.manifest, made.list, &ArchiveLimits::default());
    assert_eq!(written.unwrap_err().kind(), ErrorKind::StorageFull);
    /// A source that is itself made of a store.
    #[derive(Debug)]
    struct Refused;
    impl Read for Refused {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other(crate::Error::new(ErrorKind::PermissionDenied, "no right to read")))
        }
    }
    let read = ArchiveReader::new(Refused, &ArchiveLimits::default());
    assert_eq!(read.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

fn files() -> impl Strategy<Value = std::collections::BTreeMap<String, Vec<u8>>> {
    let segment = "[a-zé🦀 .:#%]{0,40}[a-zé]";
    let key = proptest::collection::vec(segment, 1..5).prop_map(|segments| segments.join("/"));
    proptest::collection::btree_map(key, proptest::collection::vec(any::<u8>(), 0..1_500), 0..6)
}

fn blocks() -> impl Strategy<Value = std::collections::BTreeSet<Vec<u8>>> {
    proptest::collection::btree_set(proptest::collection::vec(any::<u8>(), 0..1_500), 0..4)
}

fn made() -> impl Strategy<Value = Made> {
    (proptest::collection::vec(any::<u8>(), 0..1_200), files(), blocks()).prop_map(|(manifest, files, blocks)| {
        let files: Vec<_> = files.into_iter().collect();
        make(Hash::of(b"content"), &manifest, &files, &blocks.into_iter().collect::<Vec<_>>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(made in made()) {
        let (list, summary) = check_all(&made.archive).unwrap();
        prop_assert_eq!(&list, &made.list);
        prop_assert_eq!(summary.blake3, Hash::of(&made.archive));
        let members = list.members().iter().rev().cloned().collect();
        let again = ArchiveList::new(list.content(), &made.manifest, members, &ArchiveLimits::default()).unwrap();
        prop_assert_eq!(write(&made.manifest, &again, &made.contents).unwrap(), made.archive);
    }

    #[test]
    fn a_change_of_any_bit_but_the_content_hash_is_seen(made in made(), at: prop::sample::Index, bit in 0..8_u32) {
        let mut archive = made.archive.clone();
        let at = at.index(archive.len());
        archive[at] ^= 1 << bit;
        // Only the manifest tells the content hash.
        let told = check_all(&archive).map(|(list, _)| list.content() != made.list.content());
        prop_assert!(told.unwrap_or(true), "byte {} bit {}", at, bit);
    }

    #[test]
    fn an_archive_that_is_cut_or_longer_is_seen(made in made(), at: prop::sample::Index, more in 1..2_000_usize) {
        let cut = &made.archive[..at.index(made.archive.len())];
        prop_assert_eq!(check_all(cut).unwrap_err().kind(), ErrorKind::Corrupt);
        let longer = [&made.archive[..], &vec![0; more]].concat();
        prop_assert_eq!(check_all(&longer).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3_000)) {
        prop_assert!(check_all(&bytes).is_err());
    }
}

/// A member with this head, whatever it is.
fn raw(head: &[u8], content: &[u8]) -> Vec<u8> {
    let mut piece = [head, content].concat();
    piece.resize(head.len() + padded(content.len() as u64) as usize, 0);
    piece
}
