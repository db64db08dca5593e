//! Folders and files that the user may not touch: `PermissionDenied`, and nothing has changed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use worldstore_core::{
    Backend, CopyOptions, DeleteOptions, Deleted, ErrorKind, Key, ListOptions, Local, Outcome, Prefix, ReadOptions,
    ReadRangesOptions, RenameOptions, Result, StatOptions, WriteOptions,
};

use crate::again::{command, expect_passed, task};
use crate::objects::{content, key, names, put, staged};

/// A user that owns nothing; by convention the name is `nobody`.
const NOBODY: u32 = 65534;

#[test]
fn a_folder_that_is_read_only() {
    if !as_a_plain_user("permissions::a_folder_that_is_read_only") {
        return;
    }
    let place = Place::new();
    let local = Local::new(&place.root).unwrap();
    let [inside, outside] = ["folder/a", "b"].map(|name| written(&local, name));
    let _locked = place.lock("folder", 0o500);

    denied(local.write(&inside, "new".into(), &WriteOptions::default()));
    denied(local.write(&key("folder/new"), "new".into(), &WriteOptions::default()));
    denied(local.write(&key("folder/new"), "new".into(), &WriteOptions::if_absent()));
    denied(local.write(&key("folder/deep/new"), "new".into(), &WriteOptions::default()));
    denied(local.copy(&outside, &inside, &CopyOptions::default()));
    denied(local.rename(&outside, &inside, &RenameOptions::default()));
    denied(local.rename(&inside, &key("c"), &RenameOptions::if_absent()));
    not_deleted(&local, &inside);
    let mut writer = local.open_writer(&inside, &WriteOptions::default()).unwrap();
    writer.write("new".into()).unwrap();
    denied(writer.commit());
    let rejected = local.write(&inside, "new".into(), &WriteOptions::if_absent()).unwrap();
    assert_eq!(rejected, Outcome::Rejected, "that it exists can be seen");

    assert_eq!(names(&local), ["b", "folder/a"]);
    assert_eq!((content(&local, "folder/a"), content(&local, "b")), ("folder/a".into(), "b".into()));
    assert_eq!(place.staged(), 0);
}

#[test]
fn a_root_that_is_read_only() {
    if !as_a_plain_user("permissions::a_root_that_is_read_only") {
        return;
    }
    let place = Place::new();
    fs::write(place.root.join("a"), "a").unwrap();
    let _locked = place.lock("", 0o500);
    for local in [Local::open(&place.root).unwrap(), Local::new(&place.root).unwrap()] {
        denied(local.write(&key("a"), "new".into(), &WriteOptions::default()));
        denied(local.write(&key("folder/new"), "new".into(), &WriteOptions::if_absent()));
        denied(local.copy(&key("a"), &key("b"), &CopyOptions::default()));
        denied(local.rename(&key("a"), &key("b"), &RenameOptions::default()));
        not_deleted(&local, &key("a"));
        assert_eq!(names(&local), ["a"]);
        assert_eq!(content(&local, "a"), "a");
    }
    assert_eq!(fs::read_dir(&place.root).unwrap().count(), 1);
}

/// It is listed and looked up, for that needs its folder only; it is not read, moved or deleted.
#[test]
fn a_file_that_is_unreadable() {
    if !as_a_plain_user("permissions::a_file_that_is_unreadable") {
        return;
    }
    let place = Place::new();
    let local = Local::new(&place.root).unwrap();
    let name = written(&local, "folder/a");
    {
        let _locked = place.lock("folder/a", 0o000);
        assert_eq!(local.stat(&name, &StatOptions::default()).unwrap().size, 8);
        denied(local.read(&name, &ReadOptions::default()).map(|_| ()));
        denied(local.read_ranges(&name, &[], &ReadRangesOptions::default()));
        denied(local.copy(&name, &key("b"), &CopyOptions::default()));
        denied(local.rename(&name, &key("b"), &RenameOptions::default()));
        denied(local.write(&name, "new".into(), &WriteOptions::if_absent()));
        not_deleted(&local, &name);
        assert_eq!(names(&local), ["folder/a"]);
        assert_eq!(place.staged(), 0);
    }
    assert_eq!(content(&local, "folder/a"), "folder/a");
}

