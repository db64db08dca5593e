//! Reading as of ticks far back.

use std::time::{Duration, Instant};

use crate::Failure;

use super::bench::{Bench, turns};
use super::data::{Rows, Seen, TABLE};
use super::figures::{Report, Row, Unit};
use super::ours::{self, Ours};
use super::subject::{Appends, Subject};

const TICKS: u64 = 1_000;
const ENTITIES: u64 = 1_000;
/// Everyone writes in so many parts: the peers cannot make a thousand commits in the time there is.
const PARTS: u64 = 10;
const READS: usize = 20;
const LIMIT: Duration = Duration::from_secs(60);
const PEERS: [&str; 5] = ["archetype, Lance", "archetype, Iceberg", "LanceDB", "PyIceberg", "Daft"];

/// Rows of a tick, and states as of a tick, all over a history of so many.
pub fn report(bench: &Bench, name: &str) -> Result<Report, Failure> {
    let ticks = bench.scaled(TICKS, 100);
    let mut worlds: Vec<Ours> = ours::durable().into_iter().map(|kind| Ours::new(&bench.runtime, kind)).collect();
    let mut peers = bench.subjects([], &PEERS);
    let mut subjects: Vec<&mut dyn Subject> = worlds.iter_mut().map(|world| world as &mut dyn Subject).collect();
    subjects.extend(peers.iter_mut().map(|peer| peer.as_mut() as &mut dyn Subject));
    for subject in &mut subjects {
        subject.start(&bench.place(subject.name())?)?;
        for part in 0..PARTS {
            let ticks = ticks / PARTS;
            let first = 1 + (part * ticks) as i64;
            subject.append(&Appends { entities: ENTITIES, first, ticks, parts: 1, limit: LIMIT })?;
            subject.flush()?;
        }
    }
    let mut times = vec![Vec::new(); subjects.len()];
    for read in 0..READS {
        let tick = tick_of(read, ticks);
        for place in turns(subjects.len(), read) {
            let found = subjects[place].read(Some(tick))?;
            expect(subjects[place].name(), found.seen, Rows::tick(ENTITIES, tick).seen())?;
            times[place].push(found.seconds);
        }
    }
    let mut rows = Row::new(format!("{name}: rows of a tick"), Unit::Seconds);
    for (subject, times) in subjects.iter().zip(&times) {
        rows.push(subject.name(), times);
    }
    drop(subjects);
    let mut states = Row::new(format!("{name}: state as of a tick"), Unit::Seconds);
    for world in &worlds {
        states.push(world.name(), &self::states(bench, world, ticks)?);
    }
    worlds.iter_mut().try_for_each(Subject::stop)?;
    peers.iter_mut().try_for_each(|peer| peer.stop())?;
    Ok(Report { rows: vec![rows, states], ..Report::default() })
}

/// The newest row of each entity up to a tick.
fn states(bench: &Bench, world: &Ours, ticks: u64) -> Result<Vec<f64>, Failure> {
    let (_, run) = world.opened()?;
    let mut times = Vec::new();
    for read in 0..READS / 2 {
        let tick = tick_of(read, ticks);
        let start = Instant::now();
        let batches = bench.runtime.block_on(run.as_of(tick).collect_state(TABLE))?;
        times.push(start.elapsed().as_secs_f64());
        expect(world.name(), Seen::of(&batches)?, Rows::tick(ENTITIES, tick).seen())?;
    }
    Ok(times)
}

/// Ticks all over, in no order.
fn tick_of(read: usize, ticks: u64) -> i64 {
    1 + (read as u64 * 617 % ticks) as i64
}

fn expect(name: &str, seen: Seen, expected: Seen) -> Result<(), Failure> {
    match seen == expected {
        true => Ok(()),
        false => Err(format!("{name} saw {seen:?}, not {expected:?}").into()),
    }
}
