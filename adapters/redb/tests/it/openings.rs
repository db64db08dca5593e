//! Files that are opened twice, are not what they should be, or hold pieces of another size.

use std::fs;

use worldstore_core::kv::Sizes;
use worldstore_core::{ErrorKind, Store};

use crate::{bytes, config, open};

#[test]
fn pieces_of_another_size_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(open(folder.path()).unwrap());
    store.write("large", bytes(3_000_000)).unwrap();
    drop(store);
    let other = config(folder.path()).with_sizes(Sizes::default().with_piece_bytes(1_000)).open().unwrap();
    assert!(Store::new(std::sync::Arc::new(other)).read_bytes("large").unwrap() == bytes(3_000_000));
}

#[test]
fn an_open_file_is_not_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::new(open(folder.path()).unwrap());
    let error = open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("objects.redb"), "{error}");
    // A reader has it open too.
    first.write("a", bytes(600_000)).unwrap();
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
    for content in [b"x".to_vec(), b"not a database\n".repeat(1_000), bytes(2_000_000).to_vec()] {
        fs::write(&path, &content).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), content, "it is left alone");
    }
}

#[test]
fn damage_is_told_and_not_read_over() {
    let folder = tempfile::tempdir().unwrap();
    Store::new(open(folder.path()).unwrap()).write("a", bytes(3_000_000)).unwrap();
    let path = config(folder.path()).path().to_owned();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
}
