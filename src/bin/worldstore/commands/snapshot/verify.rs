//! `snapshot verify` and `blocks verify`.

use serde_json::json;
use worldstore::core::snapshot::{Damage, Problem, Verified};
use worldstore::{Error, ErrorKind, Registry, Result};

use super::super::fs::show::print_json;
use super::chain::on_chain;
use super::which;
use crate::args::snapshot::{ChainArgs, VerifyArgs};
use crate::output::{counted, line};
use crate::progress::shown;

const READING: &str = "reading every byte";

pub async fn run(args: VerifyArgs, registry: &Registry) -> Result<()> {
    let (all, which) = (args.all, which(args.name));
    let verified = on_chain(&args.uri, registry, move |snapshots| match all {
        true => snapshots.verify_all(),
        false => snapshots.verify(&which),
    });
    tell(shown(READING, args.json, verified).await?, args.json)
}

pub async fn blocks(args: ChainArgs, registry: &Registry) -> Result<()> {
    let verified = on_chain(&args.uri, registry, |snapshots| snapshots.verify_blocks());
    tell(shown(READING, args.json, verified).await?, args.json)
}

/// Prints what is wrong, and the sums. Damage fails the command, also where nobody could read which.
fn tell(verified: Verified, json: bool) -> Result<()> {
    let verdict = verdict(&verified.damage);
    let told = print(verified, json);
    verdict.and(told)
}

fn print(verified: Verified, json: bool) -> Result<()> {
    for damage in &verified.damage {
        match json {
            true => print_json(&damage_json(damage))?,
            false => line(&damage_line(damage))?,
        }
    }
    let Verified { manifests, files, blocks, bytes, content, damage, .. } = verified;
    if json {
        print_json(&json!({
            "kind": "done", "manifests": manifests, "files": files, "blocks": blocks, "bytes": bytes,
            "damaged": damage.len(), "content": content.map(|content| content.to_string()),
        }))?;
    } else {
        let counts = [counted(manifests, "manifest"), counted(files, "file"), counted(blocks, "block")].join(", ");
        let content = content.map(|content| format!(", content {content}")).unwrap_or_default();
        let damaged = if damage.is_empty() { "all right".to_owned() } else { format!("{} damaged", damage.len()) };
        line(&format!("read {counts}, {}: {damaged}{content}", counted(bytes, "byte")))?;
    }
    Ok(())
}

fn verdict(damage: &[Damage]) -> Result<()> {
    let is_lost =
        |damage: &&Damage| !matches!(&damage.problem, Problem::Unreadable(error) if error.kind() != ErrorKind::Corrupt);
    let lost = damage.iter().filter(is_lost).count();
    match damage.len() {
        0 => Ok(()),
        all if lost == 0 => Err(Error::new(ErrorKind::Unavailable, "objects cannot be read").with("objects", all)),
        all => Err(Error::new(ErrorKind::Corrupt, "objects are damaged or missing").with("objects", all)),
    }
}

fn damage_line(damage: &Damage) -> String {
    let kind = damage.kind.as_str();
    let refers = match damage.entries.is_empty() {
        true => String::new(),
        false => format!(" (of {})", damage.entries.join(", ")),
    };
    format!("{kind} {}{refers}: {}", damage.key, damage.problem)
}

fn damage_json(damage: &Damage) -> serde_json::Value {
    let problem = match &damage.problem {
        Problem::Missing => "missing",
        Problem::Length { .. } => "length",
        Problem::Content { .. } => "content",
        _ => "unreadable",
    };
    json!({
        "kind": damage.kind.as_str(), "key": damage.key.as_str(), "problem": problem,
        "detail": damage.problem.to_string(), "manifest": damage.number, "entries": damage.entries,
    })
}
