//! `cp`, and what `mv` and `sync` copy with.

use futures::{StreamExt, TryStreamExt};
use serde_json::json;
use worldstore::core::{Ability, Condition, CopyOptions, ListFilesOptions, ObjectMeta, ReadOptions, WriteOptions};
use worldstore::storage::Root;
use worldstore::{Error, Registry, Result};

use super::address::{Address, refuse_inside};
use super::progress::Progress;
use super::read::cut_short;
use super::resume;
use super::show::print_json;
use crate::fs_args::CpArgs;
use crate::output::{counted, line};

/// How many objects are under way at a time.
pub const AT_ONCE: usize = 8;

pub async fn run(args: CpArgs, registry: &Registry) -> Result<()> {
    let condition = if args.force { Condition::None } else { Condition::IfAbsent };
    if args.recursive && is_folder(&args.source, registry).await? {
        return folder(&args, &condition, registry).await;
    }
    let source = Address::object(registry, &args.source, Root::Existing).await?;
    let meta = source.store.stat(&source.path).await?;
    let target = Address::target(registry, &args.target, &source).await?;
    let progress = Progress::new(Some(meta.size));
    let (bytes, resumed_from) = match args.resume {
        true => resume::download(&source, &meta, &target, &condition, &progress).await?,
        false => (object(&source, &source.path, &target, &target.path, &condition, &progress).await?, 0),
    };
    progress.finish();
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
    let target = Address::folder(registry, &args.target, Root::Create).await?.beside(&source);
    let (source, target, progress) = (&source, &target, &Progress::new(None));
    let files = source.store.list_files(&source.path, &ListFilesOptions::recursive())?;
    let copies = files.map_ok(|meta| async move {
        let to = target.below(source.relative(meta.key.as_str()))?;
        object(source, meta.key.as_str(), target, &to, condition, progress).await
    });
    let sum = |(objects, bytes), more: u64| async move { Ok((objects + 1, bytes + more)) };
    let (objects, bytes) = copies.try_buffer_unordered(AT_ONCE).try_fold((0_u64, 0_u64), sum).await?;
    progress.finish();
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
    if source.shares_store(target) {
        if from == to {
            return Err(Error::invalid("source and target are the same object").with("key", from));
        }
        if can_copy(target, condition) {
            let options = CopyOptions::default().with_condition(condition.clone());
            let meta = target.store.copy(from, to, &options).await?;
            progress.add(meta.size);
            return Ok(meta.size);
        }
    }
    Ok(stream(source, from, target, to, condition, progress).await?.size)
}

fn can_copy(target: &Address, condition: &Condition) -> bool {
    let needed = match condition {
        Condition::None => Ability::Copy,
        Condition::IfAbsent => Ability::CopyIfAbsent,
        _ => Ability::CopyIfMatch,
    };
    target.store.supports(Ability::Copy) && target.store.supports(needed)
}

/// Holds a chunk at a time. The target appears whole, or not at all.
async fn stream(
    source: &Address,
    from: &str,
    target: &Address,
    to: &str,
    condition: &Condition,
    progress: &Progress,
) -> Result<ObjectMeta> {
    let mut reply = source.store.read(from, &ReadOptions::default()).await?;
    let options = WriteOptions::default().with_condition(condition.clone());
    let mut writer = target.store.open_atomic(to, &options).await?;
    let mut left = reply.meta.size;
    while let Some(chunk) = reply.body.try_next().await? {
        let length = chunk.len() as u64;
        writer.write(chunk).await?;
        left = left.saturating_sub(length);
        progress.add(length);
    }
    match left {
        0 => writer.commit().await,
        missing => {
            writer.abort().await?;
            Err(cut_short(from, missing))
        }
    }
}
