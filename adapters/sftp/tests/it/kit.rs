//! The conformance kit, and what goes beyond it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::StreamExt;
use worldstore_async::{AsyncBackend, conformance};
use worldstore_core::{
    CheckOptions, Condition, CopyOptions, DeleteOptions, Durability, ErrorKind, ListOptions, Namespace, Outcome,
    Prefix, ReadOptions, ReadRange, ReadRangesOptions, RenameOptions, SettleOptions, StatOptions, Version,
    WriteOptions, WriteToken,
};

use crate::service::{applied, body, bytes, create, key, names, service, write};

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_passes() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    let report = conformance::run(&backend, &Prefix::new("kit").unwrap()).await;
    println!("{report}");
    report.into_result().unwrap();
}

#[tokio::test]
async fn what_openssh_can_do_is_declared() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    let info = backend.info();
    let can = info.capability;
    assert!(can.write && can.write_if_absent && can.rename && !can.rename_if_absent && can.list_sorted && can.durable);
    assert!(can.copy == can.copy_if_absent, "{can:?}");
    assert!(!can.versions && !can.write_if_match && !can.write_tokens && !can.delete_if_match);
    assert_eq!((info.scheme, info.namespace), ("sftp", Namespace::Tree));
    assert!(backend.to_string().starts_with("sftp(") && backend.to_string().contains(&info.root), "{backend}");
    backend.check(&CheckOptions::default()).await.unwrap();
    assert_eq!(names(&backend).await, [""; 0], "a check leaves nothing to see");
}

