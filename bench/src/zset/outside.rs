//! Peers in processes of their own; what it takes to start is not counted.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::work::Work;
use super::{Place, Taken, View};
use crate::Failure;

/// What a peer prints.
#[derive(Deserialize)]
struct Printed {
    load: f64,
    steps: Vec<f64>,
    #[serde(flatten)]
    result: View,
}

/// Runs a peer in Python; `None` if there is no Python for it, or no server.
pub fn python(name: &str, work: &Work, place: &Place<'_>) -> Result<Option<Taken>, Failure> {
    let Some(python) = &place.python else { return Ok(None) };
    let postgres = match (name, &place.postgres) {
        ("stepping-postgres", None) => return Ok(None),
        (_, url) => url.clone().unwrap_or_default(),
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/zset.py");
    let mut command = Command::new(python);
    command.arg(script).args([name, work.scenario.name()]);
    run(name, &mut command, work, place, |command, lines, folder| {
        command.arg(lines).arg(folder).arg(postgres);
    })
}

/// Runs dbsp; `None` if its program was not built.
pub fn dbsp(work: &Work, place: &Place<'_>) -> Result<Option<Taken>, Failure> {
    let Some(program) = place.dbsp else { return Ok(None) };
    let mut command = Command::new(program);
    command.arg(work.scenario.name());
    run("dbsp", &mut command, work, place, |command, lines, _| {
        command.arg(lines);
    })
}

/// Runs a program on the changes, which are in a file that `name_files` tells it, beside an empty folder.
fn run(
    name: &str,
    command: &mut Command,
    work: &Work,
    place: &Place<'_>,
    name_files: impl FnOnce(&mut Command, &Path, &Path),
) -> Result<Option<Taken>, Failure> {
    let folder = tempfile::tempdir_in(place.folder)?;
    let lines = folder.path().join("work.txt");
    std::fs::write(&lines, work.lines())?;
    name_files(command, &lines, folder.path());
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let printed: Printed = serde_json::from_slice(&output.stdout)?;
    Ok(Some(Taken { load: printed.load, steps: printed.steps, result: printed.result }))
}
