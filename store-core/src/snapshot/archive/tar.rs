//! Heads of members: one way to write a name and a length as tar blocks, and only that way is read.
//!
//! A member begins with a ustar block. A name that does not fit it (over 100 bytes, or not ASCII) and a length over
//! eight octal gigabytes are in a pax extended header before it, as POSIX.1-2001 has it. As a head follows from name and
//! length alone, a reader that knows both compares bytes: no other type, path, owner, link or extension gets further.

use ::tar::{EntryType, Header};

use super::list::corrupt;
use crate::error::{Error, Result};

/// The unit of tar: heads are whole blocks, and contents are filled up to whole ones with zeros.
pub const BLOCK_BYTES: usize = 512;
/// Two blocks of zeros end an archive.
pub const TRAILER_BYTES: usize = 2 * BLOCK_BYTES;
/// The longest name in a ustar block.
const NAME_BYTES: usize = 100;
/// The first length that eleven octal digits cannot tell.
const OCTAL_END: u64 = 1 << 33;
/// What the block of an extended header is called; no tool makes a file of it.
const PAX_NAME: &str = "PaxHeaders/member";

/// The blocks in front of a member's bytes.
pub fn head(name: &str, bytes: u64) -> Vec<u8> {
    let plain_name = name.len() <= NAME_BYTES && name.is_ascii();
    let mut records = String::new();
    if !plain_name {
        records.push_str(&record("path", name));
    }
    if bytes >= OCTAL_END {
        records.push_str(&record("size", &bytes.to_string()));
    }
    let mut head = Vec::new();
    if !records.is_empty() {
        head.extend_from_slice(&block(PAX_NAME, records.len() as u64, EntryType::XHeader));
        head.extend_from_slice(records.as_bytes());
        head.resize(padded(head.len() as u64) as usize, 0);
    }
    let short = if plain_name { name } else { shortened(name) };
    let octal = if bytes < OCTAL_END { bytes } else { 0 };
    head.extend_from_slice(&block(short, octal, EntryType::Regular));
    head
}

/// A length filled up to whole blocks.
pub fn padded(bytes: u64) -> u64 {
    bytes.checked_next_multiple_of(BLOCK_BYTES as u64).unwrap_or(u64::MAX)
}

/// The length in the head of a member whose name is known and whose length is not.
///
/// # Errors
/// `Corrupt` if this is not the one head that such a member has.
pub fn length_in(block: &[u8; BLOCK_BYTES], name: &str) -> Result<u64> {
    let header = Header::from_byte_slice(block);
    match header.entry_size() {
        Ok(bytes) if head(name, bytes) == block => Ok(bytes),
        _ => Err(difference(block, name)),
    }
}

/// Says how a block differs from the one that this member should have begun with.
pub fn difference(found: &[u8], name: &str) -> Error {
    let Some(block) = found.get(..BLOCK_BYTES) else {
        return corrupt("a head is not that of the listed member").with("name", name);
    };
    if block.iter().all(|byte| *byte == 0) {
        return corrupt("the archive ends before its last member").with("name", name);
    }
    let header = Header::from_byte_slice(block);
    let mut summed = header.clone();
    summed.set_cksum();
    if summed.as_bytes() != header.as_bytes() {
        return corrupt("a block is no head of a tar member, or damaged").with("name", name);
    }
    let message = match header.entry_type() {
        EntryType::Regular => "a head is not that of the listed member",
        EntryType::Symlink | EntryType::Link => "a link stands where a member is listed",
        EntryType::Directory => "a folder stands where a member is listed",
        EntryType::Char | EntryType::Block | EntryType::Fifo => "a device stands where a member is listed",
        EntryType::GNUSparse => "a sparse file stands where a member is listed",
        _ => "an extension stands where a member is listed",
    };
    let found_name = String::from_utf8_lossy(&header.path_bytes()).into_owned();
    corrupt(message).with("name", name).with("found", format!("{found_name:?}"))
}

fn block(name: &str, bytes: u64, entry_type: EntryType) -> [u8; BLOCK_BYTES] {
    let mut header = Header::new_ustar();
    for (slot, byte) in header.as_old_mut().name.iter_mut().zip(name.bytes()) {
        *slot = byte;
    }
    header.set_entry_type(entry_type);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(bytes);
    header.set_cksum();
    *header.as_bytes()
}

/// A pax record; its length counts its own digits.
fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut bytes = rest + 1;
    while rest + bytes.to_string().len() != bytes {
        bytes = rest + bytes.to_string().len();
    }
    format!("{bytes} {key}={value}\n")
}

/// The beginning of a name, for tools that know nothing of pax.
fn shortened(name: &str) -> &str {
    let end = (0..=NAME_BYTES.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    name[..end].trim_end_matches('/')
}

#[cfg(test)]
mod tests;
