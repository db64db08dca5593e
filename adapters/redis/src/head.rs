//! What the server tells of an object.

use std::time::{Duration, UNIX_EPOCH};

use worldstore_core::{Condition, Error, ErrorKind, Key, ObjectMeta, Result, Version, WriteToken};

/// An object: everything but its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub meta: ObjectMeta,
    pub token: Option<String>,
    /// Where a large body is.
    pub pieces: Option<Pieces>,
}

/// A large body: pieces of one size, but for the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pieces {
    pub generation: String,
    pub count: u64,
    pub piece_bytes: u64,
}

impl Head {
    /// Reads the text that the scripts write.
    ///
    /// # Errors
    /// `Corrupt` if it is not of that form.
    pub fn parse(key: &Key, text: &[u8]) -> Result<Self> {
        std::str::from_utf8(text)
            .ok()
            .and_then(|text| Self::fields(key, text))
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, "the head of an object is damaged").with("key", key))
    }

    fn fields(key: &Key, text: &str) -> Option<Self> {
        let fields: Vec<_> = text.split(' ').collect();
        let [version, size, modified, generation, count, piece_bytes, token] = fields[..] else { return None };
        let (size, modified): (u64, u64) = (size.parse().ok()?, modified.parse().ok()?);
        let (count, piece_bytes): (u64, u64) = (count.parse().ok()?, piece_bytes.parse().ok()?);
        let pieces = match generation {
            "-" => None,
            _ if piece_bytes == 0 || size.div_ceil(piece_bytes) != count => return None,
            _ => Some(Pieces { generation: generation.to_owned(), count, piece_bytes }),
        };
        let meta = ObjectMeta::new(key.clone(), size)
            .with_version(Version::new(version))
            .with_modified(UNIX_EPOCH + Duration::from_micros(modified));
        Some(Self { meta, token: token.strip_prefix('=').map(str::to_owned), pieces })
    }
}

/// A write token as heads hold it.
pub(crate) fn token_text(token: Option<&WriteToken>) -> String {
    token.map_or_else(|| "-".to_owned(), |token| format!("={token}"))
}

/// A condition as scripts take it: its kind, and the version or nothing.
///
/// # Errors
/// `Unsupported` for one that this crate does not know.
pub(crate) fn condition_args(condition: &Condition) -> Result<(&'static str, &str)> {
    match condition {
        Condition::None => Ok(("none", "")),
        Condition::IfAbsent => Ok(("absent", "")),
        Condition::IfMatch(version) => Ok(("match", version.as_str())),
        _ => Err(Error::unsupported("this condition is not known")),
    }
}

#[cfg(test)]
mod tests;
