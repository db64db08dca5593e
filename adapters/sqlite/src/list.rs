//! Listing: a walk along the keys that leaps over folders.

use std::collections::VecDeque;

use rusqlite::params;
use worldstore_core::listing::{self, Start};
use worldstore_core::{Error, Key, ListOptions, ListPage, ObjectMeta, PageToken, Prefix, Result};
use worldstore_db_common::sqlite::translate;

use crate::objects::{COLUMNS, Tables};

/// Rows that are fetched at a time.
const ROWS: usize = 256;

pub(crate) fn page(tables: Tables<'_>, prefix: &Prefix, options: &ListOptions) -> Result<ListPage> {
    options.token.as_ref().map_or(Ok(()), check)?;
    let below = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
    let start = listing::start(&below, options);
    // Behind everything below the folder: `0` follows `/` in byte order.
    let end = (!prefix.is_root()).then(|| format!("{prefix}0"));
    let rows = options.limit.unwrap_or(listing::PAGE_DEFAULT).saturating_add(1).min(ROWS);
    let walk =
        Walk { tables, prefix, one_level: options.one_level, start: Some(start), end, rows, fetched: VecDeque::new() };
    listing::page(prefix, options, walk)
}

/// A token is the last entry of a page: a key, or a folder with its `/`.
fn check(token: &PageToken) -> Result<()> {
    let name = token.as_str().strip_suffix('/').unwrap_or(token.as_str());
    Key::new(name).map(drop).map_err(|error| Error::invalid("token of a page is not of this backend").caused_by(error))
}

/// The objects from a start to an end; at one level, only the first one in each folder.
struct Walk<'walk> {
    tables: Tables<'walk>,
    prefix: &'walk Prefix,
    one_level: bool,
    /// Where the next fetch begins; none when everything is fetched.
    start: Option<Start>,
    end: Option<String>,
    rows: usize,
    fetched: VecDeque<ObjectMeta>,
}

impl Walk<'_> {
    fn fetch(&mut self, start: &Start) -> Result<()> {
        let (operator, from) = match start {
            Start::At(from) => (">=", from),
            Start::After(from) => (">", from),
        };
        let before = if self.end.is_some() { "AND key < ?3" } else { "AND ?3 IS NULL" };
        let sql = format!("SELECT {COLUMNS} FROM objects WHERE key {operator} ?1 {before} ORDER BY key LIMIT ?2");
        let mut statement = self.tables.connection.prepare_cached(&sql).map_err(translate)?;
        let end = self.end.as_ref().map(String::as_bytes);
        let mut rows = statement.query(params![from.as_bytes(), self.rows as i64, end]).map_err(translate)?;
        while let Some(row) = rows.next().map_err(translate)? {
            self.fetched.push_back(self.tables.object_of(row)?.meta);
        }
        let last = self.fetched.back().filter(|_| self.fetched.len() == self.rows);
        self.start = last.map(|last| Start::After(last.key.as_str().to_owned()));
        Ok(())
    }

    /// Leaps behind the folder that the object is in.
    fn leap(&mut self, key: &Key) {
        let first = self.prefix.strip(key.as_str()).and_then(|rest| rest.split_once('/')).map(|(first, _)| first);
        let Some(first) = first else { return };
        let folder = key.as_str().len() - self.prefix.strip(key.as_str()).map_or(0, str::len) + first.len();
        let behind = format!("{}0", &key.as_str()[..folder]);
        while self.fetched.front().is_some_and(|meta| meta.key.as_str() < behind.as_str()) {
            self.fetched.pop_front();
        }
        if self.fetched.is_empty() && self.start.is_some() {
            self.start = Some(Start::At(behind));
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<ObjectMeta>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.fetched.is_empty()
            && let Some(start) = self.start.take()
            && let Err(error) = self.fetch(&start)
        {
            return Some(Err(error));
        }
        let meta = self.fetched.pop_front()?;
        if self.one_level {
            self.leap(&meta.key);
        }
        Some(Ok(meta))
    }
}
