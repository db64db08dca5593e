//! `worldstore merge`: what another run changed, as one tick.

use serde_json::json;
use worldstore::world::{MergeConflict, Resolution};
use worldstore::{Error, Registry, Result};

use super::fs::show::print_json;
use super::import::next_tick;
use super::{spinner, write};
use crate::args::world::{MergeArgs, Prefer};
use crate::output::{counted, line};

pub async fn run(args: MergeArgs, registry: &Registry) -> Result<()> {
    if args.into == args.from {
        return Err(Error::invalid("a run cannot be merged into itself").with("run", args.from));
    }
    let world = write(&args.at, registry).await?;
    let (into, from) = (world.run(&args.into).await?, world.run(&args.from).await?);
    let tick = match args.tick {
        Some(tick) => tick,
        None => next_tick(&into, &world.tables().await?).await?,
    };
    let bar = spinner("merging");
    let merged = match args.prefer {
        None => into.merge(&from.now(), tick).await,
        Some(prefer) => {
            let rule = |_: &MergeConflict| {
                Ok(match prefer {
                    Prefer::Ours => Resolution::Ours,
                    Prefer::Theirs => Resolution::Theirs,
                    Prefer::Base => Resolution::Base,
                })
            };
            into.merge_with(&from.now(), tick, rule).await
        }
    };
    bar.finish_and_clear();
    let merge = merged?;
    world.shutdown().await?;
    if args.json {
        return print_json(&json!({
            "into": args.into, "from": args.from, "tick": tick, "written": merge.written, "ended": merge.ended,
            "conflicts": merge.conflicts,
        }));
    }
    let changes = merge.written + merge.ended;
    if changes == 0 {
        return line(&format!("nothing to merge from {} into {}", args.from, args.into));
    }
    let (written, conflicts) = (counted(merge.written, "row"), counted(merge.conflicts, "conflict"));
    line(&format!(
        "merged {} into {} as tick {tick}: wrote {written}, ended {}, decided {conflicts}",
        args.from, args.into, merge.ended
    ))
}