/// Its names can be read but nothing that they stand for: an error, not a listing that leaves them out.
#[test]
fn a_folder_that_cannot_be_searched() {
    if !as_a_plain_user("permissions::a_folder_that_cannot_be_searched") {
        return;
    }
    let place = Place::new();
    let local = Local::new(&place.root).unwrap();
    let [inside, outside] = ["folder/a", "b"].map(|name| written(&local, name));
    {
        let _locked = place.lock("folder", 0o600);
        denied(local.stat(&inside, &StatOptions::default()));
        denied(local.read(&inside, &ReadOptions::default()).map(|_| ()));
        denied(local.write(&inside, "new".into(), &WriteOptions::default()));
        denied(local.write(&key("folder/new"), "new".into(), &WriteOptions::if_absent()));
        denied(local.rename(&outside, &inside, &RenameOptions::default()));
        denied(local.list(&Prefix::new("folder").unwrap(), &ListOptions::default()).map(|_| ()));
        denied(local.list(&Prefix::root(), &ListOptions::default()).map(|_| ()));
        not_deleted(&local, &inside);
        assert_eq!(content(&local, "b"), "b");
        assert_eq!(place.staged(), 0);
    }
    assert_eq!(names(&local), ["b", "folder/a"]);
    assert_eq!(content(&local, "folder/a"), "folder/a");
}

/// Whoever knows a name in it can read that object; listing it is an error.
#[test]
fn a_folder_that_cannot_be_listed() {
    if !as_a_plain_user("permissions::a_folder_that_cannot_be_listed") {
        return;
    }
    let place = Place::new();
    let local = Local::new(&place.root).unwrap();
    let name = written(&local, "folder/a");
    let _locked = place.lock("folder", 0o300);
    assert_eq!(content(&local, "folder/a"), "folder/a");
    denied(local.list(&Prefix::new("folder").unwrap(), &ListOptions::default()).map(|_| ()));
    denied(local.list(&Prefix::root(), &ListOptions::default()).map(|_| ()));
    denied(local.write(&name, "new".into(), &WriteOptions::default()));
    denied(local.write(&key("folder"), "new".into(), &WriteOptions::default()));
    assert_eq!(content(&local, "folder/a"), "folder/a");
    assert_eq!(place.staged(), 0);
}

#[test]
fn roots_that_cannot_be_opened() {
    if !as_a_plain_user("permissions::roots_that_cannot_be_opened") {
        return;
    }
    let place = Place::new();
    fs::create_dir(place.root.join("folder")).unwrap();
    let _locked = place.lock("", 0o000);
    denied(Local::open(&place.root).map(|_| ()));
    denied(Local::open(place.root.join("folder")).map(|_| ()));
    denied(Local::new(place.root.join("new")).map(|_| ()));
}

/// A root in a folder of the user.
struct Place {
    _outer: TempDir,
    root: PathBuf,
}

/// Permissions that are lifted again when dropped, or the folder could not be removed.
struct Locked(PathBuf);

impl Place {
    fn new() -> Self {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        fs::create_dir(&root).unwrap();
        Self { _outer: outer, root }
    }

    fn lock(&self, path: &str, mode: u32) -> Locked {
        let path = self.root.join(path);
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        Locked(path)
    }

    fn staged(&self) -> usize {
        staged(&self.root)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        fs::set_permissions(&self.0, Permissions::from_mode(0o700)).unwrap();
    }
}

/// Root may do everything: its tests run again, as nobody. True in a process of a user whom permissions bind.
fn as_a_plain_user(test: &str) -> bool {
    if !rustix::process::geteuid().is_root() {
        return true;
    }
    assert!(task().is_none(), "the process was to run as nobody");
    let folder = Path::new("/tmp");
    let mut again = command(&[], test, "body");
    again.uid(NOBODY).gid(NOBODY).current_dir("/").env("TMPDIR", folder);
    match again.output() {
        Ok(output) => expect_passed(&output),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            eprintln!("SKIPPED: {test} cannot become another user: {error}; run it as a user who is not root");
        }
        Err(error) => panic!("{error}"),
    }
    false
}

fn denied<Value: std::fmt::Debug>(result: Result<Value>) {
    let error = result.expect_err("it is not allowed");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}

fn not_deleted(local: &Local, name: &Key) {
    match &local.delete(std::slice::from_ref(name), &DeleteOptions::default()).unwrap()[..] {
        [Deleted::Failed(error)] => assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}"),
        other => panic!("{other:?}"),
    }
}

/// Writes an object that holds its own name.
fn written(local: &Local, name: &str) -> Key {
    put(local, name, name.to_owned()).key
}
