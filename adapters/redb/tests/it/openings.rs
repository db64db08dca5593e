//! What is there after the file was closed, and files that are not what they should be.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use worldstore_core::kv::Sizes;
use worldstore_core::{
    Backend, CopyOptions, Durability, ErrorKind, Key, ListOptions, Outcome, Prefix, ReadOptions, RenameOptions,
    SettleOptions, Settled, WriteOptions, WriteToken,
};

use crate::{bytes, config, key, open, read, write};

#[test]
fn reopening_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let large = bytes(3_000_000);
    let (token, version) = (WriteToken::new("mine").unwrap(), {
        let backend = open(folder.path());
        write(&backend, "small", "one");
        write(&backend, "gone", large.clone());
        let _ = backend.delete(&[key("gone")], &Default::default()).unwrap();
        let options = WriteOptions::if_absent().with_token(WriteToken::new("mine").unwrap());
        let _ = backend.write(&key("marked"), "x".into(), &options).unwrap();
        let lazy = WriteOptions::default().with_durability(Durability::None);
        let _ = backend.write(&key("lazy"), "y".into(), &lazy).unwrap();
        write(&backend, "folder/large", large.clone()).version
    });
    let backend = config(folder.path()).with_sizes(Sizes::default().with_piece_bytes(1_000)).open().unwrap();
    assert_eq!((read(&backend, "small"), read(&backend, "lazy")), (b"one".to_vec(), b"y".to_vec()));
    assert!(read(&backend, "folder/large") == large, "pieces of another size are read as they are");
    let pinned = ReadOptions::default().with_version(version.clone().unwrap());
    assert!(backend.read(&key("folder/large"), &pinned).is_ok());
    let settled = backend.settle(&key("marked"), &token, &SettleOptions::default()).unwrap();
    assert!(matches!(settled, Settled::Applied(_)));
    let page = backend.list(&Prefix::root(), &ListOptions::default()).unwrap();
    let names: Vec<_> = page.objects.iter().map(|meta| meta.key.as_str()).collect();
    assert_eq!(names, ["folder/large", "lazy", "marked", "small"]);
    assert_ne!(write(&backend, "folder/large", "new").version, version);
}

#[test]
fn an_open_file_is_not_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let error = config(folder.path()).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("objects.redb"), "{error}");
    // A reader has it open too.
    write(&first, "a", bytes(600_000));
    let mut body = first.read(&key("a"), &ReadOptions::default()).unwrap().body;
    drop(first);
    assert_eq!(config(folder.path()).open().unwrap_err().kind(), ErrorKind::Conflict);
    assert!(body.next().unwrap().is_ok());
    drop(body);
    config(folder.path()).open().unwrap();
}

#[test]
fn what_is_no_database_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = config(folder.path()).path().to_owned();
    for content in [b"x".to_vec(), b"not a database\n".repeat(1_000), bytes(2_000_000)] {
        fs::write(&path, &content).unwrap();
        let error = config(folder.path()).open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), content, "it is left alone");
    }
}

#[test]
fn damage_is_told_and_not_read_over() {
    let folder = tempfile::tempdir().unwrap();
    let backend = open(folder.path());
    write(&backend, "a", bytes(3_000_000));
    drop(backend);
    let path = config(folder.path()).path().to_owned();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = config(folder.path()).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
}

#[test]
fn readers_see_one_state_while_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Arc::new(open(folder.path()));
    let uniform = |letter: u8| vec![letter; 700_000];
    write(&*backend, "a", uniform(b'0'));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            (b'1'..=b'9').for_each(|letter| drop(write(&*backend, "a", uniform(letter))));
            done.store(true, Ordering::SeqCst);
        });
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let body = read(&*backend, "a");
                    assert!(body == uniform(body[0]), "a read saw a mixture");
                }
            });
        }
    });
    assert_eq!(read(&*backend, "a"), uniform(b'9'));
}

#[test]
fn copies_and_renames_of_large_objects_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let backend = open(folder.path());
    let large = bytes(1_500_000);
    write(&backend, "a", large.clone());
    let names = |from: &str, to: &str| -> (Key, Key) { (key(from), key(to)) };
    let (a, b) = names("a", "b");
    assert!(matches!(backend.copy(&a, &b, &CopyOptions::if_absent()).unwrap(), Outcome::Applied(_)));
    assert_eq!(backend.copy(&a, &b, &CopyOptions::if_absent()).unwrap(), Outcome::Rejected);
    let (b, c) = names("b", "c");
    assert!(matches!(backend.rename(&b, &c, &RenameOptions::if_absent()).unwrap(), Outcome::Applied(_)));
    let _ = backend.delete(&[a], &Default::default()).unwrap();
    assert!(read(&backend, "c") == large);
}
