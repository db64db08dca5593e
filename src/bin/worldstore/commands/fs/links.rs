//! What lies in folders of this machine and is no object: no link is followed, no pipe is read, and not every name is a key.
//! Whoever copies a folder is told.

use std::fs;
use std::path::{Path, PathBuf};

use worldstore::core::Prefix;
use worldstore::core::local::STAGING;
use worldstore::{Error, Result};

use super::super::blocking;
use super::address::Address;
use crate::output::note;

/// So many are named, the others are counted.
const NAMED: usize = 10;

/// What is left out.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// Where it is, as seen from the folder that is copied.
    path: String,
    why: Why,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Link,
    /// A pipe, a socket or a device.
    NoFile,
    /// Its name, in quotes and with what cannot be shown escaped.
    NoKey(String),
}

/// What is no object below a folder; nothing where that is in no file system of this machine.
pub async fn below(folder: &Address) -> Result<Vec<Left>> {
    let Some(root) = &folder.folder else { return Ok(Vec::new()) };
    let (root, prefix) = (root.join(&folder.path), Prefix::new(&folder.path)?);
    blocking(move || {
        let mut look = Look { prefix, left: Vec::new(), waiting: vec![(root, String::new())] };
        while let Some((folder, below)) = look.waiting.pop() {
            look.visit(&folder, &below)?;
        }
        look.left.sort();
        Ok(look.left)
    })
    .await
}

/// What was found until now.
struct Look {
    /// Keys begin with this.
    prefix: Prefix,
    left: Vec<Left>,
    /// Folders still to be looked into, and how the paths in them begin.
    waiting: Vec<(PathBuf, String)>,
}

impl Look {
    fn visit(&mut self, folder: &Path, below: &str) -> Result<()> {
        let failed = |source| Error::io("list", source).with("folder", folder.display());
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (kind, name) = (entry.file_type().map_err(failed)?, entry.file_name());
            if name == STAGING {
                continue;
            }
            let path = format!("{below}{}", name.to_string_lossy());
            let is_key = name.to_str().is_some() && self.prefix.key(&path).is_ok();
            let why = match kind {
                _ if kind.is_symlink() => Why::Link,
                _ if !is_key => Why::NoKey(format!("{:?}", Path::new(below).join(&name))),
                _ if kind.is_dir() => {
                    self.waiting.push((entry.path(), format!("{path}/")));
                    continue;
                }
                _ if kind.is_file() => continue,
                _ => Why::NoFile,
            };
            self.left.push(Left { path, why });
        }
        Ok(())
    }
}

/// Says what is left out.
pub fn tell(left: &[Left]) {
    for Left { path, why } in left.iter().take(NAMED) {
        match why {
            Why::Link => note(&format!("note: the link {path} is not followed, and left out")),
            Why::NoFile => note(&format!("note: {path} is no file, and left out")),
            Why::NoKey(name) => note(&format!("note: the name {name} is no key, and left out")),
        }
    }
    if let Some(more) = left.len().checked_sub(NAMED).filter(|more| *more > 0) {
        note(&format!("note: {more} more are left out"));
    }
}

/// True if a path is that of something left out, or would lie behind it.
pub fn is_behind(left: &[Left], path: &str) -> bool {
    left.iter()
        .any(|left| path.strip_prefix(left.path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
