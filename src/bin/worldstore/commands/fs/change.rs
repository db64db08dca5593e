//! `mv` and `rm`.

use futures::TryStreamExt;
use serde_json::json;
use worldstore::core::{
    Ability, Condition, Content, DeleteOptions, ListFilesOptions, Missing, ObjectMeta, RenameOptions,
};
use worldstore::registry::masked;
use worldstore::storage::Root;
use worldstore::{Error, ErrorKind, Registry, Result};

use super::address::{Address, refuse_inside};
use super::copy::{AT_ONCE, is_folder, object, refuse_empty};
use super::show::print_json;
use crate::args::fs::{MvArgs, RmArgs};
use crate::output::{counted, line};
use crate::progress::{Progress, shown};

pub async fn mv(args: MvArgs, registry: &Registry) -> Result<()> {
    let condition = if args.force { Condition::None } else { Condition::IfAbsent };
    let (objects, bytes, shown) = match args.recursive && is_folder(&args.source, registry).await? {
        true => folder(&args, &condition, registry).await?,
        false => {
            let source = Address::object(registry, &args.source, Root::Existing).await?;
            let meta = source.store.stat(&source.path).await?;
            let target = source.target(registry, &args.target).await?;
            let progress = Progress::of_bytes(Some(meta.size), args.json);
            shift(&source, &meta, &target, &target.path, &condition, &progress).await?;
            (1, meta.size, target.shown)
        }
    };
    match args.json {
        true => print_json(&json!({"objects": objects, "bytes": bytes})),
        false => line(&format!("moved {}, {}, to {shown}", counted(objects, "object"), counted(bytes, "byte"))),
    }
}

async fn folder(args: &MvArgs, condition: &Condition, registry: &Registry) -> Result<(u64, u64, String)> {
    if registry.locate(&args.source)?.is_root {
        return Err(Error::invalid("the root of a store is not moved").with("uri", masked(&args.source)));
    }
    refuse_inside(registry, &args.source, &args.target)?;
    let source = Address::either(registry, &args.source, Root::Existing).await?;
    refuse_empty(&source).await?;
    let target = source.target_either(registry, &args.target).await?;
    let (source, target, progress) = (&source, &target, &Progress::of_bytes(None, args.json));
    let files = source.store.list_files(&source.path, &ListFilesOptions::recursive())?;
    let moves = files.map_ok(|meta| async move {
        let to = target.below(source.relative(meta.key.as_str()))?;
        shift(source, &meta, target, &to, condition, progress).await?;
        Ok(meta.size)
    });
    let sum = |(objects, bytes), more: u64| async move { Ok((objects + 1, bytes + more)) };
    let (objects, bytes) = moves.try_buffer_unordered(AT_ONCE).try_fold((0_u64, 0_u64), sum).await?;
    Ok((objects, bytes, target.shown.clone()))
}

/// Renames an object, or copies it and deletes it then: in the state in which it was copied, where the store can tell.
async fn shift(
    source: &Address,
    meta: &ObjectMeta,
    target: &Address,
    to: &str,
    condition: &Condition,
    progress: &Progress,
) -> Result<()> {
    let from = meta.key.as_str();
    let renames = target.store.supports(Ability::Rename)
        && (*condition == Condition::None || target.store.supports(Ability::RenameIfAbsent));
    if source.shares_store(target) && from != to && renames {
        let options = RenameOptions::default().with_condition(condition.clone());
        return target.store.rename(from, to, &options).await.map(drop);
    }
    object(source, from, target, to, condition, progress).await?;
    refuse_itself(source, meta, target, to).await?;
    let mut options = DeleteOptions::default();
    if let Some(version) = meta.version.clone().filter(|_| source.store.supports(Ability::DeleteIfMatch)) {
        options = options.with_condition(Condition::IfMatch(version));
    }
    let deleted = source.store.delete_with(from, Missing::Refuse, &options).await;
    deleted.map_err(|error| error.with("copied_to", to))
}

/// Refuses to go on where the copy has changed its source: one store may have many names. Then there is one object, and
/// it is not deleted.
async fn refuse_itself(source: &Address, meta: &ObjectMeta, target: &Address, to: &str) -> Result<()> {
    let from = meta.key.as_str();
    let now = source.store.stat(from).await?;
    let is_same =
        |other: &ObjectMeta| (other.size, other.modified, &other.version) == (now.size, now.modified, &now.version);
    let is_changed = !is_same(meta);
    // Times of some stores are in whole seconds, and their versions those of the content.
    let is_one = from == to && source.has_root_of(target) && is_same(&target.store.stat(to).await?);
    match is_changed || is_one {
        false => Ok(()),
        true => Err(Error::new(ErrorKind::Conflict, "source and target seem to be the same object, it is not deleted")
            .with("source", &source.shown)
            .with("target", &target.shown)),
    }
}

pub async fn rm(args: RmArgs, registry: &Registry) -> Result<()> {
    let located = registry.locate(&args.uri)?;
    if located.is_root {
        return Err(Error::invalid("the root of a store is not removed").with("uri", masked(&args.uri)));
    }
    if located.is_folder && !args.recursive {
        return Err(Error::invalid("this names a folder, add --recursive").with("uri", masked(&args.uri)));
    }
    let missing = if args.missing_ok { Missing::Ignore } else { Missing::Refuse };
    let deleted = match Address::either(registry, &args.uri, Root::Existing).await {
        Err(error) if error.is_not_found() && args.missing_ok => 0,
        Err(error) => return Err(error),
        Ok(place) => shown("deleting", args.json, remove(&place, args.recursive, missing)).await?,
    };
    match args.json {
        true => print_json(&json!({"deleted": deleted})),
        false => line(&format!("deleted {}", counted(deleted, "object"))),
    }
}

async fn remove(place: &Address, recursive: bool, missing: Missing) -> Result<u64> {
    if recursive && !place.store.is_file(&place.path).await? {
        return place.store.delete_folder(&place.path, Content::Delete, missing).await;
    }
    match place.store.delete(&place.path, Missing::Refuse).await {
        Err(error) if error.is_not_found() && missing == Missing::Ignore => Ok(0),
        deleted => deleted.map(|()| 1),
    }
}
