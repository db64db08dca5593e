//! `worldstore fork`.

use serde_json::json;
use worldstore::{Error, Registry, Result};

use super::fs::show::print_json;
use super::write;
use crate::args::world::ForkArgs;
use crate::output::line;
use crate::progress::shown;

pub async fn run(args: ForkArgs, registry: &Registry) -> Result<()> {
    let world = write(&args.at, args.json, registry).await?;
    let forked = async {
        let fork = world.run(&args.from).await?.fork(&args.name, args.tick).await?;
        world.shutdown().await?;
        Ok::<_, Error>(fork)
    };
    let fork = shown("forking", args.json, forked).await?;
    match args.json {
        true => print_json(&json!({"run": fork.name(), "forked_from": args.from, "at_tick": args.tick})),
        false => line(&format!("run {} shares the ticks of {} up to {}", fork.name(), args.from, args.tick)),
    }
}
