//! Reading right after many small commits, against reading the same rows compacted.

use std::time::Duration;

use worldstore::TableFormat;

use crate::Failure;

use super::bench::{Bench, turns};
use super::data::{Rows, Seen};
use super::figures::{Bound, Report, Row, Unit, ratio};
use super::ours::{self, Kind};
use super::subject::{Appends, Subject};

const COMMITS: u64 = 1_000;
/// Commits that reach the table each, with a manifest of the world.
const TABLE_COMMITS: u64 = 200;
const ENTITIES: u64 = 10;
const READS: usize = 9;
const LIMIT: Duration = Duration::from_secs(20);
const COMMITTED: &str = "worldstore, Lance, each committed";
const PEERS: [&str; 3] = ["archetype, Lance, cached", "archetype, Lance", "LanceDB"];

/// Reads of everything, right after the last commit and once it is compacted.
pub fn report(bench: &Bench, name: &str) -> Result<Report, Failure> {
    let mut report = Report::default();
    let committed = Kind::durable(COMMITTED, TableFormat::Lance).committing();
    let mut subjects = bench.subjects(ours::durable().into_iter().chain([committed]), &PEERS);
    let mut rows: Vec<Seen> = Vec::new();
    for subject in &mut subjects {
        subject.start(&bench.place(subject.name())?)?;
        let commits = if subject.name() == COMMITTED { TABLE_COMMITS } else { COMMITS };
        let parts = bench.scaled(commits, 20);
        let work = Appends { entities: ENTITIES, first: 1, ticks: 1, parts, limit: LIMIT };
        let made = subject.append(&work)?.len() as u64;
        if made < parts || commits < COMMITS {
            report.notes.push(format!("{name}: {} made {made} commits", subject.name()));
        }
        rows.push(Rows { entities: ENTITIES, first: 1, ticks: made }.seen());
    }
    let names: Vec<String> = subjects.iter().map(|subject| subject.name().to_owned()).collect();
    let after = reads(&mut subjects, &rows)?;
    let compactions = subjects.iter_mut().map(|subject| subject.compact()).collect::<Result<Vec<_>, _>>()?;
    let compacted = reads(&mut subjects, &rows)?;
    let mut shown = [
        Row::new(format!("{name}: read right after"), Unit::Seconds),
        Row::new(format!("{name}: read once compacted"), Unit::Seconds),
        Row::new(format!("{name}: right after to compacted"), Unit::Times),
        Row::new(format!("{name}: compaction"), Unit::Seconds),
    ];
    for (place, subject) in names.iter().enumerate() {
        shown[0].push(subject, &after[place]);
        shown[1].push(subject, &compacted[place]);
        let times = ratio(shown[0].median(subject), shown[1].median(subject));
        shown[2].push(subject, &times.into_iter().collect::<Vec<_>>());
        shown[3].push(subject, &[compactions[place]]);
    }
    for kind in ours::durable() {
        let what = format!("{name}, {}: read right after to compacted", kind.name);
        report.aim(what, Bound::AtMost(2.0), shown[2].median(kind.name));
    }
    report.aim(
        format!("{name}, {COMMITTED}: read right after to compacted"),
        Bound::AtMost(2.0),
        shown[2].median(COMMITTED),
    );
    for subject in &mut subjects {
        subject.stop()?;
    }
    report.rows = shown.into();
    Ok(report)
}

fn reads(subjects: &mut [Box<dyn Subject>], expected: &[Seen]) -> Result<Vec<Vec<f64>>, Failure> {
    let mut seconds = vec![Vec::new(); subjects.len()];
    for round in 0..=READS {
        for place in turns(subjects.len(), round) {
            let read = subjects[place].read(None)?;
            if read.seen != expected[place] {
                let name = subjects[place].name();
                return Err(format!("{name} saw {:?}, not {:?}", read.seen, expected[place]).into());
            }
            if round > 0 {
                seconds[place].push(read.seconds);
            }
        }
    }
    Ok(seconds)
}
