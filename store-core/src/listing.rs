//! Pages of a listing, made from keys in byte order: for backends that can walk their keys from a starting point.

use std::ops::Bound;

use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::ops::{ListOptions, ListPage, ObjectMeta, PageToken};

/// The size of a page if none is asked for.
pub const PAGE_DEFAULT: usize = 1_000;

/// Where a walk over the keys has to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At this text.
    At(String),
    /// After this text.
    After(String),
}

impl Start {
    /// As the bound of a range.
    pub fn as_bound(&self) -> Bound<&str> {
        match self {
            Self::At(text) => Bound::Included(text),
            Self::After(text) => Bound::Excluded(text),
        }
    }

    /// True if the key comes before the start.
    pub fn skips(&self, key: &str) -> bool {
        match self {
            Self::At(text) => key < text.as_str(),
            Self::After(text) => key <= text.as_str(),
        }
    }
}

/// The start that prefix (`below`: empty, or with its trailing `/`), `after` and token mean together: the furthest.
pub fn start(below: &str, options: &ListOptions) -> Start {
    let mut start = Start::At(below.to_owned());
    let others = [
        options.after.as_ref().map(|after| Start::After(after.as_str().to_owned())),
        options.token.as_ref().map(|token| resume(token.as_str())),
    ];
    for other in others.into_iter().flatten() {
        let later = match (&start, &other) {
            (Start::At(one) | Start::After(one), Start::At(two) | Start::After(two)) => two >= one,
        };
        if later {
            start = other;
        }
    }
    start
}

/// A token is the last entry of its page. A page that ended in a folder goes on behind everything in it: `0` follows
/// `/` in byte order.
fn resume(token: &str) -> Start {
    match token.strip_suffix('/') {
        Some(folder) => Start::At(format!("{folder}0")),
        None => Start::After(token.to_owned()),
    }
}

/// Takes one page from objects in byte order, all below `prefix` and not before the [`start`].
///
/// # Errors
/// Those of the walk.
pub fn page(
    prefix: &Prefix,
    options: &ListOptions,
    objects: impl Iterator<Item = Result<ObjectMeta>>,
) -> Result<ListPage> {
    let limit = options.limit.unwrap_or(PAGE_DEFAULT);
    if limit == 0 {
        return Err(Error::invalid("a page of no entries was asked for"));
    }
    let mut page = ListPage::default();
    let mut ends_in_folder = false;
    for object in objects {
        let object = object?;
        let folder = folder_of(prefix, &object.key, options.one_level)?;
        if folder.is_some() && folder.as_ref() == page.folders.last() {
            continue;
        }
        if page.objects.len() + page.folders.len() == limit {
            page.next = Some(last_of(&page, ends_in_folder)?);
            break;
        }
        ends_in_folder = folder.is_some();
        match folder {
            Some(folder) => page.folders.push(folder),
            None => page.objects.push(object),
        }
    }
    Ok(page)
}

/// The token of a page that is full: its last entry.
fn last_of(page: &ListPage, is_folder: bool) -> Result<PageToken> {
    let last = match is_folder {
        true => page.folders.last().map(|folder| PageToken::new(format!("{folder}/"))),
        false => page.objects.last().map(|object| PageToken::new(object.key.as_str())),
    };
    last.ok_or_else(|| Error::unexpected("a full page has no entry"))
}

/// The folder that stands for the key in a listing of one level.
fn folder_of(prefix: &Prefix, key: &Key, one_level: bool) -> Result<Option<Prefix>> {
    if !one_level {
        return Ok(None);
    }
    let first = prefix.strip(key.as_str()).and_then(|rest| rest.split_once('/')).map(|(first, _)| first);
    first.map(|first| prefix.join(first)).transpose()
}
