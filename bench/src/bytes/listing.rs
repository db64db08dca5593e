//! A listing of many files with their sizes.

use std::fs;
use std::path::Path;

use futures::TryStreamExt;
use worldstore_core::{ListOptions, Prefix};

use super::peers::Peers;
use crate::Failure;
use crate::measure::{Row, Seen, Subject, row};

const FILES: usize = 100_000;
const FOLDERS: usize = 100;

/// Spread over folders.
pub fn local(name: &str, folder: &Path, scale: usize) -> Result<Row, Failure> {
    listing(name, folder, FILES / scale, FOLDERS)
}

/// All in one folder, as logs and manifests lie.
pub fn one_folder(name: &str, folder: &Path, scale: usize) -> Result<Row, Failure> {
    listing(name, folder, FILES / scale, 1)
}

fn listing(name: &str, folder: &Path, count: usize, folders: usize) -> Result<Row, Failure> {
    for number in 0..folders {
        fs::create_dir_all(folder.join(format!("{number}")))?;
    }
    for number in 0..count {
        fs::write(folder.join(format!("{}/{number}", number % folders)), vec![b'x'; number % 7])?;
    }
    let peers = Peers::local(folder)?;
    let subjects = vec![
        Subject::new("std::fs", || {
            let mut seen = Seen::default();
            walk(folder, &mut seen)?;
            Ok(seen)
        }),
        Subject::new("worldstore", || {
            let mut seen = Seen::default();
            for object in peers.store.list("") {
                seen.add_size(object?.size);
            }
            Ok(seen)
        }),
        Subject::new("worldstore async", || {
            peers.runtime.block_on(async {
                let (mut seen, mut options) = (Seen::default(), ListOptions::default());
                loop {
                    let page = peers.async_backend.list(&Prefix::root(), &options).await?;
                    page.objects.iter().for_each(|object| seen.add_size(object.size));
                    match page.next {
                        Some(token) => options = options.with_token(token),
                        None => return Ok(seen),
                    }
                }
            })
        }),
        Subject::new("object_store", || {
            peers.runtime.block_on(async {
                let (mut seen, mut list) = (Seen::default(), peers.object_store.list(None));
                while let Some(object) = list.try_next().await? {
                    seen.add_size(object.size);
                }
                Ok(seen)
            })
        }),
        Subject::new("OpenDAL", || {
            peers.runtime.block_on(async {
                let (mut seen, mut list) = (Seen::default(), peers.opendal.lister_with("").recursive(true).await?);
                while let Some(entry) = list.try_next().await? {
                    if entry.metadata().is_file() {
                        // A listing of local files comes without sizes: they are asked for one by one.
                        seen.add_size(peers.opendal.stat(entry.path()).await?.content_length());
                    }
                }
                Ok(seen)
            })
        }),
    ];
    row(name, count as u64, "op", subjects)
}

fn walk(folder: &Path, seen: &mut Seen) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true if entry.file_name().as_encoded_bytes().starts_with(b".") => {}
            true => walk(&entry.path(), seen)?,
            false => seen.add_size(entry.metadata()?.len()),
        }
    }
    Ok(())
}
