//! The log: durable appends per second and their latency, and how fast a log is read back.

mod appends;
mod embedded;
mod load;
mod own;
mod peer;
mod race;
mod raw;
mod replay;
pub mod report;
mod sqlite;

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::Failure;
use crate::measure::Row;

use appends::AppendRow;
use load::Load;
use peer::Peer;

/// How long a round of appends lasts at scale 1, unless it has written enough before.
const ROUND: Duration = Duration::from_millis(400);
/// Writers and bytes of a record.
const APPENDS: [(&str, usize, usize); 6] = [
    ("append 1 KiB, 1 writer", 1, 1 << 10),
    ("append 1 KiB, 16 writers", 16, 1 << 10),
    ("append 1 KiB, 64 writers", 64, 1 << 10),
    ("append 64 KiB, 1 writer", 1, 64 << 10),
    ("append 64 KiB, 16 writers", 16, 64 << 10),
    ("append 64 KiB, 64 writers", 64, 64 << 10),
];
/// Bytes of a record.
const REPLAYS: [(&str, usize); 2] = [("replay 1 KiB records", 1 << 10), ("replay 64 KiB records", 64 << 10)];

/// The figures of a run.
#[derive(Debug, Default, Serialize)]
pub struct Rows {
    /// Appends.
    pub appends: Vec<AppendRow>,
    /// Reading back.
    pub replay: Vec<Row>,
}

/// Runs the rows whose name contains `only`.
pub fn rows(folder: &Path, scale: usize, only: Option<&str>) -> Result<Rows, Failure> {
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    let mut rows = Rows::default();
    for (name, writers, payload) in APPENDS.into_iter().filter(|(name, ..)| wanted(name)) {
        let load = Load::new(writers, payload, ROUND / u32::try_from(scale)?);
        rows.appends.push(appends::row(name, folder, &load, &peers())?);
    }
    for (name, payload) in REPLAYS.into_iter().filter(|(name, _)| wanted(name)) {
        rows.replay.push(replay::row(name, folder, payload, scale)?);
    }
    match rows.appends.is_empty() && rows.replay.is_empty() {
        true => {
            Err(format!("no row is named so; there are {:?} and {REPLAYS:?}", APPENDS.map(|(name, ..)| name)).into())
        }
        false => Ok(rows),
    }
}

/// The subjects; the first is what the others are compared with.
fn peers() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(raw::OneThread),
        Box::new(raw::GroupCommit),
        Box::new(own::Files),
        Box::new(own::Objects),
        Box::new(sqlite::Sqlite),
        Box::new(embedded::Redb),
        Box::new(embedded::Fjall),
        Box::new(embedded::Sled),
    ]
}
