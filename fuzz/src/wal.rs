//! Segments of a log: scanned, opened, mended, read.

use std::io::Result;

use worldstore_core::vfs::sim::SimVfs;
use worldstore_core::vfs::{File, Folder, Vfs};
use worldstore_core::wal::format::{Decoded, EpochMark, FRAME_BYTES, FrameHeader, LogId, Place, SegmentHeader};
use worldstore_core::wal::{Record, RecordKind, Threads, Wal, WalOptions, WalReader};

const LOG: LogId = LogId([7; 16]);
/// Records that are read back at the most.
const RECORDS_MAX: usize = 10_000;

/// A log of one segment whose frames the bytes describe is opened or refused, never misread: what a reader sees in it is
/// what a writer finds, but for what it says that it has cut, and what is appended then is there the next time.
pub fn wal(bytes: &[u8]) {
    if let Err(error) = run(bytes) {
        panic!("the file system in memory failed: {error}");
    }
}

fn run(bytes: &[u8]) -> Result<()> {
    let vfs = SimVfs::new();
    let root = vfs.root()?;
    root.make_folder("log")?;
    let folder = root.open_folder("log")?;
    folder.create("EPOCH")?.write_all_at(&EpochMark { log: LOG, epoch: 1, first: 1 }.encode(), 0)?;
    let segment = folder.create("00000000000000000001-00000000000000000001.wal")?;
    segment.write_all_at(&segment_of(bytes), 0)?;

    let before = WalReader::open(&vfs, "log").and_then(|reader| {
        let _report = reader.verify()?;
        reader.replay(0)?.take(RECORDS_MAX).collect::<worldstore_core::Result<Vec<Record>>>()
    });
    let options = || WalOptions::new().with_segment_bytes(64 << 10).with_threads(Threads::None);
    let Ok((wal, _recovery)) = Wal::open(&vfs, "log", options()) else { return Ok(()) };
    let found = records(&wal);
    assert!(found.iter().enumerate().all(|(index, record)| record.seq == index as u64 + 1), "numbers have a gap");
    if let Ok(before) = before {
        assert!(found.iter().zip(&before).all(|(found, before)| found == before), "a record was misread");
    }
    let appended = wal.append_durable(RecordKind::DATA, "last");
    drop(wal.close());
    drop(wal);
    if appended.is_ok() {
        match Wal::open(&vfs, "log", options()) {
            Ok((wal, _)) => {
                let again = records(&wal);
                assert!(again.len() == found.len() + 1 && again.starts_with(&found), "a record was lost");
                drop(wal.close());
            }
            Err(error) => panic!("a log that was written to cannot be opened: {error}"),
        }
    }
    Ok(())
}

fn records(wal: &Wal) -> Vec<Record> {
    match wal.replay(0).and_then(Iterator::collect) {
        Ok(records) => records,
        Err(error) => panic!("a log that was opened cannot be read: {error}"),
    }
}

/// A segment: its header, then what the bytes say. Each step begins with a byte: its low bits say whether the frame is a
/// good one, or has another header than it should, with a checksum that fits, or is nothing but bytes.
fn segment_of(mut bytes: &[u8]) -> Vec<u8> {
    let place = Place::new(&LOG, 1);
    let mut segment = SegmentHeader { log: LOG, number: 1, first: 1, epoch: 1 }.encode().to_vec();
    let mut seq = 1;
    while let Some((step, rest)) = bytes.split_first() {
        bytes = rest;
        let length = usize::from(step >> 3).min(bytes.len());
        let offset = segment.len() as u64;
        match step & 7 {
            0..=3 => {
                let payload = take(&mut bytes, length);
                let header = FrameHeader::new(1, 0, seq, 1, length as u32);
                push(&mut segment, &header.encode(&place, offset, payload), payload);
                seq += 1;
            }
            4 | 5 => {
                let mut head = [0; FRAME_BYTES];
                let given = take(&mut bytes, FRAME_BYTES);
                head[..given.len()].copy_from_slice(given);
                let Ok(header) = FrameHeader::decode(&head) else { continue };
                let payload = take(&mut bytes, header.length as usize);
                push(&mut segment, &header.encode(&place, offset, payload), payload);
            }
            6 => segment.extend_from_slice(take(&mut bytes, length)),
            _ => segment.resize(segment.len() + length * 16, 0),
        }
        let _decoded = Decoded::at(&place, offset, &segment[offset as usize..]);
    }
    segment
}

fn take<'bytes>(bytes: &mut &'bytes [u8], length: usize) -> &'bytes [u8] {
    let (taken, rest) = bytes.split_at(length.min(bytes.len()));
    *bytes = rest;
    taken
}

fn push(segment: &mut Vec<u8>, head: &[u8], payload: &[u8]) {
    segment.extend_from_slice(head);
    segment.extend_from_slice(payload);
    segment.resize(segment.len().next_multiple_of(8), 0);
}
