//! What the tests share. Each test has a namespace of its own, which is dropped at its end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use futures::TryStreamExt;
use sqlx::{Connection, PgConnection};
use worldstore_async::AsyncBackend;
use worldstore_core::{Condition, Key, ListOptions, ObjectMeta, Outcome, Prefix, ReadOptions, Result, WriteOptions};
use worldstore_postgres::{PostgresBackend, PostgresConfig};

const URL: &str = "WORLDSTORE_TEST_POSTGRES_URL";

/// A namespace at the server that is tested against.
pub struct Server {
    pub url: String,
    pub namespace: String,
}

/// The server to test against. Without one the test is skipped, loudly, but never where everything must run.
pub fn server() -> Option<Server> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let namespace = format!("t{now}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    match std::env::var(URL) {
        Ok(url) => Some(Server { url, namespace }),
        Err(_) if std::env::var_os("CI").is_some() => panic!("{URL} is not set"),
        Err(_) => {
            eprintln!("SKIPPED: {URL} is not set. Run `cargo xtask test`, or start a server by hand:");
            eprintln!("    {URL}=postgres://user:password@127.0.0.1:5432/db cargo nextest run -p worldstore-postgres");
            None
        }
    }
}

impl Server {
    pub fn config(&self) -> PostgresConfig {
        PostgresConfig::from_uri(&self.url).unwrap().with_namespace(&self.namespace).unwrap()
    }

    pub async fn connect(&self) -> PostgresBackend {
        self.config().connect().await.unwrap()
    }

    /// Runs statements on a connection of its own, with `{ns}` for the namespace.
    pub async fn run(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        sqlx::raw_sql(&sql.replace("{ns}", &self.namespace)).execute(&mut connection).await.unwrap();
    }

    /// The number that a query finds.
    pub async fn number(&self, sql: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let sql = sql.replace("{ns}", &self.namespace);
        sqlx::query_scalar(&sql).fetch_one(&mut connection).await.unwrap()
    }

    pub async fn end(self) {
        self.run("DROP SCHEMA {ns} CASCADE").await;
    }
}

pub fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub async fn write(backend: &dyn AsyncBackend, name: &str, body: impl AsRef<[u8]>, condition: Condition) -> Outcome {
    let options = WriteOptions::default().with_condition(condition);
    backend.write(&key(name), body.as_ref().to_vec().into(), &options).await.unwrap()
}

pub fn applied(outcome: Outcome) -> ObjectMeta {
    match outcome {
        Outcome::Applied(meta) => meta,
        other => panic!("{other:?}"),
    }
}

pub async fn bytes(backend: &dyn AsyncBackend, name: &str, options: ReadOptions) -> Result<Vec<u8>> {
    let reply = backend.read(&key(name), &options).await?;
    Ok(reply.body.try_collect::<Vec<_>>().await?.concat())
}

/// The keys and folders of all pages, each page sorted as one.
pub async fn names(backend: &dyn AsyncBackend, prefix: &str, mut options: ListOptions) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let page = backend.list(&Prefix::new(prefix).unwrap(), &options).await.unwrap();
        let mut both: Vec<_> = page.objects.iter().map(|meta| meta.key.to_string()).collect();
        both.extend(page.folders.iter().map(|folder| format!("{folder}/")));
        both.sort();
        names.append(&mut both);
        match page.next {
            Some(token) => options = options.with_token(token),
            None => return names,
        }
    }
}

/// Bytes without visible period.
pub fn body(size: usize) -> Vec<u8> {
    (0..size as u32).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect()
}
