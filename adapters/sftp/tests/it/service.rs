//! The server to test against, and what every test needs of it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::TryStreamExt;
use worldstore_async::AsyncBackend;
use worldstore_core::{Condition, Key, ListOptions, ObjectMeta, Outcome, Prefix, ReadOptions, Result, WriteOptions};
use worldstore_sftp::{MissingRoot, Sftp, SftpConfig};

const URL: &str = "WORLDSTORE_TEST_SFTP_URL";
const KEY: &str = "WORLDSTORE_TEST_SFTP_KEY";
const KNOWN_HOSTS: &str = "WORLDSTORE_TEST_SFTP_KNOWN_HOSTS";

/// A server, and a folder on it that no other test and no other run has.
pub struct Service {
    /// The URL of the folder.
    pub url: String,
    /// The same folder, on this machine.
    pub folder: PathBuf,
    pub key: PathBuf,
    pub known_hosts: PathBuf,
}

/// Without a server the test is skipped, loudly, but never where everything must run.
pub fn service() -> Option<Service> {
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(url), Some(key), Some(known_hosts)) = (variable(URL), variable(KEY), variable(KNOWN_HOSTS)) else {
        assert!(std::env::var_os("CI").is_none(), "{URL}, {KEY} or {KNOWN_HOSTS} is not set");
        eprintln!("SKIPPED: {URL}, {KEY} or {KNOWN_HOSTS} is not set, run cargo xtask test");
        return None;
    };
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let name = format!("test-{now}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    let url = format!("{}/{name}", url.trim_end_matches('/'));
    let path = url.strip_prefix("sftp://").unwrap().split_once('/').unwrap().1;
    let folder = PathBuf::from(format!("/{path}"));
    Some(Service { url, folder, key: key.into(), known_hosts: known_hosts.into() })
}

impl Service {
    pub fn config(&self) -> SftpConfig {
        self.config_at(&self.url)
    }

    /// As it should be, but with another URL.
    pub fn config_at(&self, url: &str) -> SftpConfig {
        SftpConfig::from_uri(url)
            .unwrap()
            .with_key_file(&self.key, None)
            .with_known_hosts(&self.known_hosts)
            .with_missing_root(MissingRoot::Create)
    }

    pub async fn connect(&self) -> Sftp {
        self.config().connect().await.unwrap()
    }

    /// Host and port.
    pub fn address(&self) -> String {
        let authority = self.url.strip_prefix("sftp://").unwrap().split_once('/').unwrap().0;
        authority.rsplit_once('@').unwrap().1.to_owned()
    }

    /// The URL with another port on this machine.
    pub fn url_by(&self, port: u16) -> String {
        let host = self.address().rsplit_once(':').unwrap().0.to_owned();
        self.url.replace(&self.address(), &format!("{host}:{port}"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The server's user owns it; where that is another one than ours, it stays behind.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub fn applied(outcome: Outcome) -> ObjectMeta {
    match outcome {
        Outcome::Applied(meta) => meta,
        other => panic!("not applied: {other:?}"),
    }
}

pub async fn write(backend: &dyn AsyncBackend, name: &str, body: impl Into<Bytes>) -> Outcome {
    backend.write(&key(name), body.into(), &WriteOptions::default()).await.unwrap()
}

pub async fn create(backend: &dyn AsyncBackend, name: &str, body: impl Into<Bytes>) -> Outcome {
    let options = WriteOptions::default().with_condition(Condition::IfAbsent);
    backend.write(&key(name), body.into(), &options).await.unwrap()
}

pub async fn bytes(backend: &dyn AsyncBackend, name: &str, options: ReadOptions) -> Result<Vec<u8>> {
    let reply = backend.read(&key(name), &options).await?;
    let chunks: Vec<Bytes> = reply.body.try_collect().await?;
    let body = chunks.concat();
    assert_eq!(body.len() as u64, reply.range.end - reply.range.start, "the reply says how much follows");
    Ok(body)
}

/// Names of all objects.
pub async fn names(backend: &dyn AsyncBackend) -> Vec<String> {
    let page = backend.list(&Prefix::root(), &ListOptions::default()).await.unwrap();
    page.objects.into_iter().map(|meta| meta.key.to_string()).collect()
}

/// So many bytes without visible period.
pub fn body(length: usize) -> Bytes {
    (0..length as u64).map(|place| (place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}
