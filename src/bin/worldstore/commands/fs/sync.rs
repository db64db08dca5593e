//! `sync`: both listings side by side, and what follows from it.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::{BoxStream, StreamExt, TryStreamExt, iter, try_unfold};
use serde_json::json;
use worldstore::core::{Ability, Condition, ListFilesOptions, Missing, ObjectMeta};
use worldstore::storage::Root;
use worldstore::{Registry, Result};

use super::address::{Address, refuse_inside};
use super::copy::{AT_ONCE, object, refuse_empty};
use super::progress::Progress;
use super::show::print_json;
use crate::fs_args::SyncArgs;
use crate::output::{counted, line};

/// Objects of a folder by their path in it, in byte order.
type Listing = BoxStream<'static, Result<(String, ObjectMeta)>>;

/// What is to be done about a path.
enum Step {
    /// With the state of the target that is replaced.
    Copy(String, ObjectMeta, Option<ObjectMeta>),
    Delete(String),
    Nothing,
}

pub async fn run(args: SyncArgs, registry: &Registry) -> Result<()> {
    refuse_inside(registry, &args.source, &args.target)?;
    refuse_inside(registry, &args.target, &args.source)?;
    let source = Address::folder(registry, &args.source, Root::Existing).await?;
    if args.delete {
        refuse_empty(&source).await?;
    }
    let root = if args.dry_run { Root::Existing } else { Root::Create };
    let target = match Address::folder(registry, &args.target, root).await {
        Err(error) if args.dry_run && error.is_not_found() => None,
        target => Some(target?.beside(&source)),
    };
    let theirs = match &target {
        Some(target) => listing(target).await?,
        None => iter([]).boxed(),
    };
    let work = Work {
        args: &args,
        source: &source,
        target: target.as_ref(),
        progress: Progress::new(None),
        sums: Sums::default(),
    };
    let steps = steps(listing(&source).await?, theirs, args.delete);
    steps.try_for_each_concurrent(AT_ONCE, |step| work.perform(step)).await?;
    work.finish()
}

async fn listing(folder: &Address) -> Result<Listing> {
    let files = folder.store.list_files(&folder.path, &ListFilesOptions::recursive())?;
    let root = folder.clone();
    let named = files.map_ok(move |meta| (root.relative(meta.key.as_str()).to_owned(), meta));
    if folder.store.supports(Ability::ListSorted) {
        return Ok(named.boxed());
    }
    let mut all: Vec<(String, ObjectMeta)> = named.try_collect().await?;
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(iter(all.into_iter().map(Ok)).boxed())
}

/// Walks both listings in step.
fn steps(source: Listing, target: Listing, delete: bool) -> BoxStream<'static, Result<Step>> {
    let walk = |(mut source, mut target): (_, _)| async move {
        let step = next(&mut source, &mut target).await?;
        Ok(step.map(|step| (step, (source, target))))
    };
    let steps = try_unfold((source.peekable(), target.peekable()), walk);
    steps.map_ok(move |step| if delete || !matches!(step, Step::Delete(_)) { step } else { Step::Nothing }).boxed()
}

type Peekable = futures::stream::Peekable<Listing>;

async fn next(source: &mut Peekable, target: &mut Peekable) -> Result<Option<Step>> {
    let order = {
        let mine = std::pin::Pin::new(&mut *source).peek().await;
        let theirs = std::pin::Pin::new(&mut *target).peek().await;
        match (mine, theirs) {
            (None, None) => return Ok(None),
            (Some(Err(_)), _) | (Some(_), None) => std::cmp::Ordering::Less,
            (_, Some(Err(_))) | (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(Ok((mine, _))), Some(Ok((theirs, _)))) => mine.cmp(theirs),
        }
    };
    let mine = if order.is_le() { source.try_next().await? } else { None };
    let theirs = if order.is_ge() { target.try_next().await? } else { None };
    Ok(Some(match (mine, theirs) {
        (Some((_, mine)), Some((_, theirs))) if is_same(&mine, &theirs) => Step::Nothing,
        (Some((path, mine)), theirs) => Step::Copy(path, mine, theirs.map(|(_, theirs)| theirs)),
        (None, Some((path, _))) => Step::Delete(path),
        (None, None) => return Ok(None),
    }))
}

/// What cannot be told by size and time is copied.
fn is_same(source: &ObjectMeta, target: &ObjectMeta) -> bool {
    let is_newer = match (source.modified, target.modified) {
        (Some(source), Some(target)) => target >= source,
        _ => false,
    };
    source.size == target.size && is_newer
}

#[derive(Default)]
struct Sums {
    copied: AtomicU64,
    deleted: AtomicU64,
    unchanged: AtomicU64,
    bytes: AtomicU64,
}

struct Work<'run> {
    args: &'run SyncArgs,
    source: &'run Address,
    /// None in a dry run to a folder that does not exist.
    target: Option<&'run Address>,
    progress: Progress,
    sums: Sums,
}

impl Work<'_> {
    async fn perform(&self, step: Step) -> Result<()> {
        match step {
            Step::Nothing => count(&self.sums.unchanged, 1),
            Step::Copy(path, meta, replaced) => {
                if let (Some(target), false) = (self.target, self.args.dry_run) {
                    let condition = condition(target, replaced);
                    let to = target.below(&path)?;
                    object(self.source, meta.key.as_str(), target, &to, &condition, &self.progress).await?;
                }
                count(&self.sums.copied, 1);
                count(&self.sums.bytes, meta.size);
                self.tell("copy", &path, Some(meta.size))?;
            }
            Step::Delete(path) => {
                if let (Some(target), false) = (self.target, self.args.dry_run) {
                    target.store.delete(&target.below(&path)?, Missing::Ignore).await?;
                }
                count(&self.sums.deleted, 1);
                self.tell("delete", &path, None)?;
            }
        }
        Ok(())
    }

    fn tell(&self, action: &str, path: &str, bytes: Option<u64>) -> Result<()> {
        match self.args.json {
            true => print_json(&json!({"action": action, "path": path, "bytes": bytes})),
            false => line(&format!("{action} {path}")),
        }
    }

    fn finish(&self) -> Result<()> {
        self.progress.finish();
        let [copied, deleted, unchanged, bytes] =
            [&self.sums.copied, &self.sums.deleted, &self.sums.unchanged, &self.sums.bytes]
                .map(|sum| sum.load(Ordering::Relaxed));
        if self.args.json {
            let dry_run = self.args.dry_run;
            return print_json(&json!({
                "action": "done", "copied": copied, "deleted": deleted, "unchanged": unchanged, "bytes": bytes,
                "dry_run": dry_run,
            }));
        }
        let would = if self.args.dry_run { "would have " } else { "" };
        line(&format!("{would}copied {copied} ({}), deleted {deleted}, left {unchanged}", counted(bytes, "byte")))
    }
}

fn count(sum: &AtomicU64, more: u64) {
    sum.fetch_add(more, Ordering::Relaxed);
}

/// Others may write too: what is replaced is what was seen, where the target can tell.
fn condition(target: &Address, replaced: Option<ObjectMeta>) -> Condition {
    match replaced {
        None if target.store.supports(Ability::WriteIfAbsent) => Condition::IfAbsent,
        None => Condition::None,
        Some(meta) => match meta.version.filter(|_| target.store.supports(Ability::WriteIfMatch)) {
            Some(version) => Condition::IfMatch(version),
            None => Condition::None,
        },
    }
}
