//! `worldstore wal`: write-ahead logs, in files and as objects.

mod inspect;
mod place;
mod salvage;
mod verify;

use worldstore::{Error, Registry, Result};

use crate::args::wal::WalCommand;

use place::Log;

pub async fn run(command: WalCommand, registry: &Registry) -> Result<()> {
    match command {
        WalCommand::Inspect { log, records, json } => {
            let log = Log::find(&log, registry).await?;
            blocking(move || inspect::run(&log, records, json)).await
        }
        WalCommand::Verify { log, json } => {
            let log = Log::find(&log, registry).await?;
            blocking(move || verify::run(&log, json)).await
        }
        WalCommand::Salvage { log, target, json } => {
            salvage::refuse(&log, &target, registry)?;
            let log = Log::find(&log, registry).await?;
            blocking(move || salvage::run(&log, &target, json)).await
        }
    }
}

/// Runs what waits for files, or for another runtime.
async fn blocking(work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|source| Error::unexpected("command was cut short").caused_by(source))?
}
