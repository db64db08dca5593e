//! Our circuits on our stores.

use std::path::Path;
use std::time::Instant;

use worldstore_zset::store::{Memory, Mode, PostgresConfig, Redb, Sled, Sqlite, Store};
use worldstore_zset::{Builder, Cache, Changes, Engine, Input, Stream, Time};

use super::work::{Change, Scenario, Work};
use super::{Taken, view};
use crate::Failure;

type Row = [i64; 3];

pub fn memory(work: &Work) -> Result<Taken, Failure> {
    run(work, Memory::new())
}

/// Each step synced.
pub fn sqlite(work: &Work, folder: &Path) -> Result<Taken, Failure> {
    let folder = tempfile::tempdir_in(folder)?;
    run(work, Sqlite::open(folder.path().join("own.db"))?)
}

/// Each step synced.
pub fn redb(work: &Work, folder: &Path) -> Result<Taken, Failure> {
    let folder = tempfile::tempdir_in(folder)?;
    run(work, Redb::open(folder.path().join("own.redb"))?)
}

/// Each step handed to the system.
pub fn sled(work: &Work, folder: &Path) -> Result<Taken, Failure> {
    let folder = tempfile::tempdir_in(folder)?;
    run(work, Sled::open(folder.path().join("own.sled"))?)
}

pub fn postgres(work: &Work, url: Option<&str>) -> Result<Option<Taken>, Failure> {
    let Some(url) = url else { return Ok(None) };
    let schema = format!("bench_{}_{}_{}", work.scenario.name(), work.base, work.batch);
    let store = PostgresConfig::from_uri(url)?.with_schema(format!("{schema}_{}", std::process::id()))?.open()?;
    run(work, store).map(Some)
}

fn query<'b>(scenario: Scenario, first: Stream<'b, Row>, second: Stream<'b, Row>) -> Stream<'b, (i64, i64)> {
    match scenario {
        Scenario::Receipts => first
            .join("priced", second, |item| item[1], |price| price[0], |item, price| (item[0], item[2] * price[1]))
            .sum("totals", |row| row.0, |row| row.1),
        Scenario::Meters => first
            .join(
                "owned",
                second,
                |read| read[0],
                |meter| meter[0],
                |read, meter| (view::day(meter[1], read[1]), read[2]),
            )
            .sum("days", |row| row.0, |row| row.1),
        Scenario::Closure => {
            let edges = first.map("edges", |edge| (edge[0], edge[1]));
            let paths = edges.builder().recursive::<(i64, i64)>("paths", |scope, paths| {
                let edges = scope.import("steps", edges);
                let longer = paths.join("longer", edges, |path| path.1, |edge| edge.0, |path, edge| (path.0, edge.1));
                longer.add("both", edges)
            });
            paths.map("rows", |(from, to)| (view::path(*from, *to), 1))
        }
    }
}

fn run(work: &Work, store: impl Store + 'static) -> Result<Taken, Failure> {
    let builder = Builder::new();
    let (first_in, first) = builder.input::<Row>("first");
    let (second_in, second) = builder.input::<Row>("second");
    let view: Cache<(i64, i64)> = query(work.scenario, first, second).cache("view");
    let mut engine = Engine::open(builder.build()?, store, Mode::CreateTables)?;
    let mut step = |changes: &[Change]| -> Result<f64, Failure> {
        let begun = Instant::now();
        engine.step(sorted_out(changes, [&first_in, &second_in]), Time::none())?;
        Ok(begun.elapsed().as_secs_f64())
    };
    let load = work.load.iter().map(|changes| step(changes)).sum::<Result<f64, Failure>>()?;
    let steps = work.steps.iter().map(|changes| step(changes)).collect::<Result<Vec<_>, _>>()?;
    let rows = engine.read(&view)?.all()?;
    Ok(Taken { load, steps, result: view::view(rows.into_iter().map(|(row, _)| row)) })
}

fn sorted_out(changes: &[Change], inputs: [&Input<Row>; 2]) -> Changes {
    let of =
        |number: u8| changes.iter().filter(move |(table, ..)| *table == number).map(|(_, row, weight)| (*row, *weight));
    let [first, second] = inputs;
    Changes::new().weigh(first, of(0)).weigh(second, of(1))
}
