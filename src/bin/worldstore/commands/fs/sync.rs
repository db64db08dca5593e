//! `sync`.

use std::sync::Arc;

use serde_json::json;
use worldstore::asynchronous::{AsyncStore, SyncBackendAdapter};
use worldstore::core::transfer::{
    BatchResult, Compare, Extras, Run, SyncAction, SyncOptions, SyncReport, SyncStep, TransferOptions,
};
use worldstore::core::{Condition, Memory, Missing, Prefix};
use worldstore::storage::Root;
use worldstore::{Registry, Result};

use super::address::{Address, refuse_inside};
use super::copy::{refuse_empty, route};
use super::links::{self, Left};
use super::show::print_json;
use crate::args::fs::{CompareBy, SyncArgs};
use crate::output::{counted, line};
use crate::progress::shown;

pub async fn run(args: SyncArgs, registry: &Registry) -> Result<()> {
    refuse_inside(registry, &args.source, &args.target)?;
    refuse_inside(registry, &args.target, &args.source)?;
    let source = Address::folder(registry, &args.source, Root::Existing).await?;
    if args.delete {
        refuse_empty(&source).await?;
    }
    let root = if args.dry_run { Root::Existing } else { Root::Create };
    let (target, path) = match source.target_folder(registry, &args.target, root).await {
        // A dry run makes no folder: to one that is missing everything would be copied.
        Err(error) if args.dry_run && error.is_not_found() => {
            (AsyncStore::new(Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new())))), String::new())
        }
        target => {
            let target = target?;
            (target.store, target.path)
        }
    };
    let left = links::below(&source).await?;
    links::tell(&left);
    let transfer = TransferOptions::default().with_route(route(&target, &Condition::None));
    let options = SyncOptions::default()
        .with_compare(compare(args.compare))
        .with_extras(if args.delete { Extras::Delete } else { Extras::Keep })
        .with_run(if args.dry_run { Run::Dry } else { Run::Execute })
        .with_transfer(transfer);
    let report = async {
        match args.delete && !left.is_empty() {
            true => sparing(&left, &source, &target, &path, options).await,
            false => source.store.sync_folder(&source.path, &target, &path, &options).await,
        }
    };
    let report = shown("comparing and copying", args.json, report).await;
    tell(report.map_err(|error| error.with("source", &source.shown))?, &args)
}

/// The same, but for extras where the source has what is left out: that is not in its list, and not gone.
async fn sparing(
    left: &[Left],
    source: &Address,
    target: &AsyncStore,
    path: &str,
    options: SyncOptions,
) -> Result<SyncReport> {
    let run = options.run;
    let planned = options.clone().with_run(Run::Dry);
    let mut report = source.store.sync_folder(&source.path, target, path, &planned).await?;
    let is_spared = |step: &SyncStep| step.action == SyncAction::Delete && links::is_behind(left, &step.path);
    report.steps.retain(|step| !is_spared(step));
    report.results.truncate(report.steps.len());
    if run == Run::Dry {
        return Ok(report);
    }
    let deletions: Vec<SyncStep> = report.steps.into_iter().filter(|step| step.action == SyncAction::Delete).collect();
    let copying = options.with_extras(Extras::Keep);
    let mut report = source.store.sync_folder(&source.path, target, path, &copying).await?;
    if report.results.iter().any(|result| !matches!(result, BatchResult::Done(()))) {
        return Ok(report);
    }
    for step in deletions {
        let key = Prefix::new(path)?.key(&step.path)?;
        let deleted = target.delete(key.as_str(), Missing::Ignore).await;
        report.results.push(deleted.map_or_else(BatchResult::Failed, BatchResult::Done));
        report.steps.push(step);
    }
    Ok(report)
}

fn compare(by: CompareBy) -> Compare {
    match by {
        CompareBy::Size => Compare::Size,
        CompareBy::Time => Compare::SizeAndTime,
        CompareBy::Version => Compare::SizeAndVersion,
        CompareBy::Content => Compare::Content,
    }
}

/// Prints the steps that were taken, or would be, and the sums. The first step that failed fails the command, and only
/// where there is none, what cannot be printed.
fn tell(report: SyncReport, args: &SyncArgs) -> Result<()> {
    let (mut copied, mut deleted, mut bytes) = (0, 0, 0);
    let unchanged = report.unchanged;
    let (mut failed, mut printed) = (None, Ok(()));
    for (step, result) in report.steps.into_iter().zip(report.results) {
        match result {
            BatchResult::Failed(error) => {
                failed.get_or_insert(error.with("path", &step.path));
                continue;
            }
            BatchResult::Skipped if !args.dry_run => continue,
            BatchResult::Done(()) | BatchResult::Skipped => {}
        }
        match step.action {
            SyncAction::Delete => deleted += 1,
            SyncAction::CopyNew | SyncAction::CopyChanged => (copied, bytes) = (copied + 1, bytes + step.bytes),
        }
        printed = printed.and_then(|()| print(&step, args.json));
    }
    let sums = || match args.json {
        true => print_json(&json!({
            "kind": "done", "copied": copied, "deleted": deleted, "unchanged": unchanged, "bytes": bytes,
            "dry_run": args.dry_run,
        })),
        false => {
            let would = if args.dry_run { "would have " } else { "" };
            let bytes = counted(bytes, "byte");
            line(&format!("{would}copied {copied} ({bytes}), deleted {deleted}, left {unchanged}"))
        }
    };
    let printed = printed.and_then(|()| sums());
    failed.map_or(printed, Err)
}

fn print(step: &SyncStep, json: bool) -> Result<()> {
    let action = if step.action == SyncAction::Delete { "delete" } else { "copy" };
    match json {
        true => print_json(&json!({"kind": action, "path": step.path, "bytes": step.bytes})),
        false => line(&format!("{action} {}", step.path)),
    }
}
