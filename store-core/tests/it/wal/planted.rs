//! Bugs that are planted on purpose, each caught by a test that finds nothing without it.

use worldstore_core::planted::{Bug, Planted};
use worldstore_core::vfs::sim::{Choice, Explorer, SimVfs};
use worldstore_core::vfs::{File, Folder, Vfs};
use worldstore_core::wal::format::{FrameHeader, LogId, Place};
use worldstore_core::wal::{IfLocked, RecordKind, Wal};

use super::history::{History, PATH, check, live};
use super::{fill, records, segments, small};

/// Images that are enough for each bug that crashes and faults show.
const IMAGES: u64 = 3_000;

fn explored(bug: Bug) {
    let options = small().with_planted(bug);
    let caught = Explorer::fixed(format!("planted {bug}"), IMAGES).catch(
        bug,
        |vfs, random, history: &mut History| live(vfs, random, history, &options),
        |vfs, history| check(vfs, history, &options),
    );
    let failure = caught.unwrap_or_else(|report| panic!("{bug} was not seen in {} images", report.images()));
    eprintln!("{bug}: seen after {} images: {}", failure.images(), failure.message());
}

/// For bugs that only a call which fails shows.
fn explored_by_faults(bug: Bug) {
    let options = small().with_planted(bug);
    let seen = Explorer::fixed(format!("planted {bug}"), IMAGES).explore_faults(
        |vfs, random, history: &mut History| live(vfs, random, history, &options),
        |vfs, history| check(vfs, history, &options),
    );
    let failure = seen.err().unwrap_or_else(|| panic!("{bug} was not seen"));
    eprintln!("{bug}: seen after {} images: {}", failure.images(), failure.message());
}

#[test]
fn a_segment_that_is_not_synced() {
    explored(Bug::SkipSegmentSync);
}

#[test]
fn a_folder_that_is_not_synced() {
    explored(Bug::SkipFolderSync);
}

#[test]
fn an_early_acknowledgement() {
    explored(Bug::AckBeforeSync);
}

#[test]
fn writing_on_behind_a_torn_tail() {
    explored(Bug::AppendAfterTornTail);
}

#[test]
fn a_sync_that_is_tried_again() {
    explored_by_faults(Bug::RetrySync);
}

#[test]
fn trimming_too_far() {
    explored(Bug::TrimTooFar);
}

#[test]
fn a_short_write_that_is_ignored() {
    explored_by_faults(Bug::ShortWriteIgnored);
}

#[test]
fn zeros_that_are_taken_for_records() {
    explored(Bug::TrustZeroTail);
}

/// Runs a scenario without the bug, and with it.
fn told_apart(bug: Bug, scenario: impl Fn(Planted) -> Result<(), String>) {
    assert_eq!(scenario(Planted::NONE), Ok(()));
    let seen = scenario(bug.into());
    assert!(seen.is_err(), "{bug} was not seen");
}

#[test]
fn a_bad_record_that_is_skipped() {
    told_apart(Bug::SkipBadRecord, |planted| {
        let vfs = SimVfs::new();
        let (wal, _) = Wal::open(&vfs, PATH, small()).unwrap();
        fill(&wal, 9);
        wal.close().unwrap();
        let name = segments(&vfs, PATH).remove(1);
        let file = vfs.root().unwrap().open_folder(PATH).unwrap().open_writable(&name).unwrap();
        file.write_at(&[1], 64 + 500).unwrap();
        match Wal::open(&vfs, PATH, small().with_planted(planted)) {
            Err(error) if error.kind() == worldstore_core::ErrorKind::Corrupt => Ok(()),
            Err(error) => Err(error.to_string()),
            Ok((wal, _)) => Err(format!("opened with {} records", records(&wal).len())),
        }
    });
}

#[test]
fn a_checksum_that_is_not_bound_to_its_place() {
    told_apart(Bug::CrcWithoutPosition, |planted| {
        let vfs = SimVfs::new();
        let options = small().with_planted(planted);
        let (wal, recovery) = Wal::open(&vfs, PATH, options.clone()).unwrap();
        wal.append_durable(RecordKind::DATA, "mine").unwrap();
        // What the file system has left there from another log: by its number it would fit.
        let name = segments(&vfs, PATH).remove(0);
        let file = vfs.root().unwrap().open_folder(PATH).unwrap().open_writable(&name).unwrap();
        let place = match planted.has(Bug::CrcWithoutPosition) {
            // A record of such a log, as it would have been written.
            true => {
                let other = SimVfs::new();
                let (log, _) = Wal::open(&other, PATH, options.clone()).unwrap();
                log.append_durable(RecordKind::DATA, "none").unwrap();
                log.append_durable(RecordKind::DATA, "alien").unwrap();
                let segment = other.root().unwrap().open_folder(PATH).unwrap();
                let mut bytes = [0; 40];
                segment.open(&segments(&other, PATH)[0]).unwrap().read_at(&mut bytes, 64 + 40).unwrap();
                bytes.to_vec()
            }
            false => {
                let place = Place::new(&LogId([9; 16]), 1);
                let head = FrameHeader::new(1, 0, 2, recovery.epoch, 5).encode(&place, 64 + 40, b"alien");
                [&head[..], b"alien\0\0\0"].concat()
            }
        };
        file.write_at(&place, 64 + 40).unwrap();
        drop(vfs.root());
        let image = vfs.image(Choice::Everything).vfs;
        let (wal, _) = Wal::open(&image, PATH, options).unwrap();
        match records(&wal).len() {
            1 => Ok(()),
            count => Err(format!("{count} records")),
        }
    });
}

#[test]
fn an_epoch_that_is_not_looked_at() {
    told_apart(Bug::SkipFenceCheck, |planted| {
        let vfs = SimVfs::new();
        let (old, _) = Wal::open(&vfs, PATH, small().with_planted(planted)).unwrap();
        old.append_durable(RecordKind::DATA, "before").unwrap();
        let (new, _) = Wal::open(&vfs, PATH, small().with_if_locked(IfLocked::TakeOver)).unwrap();
        let acknowledged = old.append_durable(RecordKind::DATA, "after").is_ok();
        new.append_durable(RecordKind::DATA, "new").unwrap();
        let kept = records(&new).iter().any(|(_, payload)| payload == "after");
        match acknowledged && !kept {
            true => Err("an acknowledged record is lost".to_owned()),
            false => Ok(()),
        }
    });
}
