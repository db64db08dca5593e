//! Small durable appends, one after the other: what one costs, and whether it costs more as they become many.

use std::time::Duration;

use crate::Failure;

use super::bench::{Bench, turns};
use super::data::Rows;
use super::device::Device;
use super::figures::{Bound, Report, Row, Unit, median, middle, ratio};
use super::ours::{self, Ours};
use super::subject::{Appends, Read, Subject};

const COMMITS: u64 = 10_000;
const BLOCKS: u64 = 100;
const ENTITIES: u64 = 10;
/// What peers get of each block: they are slower, and get slower.
const PEER_LIMIT: Duration = Duration::from_millis(250);
const PEERS: [&str; 3] = ["LanceDB", "PyIceberg", "archetype, Lance"];
const PREALLOCATED: &str = "fdatasync, file of zeros";
const GROWING: &str = "fdatasync, growing file";

/// Commits by one writer. Blocks of all subjects alternate, so each is compared with the device of the same second.
pub fn report(bench: &Bench, name: &str) -> Result<Report, Failure> {
    let each = bench.scaled(COMMITS / BLOCKS, 10);
    let mut worlds: Vec<Ours> = ours::durable().into_iter().map(|kind| Ours::new(&bench.runtime, kind)).collect();
    let mut peers = bench.subjects([], &PEERS);
    for world in &mut worlds {
        world.start(&bench.place(world.name())?)?;
    }
    for peer in &mut peers {
        peer.start(&bench.place(peer.name())?)?;
    }
    let place = bench.place("device")?;
    let (mut ready, mut growing) = (Device::preallocated(&place)?, Device::growing(&place)?);
    let mut counts = vec![0_i64; worlds.len() + peers.len()];
    // The first block warms up, and tells how many bytes a record has.
    let mut bytes = 0;
    let mut blocks: Vec<Vec<Vec<f64>>> = vec![Vec::new(); 2 + counts.len()];
    for block in 0..=BLOCKS {
        for turn in turns(counts.len() + 2, block as usize) {
            let seconds = match turn.checked_sub(2) {
                None if block == 0 => continue,
                None if turn == 0 => ready.write(each, bytes)?,
                None => growing.write(each, bytes)?,
                Some(place) => {
                    let (first, limit) = (counts[place] + 1, Duration::MAX);
                    let work = Appends { entities: ENTITIES, first, ticks: 1, parts: each, limit };
                    let seconds = match worlds.get_mut(place) {
                        Some(world) => world.append(&work)?,
                        None => peers[place - worlds.len()].append(&Appends { limit: PEER_LIMIT, ..work })?,
                    };
                    counts[place] += seconds.len() as i64;
                    seconds
                }
            };
            if block > 0 {
                blocks[turn].push(seconds);
            }
        }
        if block == 0 {
            bytes = record_bytes(&worlds[0])?;
        }
    }
    let mut subjects: Vec<&mut dyn Subject> = worlds.iter_mut().map(|world| world as &mut dyn Subject).collect();
    subjects.extend(peers.iter_mut().map(|peer| peer.as_mut() as &mut dyn Subject));
    let mut names = vec![PREALLOCATED.to_owned(), GROWING.to_owned()];
    for (subject, count) in subjects.into_iter().zip(counts) {
        names.push(subject.name().to_owned());
        check(subject, count)?;
    }
    let mut report = shown(name, &names, &blocks)?;
    report.notes.push(format!("{name}: a record of {ENTITIES} rows has {bytes} bytes in the log"));
    Ok(report)
}

/// Everything that was appended is there.
fn check(subject: &mut dyn Subject, ticks: i64) -> Result<(), Failure> {
    let Read { seen, .. } = subject.read(None)?;
    let expected = Rows { entities: ENTITIES, first: 1, ticks: ticks as u64 }.seen();
    if seen != expected {
        return Err(format!("{} holds {seen:?}, not {expected:?}", subject.name()).into());
    }
    subject.stop()
}

fn record_bytes(world: &Ours) -> Result<usize, Failure> {
    let stats = world.opened()?.0.stats().and_then(|stats| stats.log).ok_or("the world has no log")?;
    Ok((stats.bytes / stats.records.max(1)) as usize)
}

fn shown(name: &str, names: &[String], blocks: &[Vec<Vec<f64>>]) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut all = Row::new(format!("{name}: p50"), Unit::Seconds);
    let mut to_device = Row::new(format!("{name}: p50 to that of fdatasync, block by block"), Unit::Times);
    let mut decay = Row::new(format!("{name}: p50 of the last tenth to the first"), Unit::Times);
    let middles: Vec<Vec<f64>> = blocks
        .iter()
        .map(|blocks| blocks.iter().filter(|block| !block.is_empty()).map(|block| middle(block)).collect())
        .collect::<Result<_, Failure>>()?;
    for (subject, values) in names.iter().zip(&middles) {
        all.push(subject, values);
        let ratios: Vec<f64> = values.iter().zip(&middles[0]).map(|(ours, device)| ours / device).collect();
        to_device.push(subject, &ratios);
        let tenth = (values.len() / 10).max(1);
        let (first, last) = (median(&values[..tenth]), median(&values[values.len() - tenth..]));
        decay.push(subject, &ratio(last, first).into_iter().collect::<Vec<_>>());
    }
    for kind in ours::durable() {
        let what = |text: &str| format!("{name}, {}: {text}", kind.name);
        report.aim(what("p50 to that of one fdatasync"), Bound::AtMost(1.3), to_device.median(kind.name));
        report.aim(what("last tenth to first"), Bound::AtMost(1.1), decay.median(kind.name));
        for (peer, times) in [("LanceDB (unsynced)", 10.0), ("PyIceberg (catalog synced)", 100.0)] {
            let faster = ratio(all.median(peer), all.median(kind.name));
            report.aim(what(&format!("p50 of {peer} to ours")), Bound::AtLeast(times), faster);
        }
    }
    report.rows = vec![all, to_device, decay];
    Ok(report)
}
