//! The backend over a real Redis server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod proxy;

use std::time::{SystemTime, UNIX_EPOCH};

use redis::Commands;
use worldstore_core::{Backend, Condition, Key, ObjectMeta, ReadOptions, Result, WriteOptions};
use worldstore_redis::{Redis, RedisConfig};

const VARIABLE: &str = "WORLDSTORE_TEST_REDIS_URL";

/// A namespace of its own for a test; its keys go when dropped.
struct Scratch {
    config: RedisConfig,
    namespace: String,
    server: redis::Client,
}

/// None, loudly, if there is no server.
fn scratch(test: &str) -> Option<Scratch> {
    let Ok(url) = std::env::var(VARIABLE) else {
        assert!(std::env::var("CI").is_err(), "{VARIABLE} is not set");
        eprintln!("SKIPPED: {VARIABLE} is not set: run cargo xtask test");
        return None;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let namespace = format!("test-{test}-{}-{now}", std::process::id());
    let config = RedisConfig::from_uri(&url).unwrap().with_namespace(&namespace).unwrap();
    Some(Scratch { config, namespace, server: redis::Client::open(url).unwrap() })
}

impl Scratch {
    fn connect(&self) -> Redis {
        self.config.connect().unwrap()
    }

    /// Small, so that few bytes make many pieces.
    fn small(&self) -> RedisConfig {
        self.config.clone().with_small_bytes_max(8).with_piece_bytes(10)
    }

    fn server(&self) -> redis::Connection {
        self.server.get_connection().unwrap()
    }

    fn key(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.namespace)
    }

    /// The keys of generations, and in how many milliseconds each expires; -1 for never.
    fn generations(&self) -> Vec<(String, i64)> {
        let (mut connection, pattern) = (self.server(), self.key("pieces:*"));
        let keys: Vec<String> = self.server().scan_match(pattern).unwrap().map(|key| key.unwrap()).collect();
        let with_expiry = keys.into_iter().map(|key| (key.clone(), connection.pttl(key).unwrap()));
        with_expiry.collect()
    }

    /// What a server that did not save anything has after a restart.
    fn lose_everything(&self) -> redis::RedisResult<()> {
        let mut connection = self.server.get_connection()?;
        let keys = connection.scan_match(self.key("*"))?.collect::<redis::RedisResult<Vec<String>>>()?;
        if keys.is_empty() { Ok(()) } else { connection.del(keys) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A test that fails because there is no server shall say so.
        let _ = self.lose_everything();
    }
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn write(backend: &dyn Backend, name: &str, body: impl Into<Vec<u8>>) -> ObjectMeta {
    let outcome = backend.write(&key(name), body.into().into(), &WriteOptions::default()).unwrap();
    outcome.applied(&key(name), &Condition::None).unwrap()
}

fn try_read(backend: &dyn Backend, name: &str) -> Result<Vec<u8>> {
    let reply = backend.read(&key(name), &ReadOptions::default())?;
    Ok(reply.body.collect::<Result<Vec<_>>>()?.concat())
}

fn read(backend: &dyn Backend, name: &str) -> Vec<u8> {
    try_read(backend, name).unwrap()
}
