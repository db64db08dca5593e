//! Listings as a plan of requests: which folders to ask for, what of the answers to give out, and in which order.

use std::collections::VecDeque;

use super::fault::Fault;
use super::glob::{Pattern, State};
use super::options::{Child, ListFilesOptions, ListFoldersOptions};
use super::scope::Kernel;
use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::ops::{ListOptions, ListPage, ObjectMeta};

/// What to do next in a [`Walk`].
#[derive(Debug)]
pub enum Step {
    /// List a page of this folder, and hand it to [`Walk::listed`].
    List(Prefix, ListOptions),
    /// Look up this object, and hand it to [`Walk::found`].
    Stat(Key),
    /// Give this out, in the names of the store.
    Give(Child),
    /// The end.
    Done,
}

/// A listing in progress, without the I/O.
///
/// Entries come in byte order where the backend lists in byte order, a folder taking its place as if it ended in `/`.
/// Folders are entered only as deep as was asked for and only if the pattern can match in them; below the point from
/// which everything may match a folder is listed whole, with the fewest requests. One page for each level is kept.
#[derive(Debug)]
pub struct Walk {
    kernel: Kernel,
    pattern: Option<Pattern>,
    max_depth: Option<u32>,
    wanted: Wanted,
    /// An object with the name of the listed folder makes the call a wrong one, which is found out if it is empty.
    folder: Option<Key>,
    /// The one object that a pattern without wildcards stands for.
    literal: Option<Key>,
    levels: Vec<Level>,
    asked: Asked,
    /// The folder from which an answer came that is empty, and should not be.
    probe: Prefix,
    /// Whether a page has come: only before that, an absent container is an empty one.
    begun: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Files,
    Folders,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    FirstPage,
    LaterPage,
    /// Whether the folder to probe is still there.
    StillThere,
    WrongType,
    Literal,
}

/// A folder that is being listed.
#[derive(Debug)]
struct Level {
    folder: Prefix,
    depth: u32,
    /// Where the pattern is in this folder.
    state: Option<State>,
    /// Everything below in one listing.
    whole: bool,
    entries: VecDeque<Entry>,
    next: Option<ListOptions>,
}

#[derive(Debug)]
enum Entry {
    File(ObjectMeta),
    Folder { folder: Prefix, state: Option<State>, gives: bool, enters: bool },
}

impl Kernel {
    /// The files of a folder.
    ///
    /// # Errors
    /// `Poisoned` if closed, `Invalid` for the folder or the pattern.
    pub fn walk_files(&self, folder: &str, options: &ListFilesOptions) -> Result<Walk> {
        let pattern = options.pattern.as_deref().map(Pattern::new).transpose()?;
        Walk::new(self, folder, Wanted::Files, pattern, options.max_depth)
    }

    /// The folders of a folder.
    ///
    /// # Errors
    /// `Poisoned` if closed, `Invalid` for the folder or the pattern.
    pub fn walk_folders(&self, folder: &str, options: &ListFoldersOptions) -> Result<Walk> {
        let pattern = options.pattern.as_deref().map(Pattern::new).transpose()?;
        Walk::new(self, folder, Wanted::Folders, pattern, options.max_depth)
    }

    /// What lies directly in a folder.
    ///
    /// # Errors
    /// `Poisoned` if closed, `Invalid` for the folder.
    pub fn walk_children(&self, folder: &str) -> Result<Walk> {
        Walk::new(self, folder, Wanted::Both, None, Some(0))
    }

    /// The files whose path from the root of the store matches.
    ///
    /// # Errors
    /// `Poisoned` if closed, `Invalid` for the pattern.
    pub fn walk_glob(&self, pattern: &str) -> Result<Walk> {
        let pattern = Pattern::new(pattern)?;
        let literal = pattern.is_literal().then(|| self.object(pattern.as_str())).transpose()?;
        let mut walk = Walk::new(self, "", Wanted::Files, Some(pattern), None)?;
        if literal.is_some() {
            walk.levels.clear();
        }
        walk.literal = literal;
        Ok(walk)
    }
}

