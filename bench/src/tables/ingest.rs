//! Buffered appends of a thousand rows: how many rows a core takes, and how long an append waits while a flush runs.

use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use worldstore::{CacheConfig, TableFormat};

use crate::Failure;

use super::bench::{Bench, turns};
use super::data::{Rows, Seen, TABLE};
use super::figures::{Bound, Report, Row, Unit, median};
use super::ours::{Kind, scan};
use super::subject::Appends;

const ENTITIES: u64 = 1_000;
const BATCHES: u64 = 5_000;
/// Distinct batches: their ticks are those of the appends, their values repeat.
const DISTINCT: u64 = 500;
const ROUNDS: usize = 5;
const CACHED: &str = "archetype, Lance, cached";
const LIMIT: Duration = Duration::from_secs(4);

/// One thread appends.
pub fn report(bench: &Bench, name: &str) -> Result<Report, Failure> {
    let batches =
        (1..=DISTINCT as i64).map(|tick| Rows::tick(ENTITIES, tick).components()).collect::<Result<Vec<_>, _>>()?;
    let kinds = kinds();
    let mut peers = bench.subjects([], &[CACHED]);
    let mut rates = vec![Vec::new(); kinds.len() + peers.len()];
    let mut middles = rates.clone();
    let mut longest = rates.clone();
    for round in 0..=ROUNDS {
        for place in turns(rates.len(), round) {
            let seconds = match kinds.get(place) {
                Some(kind) => ours(bench, kind, &batches)?,
                None => {
                    let peer = &mut peers[place - kinds.len()];
                    peer.start(&bench.place(peer.name())?)?;
                    let work =
                        Appends { entities: ENTITIES, first: 1, ticks: 1, parts: BATCHES / bench.scale, limit: LIMIT };
                    let seconds = peer.append(&work)?;
                    peer.stop()?;
                    seconds
                }
            };
            if round > 0 {
                rates[place].push(seconds.len() as f64 * ENTITIES as f64 / seconds.iter().sum::<f64>());
                middles[place].push(median(&seconds).unwrap_or_default());
                longest[place].push(seconds.iter().copied().fold(0.0, f64::max));
            }
        }
    }
    let names: Vec<String> =
        kinds.iter().map(|kind| kind.name.to_owned()).chain(peers.iter().map(|peer| peer.name().to_owned())).collect();
    let mut rows = [
        Row::new(format!("{name}: rows, one thread"), Unit::PerSecond),
        Row::new(format!("{name}: p50 of an append"), Unit::Seconds),
        Row::new(format!("{name}: the longest append"), Unit::Seconds),
    ];
    for (place, subject) in names.iter().enumerate() {
        rows[0].push(subject, &rates[place]);
        rows[1].push(subject, &middles[place]);
        rows[2].push(subject, &longest[place]);
    }
    let mut report = Report::default();
    for kind in &kinds {
        let what = format!("{name}, {}: rows per second", kind.name);
        report.aim(what, Bound::AtLeast(10e6), rows[0].median(kind.name));
    }
    for kind in &kinds[2..] {
        let what = format!("{name}, {}: seconds of the longest append", kind.name);
        report.aim(what, Bound::AtMost(0.01), rows[2].median(kind.name));
    }
    report.rows = rows.into();
    Ok(report)
}

/// Nothing is flushed before the end in the first two; in the others, every million rows while more are appended.
fn kinds() -> [Kind; 5] {
    let never = CacheConfig::default()
        .with_flush_rows(usize::MAX)
        .with_flush_mb(8192)
        .with_global_mb(8192)
        .with_idle_sec(3600.0);
    let flushing = |kind: Kind| {
        let cache = kind.cache.with_flush_rows(1_000_000);
        kind.with_cache(cache)
    };
    let buffered = Kind::buffered("worldstore, log not awaited", TableFormat::Lance);
    let logged_never = never.with_durability(buffered.cache.durability);
    [
        Kind::unlogged("worldstore, no log", TableFormat::Lance).with_cache(never),
        buffered.with_cache(logged_never),
        flushing(Kind::unlogged("worldstore, no log, flushing to Lance", TableFormat::Lance)),
        flushing(Kind::unlogged("worldstore, no log, flushing to Iceberg", TableFormat::Iceberg)),
        flushing(Kind::buffered("worldstore, log not awaited, flushing to Lance", TableFormat::Lance)),
    ]
}

fn ours(bench: &Bench, kind: &Kind, batches: &[RecordBatch]) -> Result<Vec<f64>, Failure> {
    let appends = BATCHES / bench.scale;
    let place = bench.place(kind.name)?;
    let seconds = bench.runtime.block_on(async {
        let (world, run) = kind.create(&place).await?;
        // The table is there before anyone is in a hurry.
        let _ = run.append(0, TABLE, &batches[0]).await?;
        let mut seconds = Vec::with_capacity(appends as usize);
        for (tick, batch) in (1..=appends as i64).zip(batches.iter().cycle()) {
            let start = Instant::now();
            let _ = run.append(tick, TABLE, batch).await?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        let (count, expected) = (run.now().count(TABLE).await?, (appends + 1) * ENTITIES);
        let last = run.now().collect(TABLE, &scan(Some(1))).await?;
        if count != expected || Seen::of(&last)? != Rows::tick(ENTITIES, 1).seen() {
            return Err::<_, Failure>(format!("{}: {count} rows of {expected}", kind.name).into());
        }
        world.shutdown().await?;
        Ok(seconds)
    })?;
    std::fs::remove_dir_all(&place)?;
    Ok(seconds)
}
