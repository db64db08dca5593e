//! A process that appends to a log and tells what was acknowledged, over a pipe to a process that outlives it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};

use worldstore_core::planted::{Bug, Planted};
use worldstore_core::vfs::OsVfs;
use worldstore_core::vfs::sim::Random;
use worldstore_core::wal::{Appended, IfLocked, Wal, WalOptions};
use worldstore_core::{ErrorKind, Result};

use super::ledger::{Id, LOG, Ledger, options};
use crate::again::{command, task};

const WRITERS: u64 = 3;

/// Lines of a worker begin so; those of the test harness do not.
const MARK: &str = "worker: ";

/// The process behind the tests here. Without a task it has nothing to do.
#[test]
fn worker() {
    let Some(task) = task() else { return };
    let mut words = task.splitn(3, ' ');
    let (what, cycle, path) = (words.next().unwrap(), words.next().unwrap().parse().unwrap(), words.next().unwrap());
    let (what, bug) = what.split_once('+').unwrap_or((what, ""));
    let bugs = Bug::ALL.into_iter().filter(|named| named.to_string() == bug);
    let options = options().with_planted(bugs.fold(Planted::NONE, Planted::with));
    tell("opening");
    let vfs = OsVfs::open(path).unwrap();
    match what {
        "append" => append_for_ever(&vfs, cycle, options),
        "steps" => steps(&vfs, cycle, options),
        "alone" => append_and_tell(&vfs, cycle, options),
        "take-over" => append_and_tell(&vfs, cycle, options.with_if_locked(IfLocked::TakeOver)),
        other => panic!("{other}"),
    }
}

fn tell(what: &str) {
    // In one piece, so that a kill leaves a line or none; the first ends the line of the harness.
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{MARK}{what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn acknowledged(seq: u64, id: Id) {
    tell(&format!("ack {seq} {id}"));
}

/// Several writers append in several ways until the kill comes.
fn append_for_ever(vfs: &OsVfs, cycle: u64, options: WalOptions) {
    let (wal, _) = Wal::open(vfs, LOG, options).unwrap();
    tell("opened");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let wal = &wal;
            scope.spawn(move || write(wal, cycle, writer).unwrap());
        }
        scope.spawn(|| {
            let mut random = Random::of(cycle, &[7]);
            loop {
                std::thread::sleep(std::time::Duration::from_millis(random.below(20)));
                let through = wal.durable().saturating_sub(200);
                tell(&format!("trim {through}"));
                wal.trim(through).unwrap();
            }
        });
    });
}

/// One writer, whose records follow each other: alone, or several on their way at once.
fn write(wal: &Wal, cycle: u64, writer: u64) -> Result<()> {
    let mut random = Random::of(cycle, &[8, writer]);
    let mut number = 0;
    let mut next = || {
        let id = Id { cycle, writer, number };
        number += 1;
        id
    };
    loop {
        match random.below(3) {
            0 => {
                let id = next();
                acknowledged(wal.append_durable(id.kind(), id.payload())?, id);
            }
            1 => {
                let id = next();
                let appended = wal.append(id.kind(), id.payload())?;
                let seq = appended.seq();
                assert_eq!(appended.wait()?, seq);
                acknowledged(seq, id);
            }
            _ => {
                let several: Vec<Id> = (0..random.below(8)).map(|_| next()).collect();
                let appended: Result<Vec<(Id, Appended)>> =
                    several.into_iter().map(|id| Ok((id, wal.append(id.kind(), id.payload())?))).collect();
                for (id, appended) in appended?.into_iter().rev() {
                    acknowledged(appended.wait()?, id);
                }
            }
        }
    }
}

/// A fixed course through all that a log does. A failure is told; what is tried after it is told too.
fn steps(vfs: &OsVfs, cycle: u64, options: WalOptions) {
    let outcome = course(vfs, cycle, options.with_segment_bytes(8 << 10));
    tell(&match outcome {
        Ok(()) => "done".to_owned(),
        Err(error) => format!("ended {:?}", error.kind()),
    });
}

