//! `worldstore stats`.

use serde_json::json;
use worldstore::cache::Waiting;
use worldstore::world::{PublishedState, PublishedTable};
use worldstore::{ErrorKind, Registry, Result, World};

use super::fs::show::print_json;
use super::log::time;
use super::read_only;
use crate::args::world::StatsArgs;
use crate::output::{counted, line};
use crate::progress::shown;

/// What waits in the log, or why nobody knows here: the world has another one.
type Log = Result<Option<Waiting>>;

pub async fn run(args: StatsArgs, registry: &Registry) -> Result<()> {
    let world = read_only(&args.at, registry).await?;
    let state = world.newest_published().await?;
    let log: Log = match shown("reading the log", args.json, world.waiting()).await {
        Err(error) if error.kind() == ErrorKind::ConditionFailed => Err(error),
        waiting => Ok(waiting?),
    };
    for (table, found) in &state.tables {
        let rows = world.table_at(table, found.version).await?.rows;
        let waits = log.as_ref().ok().map(|waiting| {
            let found = waiting.as_ref().and_then(|waiting| waiting.tables.get(table));
            found.copied().unwrap_or(0)
        });
        let PublishedTable { version, watermark, files, bytes, .. } = found;
        match args.json {
            true => print_json(&json!({
                "kind": "table", "table": table.as_str(), "rows": rows, "version": version, "seq": watermark,
                "files": files, "bytes": bytes, "waiting_rows": waits,
            }))?,
            false => {
                let sizes = [counted(rows, "row"), counted(*files, "file"), counted(*bytes, "byte")].join(", ");
                let waits = waits.filter(|waits| *waits > 0);
                let waits = waits.map(|waits| format!(", {} waiting", counted(waits, "row"))).unwrap_or_default();
                line(&format!("{table}: {sizes}, version {version}, seq {watermark}{waits}"))?;
            }
        }
    }
    of_world(&world, &state, &log, args.json).await
}

async fn of_world(world: &World, state: &PublishedState, log: &Log, json: bool) -> Result<()> {
    let states = world.states().await?.len() as u64;
    let runs = world.runs().await?.len() as u64;
    let files: u64 = state.tables.values().map(|table| table.files).sum();
    let bytes: u64 = state.tables.values().map(|table| table.bytes).sum();
    let rows = state.rows.unwrap_or(0);
    if json {
        let problem = log.as_ref().err().map(ToString::to_string);
        let log = log.as_ref().ok().and_then(Option::as_ref).map(|waiting| {
            json!({
                "records": waiting.records, "appends": waiting.appends, "rows": waiting.rows(),
                "last_seq": waiting.last_seq,
            })
        });
        return print_json(&json!({
            "kind": "world", "world": world.name(), "tables": world.format().as_str(),
            "location": world.storage().location, "state": state.number, "created": time(state), "seq": state.seq,
            "epoch": state.epoch, "states": states, "runs": runs, "rows": rows, "files": files, "bytes": bytes,
            "log": log, "log_problem": problem,
        }));
    }
    let sizes = [counted(rows, "row"), counted(files, "file"), counted(bytes, "byte"), counted(runs, "run")].join(", ");
    line(&format!("world {} with {} tables: {sizes}", world.name(), world.format()))?;
    let PublishedState { number, seq, epoch, .. } = state;
    line(&format!("state {number} of {}, seq {seq}, epoch {epoch}; {} kept", time(state), counted(states, "state")))?;
    match log {
        Err(error) => line(&format!("log not read, --log names another: {error}")),
        Ok(None) => line("no log"),
        Ok(Some(waiting)) if waiting.appends == 0 => {
            line(&format!("log of {}, all of them published", counted(waiting.records, "record")))
        }
        Ok(Some(waiting)) => line(&format!(
            "log of {}: {} with {} wait for the next writer",
            counted(waiting.records, "record"),
            counted(waiting.appends, "append"),
            counted(waiting.rows(), "row"),
        )),
    }
}
