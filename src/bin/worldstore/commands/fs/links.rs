//! Links in folders of this machine: no link is followed, so they are no objects. Whoever copies a folder is told.

use std::fs;
use std::path::{Path, PathBuf};

use worldstore::{Error, Result};

use super::super::blocking;
use super::address::Address;
use crate::output::note;

/// So many links are named, the others are counted.
const NAMED: usize = 10;

/// Where the links below a folder are, as seen from it; none where it is in no file system of this machine.
pub async fn below(folder: &Address) -> Result<Vec<String>> {
    let Some(root) = &folder.folder else { return Ok(Vec::new()) };
    let root = root.join(&folder.path);
    blocking(move || {
        let (mut links, mut waiting) = (Vec::new(), vec![(root, String::new())]);
        while let Some((folder, below)) = waiting.pop() {
            visit(&folder, &below, &mut links, &mut waiting)?;
        }
        links.sort();
        Ok(links)
    })
    .await
}

fn visit(folder: &Path, below: &str, links: &mut Vec<String>, waiting: &mut Vec<(PathBuf, String)>) -> Result<()> {
    let failed = |source| Error::io("list", source).with("folder", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if kind.is_symlink() {
            links.push(path);
        } else if kind.is_dir() {
            waiting.push((entry.path(), format!("{path}/")));
        }
    }
    Ok(())
}

/// Says which links are left out.
pub fn tell(links: &[String]) -> Result<()> {
    links
        .iter()
        .take(NAMED)
        .try_for_each(|link| note(&format!("note: the link {link} is not followed, and left out")))?;
    match links.len().checked_sub(NAMED) {
        Some(more) if more > 0 => note(&format!("note: {more} more links are left out")),
        _ => Ok(()),
    }
}

/// True if a path is a link, or would lie behind one.
pub fn is_behind(links: &[String], path: &str) -> bool {
    links
        .iter()
        .any(|link| path.strip_prefix(link.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
