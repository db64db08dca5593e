//! Listing files in the byte order of their keys, folder by folder and no further than the page goes.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::STAGING;
use super::errno::{absent_or, errno_of, failed};
use super::meta::{Time, meta_of, system_time};
use super::root::{RootFolder, refuse_staging};
use super::walks::{Stage, Walks};
use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::listing::{self, Start};
use crate::ops::{ListOptions, ListPage, ObjectMeta};
use crate::vfs::{Folder, Kind, Stat, Vfs};

/// How long a folder must have been left alone before it was read, for its time of change to tell whether what was read
/// still holds: the clock of file systems stands still for up to ten milliseconds.
const QUIET: Duration = Duration::from_millis(100);

/// Lists a page. If there are `walks`, it goes on with the one that ended where this page begins, and leaves its own.
pub(super) fn list<V: Vfs>(
    root: &RootFolder<V>,
    walks: Option<&Walks<V>>,
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
        None => Walk::begin(root.vfs(), folder, below.clone(), stage.start, options.one_level)?,
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
pub(super) struct Walk<V: Vfs> {
    /// Tells the time.
    vfs: V,
    start: Start,
    /// One object of each sub-folder is enough.
    one_level: bool,
    stack: Vec<Level<V>>,
    /// The name of the object that was given out last, in the last level.
    last: Option<Range<usize>>,
}

struct Level<V: Vfs> {
    folder: Arc<V::Folder>,
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

impl<V: Vfs> Walk<V> {
    fn begin(vfs: &V, folder: Arc<V::Folder>, below: String, start: Start, one_level: bool) -> Result<Self> {
        let mut walk = Self { vfs: vfs.clone(), start, one_level, stack: Vec::new(), last: None };
        walk.enter(folder, below)?;
        Ok(walk)
    }

    /// True if reading all folders again would bring the same names. `folder` is the first of them as it is found now.
    fn still_holds(&self, folder: &V::Folder) -> bool {
        let is_same = |level: &Level<V>| match (folder.stat_self(), level.folder.stat_self()) {
            (Ok(now), Ok(then)) => now.id == then.id,
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

    fn enter(&mut self, folder: Arc<V::Folder>, below: String) -> Result<()> {
        let changed = changed_long_ago(&self.vfs, &folder);
        let (mut text, mut names) = (String::new(), Vec::new());
        // A name that is no key (control characters) was not written by us and cannot be asked for.
        let listed = folder.for_each(&mut |name, kind| {
            let begin = text.len();
            match kind {
                _ if name == STAGING => return,
                Kind::File => text.push_str(name),
                Kind::Folder => text.extend([name, "/"]),
                Kind::Link | Kind::Other => return,
            }
            match may_hold(&self.start, &below, &text[begin..]) {
                true => names.push(begin..text.len()),
                false => text.truncate(begin),
            }
        });
        listed.map_err(|source| Error::io("list", source))?;
        names.sort_unstable_by(|one, other| text[other.clone()].cmp(&text[one.clone()]));
        self.stack.push(Level { folder, below, text, names, changed });
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
                let below = format!("{}{name}", level.below);
                match level.folder.open_folder(plain).map_err(errno_of) {
                    Ok(folder) => self.enter(Arc::new(folder), below)?,
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
            match level.folder.stat(name).map_err(errno_of) {
                Ok(about) if about.kind == Kind::File => {
                    self.last = Some(place);
                    return Ok(Some(meta_of(key, &about)));
                }
                // Removed or replaced since it was read.
                Ok(_) | Err(Errno::NOENT | Errno::LOOP) => {}
                Err(errno) => return Err(failed("list", errno).with("key", key)),
            }
        }
        Ok(None)
    }
}

impl<V: Vfs> Iterator for Walk<V> {
    type Item = Result<ObjectMeta>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

impl<V: Vfs> Level<V> {
    fn still_holds(&self) -> bool {
        let now = || self.folder.stat_self().ok().map(times);
        self.changed.is_some() && now() == self.changed
    }
}

/// The times of a folder before it is read, if a change while it is read gets later ones.
fn changed_long_ago<V: Vfs>(vfs: &V, folder: &V::Folder) -> Option<Changed> {
    let times = times(folder.stat_self().ok()?);
    let quiet = vfs.now().duration_since(system_time(times.1)?).ok()?;
    (quiet >= QUIET).then_some(times)
}

fn times(about: Stat) -> Changed {
    (about.modified, about.changed)
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
