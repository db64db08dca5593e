//! A stored log of version 1 of the format, which every later version reads.

use std::path::Path;

use worldstore_core::vfs::OsVfs;
use worldstore_core::wal::{SegmentState, Wal, WalOptions, WalReader};

/// Writes it anew when it is set: only for a new version, in a folder of its own.
const WRITE: &str = "WORLDSTORE_WRITE_GOLDEN";

fn payload(seq: u64) -> Vec<u8> {
    (0..seq * seq % 700).map(|byte| (byte ^ seq) as u8).collect()
}

fn stored() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/wal-1")
}

#[test]
fn a_log_of_version_1_is_read() {
    if std::env::var_os(WRITE).is_some() {
        write();
    }
    let vfs = OsVfs::open(stored()).unwrap();
    let reader = WalReader::open(&vfs, "log").unwrap();
    let report = reader.verify().unwrap();
    let states: Vec<_> = report.segments.iter().map(|segment| segment.state).collect();
    use SegmentState::{Fenced, Sealed};
    assert_eq!(states, [Sealed, Sealed, Sealed, Fenced, Sealed]);
    assert_eq!((report.epoch, report.first(), report.last()), (3, 1, 40));
    for (record, seq) in reader.replay(0).unwrap().zip(1..) {
        let record = record.unwrap();
        assert_eq!((record.seq, record.kind.get(), &record.payload[..]), (seq, seq as u8, &payload(seq)[..]));
    }
    // And written on, in a copy.
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("log")).unwrap();
    for entry in std::fs::read_dir(stored().join("log")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join("log").join(entry.file_name())).unwrap();
    }
    let (wal, recovery) = Wal::open(&OsVfs::open(copy.path()).unwrap(), "log", WalOptions::new()).unwrap();
    assert_eq!((recovery.epoch, recovery.records, recovery.last), (4, 40, 40));
    assert_eq!(wal.append_durable(worldstore_core::wal::RecordKind::DATA, "more").unwrap(), 41);
}

fn write() {
    use worldstore_core::wal::{RecordKind, Threads};
    let folder = stored();
    std::fs::create_dir_all(&folder).unwrap();
    let vfs = OsVfs::open(&folder).unwrap();
    let options = WalOptions::new().with_segment_bytes(4096).with_threads(Threads::None);
    for range in [1..=30_u64, 31..=35, 36..=40] {
        let (wal, _) = Wal::open(&vfs, "log", options.clone()).unwrap();
        for seq in range.clone() {
            wal.append_durable(RecordKind::new(seq as u8).unwrap(), payload(seq)).unwrap();
        }
        match *range.end() {
            // As a crash leaves it: the next one fences it.
            35 => std::mem::forget(wal),
            _ => wal.close().unwrap(),
        }
        if *range.end() == 35 {
            std::fs::remove_file(folder.join("log/LOCK")).unwrap();
        }
    }
}
