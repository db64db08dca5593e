//! A process that writes a world and tells what was acknowledged, over a pipe to a process that outlives it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use worldstore::cache::{ExpireTablesOptions, expire_tables};
use worldstore::core::table::{CompactOptions, Level, TableName};
use worldstore::world::{IfOpen, TickReceipt};
use worldstore::{Error, Result, Run, World, WorldOptions};

use super::ground::Ground;
use super::ledger::Ledger;
use super::random::Random;
use super::rows::{Id, TABLES, table};

pub const WRITERS: u64 = 4;

/// What the process behind the tests shall do: nothing if it is the one of the test runner.
const TASK: &str = "WORLDSTORE_KILLS_TASK";
/// The catalog of its world, where that is at a server.
const CATALOG: &str = "WORLDSTORE_KILLS_CATALOG";

/// Lines of a worker begin so; those of the test harness do not.
const MARK: &str = "worker: ";

/// What a worker is to do.
#[derive(Debug, Clone, Copy)]
pub struct Task<'ground> {
    pub ground: &'ground Ground,
    pub cycle: u64,
    pub if_open: IfOpen,
}

/// The process behind the tests here. Without a task it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker() {
    let Ok(task) = std::env::var(TASK) else { return };
    let words: Vec<&str> = task.splitn(4, ' ').collect();
    let [format, cycle, if_open, folder] = words[..] else { panic!("a task of four words: {task}") };
    let if_open = if if_open == "TakeOver" { IfOpen::TakeOver } else { IfOpen::Refuse };
    let catalog = std::env::var(CATALOG).ok();
    let ground = Ground { format: format.parse().unwrap(), folder: folder.into(), catalog };
    let options = ground.options().with_if_open(if_open);
    write_for_ever(&ground.uri(), cycle.parse().unwrap(), &options).await;
}

fn say(what: &str) {
    // In one piece, so that a kill leaves a line or none; the first end of line ends that of the harness.
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{MARK}{what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn say_failed(who: &str, error: &Error) {
    say(&format!("failed {who} {:?} {}", error.kind(), format!("{error:?}").replace('\n', " ")));
}

/// Several writers write ticks, and one compacts, expires and flushes, until the kill comes or another takes over.
async fn write_for_ever(uri: &str, cycle: u64, options: &WorldOptions) {
    say("opening");
    let world = match World::open_or_create(uri, options).await {
        Ok(world) => world,
        Err(error) => return say_failed("open", &error),
    };
    say(&format!("opened {}", world.recovery().rows));
    let run = world.run("main").await.unwrap();
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(run.clone(), cycle, writer))).collect();
    let upkeep = tokio::spawn(upkeep(world.clone(), cycle));
    for writer in writers {
        writer.await.unwrap();
    }
    upkeep.abort();
    say("ended");
    // What still runs is not waited for: a kill does not wait either.
    std::process::exit(0);
}

/// One writer, whose ticks follow each other. Ends with a failure; what is tried after it must fail too.
async fn write(run: Run, cycle: u64, writer: u64) {
    let mut random = Random::of(&[cycle, writer, 1]);
    for number in 0.. {
        let id = Id { cycle, writer, number };
        let last = match id.commit(&run).await {
            Ok(receipt) => {
                acknowledged(id, &receipt);
                receipt
            }
            Err(error) => {
                say_failed(&format!("writer-{writer}"), &error);
                for number in number + 1..number + 4 {
                    let id = Id { cycle, writer, number };
                    match id.commit(&run).await {
                        Ok(receipt) => acknowledged(id, &receipt),
                        Err(error) => say_failed("again", &error),
                    }
                }
                return;
            }
        };
        if random.chance(2) {
            match run.world().wait(&last.receipts[0], Level::Committed).await {
                Ok(receipt) => say(&format!("committed {}", receipt.seq)),
                Err(error) => say_failed("wait", &error),
            }
        }
        if random.chance(20) {
            tokio::time::sleep(random.time(5)).await;
        }
    }
}

fn acknowledged(id: Id, receipt: &TickReceipt) {
    let seq = receipt.receipts[0].seq;
    for receipt in &receipt.receipts {
        assert_eq!((receipt.seq, receipt.level), (seq, Level::Durable), "{id}");
    }
    say(&format!("ack {seq} {id}"));
}

/// What goes on beside the writers all the time.
async fn upkeep(world: World, cycle: u64) {
    let mut random = Random::of(&[cycle, 2]);
    loop {
        tokio::time::sleep(random.time(20)).await;
        let done = match random.below(10) {
            0..4 => compact(&world, random.below(TABLES)).await,
            4..7 => expire(&world).await,
            _ => world.flush().await,
        };
        match done {
            Err(error) if !error.is_not_found() => return say_failed("upkeep", &error),
            _ => {}
        }
    }
}

async fn compact(world: &World, number: u64) -> Result<()> {
    let table = TableName::new(table(number))?;
    world.table_backend().compact(&table, &CompactOptions::default()).await.map(drop)
}

/// Leaves no version that no manifest names.
async fn expire(world: &World) -> Result<()> {
    let options = ExpireTablesOptions::default().with_keep_for(Duration::ZERO);
    let expired = expire_tables(&world.table_backend(), world.manifests(), &options).await?;
    expired.failed.into_values().next().map_or(Ok(()), Err)
}

