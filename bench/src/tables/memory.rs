//! Peak memory of a process that ingests more than its budget, in a process of its own.

use std::path::Path;
use std::process::{Command, Stdio};

use worldstore::{TableFormat, World};

use crate::Failure;

use super::bench::Bench;
use super::data::{Rows, TABLE};
use super::figures::{Bound, Report, Row, Unit};
use super::ours::Kind;

const ENTITIES: u64 = 10_000;
/// Appends: in memory they take about three times the budget.
const APPENDS: u64 = 4_000;
const MARK: &str = "peak MiB: ";

/// The peak of a process for each format, against the budget of the cache.
pub fn report(bench: &Bench, name: &str) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut row = Row::new(name, Unit::Mebibytes);
    let kind = Kind::durable("", TableFormat::Lance);
    row.push("budget of the cache", &[kind.cache.global_mb as f64]);
    for format in [TableFormat::Lance, TableFormat::Iceberg] {
        let subject = format!("worldstore, {format}");
        let place = bench.place(&subject)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("tables-memory").arg("--world").arg(&place).args(["--format", format.as_str()]);
        command.args(["--appends", &bench.scaled(APPENDS, 10).to_string()]).stderr(Stdio::inherit());
        let output = command.output()?;
        std::fs::remove_dir_all(&place)?;
        let said = String::from_utf8(output.stdout)?;
        let peak = said.lines().find_map(|line| line.strip_prefix(MARK)).ok_or("the child has not told its peak")?;
        row.push(&subject, &[peak.parse()?]);
        let times = row.median(&subject).map(|peak| peak / kind.cache.global_mb as f64);
        report.aim(format!("{name}, {format}: peak to budget"), Bound::AtMost(1.2), times);
    }
    report.rows.push(row);
    Ok(report)
}

/// What the child does.
pub fn child(place: &Path, format: TableFormat, appends: u64) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let buffered: World = runtime.block_on(async {
        let (world, run) = Kind::durable("", format).create(place).await?;
        for tick in 1..=appends as i64 {
            let _ = run.append(tick, TABLE, &Rows::tick(ENTITIES, tick).components()?).await?;
        }
        Ok::<_, Failure>(world)
    })?;
    runtime.block_on(buffered.shutdown())?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("the system tells no peak")?;
    let kibibytes: f64 = peak.trim().trim_end_matches("kB").trim().parse()?;
    Ok(format!("{MARK}{:.0}", kibibytes / 1024.0))
}
