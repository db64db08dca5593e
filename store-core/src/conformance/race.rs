//! Races: several threads at one key, where a backend that looks first and acts then is found out.

use std::sync::{Arc, Barrier};
use std::thread;

use bytes::Bytes;

use super::player::clear;
use super::report::{CaseReport, CaseResult, Failure, Report};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::kernel::Ability;
use crate::key::{Key, Prefix};
use crate::ops::*;

/// Threads, or tasks, of one race.
pub const RACERS: usize = 8;
/// How often [`race`] runs each race.
pub const ROUNDS: usize = 20;
/// Bytes of what a racer writes: more than one page.
const BODY_BYTES: usize = 16 << 10;

/// What is raced for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Race {
    /// All write one key that must be absent.
    Write,
    /// All commit a writer of one key that must be absent.
    Commit,
    /// All copy an object of their own to one key that must be absent.
    Copy,
    /// All rename an object of their own to one key that must be absent.
    Rename,
    /// All commit a writer of one key that must match.
    CommitIfMatch,
    /// All copy an object of their own to one key that must match.
    CopyIfMatch,
    /// All rename an object of their own to one key that must match.
    RenameIfMatch,
    /// All delete one key that must match.
    DeleteIfMatch,
    /// All add to one counter by reading it and writing it if it still matches.
    Count,
    /// All overwrite one key and read it: whole contents only.
    Overwrite,
}

impl Race {
    /// Every race.
    pub const ALL: [Self; 10] = [
        Self::Write,
        Self::Commit,
        Self::Copy,
        Self::Rename,
        Self::CommitIfMatch,
        Self::CopyIfMatch,
        Self::RenameIfMatch,
        Self::DeleteIfMatch,
        Self::Count,
        Self::Overwrite,
    ];

    /// Its name: also that of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "race_to_write",
            Self::Commit => "race_to_commit",
            Self::Copy => "race_to_copy",
            Self::Rename => "race_to_rename",
            Self::CommitIfMatch => "race_to_commit_if_match",
            Self::CopyIfMatch => "race_to_copy_if_match",
            Self::RenameIfMatch => "race_to_rename_if_match",
            Self::DeleteIfMatch => "race_to_delete_if_match",
            Self::Count => "race_to_count",
            Self::Overwrite => "race_to_overwrite",
        }
    }

    /// What the backend must declare for it.
    pub fn needs(self) -> &'static [Ability] {
        match self {
            Self::Write | Self::Commit => &[Ability::Write, Ability::WriteIfAbsent],
            Self::Copy => &[Ability::Write, Ability::Copy, Ability::CopyIfAbsent],
            Self::Rename => &[Ability::Write, Ability::Rename, Ability::RenameIfAbsent],
            Self::CommitIfMatch => &[Ability::Write, Ability::Versions, Ability::WriteIfMatch],
            Self::CopyIfMatch => &[Ability::Write, Ability::Versions, Ability::Copy, Ability::CopyIfMatch],
            Self::RenameIfMatch => &[Ability::Write, Ability::Versions, Ability::Rename, Ability::RenameIfMatch],
            Self::DeleteIfMatch => &[Ability::Write, Ability::Versions, Ability::DeleteIfMatch],
            Self::Count => &[Ability::Write, Ability::Versions, Ability::WriteIfMatch],
            Self::Overwrite => &[Ability::Write],
        }
    }

    fn must_match(self) -> bool {
        matches!(self, Self::CommitIfMatch | Self::CopyIfMatch | Self::RenameIfMatch | Self::DeleteIfMatch)
    }
}

/// What one racer writes: one letter, over and over, so that a torn mixture shows.
pub fn uniform(racer: usize) -> Bytes {
    Bytes::from(vec![b'a' + (racer % 26) as u8; BODY_BYTES])
}

/// Runs every race for which the backend declares what it takes, each in a folder of its own below `below`. Races that
/// it does not are not in the report: [`run`](super::run) proves that they are refused.
pub fn race(backend: Arc<dyn Backend>, below: &Prefix) -> Report {
    race_rounds(backend, below, ROUNDS)
}

/// As [`race`], with so many rounds of each race; in those to count and to overwrite, so many turns of each racer.
///
/// What is raced for is whether changes are atomic: nothing is written durably.
pub fn race_rounds(backend: Arc<dyn Backend>, below: &Prefix, rounds: usize) -> Report {
    let info = backend.info();
    let mut report = Report::new(info.clone());
    for race in Race::ALL {
        if race.needs().iter().all(|need| info.capability.has(*need)) {
            let result = match in_folder(&*backend, below, race, rounds) {
                Ok(()) => CaseResult::Passed,
                Err(error) => {
                    CaseResult::Failed(Failure::new(1, "race", "one winner, whole objects", format!("{error:?}")))
                }
            };
            report.cases.push(CaseReport::new(race.name(), race.needs(), result));
        }
    }
    report
}

