//! Several processes on one local folder: one winner per key, whole contents, and nothing of a process that was killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use worldstore_core::conformance::uniform;
use worldstore_core::local::STAGING;
use worldstore_core::{
    Backend, CopyOptions, Durability, Key, Local, Outcome, RenameOptions, Result, WriteOptions, Writer,
};

use crate::again::{command, task};
use crate::objects::{content, key, names, put, staged};

const RACERS: usize = 4;
const ROUNDS: usize = 300;
const KILLS: usize = 20;

#[test]
fn one_process_wins_a_write() {
    race("write");
}

#[test]
fn one_process_wins_a_commit() {
    race("commit");
}

#[test]
fn one_process_wins_a_copy() {
    race("copy");
}

#[test]
fn one_process_wins_a_rename() {
    race("rename");
}

/// The process behind the tests here. Without a task it has nothing to do.
#[test]
fn worker() {
    let Some(task) = task() else { return };
    let words: Vec<_> = task.split(' ').collect();
    let [what, number, root] = words[..] else { panic!("a task of three words: {task}") };
    let (local, number) = (Local::open(root).unwrap(), number.parse().unwrap());
    match what {
        "half" => write_half(&local),
        "overwrite" => overwrite_for_ever(&local),
        _ => race_by_command(what, &local, number),
    }
}

/// A killed writer leaves bytes in the staging folder, and no object.
#[test]
fn a_killed_writer_leaves_no_object() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path()).unwrap();
    put(&local, "old", "old");
    let mut worker = Worker::start("half", 0, folder.path());
    worker.expect("half of both");
    worker.kill();

    assert_eq!(names(&local), ["old"]);
    assert_eq!(content(&local, "old"), "old");
    assert_eq!(staged(folder.path()), 2, "what the process has left");
    for options in [WriteOptions::if_absent(), WriteOptions::default()] {
        let mut writer = local.open_writer(&key("new"), &options).unwrap();
        writer.write("new".into()).unwrap();
        assert!(matches!(writer.commit().unwrap(), Outcome::Applied(_)));
    }
    assert_eq!(names(&Local::open(folder.path()).unwrap()), ["new", "old"]);
    assert_eq!(content(&local, "new"), "new");
    assert_eq!(staged(folder.path()), 2, "they may belong to a process that lives");

    for entry in std::fs::read_dir(folder.path().join(STAGING)).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            continue;
        }
        let file = std::fs::File::options().write(true).open(entry.path()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(25 * 3600)).unwrap();
    }
    assert_eq!(names(&Local::open(folder.path()).unwrap()), ["new", "old"]);
    assert_eq!(staged(folder.path()), 0, "a day later nobody writes them any more");
}

/// Wherever the kill strikes, the object is one that was written.
#[test]
fn a_process_that_is_killed_while_it_overwrites_leaves_a_whole_object() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path()).unwrap();
    for round in 0..KILLS {
        let mut worker = Worker::start("overwrite", 0, folder.path());
        // The more rounds, the later: the kill falls into another part of the loop each time.
        (0..=round).for_each(|_| worker.expect("overwritten"));
        worker.kill();
        assert_eq!(names(&local), ["a"], "round {round}");
        let body = content(&local, "a");
        assert!((0..26).any(|letter| body == uniform(letter)), "round {round}: {} bytes", body.len());
    }
    // What is left disturbs nobody: the next writer takes the key.
    put(&local, "a", "next");
    assert_eq!(content(&local, "a"), "next");
}

/// In each round all racers prepare, then all go: exactly one must win, and the key must hold what it wrote.
fn race(what: &str) {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path()).unwrap();
    let mut racers: Vec<_> = (0..RACERS).map(|number| Worker::start(what, number, folder.path())).collect();
    for round in 0..ROUNDS {
        for say in ["prepare", "go"] {
            racers.iter_mut().for_each(|racer| racer.say(&format!("{say} {round}")));
            if say == "prepare" {
                racers.iter_mut().for_each(|racer| racer.expect("ready"));
            }
        }
        let told: Vec<_> = racers.iter_mut().map(Worker::hear).collect();
        assert!(told.iter().all(|told| told == "won" || told == "lost"), "round {round}: {told:?}");
        let winners: Vec<_> = (0..RACERS).filter(|number| told[*number] == "won").collect();
        assert_eq!(winners.len(), 1, "round {round}: {told:?}");
        assert_eq!(content(&local, target(round).as_str()), uniform(winners[0]), "round {round}");
        if what == "rename" {
            for loser in (0..RACERS).filter(|number| *number != winners[0]) {
                assert_eq!(content(&local, source(loser, round).as_str()), uniform(loser), "round {round}");
            }
        }
    }
    racers.into_iter().for_each(Worker::finish);
    let sources = if what == "copy" || what == "rename" { RACERS * ROUNDS } else { 0 };
    let moved = if what == "rename" { ROUNDS } else { 0 };
    assert_eq!(names(&local).len(), ROUNDS + sources - moved);
    assert_eq!(staged(folder.path()), 0);
}

