//! `worldstore fork`.

use worldstore::{Registry, Result};

use super::write;
use crate::args::world::ForkArgs;
use crate::output::line;

pub async fn run(args: ForkArgs, registry: &Registry) -> Result<()> {
    let world = write(&args.at, false, registry).await?;
    let fork = world.run(&args.from).await?.fork(&args.name, args.tick).await?;
    world.shutdown().await?;
    line(&format!("run {} shares the ticks of {} up to {}", fork.name(), args.from, args.tick))
}
