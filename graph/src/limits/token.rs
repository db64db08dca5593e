//! Where a query that was cut off goes on.

use std::fmt::{self, Write};
use std::str::FromStr;

use worldstore_core::{Error, Result};
use worldstore_cypher::ast::Query;

use crate::value::Parameters;

/// Says in front of a token what it is.
const PREFIX: &str = "wsr1-";
/// Between the fields.
const FIELDS: char = '\u{1f}';
/// Between the snapshots.
const SNAPSHOTS: char = '\u{1e}';

/// Where a query that was cut off goes on: after how many row groups, of what, and in which state of the tables. It
/// prints as one word, and is read from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeToken {
    /// The query with its parameters.
    pub(crate) query: String,
    /// What the row groups are of: a variable of the query, or nothing where it is walked.
    pub(crate) along: String,
    pub(crate) done: u64,
    /// The states that were read, as [`Snapshot`](crate::Snapshot)s print themselves.
    pub(crate) snapshots: Vec<String>,
}

impl ResumeToken {
    /// The row groups that were read to their end.
    pub fn row_groups_done(&self) -> u64 {
        self.done
    }

    /// The states of the tables that were read: the rest is read from the same.
    pub fn snapshots(&self) -> impl Iterator<Item = &str> {
        self.snapshots.iter().map(String::as_str)
    }
}

/// What identifies a query: its text, however it was laid out, and its parameters.
pub(crate) fn identity(query: &Query, parameters: &Parameters) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(query.to_string().as_bytes());
    for name in parameters.names() {
        hasher.update(format!("\n{name}={:?}", parameters.value(name)).as_bytes());
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshots = self.snapshots.join(&SNAPSHOTS.to_string());
        let done = self.done.to_string();
        let fields = [&self.query, &self.along, &done, &snapshots].map(String::as_str);
        let text = fields.join(&FIELDS.to_string());
        let mut word = format!("{PREFIX}{:08x}", crc32c::crc32c(text.as_bytes()));
        for byte in text.bytes() {
            write!(word, "{byte:02x}")?;
        }
        f.write_str(&word)
    }
}

impl FromStr for ResumeToken {
    type Err = Error;

    /// # Errors
    /// `Invalid`: the word is no token, or was changed.
    fn from_str(word: &str) -> Result<Self> {
        parse(word.trim())
            .ok_or_else(|| Error::invalid("this is no token of a query that was cut off").with("token", word))
    }
}

fn parse(word: &str) -> Option<ResumeToken> {
    let word = word.strip_prefix(PREFIX)?;
    let digits: Vec<u32> = word.chars().map(|letter| letter.to_digit(16)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect();
    let (sum, text) = bytes.split_at_checked(4)?;
    if !digits.len().is_multiple_of(2) || crc32c::crc32c(text).to_be_bytes() != sum {
        return None;
    }
    let text = String::from_utf8(text.to_vec()).ok()?;
    let mut fields = text.split(FIELDS);
    let (query, along, done, snapshots) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let snapshots = snapshots.split(SNAPSHOTS).filter(|one| !one.is_empty());
    Some(ResumeToken {
        query: query.to_owned(),
        along: along.to_owned(),
        done: done.parse().ok()?,
        snapshots: snapshots.map(str::to_owned).collect(),
    })
}
