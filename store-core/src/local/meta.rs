//! What the system tells of a file, as metadata of an object.

use std::time::{Duration, SystemTime};

use crate::key::Key;
use crate::ops::{ObjectMeta, Version};
use crate::vfs::Stat;

/// The metadata of the file that is the object.
pub(super) fn meta_of(key: Key, about: &Stat) -> ObjectMeta {
    let meta = ObjectMeta::new(key, about.length).with_version(version_of(about));
    match system_time(about.modified) {
        Some(modified) => meta.with_modified(modified),
        None => meta,
    }
}

/// Seconds and nanoseconds since 1970.
pub(super) type Time = (i64, u32);

/// Inode, size, and both times of change, in hexadecimal digits.
fn version_of(about: &Stat) -> Version {
    let mut text = Digits { bytes: [0; Digits::BYTES_MAX], length: 0 };
    text.push(b'-', about.id.1);
    text.push(b'-', about.length);
    for (seconds, nanoseconds) in [about.modified, about.changed] {
        text.push(b'-', seconds as u64);
        text.push(b'.', u64::from(nanoseconds));
    }
    // Nothing is lost: it is ASCII.
    Version::new(&*String::from_utf8_lossy(&text.bytes[1..text.length]))
}

/// Numbers with a mark before each. The standard formatting would take longer than asking the system for them.
struct Digits {
    bytes: [u8; Self::BYTES_MAX],
    length: usize,
}

impl Digits {
    /// Six numbers of sixteen digits, and their marks.
    const BYTES_MAX: usize = 6 * 17;

    fn push(&mut self, mark: u8, number: u64) {
        let count = number.checked_ilog2().map_or(1, |highest| highest as usize / 4 + 1);
        let end = self.length + 1 + count;
        self.bytes[self.length] = mark;
        let mut rest = number;
        for byte in self.bytes[self.length + 1..end].iter_mut().rev() {
            *byte = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
        self.length = end;
    }
}

/// None for a time that the type cannot hold.
pub(super) fn system_time((seconds, nanoseconds): Time) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = match seconds < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(whole)?,
        false => SystemTime::UNIX_EPOCH.checked_add(whole)?,
    };
    second.checked_add(Duration::from_nanos(u64::from(nanoseconds)))
}

#[cfg(test)]
mod tests;
