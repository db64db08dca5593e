//! The PostgreSQL server at `WORLDSTORE_TEST_POSTGRES_URL`. Each place has a schema of its own, which is dropped at its end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{Connection, PgConnection, Row};
use worldstore_zset::store::PostgresConfig;

const URL: &str = "WORLDSTORE_TEST_POSTGRES_URL";

/// A schema of the server.
pub struct Schema {
    pub url: String,
    pub name: String,
}

/// The address of the server. Without one tests skip it, loudly, but never where everything must run.
pub fn url() -> Option<String> {
    match std::env::var(URL) {
        Ok(url) => Some(url),
        Err(_) if std::env::var_os("CI").is_some() => panic!("{URL} is not set"),
        Err(_) => {
            eprintln!("SKIPPED: {URL} is not set. Run `cargo xtask test`, or start a server by hand:");
            eprintln!(
                "    {URL}=postgres://user:password@127.0.0.1:5432/db cargo nextest run -p worldstore-zset --all-features"
            );
            None
        }
    }
}

impl Schema {
    /// A new one, if there is a server.
    pub fn new() -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let url = url()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let name = format!("z{now}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        Some(Self { url, name })
    }

    pub fn config(&self) -> PostgresConfig {
        PostgresConfig::from_uri(&self.url).unwrap().with_schema(&self.name).unwrap()
    }

    /// Runs statements on a connection of its own, with `{ns}` for the schema, and gives the first column as text.
    pub fn run(&self, sql: &str) -> Vec<String> {
        let sql = sql.replace("{ns}", &self.name);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::raw_sql(&sql).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            rows.iter().map(|row| row.try_get(0).unwrap()).collect()
        })
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.run("DROP SCHEMA IF EXISTS {ns} CASCADE");
        }
    }
}
