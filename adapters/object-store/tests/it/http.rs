//! Over the files of a web server, at `WORLDSTORE_TEST_HTTP_URL`, which are in `WORLDSTORE_TEST_HTTP_FOLDER`. The kit
//! cannot run here: it finds out by listing whether a folder is empty, and the protocol has no listings.

use std::path::PathBuf;

use bytes::Bytes;
use worldstore_async::AsyncBackend;
use worldstore_core::{
    Capability, CheckOptions, CopyOptions, DeleteOptions, ErrorKind, ListOptions, Prefix, ReadOptions, ReadRange,
    ReadRangesOptions, RenameOptions, StatOptions, Version, WriteOptions,
};
use worldstore_object_store::{HttpConfig, ObjectStoreBackend};

use crate::service::{address, patient, unique};
use crate::suite::{body, bytes, key};

/// A folder of its own on the server, and the backend over it.
fn served() -> Option<(PathBuf, ObjectStoreBackend)> {
    let by_hand = "nginx -p FOLDER with a server whose root is WORLDSTORE_TEST_HTTP_FOLDER";
    let url = address("WORLDSTORE_TEST_HTTP_URL", by_hand)?;
    let folder = address("WORLDSTORE_TEST_HTTP_FOLDER", by_hand)?;
    let name = unique("ws");
    let folder = PathBuf::from(folder).join(&name);
    std::fs::create_dir_all(&folder).unwrap();
    Some((folder, connect(&format!("{url}/{name}"))))
}

fn connect(url: &str) -> ObjectStoreBackend {
    HttpConfig::from_uri(url).unwrap().with_connection(patient()).connect().unwrap()
}

const NAMES: [&str; 8] =
    ["plain", "a folder/b c", "é/日本語", "percent %41%", "hash#1", "question?x=1", "+plus+&=;,", "quote'\"<>|^`{}"];

#[tokio::test]
async fn files_are_read_whole_and_in_parts() {
    let Some((folder, backend)) = served() else { return };
    for (at, name) in NAMES.iter().enumerate() {
        let content = body(100_000 + at);
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &content).unwrap();
        let meta = backend.stat(&key(name), &StatOptions::default()).await.unwrap();
        assert_eq!((meta.size, meta.key), (content.len() as u64, key(name)));
        assert!(meta.version.is_some() && meta.modified.is_some());
        assert!(bytes(&backend, name, ReadOptions::default()).await.unwrap() == content, "{name}");
        let part = |range| bytes(&backend, name, ReadOptions::default().with_range(range));
        assert_eq!(part(ReadRange::Bounded(10..20)).await.unwrap(), content[10..20]);
        assert_eq!(part(ReadRange::From(99_990)).await.unwrap(), content[99_990..]);
        assert_eq!(part(ReadRange::Last(7)).await.unwrap(), content[content.len() - 7..]);
        assert_eq!(part(ReadRange::Last(0)).await.unwrap(), b"");
        assert_eq!(part(ReadRange::From(200_000)).await.unwrap_err().kind(), ErrorKind::Invalid);
        let wanted = [5..9, 90_000..90_001, 0..1];
        let parts = backend.read_ranges(&key(name), &wanted, &ReadRangesOptions::default()).await.unwrap();
        for (part, range) in parts.iter().zip(&wanted) {
            assert_eq!(part, &content[range.start as usize..range.end as usize]);
        }
    }
    std::fs::write(folder.join("empty"), b"").unwrap();
    assert_eq!(bytes(&backend, "empty", ReadOptions::default()).await.unwrap(), b"");
    assert_eq!(bytes(&backend, "empty", ReadOptions::default().with_range(ReadRange::From(0))).await.unwrap(), b"");
}

#[tokio::test]
async fn a_read_is_pinned_to_a_version() {
    let Some((folder, backend)) = served() else { return };
    std::fs::write(folder.join("file"), b"one").unwrap();
    let first = backend.stat(&key("file"), &StatOptions::default()).await.unwrap().version.unwrap();
    let pinned = || ReadOptions::default().with_version(first.clone());
    assert_eq!(bytes(&backend, "file", pinned()).await.unwrap(), b"one");
    std::fs::write(folder.join("file"), b"other").unwrap();
    assert_eq!(bytes(&backend, "file", pinned()).await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    let part = pinned().with_range(ReadRange::Bounded(0..1));
    assert_eq!(bytes(&backend, "file", part).await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    let mut options = ReadRangesOptions::default();
    options.version = Some(first);
    let error = backend.read_ranges(&key("file"), &[0..1, 2..3], &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed, "{error}");
    let wild = ReadOptions::default().with_version(Version::new("*"));
    assert_eq!(bytes(&backend, "file", wild).await.unwrap_err().kind(), ErrorKind::ConditionFailed);
}

#[tokio::test]
async fn folders_and_missing_files_are_no_objects() {
    let Some((folder, backend)) = served() else { return };
    std::fs::create_dir_all(folder.join("folder")).unwrap();
    std::fs::write(folder.join("folder/index.html"), b"page").unwrap();
    for name in ["folder", "none", "folder/none/deeper"] {
        let error = backend.stat(&key(name), &StatOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}: {error:?}");
        let error = bytes(&backend, name, ReadOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}: {error:?}");
    }
    assert_eq!(bytes(&backend, "folder/index.html", ReadOptions::default()).await.unwrap(), b"page");
}

#[tokio::test]
async fn everything_else_is_refused_and_changes_nothing() {
    let Some((folder, backend)) = served() else { return };
    std::fs::write(folder.join("file"), b"one").unwrap();
    let mut expected = Capability::read_only();
    expected.versions = true;
    assert_eq!(backend.info().capability, expected);
    let (one, other) = (key("file"), key("other"));
    let errors = [
        backend.write(&one, Bytes::new(), &WriteOptions::default()).await.unwrap_err(),
        backend.open_writer(&one, &WriteOptions::default()).await.map(|_| ()).unwrap_err(),
        backend.delete(std::slice::from_ref(&one), &DeleteOptions::default()).await.unwrap_err(),
        backend.copy(&one, &other, &CopyOptions::default()).await.unwrap_err(),
        backend.rename(&one, &other, &RenameOptions::default()).await.unwrap_err(),
        backend.list(&Prefix::root(), &ListOptions::default()).await.map(|_| ()).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert!(backend.presign().is_none());
    assert_eq!(std::fs::read(folder.join("file")).unwrap(), b"one");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[tokio::test]
async fn a_check_sees_whether_the_server_is_there() {
    let Some((_, backend)) = served() else { return };
    backend.check(&CheckOptions::default()).await.unwrap();
    let nobody = connect("http://127.0.0.1:1/x");
    let error = nobody.check(&CheckOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}
