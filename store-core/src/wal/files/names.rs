//! The names of files in the folder of a log.

use std::io;

use crate::vfs::Folder;

pub(super) const LOCK: &str = "LOCK";
pub(super) const EPOCH: &str = "EPOCH";
const SEGMENT: &str = ".wal";
const FLOOR: &str = ".floor";
const TEMPORARY: &str = ".tmp";
/// Digits of the largest number.
const DIGITS: usize = 20;

/// The name of a segment.
pub(super) fn segment(first: u64, epoch: u64) -> String {
    format!("{first:020}-{epoch:020}{SEGMENT}")
}

/// The first record and the epoch in the name of a segment.
pub(super) fn parse_segment(name: &str) -> Option<(u64, u64)> {
    let (first, epoch) = name.strip_suffix(SEGMENT)?.split_once('-')?;
    Some((number(first)?, number(epoch)?))
}

/// The name of an empty file that says: what begins before this record was trimmed.
pub(super) fn floor(first: u64) -> String {
    format!("{first:020}{FLOOR}")
}

/// The record in the name of a floor.
pub(super) fn parse_floor(name: &str) -> Option<u64> {
    number(name.strip_suffix(FLOOR)?)
}

fn number(text: &str) -> Option<u64> {
    (text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// The name of a segment that is being prepared.
pub(super) fn prepared(epoch: u64, number: u64) -> String {
    format!("{epoch:020}-{number:020}{TEMPORARY}")
}

/// The name of a mark that is being made.
pub(super) fn claim(epoch: u64) -> String {
    format!("{epoch:020}{TEMPORARY}")
}

/// True for names that a crash may leave behind.
pub(super) fn is_temporary(name: &str) -> bool {
    name.ends_with(TEMPORARY)
}

/// Gives a file the name of a segment. No other writer ever uses this name, so that there is nothing to replace.
pub(super) fn publish<F: Folder>(folder: &F, temporary: &str, name: &str) -> io::Result<()> {
    match folder.rename_no_replace(temporary, folder, name) {
        Err(source) if matches!(source.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            folder.rename(temporary, folder, name)
        }
        renamed => renamed,
    }
}
