//! Connections that are cut at the worst moment: nothing half visible, nothing done twice, and on it goes.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use worldstore_async::AsyncBackend;
use worldstore_core::{
    CheckOptions, DeleteOptions, Deleted, ErrorKind, Outcome, ReadOptions, RenameOptions, Retry, StatOptions,
    WriteOptions,
};
use worldstore_sftp::{HostKeys, Sftp, SftpConfig};

use crate::proxy::{Proxy, Trouble};
use crate::service::{Service, applied, body, bytes, create, key, names, service, write};
use crate::trust::fingerprint;

async fn config_by(service: &Service, proxy: &Proxy) -> SftpConfig {
    let pinned = HostKeys::Pinned(fingerprint(service).await);
    service.config_at(&service.url_by(proxy.port)).with_host_keys(pinned)
}

/// A backend through a proxy, and one without.
async fn pair(service: &Service) -> (Proxy, Sftp, Sftp) {
    let direct = service.connect().await;
    let proxy = Proxy::start(service.address()).await;
    let shaky = config_by(service, &proxy).await.connect().await.unwrap();
    (proxy, shaky, direct)
}

fn staged(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join(".worldstore-staging")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_cut_off_is_not_visible_and_can_be_made_again() {
    let Some(service) = service() else { return };
    let (proxy, shaky, direct) = pair(&service).await;
    applied(write(&shaky, "a", "old").await);
    let folder = service.folder.clone();
    let is_half_way = move || staged(&folder).iter().any(|file| file.metadata().is_ok_and(|meta| meta.len() > 1 << 20));
    proxy.set(Trouble::CutWhen(Box::new(is_half_way)));
    let error = shaky.write(&key("a"), body(8_000_000), &WriteOptions::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Later), "{error}");
    assert_eq!(names(&direct).await, ["a"]);
    assert_eq!(bytes(&direct, "a", ReadOptions::default()).await.unwrap(), b"old");
    assert_eq!(staged(&service.folder).len(), 1, "what is left is hidden");
    applied(write(&shaky, "a", body(8_000_000)).await);
    assert_eq!(bytes(&direct, "a", ReadOptions::default()).await.unwrap(), body(8_000_000));
    assert_eq!(proxy.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_whose_connection_is_gone_can_only_be_given_up() {
    let Some(service) = service() else { return };
    let (proxy, shaky, direct) = pair(&service).await;
    let mut writer = shaky.open_writer(&key("a"), &WriteOptions::default()).await.unwrap();
    writer.write(body(300_000)).await.unwrap();
    proxy.set(Trouble::CutWhen(Box::new(|| true)));
    shaky.stat(&key("none"), &StatOptions::default()).await.unwrap_err();
    assert_eq!(writer.write(body(300_000)).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(writer.commit().await.unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(names(&direct).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_a_publication_is_unknown() {
    let Some(service) = service() else { return };
    let (proxy, shaky, direct) = pair(&service).await;
    let cut_when_there = |name: &str| {
        let path = service.folder.join(name);
        proxy.set(Trouble::CutWhen(Box::new(move || path.exists())));
    };
    cut_when_there("created");
    assert_eq!(create(&shaky, "created", "x").await, Outcome::Unknown);
    cut_when_there("written");
    assert_eq!(write(&shaky, "written", "y").await, Outcome::Unknown);
    cut_when_there("renamed");
    let renamed = shaky.rename(&key("written"), &key("renamed"), &RenameOptions::default()).await.unwrap();
    assert_eq!(renamed, Outcome::Unknown);
    assert_eq!(names(&direct).await, ["created", "renamed"]);
    assert_eq!(bytes(&direct, "created", ReadOptions::default()).await.unwrap(), b"x");
    assert_eq!(bytes(&direct, "renamed", ReadOptions::default()).await.unwrap(), b"y");
    let path = service.folder.join("renamed");
    proxy.set(Trouble::CutWhen(Box::new(move || !path.exists())));
    let deleted = shaky.delete(&[key("renamed")], &DeleteOptions::default()).await.unwrap();
    assert!(
        matches!(&deleted[..], [Deleted::Failed(error)] if error.kind() == ErrorKind::OutcomeUnknown),
        "{deleted:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_made_again_once_and_begun_streams_end_in_an_error() {
    let Some(service) = service() else { return };
    let (proxy, shaky, direct) = pair(&service).await;
    applied(write(&direct, "a", body(9_000_000)).await);
    proxy.set(Trouble::CutWhen(Box::new(|| true)));
    assert_eq!(shaky.stat(&key("a"), &StatOptions::default()).await.unwrap().size, 9_000_000);
    assert_eq!(proxy.connections.load(Ordering::SeqCst), 2);
    let mut stream = shaky.read(&key("a"), &ReadOptions::default()).await.unwrap().body;
    stream.next().await.unwrap().unwrap();
    proxy.set(Trouble::CutWhen(Box::new(|| true)));
    let rest: Vec<_> = stream.collect().await;
    let (last, before) = rest.split_last().unwrap();
    assert_eq!(last.as_ref().unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(before.iter().all(Result::is_ok), "one error, and it is the end");
    shaky.check(&CheckOptions::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_given_up() {
    let Some(service) = service() else { return };
    drop(service.connect().await);
    let proxy = Proxy::start(service.address()).await;
    let config = config_by(&service, &proxy).await;
    let config =
        config.with_request_timeout(Duration::from_millis(400)).with_connect_timeout(Duration::from_millis(400));
    let backend = connect_patiently(&config).await;
    proxy.set(Trouble::Hang);
    let error = backend.stat(&key("a"), &StatOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let error = backend.write(&key("a"), "x".into(), &WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    proxy.set(Trouble::None);
    let written = loop {
        // On a slow machine the short timeouts strike without need.
        match backend.write(&key("a"), "x".into(), &WriteOptions::default()).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => {}
            written => break written.unwrap(),
        }
    };
    assert!(matches!(written, Outcome::Applied(_) | Outcome::Unknown), "{written:?}");
}

async fn connect_patiently(config: &SftpConfig) -> Sftp {
    loop {
        match config.clone().connect().await {
            Err(error) if error.kind() == ErrorKind::Unavailable => {}
            connected => return connected.unwrap(),
        }
    }
}
