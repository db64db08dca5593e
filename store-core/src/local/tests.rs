//! Local files beyond the kit: links, leftovers, versions, and how names are taken.

#![allow(clippy::single_range_in_vec_init, reason = "a list of one range is meant: one part of an object")]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;
use crate::error::ErrorKind;

mod conditions;
mod paging;
#[cfg(target_os = "linux")]
mod swaps;

struct Place {
    _outer: TempDir,
    outside: PathBuf,
    root: PathBuf,
    local: Local,
}

/// A root beside a folder that must not be reached.
fn place() -> Place {
    let outer = tempfile::tempdir().unwrap();
    let (outside, root) = (outer.path().join("outside"), outer.path().join("root"));
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    let local = Local::new(&root).unwrap();
    Place { _outer: outer, outside, root, local }
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn put(local: &Local, name: &str, body: &'static str) -> ObjectMeta {
    let key = key(name);
    let outcome = local.write(&key, Bytes::from_static(body.as_bytes()), &WriteOptions::default()).unwrap();
    outcome.applied(&key, &Condition::None).unwrap()
}

fn get(local: &Local, name: &str) -> Result<String> {
    let chunks = local.read(&key(name), &ReadOptions::default())?.body.collect::<Result<Vec<_>>>()?;
    Ok(String::from_utf8(chunks.concat()).unwrap())
}

fn names(local: &Local) -> Vec<String> {
    let page = local.list(&Prefix::root(), &ListOptions::default()).unwrap();
    page.objects.iter().map(|meta| meta.key.to_string()).collect()
}

/// Files in the making.
fn staged(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join(STAGING)).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

thread_local! {
    static SYNC_FAILS: Cell<bool> = const { Cell::new(false) };
}

/// Asked by every sync of a folder with new names or without old ones.
pub(super) fn sync_fails() -> bool {
    SYNC_FAILS.get()
}

#[test]
fn links_out_of_the_root_are_not_read() {
    let Place { outside, root, local, .. } = &place();
    symlink(outside, root.join("folder")).unwrap();
    symlink(outside.join("secret"), root.join("file")).unwrap();
    for name in ["folder/secret", "file"] {
        let denied = Some(ErrorKind::PermissionDenied);
        assert_eq!(get(local, name).err().map(|error| error.kind()), denied, "read {name}");
        let stat = local.stat(&key(name), &StatOptions::default());
        assert_eq!(stat.err().map(|error| error.kind()), denied, "stat {name}");
        let ranges = local.read_ranges(&key(name), &[0..1], &ReadRangesOptions::default());
        assert_eq!(ranges.err().map(|error| error.kind()), denied, "read ranges {name}");
        let copied = local.copy(&key(name), &key("copy"), &CopyOptions::default());
        assert_eq!(copied.err().map(|error| error.kind()), denied, "copy {name}");
        let renamed = local.rename(&key(name), &key("renamed"), &RenameOptions::default());
        assert_eq!(renamed.err().map(|error| error.kind()), denied, "rename {name}");
    }
    assert_eq!(names(local), Vec::<String>::new());
}

#[test]
fn links_out_of_the_root_are_not_written_through() {
    let Place { outside, root, local, .. } = &place();
    symlink(outside, root.join("folder")).unwrap();
    symlink(outside.join("secret"), root.join("file")).unwrap();
    for options in [WriteOptions::default(), WriteOptions::if_absent()] {
        for name in ["folder/new", "folder/secret", "folder/deep/new"] {
            let written = local.write(&key(name), Bytes::from_static(b"x"), &options);
            assert_eq!(written.unwrap_err().kind(), ErrorKind::PermissionDenied, "{name}");
        }
    }
    let taken = local.write(&key("file"), Bytes::from_static(b"x"), &WriteOptions::if_absent());
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::PermissionDenied, "the link takes the name and is no object");
    for outcome in local.delete(&[key("folder/secret"), key("file")], &DeleteOptions::default()).unwrap() {
        assert!(matches!(outcome, Deleted::Failed(_)), "{outcome:?}");
    }
    // What replaces a link replaces the link, not what it points to.
    put(local, "file", "ours");
    assert_eq!(get(local, "file").unwrap(), "ours");
    assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "secret");
    assert_eq!(fs::read_dir(outside).unwrap().count(), 1);
    assert_eq!(staged(root), Vec::<PathBuf>::new());
}

