//! `worldstore fork`.

use worldstore::Result;

use super::open;
use crate::args::ForkArgs;
use crate::output::line;

pub async fn run(args: ForkArgs) -> Result<()> {
    let world = open(&args.world).await?;
    let fork = world.run(&args.from).await?.fork(&args.name, args.at).await?;
    line(&format!("run {} shares the ticks of {} up to {}", fork.name(), args.from, args.at))
}
