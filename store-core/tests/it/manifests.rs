//! Several processes on one chain of manifests: takeovers, sleepers that wake up, and readers without a writer.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::time::Duration;

use worldstore_core::manifest::{CollectOptions, Entry, ExpireOptions, ManifestOptions, Manifests, Stored, Writer};
use worldstore_core::{ErrorKind, Local, Prefix, Result};

use crate::again::{command, task};

const WRITERS: usize = 4;
const ROUNDS: usize = 25;
const STOPS: usize = 30;

/// Each process takes over when it is fenced, while others expire, collect and pin: nothing that is acknowledged is lost,
/// nothing is published twice, and readers see every manifest whole.
#[test]
fn processes_take_over_from_each_other() {
    let root = tempfile::tempdir().unwrap();
    let manifests = open(root.path());
    let writers: Vec<_> = (0..WRITERS).map(|number| Worker::start("write", number, root.path())).collect();
    let mut keeper = Worker::start("keep", 0, root.path());
    let told: Vec<_> = writers.into_iter().flat_map(Worker::finish).collect();
    keeper.say("end");
    assert!(keeper.finish().iter().any(|line| line == "kept"), "the keeper has done something");
    check(&manifests, &told, WRITERS * ROUNDS);
}

/// Processes are stopped in the middle of what they do and go on after others have taken over and expired everything.
#[test]
fn sleepers_that_wake_up_acknowledge_nothing() {
    let root = tempfile::tempdir().unwrap();
    let manifests = open(root.path());
    let sleepers: Vec<_> = (0..2).map(|number| Worker::start("write", number, root.path())).collect();
    let mut taken = 0;
    for round in 0..STOPS {
        let sleeper = &sleepers[round % sleepers.len()];
        sleeper.signal("STOP");
        std::thread::scope(|scope| {
            let (done, is_done) = std::sync::mpsc::channel::<()>();
            // One that was stopped while it held the lock of a key keeps everyone waiting until it goes on.
            scope.spawn(move || {
                let _ = is_done.recv_timeout(Duration::from_secs(1));
                sleeper.signal("CONT");
            });
            let writer = manifests.writer().unwrap();
            for step in 0..2 {
                match add(&writer, &format!("parent-{round}-{step}")) {
                    Ok(_) => taken += 1,
                    // The other one is awake.
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Fenced, "{error:?}"),
                }
            }
            manifests.expire(&ExpireOptions::default().with_keep_last(1)).unwrap();
            drop(done);
        });
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(taken > 0);
    let told: Vec<_> = sleepers.into_iter().flat_map(Worker::finish).collect();
    check(&manifests, &told, 2 * ROUNDS);
}

/// The process behind the tests here. Without a task it has nothing to do.
#[test]
fn worker() {
    let Some(task) = task() else { return };
    let words: Vec<_> = task.split(' ').collect();
    let [what, number, root] = words[..] else { panic!("a task of three words: {task}") };
    let manifests = open(Path::new(root));
    match what {
        "write" => write(&manifests, number),
        "keep" => keep(&manifests),
        _ => panic!("{task}"),
    }
}

fn open(root: &Path) -> Manifests {
    let local = Arc::new(Local::new(root).unwrap());
    let options = ManifestOptions::default().with_pause_max(Duration::from_millis(5));
    Manifests::open_or_create(local, Prefix::new("chain").unwrap(), options).unwrap()
}

/// Publishes an id at the end of the list of all, and a content of its own.
fn add(writer: &Writer, id: &str) -> Result<Arc<Stored>> {
    let content = writer.manifests().blocks()?.put(id.to_owned())?;
    writer.publish(|draft| {
        draft.put(Entry::new("last", id, content.hash).with_blocks(content.blocks.clone()));
        let log = draft.properties.entry("log".into()).or_default();
        log.push_str(id);
        log.push(' ');
        Ok(())
    })
}

