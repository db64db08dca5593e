//! Taking objects in: first where nobody looks, then to their places; and out again after a failure.
//!
//! Staged objects lie under numbers in a folder that belongs to this intake alone. Nothing is put in its place before
//! everything is staged and checked, and what is there already has to be the same.

use bytes::Bytes;

use super::archive::{ArchiveMember, MemberKind};
use super::examine::{Problem, examine};
use crate::backend::{Backend, Writer};
use crate::blocks::{Block, Hasher};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;
use crate::wrap::Tokens;

/// The folder below which each intake has its own.
pub(super) const STAGING: &str = "importing";

/// So many keys are deleted with one call.
const DELETED_AT_ONCE: usize = 1_000;

/// So many keys are named in an error.
const NAMED: usize = 5;

/// Objects on their way in.
#[derive(Debug)]
pub(super) struct Intake<'place> {
    backend: &'place dyn Backend,
    /// Where blocks go, and under which generation.
    blocks: (&'place Prefix, u64),
    staging: Prefix,
    staged: Vec<(ArchiveMember, Key)>,
    /// Keys in the staging folder that may hold something.
    traces: Vec<Key>,
    /// Files that this intake has put in their places, with their versions where the backend has them.
    placed: Vec<(Key, Option<Version>)>,
    /// The file whose move failed, from where to where: it may have happened all the same.
    doubtful: Option<(Key, Key)>,
}

/// How a move ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Moved {
    /// The object is in its place, by this move.
    Here(Option<Version>),
    /// Something was there before.
    Taken,
}