fn target(round: usize) -> Key {
    key(&format!("targets/{round}"))
}

fn source(number: usize, round: usize) -> Key {
    key(&format!("sources/{number}/{round}"))
}

/// A racer: prepares and goes when it is told to, until the commands end.
fn race_by_command(what: &str, local: &Local, number: usize) {
    let mut writer = None;
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (say, round) = line.split_once(' ').unwrap();
        let round = round.parse().unwrap();
        match say {
            "prepare" => {
                writer = prepare(what, local, number, round).unwrap();
                tell("ready");
            }
            _ => match go(what, local, number, round, writer.take()) {
                Ok(Outcome::Applied(_)) => tell("won"),
                Ok(Outcome::Rejected) => tell("lost"),
                other => tell(&format!("{other:?}")),
            },
        }
    }
}

fn prepare(what: &str, local: &Local, number: usize, round: usize) -> Result<Option<Box<dyn Writer>>> {
    let body = uniform(number);
    match what {
        "commit" => {
            let mut writer = local.open_writer(&target(round), &fast(WriteOptions::if_absent()))?;
            writer.write(body.slice(..body.len() / 2))?;
            writer.write(body.slice(body.len() / 2..))?;
            Ok(Some(writer))
        }
        "copy" | "rename" => {
            let written = local.write(&source(number, round), body, &fast(WriteOptions::default()))?;
            assert!(matches!(written, Outcome::Applied(_)));
            Ok(None)
        }
        _ => Ok(None),
    }
}

fn go(what: &str, local: &Local, number: usize, round: usize, writer: Option<Box<dyn Writer>>) -> Result<Outcome> {
    let (source, target) = (source(number, round), target(round));
    match (what, writer) {
        ("write", _) => local.write(&target, uniform(number), &fast(WriteOptions::if_absent())),
        ("commit", Some(writer)) => writer.commit(),
        ("copy", _) => local.copy(&source, &target, &CopyOptions::if_absent().with_durability(Durability::None)),
        ("rename", _) => local.rename(&source, &target, &RenameOptions::if_absent().with_durability(Durability::None)),
        other => panic!("{other:?}"),
    }
}

/// Without waiting for the disk, racers come closer to each other.
fn fast(options: WriteOptions) -> WriteOptions {
    options.with_durability(Durability::None)
}

fn write_half(local: &Local) {
    let body = Bytes::from(vec![b'x'; 1 << 20]);
    let mut writers: Vec<_> = [WriteOptions::default(), WriteOptions::if_absent()]
        .into_iter()
        .zip(["old", "new"])
        .map(|(options, name)| local.open_writer(&key(name), &options).unwrap())
        .collect();
    writers.iter_mut().for_each(|writer| writer.write(body.clone()).unwrap());
    tell("half of both");
    wait_for_the_kill();
}

fn overwrite_for_ever(local: &Local) {
    for round in 0.. {
        let written = local.write(&key("a"), uniform(round), &fast(WriteOptions::default())).unwrap();
        assert!(matches!(written, Outcome::Applied(_)));
        tell("overwritten");
    }
}

/// Ends as well if the test is gone, which closes the pipe.
fn wait_for_the_kill() {
    let _ = std::io::stdin().lines().count();
}

/// Lines of a worker begin so; those of the test harness do not.
const MARK: &str = "worker: ";

fn tell(what: &str) {
    println!("\n{MARK}{what}");
}

/// A process that does as it is told. It is killed if the test fails.
struct Worker {
    child: Child,
    commands: Option<ChildStdin>,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(what: &str, number: usize, root: &Path) -> Self {
        let task = format!("{what} {number} {}", root.display());
        let mut command = command(&[], "processes::worker", &task);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, told) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, commands, lines: BufReader::new(told).lines() }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.commands.as_mut().unwrap(), "{line}").unwrap();
    }

    /// What it tells next.
    fn hear(&mut self) -> String {
        let lines = self.lines.by_ref().map(|line| line.unwrap());
        lines.filter_map(|line| line.strip_prefix(MARK).map(str::to_owned)).next().expect("the worker is gone")
    }

    fn expect(&mut self, told: &str) {
        assert_eq!(self.hear(), told);
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), None, "it was at work when the kill came");
    }

    /// Lets it come to its end.
    fn finish(mut self) {
        self.commands.take();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Of a process that has ended both fail, and nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
