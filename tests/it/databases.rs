//! Schemes of databases and servers, opened by their URIs, as `worldstore fs` opens them.

use worldstore::registry::{OpenOptions, Registry};
use worldstore::{Result, Storage};

async fn open(uri: &str, options: OpenOptions) -> Result<Storage> {
    Registry::compiled_in().open(uri, &options).await
}

/// Writes, reads and removes an object of its own.
async fn holds_objects(storage: Storage, scheme: &str) {
    assert_eq!(storage.backend.info().scheme, scheme);
    let (store, key) = (storage.store(), format!("registry-{}/state", std::process::id()));
    store.write(&key, "tick 0").await.unwrap();
    assert_eq!(store.read_text(&key).await.unwrap(), "tick 0");
    assert!(store.write(&key, "tick 1").await.is_err(), "nothing is overwritten unless asked for");
    store.delete(&key, Default::default()).await.unwrap();
}

#[cfg(any(feature = "sqlite", feature = "redb", feature = "sled"))]
#[tokio::test(flavor = "multi_thread")]
async fn embedded_databases_open_by_their_uris() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display();
    for (scheme, uri) in [
        #[cfg(feature = "sqlite")]
        ("sqlite", format!("sqlite://{folder}/objects.db")),
        #[cfg(feature = "redb")]
        ("redb", format!("redb://{folder}/objects.redb")),
        #[cfg(feature = "sled")]
        ("sled", format!("sled://{folder}/objects")),
    ] {
        let storage = open(&uri, OpenOptions::default()).await.unwrap();
        assert!(storage.sync_backend.is_some(), "{scheme} is used from both sides");
        holds_objects(storage, scheme).await;
    }
}

/// The address of a server. Without one the test is skipped, loudly, but never where everything must run.
#[cfg(any(feature = "postgres", feature = "redis", feature = "sftp"))]
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn server(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(value) => Some(value),
        Err(_) if std::env::var_os("CI").is_some() => panic!("{name} is not set"),
        Err(_) => {
            eprintln!("SKIPPED: {name} is not set: `cargo xtask services run` starts a server");
            None
        }
    }
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn postgres_opens_by_its_uri() {
    let Some(uri) = server("WORLDSTORE_TEST_POSTGRES_URL") else { return };
    let storage = open(&uri, OpenOptions::default()).await.unwrap();
    assert!(storage.location.contains("***") || !uri.contains('@'), "{}", storage.location);
    holds_objects(storage, "postgres").await;
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn redis_opens_by_its_uri() {
    let Some(uri) = server("WORLDSTORE_TEST_REDIS_URL") else { return };
    let storage = open(&uri, OpenOptions::default()).await.unwrap();
    assert!(storage.location.contains("***") || !uri.contains('@'), "{}", storage.location);
    holds_objects(storage, "redis").await;
}

#[cfg(feature = "sftp")]
#[tokio::test(flavor = "multi_thread")]
async fn sftp_opens_by_its_uri() {
    let Some(uri) = server("WORLDSTORE_TEST_SFTP_URL") else { return };
    let (Some(key), Some(hosts)) = (server("WORLDSTORE_TEST_SFTP_KEY"), server("WORLDSTORE_TEST_SFTP_KNOWN_HOSTS"))
    else {
        return;
    };
    let options = OpenOptions::default().with_setting("key_file", key).with_setting("known_hosts", hosts);
    holds_objects(open(&uri, options).await.unwrap(), "sftp").await;
}

#[cfg(feature = "sftp")]
#[tokio::test]
async fn a_passphrase_of_no_key_is_refused() {
    let options = OpenOptions::default().with_setting("key_passphrase", "hidden").with_setting("password", "hidden");
    let error = open("sftp://me@127.0.0.1:1/folder", options).await.unwrap_err();
    assert_eq!(error.kind(), worldstore::ErrorKind::Invalid, "{error:?}");
    assert!(error.to_string().contains("setting: key_passphrase, needs: key_file"), "{error}");
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
}
