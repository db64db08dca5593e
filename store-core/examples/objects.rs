//! Objects in a local folder: written if they are absent, changed if they are what was read, listed.
//!
//! `cargo run -p worldstore-core --example objects -- FOLDER`; without a folder, one for temporary files.
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::path::PathBuf;
use std::sync::Arc;

use worldstore_core::{ErrorKind, Local, Store, WriteOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let beside = || std::env::temp_dir().join(format!("worldstore-objects-{}", std::process::id()));
    let folder = std::env::args().nth(1).map_or_else(beside, PathBuf::from);
    let store = Store::new(Arc::new(Local::new(&folder)?));

    // Of several processes, one writes it; the others are told.
    match store.write("runs/1/config.toml", "seed = 7") {
        Ok(_) => println!("written"),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => println!("{error}"),
        Err(error) => return Err(error.into()),
    }
    let mut writer = store.open_writer("runs/1/log", &WriteOptions::default())?;
    for tick in 1..=3 {
        writer.write(format!("tick {tick}\n").into())?;
    }
    // Nothing of it is seen before this.
    println!("{:?}", writer.commit()?);
    for meta in store.list("runs") {
        let meta = meta?;
        println!("{:20} {:3} bytes", meta.key.to_string(), meta.size);
    }
    println!("{}", store.read_text("runs/1/log")?.trim_end());
    Ok(())
}
