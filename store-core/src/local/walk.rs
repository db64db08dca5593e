//! Listing files in the byte order of their keys, folder by folder and no further than the page goes.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use super::STAGING;
use super::root::{RootFolder, absent_or, failed};
use crate::error::Result;
use crate::key::{Key, Prefix};
use crate::listing::{self, Start};
use crate::ops::{ListOptions, ListPage, ObjectMeta};

pub(super) fn list(root: &RootFolder, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
    let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
    let start = listing::start(&below, options);
    let folder = match root.open_folder(prefix) {
        Ok(folder) => folder,
        Err(Errno::NOENT | Errno::NOTDIR) => return listing::page(prefix, options, std::iter::empty()),
        Err(errno) => return Err(absent_or("list", errno).with("prefix", prefix)),
    };
    let mut walk = Walk { start, stack: Vec::new() };
    walk.enter(folder, below)?;
    listing::page(prefix, options, walk)
}

/// A walk in the order of keys: a folder's entries are sorted as if its sub-folders ended in `/`.
struct Walk {
    start: Start,
    stack: Vec<Level>,
}

struct Level {
    folder: OwnedFd,
    /// Keys in this folder begin with this.
    below: String,
    /// Names still to come, the next one last.
    names: Vec<Name>,
}

struct Name {
    /// With a trailing `/` for folders.
    text: String,
    is_folder: bool,
}

impl Walk {
    fn enter(&mut self, folder: OwnedFd, below: String) -> Result<()> {
        let entries = Dir::read_from(&folder).map_err(|errno| failed("list", errno))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|errno| failed("list", errno))?;
            // A name that is no key (not UTF-8, control characters) was not written by us and cannot be asked for.
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == "." || name == ".." || (below.is_empty() && name == STAGING) {
                continue;
            }
            match kind(&folder, entry.file_type(), name)? {
                Some(FileType::Directory) => names.push(Name { text: format!("{name}/"), is_folder: true }),
                Some(FileType::RegularFile) => names.push(Name { text: name.to_owned(), is_folder: false }),
                _ => {}
            }
        }
        names.retain(|name| self.may_hold(&below, name));
        names.sort_by(|one, other| other.text.cmp(&one.text));
        self.stack.push(Level { folder, below, names });
        Ok(())
    }

    /// False if everything under this name comes before the start.
    fn may_hold(&self, below: &str, name: &Name) -> bool {
        let key = format!("{below}{}", name.text);
        let (Start::At(start) | Start::After(start)) = &self.start;
        match name.is_folder {
            true => key.as_str() >= start.as_str() || start.starts_with(&key),
            false => !self.start.skips(&key),
        }
    }

    fn step(&mut self) -> Result<Option<ObjectMeta>> {
        while let Some(level) = self.stack.last_mut() {
            let Some(name) = level.names.pop() else {
                self.stack.pop();
                continue;
            };
            let key = format!("{}{}", level.below, name.text);
            if name.is_folder {
                let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
                let plain = name.text.trim_end_matches('/');
                match openat(&level.folder, plain, flags, Mode::empty()) {
                    Ok(folder) => self.enter(folder, key)?,
                    // Removed or replaced since it was read.
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                    Err(errno) => return Err(failed("list", errno).with("folder", key)),
                }
                continue;
            }
            let Ok(key) = Key::new(&key) else { continue };
            match openat(&level.folder, key.name(), OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
                Ok(file) => {
                    let metadata = std::fs::File::from(file).metadata();
                    let metadata = metadata.map_err(|source| crate::Error::io("list", source).with("key", &key))?;
                    return Ok(Some(super::root::meta_of(&key, &metadata)));
                }
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(failed("list", errno).with("key", key)),
            }
        }
        Ok(None)
    }
}

impl Iterator for Walk {
    type Item = Result<ObjectMeta>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

/// The type of an entry; asked for where the folder does not tell. None if it is gone.
fn kind(folder: &OwnedFd, told: FileType, name: &str) -> Result<Option<FileType>> {
    if told != FileType::Unknown {
        return Ok(Some(told));
    }
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(failed("list", errno)),
    }
}
