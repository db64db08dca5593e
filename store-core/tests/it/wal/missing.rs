//! Segments that are gone without having been trimmed.

use worldstore_core::ErrorKind;
use worldstore_core::vfs::sim::SimVfs;
use worldstore_core::vfs::{Folder, Vfs};
use worldstore_core::wal::{Wal, WalReader};

use super::history::PATH;
use super::{fill, segments, small};

/// A reader says what a writer would be refused with.
#[test]
fn a_log_whose_last_segment_is_gone_is_told_by_readers_too() {
    let vfs = SimVfs::new();
    let (wal, recovery) = Wal::open(&vfs, PATH, small()).unwrap();
    fill(&wal, 9);
    assert!(wal.trim(9).unwrap().segments > 0);
    drop(wal);
    let reader = WalReader::open(&vfs, PATH).unwrap();
    assert_eq!((reader.log(), reader.verify().unwrap().last()), (recovery.log, 9));
    let folder = vfs.root().unwrap().open_folder(PATH).unwrap();
    for name in segments(&vfs, PATH) {
        folder.remove(&name).unwrap();
    }
    let reader = WalReader::open(&vfs, PATH).unwrap();
    let told = [reader.verify().map(drop), reader.replay(8).map(drop), Wal::open(&vfs, PATH, small()).map(drop)];
    for told in told {
        let error = told.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains("segments of the log are missing"), "{error}");
    }
}

#[test]
fn a_log_to_which_nothing_was_written_misses_nothing() {
    let vfs = SimVfs::new();
    drop(Wal::open(&vfs, PATH, small()).unwrap());
    assert_eq!(WalReader::open(&vfs, PATH).unwrap().verify().unwrap().last(), 0);
}
