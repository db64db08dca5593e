//! `caps`: what a store declares, and what the conformance kit observes.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use worldstore::asynchronous::conformance;
use worldstore::core::conformance::Report;
use worldstore::core::{Ability, Prefix};
use worldstore::storage::Root;
use worldstore::{Error, Registry, Result};

use super::address::Address;
use super::show::print_json;
use crate::args::fs::CapsArgs;
use crate::output::{line, note};
use crate::progress::shown;

pub async fn run(args: CapsArgs, registry: &Registry) -> Result<()> {
    let folder = Address::folder(registry, &args.uri, Root::Existing).await?;
    let report = match args.probe {
        true => Some(probe(&folder, args.json).await?),
        false => None,
    };
    if !args.json {
        let observed = if args.probe { "  observed" } else { "" };
        line(&format!("{:<18} declared{observed}", "ability"))?;
    }
    for ability in Ability::ALL {
        let (name, declared) = (ability.flag(), folder.store.supports(ability));
        let observed = report.as_ref().map(|report| observed(report, ability));
        match args.json {
            true => print_json(&json!({"ability": name, "declared": declared, "observed": observed}))?,
            false => {
                let declared = if declared { "yes" } else { "no" };
                let observed = observed.map(|observed| format!("  {observed}")).unwrap_or_default();
                line(format!("{name:<18} {declared:<8}{observed}").trim_end())?;
            }
        }
    }
    report.map_or(Ok(()), |report| conclude(&report, &args))
}

/// The kit deletes its objects; a file system keeps their folders, which go here.
pub async fn probe(folder: &Address, json: bool) -> Result<Report> {
    let scratch = scratch(folder)?;
    let report = shown("probing", json, conformance::run(&**folder.store.backend(), &scratch)).await;
    remove_scratch(folder, &scratch)?;
    Ok(report)
}

/// Takes the folder away, where the store has such things.
pub fn remove_scratch(folder: &Address, scratch: &Prefix) -> Result<()> {
    if let Some(root) = &folder.folder {
        let path = root.join(scratch.as_str());
        if path.exists() {
            let removed = std::fs::remove_dir_all(&path);
            removed.map_err(|source| Error::io("clean up", source).with("path", path.display()))?;
        }
    }
    Ok(())
}

/// A folder that nobody has.
pub fn scratch(folder: &Address) -> Result<Prefix> {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Prefix::new(&folder.path)?.join(format!(".worldstore-probe-{nanos}-{}", std::process::id()))
}

/// `works`, `refused` as what is not declared should be, `FAILED`, or `not probed`.
fn observed(report: &Report, ability: Ability) -> &'static str {
    match report.observed().into_iter().find(|observed| observed.need == ability) {
        Some(observed) if observed.wrong > 0 => "FAILED",
        Some(observed) if observed.right > 0 => {
            if observed.declared {
                "works"
            } else {
                "refused"
            }
        }
        _ => "not probed",
    }
}

fn conclude(report: &Report, args: &CapsArgs) -> Result<()> {
    let failed: Vec<&str> = report.failed().map(|case| case.case.as_str()).collect();
    if !failed.is_empty() {
        note(&report.to_string());
        return Err(Error::unexpected("the store does not do what it declares").with("cases", failed.join(" ")));
    }
    match args.json {
        true => Ok(()),
        false => line(&format!("{} cases, none failed", report.cases.len())),
    }
}
