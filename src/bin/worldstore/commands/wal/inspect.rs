//! `worldstore wal inspect`.

use std::sync::Arc;

use serde_json::json;
use worldstore::core::vfs::OsVfs;
use worldstore::core::wal::format::SegmentHeader;
use worldstore::core::wal::{ObjectWalReader, Record, WalReader};
use worldstore::core::wrap::Digester;
use worldstore::{ErrorKind, Result};

use super::place::{Log, Part, Sum};
use crate::commands::fs::show::print_json;
use crate::output::{counted, line};

pub fn run(log: &Log, with_records: bool, json: bool) -> Result<()> {
    let printer = Printer { json };
    match log {
        Log::Files { vfs, name } => {
            let reader = WalReader::open(vfs, name)?;
            let first = files(&reader, printer)?;
            match with_records {
                true => printer.records(reader.replay(first - 1)?),
                false => Ok(()),
            }
        }
        Log::Objects { backend, folder } => {
            let reader = ObjectWalReader::open(Arc::clone(backend), folder.clone())?;
            let mut sum = Sum::default();
            printer.head()?;
            for report in reader.objects()? {
                let part = Part::from(&report?);
                sum.add(&part);
                printer.part(&part)?;
            }
            printer.sum(&reader.log().to_string(), &sum, "object")?;
            match with_records {
                true => printer.records(reader.replay(reader.first() - 1)?),
                false => Ok(()),
            }
        }
    }
}

/// Prints a log in files, and tells its first record.
fn files(reader: &WalReader<OsVfs>, printer: Printer) -> Result<u64> {
    printer.head()?;
    let report = match reader.verify() {
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            // What the headers say is still worth seeing.
            for (name, header) in reader.headers()? {
                printer.part(&unread(name, &header))?;
            }
            return Err(error);
        }
        report => report?,
    };
    let mut sum = Sum::default();
    for segment in &report.segments {
        let part = Part::from(segment);
        sum.add(&part);
        printer.part(&part)?;
    }
    sum.epoch = report.epoch;
    report.superseded.iter().try_for_each(|name| printer.superseded(name))?;
    printer.sum(&report.log.to_string(), &sum, "segment")?;
    Ok(report.first())
}

fn unread(name: String, header: &SegmentHeader) -> Part {
    let &SegmentHeader { number, epoch, first, .. } = header;
    let (last, records, bytes, torn_bytes) = (first - first.min(1), 0, 0, 0);
    Part { name, number, epoch, first, last, records, bytes, state: "unread", end: None, torn_bytes }
}

#[derive(Clone, Copy)]
struct Printer {
    json: bool,
}

impl Printer {
    fn head(self) -> Result<()> {
        match self.json {
            true => Ok(()),
            false => line("  number   epoch        first         last    records          bytes  state   name"),
        }
    }

    fn part(self, part: &Part) -> Result<()> {
        let Part { name, number, epoch, first, last, records, bytes, state, end, torn_bytes } = part;
        if self.json {
            return print_json(&json!({
                "kind": "segment", "name": name, "number": number, "epoch": epoch, "first": first, "last": last,
                "records": records, "bytes": bytes, "state": state, "end": end, "torn_bytes": torn_bytes,
            }));
        }
        let shown = |number: &u64| if *state == "unread" { "?".to_owned() } else { number.to_string() };
        let (last, records, bytes) = (shown(last), shown(records), shown(bytes));
        line(&format!("{number:>8} {epoch:>7} {first:>12} {last:>12} {records:>10} {bytes:>14}  {state:<6}  {name}"))?;
        match (*torn_bytes, end) {
            (0, _) | (_, None) => Ok(()),
            (torn, Some(end)) => line(&format!("{torn:>70} bytes from offset {end} on are no record")),
        }
    }

    fn superseded(self, name: &str) -> Result<()> {
        match self.json {
            true => print_json(&json!({"kind": "superseded", "name": name})),
            false => line(&format!("superseded: {name}, of a writer that had been overtaken")),
        }
    }

    fn sum(self, log: &str, sum: &Sum, one: &str) -> Result<()> {
        match self.json {
            true => print_json(&json!({
                "kind": "log", "log": log, "epoch": sum.epoch, "first": sum.first(), "last": sum.last(),
                "records": sum.records, "bytes": sum.bytes, "parts": sum.parts,
            })),
            false => line(&format!(
                "log {log}, epoch {}, records {}: {} and {} bytes in {}",
                sum.epoch,
                sum.range(),
                counted(sum.records, "record"),
                sum.bytes,
                counted(sum.parts, one),
            )),
        }
    }

    fn records(self, records: impl Iterator<Item = Result<Record>>) -> Result<()> {
        if !self.json {
            line("\n         seq  kind       bytes  crc32c")?;
        }
        for record in records {
            let Record { seq, kind, payload } = record?;
            let (kind, bytes, crc) = (kind.get(), payload.len(), Digester::of(&payload).crc32c);
            match self.json {
                true => print_json(&json!({
                    "kind": "record", "seq": seq, "record_kind": kind, "bytes": bytes, "crc32c": format!("{crc:08x}"),
                }))?,
                false => line(&format!("{seq:>12}  {kind:>4}  {bytes:>10}  {crc:08x}"))?,
            }
        }
        Ok(())
    }
}
