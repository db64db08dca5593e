//! `worldstore fs`: objects of any byte store.

use std::sync::Arc;

use futures::TryStreamExt;
use worldstore::arrow::array::{ArrayRef, UInt64Array};
use worldstore::asynchronous::AsyncBackend;
use worldstore::core::{Condition, Key, ListOptions, Prefix, ReadOptions, WriteOptions};
use worldstore::storage::Root;
use worldstore::{Error, Result, Storage};

use super::{print_columns, texts};
use crate::args::{Format, FsCommand};
use crate::output::{bytes, line};

pub async fn run(command: FsCommand) -> Result<()> {
    match command {
        FsCommand::Ls { uri, recursive, output } => ls(&uri, recursive, output.format).await,
        FsCommand::Cat { uri } => cat(&uri).await,
        FsCommand::Cp { from, to, overwrite } => cp(&from, &to, overwrite).await,
    }
}

async fn ls(uri: &str, recursive: bool, format: Format) -> Result<()> {
    let store = Storage::open(uri, Root::Existing).await?;
    let mut options = ListOptions::default();
    options.one_level = !recursive;
    let (mut names, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = store.backend.list(&Prefix::root(), &options).await?;
        for folder in &page.folders {
            names.push(format!("{folder}/"));
            sizes.push(None);
        }
        for object in &page.objects {
            names.push(object.key.to_string());
            sizes.push(Some(object.size));
        }
        match page.next {
            Some(token) => options = options.with_token(token),
            None => break,
        }
    }
    let sizes: ArrayRef = Arc::new(sizes.into_iter().collect::<UInt64Array>());
    print_columns(format, vec![("name", texts(names)), ("bytes", sizes)])
}

async fn cat(uri: &str) -> Result<()> {
    let (store, key) = object(uri, Root::Existing).await?;
    let mut body = store.read(&key, &ReadOptions::default()).await?.body;
    while let Some(chunk) = body.try_next().await? {
        bytes(&chunk)?;
    }
    Ok(())
}

async fn cp(from: &str, to: &str, overwrite: bool) -> Result<()> {
    let (source, source_key) = object(from, Root::Existing).await?;
    let condition = if overwrite { Condition::None } else { Condition::IfAbsent };
    let mut reply = source.read(&source_key, &ReadOptions::default()).await?;
    let (target, target_key) = object(to, Root::Create).await?;
    let options = WriteOptions::default().with_condition(condition.clone());
    let mut writer = target.open_writer(&target_key, &options).await?;
    while let Some(chunk) = reply.body.try_next().await? {
        writer.write(chunk).await?;
    }
    let meta = writer.commit().await?.applied(&target_key, &condition)?;
    line(&format!("copied {} bytes to {to}", meta.size))
}

/// Splits a URI into the folder, as a store, and the object in it.
async fn object(uri: &str, root: Root) -> Result<(Arc<dyn AsyncBackend>, Key)> {
    let (folder, name) = match uri.rsplit_once('/') {
        Some((folder, name)) if !folder.is_empty() => (folder, name),
        Some((_, name)) => ("/", name),
        None => (".", uri),
    };
    if name.is_empty() || folder.ends_with(":/") {
        return Err(Error::invalid("this names a folder, not an object").with("uri", uri));
    }
    Ok((Storage::open(folder, root).await?.backend, Key::new(name)?))
}