fn in_folder(backend: &dyn Backend, below: &Prefix, race: Race, rounds: usize) -> Result<()> {
    let folder = below.join(race.name())?;
    if !backend.list(&folder, &ListOptions::default().with_limit(1))?.objects.is_empty() {
        return Err(Error::new(ErrorKind::AlreadyExists, "the folder of the race holds objects").with("prefix", folder));
    }
    let result = match race {
        Race::Count => count(backend, &folder, rounds),
        Race::Overwrite => overwrite(backend, &folder, rounds),
        _ => (0..rounds).try_for_each(|round| one_winner(backend, &folder, race, round)),
    };
    result.and(clear(backend, &folder))
}

/// Runs one closure per racer, all begun together, and collects what they return.
fn together<Value: Send>(racer: impl Fn(usize, &Barrier) -> Result<Value> + Sync) -> Result<Vec<Value>> {
    let (barrier, racer) = (&Barrier::new(RACERS), &racer);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..RACERS).map(|number| scope.spawn(move || racer(number, barrier))).collect();
        let lost = |_| Error::unexpected("a racer panicked");
        threads.into_iter().map(|thread| thread.join().map_err(lost)?).collect()
    })
}

fn one_winner(backend: &dyn Backend, folder: &Prefix, race: Race, round: usize) -> Result<()> {
    let key = folder.key(format!("{round}/target"))?;
    let sources: Vec<_> =
        (0..RACERS).map(|racer| folder.key(format!("{round}/source-{racer}"))).collect::<Result<_>>()?;
    let condition = match race.must_match() {
        true => Condition::IfMatch(version_of(put(backend, &key, Bytes::from_static(b"before"))?)?),
        false => Condition::IfAbsent,
    };
    let won = together(|racer, barrier| {
        // Whatever fails before the barrier must not keep the others waiting.
        let ready = prepare(backend, race, &key, &condition, &sources[racer], racer);
        barrier.wait();
        match ready?.go(backend, &key, &condition, &sources[racer], racer) {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            won => won,
        }
    })?;
    let winners: Vec<_> = (0..RACERS).filter(|racer| won[*racer]).collect();
    let [winner] = winners[..] else {
        return Err(Error::unexpected("not exactly one racer won").with("round", round).with("won", winners.len()));
    };
    match race {
        Race::DeleteIfMatch => expect_absent(backend, &key)?,
        _ => expect_content(backend, &key, winner)?,
    }
    match race {
        Race::Rename | Race::RenameIfMatch => expect_moved(backend, &sources, winner),
        _ => Ok(()),
    }
}

/// What a racer does once all are ready.
enum Ready {
    Write,
    Commit(Box<dyn crate::backend::Writer>),
    Copy,
    Rename,
    Delete,
}

fn prepare(
    backend: &dyn Backend,
    race: Race,
    key: &Key,
    condition: &Condition,
    source: &Key,
    racer: usize,
) -> Result<Ready> {
    match race {
        Race::Commit | Race::CommitIfMatch => {
            let mut writer = backend.open_writer(key, &write_options(condition))?;
            let body = uniform(racer);
            writer.write(body.slice(..BODY_BYTES / 2))?;
            writer.write(body.slice(BODY_BYTES / 2..))?;
            Ok(Ready::Commit(writer))
        }
        Race::Copy | Race::CopyIfMatch => put(backend, source, uniform(racer)).map(|_| Ready::Copy),
        Race::Rename | Race::RenameIfMatch => put(backend, source, uniform(racer)).map(|_| Ready::Rename),
        Race::DeleteIfMatch => Ok(Ready::Delete),
        Race::Write | Race::Count | Race::Overwrite => Ok(Ready::Write),
    }
}

impl Ready {
    /// True if the racer has won.
    fn go(self, backend: &dyn Backend, key: &Key, when: &Condition, source: &Key, racer: usize) -> Result<bool> {
        let outcome = match self {
            Self::Write => backend.write(key, uniform(racer), &write_options(when))?,
            Self::Commit(writer) => writer.commit()?,
            Self::Copy => {
                let options = CopyOptions::default().with_condition(when.clone());
                backend.copy(source, key, &options.with_durability(Durability::None))?
            }
            Self::Rename => {
                let options = RenameOptions::default().with_condition(when.clone());
                backend.rename(source, key, &options.with_durability(Durability::None))?
            }
            Self::Delete => return delete(backend, key, when),
        };
        match outcome {
            Outcome::Applied(_) => Ok(true),
            Outcome::Rejected => Ok(false),
            Outcome::Unknown => Err(Error::unexpected("an outcome is unknown")),
        }
    }
}

