//! Listing in the byte order of the keys, folder by folder and no further than the page goes.

use std::collections::VecDeque;

use worldstore_core::listing::{self, Start};
use worldstore_core::{Key, ListOptions, ListPage, ObjectMeta, Prefix, Result};

use crate::failure::Failure;
use crate::lookup::{Place, Root, STAGING, links, meta_of};
use crate::session::Session;
use crate::wire::{Attrs, Entry, FileKind};

/// Entries of a page unless the caller says otherwise. A folder is read anew for each of its pages, so small ones
/// would be dear.
const PAGE_DEFAULT: usize = 10_000;

pub async fn list(root: &Root, session: &Session, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
    let mut options = options.clone();
    let limit = *options.limit.get_or_insert(PAGE_DEFAULT);
    let nothing = || listing::page(prefix, &options, std::iter::empty());
    if prefix.as_str().split('/').next() == Some(STAGING) {
        return nothing();
    }
    let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
    match root.look(session, prefix.as_str(), "list").await.map_err(|error| error.with("prefix", prefix))? {
        Place::Folder => {}
        Place::Link => return Err(links().during("list").with("prefix", prefix)),
        Place::File(_) | Place::Other | Place::Missing | Place::BehindFile => return nothing(),
    }
    let mut walk = Walk { root, session, start: listing::start(&below, &options), stack: Vec::new() };
    walk.enter(below).await?;
    let mut objects = Vec::new();
    let mut entries = 0;
    // One more than fits: it tells that the page is not the last.
    while entries <= limit {
        let Some(object) = walk.next().await? else { break };
        if options.one_level
            && let Some((first, _)) = prefix.strip(object.key.as_str()).and_then(|rest| rest.split_once('/'))
        {
            // One object speaks for its folder.
            let folder = prefix.join(first)?;
            walk.leave(folder.as_str());
        }
        entries += 1;
        objects.push(Ok(object));
    }
    listing::page(prefix, &options, objects.into_iter())
}

/// A walk in the order of keys: a folder's entries are sorted as if its sub-folders ended in `/`.
struct Walk<'walk> {
    root: &'walk Root,
    session: &'walk Session,
    start: Start,
    stack: Vec<Level>,
}

struct Level {
    /// Keys in this folder begin with this.
    below: String,
    names: VecDeque<Name>,
}

struct Name {
    /// With a trailing `/` for folders.
    text: String,
    attrs: Attrs,
}

impl Walk<'_> {
    async fn enter(&mut self, below: String) -> Result<()> {
        let path = below.trim_end_matches('/');
        let entries = match self.entries(path).await {
            Ok(entries) => entries,
            // Removed or replaced since it was read; but not because everything is gone.
            Err(failure) if failure.is_missing() => {
                self.root.look(self.session, "", "list").await?;
                return Ok(());
            }
            Err(failure) => return Err(failure.into_error("list").with("folder", path)),
        };
        let mut names = Vec::new();
        for entry in entries {
            if let Some(name) = self.name(&below, entry).await? {
                names.push(name);
            }
        }
        names.sort_unstable_by(|one, other| one.text.cmp(&other.text));
        self.stack.push(Level { below, names: names.into() });
        Ok(())
    }

    async fn entries(&self, path: &str) -> Result<Vec<Entry>, Failure> {
        let path = self.root.path(path);
        // A server may tell of a link what it leads to; and a link may have taken the folder's place.
        if self.session.lstat(&path).await?.kind() != FileKind::Folder {
            return Ok(Vec::new());
        }
        let folder = self.session.open_folder(&path).await?;
        let mut all = Vec::new();
        while let Some(entries) = self.session.read_folder(&folder).await? {
            all.extend(entries);
        }
        Ok(all)
    }

    /// The name of an entry if it is a file or folder that may hold something after the start.
    async fn name(&self, below: &str, entry: Entry) -> Result<Option<Name>> {
        // A name that is no key (not UTF-8, control characters) was not written by us and cannot be asked for.
        let Ok(text) = std::str::from_utf8(&entry.name) else { return Ok(None) };
        let key = format!("{below}{text}");
        if (below.is_empty() && text == STAGING) || text.contains('/') || Key::new(&key).is_err() {
            return Ok(None);
        }
        let attrs = match entry.attrs.mode.is_some() && entry.attrs.size.is_some() {
            true => entry.attrs,
            // Some servers list names only.
            false => match self.session.lstat(&self.root.path(&key)).await {
                Ok(attrs) => attrs,
                Err(failure) if failure.is_missing() => return Ok(None),
                Err(failure) => return Err(failure.into_error("list").with("key", key)),
            },
        };
        let name = match attrs.kind() {
            FileKind::Folder => Name { text: format!("{text}/"), attrs },
            FileKind::File => Name { text: text.to_owned(), attrs },
            FileKind::Link | FileKind::Other => return Ok(None),
        };
        Ok(may_hold(&self.start, below, &name).then_some(name))
    }

    async fn next(&mut self) -> Result<Option<ObjectMeta>> {
        while let Some(level) = self.stack.last_mut() {
            let Some(name) = level.names.pop_front() else {
                self.stack.pop();
                continue;
            };
            let key = format!("{}{}", level.below, name.text);
            match key.ends_with('/') {
                true => self.enter(key).await?,
                false => return meta_of(&Key::new(&key)?, &name.attrs).map(Some),
            }
        }
        Ok(None)
    }

    /// Passes over whatever is left in a folder.
    fn leave(&mut self, folder: &str) {
        let is_within = |level: &Level| level.below.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        while self.stack.last().is_some_and(is_within) {
            self.stack.pop();
        }
    }
}

/// False if everything under this name comes before the start.
fn may_hold(start: &Start, below: &str, name: &Name) -> bool {
    let key = format!("{below}{}", name.text);
    let (Start::At(text) | Start::After(text)) = start;
    match name.text.ends_with('/') {
        true => key.as_str() >= text.as_str() || text.starts_with(&key),
        false => !start.skips(&key),
    }
}
