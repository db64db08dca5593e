//! Races: several threads at one key, where a backend that looks first and acts then is found out.

use std::sync::{Arc, Barrier};
use std::thread;

use bytes::Bytes;

use super::player::clear;
use super::report::{CaseReport, CaseResult, Failure, Report};
use super::step::Need;
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;

/// Threads, or tasks, of one race.
pub const RACERS: usize = 8;
/// How often each race is run.
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
    /// All add to one counter by reading it and writing it if it still matches.
    Count,
    /// All overwrite one key and read it: whole contents only.
    Overwrite,
}

impl Race {
    /// Every race.
    pub const ALL: [Self; 6] = [Self::Write, Self::Commit, Self::Copy, Self::Rename, Self::Count, Self::Overwrite];

    /// Its name: also that of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "race_to_write",
            Self::Commit => "race_to_commit",
            Self::Copy => "race_to_copy",
            Self::Rename => "race_to_rename",
            Self::Count => "race_to_count",
            Self::Overwrite => "race_to_overwrite",
        }
    }

    /// What the backend must declare for it.
    pub fn needs(self) -> &'static [Need] {
        match self {
            Self::Write | Self::Commit => &[Need::Write, Need::WriteIfAbsent],
            Self::Copy => &[Need::Write, Need::Copy, Need::CopyIfAbsent],
            Self::Rename => &[Need::Write, Need::Rename, Need::RenameIfAbsent],
            Self::Count => &[Need::Write, Need::Versions, Need::WriteIfMatch],
            Self::Overwrite => &[Need::Write],
        }
    }
}

/// What one racer writes: one letter, over and over, so that a torn mixture shows.
pub fn uniform(racer: usize) -> Bytes {
    Bytes::from(vec![b'a' + (racer % 26) as u8; BODY_BYTES])
}

/// Runs every race for which the backend declares what it takes, each in a folder of its own below `below`. Races that
/// it does not are not in the report: [`run`](super::run) proves that they are refused.
pub fn race(backend: Arc<dyn Backend>, below: &Prefix) -> Report {
    let info = backend.info();
    let mut report = Report::new(info.clone());
    for race in Race::ALL {
        if race.needs().iter().all(|need| need.is_met(&info.capability)) {
            let result = match in_folder(&*backend, below, race) {
                Ok(()) => CaseResult::Passed,
                Err(error) => {
                    CaseResult::Failed(Failure::new(1, "race", "one winner, whole objects", format!("{error:?}")))
                }
            };
            report.cases.push(CaseReport::new(race.name(), result));
        }
    }
    report
}

fn in_folder(backend: &dyn Backend, below: &Prefix, race: Race) -> Result<()> {
    let folder = below.join(race.name())?;
    if !backend.list(&folder, &ListOptions::default().with_limit(1))?.objects.is_empty() {
        return Err(Error::new(ErrorKind::AlreadyExists, "the folder of the race holds objects").with("prefix", folder));
    }
    let result = match race {
        Race::Count => count(backend, &folder),
        Race::Overwrite => overwrite(backend, &folder),
        _ => (0..ROUNDS).try_for_each(|round| one_winner(backend, &folder, race, round)),
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
    let outcomes = together(|racer, barrier| {
        // Whatever fails before the barrier must not keep the others waiting.
        let ready = prepare(backend, race, &key, &sources[racer], racer);
        barrier.wait();
        match ready?.go(backend, &key, &sources[racer], racer) {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(Outcome::Rejected),
            outcome => outcome,
        }
    })?;
    if outcomes.contains(&Outcome::Unknown) {
        return Err(Error::unexpected("an outcome is unknown").with("round", round));
    }
    let winners: Vec<_> = (0..RACERS).filter(|racer| matches!(outcomes[*racer], Outcome::Applied(_))).collect();
    let [winner] = winners[..] else {
        return Err(Error::unexpected("not exactly one racer won").with("round", round).with("won", winners.len()));
    };
    expect_content(backend, &key, winner)?;
    if race == Race::Rename {
        (0..RACERS)
            .filter(|racer| *racer != winner)
            .try_for_each(|racer| expect_content(backend, &sources[racer], racer))?;
    }
    Ok(())
}

/// What a racer does once all are ready.
enum Ready {
    Write,
    Commit(Box<dyn crate::backend::Writer>),
    Copy,
    Rename,
}

fn prepare(backend: &dyn Backend, race: Race, key: &Key, source: &Key, racer: usize) -> Result<Ready> {
    match race {
        Race::Commit => {
            let mut writer = backend.open_writer(key, &WriteOptions::if_absent())?;
            let body = uniform(racer);
            writer.write(body.slice(..BODY_BYTES / 2))?;
            writer.write(body.slice(BODY_BYTES / 2..))?;
            Ok(Ready::Commit(writer))
        }
        Race::Copy | Race::Rename => {
            backend.write(source, uniform(racer), &WriteOptions::default())?.applied(source, &Condition::None)?;
            Ok(if race == Race::Copy { Ready::Copy } else { Ready::Rename })
        }
        _ => Ok(Ready::Write),
    }
}

impl Ready {
    fn go(self, backend: &dyn Backend, key: &Key, source: &Key, racer: usize) -> Result<Outcome> {
        match self {
            Self::Write => backend.write(key, uniform(racer), &WriteOptions::if_absent()),
            Self::Commit(writer) => writer.commit(),
            Self::Copy => backend.copy(source, key, &CopyOptions::if_absent()),
            Self::Rename => backend.rename(source, key, &RenameOptions::if_absent()),
        }
    }
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
fn count(backend: &dyn Backend, folder: &Prefix) -> Result<()> {
    let key = folder.key("counter")?;
    backend.write(&key, Bytes::from_static(b"0"), &WriteOptions::default())?.applied(&key, &Condition::None)?;
    together(|_, barrier| {
        barrier.wait();
        (0..ROUNDS).try_for_each(|_| add_one(backend, &key))
    })?;
    let total = number(&content(backend, &key)?.1)?;
    match total == RACERS * ROUNDS {
        true => Ok(()),
        false => Err(Error::unexpected("additions are lost").with("have", total).with("expected", RACERS * ROUNDS)),
    }
}

fn add_one(backend: &dyn Backend, key: &Key) -> Result<()> {
    // Whenever one attempt fails, another racer has moved on; there are only so many moves.
    for _ in 0..10 * RACERS * ROUNDS {
        let (meta, body) = content(backend, key)?;
        let version = meta.version.ok_or_else(|| Error::unexpected("the object has no version").with("key", key))?;
        let options = WriteOptions::default().with_condition(Condition::IfMatch(version));
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
fn overwrite(backend: &dyn Backend, folder: &Prefix) -> Result<()> {
    let key = folder.key("target")?;
    backend.write(&key, uniform(0), &WriteOptions::default())?.applied(&key, &Condition::None)?;
    together(|racer, barrier| {
        barrier.wait();
        (0..ROUNDS).try_for_each(|_| {
            match backend.write(&key, uniform(racer), &WriteOptions::default()) {
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
