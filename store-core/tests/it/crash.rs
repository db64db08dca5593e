//! Processes that are killed while they write a log, and system calls that fail under them: what was acknowledged stays.

mod corruption;
mod kills;
mod ledger;
#[cfg(target_os = "linux")]
mod strace;
mod worker;
mod zombies;

use std::io::Write;

/// A number from the environment, as `cargo xtask torture` sets it.
fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")),
        Err(_) => default,
    }
}

/// Adds a line to the file in which torture collects figures.
fn report(suite: &str, figures: &[(&str, u64)]) {
    let Ok(path) = std::env::var("WORLDSTORE_CRASH_REPORT") else { return };
    let mut line = format!("suite={suite}");
    figures.iter().for_each(|(name, number)| line += &format!("\t{name}={number}"));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
