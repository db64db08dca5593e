//! Interleaved rounds of appends: every subject in every round, in turning order, each opened again and checked.

use std::fs::{self, File};
use std::path::Path;

use serde::Serialize;

use crate::Failure;

use super::load::{Found, Load};
use super::peer::Peer;
use super::race::Run;

/// Rounds of a row: many short ones, so that what disturbs the device for seconds disturbs all. The first one warms up and
/// is not counted.
const ROUNDS: usize = 16;

/// The figures of one number of writers and one size of records.
#[derive(Debug, Serialize)]
pub struct AppendRow {
    /// What was done.
    pub name: &'static str,
    /// Threads.
    pub writers: usize,
    /// Bytes of a record.
    pub payload: usize,
    /// One entry per subject; the first is what the others are compared with.
    pub figures: Vec<AppendFigure>,
}

/// The figures of one subject.
#[derive(Debug, Serialize)]
pub struct AppendFigure {
    /// The subject.
    pub subject: &'static str,
    /// Acknowledged appends per second: the median round, the slowest and the fastest.
    pub rate: f64,
    /// The slowest and the fastest round.
    pub range: (f64, f64),
    /// Half of the appends of a round took at most so many nanoseconds; the median of the rounds.
    pub p50: f64,
    /// 99 % of the appends of a round took at most so many nanoseconds; the median of the rounds.
    pub p99: f64,
}

#[derive(Default)]
struct Rounds {
    rates: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, mut run: Run) {
        run.latencies.sort_unstable();
        let at = |part: usize| run.latencies[(run.latencies.len() * part / 100).min(run.latencies.len() - 1)] as f64;
        self.rates.push(run.latencies.len() as f64 / run.took.as_secs_f64());
        self.p50.push(at(50));
        self.p99.push(at(99));
    }

    fn figure(mut self, subject: &'static str) -> AppendFigure {
        let rate = median(&mut self.rates);
        let range = (self.rates[0], self.rates[self.rates.len() - 1]);
        AppendFigure { subject, rate, range, p50: median(&mut self.p50), p99: median(&mut self.p99) }
    }
}

/// Runs the rounds of one row.
///
/// # Errors
/// If a subject fails, or does not hold exactly the records that it acknowledged when it is opened again.
pub fn row(name: &'static str, folder: &Path, load: &Load, peers: &[Box<dyn Peer>]) -> Result<AppendRow, Failure> {
    eprintln!("{name} …");
    let mut rounds: Vec<Rounds> = peers.iter().map(|_| Rounds::default()).collect();
    for round in 0..=ROUNDS {
        for turn in 0..peers.len() {
            let place = (round + turn) % peers.len();
            let peer = peers[place].as_ref();
            let run = checked(peer, folder, load).map_err(|failure| format!("{name}, {}: {failure}", peer.name()))?;
            if round > 0 {
                rounds[place].add(run);
            }
        }
    }
    let figures = peers.iter().zip(rounds).map(|(peer, rounds)| rounds.figure(peer.name())).collect();
    Ok(AppendRow { name, writers: load.writers, payload: load.payload, figures })
}

fn checked(peer: &dyn Peer, folder: &Path, load: &Load) -> Result<Run, Failure> {
    let place = tempfile::tempdir_in(folder)?;
    settle(folder)?;
    let run = peer.run(place.path(), load)?;
    let mut found = Found::default();
    peer.read(place.path(), load, &mut |record| found.add(record))?;
    match load.expected(&run.appended) {
        expected if expected == found => {}
        expected => return Err(format!("holds {found:?} after acknowledging {expected:?}").into()),
    }
    fs::remove_dir_all(place.path())?;
    Ok(run)
}

/// Writes out what earlier subjects left to the system, so that nobody waits for another's bytes.
pub fn settle(folder: &Path) -> Result<(), Failure> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] }
}
