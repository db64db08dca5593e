//! Single objects: into a store, out of it, from one to another.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use worldstore_core::transfer::{
    Compare, Crc32c, Progress, Resume, Route, SyncOptions, Taken, TransferOptions, Verify,
};
use worldstore_core::{Backend, Condition, Durability, ErrorKind, Local, Memory, Store, Version, WriteOptions};

use super::broken::Broken;
use super::{body, for_each_store, kind, memory};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn goes_on() -> TransferOptions {
    TransferOptions::default().with_resume(Resume::Continue)
}

#[test]
fn what_is_uploaded_is_downloaded() {
    for_each_store(|store| {
        let folder = tempfile::tempdir().unwrap();
        let (source, target) = (folder.path().join("source"), folder.path().join("new/folder/target"));
        for bytes in [0, 1, (1 << 20) - 1, 3 << 20] {
            let told = Arc::new(Mutex::new(Vec::<Progress>::new()));
            let teller = Arc::clone(&told);
            let options = TransferOptions::default()
                .with_verify(Verify::ReadBack)
                .with_progress(move |progress| teller.lock().unwrap().push(progress));
            fs::write(&source, body(bytes)).unwrap();
            let up = store.upload(&source, "a/b", &options).unwrap();
            assert_eq!((up.bytes, up.taken, up.meta.key.as_str()), (bytes as u64, Taken::Streamed, "a/b"));
            assert_eq!(up.meta, store.stat("a/b").unwrap());
            assert_eq!(up.checksum, Some(Crc32c::of(&body(bytes))));
            let down = store.download("a/b", &target, &options).unwrap();
            assert_eq!((down.bytes, down.checksum, down.resumed_bytes), (bytes as u64, up.checksum, 0));
            assert_eq!(fs::read(&target).unwrap(), body(bytes));
            let told = told.lock().unwrap();
            assert!(told.iter().all(|progress| progress.total_bytes == bytes as u64));
            assert_eq!(told.iter().filter(|progress| progress.done_bytes == bytes as u64).count(), 2 * bytes.min(1));
        }
        assert_eq!(names(target.parent().unwrap()), ["target"], "nothing else stays");
    });
}

#[test]
fn conditions_hold_at_the_target() {
    for_each_store(|store| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "new").unwrap();
        store.write("a", "old").unwrap();
        assert_eq!(kind(store.upload(&file, "a", &TransferOptions::if_absent())), ErrorKind::AlreadyExists);
        assert_eq!(store.read_text("a").unwrap(), "old");
        assert_eq!(kind(store.download("a", &file, &TransferOptions::if_absent())), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let matching = TransferOptions::default().with_condition(Condition::IfMatch(Version::new("1")));
        assert_eq!(kind(store.download("a", &file, &matching)), ErrorKind::Unsupported);
        assert_eq!(kind(store.download("a", folder.path(), &TransferOptions::default())), ErrorKind::Invalid);
        assert_eq!(kind(store.download("none", &file, &TransferOptions::default())), ErrorKind::NotFound);
        assert_eq!(
            kind(store.upload(&folder.path().join("none"), "b", &TransferOptions::default())),
            ErrorKind::NotFound
        );
        assert_eq!(kind(store.upload(folder.path(), "b", &TransferOptions::default())), ErrorKind::Invalid);
        assert_eq!(kind(store.upload(&file, "b", &goes_on())), ErrorKind::Unsupported);
        store.download("a", &folder.path().join("free"), &TransferOptions::if_absent()).unwrap();
        store.download("a", &file, &TransferOptions::default().with_durability(Durability::None)).unwrap();
        assert_eq!(names(folder.path()), ["file", "free"]);
        assert_eq!(fs::read(&file).unwrap(), b"old");
    });
}

#[test]
fn a_file_that_changes_meanwhile_is_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, body(3 << 20)).unwrap();
    let store = memory();
    for grow in [true, false] {
        let path = file.clone();
        let once = AtomicBool::new(true);
        let options = TransferOptions::default().with_progress(move |_| {
            if once.swap(false, Ordering::SeqCst) {
                let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
                file.set_len(if grow { 5 << 20 } else { 2 << 20 }).unwrap();
            }
        });
        let error = store.upload(&file, "a", &options).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Corrupt), "{error}");
        assert!(!store.exists("a").unwrap());
    }
}