fn course(vfs: &OsVfs, cycle: u64, options: WalOptions) -> Result<()> {
    for (writer, records) in [(0, 24), (1, 6)] {
        let (wal, _) = Wal::open(vfs, LOG, options.clone())?;
        tell("opened");
        for number in 0..records {
            let id = Id { cycle, writer, number };
            let appended = wal.append_durable(id.kind(), id.payload());
            match &appended {
                Ok(seq) => acknowledged(*seq, id),
                Err(error) => tell(&format!("failed {:?}", error.kind())),
            }
            if let Err(error) = appended {
                insist(&wal, Id { cycle, writer: writer + 10, number: 0 });
                return Err(error);
            }
        }
        let through = wal.durable() / 2;
        tell(&format!("trim {through}"));
        wal.trim(through)?;
        wal.close()?;
    }
    Ok(())
}

/// Goes on after a failure, as a caller might that does not listen.
fn insist(wal: &Wal, mut id: Id) {
    for _ in 0..4 {
        match wal.append_durable(id.kind(), id.payload()) {
            Ok(seq) => {
                acknowledged(seq, id);
                id.number += 1;
            }
            Err(error) => tell(&format!("failed {:?}", error.kind())),
        }
    }
}

/// Appends one record after the other, and ends when it is overtaken.
fn append_and_tell(vfs: &OsVfs, cycle: u64, options: WalOptions) {
    let (wal, _) = Wal::open(vfs, LOG, options).unwrap();
    tell("opened");
    for number in 0.. {
        let id = Id { cycle, writer: 0, number };
        match wal.append_durable(id.kind(), id.payload()) {
            Ok(seq) => acknowledged(seq, id),
            Err(error) => {
                tell(&format!("failed {:?}", error.kind()));
                let again = wal.append_durable(id.kind(), id.payload()).unwrap_err();
                assert!(matches!(again.kind(), ErrorKind::Fenced | ErrorKind::Poisoned), "{again:?}");
                return;
            }
        }
    }
}

/// A worker seen from outside. It is killed if the test fails.
pub struct Worker {
    child: Child,
    lines: Box<dyn Iterator<Item = String> + Send>,
    /// Failures by kind, and how many acknowledgements came after the first.
    pub failures: BTreeMap<String, u64>,
    pub after_failure: u64,
    pub is_done: bool,
}

impl Worker {
    /// Starts one, by way of another program if there are words before it.
    pub fn start(before: &[&str], what: &str, cycle: u64, folder: &Path) -> Self {
        let task = format!("{what} {cycle} {}", folder.display());
        let mut command = command(before, "crash::worker::worker", &task);
        if let Some(folders) = std::env::var_os("WORLDSTORE_STRACE_LIBRARIES").filter(|_| !before.is_empty()) {
            command.env("LD_LIBRARY_PATH", folders);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        // A killed process may leave half a line at the end; it is none of the whole ones.
        let lines = out.split(b'\n').map_while(std::result::Result::ok);
        let lines = lines.filter_map(|line| Some(String::from_utf8(line).ok()?.strip_prefix(MARK)?.to_owned()));
        let lines = Box::new(lines);
        Self { child, lines, failures: BTreeMap::new(), after_failure: 0, is_done: false }
    }

    pub fn process(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Takes down what it tells, up to a line that begins so; false if it ended before.
    pub fn hear(&mut self, ledger: &mut Ledger, until: &str) -> bool {
        while let Some(line) = self.lines.next() {
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "ack" => {
                    let (seq, id) = rest.split_once(' ').unwrap();
                    ledger.acknowledge(seq.parse().unwrap(), id.parse().unwrap());
                    self.after_failure += u64::from(!self.failures.is_empty());
                }
                "trim" => ledger.trim(rest.parse().unwrap()),
                "failed" => *self.failures.entry(rest.to_owned()).or_default() += 1,
                "done" => self.is_done = true,
                _ => {}
            }
            if line.starts_with(until) {
                return true;
            }
        }
        false
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Takes down the rest, and waits for the end. What it said on its error output.
    pub fn finish(&mut self, ledger: &mut Ledger) -> String {
        while self.hear(ledger, "nothing that is told") {}
        let mut said = String::new();
        let mut errors = self.child.stderr.take().unwrap();
        let _ = std::io::Read::read_to_string(&mut errors, &mut said);
        self.child.wait().unwrap();
        said
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Of a process that has ended both fail, and nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
