//! `worldstore wal verify`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde_json::{Value, json};
use worldstore::core::wal::{ObjectWalReader, Salvage, WalReader, survey, survey_objects};
use worldstore::{Error, ErrorKind, Result};

use super::place::{Log, Part, Sum};
use crate::commands::blocking;
use crate::commands::fs::show::print_json;
use crate::output::{counted, line};
use crate::progress::shown;

/// What was read of a log, and what an earlier salvage had lost; or what is damaged, and what can be read around it.
type Found = std::result::Result<(Sum, Vec<RangeInclusive<u64>>), (Error, Salvage)>;

pub async fn run(log: Log, json: bool) -> Result<()> {
    match shown("reading every byte", json, blocking(move || find(&log))).await? {
        Ok((sum, lost)) => print_sound(&sum, &lost, json),
        Err((error, found)) => {
            let (before, after) = around(&error, &found);
            // That there is damage is the answer, also where nobody could read which.
            drop(print_damage(&error, &found, (before, after), json));
            Err(error.with("records_before", before).with("records_after", after))
        }
    }
}

fn find(log: &Log) -> Result<Found> {
    match read(log) {
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            let found = match log {
                Log::Files { vfs, name } => survey(vfs, name)?,
                Log::Objects { backend, folder } => survey_objects(Arc::clone(backend), folder.clone())?,
            };
            Ok(Err((error, found)))
        }
        sound => sound.map(Ok),
    }
}

/// Reads all of it.
fn read(log: &Log) -> Result<(Sum, Vec<RangeInclusive<u64>>)> {
    let (mut sum, mut lost) = (Sum::default(), Vec::new());
    match log {
        Log::Files { vfs, name } => {
            let report = WalReader::open(vfs, name)?.verify()?;
            report.segments.iter().for_each(|segment| sum.add(&Part::from(segment)));
            sum.epoch = report.epoch;
            lost.extend(report.segments.into_iter().flat_map(|segment| segment.lost));
        }
        Log::Objects { backend, folder } => {
            for report in ObjectWalReader::open(Arc::clone(backend), folder.clone())?.objects()? {
                sum.add(&Part::from(&report?));
            }
        }
    }
    Ok((sum, lost))
}

/// How many records can be read before the first damage, and behind it.
fn around(error: &Error, found: &Salvage) -> (u64, u64) {
    let Some(records) = &found.records else { return (0, 0) };
    let expected = error.context().find(|(key, _)| *key == "expected").and_then(|(_, value)| value.parse().ok());
    let first_lost = found.lost.first().map(|range| *range.start());
    let Some(damaged) = expected.or(first_lost) else { return (found.copied, 0) };
    let lost_before: u64 = found.lost.iter().filter(|range| *range.end() < damaged).map(count).sum();
    let end = damaged.clamp(*records.start(), *records.end() + 1);
    let before = (end - records.start()).saturating_sub(lost_before);
    (before, found.copied.saturating_sub(before))
}

fn count(range: &RangeInclusive<u64>) -> u64 {
    range.end() - range.start() + 1
}

/// Ranges as pairs.
pub fn pairs(ranges: &[RangeInclusive<u64>]) -> Value {
    ranges.iter().map(|range| json!([range.start(), range.end()])).collect()
}

fn print_sound(sum: &Sum, lost: &[RangeInclusive<u64>], json: bool) -> Result<()> {
    if json {
        return print_json(&json!({
            "sound": true, "records": sum.records, "first": sum.first(), "last": sum.last(), "bytes": sum.bytes,
            "parts": sum.parts, "epoch": sum.epoch, "torn_bytes": sum.torn_bytes, "lost": pairs(lost),
        }));
    }
    line(&format!("sound: {}, {}, epoch {}", counted(sum.records, "record"), sum.range(), sum.epoch))?;
    if sum.torn_bytes > 0 {
        line(&format!("torn tail of {}, which the next writer cuts", counted(sum.torn_bytes, "byte")))?;
    }
    lost.iter().try_for_each(|range| line(&format!("lost in an earlier salvage: {range:?}")))
}

fn print_damage(error: &Error, found: &Salvage, (before, after): (u64, u64), json: bool) -> Result<()> {
    // The survey may pass over what only the order of the parts shows.
    let told: Vec<String> = match found.damage.is_empty() {
        true => vec![error.to_string()],
        false => found.damage.iter().map(ToString::to_string).collect(),
    };
    match json {
        true => print_json(&json!({
            "sound": false, "damage": told, "lost": pairs(&found.lost),
            "records_before": before, "records_after": after,
        })),
        false => told.iter().try_for_each(|damage| line(damage)),
    }
}
