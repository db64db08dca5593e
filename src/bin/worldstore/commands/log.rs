//! `worldstore log`: the published states, newest first.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
use worldstore::arrow::array::UInt64Array;
use worldstore::world::{PublishedState, TableChange};
use worldstore::{Registry, Result};

use super::fs::show::{print_json, rfc3339};
use super::{print_columns, read, texts};
use crate::args::Format;
use crate::args::world::LogArgs;
use crate::progress::shown;

pub async fn run(args: LogArgs, registry: &Registry) -> Result<()> {
    let world = read(&args.at, registry).await?;
    let mut states = shown("reading states", args.output.json(), world.states()).await?;
    states.retain(|state| args.all || !state.pins.is_empty() || !changed(state).is_empty());
    states.reverse();
    states.truncate(args.limit.unwrap_or(usize::MAX));
    if args.output.format() == Format::Json {
        return states.iter().try_for_each(|state| print_json(&as_json(state)));
    }
    let numbers = |of: fn(&PublishedState) -> u64| Arc::new(UInt64Array::from_iter_values(states.iter().map(of)));
    let rows = states.iter().map(|state| state.rows).collect::<UInt64Array>();
    print_columns(
        args.output.format(),
        vec![
            ("state", numbers(|state| state.number)),
            ("time", texts(states.iter().map(time))),
            ("seq", numbers(|state| state.seq)),
            ("epoch", numbers(|state| state.epoch)),
            ("rows", Arc::new(rows)),
            ("changed", texts(states.iter().map(changed))),
            ("kept_by", texts(states.iter().map(|state| state.pins.join(", ")))),
        ],
    )
}

/// When a state was published.
pub fn time(state: &PublishedState) -> String {
    rfc3339(UNIX_EPOCH + Duration::from_millis(state.created_ms))
}

/// Tables of which something became since the state before.
fn changed(state: &PublishedState) -> String {
    let changes = state.tables.iter().map(|(table, found)| match found.change {
        None | Some(TableChange::Same) => String::new(),
        Some(TableChange::Added) => format!("+{table}"),
        Some(TableChange::Changed) => table.to_string(),
        Some(TableChange::Compacted) => format!("~{table}"),
    });
    let removed = state.removed.iter().map(|table| format!("-{table}"));
    let known = changes.chain(removed).filter(|change| !change.is_empty()).collect::<Vec<_>>().join(" ");
    match state.tables.values().any(|found| found.change.is_none()) {
        true => "?".to_owned(),
        false => known,
    }
}

fn as_json(state: &PublishedState) -> serde_json::Value {
    let change = |change: Option<TableChange>| match change {
        None => None,
        Some(TableChange::Same) => Some("same"),
        Some(TableChange::Added) => Some("added"),
        Some(TableChange::Changed) => Some("changed"),
        Some(TableChange::Compacted) => Some("compacted"),
    };
    let tables: serde_json::Map<_, _> = state
        .tables
        .iter()
        .map(|(table, found)| {
            let told = json!({"version": found.version, "seq": found.watermark, "change": change(found.change)});
            (table.to_string(), told)
        })
        .collect();
    let removed: Vec<&str> = state.removed.iter().map(|table| table.as_str()).collect();
    json!({
        "state": state.number, "time": time(state), "seq": state.seq, "epoch": state.epoch, "rows": state.rows,
        "tables": tables, "removed": removed, "kept_by": state.pins,
    })
}
