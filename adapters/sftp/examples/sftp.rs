//! Objects in a folder on an SSH server: written, read, deleted.
//!
//! `cargo run -p worldstore-sftp --example sftp -- sftp://me@files.example.org/srv/worlds ~/.ssh/id_ed25519 ~/.ssh/known_hosts`;
//! what is left out comes from `WORLDSTORE_TEST_SFTP_URL`, `…_KEY` and `…_KNOWN_HOSTS`.
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::sync::Arc;

use worldstore_async::AsyncStore;
use worldstore_core::{Missing, WriteOptions};
use worldstore_sftp::SftpConfig;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let variables =
        ["URL", "KEY", "KNOWN_HOSTS"].map(|name| std::env::var(format!("WORLDSTORE_TEST_SFTP_{name}")).ok());
    let mut arguments = std::env::args().skip(1);
    let [address, key, known_hosts] = variables.map(|variable| arguments.next().or(variable));
    let mut config = SftpConfig::from_uri(&address.ok_or("which server? give its address")?)?;
    if let Some(key) = key {
        config = config.with_key_file(&key, None);
    }
    if let Some(known_hosts) = known_hosts {
        config = config.with_known_hosts(&known_hosts);
    }
    let store = AsyncStore::new(Arc::new(config.connect().await?));

    store.write_with("example/state", "tick 0", &WriteOptions::default()).await?;
    println!("{}", store.read_text("example/state").await?);
    store.delete("example/state", Missing::Refuse).await?;
    Ok(())
}
