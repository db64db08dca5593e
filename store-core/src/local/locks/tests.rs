//! Stamps and the order of locks.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::vfs::OsVfs;

struct Place {
    folder: tempfile::TempDir,
    root: RootFolder<OsVfs>,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let root = RootFolder::open(OsVfs::open(folder.path()).unwrap()).unwrap();
    Place { folder, root }
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64
}

fn next(root: &RootFolder<OsVfs>, key: &Key) -> u64 {
    nanoseconds(root.lock(key).unwrap().next_stamp().unwrap().unwrap())
}

/// Whatever the clock says, and whoever asks.
#[test]
fn stamps_only_grow() {
    let place = place();
    let other = RootFolder::open(OsVfs::open(place.folder.path()).unwrap()).unwrap();
    let mut last = 0;
    for round in 0..200 {
        let stamp = next(if round % 2 == 0 { &place.root } else { &other }, &key("a"));
        assert!(stamp > last, "{stamp} after {last}");
        last = stamp;
    }
    // The clock was an hour ahead once, and was set back.
    let ahead = last + 3_600_000_000_000;
    let file = fs::File::open(lock_file(&place, &key("a"))).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_nanos(ahead)).unwrap();
    assert_eq!(next(&other, &key("a")), ahead + 1);
    assert_eq!(next(&place.root, &key("a")), ahead + 2);
}

fn lock_file(place: &Place, key: &Key) -> PathBuf {
    place.folder.path().join(crate::local::STAGING).join("locks").join(format!("{:02x}", shard_of(key)))
}

/// Pairs in both orders, of keys that share a lock and of keys that do not, in two backends of one root.
#[test]
fn two_locks_at_a_time_never_wait_in_a_circle() {
    let place = place();
    let roots = [place.root, RootFolder::open(OsVfs::open(place.folder.path()).unwrap()).unwrap()];
    let inside: Vec<_> = (0..SHARDS).map(|_| AtomicUsize::new(0)).collect();
    let inside = Arc::new(inside);
    std::thread::scope(|scope| {
        for racer in 0..8_usize {
            let (root, inside) = (&roots[racer % 2], Arc::clone(&inside));
            scope.spawn(move || {
                for round in 0..300_usize {
                    let (one, two) = (key(&format!("{}", (racer + round) % 5)), key(&format!("{}", round % 5)));
                    let held = root.lock_two(&one, &two).unwrap();
                    let shards = [shard_of(&one), shard_of(&two)];
                    let shards = if shards[0] == shards[1] { &shards[..1] } else { &shards[..] };
                    for shard in shards {
                        assert_eq!(inside[*shard].fetch_add(1, Ordering::SeqCst), 0, "two are inside");
                    }
                    std::thread::yield_now();
                    for shard in shards {
                        inside[*shard].fetch_sub(1, Ordering::SeqCst);
                    }
                    drop(held);
                }
            });
        }
    });
}

/// Who still holds a lock file that was removed must not believe that it locks anything.
#[test]
fn a_removed_lock_file_is_made_again() {
    let place = place();
    let stamp = next(&place.root, &key("a"));
    let locks = place.folder.path().join(crate::local::STAGING).join("locks");
    fs::remove_dir_all(&locks).unwrap();
    assert!(next(&place.root, &key("a")) > stamp);
    assert_eq!(fs::read_dir(&locks).unwrap().count(), 1);
}
