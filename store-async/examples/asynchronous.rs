//! The same store for async code: a sync backend on tokio's blocking pool, and many objects at once.
//!
//! `cargo run -p worldstore-async --example asynchronous`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use worldstore_async::{AsyncStore, SyncBackendAdapter};
use worldstore_core::{Memory, WriteOptions};

#[tokio::main]
async fn main() -> worldstore_core::Result<()> {
    // Any sync backend: `Local`, a database, one of your own.
    let store = AsyncStore::new(Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new()))));

    let writes = (1..=5).map(|tick| {
        let store = &store;
        async move { store.write(&format!("ticks/{tick}"), format!("state of {tick}")).await }
    });
    let written = futures::future::try_join_all(writes).await?;
    println!("{} objects written at once", written.len());

    let mut writer = store.open_writer("log", &WriteOptions::if_absent()).await?;
    writer.write("one line\n".into()).await?;
    println!("{:?}", writer.commit().await?);

    println!("{}", store.read_text("ticks/3").await?);
    let error = store.read_text("ticks/9").await.err();
    println!("{}", error.map_or_else(|| "there is one".to_owned(), |error| error.to_string()));
    Ok(())
}
