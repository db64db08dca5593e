//! Any `object_store` as a store with conditions: here the one in memory; with an address, a bucket of S3.
//!
//! `cargo run -p worldstore-object-store --example object_store -- s3://bucket/folder`, with the credentials in the variables that
//! AWS uses.
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use object_store::memory::InMemory;
use worldstore_async::{AsyncBackend, AsyncStore};
use worldstore_core::{Capability, Missing, WriteOptions};
use worldstore_object_store::ObjectStoreBackend;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = AsyncStore::new(match std::env::args().nth(1) {
        Some(address) => bucket(&address)?,
        None => Arc::new(ObjectStoreBackend::new(Arc::new(InMemory::new()), capability())),
    });
    store.write("example/state", "tick 0").await?;
    if let Err(error) = store.write("example/state", "tick 1").await {
        println!("{error}");
    }
    store.write_with("example/state", "tick 1", &WriteOptions::default()).await?;
    println!("{}", store.read_text("example/state").await?);
    store.delete("example/state", Missing::Refuse).await?;
    Ok(())
}

/// What the store in memory can do. Whoever brings a store of their own declares it, and no more than is true.
fn capability() -> Capability {
    let mut capability = Capability::read_only();
    capability.write = true;
    capability.write_if_absent = true;
    capability.write_if_match = true;
    capability.list_sorted = true;
    capability.versions = true;
    capability
}

#[cfg(feature = "s3")]
fn bucket(address: &str) -> worldstore_core::Result<Arc<dyn AsyncBackend>> {
    Ok(Arc::new(worldstore_object_store::S3Config::from_uri(address)?.connect()?))
}

#[cfg(not(feature = "s3"))]
fn bucket(_address: &str) -> worldstore_core::Result<Arc<dyn AsyncBackend>> {
    Err(worldstore_core::Error::unsupported("the feature s3 is off"))
}
