//! Bytes, lengths, times and attributes across a crash.

use std::collections::BTreeSet;
use std::io::IoSlice;
use std::time::{Duration, SystemTime};

use super::{content, empty_file, images};
use crate::vfs::sim::{Choice, Effect, Fault, FaultKind, Operation, SimVfs};
use crate::vfs::{File, Folder, Vfs};

fn contents(vfs: &SimVfs) -> BTreeSet<Vec<u8>> {
    images(vfs).map(|image| content(&image.vfs.root().unwrap(), "a").unwrap()).collect()
}

#[test]
fn synced_bytes_stay_and_others_are_lost() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    file.write_at(b"kept", 0).unwrap();
    file.sync_data().unwrap();
    file.write_at(b"lost", 4).unwrap();
    let after = |choice| content(&vfs.image(choice).vfs.root().unwrap(), "a").unwrap();
    assert_eq!(after(Choice::Nothing), b"kept");
    assert_eq!(after(Choice::Everything), b"keptlost");
    assert_eq!(after(Choice::Lengths), b"kept\0\0\0\0");
    assert_eq!(after(Choice::Names), b"kept");
    assert!(images(&vfs).all(|image| content(&image.vfs.root().unwrap(), "a").unwrap().starts_with(b"kept")));
}

#[test]
fn a_write_survives_up_to_any_byte_or_as_a_length_alone() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    file.write_at(b"abc", 0).unwrap();
    let expected: BTreeSet<_> = [&b""[..], b"a", b"ab", b"abc", b"\0\0\0"].into_iter().map(<[u8]>::to_vec).collect();
    assert_eq!(contents(&vfs), expected);
}

#[test]
fn a_write_is_torn_at_sectors_of_the_file_and_nowhere_else() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    file.write_at(&[b'o'; 2048], 0).unwrap();
    file.sync_data().unwrap();
    file.write_at(&[b'n'; 1500], 300).unwrap();
    let mut torn = 0;
    for image in images(&vfs).filter(|image| image.effects.has(Effect::WriteTorn)) {
        let bytes = content(&image.vfs.root().unwrap(), "a").unwrap();
        assert_eq!(bytes.len(), 2048);
        assert_eq!((&bytes[..300], &bytes[1800..]), (&[b'o'; 300][..], &[b'o'; 248][..]));
        for range in [300..512, 512..1024, 1024..1536, 1536..1800] {
            let first = bytes[range.start];
            assert!(bytes[range].iter().all(|byte| *byte == first), "a sector is whole");
        }
        torn += usize::from(bytes[512] != bytes[1024] || bytes[1024] != bytes[1600]);
    }
    assert!(torn > 10, "{torn}");
}

#[test]
fn writes_survive_independently() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    file.write_at(b"1", 0).unwrap();
    file.write_at(b"2", 1).unwrap();
    let contents = contents(&vfs);
    assert!(contents.contains(&b"\x002"[..]), "the second without the first");
    assert!(contents.contains(&b"1"[..]) && contents.contains(&b"12"[..]) && contents.contains(&b""[..]));
}

#[test]
fn a_cut_and_a_reservation_are_changes_too() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    file.write_at(b"long", 0).unwrap();
    file.sync_data().unwrap();
    file.set_length(1).unwrap();
    file.set_length(3).unwrap();
    assert_eq!(content(&vfs.root().unwrap(), "a").unwrap(), b"l\0\0");
    let contents_now = contents(&vfs);
    assert!(contents_now.contains(&b"long"[..]) && contents_now.contains(&b"l"[..]));
    assert!(contents_now.contains(&b"l\0\0"[..]) && contents_now.contains(&b"lon"[..]));

    file.sync_data().unwrap();
    file.allocate(0, 6).unwrap();
    assert_eq!(contents(&vfs), BTreeSet::from([b"l\0\0".to_vec(), b"l\0\0\0\0\0".to_vec()]));
}

#[test]
fn a_failed_sync_is_not_made_good_by_a_later_one() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    file.write_at(b"first", 0).unwrap();
    vfs.inject(Fault::new(FaultKind::Io).on(Operation::SyncData));
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
    file.write_at(b"X", 1).unwrap();
    file.sync_data().unwrap();
    assert_eq!(content(&vfs.root().unwrap(), "a").unwrap(), b"fXrst", "it stays visible");
    let contents = contents(&vfs);
    assert!(contents.contains(&b"\0X"[..]), "the first write is lost, the second is not: {contents:?}");
    assert!(contents.contains(&b"fXrst"[..]), "or it is there");
    assert!(contents.iter().all(|bytes| bytes[1] == b'X'), "what was synced later lies above it");
}

#[test]
fn a_write_during_a_sync_is_not_covered_by_it() {
    // The sync gives other threads time to write: some of what they write must not be durable.
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut uncovered = false;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                file.write_at(b"x", 0).unwrap();
            }
        });
        for _ in 0..200_000 {
            file.sync_data().unwrap();
            uncovered |= vfs.image(Choice::Nothing).uncertain > 0;
            if uncovered {
                break;
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        writer.join().unwrap();
    });
    assert!(uncovered);
}

#[test]
fn times_and_attributes_need_a_sync_of_everything() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    let time = SystemTime::UNIX_EPOCH + Duration::new(5, 7);
    file.set_modified(time).unwrap();
    file.set_attribute("user.a", b"1").unwrap();
    file.sync_data().unwrap();
    let known = |vfs: &SimVfs| {
        let file = vfs.root().unwrap().open("a").unwrap();
        (file.stat().unwrap().modified == (5, 7), file.attribute("user.a").unwrap())
    };
    assert_eq!(known(&vfs), (true, Some(b"1".to_vec())));
    let all: BTreeSet<_> = images(&vfs).map(|image| known(&image.vfs)).collect();
    assert_eq!(all, BTreeSet::from([(false, None), (true, None), (true, Some(b"1".to_vec()))]), "in their order");
    file.sync_all().unwrap();
    assert_eq!(known(&vfs.image(Choice::Nothing).vfs), (true, Some(b"1".to_vec())));
}

#[test]
fn pieces_are_one_write_and_reads_end_at_the_end() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    let operations = vfs.operations();
    assert_eq!(
        file.write_vectored_at(&[IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cd")], 4094).unwrap(),
        4
    );
    assert_eq!(vfs.operations(), operations + 1);
    let mut buffer = [9; 8];
    assert_eq!(file.read_at(&mut buffer, 4093).unwrap(), 5);
    assert_eq!(&buffer[..5], b"\0abcd");
    assert_eq!(file.read_at(&mut buffer, 4098).unwrap(), 0);
    assert_eq!(vfs.root().unwrap().open("a").unwrap().write_at(b"x", 0).unwrap_err().raw_os_error(), Some(9));
}

#[test]
fn zeros_over_bytes_are_zeros() {
    let vfs = SimVfs::new();
    let file = empty_file(&vfs, "a");
    file.write_at(&[1; 3 * 4096], 0).unwrap();
    file.write_at(&[0; 2 * 4096], 100).unwrap();
    let expected: Vec<u8> = (0..3 * 4096).map(|at| u8::from(!(100..100 + 2 * 4096).contains(&at))).collect();
    assert_eq!(content(&vfs.root().unwrap(), "a").unwrap(), expected);
    file.sync_data().unwrap();
    assert_eq!(content(&vfs.image(Choice::Nothing).vfs.root().unwrap(), "a").unwrap(), expected);
}