/// Whoever opens a pipe that nobody writes to waits for ever.
#[test]
fn only_a_file_is_uploaded() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&pipe, &link).unwrap();
    let store = memory();
    for path in [&pipe, &link, Path::new("/dev/null"), folder.path()] {
        assert_eq!(
            kind(store.upload(path, "a", &TransferOptions::default())),
            ErrorKind::Invalid,
            "{}",
            path.display()
        );
    }
    assert!(!store.exists("a").unwrap());
}

#[test]
fn a_download_that_breaks_off_is_gone_on_with() {
    let broken = Arc::new(Broken::default());
    let store = Store::new(broken.clone());
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    store.write("a", body(10_000)).unwrap();
    broken.read_breaks_after.store(4_000, Ordering::SeqCst);
    assert_eq!(kind(store.download("a", &target, &TransferOptions::default())), ErrorKind::Unavailable);
    assert!(names(folder.path()).is_empty(), "nothing stays unless it is to be gone on with");

    assert_eq!(kind(store.download("a", &target, &goes_on())), ErrorKind::Unavailable);
    assert_eq!(names(folder.path()), ["target.worldstore-part", "target.worldstore-pin"]);
    assert_eq!(kind(store.download("a", &target, &goes_on())), ErrorKind::Unavailable);
    broken.read_breaks_after.store(0, Ordering::SeqCst);
    let before = broken.bytes_read.load(Ordering::SeqCst);
    let least = Arc::new(AtomicU64::new(u64::MAX));
    let seen = Arc::clone(&least);
    let options = goes_on().with_verify(Verify::ReadBack).with_progress(move |progress| {
        seen.fetch_min(progress.done_bytes, Ordering::SeqCst);
    });
    let report = store.download("a", &target, &options).unwrap();
    assert_eq!((report.resumed_bytes, report.bytes), (8_000, 10_000));
    assert_eq!(broken.bytes_read.load(Ordering::SeqCst) - before, 2_000, "only the rest is read");
    assert_eq!(least.load(Ordering::SeqCst), 9_000, "progress counts what was there");
    assert_eq!(report.checksum, Some(Crc32c::of(&body(10_000))));
    assert_eq!(fs::read(&target).unwrap(), body(10_000));
    assert_eq!(names(folder.path()), ["target"]);
}

#[test]
fn a_download_of_something_else_or_of_damage_begins_anew() {
    let broken = Arc::new(Broken::default());
    let store = Store::new(broken.clone());
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    let part = folder.path().join("target.worldstore-part");
    let break_off = || {
        broken.read_breaks_after.store(4_000, Ordering::SeqCst);
        assert_eq!(kind(store.download("a", &target, &goes_on())), ErrorKind::Unavailable);
        broken.read_breaks_after.store(0, Ordering::SeqCst);
    };
    store.write("a", body(10_000)).unwrap();
    break_off();
    let mut other = body(10_000);
    other.reverse();
    store.write_with("a", other.clone(), &WriteOptions::default()).unwrap();
    let report = store.download("a", &target, &goes_on()).unwrap();
    assert_eq!((report.resumed_bytes, fs::read(&target).unwrap()), (0, other.clone()), "the source has changed");

    break_off();
    let mut bytes = fs::read(&part).unwrap();
    bytes[17] ^= 1;
    fs::write(&part, bytes).unwrap();
    let report = store.download("a", &target, &goes_on()).unwrap();
    assert_eq!((report.resumed_bytes, fs::read(&target).unwrap()), (0, other.clone()), "the part is damaged");

    break_off();
    let held = fs::File::open(&part).unwrap();
    held.lock().unwrap();
    assert_eq!(kind(store.download("a", &target, &goes_on())), ErrorKind::Conflict, "another one is at it");
    drop(held);
    assert_eq!(store.download("a", &target, &goes_on()).unwrap().resumed_bytes, 4_000);
    assert_eq!(names(folder.path()), ["target"]);
}

