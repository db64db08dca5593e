//! `lake://bucket/template`.

use std::fmt;
use std::str::FromStr;

use super::template::{self, Template};
use crate::error::{Error, Result};

/// What every address begins with.
pub const SCHEME: &str = "lake://";

/// The longest name of a bucket in bytes, as in S3.
pub const BUCKET_BYTES_MAX: usize = 63;

/// A bucket, and which of the keys in it are meant.
///
/// What the bucket is, a folder here or a store elsewhere, is not part of the address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LakeUri {
    /// The bucket: 1 to [`BUCKET_BYTES_MAX`] ASCII letters, digits, `-`, `_` and `.`, and neither `.` nor `..`.
    pub bucket: String,
    /// The keys in it.
    pub template: Template,
}

impl LakeUri {
    /// Reads an address. A bucket alone, with or without `/`, means everything in it.
    ///
    /// # Errors
    /// `Invalid`, with the rule that is broken and, as `at`, where in the text, counted in bytes from 0.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str, at: usize| {
            let form = format!("{SCHEME}bucket/path/{{variable}}");
            Err(Error::invalid(why).with("at", at).with("address", format!("{text:?}")).with("form", form))
        };
        let Some(rest) = text.strip_prefix(SCHEME) else { return wrong("address does not begin with lake://", 0) };
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        let at = SCHEME.len();
        if let Some((why, place)) = broken_bucket(bucket) {
            return wrong(why, at + place);
        }
        let template = template::parse(path).map_err(|wrong| {
            Error::invalid(wrong.why)
                .with("at", at + bucket.len() + 1 + wrong.at)
                .with("address", template::shown(text))
        })?;
        Ok(Self { bucket: bucket.to_owned(), template })
    }
}

/// Checks the name of a bucket.
///
/// # Errors
/// `Invalid`, with the rule that is broken and, as `at`, where in the name, counted in bytes from 0.
pub fn check_bucket(name: &str) -> Result<()> {
    match broken_bucket(name) {
        Some((why, at)) => Err(Error::invalid(why).with("at", at).with("bucket", template::shown(name))),
        None => Ok(()),
    }
}

/// The rule that a name breaks, and where.
fn broken_bucket(name: &str) -> Option<(&'static str, usize)> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() {
        return Some(("address has no bucket", 0));
    }
    if let Some(brace) = name.find(['{', '}']) {
        return Some(("bucket cannot be a variable", brace));
    }
    if let Some(letter) = name.find(|letter| !is_plain(letter)) {
        return Some(("bucket has another character than letters, digits, `-`, `_` and `.`", letter));
    }
    match name {
        "." | ".." => Some(("bucket is a dot segment", 0)),
        name if name.len() > BUCKET_BYTES_MAX => Some(("bucket is too long", BUCKET_BYTES_MAX)),
        _ => None,
    }
}

impl fmt::Display for LakeUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.template)
    }
}

impl FromStr for LakeUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
