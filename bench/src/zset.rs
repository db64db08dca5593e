//! `bench zset`: incremental queries against peers that keep results current, and against computing them anew.
//!
//! Every subject gets the same changes from one generator, step by step; each step's result is in its readable view before the
//! next one begins; at the end the view must be what the plainest computation gives, or the run fails.

mod dataflow;
mod outside;
mod own;
mod plain;
mod report;
mod view;
mod work;

use std::path::Path;

use serde::Serialize;

use crate::Failure;
use view::View;
use work::{Scenario, Work};

pub use report::table;

/// What a subject took.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Seconds of loading the base rows.
    pub load: f64,
    /// Seconds of each step behind that.
    pub steps: Vec<f64>,
    /// What its view holds in the end.
    pub result: View,
}

/// A line of the report.
#[derive(Debug, Serialize)]
pub struct Row {
    pub scenario: &'static str,
    pub base: usize,
    pub batch: usize,
    pub subject: String,
    /// Base rows per second while loading, in steps of 10,000.
    pub load_per_s: f64,
    /// Milliseconds of a step.
    pub median_ms: f64,
    pub p99_ms: f64,
    /// The median of the last tenth over that of the first.
    pub decay: f64,
    /// Changed rows per second.
    pub rows_per_s: f64,
}

/// Where a subject runs.
struct Place<'p> {
    folder: &'p Path,
    postgres: Option<String>,
    python: Option<String>,
    dbsp: Option<&'p Path>,
}

/// A subject: its name, up to how many base rows it is run, and how.
type Subject<'s> = (&'static str, usize, Box<dyn Fn(&Work, &Place<'_>) -> Result<Option<Taken>, Failure> + 's>);

fn subjects() -> Vec<Subject<'static>> {
    let python = |name: &'static str, base_max| -> Subject<'static> {
        (name, base_max, Box::new(move |work, place| outside::python(name, work, place)))
    };
    vec![
        ("worldstore memory", usize::MAX, Box::new(|work, _| own::memory(work).map(Some))),
        ("differential-dataflow", usize::MAX, Box::new(|work, _| Ok(Some(dataflow::run(work))))),
        ("dbsp", usize::MAX, Box::new(outside::dbsp)),
        python("stepping-memory", 10_000),
        python("duckdb", usize::MAX),
        ("worldstore sqlite", usize::MAX, Box::new(|work, place| own::sqlite(work, place.folder).map(Some))),
        python("stepping-sqlite", 10_000),
        ("worldstore redb", 100_000, Box::new(|work, place| own::redb(work, place.folder).map(Some))),
        ("worldstore sled", 100_000, Box::new(|work, place| own::sled(work, place.folder).map(Some))),
        ("worldstore postgres", 100_000, Box::new(|work, place| own::postgres(work, place.postgres.as_deref()))),
        python("stepping-postgres", 10_000),
    ]
}

/// Runs all scenarios, sizes and subjects whose line contains `only`.
pub fn rows(folder: &Path, scale: usize, only: Option<&str>, dbsp: Option<&Path>) -> Result<Vec<Row>, Failure> {
    let place = Place {
        folder,
        postgres: std::env::var("WORLDSTORE_TEST_POSTGRES_URL").ok(),
        python: std::env::var("WORLDSTORE_PYTHON_BENCH").ok(),
        dbsp,
    };
    let mut rows = Vec::new();
    for scenario in [Scenario::Receipts, Scenario::Meters, Scenario::Closure] {
        for base in [1_000, 10_000, 100_000, 1_000_000].map(|base| base / scale) {
            // Of the largest batch a base of a hundred times as many rows is asked for: it changes one in a hundred.
            let steps = [(1, 100, 1), (1_000, 20, 1), (10_000, 10, 100)];
            let steps = steps.into_iter().filter(|(batch, _, times)| batch * times <= base);
            for (batch, count, _) in steps {
                let line = |name: &str| format!("{} {base} base, {batch} a step, {name}", scenario.name());
                let wanted = |name: &str| only.is_none_or(|only| only.split('+').all(|part| line(name).contains(part)));
                let subjects: Vec<_> = subjects().into_iter().filter(|(name, ..)| wanted(name)).collect();
                if subjects.is_empty() || scenario == Scenario::Closure && base > 100_000 {
                    continue;
                }
                let work = Work::new(scenario, base, batch, count);
                let expected = plain::result(&work);
                for (name, _, run) in subjects.iter().filter(|(_, base_max, _)| base <= *base_max) {
                    eprintln!("{}", line(name));
                    match run(&work, &place)? {
                        Some(taken) if taken.result == expected => rows.push(report::row(&work, name, &taken)),
                        Some(taken) => {
                            let found = taken.result;
                            return Err(format!("{}: {found:?}, expected {expected:?}", line(name)).into());
                        }
                        None => {
                            eprintln!("SKIPPED: {name} is not there; cargo xtask bench zset --with-dbsp brings all")
                        }
                    }
                }
            }
        }
    }
    Ok(rows)
}
