//! Objects in one redb file: written if they are absent, read, listed, whatever the place.
//!
//! `cargo run -p worldstore-redb --example redb -- redb:///folder/worlds.redb`; without an address, one for temporary files.
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use worldstore_core::{Missing, Store, WriteOptions};
use worldstore_redb::RedbConfig;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("worldstore-redb-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let uri = std::env::args().nth(1).unwrap_or_else(|| format!("redb://{}/worlds.redb", folder.display()));
    let store = Store::new(Arc::new(RedbConfig::from_uri(&uri)?.open()?));

    store.write_with("runs/1/state", "tick 0", &WriteOptions::default())?;
    let error = store.write("runs/1/state", "tick 1").err();
    println!("{}", error.map_or_else(|| "it was absent".to_owned(), |error| error.to_string()));
    println!("{}", store.read_text("runs/1/state")?);
    for meta in store.list("runs") {
        let meta = meta?;
        println!("{} {} bytes", meta.key, meta.size);
    }
    store.delete("runs/1/state", Missing::Refuse)?;
    drop(store);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
