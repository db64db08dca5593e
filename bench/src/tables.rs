//! Tables of worlds against other stores of ticks: steps, small and large appends, reads, memory.

mod after;
mod as_of;
mod bench;
mod bulk;
mod commits;
mod data;
mod device;
mod entities;
mod figures;
mod ingest;
mod memory;
mod ours;
mod peer;
mod python;
mod show;
mod steps;
mod subject;

use std::path::Path;

use crate::Failure;

use bench::Bench;
use figures::Report;
use python::Python;

pub use memory::child as memory_child;
pub use show::show;

type Run = fn(&Bench, &str) -> Result<Report, Failure>;

const ROWS: [(&str, Run); 9] = [
    ("1,000 entities", |bench, name| steps::report(bench, name, 1_000)),
    ("10,000 entities", |bench, name| steps::report(bench, name, 10_000)),
    ("ticks of entities", entities::report),
    ("small commits", commits::report),
    ("after 1,000 commits", after::report),
    ("as of 1,000 ticks", as_of::report),
    ("bulk append", bulk::report),
    ("buffered ingest", ingest::report),
    ("peak memory", memory::report),
];

/// Runs the rows whose name contains `only`. Without an interpreter, or where it lacks some, rows are without those
/// peers, and a note says so.
pub fn report(folder: &Path, scale: usize, only: Option<&str>, python: Option<&Path>) -> Result<Report, Failure> {
    let mut report = Report::default();
    let python = python.map(Python::start).transpose()?;
    match &python {
        None => report.notes.push("without peers: no Python has them".to_owned()),
        Some(python) => {
            let versions = python.versions.iter().map(|(peer, version)| format!("peer: {peer} {version}"));
            let missing = python.missing.iter().map(|(peer, reason)| format!("missing: {peer}, {reason}"));
            report.notes.extend(versions.chain(missing));
        }
    }
    let bench = Bench::new(folder, scale, python)?;
    for (name, run) in ROWS.into_iter().filter(|(name, _)| only.is_none_or(|only| name.contains(only))) {
        eprintln!("{name} …");
        report.extend(run(&bench, name).map_err(|failure| format!("{name}: {failure}"))?);
    }
    match report.rows.is_empty() {
        true => Err(format!("no row is named so; there are {:?}", ROWS.map(|(name, _)| name)).into()),
        false => Ok(report),
    }
}
