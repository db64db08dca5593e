//! A file system without space left: a typed error, the old objects whole, and no part of a new one.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use worldstore_core::local::STAGING;
use worldstore_core::{
    Backend, Condition, CopyOptions, ErrorKind, Local, Missing, Outcome, RenameOptions, Result, Store, WriteOptions,
};

use crate::again::{mount, with_own_mounts};
use crate::objects::{content, key, names, put, staged};

const KIB: usize = 1 << 10;

#[test]
fn a_full_disk_harms_nothing() {
    let Some(disk) = with_own_mounts("full_disk::a_full_disk_harms_nothing") else { return };
    mount(&["-t", "tmpfs", "-o", "size=1m", "none"], &disk);
    let local = Local::new(&disk).unwrap();
    put(&local, "old", letters(b'o', 300 * KIB));
    let unharmed = || {
        assert_eq!(names(&local), ["old"]);
        assert_eq!(content(&local, "old"), letters(b'o', 300 * KIB));
        assert_eq!(staged(&disk), 0, "what was staged takes no space");
    };

    assert_full(write(&local, "new", letters(b'n', 2048 * KIB)));
    unharmed();
    assert_full(write(&local, "old", letters(b'n', 900 * KIB)));
    unharmed();
    assert_full(write(&local, "folder/new", letters(b'n', 900 * KIB)));
    unharmed();
    let filler = letters(b'f', 600 * KIB);
    put(&local, "filler", filler.clone());
    assert_full(local.copy(&key("filler"), &key("copy"), &CopyOptions::default()));
    assert_eq!(content(&local, "filler"), filler);

    // What needs no space works; so does everything once there is some.
    let moved = local.rename(&key("filler"), &key("moved"), &RenameOptions::if_absent()).unwrap();
    moved.applied(&key("moved"), &Condition::IfAbsent).unwrap();
    assert_full(write(&local, "new", letters(b'n', 600 * KIB)));
    store(&disk).delete("moved", Missing::Refuse).unwrap();
    unharmed();
    put(&local, "new", letters(b'n', 600 * KIB));
    assert_eq!(content(&local, "new"), letters(b'n', 600 * KIB));
    assert_eq!(names(&local), ["new", "old"]);
}

/// The writer has taken a part of the chunk that did not fit: it must not be published, whatever its user does.
#[test]
fn a_writer_on_a_full_disk_publishes_nothing() {
    let Some(disk) = with_own_mounts("full_disk::a_writer_on_a_full_disk_publishes_nothing") else { return };
    mount(&["-t", "tmpfs", "-o", "size=1m", "none"], &disk);
    let local = Local::new(&disk).unwrap();
    put(&local, "a", letters(b'o', 100 * KIB));
    for end in ["abort", "drop", "commit"] {
        let mut writer = local.open_writer(&key("a"), &WriteOptions::default()).unwrap();
        let chunks: Vec<_> = (0..20).map(|_| writer.write(letters(b'n', 100 * KIB))).collect();
        let first_failed = chunks.iter().position(Result::is_err).unwrap();
        assert!((7..=9).contains(&first_failed), "{first_failed} chunks fit");
        assert_eq!(chunks[first_failed].as_ref().unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(chunks[first_failed..].iter().all(Result::is_err), "it takes no more after a hole");
        match end {
            "abort" => writer.abort().unwrap(),
            "drop" => drop(writer),
            _ => assert_eq!(writer.commit().unwrap_err().kind(), ErrorKind::Poisoned),
        }
        assert_eq!(content(&local, "a"), letters(b'o', 100 * KIB), "after {end}");
        assert_eq!(names(&local), ["a"]);
        assert_eq!(staged(&disk), 0, "after {end}");
    }
}

/// There is space, but no more files can be made.
#[test]
fn a_disk_without_inodes_is_full() {
    let Some(disk) = with_own_mounts("full_disk::a_disk_without_inodes_is_full") else { return };
    mount(&["-t", "tmpfs", "-o", "size=1m,nr_inodes=80", "none"], &disk);
    let local = Local::new(&disk).unwrap();
    make_locks(&local, &disk);
    // Two objects, and one more while it is staged.
    fill_inodes(&disk, 3);
    put(&local, "a", letters(b'a', 1));
    put(&local, "b", letters(b'b', 1));
    assert_full(write(&local, "folder/c", letters(b'c', 1)));
    assert_eq!(names(&local), ["a", "b"]);
    put(&local, "c", letters(b'c', 1));
    assert_full(write(&local, "d", letters(b'd', 1)));
    assert_eq!(names(&local), ["a", "b", "c"]);
    store(&disk).delete("a", Missing::Refuse).unwrap();
    put(&local, "d", letters(b'd', 1));
    assert_eq!(names(&local), ["b", "c", "d"]);
}

/// A lock comes into being with the first change that takes it. Afterwards changes need room for objects only.
fn make_locks(local: &Local, disk: &Path) {
    for number in 0.. {
        if std::fs::read_dir(disk.join(STAGING).join("locks")).is_ok_and(|locks| locks.count() == 64) {
            return;
        }
        let name = number.to_string();
        put(local, &name, letters(b'x', 1));
        store(disk).delete(&name, Missing::Refuse).unwrap();
    }
}

/// Takes all inodes but so many, in the folder for staging, where no listing shows them.
fn fill_inodes(disk: &Path, left: usize) {
    let fill = |number: usize| disk.join(STAGING).join(format!("fill-{number}"));
    let taken = (0..).take_while(|number| std::fs::File::create(fill(*number)).is_ok()).count();
    (taken - left..taken).for_each(|number| std::fs::remove_file(fill(number)).unwrap());
}

fn assert_full(changed: Result<Outcome>) {
    assert_eq!(changed.unwrap_err().kind(), ErrorKind::StorageFull);
}

fn write(local: &Local, name: &str, body: Bytes) -> Result<Outcome> {
    local.write(&key(name), body, &WriteOptions::default())
}

fn store(root: &Path) -> Store {
    Store::new(Arc::new(Local::open(root).unwrap()))
}

fn letters(letter: u8, bytes: usize) -> Bytes {
    vec![letter; bytes].into()
}
