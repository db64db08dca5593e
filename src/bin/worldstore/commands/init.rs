//! `worldstore init`.

use worldstore::{Error, Registry, Result, TableFormat, World};

use crate::args::InitArgs;
use crate::output::line;

pub async fn run(args: InitArgs, registry: &Registry) -> Result<()> {
    if args.at.world.starts_with("memory:") {
        return Err(Error::invalid("a world in memory would be gone with this command").with("world", args.at.world));
    }
    args.at.check_catalog(args.tables.unwrap_or(TableFormat::Lance))?;
    let mut options = args.at.options(registry);
    options.format = args.tables;
    options.name = args.name;
    let world = World::create(&args.at.world, &options).await?;
    world.shutdown().await?;
    line(&format!("made world {} with {} tables at {}", world.name(), world.format(), world.storage().location))
}
