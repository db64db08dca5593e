//! What is kept of a download that broke off: which source it is of, and how much of it can be trusted.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::crc::Crc32c;
use crate::error::{Error, Result};
use crate::ops::{Durability, ObjectMeta};

const HEADER: &str = "worldstore-pin 1";

/// The source that a partial file is of, and what is known to be in the file. As text: header, size of the source,
/// trusted bytes, their checksum, and to the end the version of the source, each on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pin {
    pub size: u64,
    pub version: String,
    pub done: u64,
    pub checksum: Crc32c,
}

impl Pin {
    /// Of a source of which nothing is there yet; none for one without a version.
    pub fn of(source: &ObjectMeta) -> Option<Self> {
        let version = source.version.as_ref()?.as_str().to_owned();
        Some(Self { size: source.size, version, done: 0, checksum: Crc32c::new() })
    }

    /// Reads what was stored. A text that is damaged is none: the download begins anew.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidData) => {
                Ok(None)
            }
            Err(error) => Err(Error::io("download", error).with("path", path.display())),
        }
    }

    /// Replaces what is stored, whole or not at all.
    pub fn store(&self, path: &Path, durability: Durability) -> Result<()> {
        let next = beside(path, ".next");
        let failed = |source| Error::io("download", source).with("path", path.display());
        fs::write(&next, self.to_string()).map_err(failed)?;
        if durability != Durability::None {
            File::open(&next).and_then(|file| file.sync_all()).map_err(failed)?;
        }
        fs::rename(&next, path).map_err(failed)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.splitn(5, '\n');
        let header = lines.next()?;
        let (size, done) = (lines.next()?.parse().ok()?, lines.next()?.parse().ok()?);
        let checksum = Crc32c::from_value(u32::from_str_radix(lines.next()?, 16).ok()?);
        let version = lines.next()?.to_owned();
        (header == HEADER && done <= size).then_some(Self { size, version, done, checksum })
    }
}

impl std::fmt::Display for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{HEADER}\n{}\n{}\n{}\n{}", self.size, self.done, self.checksum, self.version)
    }
}

/// Cuts a partial file to what can be trusted: the bytes of the pin that was stored, if it is of this source and they
/// still have their checksum, and nothing otherwise. The file is then at its end.
pub(super) fn take_up(file: &mut File, stored: Option<Pin>, source: Pin) -> std::io::Result<Pin> {
    let usable = stored.filter(|stored| stored.size == source.size && stored.version == source.version);
    let pin = match usable {
        Some(stored) if checksum_of(file, stored.done)? == Some(stored.checksum) => stored,
        _ => source,
    };
    file.set_len(pin.done)?;
    file.seek(SeekFrom::Start(pin.done))?;
    Ok(pin)
}

/// The checksum of the first bytes of a file; none if it has fewer.
pub(super) fn checksum_of(file: &mut File, bytes: u64) -> std::io::Result<Option<Crc32c>> {
    file.seek(SeekFrom::Start(0))?;
    let (mut checksum, mut rest, mut buffer) = (Crc32c::new(), bytes, vec![0; 256 << 10]);
    while rest > 0 {
        let wanted = rest.min(buffer.len() as u64) as usize;
        match file.read(&mut buffer[..wanted])? {
            0 => return Ok(None),
            got => {
                checksum.update(&buffer[..got]);
                rest -= got as u64;
            }
        }
    }
    Ok(Some(checksum))
}

/// The path with something appended to its last name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Reads the next chunk of at most `bytes_max`; none at the end.
pub(super) fn next_chunk(file: &mut File, bytes_max: usize) -> std::io::Result<Option<Bytes>> {
    let mut buffer = Vec::with_capacity(bytes_max);
    file.take(bytes_max as u64).read_to_end(&mut buffer)?;
    Ok((!buffer.is_empty()).then(|| Bytes::from(buffer)))
}

#[cfg(test)]
mod tests;
