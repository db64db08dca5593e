//! Peers in Python, each in a process of its own; what it takes to start is not counted.

use std::process::Command;

use serde::Deserialize;

use super::work::Work;
use super::{Place, Taken, View};
use crate::Failure;

/// What the script prints.
#[derive(Deserialize)]
struct Printed {
    load: f64,
    steps: Vec<f64>,
    #[serde(flatten)]
    result: View,
}

/// Runs a peer; `None` if there is no Python for it, or no server.
pub fn run(name: &str, work: &Work, place: &Place<'_>) -> Result<Option<Taken>, Failure> {
    let Some(python) = &place.python else { return Ok(None) };
    let postgres = match (name, &place.postgres) {
        ("stepping-postgres", None) => return Ok(None),
        (_, url) => url.clone().unwrap_or_default(),
    };
    let folder = tempfile::tempdir_in(place.folder)?;
    let lines = folder.path().join("work.txt");
    std::fs::write(&lines, work.lines())?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/zset.py");
    let mut command = Command::new(python);
    command.arg(script).args([name, work.scenario.name()]).arg(&lines).arg(folder.path()).arg(postgres);
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let printed: Printed = serde_json::from_slice(&output.stdout)?;
    Ok(Some(Taken { load: printed.load, steps: printed.steps, result: printed.result }))
}
