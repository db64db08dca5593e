//! Manifests as bytes: one line of text, then JSON.
//!
//! ```text
//! worldstore manifest 1 blake3={64 hex digits} bytes={decimal length}\n
//! {"number":7,"epoch":2,"commit":"…","parent":"…","collections":0,"created_ms":…,"writer":"…",
//!  "entries":[{"name":"…","version":"…","watermark":0,"content":"…",
//!              "files":[{"key":"…","length":0,"hash":"…"}],
//!              "blocks":[{"hash":"…","length":0,"generation":0}]}],
//!  "properties":{},"pins":{"…":{"number":5,"hash":"…","expires_ms":null}},"floor":1}
//! ```
//!
//! The hash is that of the JSON, exactly as it is stored. There is one way to write a manifest, without spaces and with
//! the fields in this order; any other is refused, as are unknown fields. Both functions are pure.

use bytes::Bytes;

use super::model::Manifest;
use super::rules;
use crate::blocks::Hash;
use crate::error::{Error, ErrorKind, Result};

/// The longest JSON of a manifest in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// The longest first line in bytes.
pub(crate) const HEADER_BYTES_MAX: u64 = 128;

const START: &str = "worldstore manifest 1 blake3=";
const LENGTH: &str = " bytes=";

/// A manifest with the hash of its JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What it says.
    pub manifest: Manifest,
    /// The hash by which successors and pins name it.
    pub hash: Hash,
}

impl std::ops::Deref for Stored {
    type Target = Manifest;

    fn deref(&self) -> &Manifest {
        &self.manifest
    }
}

/// Writes a manifest as it is stored.
///
/// ```
/// use worldstore_core::manifest::{decode, encode};
///
/// # fn main() -> worldstore_core::Result<()> {
/// # let json = concat!(r#"{"number":1,"epoch":0,"commit":"00000000000000000000000000000000","parent":null,"#,
/// #   r#""collections":0,"created_ms":0,"writer":"","entries":[],"properties":{},"pins":{},"floor":1}"#);
/// # let hash = worldstore_core::blocks::Hash::of(json.as_bytes());
/// # let file = format!("worldstore manifest 1 blake3={hash} bytes={}\n{json}", json.len());
/// # let bytes = file.as_bytes();
/// let stored = decode(bytes)?;
/// assert_eq!(encode(&stored.manifest)?, (bytes.to_vec().into(), stored.hash));
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) if it breaks a rule of [`Manifest`] or is longer than [`MANIFEST_BYTES_MAX`].
pub fn encode(manifest: &Manifest) -> Result<(Bytes, Hash)> {
    rules::check(manifest)?;
    let json = json(manifest)?;
    if json.len() as u64 > MANIFEST_BYTES_MAX {
        return Err(Error::invalid("manifest is too long")
            .with("bytes", json.len())
            .with("bytes_max", MANIFEST_BYTES_MAX));
    }
    let hash = Hash::of(&json);
    let mut bytes = header(hash, json.len() as u64).into_bytes();
    bytes.extend_from_slice(&json);
    Ok((bytes.into(), hash))
}

/// Reads a manifest: checks the length, then the hash, then reads the JSON, then checks every rule.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt), saying what is wrong.
pub fn decode(bytes: &[u8]) -> Result<Stored> {
    let corrupt = |message: &str| Error::new(ErrorKind::Corrupt, message);
    let head = bytes.get(..bytes.len().min(HEADER_BYTES_MAX as usize)).unwrap_or_default();
    let end = head.iter().position(|byte| *byte == b'\n').ok_or_else(|| corrupt("manifest has no first line"))?;
    let (line, json) = (head.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default());
    let parsed = std::str::from_utf8(line).ok().and_then(parse);
    let (hash, length) = parsed.ok_or_else(|| corrupt("first line of the manifest is not one of version 1"))?;
    if length > MANIFEST_BYTES_MAX {
        return Err(corrupt("manifest says that it is too long").with("bytes", length));
    }
    if length != json.len() as u64 {
        let error = corrupt("manifest has not the length that it says").with("expected", length);
        return Err(error.with("bytes", json.len()));
    }
    if Hash::of(json) != hash {
        return Err(corrupt("manifest has not the hash that it says").with("expected", hash));
    }
    let manifest: Manifest =
        serde_json::from_slice(json).map_err(|source| corrupt("manifest cannot be read").caused_by(source))?;
    rules::check(&manifest).map_err(|source| corrupt("manifest breaks a rule").caused_by(source))?;
    match self::json(&manifest)? == json {
        true => Ok(Stored { manifest, hash }),
        false => Err(corrupt("manifest is written in another way than the one that is allowed")),
    }
}

fn json(manifest: &Manifest) -> Result<Vec<u8>> {
    serde_json::to_vec(manifest).map_err(|source| Error::unexpected("manifest cannot be written").caused_by(source))
}

fn header(hash: Hash, length: u64) -> String {
    format!("{START}{hash}{LENGTH}{length}\n")
}

/// Hash and length of a first line without its end.
fn parse(line: &str) -> Option<(Hash, u64)> {
    let (hash, length) = line.strip_prefix(START)?.split_once(LENGTH)?;
    let (hash, length) = (hash.parse().ok()?, length.parse().ok()?);
    // Only what would be written: no plus sign, no zeros in front.
    (header(hash, length).trim_end() == line).then_some((hash, length))
}

#[cfg(test)]
mod tests;
