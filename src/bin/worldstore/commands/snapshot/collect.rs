//! `blocks collect` and `snapshot expire`.

use serde_json::json;
use worldstore::core::manifest::{CollectOptions, ExpireOptions, Mode};
use worldstore::{Error, Registry, Result};

use super::super::fs::show::print_json;
use super::chain::on_chain;
use crate::args::snapshot::{CollectArgs, ExpireArgs};
use crate::output::{counted, line};
use crate::progress::shown;

pub async fn run(args: CollectArgs, registry: &Registry) -> Result<()> {
    let dry_run = args.dry_run;
    let options = if dry_run { CollectOptions::dry_run() } else { CollectOptions::default() };
    let collected = on_chain(&args.uri, registry, move |snapshots| snapshots.manifests().collect(&options));
    let collected = shown("collecting", args.json, collected).await?;
    for block in &collected.blocks {
        match args.json {
            true => print_json(&json!({
                "kind": "remove", "hash": block.hash.to_string(), "generation": block.generation,
                "bytes": block.length,
            }))?,
            false => line(&format!("remove {} {}", block.hash, counted(block.length, "byte")))?,
        }
    }
    let (blocks, bytes, left) = (collected.blocks.len() as u64, collected.bytes, collected.left);
    if args.json {
        return print_json(&json!({
            "kind": "done", "blocks": blocks, "bytes": bytes, "left": left, "dry_run": dry_run,
        }));
    }
    let would = if dry_run { "would have " } else { "" };
    let left = if left > 0 { format!(", {left} of them may still be there") } else { String::new() };
    line(&format!("{would}removed {}, {}{left}", counted(blocks, "block"), counted(bytes, "byte")))
}

pub async fn expire(args: ExpireArgs, registry: &Registry) -> Result<()> {
    if args.keep == 0 {
        return Err(Error::invalid("one state at least must be kept"));
    }
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Apply };
    let mut options = ExpireOptions::default().with_keep_last(args.keep).with_mode(mode);
    options.keep_for = args.older_than;
    let expired = on_chain(&args.uri, registry, move |snapshots| snapshots.manifests().expire(&options));
    let expired = shown("expiring", args.json, expired).await?;
    if args.json {
        return print_json(&json!({
            "floor": expired.floor, "expired": expired.removed, "leases": expired.leases, "left": expired.left,
            "dry_run": args.dry_run,
        }));
    }
    for lease in &expired.leases {
        line(&format!("ended {lease}"))?;
    }
    let would = if args.dry_run { "would have " } else { "" };
    let left = if expired.left > 0 { format!(", {} of them may still be there", expired.left) } else { String::new() };
    line(&format!("{would}expired {}{left}", counted(expired.removed.len() as u64, "manifest")))
}
