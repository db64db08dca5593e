//! `worldstore fork`.

use worldstore::{Registry, Result};

use super::open;
use crate::args::ForkArgs;
use crate::output::line;

pub async fn run(args: ForkArgs, registry: &Registry) -> Result<()> {
    let world = open(&args.world, registry).await?;
    let fork = world.run(&args.from).await?.fork(&args.name, args.at).await?;
    line(&format!("run {} shares the ticks of {} up to {}", fork.name(), args.from, args.at))
}
