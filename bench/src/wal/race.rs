//! Threads that append at the same time, and what it took.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

use super::load::Load;

/// One round of one subject.
pub struct Run {
    /// From the first append's beginning to the last one's end.
    pub took: Duration,
    /// Appends that were acknowledged, by writer.
    pub appended: Vec<u64>,
    /// Nanoseconds of every append.
    pub latencies: Vec<u64>,
}

/// What one writer did.
struct Lane {
    /// Appends before the others were ready too.
    warm: u64,
    start: Instant,
    end: Instant,
    latencies: Vec<u64>,
}

/// Lets every writer append its records, one after the other. `append` returns when the record is durable. Nothing is
/// timed until all have appended for a while.
pub fn race(load: &Load, append: impl Fn(&[u8]) -> Result<(), Failure> + Sync) -> Result<Run, Failure> {
    let (append, barrier) = (&append, &Barrier::new(load.writers));
    let lanes: Vec<Lane> = thread::scope(|scope| {
        let writers: Vec<_> =
            (0..load.writers).map(|writer| scope.spawn(move || lane(load, writer, barrier, append))).collect();
        writers
            .into_iter()
            .map(|writer| writer.join().map_err(|_| "a writer panicked")?)
            .collect::<Result<_, Failure>>()
    })?;
    let start = lanes.iter().map(|lane| lane.start).min().ok_or("no writers")?;
    let end = lanes.iter().map(|lane| lane.end).max().ok_or("no writers")?;
    Ok(Run {
        took: end - start,
        appended: lanes.iter().map(|lane| lane.warm + lane.latencies.len() as u64).collect(),
        latencies: lanes.into_iter().flat_map(|lane| lane.latencies).collect(),
    })
}

fn lane(
    load: &Load,
    writer: usize,
    barrier: &Barrier,
    append: &(impl Fn(&[u8]) -> Result<(), Failure> + Sync),
) -> Result<Lane, Failure> {
    let (mut records, mut latencies) = (load.records(writer), Vec::with_capacity(load.each_max));
    barrier.wait();
    let (begin, mut warm, mut failed) = (Instant::now(), 0, None);
    while warm < load.warm_max() && begin.elapsed() < load.warm_up() && failed.is_none() {
        failed = append(records.step()).err();
        warm += 1;
    }
    // The others wait here for one that failed as well.
    barrier.wait();
    failed.map_or(Ok(()), Err)?;
    let start = Instant::now();
    let mut end = start;
    while latencies.len() + warm < load.each_max && end.duration_since(start) < load.time {
        append(records.step())?;
        let now = Instant::now();
        latencies.push(u64::try_from(now.duration_since(end).as_nanos())?);
        end = now;
    }
    Ok(Lane { warm: warm as u64, start, end, latencies })
}
