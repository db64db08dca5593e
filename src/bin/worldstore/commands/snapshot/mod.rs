//! `worldstore snapshot` and `worldstore blocks`: states of any store that keeps manifests.

mod chain;
mod collect;
mod keep;
mod travel;
mod verify;

use worldstore::core::snapshot::Which;
use worldstore::{Registry, Result};

use crate::args::snapshot::{BlocksCommand, SnapshotCommand};

pub async fn run(command: SnapshotCommand, registry: &Registry) -> Result<()> {
    match command {
        SnapshotCommand::List(args) => keep::list(args, registry).await,
        SnapshotCommand::Create(args) => keep::create(args, registry).await,
        SnapshotCommand::Pin(args) => keep::pin(args, registry).await,
        SnapshotCommand::Release { uri, name, json } => keep::release(&uri, name, json, registry).await,
        SnapshotCommand::Verify(args) => verify::run(args, registry).await,
        SnapshotCommand::Export(args) => travel::export(args, registry).await,
        SnapshotCommand::Import(args) => travel::import(args, registry).await,
        SnapshotCommand::Restore(args) => travel::restore(args, registry).await,
        SnapshotCommand::Expire(args) => collect::expire(args, registry).await,
    }
}

pub async fn run_blocks(command: BlocksCommand, registry: &Registry) -> Result<()> {
    match command {
        BlocksCommand::Collect(args) => collect::run(args, registry).await,
        BlocksCommand::Verify(args) => verify::blocks(args, registry).await,
    }
}

/// The state of a name, the newest without one.
fn which(name: Option<String>) -> Which {
    name.map_or(Which::Newest, Which::Named)
}
