//! Processes that are killed while they write: what was acknowledged is there, and nothing is half there. A test binary
//! starts itself again as the process that is killed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;

use super::body::Body;
use super::reopen::{content, delete, in_parts, write};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::ops::*;

/// Set for processes that are to be killed: what they open.
const VARIABLE: &str = "WORLDSTORE_KIT_VICTIM";
/// What the lines of a victim begin with, among those of the test harness.
const MARK: &str = "victim:";
/// A process that has not finished a round by then is not coming.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of the object that is written in parts.
const LARGE_BYTES: usize = 600_000;

/// Which processes are killed.
///
/// ```no_run
/// use std::sync::Arc;
/// use std::time::Duration;
/// use worldstore_core::conformance::{Kills, victim};
/// use worldstore_core::{Local, Result};
///
/// fn open(place: &str) -> Result<Arc<Local>> {
///     Ok(Arc::new(Local::new(place)?))
/// }
///
/// // Both with #[test], in the module `crashes` of one test binary.
/// fn kills_are_survived() -> Result<()> {
///     let kills = Kills { victim: "crashes::is_killed", count: 20, step: Duration::from_millis(2) };
///     kills.survive("/an/empty/folder", open)
/// }
///
/// fn is_killed() -> Result<()> {
///     victim(open)
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Kills<'a> {
    /// The test that calls [`victim`], by the path that the harness gives it.
    pub victim: &'a str,
    /// How many are killed.
    pub count: u32,
    /// How much longer each lives than the one before.
    pub step: Duration,
}

impl Kills<'_> {
    /// Kills one process after the other, between or in changes, and looks at what is left each time. `open` opens what
    /// is kept at a place; the place holds nothing at first, and nothing else while processes are killed.
    ///
    /// # Errors
    /// `Unexpected` if a change that was acknowledged is not there, or something else is. Those of the backend and of
    /// processes.
    pub fn survive<Opened: Backend>(&self, place: &str, open: impl Fn(&str) -> Result<Arc<Opened>>) -> Result<()> {
        self.each(place, |acknowledged| look(&*open(place)?, acknowledged))
    }

    /// The same for what is no backend: kills one process after the other, and has `look` judge each time what is left. It
    /// is given the last round that was [acknowledged](acknowledge).
    ///
    /// # Errors
    /// What `look` finds, with the context `place`, `kill` and `acknowledged`. Those of processes.
    pub fn each(&self, place: &str, mut look: impl FnMut(u64) -> Result<()>) -> Result<()> {
        for kill in 0..self.count {
            let acknowledged = self.kill(place, kill)?;
            let left = look(acknowledged);
            left.map_err(|error| error.with("place", place).with("kill", kill).with("acknowledged", acknowledged))?;
        }
        Ok(())
    }

    /// Kills one process, and gives the last round that it has acknowledged.
    fn kill(&self, place: &str, number: u32) -> Result<u64> {
        let program = std::env::current_exe().map_err(|error| Error::io("find this program", error))?;
        let child = Command::new(program)
            .args(["--exact", self.victim, "--nocapture"])
            .env(VARIABLE, place)
            .stdout(Stdio::piped())
            .spawn();
        let mut child = Victim(child.map_err(|error| Error::io("start a process", error))?);
        let output = child.0.stdout.take().ok_or_else(|| Error::unexpected("a process has no output"))?;
        let (sender, acknowledged) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(std::result::Result::ok);
            let rounds = lines.filter_map(|line| line.strip_prefix(MARK)?.parse::<u64>().ok());
            rounds.take_while(|round| sender.send(*round).is_ok()).for_each(drop);
        });
        // It is under way after the first, and then killed wherever it is.
        let none = |source| Error::unexpected("a process has finished no round").caused_by(source);
        let first = acknowledged.recv_timeout(PATIENCE).map_err(none)?;
        std::thread::sleep(self.step * number);
        drop(child);
        let _ = reader.join();
        Ok(acknowledged.try_iter().last().unwrap_or(first))
    }
}

/// A process that does not outlive its test.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The place that this process works at until it is killed; none in a process that nobody kills.
pub fn place_of_victim() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

/// Tells whoever kills this process that a round is over, and what it did is to be found.
#[expect(clippy::print_stdout, reason = "whoever kills it reads what it has done")]
pub fn acknowledge(round: u64) {
    println!("\n{MARK}{round}");
}

/// What a process does until it is killed: it changes objects, round by round, and says so. Nothing in a process that
/// nobody kills.
///
/// # Errors
/// Those of the backend.
pub fn victim<Opened: Backend>(open: impl Fn(&str) -> Result<Arc<Opened>>) -> Result<()> {
    let Some(place) = place_of_victim() else { return Ok(()) };
    let backend = open(&place)?;
    let mut number = match content(&*backend, &Key::new("small")?) {
        Ok(body) => round_of(&body)?,
        Err(error) if error.is_not_found() => 0,
        Err(error) => return Err(error),
    };
    loop {
        number += 1;
        let unfinished = round(&*backend, number)?;
        acknowledge(number);
        drop(unfinished);
    }
}

/// One round: an object comes and that of the round before goes, a large and a small one are replaced, and a writer is
/// left before its commit.
fn round(backend: &dyn Backend, number: u64) -> Result<Box<dyn crate::backend::Writer>> {
    let mut half = backend.open_writer(&Key::new("half")?, &WriteOptions::default())?;
    half.write(large(number))?;
    write(backend, &Key::new(format!("rounds/{number}"))?, Bytes::from_static(b"here"), &WriteOptions::default())?;
    delete(backend, &Key::new(format!("rounds/{}", number - 1))?)?;
    in_parts(backend, &Key::new("large")?, &large(number))?;
    write(backend, &Key::new("small")?, number.to_string().into(), &WriteOptions::default())?;
    Ok(half)
}

fn large(round: u64) -> Bytes {
    Body::Stretch { from: round, length: LARGE_BYTES }.bytes()
}

fn round_of(body: &[u8]) -> Result<u64> {
    let number = std::str::from_utf8(body).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Error::unexpected("the object is not what was written").with("key", "small"))
}

/// Each object is as after the round that was acknowledged last, or as after the one that was cut off.
fn look(backend: &dyn Backend, acknowledged: u64) -> Result<()> {
    let next = acknowledged + 1;
    let small = round_of(&content(backend, &Key::new("small")?)?)?;
    if small != acknowledged && small != next {
        return Err(Error::unexpected("a change that was acknowledged is lost")
            .with("key", "small")
            .with("round", small));
    }
    let body = content(backend, &Key::new("large")?)?;
    if body != large(acknowledged) && body != large(next) {
        return Err(Error::unexpected("an object is of no round, or half there").with("key", "large"));
    }
    let listed = backend.list(&Prefix::root(), &ListOptions::default())?.objects;
    let listed: BTreeSet<_> = listed.iter().map(|meta| meta.key.to_string()).collect();
    let names = |rounds: &[u64]| -> BTreeSet<_> {
        let rounds = rounds.iter().map(|round| format!("rounds/{round}"));
        rounds.chain(["large".to_owned(), "small".to_owned()]).collect()
    };
    match [names(&[acknowledged]), names(&[acknowledged, next]), names(&[next])].contains(&listed) {
        true => Ok(()),
        false => Err(Error::unexpected("other objects are there").with("listed", format!("{listed:?}"))),
    }
}
