//! `worldstore verify`.

use serde_json::json;
use worldstore::core::snapshot::Problem;
use worldstore::world::{Extent, LogCheck, VerifiedWorld};
use worldstore::{Error, ErrorKind, Registry, Result};

use super::fs::show::print_json;
use super::read_only;
use crate::args::world::VerifyArgs;
use crate::output::{counted, line};
use crate::progress::shown;

pub async fn run(args: VerifyArgs, registry: &Registry) -> Result<()> {
    let world = read_only(&args.at, registry).await?;
    let extent = if args.all { Extent::All } else { Extent::Newest };
    let verified = shown("reading every byte", args.json, world.verify(extent)).await?;
    let told = findings(&verified, args.json).and_then(|()| sums(&verified, args.json));
    // What is damaged is the answer, also where nobody could read which.
    fail(&verified).and(told)
}

/// Prints what is wrong.
fn findings(verified: &VerifiedWorld, json: bool) -> Result<()> {
    for damage in &verified.states.damage {
        let (kind, key, problem) = (damage.kind.as_str(), damage.key.as_str(), damage.problem.to_string());
        match json {
            true => print_json(&json!({
                "kind": kind, "key": key, "state": damage.number, "entries": damage.entries, "problem": problem,
            }))?,
            false => line(&format!("{kind} {key} of state {}: {problem}", damage.number))?,
        }
    }
    for problem in &verified.problems {
        let (table, state, error) = (problem.table.as_str(), problem.state, problem.error.to_string());
        match json {
            true => print_json(&json!({"kind": "table", "table": table, "state": state, "problem": error}))?,
            false => line(&format!("table {table} of state {state}: {error}"))?,
        }
    }
    for problem in &verified.documents {
        let (key, error) = (problem.key.as_str(), problem.error.to_string());
        match json {
            true => print_json(&json!({"kind": "document", "key": key, "problem": error}))?,
            false => line(&format!("document {key}: {error}"))?,
        }
    }
    match &verified.log {
        Some(LogCheck::Damaged(error)) if json => print_json(&json!({"kind": "log", "problem": error.to_string()})),
        Some(LogCheck::Damaged(error)) => line(&format!("log: {error}")),
        _ => Ok(()),
    }
}

fn sums(verified: &VerifiedWorld, json: bool) -> Result<()> {
    let (states, findings) = (&verified.states, verified.findings());
    let log = match &verified.log {
        Some(LogCheck::Sound(waiting)) => Some(waiting),
        _ => None,
    };
    if json {
        return print_json(&json!({
            "kind": "done", "states": states.manifests, "files": states.files, "bytes": states.bytes,
            "versions": verified.versions, "rows": verified.rows, "log_records": log.map(|log| log.records),
            "findings": findings,
        }));
    }
    let read = [
        counted(states.manifests, "state"),
        counted(states.files, "file"),
        counted(states.bytes, "byte"),
        counted(verified.versions, "version") + " of tables",
        counted(verified.rows, "row"),
    ];
    let log = log.map(|log| format!(", {} of the log", counted(log.records, "record"))).unwrap_or_default();
    let result = if findings == 0 { "all right".to_owned() } else { counted(findings, "finding") };
    line(&format!("read {}{log}: {result}", read.join(", ")))
}

/// Damage fails the command, and so does what cannot be read.
fn fail(verified: &VerifiedWorld) -> Result<()> {
    // Names that nothing can have and another log are found in what was read, too.
    let is_wrong = |kind: ErrorKind| is_lost(kind) || matches!(kind, ErrorKind::Invalid | ErrorKind::ConditionFailed);
    let files = verified.states.damage.iter().any(|damage| match &damage.problem {
        Problem::Unreadable(error) => is_lost(error.kind()),
        _ => true,
    });
    let tables = verified.problems.iter().any(|problem| is_lost(problem.error.kind()));
    let documents = verified.documents.iter().any(|problem| is_wrong(problem.error.kind()));
    let log = matches!(&verified.log, Some(LogCheck::Damaged(error)) if is_wrong(error.kind()));
    match verified.findings() {
        0 => Ok(()),
        findings if files || tables || documents || log => {
            Err(Error::new(ErrorKind::Corrupt, "something is damaged or missing").with("findings", findings))
        }
        findings => Err(Error::new(ErrorKind::Unavailable, "something cannot be read").with("findings", findings)),
    }
}

fn is_lost(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Corrupt | ErrorKind::NotFound)
}
