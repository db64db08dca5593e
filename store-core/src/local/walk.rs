//! Listing files in the byte order of their keys, folder by folder and no further than the page goes.

use std::ops::Range;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;

use super::STAGING;
use super::meta::{Time, meta_of, system_time, times};
use super::root::{RootFolder, absent_or, failed, refuse_staging};
use super::walks::{Stage, Walks};
use crate::error::Result;
use crate::key::{Key, Prefix};
use crate::listing::{self, Start};
use crate::ops::{ListOptions, ListPage, ObjectMeta};

/// How long a folder must have been left alone before it was read, for its time of change to tell whether what was read
/// still holds: the clock of file systems stands still for up to ten milliseconds.
const QUIET: Duration = Duration::from_millis(100);

/// Lists a page. If there are `walks`, it goes on with the one that ended where this page begins, and leaves its own.
pub(super) fn list(
    root: &RootFolder,
    walks: Option<&Walks>,
    prefix: &Prefix,
    options: &ListOptions,
) -> Result<ListPage> {
    refuse_staging(prefix.as_str())?;
    let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
    let folder = match root.open_folder(prefix) {
        Ok(folder) => folder,
        Err(Errno::NOENT | Errno::NOTDIR) => return listing::page(prefix, options, std::iter::empty()),
        Err(errno) => return Err(absent_or("list", errno).with("prefix", prefix)),
    };
    let stage = Stage { prefix: prefix.clone(), one_level: options.one_level, start: listing::start(&below, options) };
    let waiting = walks.and_then(|walks| walks.take(&stage)).filter(|walk| walk.still_holds(&folder));
    let mut walk = match waiting {
        Some(walk) => walk,
        None => Walk::begin(folder, below.clone(), stage.start, options.one_level)?,
    };
    let page = listing::page(prefix, options, &mut walk)?;
    if let (Some(walks), Some(next)) = (walks, &page.next) {
        walk.unread();
        let start = listing::start(&below, &options.clone().with_token(next.clone()));
        walks.put(Stage { prefix: prefix.clone(), one_level: options.one_level, start }, walk);
    }
    Ok(page)
}

/// A walk in the order of keys: a folder's entries are sorted as if its sub-folders ended in `/`.
pub(super) struct Walk {
    start: Start,
    /// One object of each sub-folder is enough.
    one_level: bool,
    stack: Vec<Level>,
    /// The name of the object that was given out last, in the last level.
    last: Option<Range<usize>>,
}

struct Level {
    folder: OwnedFd,
    /// Keys in this folder begin with this.
    below: String,
    /// All names, one after the other, with a trailing `/` for folders.
    text: String,
    /// Where the names still to come are in the text, the next one last.
    names: Vec<Range<usize>>,
    /// When the folder was changed last. None if it may change again without a later time.
    changed: Option<Changed>,
}

/// The times by which a change of a folder shows.
type Changed = (Time, Time);

impl Walk {
    fn begin(folder: OwnedFd, below: String, start: Start, one_level: bool) -> Result<Self> {
        let mut walk = Self { start, one_level, stack: Vec::new(), last: None };
        walk.enter(folder, below)?;
        Ok(walk)
    }

    /// True if reading all folders again would bring the same names. `folder` is the first of them as it is found now.
    fn still_holds(&self, folder: &OwnedFd) -> bool {
        let is_same = |level: &Level| match (fstat(folder), fstat(&level.folder)) {
            (Ok(now), Ok(then)) => (now.st_dev, now.st_ino) == (then.st_dev, then.st_ino),
            _ => false,
        };
        self.stack.first().is_some_and(is_same) && self.stack.iter().all(Level::still_holds)
    }

    /// Takes back the object that was given out last: it comes again, looked up anew.
    fn unread(&mut self) {
        if let (Some(name), Some(level)) = (self.last.take(), self.stack.last_mut()) {
            level.names.push(name);
        }
    }

    fn enter(&mut self, folder: OwnedFd, below: String) -> Result<()> {
        let changed = changed_long_ago(&folder);
        let entries = Dir::read_from(&folder).map_err(|errno| failed("list", errno))?;
        let mut level = Level { folder, below, text: String::new(), names: Vec::new(), changed };
        for entry in entries {
            let entry = entry.map_err(|errno| failed("list", errno))?;
            // A name that is no key (not UTF-8, control characters) was not written by us and cannot be asked for.
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name == "." || name == ".." || name == STAGING {
                continue;
            }
            let begin = level.text.len();
            level.text.push_str(name);
            match kind(&level.folder, entry.file_type(), name)? {
                Some(FileType::Directory) => level.text.push('/'),
                Some(FileType::RegularFile) => {}
                _ => {
                    level.text.truncate(begin);
                    continue;
                }
            }
            match may_hold(&self.start, &level.below, &level.text[begin..]) {
                true => level.names.push(begin..level.text.len()),
                false => level.text.truncate(begin),
            }
        }
        let Level { text, names, .. } = &mut level;
        names.sort_unstable_by(|one, other| text[other.clone()].cmp(&text[one.clone()]));
        self.stack.push(level);
        Ok(())
    }

    fn step(&mut self) -> Result<Option<ObjectMeta>> {
        if self.last.take().is_some() && self.one_level {
            // The object that came last stands for all of its folder.
            self.stack.truncate(1);
        }
        while let Some(level) = self.stack.last_mut() {
            let Some(place) = level.names.pop() else {
                self.stack.pop();
                continue;
            };
            let name = &level.text[place.clone()];
            if let Some(plain) = name.strip_suffix('/') {
                let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
                let below = format!("{}{name}", level.below);
                match openat(&level.folder, plain, flags, Mode::empty()) {
                    Ok(folder) => self.enter(folder, below)?,
                    // Removed or replaced since it was read.
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                    Err(errno) => return Err(failed("list", errno).with("folder", below)),
                }
                continue;
            }
            let above = level.below.len();
            level.below.push_str(name);
            let key = Key::new(&level.below);
            level.below.truncate(above);
            let Ok(key) = key else { continue };
            match statat(&level.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(about) if FileType::from_raw_mode(about.st_mode) == FileType::RegularFile => {
                    self.last = Some(place);
                    return Ok(Some(meta_of(key, &about)));
                }
                // Removed or replaced since it was read.
                Ok(_) | Err(Errno::NOENT) => {}
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

impl Level {
    fn still_holds(&self) -> bool {
        let now = || fstat(&self.folder).ok().map(|about| times(&about));
        self.changed.is_some() && now() == self.changed
    }
}

/// The times of a folder before it is read, if a change while it is read gets later ones.
fn changed_long_ago(folder: &OwnedFd) -> Option<Changed> {
    let times = times(&fstat(folder).ok()?);
    let quiet = SystemTime::now().duration_since(system_time(times.1)?).ok()?;
    (quiet >= QUIET).then_some(times)
}

/// False if everything under this name comes before the start. Folders end in `/`.
fn may_hold(start: &Start, below: &str, name: &str) -> bool {
    let (Start::At(text) | Start::After(text)) = start;
    // Unless the start is in this folder, all of it comes later, or nothing.
    let Some(rest) = text.strip_prefix(below) else { return below > text.as_str() };
    match (name.ends_with('/'), start) {
        (true, _) => name >= rest || rest.starts_with(name),
        (false, Start::At(_)) => name >= rest,
        (false, Start::After(_)) => name > rest,
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
