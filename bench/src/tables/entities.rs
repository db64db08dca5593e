//! Ticks of entities that are applied durably to the tables of a world.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use tokio::runtime::Runtime;
use worldstore::ecs::{AsyncEntities, Component, Entity, Query, Updates, WorldTables, zerocopy};
use worldstore::{World, WorldOptions};

use crate::Failure;

use super::bench::{Bench, turns};
use super::data::{RUN, WORLD};
use super::device::Device;
use super::figures::{Bound, Report, Row, Unit, median};
use super::ours::{self, Kind};

const ENTITIES: usize = 10_000;
const TICKS: u64 = 100;
const DEVICE: &str = "fdatasync, file of zeros";

/// What changes with each tick.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Component,
    zerocopy::FromBytes,
    zerocopy::Immutable,
    zerocopy::IntoBytes,
    zerocopy::KnownLayout,
)]
#[zerocopy(crate = "worldstore::ecs::zerocopy")]
#[component(plain, crate = worldstore::ecs)]
#[repr(C)]
struct Position {
    x: f32,
    y: f32,
    z: f32,
}

/// What stays.
#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(crate = worldstore::ecs)]
struct Health(u32);

fn position(place: usize, tick: u64) -> Position {
    Position { x: place as f32, y: tick as f32, z: (place as u64 + tick) as f32 }
}

/// A world whose entities are changed.
struct Subject<'a> {
    runtime: &'a Runtime,
    kind: Kind,
    folder: PathBuf,
    world: World,
    entities: AsyncEntities<WorldTables>,
    all: Vec<Entity>,
}

impl<'a> Subject<'a> {
    fn start(bench: &'a Bench, kind: Kind) -> Result<Self, Failure> {
        let (runtime, folder) = (&*bench.runtime, bench.place(&format!("entities, {}", kind.name))?);
        let started = runtime.block_on(async {
            let (world, run) = kind.create(&folder).await?;
            let mut entities = AsyncEntities::new(WorldTables::open(&run).await?);
            let all = entities.spawn_many((0..ENTITIES).map(|place| (position(place, 0), Health(100)))).await?;
            Ok::<_, Failure>((world, entities, all))
        });
        let (world, entities, all) = started?;
        Ok(Self { runtime, kind, folder, world, entities, all })
    }

    /// The changes are made as a list first, as the systems of a simulation give them; the time is that of the storage.
    fn tick(&mut self, tick: u64) -> Result<f64, Failure> {
        let mut updates = Updates::new();
        for (place, entity) in self.all.iter().enumerate() {
            updates.update(*entity, position(place, tick))?;
        }
        let start = Instant::now();
        self.runtime.block_on(self.entities.apply(&updates))?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Bytes of the log, by the records that it has.
    fn log_bytes(&self) -> Result<u64, Failure> {
        Ok(self.world.stats().and_then(|stats| stats.log).ok_or("the world has no log")?.bytes)
    }

    /// Opens the world again, and compares everything with what was written last.
    fn check(self, tick: u64) -> Result<(), Failure> {
        let Self { runtime, kind, folder, world, entities, all } = self;
        drop(entities);
        let expected: BTreeMap<Entity, Position> =
            all.iter().enumerate().map(|(place, entity)| (*entity, position(place, tick))).collect();
        runtime.block_on(async {
            world.shutdown().await?;
            let options = WorldOptions::default().with_format(kind.format).with_name(WORLD);
            let world = World::open(folder.to_str().ok_or("the folder's name is not UTF-8")?, &options).await?;
            let entities = AsyncEntities::new(WorldTables::open(&world.run(RUN).await?).await?);
            let found = entities.found(&Query::new(["Position", "Health"])).await?;
            let values = entities.get_many::<Position>(&found).await?;
            let read: BTreeMap<Entity, Position> =
                found.into_iter().zip(values).filter_map(|(entity, value)| Some((entity, value?))).collect();
            drop(entities);
            world.shutdown().await?;
            match read == expected {
                true => Ok(()),
                false => Err(format!("{} has other positions than were written", kind.name).into()),
            }
        })
    }
}

/// All of them are changed with each tick. Ticks of all subjects alternate, and with them a write of as many bytes.
pub fn report(bench: &Bench, name: &str) -> Result<Report, Failure> {
    let ticks = bench.scaled(TICKS, 10);
    let mut subjects: Vec<Subject<'_>> =
        ours::durable().into_iter().map(|kind| Subject::start(bench, kind)).collect::<Result<_, _>>()?;
    let mut device = Device::preallocated(&bench.place("device")?)?;
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); subjects.len() + 1];
    // The first tick warms up, and tells how many bytes a record has.
    let before = subjects.first().ok_or("there is no subject")?.log_bytes()?;
    let mut bytes = 0;
    for tick in 1..=ticks + 1 {
        for turn in turns(seconds.len(), tick as usize) {
            let took = match turn.checked_sub(1) {
                None if tick == 1 => continue,
                None => device.write(1, bytes)?.into_iter().sum(),
                Some(place) => subjects.get_mut(place).ok_or("there is no such subject")?.tick(tick)?,
            };
            if tick > 1 {
                seconds.get_mut(turn).ok_or("there is no such subject")?.push(took);
            }
        }
        if tick == 1 {
            bytes = (subjects.first().ok_or("there is no subject")?.log_bytes()? - before) as usize;
        }
    }
    let names = [DEVICE].into_iter().chain(subjects.iter().map(|subject| subject.kind.name));
    let mut report = shown(name, &names.collect::<Vec<_>>(), &seconds);
    report.notes.push(format!("{name}: a tick of {ENTITIES} changed entities has {bytes} bytes in the log"));
    subjects.into_iter().try_for_each(|subject| subject.check(ticks + 1))?;
    Ok(report)
}

fn shown(name: &str, names: &[&str], seconds: &[Vec<f64>]) -> Report {
    let mut report = Report::default();
    let mut half = Row::new(format!("{name}: p50"), Unit::Seconds);
    let mut most = Row::new(format!("{name}: p99"), Unit::Seconds);
    for (subject, values) in names.iter().zip(seconds) {
        half.push(*subject, values);
        most.push(*subject, percentile(values, 99).as_slice());
        if *subject != DEVICE {
            let milliseconds = median(values).map(|seconds| seconds * 1e3);
            report.aim(format!("{name}, {subject}: milliseconds"), Bound::AtMost(20.0), milliseconds);
        }
    }
    report.rows = vec![half, most];
    report
}

/// The least value that so many in a hundred do not exceed.
fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}
