//! Logs that are only read, and salvage.

use std::sync::Arc;

use super::{append, bytes, expected, folder, names, open, payloads, put, remove};
use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::memory::Memory;
use crate::vfs::OsVfs;
use crate::wal::{ObjectWalReader, RecordKind, Wal, WalOptions, salvage_objects, survey_objects};
use crate::wrap::ReadOnlyBackend;

/// Nine records by two writers, the second with a group of several, and the first two trimmed.
fn nine() -> (Arc<dyn Backend>, Vec<String>) {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let (wal, _) = open(&backend).unwrap();
    append(&wal, "a", 5);
    wal.trim(2).unwrap();
    wal.close().unwrap();
    let (wal, _) = open(&backend).unwrap();
    append(&wal, "a", 4);
    wal.close().unwrap();
    let names = names(&backend).into_iter().map(|(name, _)| name).filter(|name| !name.contains('/')).collect();
    (backend, names)
}

#[test]
fn a_reader_needs_no_rights_and_locks_nobody_out() {
    let (backend, _) = nine();
    let (wal, _) = open(&backend).unwrap();
    let reader = ObjectWalReader::open(Arc::new(ReadOnlyBackend::new(Arc::clone(&backend))), folder()).unwrap();
    assert_eq!(reader.first(), 3);
    let objects: Vec<_> = reader.objects().unwrap().map(Result::unwrap).collect();
    let seen: Vec<_> =
        objects.iter().map(|object| (object.header.number, object.header.epoch, object.records)).collect();
    assert_eq!(
        seen,
        [(4, 1, 1), (5, 1, 1), (6, 1, 1), (7, 2, 0), (8, 2, 1), (9, 2, 1), (10, 2, 1), (11, 2, 1), (12, 3, 0)]
    );
    assert_eq!((objects[0].bytes, objects[8].last), (40, 9));
    let records: Vec<_> = reader.replay(4).unwrap().map(|record| record.unwrap().seq).collect();
    assert_eq!(records, [5, 6, 7, 8, 9]);
    assert_eq!(reader.replay(1).err().unwrap().kind(), ErrorKind::NotFound);
    append(&wal, "a", 1);
    let nothing: Arc<dyn Backend> = Arc::new(Memory::new());
    assert_eq!(ObjectWalReader::open(nothing, folder()).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_salvage_takes_what_can_be_read_and_tells_what_is_lost() {
    let (backend, names) = nine();
    // A missing object, one with a damaged record, and one with a damaged header.
    remove(&backend, &names[2]);
    for (name, position) in [(&names[5], 70), (&names[7], 3)] {
        let mut damaged = bytes(&backend, name);
        damaged[position] ^= 1;
        put(&backend, name, damaged);
    }
    let before = super::names(&backend);
    let reader = ObjectWalReader::open(Arc::clone(&backend), folder()).unwrap();
    let told = reader.objects().unwrap().find_map(Result::err).unwrap();
    assert_eq!((told.kind(), told.message()), (ErrorKind::Corrupt, "object of the log is missing"));
    let target = tempfile::tempdir().unwrap();
    let vfs = OsVfs::open(target.path()).unwrap();
    let found = salvage_objects(Arc::clone(&backend), folder(), &vfs, "new").unwrap();
    assert_eq!(found.records, Some(3..=9));
    assert_eq!((found.copied, &found.lost[..]), (5, &[4..=4, 6..=6][..]));
    let damage: Vec<_> = found.damage.iter().map(|error| (error.kind(), error.message())).collect();
    let corrupt = |message| (ErrorKind::Corrupt, message);
    let header = corrupt("file is no segment of a log");
    assert_eq!(damage, [corrupt("object of the log is missing"), corrupt("bytes are no record"), header]);
    let survey = survey_objects(Arc::clone(&backend), folder()).unwrap();
    assert_eq!((survey.copied, survey.lost, survey.damage.len()), (5, found.lost.clone(), 3));
    assert_eq!(super::names(&backend), before, "the source is as it was");
    let (wal, recovery) = Wal::open(&vfs, "new", WalOptions::new()).unwrap();
    assert_eq!((recovery.first, recovery.last, recovery.lost), (3, 9, found.lost));
    let kept: Vec<_> = expected("a", 3..=9).into_iter().filter(|(seq, _)| ![4, 6].contains(seq)).collect();
    assert_eq!(payloads(&wal, 2).unwrap(), kept);
    let again = salvage_objects(backend, folder(), &vfs, "new").unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
}

#[test]
fn a_salvage_goes_on_behind_damage_in_an_object() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let options = WalOptions::new().with_threads(crate::wal::Threads::None);
    let (wal, _) = Wal::open_objects(Arc::clone(&backend), folder(), options).unwrap();
    let waiting: Vec<_> = (1..=20).map(|seq| wal.append(RecordKind::DATA, format!("a{seq}")).unwrap()).collect();
    waiting.last().unwrap().wait().unwrap();
    let name = &names(&backend)[1].0;
    let mut damaged = bytes(&backend, name);
    damaged[64 + 40 * 9 + 33] ^= 1;
    put(&backend, name, damaged);
    let found = survey_objects(backend, folder()).unwrap();
    assert_eq!((found.records, found.copied, &found.lost[..]), (Some(1..=20), 19, &[10..=10][..]));
    assert_eq!(found.damage.len(), 1);
    assert!(found.damage[0].to_string().contains(&format!("offset: {}", 64 + 40 * 9)), "{}", found.damage[0]);
}
