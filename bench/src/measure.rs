//! Interleaved rounds: every subject does the same work in every round, so that a noisy minute hits all alike.

use std::time::Instant;

use serde::Serialize;

use crate::Failure;

/// Rounds of a row. The first one warms up and is not counted.
const ROUNDS: usize = 8;

/// One implementation: does the whole work of a round and returns what it saw.
pub struct Subject<'run> {
    name: &'static str,
    work: Box<dyn FnMut() -> Result<Seen, Failure> + 'run>,
}

impl<'run> Subject<'run> {
    /// Names a piece of work.
    pub fn new(name: &'static str, work: impl FnMut() -> Result<Seen, Failure> + 'run) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// What a piece of work saw or did: equal for all subjects of a row, or the row is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Things: objects, parts, chunks are not counted.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
    /// The sum of a byte out of every 4,096, so that nothing is left unread.
    pub sampled: u64,
}

impl Seen {
    /// Adds one thing with these bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.count += 1;
        self.add_part(bytes);
    }

    /// Adds bytes of a thing that is counted elsewhere. Where parts are cut does not matter.
    pub fn add_part(&mut self, bytes: &[u8]) {
        let skip = (4096 - self.bytes % 4096) % 4096;
        self.sampled += bytes.iter().skip(skip as usize).step_by(4096).map(|byte| u64::from(*byte)).sum::<u64>();
        self.bytes += bytes.len() as u64;
    }

    /// Adds one thing of which only the size is known.
    pub fn add_size(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// The figures of one piece of work.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What was done.
    pub name: String,
    /// How many operations, or bytes if `unit` says so.
    pub amount: u64,
    /// `op` or `byte`.
    pub unit: &'static str,
    /// One entry per subject; the first is what the others are compared with.
    pub figures: Vec<Figure>,
}

/// The times of one subject.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// The subject.
    pub subject: &'static str,
    /// Seconds of the median round.
    pub median: f64,
    /// Seconds of the fastest and the slowest round.
    pub range: (f64, f64),
}

/// Runs the rounds of one row.
///
/// # Errors
/// If a subject fails, or does not see what the first one sees.
pub fn row(
    name: impl Into<String>,
    amount: u64,
    unit: &'static str,
    mut subjects: Vec<Subject<'_>>,
) -> Result<Row, Failure> {
    let name = name.into();
    eprintln!("{name} …");
    let mut times = vec![Vec::with_capacity(ROUNDS); subjects.len()];
    for round in 0..=ROUNDS {
        let mut expected = None;
        for (subject, times) in subjects.iter_mut().zip(&mut times) {
            let start = Instant::now();
            let seen = (subject.work)().map_err(|failure| format!("{name}, {}: {failure}", subject.name))?;
            let time = start.elapsed().as_secs_f64();
            if seen != *expected.get_or_insert(seen) {
                return Err(format!("{name}: {} saw {seen:?}, not {expected:?}", subject.name).into());
            }
            if round > 0 {
                times.push(time);
            }
        }
    }
    let figures = subjects.iter().zip(times).map(|(subject, times)| figure(subject.name, times)).collect();
    Ok(Row { name, amount, unit, figures })
}

fn figure(subject: &'static str, mut times: Vec<f64>) -> Figure {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    let median = if times.len().is_multiple_of(2) { (times[middle - 1] + times[middle]) / 2.0 } else { times[middle] };
    Figure { subject, median, range: (times[0], times[times.len() - 1]) }
}