#[test]
fn links_are_not_listed() {
    let Place { outside, root, local, .. } = &place();
    symlink(outside, root.join("folder")).unwrap();
    symlink(outside.join("secret"), root.join("file")).unwrap();
    symlink(root, root.join("loop")).unwrap();
    put(local, "real", "x");
    assert_eq!(names(local), ["real"]);
    let level = local.list(&Prefix::root(), &ListOptions::default().one_level()).unwrap();
    assert!(level.folders.is_empty(), "{:?}", level.folders);
    let below = local.list(&Prefix::new("folder").unwrap(), &ListOptions::default());
    assert_eq!(below.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[test]
fn modes_are_private() {
    let Place { root, local, .. } = &place();
    put(local, "a/b", "x");
    let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(""), mode("a"), mode("a/b"), mode(STAGING)), (0o700, 0o700, 0o600, 0o700));
}

#[test]
fn staging_is_neither_listed_nor_a_key() {
    let Place { root, local, .. } = &place();
    let mut writer = local.open_writer(&key("a"), &WriteOptions::default()).unwrap();
    writer.write(Bytes::from_static(b"half")).unwrap();
    assert_eq!(staged(root).len(), 1);
    assert_eq!(names(local), Vec::<String>::new());
    for hidden in [format!("{STAGING}/x"), format!("a/{STAGING}/x")] {
        let written = local.write(&key(&hidden), Bytes::new(), &WriteOptions::default());
        assert_eq!(written.unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(get(local, &hidden).unwrap_err().kind(), ErrorKind::Invalid);
    }
    // A folder of the root that was opened as a root of its own has a staging folder too.
    let mut inner = Local::new(root.join("inner")).unwrap().open_writer(&key("b"), &WriteOptions::default()).unwrap();
    inner.write(Bytes::from_static(b"half")).unwrap();
    assert_eq!(staged(&root.join("inner")).len(), 1);
    assert_eq!(names(local), Vec::<String>::new());
}

/// What a writer that is gone left is removed at the next open; what may belong to a live one is not.
#[test]
fn leftovers_are_swept_at_open() {
    let Place { root, local, .. } = &place();
    let mut live = local.open_writer(&key("live"), &WriteOptions::default()).unwrap();
    live.write(Bytes::from_static(b"half")).unwrap();
    let old = root.join(STAGING).join("of-a-process-that-died");
    let file = fs::File::create(&old).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(25 * 3600)).unwrap();
    let young = root.join(STAGING).join("of-another-process");
    let file = fs::File::create(&young).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(23 * 3600)).unwrap();

    let again = Local::open(root).unwrap();
    assert!(!old.exists());
    assert!(young.exists());
    live.write(Bytes::from_static(b" and half")).unwrap();
    assert!(matches!(live.commit().unwrap(), Outcome::Applied(_)));
    assert_eq!(get(&again, "live").unwrap(), "half and half");
}

/// A swept file of a writer that slept for a day is an error, never an empty or foreign object.
#[test]
fn a_writer_whose_file_was_swept_cannot_commit() {
    let Place { root, local, .. } = &place();
    let mut writer = local.open_writer(&key("a"), &WriteOptions::default()).unwrap();
    writer.write(Bytes::from_static(b"half")).unwrap();
    for file in staged(root) {
        fs::remove_file(file).unwrap();
    }
    assert!(writer.commit().is_err());
    assert_eq!(names(local), Vec::<String>::new());
}

/// Inodes are reused at once and clocks of file systems tick slowly: neither may give two states one token.
#[test]
fn versions_are_never_used_twice() {
    let Place { local, .. } = &place();
    let options = WriteOptions::default().with_durability(Durability::None);
    let mut seen = BTreeSet::new();
    for round in 0..500 {
        let name = key("a");
        let written = local.write(&name, Bytes::from(format!("{round:04}")), &options).unwrap();
        let meta = written.applied(&name, &Condition::None).unwrap();
        assert!(seen.insert(meta.version.unwrap().to_string()), "round {round}");
        if round % 3 == 0 {
            let _ = local.delete(&[name], &DeleteOptions::default()).unwrap();
        }
    }
}

#[test]
fn a_read_goes_on_with_the_state_that_it_began_with() {
    let Place { local, .. } = &place();
    let long = Bytes::from(vec![b'1'; 3 << 20]);
    let _ = local.write(&key("a"), long.clone(), &WriteOptions::default()).unwrap();
    let mut body = local.read(&key("a"), &ReadOptions::default()).unwrap().body;
    let first = body.next().unwrap().unwrap();
    assert_eq!(first.len() as u64, CHUNK_BYTES);
    put(local, "a", "2");
    let _ = local.delete(&[key("a")], &DeleteOptions::default()).unwrap();
    let rest = body.collect::<Result<Vec<_>>>().unwrap().concat();
    assert_eq!(first.len() + rest.len(), long.len());
    assert!(rest.iter().all(|byte| *byte == b'1'));
}

