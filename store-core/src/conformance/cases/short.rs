//! Short forms in which cases are written.

use std::ops::Range;

use crate::conformance::answer::{Answer, Fate, Gone, Seen};
use crate::conformance::body::{Body, digest};
use crate::conformance::step::{Step, When};
use crate::error::ErrorKind;
use crate::ops::ReadRange;

pub const NOT_FOUND: Answer = Answer::Failed(ErrorKind::NotFound);
pub const INVALID: Answer = Answer::Failed(ErrorKind::Invalid);
pub const UNSUPPORTED: Answer = Answer::Failed(ErrorKind::Unsupported);
pub const SETTLED_ABSENT: Answer = Answer::Settled(Fate::Absent);
pub const OTHER_STATE: Answer = Answer::Failed(ErrorKind::ConditionFailed);

pub fn write(key: impl Into<String>, body: impl Into<Body>) -> Step {
    write_when(key, body, When::Always)
}

pub fn write_when(key: impl Into<String>, body: impl Into<Body>, when: When) -> Step {
    Step::Write { key: key.into(), body: body.into(), when, token: None }
}

pub fn write_named(key: &str, body: impl Into<Body>, token: &'static str) -> Step {
    Step::Write { key: key.to_owned(), body: body.into(), when: When::Always, token: Some(token) }
}

pub fn settle(key: &str, token: &'static str) -> Step {
    Step::Settle { key: key.to_owned(), token }
}

pub fn stat(key: impl Into<String>) -> Step {
    Step::Stat { key: key.into() }
}

pub fn read(key: impl Into<String>) -> Step {
    Step::Read { key: key.into(), range: None, pinned: None }
}

pub fn read_pinned(key: &str, pinned: usize) -> Step {
    Step::Read { key: key.to_owned(), range: None, pinned: Some(pinned) }
}

pub fn read_range(key: &str, range: ReadRange) -> Step {
    Step::Read { key: key.to_owned(), range: Some(range), pinned: None }
}

pub fn read_ranges(key: &str, ranges: &[Range<u64>]) -> Step {
    Step::ReadRanges { key: key.to_owned(), ranges: ranges.to_vec(), pinned: None }
}

pub fn open(writer: &'static str, key: &str) -> Step {
    open_when(writer, key, When::Always)
}

pub fn open_when(writer: &'static str, key: &str, when: When) -> Step {
    Step::Open { writer, key: key.to_owned(), when, token: None }
}

pub fn open_named(writer: &'static str, key: &str, token: &'static str) -> Step {
    Step::Open { writer, key: key.to_owned(), when: When::Always, token: Some(token) }
}

pub fn append(writer: &'static str, body: impl Into<Body>) -> Step {
    Step::Append { writer, body: body.into() }
}

pub fn commit(writer: &'static str) -> Step {
    Step::Commit { writer }
}

pub fn delete(keys: &[&str]) -> Step {
    delete_when(keys, When::Always)
}

pub fn delete_when(keys: &[&str], when: When) -> Step {
    Step::Delete { keys: keys.iter().map(|key| (*key).to_owned()).collect(), when }
}

pub fn list() -> Step {
    Step::List { folder: "", one_level: false, after: None, limit: None }
}

pub fn list_folder(folder: &'static str) -> Step {
    Step::List { folder, one_level: false, after: None, limit: None }
}

pub fn copy(from: &str, to: &str) -> Step {
    copy_when(from, to, When::Always)
}

pub fn copy_when(from: &str, to: &str, when: When) -> Step {
    Step::Copy { from: from.to_owned(), to: to.to_owned(), when }
}

pub fn rename(from: &str, to: &str) -> Step {
    rename_when(from, to, When::Always)
}

pub fn rename_when(from: &str, to: &str, when: When) -> Step {
    Step::Rename { from: from.to_owned(), to: to.to_owned(), when }
}

pub fn found(key: impl Into<String>, size: u64, version: usize) -> Answer {
    Answer::Found(Seen::new(key, size, version))
}

pub fn applied(key: impl Into<String>, size: u64, version: usize) -> Answer {
    Answer::Applied(Seen::new(key, size, version))
}

/// The whole of an object.
pub fn content(key: impl Into<String>, version: usize, body: impl Into<Body>) -> Answer {
    let body = body.into();
    let size = body.size();
    Answer::Content { of: Seen::new(key, size, version), range: 0..size, body: body.digest() }
}

/// A part of an object in its first version.
pub fn part(key: &str, whole: &Body, range: Range<u64>) -> Answer {
    let bytes = whole.bytes().slice(range.start as usize..range.end as usize);
    Answer::Content { of: Seen::new(key, whole.size(), 1), range, body: digest(&bytes) }
}

pub fn parts(whole: &Body, ranges: &[Range<u64>]) -> Answer {
    let bytes = whole.bytes();
    let part = |range: &Range<u64>| digest(&bytes[range.start as usize..range.end as usize]);
    Answer::Parts(ranges.iter().map(part).collect())
}

pub fn settled_applied(key: &str, size: u64, version: usize) -> Answer {
    Answer::Settled(Fate::Applied(Seen::new(key, size, version)))
}

pub fn settled_other(key: &str, size: u64, version: usize) -> Answer {
    Answer::Settled(Fate::Other(Seen::new(key, size, version)))
}

pub fn deleted(keys: &[Gone]) -> Answer {
    Answer::Deleted(keys.to_vec())
}

/// Objects as key, size, version.
pub fn listed(objects: &[(&str, u64, usize)]) -> Answer {
    listed_with(objects, &[])
}

pub fn listed_with(objects: &[(&str, u64, usize)], folders: &[&str]) -> Answer {
    let objects = objects.iter().map(|(key, size, version)| Seen::new(*key, *size, *version)).collect();
    Answer::Listed { objects, folders: folders.iter().map(|folder| (*folder).to_owned()).collect() }
}
