//! `worldstore expire`.

use serde_json::json;
use worldstore::core::manifest::{ExpireOptions, Mode};
use worldstore::graph::{ExpiredCatalog, Graph};
use worldstore::world::{ExpireWorldOptions, ExpiredWorld};
use worldstore::{Error, ErrorKind, Registry, Result, World};

use super::fs::show::print_json;
use super::query::existing_labels;
use super::{read_only, write};
use crate::args::world::ExpireArgs;
use crate::output::{counted, line, note};
use crate::progress::shown;

pub async fn run(args: ExpireArgs, registry: &Registry) -> Result<()> {
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Apply };
    let keep = args.keep.unwrap_or(if args.older_than.is_some() { 1 } else { 64 });
    if keep == 0 {
        return Err(Error::invalid("one state at least must be kept"));
    }
    if args.labels {
        let spared = args.older_than.map_or(args.spare, |time| time.max(args.spare));
        let options = ExpireOptions::default().with_keep_last(keep).with_keep_for(spared).with_mode(mode);
        return labels(&args, &options, registry).await;
    }
    let mut options = ExpireWorldOptions::default().with_keep(keep).with_spare_for(args.spare).with_mode(mode);
    options.keep_for = args.older_than;
    let world = match args.dry_run {
        true => read_only(&args.at.at, registry).await?,
        false => write(&args.at, args.json, registry).await?,
    };
    if args.dry_run {
        options.keep = after_waiting(&world, keep).await?;
    }
    let expired = async {
        let expired = world.expire(&options).await?;
        world.shutdown().await?;
        Ok::<_, Error>(expired)
    };
    let expired = shown("expiring", args.json, expired).await?;
    let told = tell(&expired, &args);
    match expired.tables.failed.into_iter().next() {
        None => told,
        Some((table, error)) => Err(Error::new(ErrorKind::Unavailable, "not every table could be expired, try again")
            .with("table", table)
            .caused_by(error)),
    }
}

/// How many of the states that are there will be kept: what waits in the log is published first, and is one of those.
async fn after_waiting(world: &World, keep: u64) -> Result<u64> {
    let rows = match world.waiting().await {
        Err(error) if error.kind() == ErrorKind::ConditionFailed => {
            note(&format!("note: what waits in the log is not known: {error}"));
            return Ok(keep);
        }
        waiting => waiting?.map_or(0, |waiting| waiting.rows()),
    };
    if rows == 0 {
        return Ok(keep);
    }
    let rows = counted(rows, "row");
    let last = if keep <= 2 { ", and the newest one that is there goes too" } else { "" };
    note(&format!("note: {rows} of the log will be published first: that is one more state, and is counted{last}"));
    Ok(keep.saturating_sub(1).max(1))
}

/// The same of a catalog of labels.
async fn labels(args: &ExpireArgs, options: &ExpireOptions, registry: &Registry) -> Result<()> {
    let graph = existing_labels(Graph::new(), &args.at.at.world, registry).await?;
    let ExpiredCatalog { states, contents, .. } = shown("expiring", args.json, graph.expire(options)).await?;
    let blocks = contents.blocks.len() as u64;
    if args.json {
        return print_json(&json!({
            "kind": "labels", "states": states.removed, "leases": states.leases, "blocks": blocks, "bytes": contents.bytes,
            "dry_run": args.dry_run,
        }));
    }
    states.leases.iter().try_for_each(|lease| line(&format!("lease {lease} has ended")))?;
    let would = if args.dry_run { "would expire" } else { "expired" };
    let removed = counted(states.removed.len() as u64, "state");
    line(&format!("{would} {removed}, and {}: {}", counted(blocks, "block"), of_bytes(contents.bytes)))
}

fn tell(expired: &ExpiredWorld, args: &ExpireArgs) -> Result<()> {
    let (mut versions, mut files, mut bytes) = (0, 0, 0);
    for (table, expiry) in &expired.tables.tables {
        versions += expiry.versions.len() as u64;
        files += expiry.files;
        bytes += expiry.bytes;
        if expiry.versions.is_empty() && expiry.files == 0 {
            continue;
        }
        let count = counted(expiry.versions.len() as u64, "version");
        match args.json {
            true => print_json(&json!({
                "kind": "table", "table": table.as_str(), "versions": expiry.versions, "files": expiry.files,
                "bytes": expiry.bytes, "error": null,
            }))?,
            false => line(&format!("{table}: {count}, {}, {}", counted(expiry.files, "file"), of_bytes(expiry.bytes)))?,
        }
    }
    for (table, error) in &expired.tables.failed {
        match args.json {
            true => print_json(&json!({
                "kind": "table", "table": table.as_str(), "versions": null, "files": null, "bytes": null,
                "error": error.to_string(),
            }))?,
            false => line(&format!("{table}: not expired, {error}"))?,
        }
    }
    let (states, leases) = (&expired.states.removed, &expired.states.leases);
    if args.json {
        return print_json(&json!({
            "kind": "done", "states": states, "leases": leases, "versions": versions, "files": files, "bytes": bytes,
            "dry_run": args.dry_run,
        }));
    }
    for lease in leases {
        line(&format!("lease {lease} has ended"))?;
    }
    let would = if args.dry_run { "would expire" } else { "expired" };
    let (states, versions) = (counted(states.len() as u64, "state"), counted(versions, "version"));
    line(&format!("{would} {states}, and {versions} of tables: {}, {}", counted(files, "file"), of_bytes(bytes)))
}

fn of_bytes(bytes: u64) -> String {
    counted(bytes, "byte")
}
