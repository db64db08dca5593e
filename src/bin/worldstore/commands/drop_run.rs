//! `worldstore drop-run`.

use serde_json::json;
use worldstore::{Error, Registry, Result};

use super::fs::show::print_json;
use super::write;
use crate::args::world::DropRunArgs;
use crate::output::{counted, line};
use crate::progress::shown;

pub async fn run(args: DropRunArgs, registry: &Registry) -> Result<()> {
    let world = write(&args.at, args.json, registry).await?;
    let dropped = async {
        let dropped = world.drop_run(&args.run).await?;
        world.shutdown().await?;
        Ok::<_, Error>(dropped)
    };
    let dropped = shown("dropping", args.json, dropped).await?;
    let tables: Vec<&str> = dropped.tables.iter().map(|table| table.as_str()).collect();
    if args.json {
        return print_json(&json!({"run": args.run, "rows": dropped.rows, "tables": tables}));
    }
    let from = match tables.is_empty() {
        true => String::new(),
        false => format!(" from {}", tables.join(", ")),
    };
    line(&format!("dropped run {} with {}{from}", args.run, counted(dropped.rows, "row")))
}
