//! `worldstore fs`: the objects of any byte store.

pub mod address;
pub mod caps;
mod change;
mod copy;
mod links;
mod list;
mod look;
mod read;
pub mod show;
mod sync;
mod tree;

use worldstore::{Registry, Result};

use crate::args::fs::FsCommand;

pub async fn run(command: FsCommand, registry: &Registry) -> Result<()> {
    match command {
        FsCommand::Ls(args) => list::ls(args, registry).await,
        FsCommand::Tree(args) => tree::run(args, registry).await,
        FsCommand::Cat { json: true, .. } | FsCommand::Head { json: true, .. } => Err(read::no_json()),
        FsCommand::Cat { uri, range, .. } => read::cat(&uri, range.as_deref(), registry).await,
        FsCommand::Head { uri, lines, bytes, .. } => read::head(&uri, lines, bytes, registry).await,
        FsCommand::Cp(args) => copy::run(args, registry).await,
        FsCommand::Sync(args) => sync::run(args, registry).await,
        FsCommand::Mv(args) => change::mv(args, registry).await,
        FsCommand::Rm(args) => change::rm(args, registry).await,
        FsCommand::Stat(args) => look::stat(args, registry).await,
        FsCommand::Du(args) => list::du(args, registry).await,
        FsCommand::Glob { uri, pattern, long, json } => list::glob(&uri, &pattern, long, json, registry).await,
        FsCommand::Ping(args) => look::ping(args, registry).await,
        FsCommand::Caps(args) => caps::run(args, registry).await,
        FsCommand::Schemes { json } => look::schemes(json, registry),
    }
}
