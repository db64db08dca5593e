//! A million rows at once, until they are in the table: against the bare writers of the two formats.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{RecordBatch, RecordBatchIterator};
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use worldstore::{CacheConfig, TableFormat};

use crate::Failure;

use super::bench::{Bench, turns};
use super::data::{Rows, Seen, TABLE};
use super::figures::{Bound, Report, Row, Unit, ratio};
use super::ours::{Kind, scan};
use super::subject::{Appends, Read, Subject};

const ROWS: u64 = 1_000_000;
const ROUNDS: usize = 5;
const PEERS: [&str; 4] = ["LanceDB", "PyIceberg", "Daft", "archetype, Lance"];

/// What writes the rows of one tick into tables that have a row already.
type Work<'bench> = Box<dyn FnMut(&Path, &Input) -> Result<(f64, Option<Seen>), Failure> + 'bench>;

/// The same rows, with and without what a world adds.
struct Input {
    entities: u64,
    components: RecordBatch,
    stored: RecordBatch,
}

/// Appends of a million rows in one batch.
pub fn report(bench: &Bench, name: &str) -> Result<Report, Failure> {
    let rows = Rows::tick(bench.scaled(ROWS, 10_000), 2);
    let input = Input { entities: rows.entities, components: rows.components()?, stored: rows.stored()? };
    let expected = rows.seen();
    let mut report = Report::default();
    for (format, bare) in [(TableFormat::Lance, "Lance"), (TableFormat::Iceberg, "Parquet")] {
        let (mut names, mut works) = subjects(bench, format);
        let mut times = vec![Vec::new(); works.len()];
        for round in 0..=ROUNDS {
            for place in turns(works.len(), round) {
                let folder = bench.place(&names[place])?;
                let (seconds, seen) = works[place](&folder, &input)?;
                if seen.is_some_and(|seen| seen != expected) {
                    return Err(format!("{} saw {seen:?}, not {expected:?}", names[place]).into());
                }
                if round > 0 {
                    times[place].push(rows.count() as f64 / seconds);
                }
                fs::remove_dir_all(&folder)?;
            }
        }
        let mut row = Row::new(format!("{name}, {format}"), Unit::PerSecond);
        names.iter_mut().zip(&times).for_each(|(name, times)| row.push(name.as_str(), times));
        for ours in names.iter().filter(|name| name.starts_with("worldstore")) {
            for peer in [format!("bare {bare} writer"), format!("bare {bare} writer, files synced")] {
                let times = ratio(row.median(ours), row.median(&peer));
                report.aim(format!("{name}, {ours}: rate to {peer}"), Bound::AtLeast(0.95), times);
            }
        }
        report.rows.push(row);
    }
    Ok(report)
}

fn subjects(bench: &Bench, format: TableFormat) -> (Vec<String>, Vec<Work<'_>>) {
    let is_lance = format == TableFormat::Lance;
    let bare = if is_lance { "bare Lance writer" } else { "bare Parquet writer" };
    let mut names = vec![bare.to_owned(), format!("{bare}, files synced")];
    let write = move |folder: &Path, input: &Input| match is_lance {
        true => bare_lance(bench, folder, input),
        false => bare_parquet(folder, input),
    };
    let mut works: Vec<Work<'_>> = vec![
        Box::new(move |folder, input| Ok((timed(|| write(folder, input))?, None))),
        Box::new(move |folder, input| Ok((timed(|| write(folder, input).and_then(|()| sync(folder)))?, None))),
    ];
    // Nothing but the appended rows decides when they are committed.
    let calm = CacheConfig::default().with_flush_rows(usize::MAX).with_idle_sec(3600.0);
    let kinds = match is_lance {
        true => [
            Kind::unlogged("worldstore, Lance, no log", format).with_cache(calm),
            Kind::durable("worldstore, Lance", format).with_cache(calm),
        ],
        false => [
            Kind::unlogged("worldstore, Iceberg, no log", format).with_cache(calm),
            Kind::durable("worldstore, Iceberg", format).with_cache(calm),
        ],
    };
    for kind in kinds {
        names.push(kind.name.to_owned());
        works.push(Box::new(move |folder, input| world(bench, &kind, folder, input)));
    }
    let mine: &[&str] = if is_lance { &[PEERS[0], PEERS[3]] } else { &PEERS[1..3] };
    for mut peer in bench.subjects([], mine) {
        names.push(peer.name().to_owned());
        works.push(Box::new(move |folder, input| by_peer(peer.as_mut(), folder, input)));
    }
    (names, works)
}

fn timed(work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

/// A world with one row appends a million and commits them.
fn world(bench: &Bench, kind: &Kind, folder: &Path, input: &Input) -> Result<(f64, Option<Seen>), Failure> {
    bench.runtime.block_on(async {
        let (world, run) = kind.create(folder).await?;
        let _ = run.append(1, TABLE, &Rows::tick(1, 1).components()?).await?;
        world.flush().await?;
        let start = Instant::now();
        let _ = run.append(2, TABLE, &input.components).await?;
        world.flush().await?;
        let seconds = start.elapsed().as_secs_f64();
        let read = run.now().collect(TABLE, &scan(Some(2))).await?;
        world.shutdown().await?;
        Ok((seconds, Some(Seen::of(&read)?)))
    })
}

fn by_peer(peer: &mut dyn Subject, folder: &Path, input: &Input) -> Result<(f64, Option<Seen>), Failure> {
    let work = Appends { entities: 1, first: 1, ticks: 1, parts: 1, limit: std::time::Duration::MAX };
    peer.start(folder)?;
    let limit = std::time::Duration::from_secs(60);
    peer.append(&Appends { limit, ..work })?;
    let seconds = peer.append(&Appends { entities: input.entities, first: 2, limit, ..work })?;
    let flushed = peer.flush()?;
    let Read { seen, .. } = peer.read(Some(2))?;
    peer.stop()?;
    Ok((seconds.iter().sum::<f64>() + flushed, Some(seen)))
}

fn bare_lance(bench: &Bench, folder: &Path, input: &Input) -> Result<(), Failure> {
    let uri = folder.to_str().ok_or("the folder's name is not UTF-8")?;
    let params = WriteParams { mode: WriteMode::Create, ..WriteParams::default() };
    let rows = RecordBatchIterator::new([Ok(input.stored.clone())], input.stored.schema());
    bench.runtime.block_on(InsertBuilder::new(uri).with_params(&params).execute_stream(rows))?;
    Ok(())
}

/// With the settings that our Iceberg tables write with.
fn bare_parquet(folder: &Path, input: &Input) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(1 << 20))
        .build();
    let file = File::create(folder.join("rows.parquet"))?;
    let mut writer = ArrowWriter::try_new(file, Arc::clone(input.stored.schema_ref()), Some(properties))?;
    writer.write(&input.stored)?;
    writer.close()?;
    Ok(())
}

/// Syncs every file below a folder, and the folders.
fn sync(folder: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => sync(&path)?,
            false => File::open(&path)?.sync_all()?,
        }
    }
    Ok(File::open(folder)?.sync_all()?)
}
