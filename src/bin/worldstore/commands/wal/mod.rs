//! `worldstore wal`: write-ahead logs, in files and as objects.

mod inspect;
mod place;
mod salvage;
mod verify;

use worldstore::{Registry, Result};

use super::blocking;
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
            verify::run(log, json).await
        }
        WalCommand::Salvage { log, target, json } => {
            salvage::refuse(&log, &target, registry)?;
            let log = Log::find(&log, registry).await?;
            salvage::run(log, target, json).await
        }
    }
}