#[test]
fn between_backends_bytes_go_through_and_within_one_they_stay() {
    let (one, two) = (Arc::new(Broken::default()), Arc::new(Broken::default()));
    let (first, second) = (Store::new(one.clone()), Store::new(two.clone()));
    first.write("a", body(5_500)).unwrap();
    let verified = TransferOptions::default().with_verify(Verify::ReadBack);
    let report = first.transfer("a", &second, "x/a", &verified).unwrap();
    assert_eq!((report.taken, report.bytes, report.meta.key.as_str()), (Taken::Streamed, 5_500, "x/a"));
    assert_eq!(second.read_bytes("x/a").unwrap(), body(5_500));
    assert_eq!((one.copies.load(Ordering::SeqCst), two.copies.load(Ordering::SeqCst)), (0, 0));
    assert_eq!(kind(first.transfer("a", &second, "x/a", &TransferOptions::if_absent())), ErrorKind::AlreadyExists);
    assert_eq!(kind(first.transfer("none", &second, "x/a", &verified)), ErrorKind::NotFound);

    let before = one.bytes_read.load(Ordering::SeqCst);
    let child = first.child("inner").unwrap();
    let report = first.transfer("a", &child, "b", &TransferOptions::default()).unwrap();
    assert_eq!((report.taken, report.checksum, report.meta.key.as_str()), (Taken::InPlace, None, "b"));
    assert_eq!(one.bytes_read.load(Ordering::SeqCst), before, "nothing is read");
    assert_eq!(first.read_bytes("inner/b").unwrap(), body(5_500));
    let report = first.transfer("a", &child, "c", &verified).unwrap();
    assert_eq!(report.checksum, Some(Crc32c::of(&body(5_500))));
    let report = first.transfer("a", &child, "d", &TransferOptions::default().with_route(Route::Stream)).unwrap();
    assert_eq!(report.taken, Taken::Streamed);
    assert_eq!(first.transfer("inner/b", &child, "b", &verified).unwrap().bytes, 5_500, "an object to itself");
    assert_eq!(kind(first.transfer("none", &child, "c", &verified)), ErrorKind::NotFound);
    assert_eq!(kind(first.transfer("a", &child, "c", &TransferOptions::if_absent())), ErrorKind::AlreadyExists);
}

#[test]
fn a_chunk_at_a_time_is_in_memory() {
    let broken = Arc::new(Broken::default());
    let store = Store::new(broken.clone());
    store.write("a", body(200_000)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let target = Store::new(Arc::new(Local::new(folder.path().join("data")).unwrap()));
    let verified = TransferOptions::default().with_verify(Verify::ReadBack);
    store.transfer("a", &target, "a", &verified).unwrap();
    store.download("a", &folder.path().join("file"), &verified).unwrap();
    target.sync_folder("", &store, "copy", &SyncOptions::default().with_transfer(verified)).unwrap();
    let content = SyncOptions::default().with_compare(Compare::Content);
    assert_eq!(store.sync_folder("copy", &target, "", &content).unwrap().unchanged, 1);
    let most = broken.held.most.load(Ordering::SeqCst);
    assert!((1..=2).contains(&most), "{most} of 200 chunks at once");
}

#[test]
fn nothing_is_downloaded_in_silence() {
    let store = Store::new(Arc::new(Broken { without_copy: true, ..Broken::default() }));
    store.write("a", "1").unwrap();
    assert_eq!(kind(store.transfer("a", &store, "b", &TransferOptions::default())), ErrorKind::Unsupported);
    assert!(!store.exists("b").unwrap());
    store.transfer("a", &store, "b", &TransferOptions::default().with_route(Route::Stream)).unwrap();
    assert_eq!(store.read_text("b").unwrap(), "1");
}

#[test]
fn damage_at_the_target_is_found_by_reading_back() {
    let broken = Arc::new(Broken::default());
    broken.writes_damage.store(true, Ordering::SeqCst);
    let (store, source) = (Store::new(broken), memory());
    source.write("a", "right").unwrap();
    source.transfer("a", &store, "a", &TransferOptions::default()).unwrap();
    let verified = TransferOptions::default().with_verify(Verify::ReadBack);
    assert_eq!(kind(source.transfer("a", &store, "a", &verified)), ErrorKind::Corrupt);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "right").unwrap();
    assert_eq!(kind(store.upload(&file, "b", &verified)), ErrorKind::Corrupt);
}

#[test]
fn a_source_that_breaks_leaves_nothing_at_the_target() {
    let broken = Arc::new(Broken::default());
    let source = Store::new(broken.clone());
    source.write("a", body(5_000)).unwrap();
    broken.read_breaks_after.store(2_000, Ordering::SeqCst);
    let folder = tempfile::tempdir().unwrap();
    let backends: [Arc<dyn Backend>; 2] = [Arc::new(Memory::new()), Arc::new(Local::new(folder.path()).unwrap())];
    for backend in backends {
        let store = Store::new(backend);
        assert_eq!(kind(source.transfer("a", &store, "a", &TransferOptions::default())), ErrorKind::Unavailable);
        assert!(!store.exists("a").unwrap());
    }
}
