//! Pages of a listing from systems that answer with a stretch of objects at a time.

use std::collections::VecDeque;

use crate::error::Result;
use crate::key::Prefix;
use crate::listing::{self, Start};
use crate::ops::{ListOptions, ListPage, ObjectMeta};

/// Objects of one stretch at most.
const STRETCH_MAX: usize = 256;

/// What a listing asks its system for: the first `limit` objects from `start` up to `end`, in byte order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stretch {
    /// Where it begins.
    pub start: Start,
    /// The text before which it ends; none for all that follows.
    pub end: Option<String>,
    /// As many objects are wanted; fewer mean that there are no more.
    pub limit: usize,
}

/// Takes one page. In a listing of one level, a folder is passed over once its first object is known.
///
/// # Errors
/// Those of `fetch`; `Invalid` for a page of no entries.
pub fn page_by_stretches(
    prefix: &Prefix,
    options: &ListOptions,
    fetch: impl FnMut(&Stretch) -> Result<Vec<ObjectMeta>>,
) -> Result<ListPage> {
    let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
    // One entry more than the page tells whether there is another page.
    let limit = options.limit.unwrap_or(listing::PAGE_DEFAULT).saturating_add(1).min(STRETCH_MAX);
    let next = Some(listing::start(&below, options));
    let mut walk = Walk { fetch, below, one_level: options.one_level, limit, next, found: VecDeque::new() };
    listing::page(prefix, options, std::iter::from_fn(|| walk.step().transpose()))
}

struct Walk<Fetch> {
    fetch: Fetch,
    /// The folder with its `/`; empty for the root.
    below: String,
    one_level: bool,
    limit: usize,
    /// Where the next stretch begins; none at the end.
    next: Option<Start>,
    found: VecDeque<ObjectMeta>,
}

impl<Fetch: FnMut(&Stretch) -> Result<Vec<ObjectMeta>>> Walk<Fetch> {
    fn step(&mut self) -> Result<Option<ObjectMeta>> {
        while self.found.is_empty() {
            let Some(start) = self.next.take() else { return Ok(None) };
            self.fetch(start)?;
        }
        let object = self.found.pop_front();
        if self.one_level
            && let Some(object) = &object
        {
            self.skip_folder(object.key.as_str());
        }
        Ok(object)
    }

    /// `0` follows `/` in byte order.
    fn skip_folder(&mut self, key: &str) {
        let Some((first, _)) = key.get(self.below.len()..).and_then(|rest| rest.split_once('/')) else { return };
        let behind = format!("{}{first}0", self.below);
        self.found.retain(|meta| meta.key.as_str() >= behind.as_str());
        if self.found.is_empty() && self.next.is_some() {
            self.next = Some(Start::At(behind));
        }
    }

    fn fetch(&mut self, start: Start) -> Result<()> {
        let end = self.below.strip_suffix('/').map(|folder| format!("{folder}0"));
        let (Start::At(from) | Start::After(from)) = &start;
        // A start behind the folder leaves nothing to ask for.
        if end.as_ref().is_some_and(|end| from >= end) {
            return Ok(());
        }
        let objects = (self.fetch)(&Stretch { start, end, limit: self.limit })?;
        if objects.len() >= self.limit {
            self.next = objects.last().map(|last| Start::After(last.key.to_string()));
        }
        self.found.extend(objects);
        Ok(())
    }
}
