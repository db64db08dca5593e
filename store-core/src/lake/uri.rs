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
        if bucket.is_empty() {
            return wrong("address has no bucket", at);
        }
        if let Some(brace) = bucket.find(['{', '}']) {
            return wrong("bucket cannot be a variable", at + brace);
        }
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if let Some(letter) = bucket.find(|letter| !is_plain(letter)) {
            return wrong("bucket has another character than letters, digits, `-`, `_` and `.`", at + letter);
        }
        if bucket.len() > BUCKET_BYTES_MAX {
            return wrong("bucket is too long", at + BUCKET_BYTES_MAX);
        }
        if matches!(bucket, "." | "..") {
            return wrong("bucket is a dot segment", at);
        }
        let template = template::parse(path).map_err(|wrong| {
            Error::invalid(wrong.why)
                .with("at", at + bucket.len() + 1 + wrong.at)
                .with("address", template::shown(text))
        })?;
        Ok(Self { bucket: bucket.to_owned(), template })
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
