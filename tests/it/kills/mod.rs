//! Worlds whose writers are killed, stopped and overtaken, and whose storage fails: nothing acknowledged is lost, nothing is
//! there twice, every tick is there wholly or not at all.

// What was covered is told, also where helpers of the tests do it.
#![allow(clippy::print_stderr)]

mod cycles;
mod faults;
mod ground;
mod ledger;
mod random;
mod rows;
mod scripted;
mod worker;
mod zombies;

use std::io::Write;

use worldstore::{CacheConfig, TableFormat, WorldOptions};

/// A number from the environment, as `cargo xtask torture` sets it.
fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")),
        Err(_) => default,
    }
}

/// Where chance begins.
fn seed() -> u64 {
    number("WORLDSTORE_CRASH_SEED", 1)
}

/// Triggers that flush all the time; and a tick of one table is committed to it past the log.
fn options(format: TableFormat) -> WorldOptions {
    let cache = CacheConfig::default().with_flush_rows(24).with_idle_sec(0.05).with_direct_mb(0);
    WorldOptions::default().with_format(format).with_cache(cache)
}

/// Adds a line to the file in which torture collects figures, and prints it.
fn report(suite: &str, figures: &[(&str, u64)]) {
    let told: String = figures.iter().map(|(name, number)| format!("\t{name}={number}")).collect();
    tell(&format!("suite={suite}{told}"));
}

fn tell(line: &str) {
    eprintln!("{line}");
    let Ok(path) = std::env::var("WORLDSTORE_CRASH_REPORT") else { return };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Tells the command that shows a failure again, if there is one before it is done.
struct Replay {
    suite: String,
    command: String,
}

impl Replay {
    fn new(suite: &str, settings: &[(&str, u64)]) -> Self {
        let settings: String =
            settings.iter().map(|(name, number)| format!("WORLDSTORE_CRASH_{name}={number} ")).collect();
        let command = format!("{settings}cargo nextest run -p worldstore --profile torture -E 'test(={suite})'");
        Self { suite: suite.to_owned(), command }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tell(&format!("suite={}\tfailed={}", self.suite, self.command));
        }
    }
}

/// Runs a function once for each kind of world that outlives a process, as a test of the kind's name.
macro_rules! for_each_kind {
    ($function:ident) => {
        #[cfg(feature = "lance")]
        #[test]
        fn lance() {
            $function(super::ground::Kind::Lance);
        }

        #[cfg(feature = "iceberg")]
        #[test]
        fn iceberg() {
            $function(super::ground::Kind::Iceberg);
        }

        #[cfg(feature = "iceberg")]
        #[test]
        fn iceberg_postgres() {
            if super::ground::Kind::has_server() {
                $function(super::ground::Kind::IcebergPostgres);
            }
        }
    };
}
use for_each_kind;