impl Walk {
    fn new(
        kernel: &Kernel,
        folder: &str,
        wanted: Wanted,
        pattern: Option<Pattern>,
        max_depth: Option<u32>,
    ) -> Result<Self> {
        kernel.open()?;
        let top = kernel.folder(folder)?;
        let folder = if folder.is_empty() { None } else { Some(kernel.object(folder)?) };
        let mut walk = Self {
            kernel: kernel.clone(),
            pattern,
            max_depth,
            wanted,
            folder,
            literal: None,
            levels: Vec::new(),
            asked: Asked::Nothing,
            probe: top.clone(),
            begun: false,
        };
        walk.begin(top)?;
        Ok(walk)
    }

    /// Begins where the literal start of the pattern leads.
    fn begin(&mut self, top: Prefix) -> Result<()> {
        let (mut below, mut depth, mut state) = (top, 0_u32, None);
        if let Some(pattern) = &self.pattern {
            let mut reached = pattern.start();
            for name in pattern.literal_head() {
                below = below.join(name)?;
                depth = depth.saturating_add(1);
                reached = pattern.advance(&reached, name);
            }
            state = Some(reached);
        }
        if self.max_depth.is_none_or(|max| depth <= max) {
            self.enter(below, depth, state);
        }
        Ok(())
    }

    fn enter(&mut self, folder: Prefix, depth: u32, state: Option<State>) {
        let all_may_match = match (&self.pattern, &state) {
            (Some(pattern), Some(state)) => pattern.is_deep(state),
            _ => true,
        };
        let whole = self.wanted == Wanted::Files && self.max_depth.is_none() && all_may_match;
        let options = if whole { ListOptions::default() } else { ListOptions::default().one_level() };
        self.levels.push(Level { folder, depth, state, whole, entries: VecDeque::new(), next: Some(options) });
    }

    /// What to do next. After an error the walk is at its end.
    ///
    /// # Errors
    /// `Poisoned` if the store was closed meanwhile.
    pub fn step(&mut self) -> Result<Step> {
        self.kernel.open().inspect_err(|_| self.levels.clear())?;
        if let Some(key) = self.literal.take() {
            self.asked = Asked::Literal;
            return Ok(Step::Stat(key));
        }
        match self.asked {
            Asked::StillThere => return Ok(Step::List(self.probe.clone(), ListOptions::default().with_limit(1))),
            Asked::WrongType => {
                if let Some(key) = self.folder.take() {
                    return Ok(Step::Stat(key));
                }
            }
            _ => {}
        }
        while let Some(level) = self.levels.last_mut() {
            if let Some(entry) = level.entries.pop_front() {
                let depth = level.depth.saturating_add(1);
                match entry {
                    Entry::File(meta) => return Ok(Step::Give(Child::File(self.kernel.relative(meta)?))),
                    Entry::Folder { folder, state, gives, enters } => {
                        let given = self.kernel.relative_folder(&folder)?;
                        if enters {
                            self.enter(folder, depth, state);
                        }
                        if gives {
                            return Ok(Step::Give(Child::Folder(given)));
                        }
                    }
                }
            } else if let Some(options) = level.next.take() {
                self.asked = if options.token.is_none() { Asked::FirstPage } else { Asked::LaterPage };
                return Ok(Step::List(level.folder.clone(), options));
            } else {
                self.levels.pop();
            }
        }
        Ok(Step::Done)
    }

    /// Takes the answer to [`Step::List`].
    ///
    /// # Errors
    /// Those of the backend; `NotFound` if a folder vanished in the middle of its listing.
    pub fn listed(&mut self, page: Result<ListPage>) -> Result<()> {
        let taken = self.take_page(page);
        if taken.is_err() {
            self.levels.clear();
        }
        taken
    }

    /// Takes the answer to [`Step::Stat`].
    ///
    /// # Errors
    /// `Invalid` if the folder to list is an object; those of the backend.
    pub fn found(&mut self, meta: Result<ObjectMeta>) -> Result<()> {
        let asked = std::mem::replace(&mut self.asked, Asked::Nothing);
        match (meta, asked) {
            (Ok(meta), Asked::Literal) => {
                let folder = meta.key.parent();
                let entries = VecDeque::from([Entry::File(meta)]);
                self.levels.push(Level { folder, depth: 0, state: None, whole: true, entries, next: None });
                Ok(())
            }
            (Ok(meta), _) => {
                self.levels.clear();
                Err(self.kernel.explain(Fault::IsObject.about(meta.key), "list"))
            }
            (Err(error), _) if error.is_not_found() => Ok(()),
            (Err(error), _) => {
                self.levels.clear();
                Err(self.kernel.explain(error, "list"))
            }
        }
    }

