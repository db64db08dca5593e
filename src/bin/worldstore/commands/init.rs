//! `worldstore init`.

use serde_json::json;
use worldstore::{Error, Registry, Result, TableFormat, World};

use super::fs::show::print_json;
use crate::args::world::InitArgs;
use crate::output::line;
use crate::progress::shown;

pub async fn run(args: InitArgs, registry: &Registry) -> Result<()> {
    if args.at.world.starts_with("memory:") {
        return Err(Error::invalid("a world in memory would be gone with this command").with("world", args.at.world));
    }
    args.at.check_catalog(args.tables.unwrap_or(TableFormat::Lance))?;
    let mut options = args.at.options(registry);
    options.format = args.tables;
    options.name = args.name;
    let made = async {
        let world = World::create(&args.at.world, &options).await?;
        world.shutdown().await?;
        Ok::<_, Error>(world)
    };
    let world = shown("making it", args.json, made).await?;
    let (name, format, location) = (world.name(), world.format(), &world.storage().location);
    match args.json {
        true => print_json(&json!({"world": name, "tables": format.as_str(), "location": location})),
        false => line(&format!("made world {name} with {format} tables at {location}")),
    }
}
