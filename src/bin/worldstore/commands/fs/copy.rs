//! `cp`, and what `mv` and `sync` copy with.

use futures::{StreamExt, TryStreamExt};
use serde_json::json;
use worldstore::asynchronous::AsyncStore;
use worldstore::core::transfer::{Resume, Route, TransferOptions};
use worldstore::core::{Ability, Condition, Key, ListFilesOptions, ObjectMeta};
use worldstore::storage::Root;
use worldstore::{Error, Registry, Result};

use super::address::{Address, refuse_inside};
use super::links;
use super::show::print_json;
use crate::args::fs::CpArgs;
use crate::output::{counted, line};
use crate::progress::Progress;

/// How many objects are under way at a time.
pub const AT_ONCE: usize = 8;

pub async fn run(args: CpArgs, registry: &Registry) -> Result<()> {
    let condition = if args.force { Condition::None } else { Condition::IfAbsent };
    if args.recursive && is_folder(&args.source, registry).await? {
        return folder(&args, &condition, registry).await;
    }
    let source = Address::object(registry, &args.source, Root::Existing).await?;
    let meta = source.store.stat(&source.path).await?;
    let target = source.target(registry, &args.target).await?;
    let progress = Progress::of_bytes(Some(meta.size), args.json);
    let (bytes, resumed_from) = match args.resume {
        true => resumed(&source, &meta, &target, &condition, &progress).await?,
        false => (object(&source, &source.path, &target, &target.path, &condition, &progress).await?, 0),
    };
    drop(progress);
    match args.json {
        true => print_json(&json!({"objects": 1, "bytes": bytes, "resumed_from": resumed_from})),
        false if resumed_from > 0 => {
            let size = counted(bytes, "byte");
            line(&format!("copied {size} to {}, the first {resumed_from} of them before", target.shown))
        }
        false => line(&format!("copied {} to {}", counted(bytes, "byte"), target.shown)),
    }
}

/// True unless the URI names an object.
pub async fn is_folder(uri: &str, registry: &Registry) -> Result<bool> {
    if registry.locate(uri)?.is_folder {
        return Ok(true);
    }
    let place = Address::either(registry, uri, Root::Existing).await?;
    Ok(!place.store.is_file(&place.path).await?)
}

async fn folder(args: &CpArgs, condition: &Condition, registry: &Registry) -> Result<()> {
    refuse_inside(registry, &args.source, &args.target)?;
    let source = Address::folder(registry, &args.source, Root::Existing).await?;
    refuse_empty(&source).await?;
    let target = source.target_folder(registry, &args.target, Root::Create).await?;
    links::tell(&links::below(&source).await?);
    let progress = Progress::of_bytes(None, args.json);
    let (source, target, bar) = (&source, &target, &progress);
    let files = source.store.list_files(&source.path, &ListFilesOptions::recursive())?;
    let copies = files.map_ok(|meta| async move {
        let to = target.below(source.relative(meta.key.as_str()))?;
        object(source, meta.key.as_str(), target, &to, condition, bar).await
    });
    let sum = |(objects, bytes), more: u64| async move { Ok((objects + 1, bytes + more)) };
    let (objects, bytes) = copies.try_buffer_unordered(AT_ONCE).try_fold((0_u64, 0_u64), sum).await?;
    drop(progress);
    match args.json {
        true => print_json(&json!({"objects": objects, "bytes": bytes, "resumed_from": 0})),
        false => {
            let (objects, bytes) = (counted(objects, "object"), counted(bytes, "byte"));
            line(&format!("copied {objects}, {bytes}, to {}", target.shown))
        }
    }
}

/// A folder that is absent is empty; as a source it is a mistake.
pub async fn refuse_empty(folder: &Address) -> Result<()> {
    let mut files = folder.store.list_files(&folder.path, &ListFilesOptions::recursive())?;
    match files.next().await {
        Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(error),
        None => Err(Error::not_found("the source holds no object").with("source", &folder.shown)),
    }
}

/// Copies an object and returns its bytes: by the store itself if it can, as a stream otherwise.
pub async fn object(
    source: &Address,
    from: &str,
    target: &Address,
    to: &str,
    condition: &Condition,
    progress: &Progress,
) -> Result<u64> {
    if source.shares_store(target) && from == to {
        return Err(Error::invalid("source and target are the same object").with("key", from));
    }
    let options = TransferOptions::default().with_condition(condition.clone());
    let options = progress.watching(options.with_route(route(&target.store, condition)));
    Ok(source.store.transfer(from, &target.store, to, &options).await?.bytes)
}

/// Bytes stay within a store that can copy them under this condition.
pub fn route(store: &AsyncStore, condition: &Condition) -> Route {
    let needed = if *condition == Condition::None { Ability::Copy } else { Ability::CopyIfAbsent };
    match store.supports(Ability::Copy) && store.supports(needed) {
        true => Route::Auto,
        false => Route::Stream,
    }
}

/// Copies an object to a file of this machine, from where an earlier copy was cut short; its bytes, and how many of them
/// were there before.
async fn resumed(
    source: &Address,
    meta: &ObjectMeta,
    target: &Address,
    condition: &Condition,
    progress: &Progress,
) -> Result<(u64, u64)> {
    let Some(folder) = &target.folder else {
        let error = Error::unsupported("only a copy to a file of this machine can be resumed");
        return Err(error.with("target", &target.shown));
    };
    if meta.version.is_none() || !source.store.supports(Ability::Versions) {
        let error = Error::unsupported("the source tells no version, so that a copy cannot be resumed");
        return Err(error.with("source", &source.shown));
    }
    let path = folder.join(Key::new(&target.path)?.as_str());
    let options = TransferOptions::default().with_condition(condition.clone()).with_resume(Resume::Continue);
    let report = source.store.download(&source.path, &path, &progress.watching(options)).await?;
    Ok((report.bytes, report.resumed_bytes))
}
