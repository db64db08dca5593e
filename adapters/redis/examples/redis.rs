//! Objects on a Redis server: written, read, deleted.
//!
//! `cargo run -p worldstore-redis --example redis -- 'redis://me:secret@localhost:6379/0?namespace=example'`; without an address,
//! that in `WORLDSTORE_TEST_REDIS_URL`.
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use worldstore_core::{Missing, Store, WriteOptions};
use worldstore_redis::RedisConfig;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).or_else(|| std::env::var("WORLDSTORE_TEST_REDIS_URL").ok());
    let config = RedisConfig::from_uri(&address.ok_or("which server? give its address")?)?;
    let store = Store::new(Arc::new(config.connect()?));

    store.write_with("example/state", "tick 0", &WriteOptions::default())?;
    println!("{}", store.read_text("example/state")?);
    store.delete("example/state", Missing::Refuse)?;
    Ok(())
}