/// Publishes in a loop; whatever is not acknowledged is read before it is tried again, as is right.
fn write(manifests: &Manifests, number: &str) {
    let mut writer = None;
    for round in 0..ROUNDS {
        let id = format!("{number}-{round}");
        loop {
            let owner = writer.get_or_insert_with(|| manifests.writer().unwrap());
            match add(owner, &id) {
                Ok(stored) => break tell(&format!("ack {} {id}", stored.number)),
                Err(error) if error.kind() == ErrorKind::Fenced => {
                    writer = None;
                    tell("fenced");
                    let latest = manifests.latest().unwrap();
                    if ids(&latest).any(|other| other == id) {
                        break tell(&format!("found {id}"));
                    }
                }
                // Two collections have begun since the content was put.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

/// Expires, collects and reads until it is told to end.
fn keep(manifests: &Manifests) {
    let end = std::thread::spawn(|| std::io::stdin().lines().next());
    let mut newest = 0;
    while !end.is_finished() {
        manifests.expire(&ExpireOptions::default().with_keep_last(3)).unwrap();
        manifests.collect(&CollectOptions::default()).unwrap();
        let latest = manifests.latest().unwrap();
        assert!(latest.number >= newest, "the newest goes back");
        newest = latest.number;
        if manifests.lease("keeper", newest, Duration::from_secs(60)).is_err() {
            continue;
        }
        let blocks = manifests.blocks().unwrap();
        latest.blocks().for_each(|block| drop(blocks.block(block).unwrap()));
        assert_eq!(manifests.at(newest).unwrap(), *latest);
        manifests.release("keeper").unwrap();
        tell("kept");
    }
}

fn ids(stored: &Stored) -> impl Iterator<Item = &str> {
    stored.properties.get("log").map_or("", |log| log).split_whitespace()
}

/// Compares what was acknowledged with what is there.
fn check(manifests: &Manifests, told: &[String], expected: usize) {
    let latest = manifests.latest().unwrap();
    manifests.verify().unwrap();
    let blocks = manifests.blocks().unwrap();
    latest.blocks().for_each(|block| drop(blocks.block(block).unwrap()));
    let (all, once) = (ids(&latest).count(), ids(&latest).collect::<BTreeSet<_>>());
    assert_eq!(all, once.len(), "published twice");
    let (mut numbers, mut done) = (BTreeSet::new(), BTreeSet::new());
    for line in told {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["ack", number, id] => {
                assert!(numbers.insert(number.to_owned()), "number {number} has two winners");
                assert!(once.contains(id), "{id} was acknowledged and is lost");
                done.insert(id.to_owned());
            }
            ["found", id] => assert!(done.insert(id.to_owned())),
            ["fenced"] => {}
            _ => panic!("{line}"),
        }
    }
    assert_eq!(done.len(), expected);
    assert!(told.iter().any(|line| line == "fenced"), "nobody was ever overtaken");
}

/// Lines of a worker begin so; those of the test harness do not.
const MARK: &str = "manifests: ";

fn tell(what: &str) {
    println!("\n{MARK}{what}");
}

/// A process that works on the chain. It is killed if the test fails.
struct Worker {
    child: Child,
    commands: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Worker {
    fn start(what: &str, number: usize, root: &Path) -> Self {
        let task = format!("{what} {number} {}", root.display());
        let mut command = command(&[], "manifests::worker", &task);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, told) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, commands, lines: BufReader::new(told) }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.commands, "{line}").unwrap();
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        // It may have come to its end.
        let _ = std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).output().unwrap();
    }

    /// Lets it come to its end. Returns what it has told.
    fn finish(mut self) -> Vec<String> {
        let lines = (&mut self.lines).lines().map(|line| line.unwrap());
        let told = lines.filter_map(|line| line.strip_prefix(MARK).map(str::to_owned)).collect();
        assert!(self.child.wait().unwrap().success());
        told
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Of a process that has ended both fail, and nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