fn delete(backend: &dyn Backend, key: &Key, condition: &Condition) -> Result<bool> {
    let options = DeleteOptions::default().with_condition(condition.clone());
    match backend.delete(std::slice::from_ref(key), &options)?.pop() {
        Some(Deleted::Deleted) => Ok(true),
        Some(Deleted::Rejected) => Ok(false),
        Some(Deleted::Failed(error)) => Err(error),
        other => Err(Error::unexpected("a delete with a condition does not tell what it did")
            .with("answer", format!("{other:?}"))),
    }
}

fn write_options(condition: &Condition) -> WriteOptions {
    WriteOptions::default().with_condition(condition.clone()).with_durability(Durability::None)
}

/// Writes unconditionally.
fn put(backend: &dyn Backend, key: &Key, body: Bytes) -> Result<ObjectMeta> {
    backend.write(key, body, &write_options(&Condition::None))?.applied(key, &Condition::None)
}

fn version_of(meta: ObjectMeta) -> Result<Version> {
    meta.version.ok_or_else(|| Error::unexpected("the object has no version").with("key", meta.key))
}

fn expect_absent(backend: &dyn Backend, key: &Key) -> Result<()> {
    match backend.stat(key, &StatOptions::default()) {
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(Error::unexpected("the object is still there").with("key", key)),
    }
}

/// The winner's object is gone from its old name, those of the others are where they were.
fn expect_moved(backend: &dyn Backend, sources: &[Key], winner: usize) -> Result<()> {
    sources.iter().enumerate().try_for_each(|(racer, source)| match racer == winner {
        true => expect_absent(backend, source),
        false => expect_content(backend, source, racer),
    })
}

fn expect_content(backend: &dyn Backend, key: &Key, racer: usize) -> Result<()> {
    match content(backend, key)?.1 == uniform(racer) {
        true => Ok(()),
        false => Err(Error::unexpected("the object is not what its writer wrote").with("key", key)),
    }
}

fn content(backend: &dyn Backend, key: &Key) -> Result<(ObjectMeta, Bytes)> {
    let reply = backend.read(key, &ReadOptions::default())?;
    let chunks = reply.body.collect::<Result<Vec<_>>>()?;
    Ok((reply.meta, chunks.concat().into()))
}

/// Each racer adds one so often; no addition may get lost.
fn count(backend: &dyn Backend, folder: &Prefix, rounds: usize) -> Result<()> {
    let key = folder.key("counter")?;
    put(backend, &key, Bytes::from_static(b"0"))?;
    together(|_, barrier| {
        barrier.wait();
        (0..rounds).try_for_each(|_| add_one(backend, &key, rounds))
    })?;
    let (total, expected) = (number(&content(backend, &key)?.1)?, RACERS * rounds);
    match total == expected {
        true => Ok(()),
        false => Err(Error::unexpected("additions are lost").with("have", total).with("expected", expected)),
    }
}

fn add_one(backend: &dyn Backend, key: &Key, rounds: usize) -> Result<()> {
    // Whenever one attempt fails, another racer has moved on; there are only so many moves.
    for _ in 0..10 * RACERS * rounds {
        let (meta, body) = content(backend, key)?;
        let options = write_options(&Condition::IfMatch(version_of(meta)?));
        match backend.write(key, (number(&body)? + 1).to_string().into(), &options) {
            Ok(Outcome::Applied(_)) => return Ok(()),
            Ok(Outcome::Rejected) => {}
            Ok(Outcome::Unknown) => return Err(Error::unexpected("an outcome is unknown")),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::unexpected("the condition is false time and again").with("key", key))
}

fn number(body: &[u8]) -> Result<usize> {
    let text = std::str::from_utf8(body).ok().and_then(|text| text.parse().ok());
    text.ok_or_else(|| Error::unexpected("the counter is no number"))
}

/// Every read sees the whole content of one writer, while all write.
fn overwrite(backend: &dyn Backend, folder: &Prefix, rounds: usize) -> Result<()> {
    let key = folder.key("target")?;
    put(backend, &key, uniform(0))?;
    together(|racer, barrier| {
        barrier.wait();
        (0..rounds).try_for_each(|_| {
            match put(backend, &key, uniform(racer)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
            let (meta, body) = content(backend, &key)?;
            let whole = (0..RACERS).any(|racer| body == uniform(racer)) && meta.size == BODY_BYTES as u64;
            whole.then_some(()).ok_or_else(|| Error::unexpected("a read saw a mixture").with("bytes", body.len()))
        })
    })?;
    Ok(())
}
