//! What someone else has put below the root: links, pipes, names that are no keys, folders that may not be entered.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use bytes::Bytes;
use worldstore_async::AsyncBackend;
use worldstore_core::{
    CopyOptions, DeleteOptions, Deleted, ErrorKind, ListOptions, Prefix, ReadOptions, ReadRangesOptions, RenameOptions,
    StatOptions, WriteOptions,
};
use worldstore_sftp::Sftp;

use crate::service::{applied, bytes, key, names, service, write};

/// Every way to use a key; each has to fail in this way.
async fn refused(backend: &Sftp, name: &str, kind: ErrorKind) {
    let name = key(name);
    let (ok, options) = (key("ok"), WriteOptions::default());
    let mut errors = vec![
        backend.stat(&name, &StatOptions::default()).await.map(drop).unwrap_err(),
        bytes(backend, name.as_str(), ReadOptions::default()).await.unwrap_err(),
        backend.read_ranges(&name, &[], &ReadRangesOptions::default()).await.unwrap_err(),
        backend.rename(&name, &key("moved"), &RenameOptions::default()).await.map(drop).unwrap_err(),
    ];
    if backend.info().capability.copy {
        errors.push(backend.copy(&name, &key("copied"), &CopyOptions::default()).await.map(drop).unwrap_err());
    }
    for error in errors {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("sftp("), "{error}");
    }
    assert!(backend.write(&name, Bytes::from_static(b"x"), &WriteOptions::if_absent()).await.is_err(), "{name}");
    if name.as_str().contains('/') {
        assert!(backend.write(&name, Bytes::from_static(b"x"), &options).await.is_err(), "{name}");
        assert!(backend.rename(&ok, &name, &RenameOptions::default()).await.is_err(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_not_followed() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    applied(write(&backend, "ok", "fine").await);
    applied(write(&backend, "folder/inside", "fine").await);
    let outside = tempfile::tempdir().unwrap();
    std::fs::set_permissions(outside.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::write(outside.path().join("secret"), "outside").unwrap();
    let link = |to: &Path, name: &str| symlink(to, service.folder.join(name)).unwrap();
    link(outside.path(), "out");
    link(&outside.path().join("secret"), "file");
    link(Path::new("folder"), "loop");
    link(Path::new("nowhere"), "dangling");
    for name in ["file", "out/secret", "out/new", "loop/inside", "dangling", "out/a/b"] {
        refused(&backend, name, ErrorKind::PermissionDenied).await;
        let deleted = backend.delete(&[key(name)], &DeleteOptions::default()).await.unwrap();
        assert!(matches!(deleted[..], [Deleted::Failed(_)]), "{name}: {deleted:?}");
    }
    assert_eq!(names(&backend).await, ["folder/inside", "ok"]);
    for name in ["out", "loop"] {
        let list = backend.list(&Prefix::new(name).unwrap(), &ListOptions::default()).await;
        assert_eq!(list.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1, "nothing came into being outside");
    assert_eq!(std::fs::read_to_string(outside.path().join("secret")).unwrap(), "outside");
    // A write replaces the link itself, not what it leads to.
    applied(write(&backend, "file", "mine").await);
    assert_eq!(std::fs::read_to_string(outside.path().join("secret")).unwrap(), "outside");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_place_of_the_staging_folder_is_refused() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    let outside = tempfile::tempdir().unwrap();
    std::fs::set_permissions(outside.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    symlink(outside.path(), service.folder.join(".worldstore-staging")).unwrap();
    let error = backend.write(&key("a"), Bytes::new(), &WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pipes_are_not_opened_and_names_that_are_no_keys_not_listed() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    applied(write(&backend, "ok", "fine").await);
    let pipe = std::process::Command::new("mkfifo").arg(service.folder.join("pipe")).status().unwrap();
    assert!(pipe.success());
    refused(&backend, "pipe", ErrorKind::NotFound).await;
    for name in [&b"not\xffutf8"[..], b"line\nbreak", b"back\\slash", b"bell\x07"] {
        let name = OsStr::from_bytes(name);
        std::fs::write(service.folder.join(name), "x").unwrap();
        std::fs::create_dir(service.folder.join([name, OsStr::new("-folder")].join(OsStr::new("")))).unwrap();
    }
    assert_eq!(names(&backend).await, ["ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_staging_folder_is_nobodys() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    applied(write(&backend, "ok", "fine").await);
    std::fs::write(service.folder.join(".worldstore-staging/left"), "x").unwrap();
    for name in [".worldstore-staging", ".worldstore-staging/left", ".worldstore-staging/new"] {
        refused(&backend, name, ErrorKind::Invalid).await;
        let written = backend.write(&key(name), Bytes::new(), &WriteOptions::default()).await.unwrap_err();
        assert_eq!(written.kind(), ErrorKind::Invalid, "{written}");
        let deleted = backend.delete(&[key(name)], &DeleteOptions::default()).await.unwrap();
        assert!(matches!(deleted[..], [Deleted::Failed(_)]), "{deleted:?}");
    }
    let staging = Prefix::new(".worldstore-staging").unwrap();
    assert!(backend.list(&staging, &ListOptions::default()).await.unwrap().objects.is_empty());
    assert_eq!(names(&backend).await, ["ok"]);
    applied(write(&backend, "a/.worldstore-staging", "only the first segment is reserved").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_entered_is_told() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    applied(write(&backend, "closed/a", "x").await);
    applied(write(&backend, "ok", "x").await);
    let closed = service.folder.join("closed");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    refused(&backend, "closed/a", ErrorKind::PermissionDenied).await;
    let list = backend.list(&Prefix::root(), &ListOptions::default()).await.unwrap_err();
    assert_eq!(list.kind(), ErrorKind::PermissionDenied, "a short list would pass for the whole: {list}");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    let error = backend.write(&key("closed/b"), Bytes::new(), &WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let error = backend.write(&key("closed/b"), Bytes::new(), &WriteOptions::if_absent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let deleted = backend.delete(&[key("closed/a")], &DeleteOptions::default()).await.unwrap();
    assert!(
        matches!(&deleted[..], [Deleted::Failed(error)] if error.kind() == ErrorKind::PermissionDenied),
        "{deleted:?}"
    );
    assert_eq!(names(&backend).await, ["closed/a", "ok"]);
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_vanishes_is_an_error_and_not_an_empty_store() {
    let Some(service) = service() else { return };
    let backend = service.connect().await;
    applied(write(&backend, "a/b", "x").await);
    let away = service.folder.with_extension("away");
    std::fs::rename(&service.folder, &away).unwrap();
    let errors = [
        backend.list(&Prefix::root(), &ListOptions::default()).await.unwrap_err(),
        backend.list(&Prefix::new("a").unwrap(), &ListOptions::default()).await.unwrap_err(),
        backend.stat(&key("a/b"), &StatOptions::default()).await.unwrap_err(),
        backend.write(&key("a/b"), Bytes::new(), &WriteOptions::default()).await.unwrap_err(),
        backend.check(&Default::default()).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.message().contains("root"), "{error}");
    }
    assert!(!service.folder.exists(), "it is not made again");
    symlink(&away, &service.folder).unwrap();
    refused(&backend, "a/b", ErrorKind::PermissionDenied).await;
    std::fs::remove_file(&service.folder).unwrap();
    std::fs::rename(&away, &service.folder).unwrap();
    assert_eq!(names(&backend).await, ["a/b"]);
}
