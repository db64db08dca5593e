//! The log through its handle, on the file system of the machine.

mod shuttled;

use super::*;
use crate::error::{ErrorKind, Result};
use crate::vfs::OsVfs;

fn all(wal: &Wal, after: u64) -> Vec<(u64, Vec<u8>)> {
    wal.replay(after)
        .unwrap()
        .map(|record| record.map(|record| (record.seq, record.payload.to_vec())).unwrap())
        .collect()
}

#[test]
fn what_was_appended_comes_back_after_opening_again() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let vfs = OsVfs::open(folder.path())?;
    let options = WalOptions::new().with_segment_bytes(8192);
    let (wal, recovery) = Wal::open(&vfs, "a/log", options.clone())?;
    assert!(recovery.created && recovery.clean && recovery.locked);
    for number in 1..=1000_u64 {
        assert_eq!(wal.append_durable(RecordKind::DATA, number.to_le_bytes().repeat(7))?, number);
    }
    assert_eq!(all(&wal, 990).len(), 10);
    let (first, bytes) = (wal.stats().segments, wal.stats().retained_bytes);
    assert!(first > 5);
    let busy = Wal::open(&vfs, "a/log", options.clone()).unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Conflict);
    wal.close()?;
    assert_eq!(wal.append(RecordKind::DATA, "late").unwrap_err().kind(), ErrorKind::Poisoned);
    let (wal, recovery) = Wal::open(&vfs, "a/log", options)?;
    assert_eq!((recovery.last, recovery.records, recovery.bytes, recovery.clean), (1000, 1000, bytes, true));
    assert_eq!(recovery.cut, None);
    let records = all(&wal, 0);
    assert!(
        records
            .iter()
            .zip(1_u64..)
            .all(|((seq, payload), number)| { *seq == number && *payload == number.to_le_bytes().repeat(7) })
    );
    assert_eq!(records.len(), 1000);
    assert_eq!(wal.append(RecordKind::DATA, "more")?.wait()?, 1001);
    Ok(())
}
