//! Listings: where they start, how far they go, and their pages.

use std::sync::Arc;

use super::object::ObjectMeta;
use crate::key::{Key, Prefix};

/// Options of [`list`](crate::Backend::list).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ListOptions {
    /// Only keys greater than this one, in byte order.
    pub after: Option<Key>,
    /// At most so many entries in the page; the backend's own page size by default.
    pub limit: Option<usize>,
    /// One level only: what lies deeper is reported as folders.
    pub one_level: bool,
    /// Where the page before ended.
    pub token: Option<PageToken>,
}

impl ListOptions {
    /// One level only.
    #[must_use]
    pub fn one_level(mut self) -> Self {
        self.one_level = true;
        self
    }

    /// Only keys after this one.
    #[must_use]
    pub fn with_after(mut self, after: Key) -> Self {
        self.after = Some(after);
        self
    }

    /// At most so many entries.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Goes on where a page ended.
    #[must_use]
    pub fn with_token(mut self, token: PageToken) -> Self {
        self.token = Some(token);
        self
    }
}

/// Where a page of a listing ended; opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(Arc<str>);

impl PageToken {
    /// Wraps a backend's token.
    pub fn new(token: impl Into<Arc<str>>) -> Self {
        Self(token.into())
    }

    /// The token, for the backend that made it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of a listing.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ListPage {
    /// Objects, sorted by key in byte order.
    pub objects: Vec<ObjectMeta>,
    /// Folders, sorted; only for listings of one level.
    pub folders: Vec<Prefix>,
    /// Where to go on; none on the last page.
    pub next: Option<PageToken>,
}
