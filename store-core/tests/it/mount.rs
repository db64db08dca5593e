//! Roots on a file system of their own, on one that is read-only, and mounts below a root.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use worldstore_core::conformance::{race, run};
use worldstore_core::{
    Backend, CheckOptions, CopyOptions, DeleteOptions, Deleted, Error, ErrorKind, Local, Outcome, Prefix,
    RenameOptions, Result, StatOptions, WriteOptions,
};

use crate::again::{mount, with_own_mounts};
use crate::objects::{content, key, names, put, staged};

#[test]
fn a_root_on_another_file_system_than_its_parent_conforms() {
    let Some(outer) = with_own_mounts("mount::a_root_on_another_file_system_than_its_parent_conforms") else { return };
    let root = root_in(&outer);
    mount(&["-t", "tmpfs", "none"], &root);
    let below = Prefix::new("kit").unwrap();
    for folder in [root.clone(), root.join("deeper/down")] {
        let local = Arc::new(Local::new(folder).unwrap());
        run(&*local, &below).into_result().unwrap();
        race(local, &below).into_result().unwrap();
    }
}

#[test]
fn a_read_only_root_is_read_and_refuses_changes() {
    let Some(outer) = with_own_mounts("mount::a_read_only_root_is_read_and_refuses_changes") else { return };
    let root = root_in(&outer);
    mount(&["-t", "tmpfs", "none"], &root);
    put(&Local::new(&root).unwrap(), "folder/a", "x");
    mount(&["-o", "remount,bind,ro"], &root);
    refuses_changes(&Local::open(&root).unwrap());
    refuses_changes(&Local::new(&root).unwrap());
}

/// Without the folder for staging: nobody has ever written here.
#[test]
fn a_read_only_root_that_others_filled_is_read_and_refuses_changes() {
    let Some(outer) = with_own_mounts("mount::a_read_only_root_that_others_filled_is_read_and_refuses_changes") else {
        return;
    };
    let root = root_in(&outer);
    mount(&["-t", "tmpfs", "none"], &root);
    fs::create_dir(root.join("folder")).unwrap();
    fs::write(root.join("folder/a"), "x").unwrap();
    mount(&["-o", "remount,bind,ro"], &root);
    refuses_changes(&Local::open(&root).unwrap());
    assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
}

fn refuses_changes(local: &Local) {
    local.check(&CheckOptions::default()).unwrap();
    let (a, b) = (key("folder/a"), key("b"));
    assert_eq!(refusal(write(local, "folder/a")), ErrorKind::PermissionDenied);
    assert_eq!(refusal(write(local, "new/b")), ErrorKind::PermissionDenied);
    assert_eq!(refusal(local.write(&b, "x".into(), &WriteOptions::if_absent())), ErrorKind::PermissionDenied);
    let opened = local.open_writer(&b, &WriteOptions::default());
    assert_eq!(opened.map(|_| ()).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(refusal(local.copy(&a, &b, &CopyOptions::default())), ErrorKind::PermissionDenied);
    assert_eq!(refusal(local.rename(&a, &b, &RenameOptions::default())), ErrorKind::PermissionDenied);
    assert_eq!(refusal(local.rename(&a, &b, &RenameOptions::if_absent())), ErrorKind::PermissionDenied);
    let deleted = local.delete(&[a, b], &DeleteOptions::default()).unwrap();
    let denied = |error: &Error| error.kind() == ErrorKind::PermissionDenied;
    assert!(matches!(&deleted[..], [Deleted::Failed(error), Deleted::Missing] if denied(error)), "{deleted:?}");
    assert_eq!(names(local), ["folder/a"]);
    assert_eq!(content(local, "folder/a"), "x");
}

/// A rename cannot leave a file system: what would need one below a mount is refused, the rest works.
#[test]
fn a_mount_below_the_root_is_read_and_not_written() {
    let Some(outer) = with_own_mounts("mount::a_mount_below_the_root_is_read_and_not_written") else { return };
    let root = root_in(&outer);
    let local = Local::new(&root).unwrap();
    put(&local, "mounted/hidden", "x");
    mount(&["-t", "tmpfs", "none"], &root.join("mounted"));
    fs::write(root.join("mounted/foreign"), "x").unwrap();
    put(&local, "beside", "x");
    let (foreign, beside) = (key("mounted/foreign"), key("beside"));

    assert_eq!(names(&local), ["beside", "mounted/foreign"]);
    assert_eq!(content(&local, "mounted/foreign"), "x");
    assert_eq!(local.stat(&foreign, &StatOptions::default()).unwrap().size, 1);
    let copied = local.copy(&foreign, &key("copied"), &CopyOptions::default()).unwrap();
    assert!(matches!(copied, Outcome::Applied(_)));

    let refused = [
        write(&local, "mounted/foreign"),
        write(&local, "mounted/new/one"),
        local.write(&key("mounted/b"), "x".into(), &WriteOptions::if_absent()),
        local.copy(&beside, &key("mounted/b"), &CopyOptions::default()),
        local.rename(&beside, &key("mounted/b"), &RenameOptions::default()),
        local.rename(&beside, &key("mounted/b"), &RenameOptions::if_absent()),
        local.rename(&foreign, &key("b"), &RenameOptions::default()),
        local.rename(&foreign, &key("b"), &RenameOptions::if_absent()),
    ];
    for (place, outcome) in refused.into_iter().enumerate() {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{place}: {error}");
        assert!(error.message().contains("another file system"), "{place}: {error}");
    }
    assert_eq!(names(&local), ["beside", "copied", "mounted/foreign"]);
    assert_eq!(content(&local, "mounted/foreign"), "x");
    assert_eq!(staged(&root), 0);

    let renamed = local.rename(&foreign, &key("mounted/within"), &RenameOptions::if_absent()).unwrap();
    assert!(matches!(renamed, Outcome::Applied(_)), "within the mount no file system is left");
    let deleted = local.delete(&[key("mounted/within")], &DeleteOptions::default()).unwrap();
    assert!(matches!(deleted[..], [Deleted::Deleted]), "{deleted:?}");
    assert_eq!(names(&local), ["beside", "copied"]);
}

/// The mount takes the name, though no object is below it.
#[test]
fn a_mount_point_is_not_replaced_by_an_object() {
    let Some(outer) = with_own_mounts("mount::a_mount_point_is_not_replaced_by_an_object") else { return };
    let root = root_in(&outer);
    let local = Local::new(&root).unwrap();
    fs::create_dir(root.join("mounted")).unwrap();
    mount(&["-t", "tmpfs", "none"], &root.join("mounted"));
    for options in [WriteOptions::default(), WriteOptions::if_absent()] {
        let outcome = local.write(&key("mounted"), "x".into(), &options);
        let kind = outcome.unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::Invalid), "{kind}");
    }
    assert!(root.join("mounted").is_dir());
    assert_eq!(names(&local), Vec::<String>::new());
}

fn root_in(outer: &Path) -> PathBuf {
    let root = outer.join("root");
    fs::create_dir(&root).unwrap();
    root
}

fn write(local: &Local, name: &str) -> Result<Outcome> {
    local.write(&key(name), "x".into(), &WriteOptions::default())
}

fn refusal(outcome: Result<Outcome>) -> ErrorKind {
    outcome.unwrap_err().kind()
}