    fn take_page(&mut self, page: Result<ListPage>) -> Result<()> {
        let asked = std::mem::replace(&mut self.asked, Asked::Nothing);
        let depth = self.levels.len();
        let top = self.levels.first().map(|level| level.folder.clone());
        let (Some(level), Some(top)) = (self.levels.last_mut(), top) else {
            return Err(Error::unexpected("a page came that was not asked for"));
        };
        let first = !std::mem::replace(&mut self.begun, true);
        let ListPage { objects, folders, next } = self.kernel.listed(page, &level.folder, first)?;
        let is_empty = objects.is_empty() && folders.is_empty();
        if asked == Asked::StillThere {
            return match is_empty {
                true => Err(self.kernel.explain(Fault::Vanished.about(&self.probe), "list")),
                false => Ok(()),
            };
        }
        if is_empty && next.is_none() {
            match asked {
                // Rare, and what a folder looks like that was deleted between two pages.
                Asked::LaterPage => (self.asked, self.probe) = (Asked::StillThere, level.folder.clone()),
                // Another may have emptied this one folder, which is no fault; or all is gone.
                _ if depth > 1 => (self.asked, self.probe) = (Asked::StillThere, top),
                _ => self.asked = Asked::WrongType,
            }
            return Ok(());
        }
        level.next = next.map(|token| match level.whole {
            true => ListOptions::default().with_token(token),
            false => ListOptions::default().one_level().with_token(token),
        });
        level.entries = match level.whole {
            true => kept_whole(level, objects, self.pattern.as_ref()),
            false => kept_level(level, objects, folders, self.pattern.as_ref(), self.wanted, self.max_depth),
        };
        Ok(())
    }
}

/// The files of a page of everything below a folder that match.
fn kept_whole(level: &Level, objects: Vec<ObjectMeta>, pattern: Option<&Pattern>) -> VecDeque<Entry> {
    let matches = |meta: &ObjectMeta| match (pattern, &level.state) {
        (Some(pattern), Some(state)) => {
            let rest = level.folder.strip(meta.key.as_str()).unwrap_or_default();
            let reached = rest.split('/').fold(state.clone(), |state, name| pattern.advance(&state, name));
            pattern.accepts(&reached)
        }
        _ => true,
    };
    objects.into_iter().filter(matches).map(Entry::File).collect()
}

/// What of a page of one level is given out or entered, files and folders merged.
fn kept_level(
    level: &Level,
    objects: Vec<ObjectMeta>,
    folders: Vec<Prefix>,
    pattern: Option<&Pattern>,
    wanted: Wanted,
    max_depth: Option<u32>,
) -> VecDeque<Entry> {
    let advance = |name: &str| match (pattern, &level.state) {
        (Some(pattern), Some(state)) => Some(pattern.advance(state, name)),
        _ => None,
    };
    let accepts = |state: &Option<State>| match (pattern, state) {
        (Some(pattern), Some(state)) => pattern.accepts(state),
        _ => true,
    };
    let goes_on = |state: &Option<State>| match (pattern, state) {
        (Some(pattern), Some(state)) => pattern.goes_on(state),
        _ => true,
    };
    let mut entries = Vec::new();
    if wanted != Wanted::Folders {
        for meta in objects {
            if accepts(&advance(meta.key.name())) {
                entries.push((meta.key.to_string(), Entry::File(meta)));
            }
        }
    }
    let deeper = max_depth.is_none_or(|max| level.depth < max);
    for folder in folders {
        let state = advance(level.folder.strip(folder.as_str()).unwrap_or_default());
        let gives = wanted != Wanted::Files && accepts(&state);
        let enters = deeper && goes_on(&state);
        if gives || enters {
            entries.push((format!("{folder}/"), Entry::Folder { folder, state, gives, enters }));
        }
    }
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    entries.into_iter().map(|(_, entry)| entry).collect()
}

#[cfg(test)]
mod tests;
