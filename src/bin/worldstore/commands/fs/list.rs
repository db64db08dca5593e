//! `ls`, `glob` and `du`.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use serde_json::json;
use worldstore::core::{Child, ListFilesOptions};
use worldstore::storage::Root;
use worldstore::{Registry, Result};

use super::address::Address;
use super::show::{Style, print_json};
use crate::args::fs::{DuArgs, LsArgs};
use crate::output::line;
use crate::progress::shown;

pub async fn ls(args: LsArgs, registry: &Registry) -> Result<()> {
    let folder = Address::folder(registry, &args.uri, Root::Existing).await?;
    let style = Style::of(args.long, args.json);
    let options = match args.depth {
        Some(levels) => ListFilesOptions::default().with_max_depth(levels),
        None if args.recursive => ListFilesOptions::recursive(),
        None => return children(&folder, style).await,
    };
    files(&folder, &options, style).await
}

pub async fn glob(uri: &str, pattern: &str, long: bool, json: bool, registry: &Registry) -> Result<()> {
    let folder = Address::folder(registry, uri, Root::Existing).await?;
    files(&folder, &ListFilesOptions::recursive().with_pattern(pattern), Style::of(long, json)).await
}

async fn children(folder: &Address, style: Style) -> Result<()> {
    let mut children = folder.store.iter_children(&folder.path)?;
    while let Some(child) = children.try_next().await? {
        let path = folder.relative(child.path());
        match &child {
            Child::File(meta) => style.file(path, meta)?,
            Child::Folder(_) => style.folder(path)?,
        }
    }
    Ok(())
}

async fn files(folder: &Address, options: &ListFilesOptions, style: Style) -> Result<()> {
    let mut files = folder.store.list_files(&folder.path, options)?;
    while let Some(meta) = files.try_next().await? {
        style.file(folder.relative(meta.key.as_str()), &meta)?;
    }
    Ok(())
}

/// Objects and their bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    objects: u64,
    bytes: u64,
}

impl Sum {
    fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn print(self, path: &str, json: bool) -> Result<()> {
        match json {
            true => print_json(&json!({"path": path, "objects": self.objects, "bytes": self.bytes})),
            false => line(&format!("{:>14}  {:>9}  {path}", self.bytes, self.objects)),
        }
    }
}

pub async fn du(args: DuArgs, registry: &Registry) -> Result<()> {
    let folder = Address::folder(registry, &args.uri, Root::Existing).await?;
    let (folders, whole) = shown("counting", args.json, sums(&folder, args.depth)).await?;
    for (path, sum) in &folders {
        sum.print(path, args.json)?;
    }
    whole.print(".", args.json)
}

/// The sum of each folder of the first levels, and of the whole.
async fn sums(folder: &Address, depth: usize) -> Result<(BTreeMap<String, Sum>, Sum)> {
    let (mut folders, mut whole) = (BTreeMap::<String, Sum>::new(), Sum::default());
    let mut files = folder.store.list_files(&folder.path, &ListFilesOptions::recursive())?;
    while let Some(meta) = files.try_next().await? {
        whole.add(meta.size);
        let path = folder.relative(meta.key.as_str());
        for (at, _) in path.match_indices('/').take(depth) {
            folders.entry(path[..at].to_owned()).or_default().add(meta.size);
        }
    }
    Ok((folders, whole))
}