#[tokio::test]
async fn what_is_not_declared_is_refused() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    applied(write(&backend, "a", "1").await);
    let version = || Version::new("1");
    let if_match = || Condition::IfMatch(version());
    let token = || WriteToken::new("0123456789abcdef").unwrap();
    let options = [WriteOptions::default().with_condition(if_match()), WriteOptions::default().with_token(token())];
    let mut refused = Vec::new();
    for options in options {
        refused.push(backend.write(&key("a"), "2".into(), &options).await.unwrap_err());
        refused.push(backend.open_writer(&key("a"), &options).await.unwrap_err());
    }
    refused.push(backend.settle(&key("a"), &token(), &SettleOptions::default()).await.unwrap_err());
    refused.push(bytes(&backend, "a", ReadOptions::default().with_version(version())).await.unwrap_err());
    let pinned = ReadRangesOptions::default().with_version(version());
    refused.push(backend.read_ranges(&key("a"), &[], &pinned).await.unwrap_err());
    let options = CopyOptions::default().with_condition(if_match());
    refused.push(backend.copy(&key("a"), &key("b"), &options).await.unwrap_err());
    for options in [RenameOptions::default().with_condition(if_match()), RenameOptions::if_absent()] {
        refused.push(backend.rename(&key("a"), &key("b"), &options).await.unwrap_err());
    }
    let options = DeleteOptions::default().with_condition(if_match());
    refused.push(backend.delete(&[key("a")], &options).await.unwrap_err());
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert_eq!(bytes(&backend, "a", ReadOptions::default()).await.unwrap(), b"1");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_come_back_whole_and_in_parts() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    let large = body(9_000_001);
    let written = applied(write(&backend, "large", large.clone()).await);
    let found = backend.stat(&key("large"), &StatOptions::default()).await.unwrap();
    assert_eq!(written, found);
    let age = SystemTime::now().duration_since(found.modified.unwrap()).unwrap_or_default();
    assert!(age < Duration::from_secs(3600), "{age:?}");
    assert_eq!(bytes(&backend, "large", ReadOptions::default()).await.unwrap(), large);
    let part = ReadOptions::default().with_range(ReadRange::Bounded(261_119..600_000));
    assert_eq!(bytes(&backend, "large", part).await.unwrap(), large[261_119..600_000]);
    let ranges: Vec<_> = (0..200_u64).map(|place| place * 40_000..place * 40_000 + place * 5_000).collect();
    let ranges = [ranges, vec![7..7, 0..9_000_001, 9_000_000..9_000_001]].concat();
    let parts = backend.read_ranges(&key("large"), &ranges, &ReadRangesOptions::default()).await.unwrap();
    for (range, part) in ranges.iter().zip(&parts) {
        assert_eq!(*part, large[range.start as usize..range.end as usize], "{range:?}");
    }
    assert_eq!(parts.len(), ranges.len());
    let past = backend.read_ranges(&key("large"), &[0..1, 0..9_000_002], &ReadRangesOptions::default()).await;
    assert_eq!(past.unwrap_err().kind(), ErrorKind::Invalid);
    if backend.info().capability.copy {
        applied(backend.copy(&key("large"), &key("copied"), &CopyOptions::default()).await.unwrap());
        assert_eq!(bytes(&backend, "copied", ReadOptions::default()).await.unwrap(), large);
        let again = backend.copy(&key("large"), &key("copied"), &CopyOptions::if_absent()).await.unwrap();
        assert_eq!(again, Outcome::Rejected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_reads_on_while_the_object_is_replaced_and_many_are_open() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    let old = body(3_000_000);
    applied(write(&backend, "a", old.clone()).await);
    // More than 127, so that handles on the wire are no text.
    let mut streams = Vec::new();
    for _ in 0..140 {
        streams.push(backend.read(&key("a"), &ReadOptions::default()).await.unwrap().body);
    }
    applied(write(&backend, "a", "new").await);
    let mut last = streams.pop().unwrap();
    let mut read = Vec::new();
    while let Some(chunk) = last.next().await {
        read.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(read, old);
    let open = open_files(&service.folder);
    if open == 0 {
        eprintln!("SKIPPED: the files that the server holds open cannot be seen, run as root");
    }
    drop((streams, last));
    for _ in 0..100 {
        if open_files(&service.folder) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(open_files(&service.folder), 0, "dropped streams give their files back, of {open}");
}

/// How many files below a folder are held open, by any process that may be looked at.
fn open_files(folder: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let files = processes.filter_map(|process| std::fs::read_dir(process.path().join("fd")).ok()).flatten().flatten();
    files.filter(|file| std::fs::read_link(file.path()).is_ok_and(|path| path.starts_with(folder))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_that_are_given_up_leave_nothing() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    let staged = || std::fs::read_dir(service.folder.join(".worldstore-staging")).unwrap().count();
    let mut aborted = backend.open_writer(&key("aborted"), &WriteOptions::default()).await.unwrap();
    aborted.write(body(3_000_000)).await.unwrap();
    assert_eq!(staged(), 1);
    aborted.abort().await.unwrap();
    assert_eq!(staged(), 0);
    let mut dropped = backend.open_writer(&key("dropped"), &WriteOptions::default()).await.unwrap();
    dropped.write(body(3_000_000)).await.unwrap();
    drop(dropped);
    // Calls that are given up at any point, too.
    for polls in 0..40 {
        let (key, options) = (key("given up"), WriteOptions::default());
        let mut call = backend.write(&key, body(600_000), &options);
        for _ in 0..polls {
            let waited = tokio::time::timeout(Duration::from_micros(500), &mut call).await;
            if waited.is_ok() {
                break;
            }
        }
    }
    // Requests are carried out in order: once this is answered, those before it are done.
    backend.check(&CheckOptions::default()).await.unwrap();
    for _ in 0..100 {
        if staged() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(staged(), 0);
    let left = names(&backend).await;
    assert!(left.is_empty() || left == ["given up"], "{left:?}");
    if !left.is_empty() {
        assert_eq!(bytes(&backend, "given up", ReadOptions::default()).await.unwrap(), body(600_000), "whole or not");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_without_objects_are_in_nobodys_way() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    applied(write(&backend, "a/b/c/d", "1").await);
    let gone = backend.delete(&[key("a/b/c/d")], &DeleteOptions::default()).await.unwrap();
    assert!(matches!(gone[..], [worldstore_core::Deleted::Deleted]), "{gone:?}");
    assert!(service.folder.join("a/b/c").is_dir(), "it stays");
    let one_level = backend.list(&Prefix::root(), &ListOptions::default().one_level()).await.unwrap();
    assert!(one_level.objects.is_empty() && one_level.folders.is_empty());
    applied(create(&backend, "a", "an object").await);
    let below = backend.write(&key("a/b"), Bytes::new(), &WriteOptions::default()).await.unwrap_err();
    assert_eq!(below.kind(), ErrorKind::Invalid, "{below}");
    applied(write(&backend, "f/g", "1").await);
    for options in [WriteOptions::default(), WriteOptions::if_absent()] {
        let error = backend.write(&key("f"), Bytes::new(), &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    let error = backend.rename(&key("a"), &key("f"), &RenameOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(names(&backend).await, ["a", "f/g"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_go_page_by_page_over_many_files() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    applied(write(&backend, "d/z", "1").await);
    for number in 0..450 {
        std::fs::write(service.folder.join(format!("d/{number:04}")), b"x").unwrap();
    }
    std::fs::create_dir(service.folder.join("d/0100 ")).unwrap();
    std::fs::write(service.folder.join("d/0100 /x"), b"x").unwrap();
    let (mut seen, mut options) = (Vec::new(), ListOptions::default().with_limit(70));
    loop {
        let page = backend.list(&Prefix::new("d").unwrap(), &options).await.unwrap();
        assert!(page.objects.len() <= 70);
        seen.extend(page.objects.into_iter().map(|meta| meta.key.to_string()));
        match page.next {
            Some(token) => options = options.with_token(token),
            None => break,
        }
    }
    assert_eq!(seen.len(), 452);
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen[101], "d/0100 /x");
}

#[tokio::test]
async fn a_rename_between_two_names_of_one_file_does_not_pass_for_a_move() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    applied(write(&backend, "a", "1").await);
    std::fs::hard_link(service.folder.join("a"), service.folder.join("b")).unwrap();
    let renamed = backend.rename(&key("a"), &key("b"), &RenameOptions::default()).await.unwrap();
    assert_eq!(renamed, Outcome::Unknown, "the system does nothing, and says that it has");
    assert_eq!(names(&backend).await, ["a", "b"]);
    let itself = backend.rename(&key("a"), &key("a"), &RenameOptions::default()).await.unwrap();
    assert_eq!(applied(itself).size, 1);
    applied(backend.rename(&key("a"), &key("c"), &RenameOptions::default()).await.unwrap());
    assert_eq!(names(&backend).await, ["b", "c"]);
}

#[tokio::test]
async fn the_longest_timeout_is_for_ever() {
    let Some(service) = service() else { return };
    let config = service.config().with_request_timeout(Duration::MAX).with_connect_timeout(Duration::MAX);
    let backend = config.connect().await.unwrap();
    applied(write(&backend, "a", "1").await);
}

#[tokio::test]
async fn every_durability_publishes() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    for (name, durability) in [("n", Durability::None), ("f", Durability::File), ("u/l/l", Durability::Full)] {
        let options = WriteOptions::default().with_durability(durability);
        applied(backend.write(&key(name), name.into(), &options).await.unwrap());
        assert_eq!(bytes(&backend, name, ReadOptions::default()).await.unwrap(), name.as_bytes());
    }
}

#[tokio::test]
async fn what_writers_left_long_ago_is_swept() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    let staging = service.folder.join(".worldstore-staging");
    std::fs::create_dir(&staging).unwrap();
    std::fs::set_permissions(&staging, std::fs::Permissions::from_mode(0o777)).unwrap();
    for (name, hours) in [("old", 48), ("young", 12)] {
        let file = std::fs::File::create(staging.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(hours * 3600)).unwrap();
    }
    applied(write(&backend, "a", "1").await);
    let left: Vec<_> = std::fs::read_dir(&staging).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["young"]);
}
