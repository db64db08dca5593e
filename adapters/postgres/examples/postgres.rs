//! Objects in a PostgreSQL database: written, read, deleted.
//!
//! `cargo run -p worldstore-postgres --example postgres -- 'postgres://me:password@host/database?namespace=example'`; without an
//! address, that in `WORLDSTORE_TEST_POSTGRES_URL`.
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use worldstore_async::AsyncStore;
use worldstore_core::{Missing, WriteOptions};
use worldstore_postgres::PostgresConfig;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).or_else(|| std::env::var("WORLDSTORE_TEST_POSTGRES_URL").ok());
    let config = PostgresConfig::from_uri(&address.ok_or("which server? give its address")?)?;
    let store = AsyncStore::new(Arc::new(config.with_connections_max(4).connect().await?));

    store.write_with("example/state", "tick 0", &WriteOptions::default()).await?;
    println!("{}", store.read_text("example/state").await?);
    store.delete("example/state", Missing::Refuse).await?;
    Ok(())
}
