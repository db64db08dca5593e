//! `worldstore merge`: what another run changed, as one tick.

use serde_json::json;
use worldstore::world::{MergeConflict, Resolution};
use worldstore::{Error, Registry, Result};

use super::fs::show::print_json;
use super::import::next_tick;
use super::write;
use crate::args::world::{MergeArgs, Prefer};
use crate::output::{counted, line};
use crate::progress::shown;

pub async fn run(args: MergeArgs, registry: &Registry) -> Result<()> {
    if args.into == args.from {
        return Err(Error::invalid("a run cannot be merged into itself").with("run", args.from));
    }
    let world = write(&args.at, args.json, registry).await?;
    let (into, from) = (world.run(&args.into).await?, world.run(&args.from).await?);
    let tick = match args.tick {
        Some(tick) => tick,
        None => next_tick(&into, &world.tables().await?).await?,
    };
    let merged = async {
        let merge = match args.prefer {
            None => into.merge(&from.now(), tick).await?,
            Some(prefer) => into.merge_with(&from.now(), tick, |_: &MergeConflict| Ok(prefer.into())).await?,
        };
        world.shutdown().await?;
        Ok::<_, Error>(merge)
    };
    let merge = shown("merging", args.json, merged).await?;
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

impl From<Prefer> for Resolution {
    fn from(prefer: Prefer) -> Self {
        match prefer {
            Prefer::Ours => Self::Ours,
            Prefer::Theirs => Self::Theirs,
            Prefer::Base => Self::Base,
        }
    }
}
