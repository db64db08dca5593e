//! `worldstore drop-run`.

use serde_json::json;
use worldstore::{Registry, Result};

use super::fs::show::print_json;
use super::{spinner, write};
use crate::args::world::DropRunArgs;
use crate::output::{counted, line};

pub async fn run(args: DropRunArgs, registry: &Registry) -> Result<()> {
    let world = write(&args.at, registry).await?;
    let bar = spinner("dropping");
    let dropped = world.drop_run(&args.run).await;
    bar.finish_and_clear();
    let dropped = dropped?;
    world.shutdown().await?;
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
