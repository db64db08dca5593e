//! `worldstore init`.

use worldstore::{Error, Registry, Result, World, WorldOptions};

use crate::args::InitArgs;
use crate::output::line;

pub async fn run(args: InitArgs, registry: &Registry) -> Result<()> {
    if args.world.starts_with("memory:") {
        return Err(Error::invalid("a world in memory would be gone with this command").with("world", args.world));
    }
    let mut options = WorldOptions::default().with_registry(registry.clone());
    options.format = args.tables;
    options.name = args.name;
    let world = World::create(&args.world, &options).await?;
    world.shutdown().await?;
    line(&format!("made world {} with {} tables at {}", world.name(), world.format(), world.storage().location))
}