#[test]
fn a_file_that_was_cut_is_corrupt_not_short() {
    let Place { root, local, .. } = &place();
    put(local, "a", "whole content");
    let body = local.read(&key("a"), &ReadOptions::default()).unwrap().body;
    fs::OpenOptions::new().write(true).open(root.join("a")).unwrap().set_len(3).unwrap();
    let error = body.collect::<Result<Vec<_>>>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn foreign_files_do_not_disturb() {
    use std::os::unix::ffi::OsStrExt;
    let Place { root, local, .. } = &place();
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"not-utf8-\xff")), "x").unwrap();
    fs::write(root.join("control\n"), "x").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    put(local, "a", "x");
    assert_eq!(names(local), ["a"]);
    assert!(get(local, "socket").is_err());
    assert!(get(local, "empty").unwrap_err().is_not_found());
    let level = local.list(&Prefix::root(), &ListOptions::default().one_level()).unwrap();
    assert!(level.folders.is_empty(), "{:?}", level.folders);
}

#[test]
fn a_name_that_is_too_long_for_the_file_system_is_invalid() {
    let Place { local, .. } = &place();
    let long = key(&"x".repeat(300));
    let written = local.write(&long, Bytes::new(), &WriteOptions::default());
    assert_eq!(written.unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn roots_must_be_folders() {
    let Place { outside, .. } = &place();
    assert_eq!(Local::open(outside.join("none")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(Local::open(outside.join("secret")).unwrap_err().kind(), ErrorKind::Invalid);
    assert!(Local::new(outside.join("secret/below")).is_err());
    let deep = Local::new(outside.join("one/two/three")).unwrap();
    put(&deep, "a", "x");
    assert_eq!(get(&Local::open(outside.join("one/two/three")).unwrap(), "a").unwrap(), "x");
}

#[test]
fn opening_for_reading_leaves_no_trace() {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("a"), "x").unwrap();
    let local = Local::open(outer.path()).unwrap();
    assert_eq!(get(&local, "a").unwrap(), "x");
    assert_eq!(names(&local), ["a"]);
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
}

/// Writers and removers of a folder's last object, at the same time: no write may fail because a folder went away.
#[test]
fn folders_that_come_and_go_do_not_fail_writes() {
    let Place { local, .. } = &place();
    let options = WriteOptions::default().with_durability(Durability::None);
    std::thread::scope(|scope| {
        for racer in 0..4 {
            let options = &options;
            scope.spawn(move || {
                for round in 0..200 {
                    let deep = key(&format!("f/g/h/{racer}"));
                    let written = local.write(&deep, Bytes::from_static(b"x"), options);
                    let expected = matches!(&written, Ok(Outcome::Applied(_)))
                        || matches!(&written, Err(error) if error.kind() == ErrorKind::Invalid);
                    assert!(expected, "round {round}: {written:?}");
                    let _ = local.delete(&[deep], &DeleteOptions::default()).unwrap();
                    // It needs the name of the folder: it fails while the folder holds an object, and else clears it.
                    let written = local.write(&key("f/g"), Bytes::from_static(b"x"), options);
                    let expected = matches!(&written, Ok(Outcome::Applied(_)))
                        || matches!(&written, Err(error) if error.kind() == ErrorKind::Invalid);
                    assert!(expected, "round {round}: {written:?}");
                    let _ = local.delete(&[key("f/g")], &DeleteOptions::default()).unwrap();
                }
            });
        }
    });
    assert_eq!(names(local), Vec::<String>::new());
}

/// Who loses against an object that is deleted at once is still only rejected.
#[test]
fn losing_against_a_short_life_is_no_error() {
    let Place { local, .. } = &place();
    let options = WriteOptions::if_absent().with_durability(Durability::None);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let options = &options;
            scope.spawn(move || {
                for round in 0..500 {
                    match local.write(&key("lock"), Bytes::from_static(b"x"), options) {
                        Ok(Outcome::Applied(_)) => {
                            let _ = local.delete(&[key("lock")], &DeleteOptions::default()).unwrap();
                        }
                        Ok(Outcome::Rejected) => {}
                        other => panic!("round {round}: {other:?}"),
                    }
                }
            });
        }
    });
}
