//! `worldstore compact`.

use serde_json::json;
use worldstore::core::table::TableName;
use worldstore::world::CompactWorldOptions;
use worldstore::{Error, Registry, Result};

use super::fs::show::print_json;
use super::write;
use crate::args::world::CompactArgs;
use crate::output::{counted, line};
use crate::progress::Progress;

pub async fn run(args: CompactArgs, registry: &Registry) -> Result<()> {
    let chosen = args.tables.iter().map(TableName::new).collect::<Result<Vec<_>>>()?;
    let world = write(&args.at, args.json, registry).await?;
    let there = world.tables().await?;
    if let Some(missing) = chosen.iter().find(|table| !there.contains(table)) {
        return Err(Error::not_found("no such table").with("table", missing));
    }
    let tables = if chosen.is_empty() { there } else { chosen };
    let bar = Progress::new("{wide_bar} {pos} of {len} tables, {msg}", Some(tables.len() as u64), args.json);
    // One after the other: a bar can be drawn, and each is published when it is done. What cannot be printed keeps none
    // of the others from it.
    let mut printed = Ok(());
    for (number, table) in (1..).zip(tables) {
        bar.tell(table.to_string());
        let options = CompactWorldOptions::default().with_file_rows(args.file_rows).with_tables([table]);
        for (table, done) in world.compact(&options).await? {
            let told = bar.suspend(|| match args.json {
                true => print_json(&json!({
                    "table": table.as_str(), "files_before": done.files_before, "files_after": done.files_after,
                    "version": done.version,
                })),
                false => {
                    let before = counted(done.files_before, "file");
                    line(&format!("{table}: {before} to {}, version {}", done.files_after, done.version))
                }
            });
            printed = printed.and(told);
        }
        bar.set(number);
    }
    drop(bar);
    world.shutdown().await?;
    printed
}
