//! Two writers of one log, which the lock has not kept apart.

use worldstore_core::ErrorKind;
use worldstore_core::vfs::sim::{Choice, SimVfs};
use worldstore_core::vfs::{Folder, Vfs};
use worldstore_core::wal::{IfLocked, RecordKind, Wal, WalReader, salvage};

use super::history::PATH;
use super::{fill, records, segments, small};

fn take_over(vfs: &SimVfs) -> Wal {
    let (wal, recovery) = Wal::open(vfs, PATH, small().with_if_locked(IfLocked::TakeOver)).unwrap();
    assert!(!recovery.locked);
    wal
}

/// Trap 17: a lock that is not seen (containers, network mounts) is not what keeps writers apart.
#[test]
fn an_overtaken_writer_is_fenced_and_harms_nothing() {
    let vfs = SimVfs::new();
    let (old, _) = Wal::open(&vfs, PATH, small()).unwrap();
    fill(&old, 5);
    assert_eq!(Wal::open(&vfs, PATH, small()).unwrap_err().kind(), ErrorKind::Conflict);
    let new = take_over(&vfs);
    assert_eq!(records(&new).len(), 5);
    // It writes over the end that its successor has put to the segment.
    for payload in ["late", "later"] {
        let error = old.append_durable(RecordKind::DATA, payload).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    }
    assert_eq!(new.append_durable(RecordKind::DATA, "new").unwrap(), 6);
    drop(old);
    assert_eq!(records(&new).last().unwrap().1, "new");
    new.close().unwrap();
    let (again, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    assert_eq!((recovery.records, recovery.last), (6, 6));
    assert_eq!(records(&again).last().unwrap().1, "new");
}

/// What is written before the takeover is seen by the successor, and not acknowledged by the predecessor.
#[test]
fn segments_of_an_overtaken_writer_are_no_part_of_the_log() {
    let vfs = SimVfs::new();
    let (old, _) = Wal::open(&vfs, PATH, small()).unwrap();
    fill(&old, 3);
    let new = take_over(&vfs);
    // This one needs a segment of its own, which begins with the number that the successor uses too.
    assert_eq!(old.append_durable(RecordKind::DATA, vec![1; 9000]).unwrap_err().kind(), ErrorKind::Fenced);
    fill(&new, 2);
    let both = segments(&vfs, PATH);
    assert_eq!(both.len(), 3);
    let reader = WalReader::open(&vfs, PATH).unwrap().verify().unwrap();
    assert_eq!((reader.superseded.len(), reader.last()), (1, 5));
    let target = SimVfs::new();
    let report = salvage(&vfs, PATH, &target, "copy").unwrap();
    assert_eq!((report.copied, report.lost.len()), (5, 0));
    new.close().unwrap();
    drop(old);
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    assert_eq!((recovery.superseded.len(), recovery.last), (1, 5));
    assert_eq!(records(&wal).len(), 5);
    assert_eq!(segments(&vfs, PATH).len(), 2);
}

/// Trap 12: nothing that marks an epoch is removed before it is replaced, however many writers have come since.
#[test]
fn a_writer_overtaken_twice_is_fenced() {
    let vfs = SimVfs::new();
    let (old, _) = Wal::open(&vfs, PATH, small()).unwrap();
    old.append_durable(RecordKind::DATA, "one").unwrap();
    for _ in 0..3 {
        let next = take_over(&vfs);
        next.append_durable(RecordKind::DATA, "next").unwrap();
        next.close().unwrap();
    }
    assert_eq!(old.append_durable(RecordKind::DATA, "late").unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(old.append(RecordKind::DATA, "late").unwrap_err().kind(), ErrorKind::Fenced);
    let (wal, _) = Wal::open(&vfs.image(Choice::Everything).vfs, PATH, small()).unwrap();
    assert_eq!(records(&wal).len(), 4);
}

/// A segment that an overtaken writer still changes is no longer the one that counts.
#[test]
fn what_an_overtaken_writer_does_to_its_files_counts_for_nothing() {
    use worldstore_core::vfs::File;
    let vfs = SimVfs::new();
    let (old, _) = Wal::open(&vfs, PATH, small()).unwrap();
    fill(&old, 2);
    let folder = vfs.root().unwrap().open_folder(PATH).unwrap();
    let stalled = folder.open_writable(&segments(&vfs, PATH)[0]).unwrap();
    let new = take_over(&vfs);
    stalled.set_length(100).unwrap();
    stalled.write_at(&[7; 500], 64).unwrap();
    stalled.sync_all().unwrap();
    assert_eq!(records(&new).len(), 2);
    fill(&new, 1);
    let image = vfs.image(Choice::Everything).vfs;
    assert_eq!(Wal::open(&image, PATH, small()).unwrap().1.records, 3);
    drop(old);
}

#[test]
fn epochs_rise_and_leave_no_files() {
    let vfs = SimVfs::new();
    for epoch in 1..=5 {
        let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
        assert_eq!(recovery.epoch, epoch);
        wal.close().unwrap();
    }
    let entries = vfs.root().unwrap().open_folder(PATH).unwrap().list().unwrap();
    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
    names.sort();
    assert_eq!(names, ["EPOCH", "LOCK"]);
}
