//! Databases that are opened twice, and folders that are not what they should be.

use std::fs;

use worldstore_core::{ErrorKind, Store};

use crate::{config, open};

#[test]
fn an_open_database_is_not_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::new(open(folder.path()).unwrap());
    let error = open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("objects"), "{error}");
    // A reader has it open too.
    first.write("a", vec![7; 600_000]).unwrap();
    let mut body = first.read("a", &Default::default()).unwrap().body;
    drop(first);
    assert_eq!(open(folder.path()).unwrap_err().kind(), ErrorKind::Conflict);
    assert!(body.next().unwrap().is_ok());
    drop(body);
    open(folder.path()).unwrap();
}

#[test]
fn what_is_no_database_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path()).path().to_owned();
    let kind = || open(folder.path()).unwrap_err().kind();
    fs::write(&path, "a file").unwrap();
    assert_eq!(kind(), ErrorKind::Invalid);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("notes.txt"), "of someone else").unwrap();
    assert_eq!(kind(), ErrorKind::Invalid);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "it is left alone");
}

#[test]
fn damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path()).path().to_owned();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("db"), "not a database\n".repeat(100_000)).unwrap();
    fs::write(path.join("conf"), "not its settings, which are longer than eight bytes").unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "{error:?}");
}
