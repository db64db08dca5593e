//! Servers that tests run against. Without one a test is skipped, loudly, but never where everything must run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A name that nobody has used.
pub fn unique() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    format!("t{now}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst))
}

/// The address in a variable.
#[cfg(any(feature = "postgres", feature = "redis"))]
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
pub use of_postgres::postgres;

#[cfg(feature = "postgres")]
mod of_postgres {
    use std::num::NonZeroUsize;

    use worldstore_async::Bridge;
    use worldstore_ecs::Storage;
    use worldstore_ecs::storage::AsyncStorageAdapter;
    use worldstore_ecs::storage::postgres::PostgresConfig;

    /// A server of Postgres.
    pub struct Server {
        url: String,
        bridge: Bridge,
    }

    pub fn postgres() -> Option<Server> {
        let url = super::address("WORLDSTORE_TEST_POSTGRES_URL")?;
        Some(Server { url, bridge: Bridge::new(NonZeroUsize::MIN).unwrap() })
    }

    impl Server {
        pub fn namespace(&self) -> String {
            super::unique()
        }

        pub fn open(&self, namespace: &str) -> Box<dyn Storage> {
            let config = PostgresConfig::from_uri(&self.url).unwrap().with_namespace(namespace).unwrap();
            let config = config.with_connections_max(2);
            let storage = self.bridge.run(async move { config.connect().await }).unwrap();
            Box::new(AsyncStorageAdapter::with_bridge(Box::new(storage), self.bridge.clone()))
        }

        /// Removes what a namespace holds.
        pub fn drop(&self, namespace: &str) {
            use sqlx::{Connection, Executor};
            let (url, sql) = (self.url.clone(), format!("DROP SCHEMA {namespace} CASCADE"));
            let work = async move {
                let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
                connection.execute(sql.as_str()).await.unwrap();
                Ok(())
            };
            self.bridge.run(work).unwrap();
        }
    }
}

#[cfg(feature = "redis")]
pub use of_redis::{Server as Redis, redis};

#[cfg(feature = "redis")]
mod of_redis {
    use worldstore_ecs::Storage;
    use worldstore_ecs::storage::redis::RedisConfig;

    /// A server of Redis, and namespaces of its own; their keys go when dropped.
    pub struct Server {
        url: String,
        base: String,
    }

    pub fn redis() -> Option<Server> {
        let url = super::address("WORLDSTORE_TEST_REDIS_URL")?;
        Some(Server { url, base: super::unique() })
    }

    impl Server {
        /// The same namespaces as another process has.
        pub fn of(base: &str) -> Self {
            let url = super::address("WORLDSTORE_TEST_REDIS_URL").unwrap();
            Self { url, base: base.to_owned() }
        }

        pub fn base(&self) -> &str {
            &self.base
        }

        pub fn open(&self, place: &str) -> Box<dyn Storage> {
            let config = RedisConfig::from_uri(&self.url).unwrap();
            let config = config.with_namespace(&format!("{}-{place}", self.base)).unwrap();
            Box::new(config.connect().unwrap())
        }

        /// Removes what the namespaces hold.
        pub fn clear(&self) {
            let mut connection = redis::Client::open(self.url.as_str()).unwrap().get_connection().unwrap();
            let pattern = format!("{{{}-*", self.base);
            let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query(&mut connection).unwrap();
            if !keys.is_empty() {
                redis::cmd("DEL").arg(keys).exec(&mut connection).unwrap();
            }
        }
    }
}