/// A worker seen from outside. It is killed if the test fails.
pub struct Worker {
    child: Child,
    lines: Receiver<String>,
    errors: std::thread::JoinHandle<String>,
    /// What has failed: who, and kind, with the first message.
    pub failures: BTreeMap<String, String>,
    /// Writers that go on after they have failed.
    pub after_failure: u64,
    has_failed: u64,
}

impl Worker {
    pub fn start(task: &Task<'_>) -> Self {
        let Task { ground, cycle, if_open } = task;
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["kills::worker::worker", "--exact", "--nocapture"]);
        command.env(TASK, format!("{} {cycle} {if_open:?} {}", ground.format, ground.folder.display()));
        command.envs(ground.catalog.as_ref().map(|catalog| (CATALOG, catalog)));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (told, lines) = channel();
        std::thread::spawn(move || {
            // A killed process may leave half a line at the end; its mark or its end is missing then.
            for line in out.split(b'\n').map_while(std::result::Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if let Some(line) = line.strip_prefix(MARK) {
                    let _nobody_listens = told.send(line.to_owned());
                }
            }
        });
        let mut from = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut said = String::new();
            let _ = from.read_to_string(&mut said);
            said
        });
        Self { child, lines, errors, failures: BTreeMap::new(), after_failure: 0, has_failed: 0 }
    }

    /// Takes down what it tells, up to a line that begins so; false if it ended before.
    pub fn hear(&mut self, ledger: &mut Ledger, until: &str) -> bool {
        while let Ok(line) = self.lines.recv() {
            self.take(ledger, &line);
            if line.starts_with(until) {
                return true;
            }
        }
        false
    }

    /// Takes down what it has told by now; returns the acknowledgements in it.
    pub fn hear_rest(&mut self, ledger: &mut Ledger) -> u64 {
        let before = ledger.acknowledgements();
        while let Ok(line) = self.lines.try_recv() {
            self.take(ledger, &line);
        }
        ledger.acknowledgements() - before
    }

    fn take(&mut self, ledger: &mut Ledger, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "ack" => {
                let [seq, cycle, writer, number] = numbers(rest);
                ledger.acknowledge(Id { cycle, writer, number }, seq);
                self.after_failure += u64::from(self.has_failed & (1 << writer) > 0);
            }
            "committed" => {
                let [seq] = numbers(rest);
                ledger.commit(seq);
            }
            "failed" => {
                let mut words = rest.splitn(3, ' ');
                let (who, kind) = (words.next().unwrap(), words.next().unwrap());
                if let Some(writer) = who.strip_prefix("writer-") {
                    self.has_failed |= 1 << u64::from_str(writer).unwrap();
                }
                let message = words.next().unwrap_or("").to_owned();
                self.failures.entry(format!("{who} {kind}")).or_insert(message);
            }
            _ => {}
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops it, and takes down what it told before.
    pub fn stop(&mut self, ledger: &mut Ledger) {
        self.signal(Signal::STOP);
        std::thread::sleep(Duration::from_millis(30));
        self.hear_rest(ledger);
    }

    /// Lets it go on after some time, whatever this process waits for: a stopped one may hold a lock.
    pub fn wake_after(&self, time: Duration) -> std::sync::mpsc::Sender<()> {
        let (done, is_done) = channel::<()>();
        let process = Pid::from_child(&self.child);
        std::thread::spawn(move || {
            if is_done.recv_timeout(time) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                // It may have been killed by now.
                let _ = kill_process(process, Signal::CONT);
            }
        });
        done
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Takes down the rest, and waits for the end. What it said on its error output.
    pub fn finish(mut self, ledger: &mut Ledger) -> Finished {
        while self.hear(ledger, "nothing that is told") {}
        self.child.wait().unwrap();
        let errors = std::mem::replace(&mut self.errors, std::thread::spawn(String::new)).join().unwrap();
        Finished { errors, failures: std::mem::take(&mut self.failures), after_failure: self.after_failure }
    }
}

/// What is known of a worker that has ended.
#[derive(Debug)]
pub struct Finished {
    pub errors: String,
    pub failures: BTreeMap<String, String>,
    pub after_failure: u64,
}

impl Finished {
    /// Fails if it failed otherwise than as one that was overtaken. Of a direct append that its table took meanwhile
    /// nobody knows.
    pub fn expect_overtaken(&self) {
        self.expect_kinds(&["Fenced", "OutcomeUnknown"]);
    }

    /// Fails if there was a failure of another kind.
    pub fn expect_kinds(&self, kinds: &[&str]) {
        let kind = |failure: &str| failure.split(' ').next_back().map(str::to_owned).unwrap();
        let allowed = self.failures.keys().all(|failure| kinds.contains(&kind(failure).as_str()));
        assert!(allowed && self.after_failure == 0, "{self:#?}");
        assert!(!self.errors.contains("panicked"), "{}", self.errors);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Of a process that has ended both fail, and nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn numbers<const COUNT: usize>(words: &str) -> [u64; COUNT] {
    let numbers: Vec<u64> = words.split(' ').map(|word| u64::from_str(word).unwrap()).collect();
    numbers.try_into().unwrap()
}