impl<'place> Intake<'place> {
    /// An intake into a backend: staged below `folder`, with blocks below the folder and under the generation of `blocks`.
    /// No I/O.
    ///
    /// # Errors
    /// `Invalid` if the folder's name leaves no room for a key.
    pub fn begin(backend: &'place dyn Backend, folder: &Prefix, blocks: (&'place Prefix, u64)) -> Result<Self> {
        let id = Tokens::default().make()?;
        let staging = folder.join(format!("{STAGING}/{id}"))?;
        let (staged, traces, placed) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { backend, blocks, staging, staged, traces, placed, doubtful: None })
    }

    /// Stages a member. `fill` hands over its chunks, and fails if they turn out not to be those of the member.
    ///
    /// # Errors
    /// Those of `fill` and of the backend.
    pub fn stage(
        &mut self,
        member: &ArchiveMember,
        fill: impl FnOnce(&mut dyn FnMut(Bytes) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        let at = self.staging.key(format!("{:020}", self.traces.len()))?;
        self.traces.push(at.clone());
        let options = WriteOptions::if_absent().with_durability(Durability::File);
        let mut writer = self.backend.open_writer(&at, &options)?;
        if let Err(error) = fill(&mut |chunk| writer.write(chunk)) {
            return Err(aborted(writer, error));
        }
        match writer.commit()? {
            Outcome::Applied(_) => {}
            Outcome::Rejected => return Err(Error::unexpected("a random name is taken").with("key", &at)),
            Outcome::Unknown => return Err(unknown(&at)),
        }
        self.staged.push((member.clone(), at));
        Ok(())
    }

    /// True if what is staged can be seen in another backend: both have one root.
    ///
    /// # Errors
    /// Those of the other backend.
    pub fn is_seen_by(&self, other: &dyn Backend) -> Result<bool> {
        let Some((_, at)) = self.staged.first() else { return Ok(false) };
        match other.stat(at, &StatOptions::default()) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts everything that is staged in its place. A file never replaces another. A block may replace itself: whoever
    /// stored it before may not have made it durable.
    ///
    /// # Errors
    /// `AlreadyExists` if another file stands in the place of one, `OutcomeUnknown`, those of the backend. What was done
    /// until then is undone by [`give_up`](Self::give_up).
    pub fn place(&mut self) -> Result<()> {
        for (member, at) in std::mem::take(&mut self.staged) {
            match member.kind()? {
                MemberKind::File(key) => {
                    let key = Key::new(key)?;
                    self.doubtful = Some((at.clone(), key.clone()));
                    let moved = self.shift(&at, &key, &member, Condition::IfAbsent)?;
                    self.doubtful = None;
                    match moved {
                        Moved::Here(version) => self.placed.push((key, version)),
                        Moved::Taken => self.take_over(&at, &key, &member)?,
                    }
                }
                MemberKind::Block => {
                    let (folder, generation) = self.blocks;
                    let block = Block { hash: member.blake3, length: member.bytes, generation };
                    self.shift(&at, &block.key(folder)?, &member, Condition::None)?;
                }
            }
        }
        Ok(())
    }

    /// Ends well: removes what is left in the staging folder, and tells what could not be removed.
    pub fn finish(self) -> Vec<Key> {
        remove(self.backend, &self.traces)
    }

    /// Ends with nobody knowing how: what is in its place stays, for it may be in use.
    pub fn abandon(self, error: Error) -> Error {
        let left = remove(self.backend, &self.traces);
        let placed: Vec<Key> = self.placed.into_iter().map(|(key, _)| key).collect();
        let error = error.with("files_in_place", placed.len()).with("files_in_place_keys", names(&placed));
        behind(error, &left)
    }

    /// Ends badly: removes what is staged and the files that were put in their places. The error tells what could not
    /// be removed. Blocks in their places stay: others may count on them, and a collection removes them if not.
    pub fn give_up(mut self, error: Error) -> Error {
        let mut left = self.resolve_doubt();
        left.extend(self.take_out());
        left.extend(remove(self.backend, &self.traces));
        behind(error, &left)
    }

    /// Removes the files that this intake has put in their places, if they are still its own: another intake takes over what
    /// is the same. Returns those that stay.
    fn take_out(&self) -> Vec<Key> {
        let is_able = self.backend.info().capability.delete_if_match;
        let (versioned, others): (Vec<_>, Vec<_>) =
            self.placed.iter().partition(|(_, version)| is_able && version.is_some());
        let others: Vec<Key> = others.into_iter().map(|(key, _)| key.clone()).collect();
        let mut left = remove(self.backend, &others);
        for (key, version) in versioned {
            let condition = version.clone().map_or(Condition::None, Condition::IfMatch);
            let options = DeleteOptions::default().with_condition(condition);
            match self.backend.delete(std::slice::from_ref(key), &options).as_deref() {
                // What is not its own any more is none of its business.
                Ok([Deleted::Deleted | Deleted::Missing | Deleted::Rejected]) => {}
                _ => left.push(key.clone()),
            }
        }
        left
    }

    /// Finds out what became of the move that failed. Returns the key that may have come of it.
    fn resolve_doubt(&mut self) -> Vec<Key> {
        let Some((from, to)) = self.doubtful.take() else { return Vec::new() };
        match (self.is_missing(&to), self.renames(&Condition::IfAbsent), self.is_missing(&from)) {
            (Ok(true), _, _) => {}
            // What is renamed is gone from where it was, and nobody else knows that name.
            (Ok(false), true, Ok(true)) => self.placed.push((to, None)),
            _ => return vec![to],
        }
        Vec::new()
    }

    /// What stands in the place of a file has to be the same: an import before this one has left it. That it can be seen
    /// does not mean that it is durable, so it gives way to the staged one, and is there again if this intake fails.
    fn take_over(&self, at: &Key, key: &Key, member: &ArchiveMember) -> Result<()> {
        let there = self.backend.stat(key, &StatOptions::default())?;
        match examine(self.backend, key, member.bytes, member.blake3) {
            None => {}
            Some(Problem::Missing) => return Err(unknown(key)),
            Some(Problem::Unreadable(error)) => return Err(error),
            Some(problem) => {
                let message = "another object stands in the place of a file of the snapshot";
                return Err(Error::new(ErrorKind::AlreadyExists, message).with("key", key).with("found", problem));
            }
        }
        let condition = match (there.version, self.backend.info().capability) {
            (Some(version), can) if can.rename_if_match || can.copy_if_match || can.write_if_match => {
                Condition::IfMatch(version)
            }
            _ => Condition::None,
        };
        match self.shift(at, key, member, condition)? {
            Moved::Here(_) => Ok(()),
            Moved::Taken => Err(Error::new(ErrorKind::Conflict, "a file is changed by someone else").with("key", key)),
        }
    }

    /// Moves a staged object to its key.
    fn shift(&self, from: &Key, to: &Key, member: &ArchiveMember, condition: Condition) -> Result<Moved> {
        let can = self.backend.info().capability;
        let outcome = if self.renames(&condition) {
            self.backend.rename(from, to, &RenameOptions::default().with_condition(condition))?
        } else if can.copy && is_able(&condition, can.copy_if_absent, can.copy_if_match) {
            self.backend.copy(from, to, &CopyOptions::default().with_condition(condition))?
        } else {
            self.copy_through(from, to, member, condition)?
        };
        match outcome {
            Outcome::Applied(meta) => Ok(Moved::Here(meta.version)),
            Outcome::Rejected => Ok(Moved::Taken),
            // Even if it can be seen there: that does not mean that it is durable.
            Outcome::Unknown => Err(unknown(to)),
        }
    }

    fn renames(&self, condition: &Condition) -> bool {
        let can = self.backend.info().capability;
        can.rename && is_able(condition, can.rename_if_absent, can.rename_if_match)
    }

    fn is_missing(&self, key: &Key) -> Result<bool> {
        match self.backend.stat(key, &StatOptions::default()) {
            Ok(_) => Ok(false),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// For backends that neither rename nor copy under this condition.
    fn copy_through(&self, from: &Key, to: &Key, member: &ArchiveMember, condition: Condition) -> Result<Outcome> {
        let mut writer = self.backend.open_writer(to, &WriteOptions::default().with_condition(condition))?;
        match pour(self.backend, from, member, &mut |chunk| writer.write(chunk)) {
            Ok(()) => writer.commit(),
            Err(error) => Err(aborted(writer, error)),
        }
    }
}

/// Whether a change that may be made if absent, or if it matches, may be made under a condition.
fn is_able(condition: &Condition, if_absent: bool, if_match: bool) -> bool {
    match condition {
        Condition::None => true,
        Condition::IfAbsent => if_absent,
        Condition::IfMatch(_) => if_match,
    }
}

/// Reads an object and hands its chunks over; fails at the end if they are not those of the member.
pub(super) fn pour(
    backend: &dyn Backend,
    key: &Key,
    member: &ArchiveMember,
    take: &mut dyn FnMut(Bytes) -> Result<()>,
) -> Result<()> {
    let reply = backend.read(key, &ReadOptions::default())?;
    let (mut hasher, mut length) = (Hasher::new(), 0_u64);
    for chunk in reply.body {
        let chunk = chunk?;
        length = length.saturating_add(chunk.len() as u64);
        if length > member.bytes {
            break;
        }
        hasher.update(&chunk);
        take(chunk)?;
    }
    match length == member.bytes && hasher.hash() == member.blake3 {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Corrupt, "an object is not what it should be")
            .with("key", key)
            .with("bytes", member.bytes)
            .with("blake3", member.blake3)),
    }
}

/// The error that ended a write, and whether ending it left something behind.
fn aborted(writer: Box<dyn Writer>, error: Error) -> Error {
    match writer.abort() {
        Ok(()) => error,
        Err(second) => error.with("abort_failed", second),
    }
}

/// Tells what could not be removed.
fn behind(error: Error, left: &[Key]) -> Error {
    match left.is_empty() {
        true => error,
        false => error.with("left_behind", left.len()).with("left_behind_keys", names(left)),
    }
}

fn names(keys: &[Key]) -> String {
    let mut named: Vec<&str> = keys.iter().take(NAMED).map(Key::as_str).collect();
    if keys.len() > NAMED {
        named.push("…");
    }
    named.join(" ")
}

fn unknown(key: &Key) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "an object may or may not have been written").with("key", key)
}

/// Deletes objects, and tells which may be there still.
fn remove(backend: &dyn Backend, keys: &[Key]) -> Vec<Key> {
    let mut left = Vec::new();
    for keys in keys.chunks(DELETED_AT_ONCE) {
        match backend.delete(keys, &DeleteOptions::default()) {
            Ok(answers) => {
                let is_left = |answer: &Deleted| matches!(answer, Deleted::Failed(_) | Deleted::Rejected);
                left.extend(
                    keys.iter().zip(&answers).filter(|(_, answer)| is_left(answer)).map(|(key, _)| key.clone()),
                );
            }
            Err(_) => left.extend_from_slice(keys),
        }
    }
    left
}

#[cfg(test)]
mod tests;
