//! Servers that tests run against. Without one a test is skipped, loudly, but never where everything must run. What a test
//! makes on a server goes with the test, also if it fails.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A name that nobody has used.
pub fn unique() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    format!("t{now}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst))
}

/// The address in a variable.
pub fn address(variable: &str) -> Option<String> {
    match std::env::var(variable) {
        Ok(url) => Some(url),
        Err(_) if std::env::var_os("CI").is_some() => panic!("{variable} is not set"),
        Err(_) => {
            eprintln!("SKIPPED: {variable} is not set: run cargo xtask test");
            None
        }
    }
}

#[cfg(feature = "postgres")]
pub use of_postgres::{Server as Postgres, postgres};

#[cfg(feature = "postgres")]
mod of_postgres {
    use std::num::NonZeroUsize;

    use sqlx::{Connection, Executor};
    use worldstore_async::Bridge;
    use worldstore_ecs::Storage;
    use worldstore_ecs::planted::Planted;
    use worldstore_ecs::storage::AsyncStorageAdapter;
    use worldstore_ecs::storage::postgres::PostgresConfig;

    /// A server of Postgres, and namespaces on it whose schemas begin alike.
    pub struct Server {
        url: String,
        base: String,
        bridge: Bridge,
        is_owner: bool,
    }

    pub fn postgres() -> Option<Server> {
        super::address("WORLDSTORE_TEST_POSTGRES_URL").map(|url| Server::new(url, super::unique(), true))
    }

    impl Server {
        fn new(url: String, base: String, is_owner: bool) -> Self {
            Self { url, base, bridge: Bridge::new(NonZeroUsize::MIN).unwrap(), is_owner }
        }

        /// The namespaces of another process, which removes them.
        pub fn of(base: &str) -> Self {
            Self::new(super::address("WORLDSTORE_TEST_POSTGRES_URL").unwrap(), base.to_owned(), false)
        }

        pub fn base(&self) -> &str {
            &self.base
        }

        pub fn open(&self, place: &str) -> Box<dyn Storage> {
            self.open_with(place, Planted::default())
        }

        pub fn open_with(&self, place: &str, planted: Planted) -> Box<dyn Storage> {
            let namespace = format!("{}_{place}", self.base);
            let config = PostgresConfig::from_uri(&self.url).unwrap().with_namespace(&namespace).unwrap();
            let config = config.with_connections_max(2).with_planted(planted);
            let storage = self.bridge.run(async move { config.connect().await }).unwrap();
            Box::new(AsyncStorageAdapter::with_bridge(Box::new(storage), self.bridge.clone()))
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            if !self.is_owner {
                return;
            }
            let (url, base) = (self.url.clone(), self.base.clone());
            let work = async move {
                let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
                let of_test = "SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname::text, $1)";
                let names = sqlx::query_scalar(of_test).bind(&base).fetch_all(&mut connection).await;
                let names: Vec<String> = names.unwrap();
                // One at a time: the locks of all tables together would be too many.
                for name in names {
                    connection.execute(format!("DROP SCHEMA {name} CASCADE").as_str()).await.unwrap();
                }
                Ok(())
            };
            if let Err(error) = self.bridge.run(work) {
                eprintln!("schemas of {} are left: {error}", self.base);
            }
        }
    }
}

#[cfg(feature = "redis")]
pub use of_redis::{Server as Redis, redis};

#[cfg(feature = "redis")]
mod of_redis {
    use worldstore_ecs::Storage;
    use worldstore_ecs::planted::Planted;
    use worldstore_ecs::storage::redis::RedisConfig;

    /// A server of Redis, and namespaces on it that begin alike.
    pub struct Server {
        url: String,
        base: String,
        is_owner: bool,
    }

    pub fn redis() -> Option<Server> {
        let url = super::address("WORLDSTORE_TEST_REDIS_URL")?;
        Some(Server { url, base: super::unique(), is_owner: true })
    }

    impl Server {
        /// The namespaces of another process, which removes them.
        pub fn of(base: &str) -> Self {
            let url = super::address("WORLDSTORE_TEST_REDIS_URL").unwrap();
            Self { url, base: base.to_owned(), is_owner: false }
        }

        pub fn base(&self) -> &str {
            &self.base
        }

        pub fn open(&self, place: &str) -> Box<dyn Storage> {
            self.open_with(place, Planted::default())
        }

        pub fn open_with(&self, place: &str, planted: Planted) -> Box<dyn Storage> {
            let config = RedisConfig::from_uri(&self.url).unwrap().with_planted(planted);
            let config = config.with_namespace(&format!("{}-{place}", self.base)).unwrap();
            Box::new(config.connect().unwrap())
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            if !self.is_owner {
                return;
            }
            let mut connection = redis::Client::open(self.url.as_str()).unwrap().get_connection().unwrap();
            let pattern = format!("*{{{}-*", self.base);
            let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query(&mut connection).unwrap();
            for keys in keys.chunks(1_000) {
                redis::cmd("UNLINK").arg(keys).exec(&mut connection).unwrap();
            }
        }
    }
}
