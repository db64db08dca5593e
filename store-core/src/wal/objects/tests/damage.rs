//! Bytes that are not what they should be, and objects that are not where they should be.

use std::sync::Arc;

use super::{append, bytes, expected, folder, names, open, payloads, put, remove};
use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::memory::Memory;
use crate::planted::Bug;
use crate::wal::{RecordKind, Wal, WalOptions};
use crate::wrap::ReadOnlyBackend;

/// Six records in six objects behind a fence.
fn six() -> (Arc<dyn Backend>, Vec<String>) {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let (wal, _) = open(&backend).unwrap();
    append(&wal, "a", 6);
    wal.close().unwrap();
    let names = names(&backend).into_iter().map(|(name, _)| name).collect();
    (backend, names)
}

/// What replay gives before it ends, and whether it ends with damage.
fn replayed(wal: &Wal) -> (usize, bool) {
    let (mut count, mut is_damaged) = (0, false);
    for (found, seq) in wal.replay(0).unwrap().zip(1..) {
        match found {
            Ok(record) => {
                assert_eq!((record.seq, &record.payload[..]), (seq, format!("a{seq}").as_bytes()));
                count += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                is_damaged = true;
            }
        }
    }
    (count, is_damaged)
}

#[test]
fn a_missing_object_is_damage() {
    for lost in 0..6 {
        let (backend, names) = six();
        remove(&backend, &names[lost]);
        let told = open(&backend).unwrap_err();
        assert_eq!(told.kind(), ErrorKind::Corrupt, "{told}");
        assert!(told.to_string().contains(&format!("number: {}", lost + 1)), "{told}");
    }
}

#[test]
fn an_object_that_goes_while_the_log_is_open_ends_replay() {
    let (backend, names) = six();
    let (wal, _) = open(&backend).unwrap();
    remove(&backend, &names[3]);
    assert_eq!(replayed(&wal), (2, true));
}

#[test]
fn every_flipped_bit_is_found() {
    let (backend, names) = six();
    let (wal, _) = open(&backend).unwrap();
    let whole = bytes(&backend, &names[3]);
    for position in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[position] ^= 1 << (position % 8);
        put(&backend, &names[3], flipped);
        // Padding is zero and means nothing: the record is right all the same.
        let is_padding = (64 + 32 + 2..64 + 40).contains(&position);
        let expected = match position {
            _ if is_padding => (6, false),
            // The seal behind the record.
            104.. => (3, true),
            _ => (2, true),
        };
        assert_eq!(replayed(&wal), expected, "byte {position}");
    }
}

#[test]
fn every_shortened_object_is_found() {
    let (backend, names) = six();
    let whole = bytes(&backend, &names[6]);
    for length in 0..whole.len() {
        put(&backend, &names[6], whole[..length].to_vec());
        let told = open(&backend).unwrap_err();
        assert_eq!(told.kind(), ErrorKind::Corrupt, "{length}: {told}");
    }
    put(&backend, &names[6], [&whole[..], &[0; 8]].concat());
    assert_eq!(open(&backend).unwrap_err().kind(), ErrorKind::Corrupt);
    put(&backend, &names[6], whole);
    assert_eq!(open(&backend).unwrap().1.last, 6);
}

#[test]
fn objects_of_other_places_and_other_logs_are_found() {
    let (backend, names) = six();
    let (other, _) = six();
    let (wal, _) = open(&backend).unwrap();
    let right = bytes(&backend, &names[4]);
    put(&backend, &names[4], bytes(&backend, &names[3]));
    assert_eq!(replayed(&wal), (3, true));
    put(&backend, &names[4], bytes(&other, &names[4]));
    assert_eq!(replayed(&wal), (3, true));
    put(&backend, &names[4], right);
    assert_eq!(replayed(&wal), (6, false));
}

#[test]
fn other_names_are_left_alone() {
    let (backend, _) = six();
    for name in ["00000000000000000009", "notes.txt", "00000000000000000009-x", "floor/notes", "deep/er/object", "1-1"]
    {
        put(&backend, name, b"x".to_vec());
    }
    let (wal, recovery) = open(&backend).unwrap();
    assert_eq!((recovery.objects, recovery.last), (6, 6));
    append(&wal, "a", 1);
    wal.trim(7).unwrap();
    assert_eq!(payloads(&wal, 6).unwrap(), expected("a", 7..=7));
    assert_eq!(names(&backend).iter().filter(|(_, size)| *size == 1).count(), 6);
}

#[test]
fn a_trim_that_goes_too_far_is_found() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let options = WalOptions::new().with_planted(Bug::TrimTooFar);
    let (wal, _) = Wal::open_objects(Arc::clone(&backend), folder(), options).unwrap();
    append(&wal, "a", 6);
    assert_eq!(wal.trim(3).unwrap().first, 5, "record 4 is gone, and was wanted");
    assert_eq!(payloads(&wal, 3).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_backend_that_cannot_keep_writers_apart_is_refused() {
    let memory: Arc<dyn Backend> = Arc::new(Memory::new());
    let told = open(&(Arc::new(ReadOnlyBackend::new(memory)) as Arc<dyn Backend>)).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Unsupported);
    assert!(told.to_string().contains("write_if_absent"), "{told}");
}

#[test]
fn a_claimed_length_is_not_believed() {
    let (backend, names) = six();
    let mut object = bytes(&backend, &names[6]);
    object[64..68].copy_from_slice(&(64_u32 << 20).to_le_bytes());
    put(&backend, &names[6], object);
    assert_eq!(open(&backend).unwrap_err().kind(), ErrorKind::Corrupt);
    let (wal, _) = open(&(Arc::new(Memory::new()) as Arc<dyn Backend>)).unwrap();
    assert_eq!(wal.append(RecordKind::DATA, vec![0; (256 << 20) + 1]).unwrap_err().kind(), ErrorKind::Invalid);
}
