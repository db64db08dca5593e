//! The process that stands between us and a server: `cargo xtask guard FOLDER`, started by us and not by hand.
//!
//! It starts the server that it is told on its input, and when that input ends, it stops the server and everything the
//! server started, and removes the folder. Its input ends when we let go of the server and also when we are killed, in
//! whatever way: nothing is left running. It is in a process group of its own, so Ctrl-C in a terminal does not reach it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait, waitpid};
use serde::{Deserialize, Serialize};

use super::server::{EXITED, LOG};
use super::user::User;
use crate::failure::{Context, Failure, Result};

/// How long a server may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How often the guard looks whether its server still runs.
const PERIOD: Duration = Duration::from_millis(50);
/// The same once the server was asked to end.
const PERIOD_OF_END: Duration = Duration::from_millis(5);

/// What a guard reads first: the server to start, as one line of JSON.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Variables that it gets beside ours.
    pub environment: Vec<(String, String)>,
    /// What asks it to end.
    pub stop: Stop,
    /// Who runs it; we where there is none.
    pub user: Option<User>,
}

/// What asks a server to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// SIGTERM.
    Terminate,
    /// SIGTERM and then SIGINT: Postgres then does not wait for its clients. The second alone may be ignored by a shell
    /// that was started in the background.
    Insist,
}

/// Guards one server, as the head of the module says.
pub fn run(folder: &Path) -> Result<()> {
    adopt_orphans()?;
    let mut input = BufReader::new(std::io::stdin());
    let mut line = String::new();
    input.read_line(&mut line).during("reading what to start")?;
    let outcome = match line.is_empty() {
        true => Ok(()),
        false => serve(folder, &line, input),
    };
    kill_orphans();
    std::fs::remove_dir_all(folder).during(format_args!("removing {}", folder.display()))?;
    outcome
}

/// Starts the server and keeps it until the input ends. A server that ended before is noted in the folder.
fn serve(folder: &Path, line: &str, input: impl BufRead + Send + 'static) -> Result<()> {
    let launch: Launch = serde_json::from_str(line).during("reading what to start")?;
    let end = end_of(input);
    let server = match spawn(folder, &launch) {
        Ok(server) => server,
        Err(failure) => {
            note(folder, &failure.to_string())?;
            let _ = end.recv();
            return Ok(());
        }
    };
    // It holds the input of the server, and is waited for among the orphans.
    let process = Pid::from_child(&server);
    let mut status = None;
    while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(PERIOD) {
        if let Some(ended) = bury(process) {
            note(folder, &shown(ended))?;
            status = Some(ended);
        }
    }
    match status {
        Some(_) => Ok(()),
        None => stop(process, launch.stop),
    }
}

/// A channel that closes when the input ends.
fn end_of(mut input: impl BufRead + Send + 'static) -> Receiver<()> {
    let (open, end) = channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut input, &mut std::io::sink());
        drop(open);
    });
    end
}

/// The server's input stays open as long as the guard lives; what it writes goes to the log in the folder.
fn spawn(folder: &Path, launch: &Launch) -> Result<Child> {
    let (program, arguments) = launch.words.split_first().ok_or_else(|| Failure::new("nothing to start"))?;
    let log = std::fs::File::create(folder.join(LOG)).during("making the log")?;
    let errors = log.try_clone().during("making the log")?;
    let mut command = Command::new(program);
    command.args(arguments).envs(launch.environment.iter().cloned()).current_dir(folder);
    // What a server puts aside, as Node.js does, goes with the folder.
    command.env("TMPDIR", folder).stdin(Stdio::piped()).stdout(log).stderr(errors);
    if let Some(user) = &launch.user {
        user.run(&mut command);
    }
    command.spawn().during(format_args!("starting {program}"))
}

fn note(folder: &Path, how: &str) -> Result<()> {
    std::fs::write(folder.join(EXITED), how).during("noting that the server ended")
}

/// Asks the server to end and waits for that. One that does not is killed.
fn stop(server: Pid, with: Stop) -> Result<()> {
    let signals: &[Signal] = match with {
        Stop::Terminate => &[Signal::TERM],
        Stop::Insist => &[Signal::TERM, Signal::INT],
    };
    for signal in signals {
        kill_process(server, *signal).during("stopping the server")?;
    }
    let start = Instant::now();
    while start.elapsed() < GRACE {
        if bury(server).is_some() {
            return Ok(());
        }
        std::thread::sleep(PERIOD_OF_END);
    }
    kill_process(server, Signal::KILL).during("killing the server")
}

/// Takes note of all our children that ended, and gives how the server did if it is among them.
fn bury(server: Pid) -> Option<WaitStatus> {
    let mut status = None;
    while let Ok(Some((process, ended))) = wait(WaitOptions::NOHANG) {
        if process == server {
            status = Some(ended);
        }
    }
    status
}

/// How a process ended, for a person.
fn shown(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "in an unknown way".to_owned(),
    }
}

/// Makes us the parent of whatever loses its parent below us, so that no child of a server gets lost.
fn adopt_orphans() -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).during("becoming the parent of orphans")?;
    Ok(())
}

/// Kills our children, then those that were theirs, until there are none. Only Linux hands us the latter.
fn kill_orphans() {
    let start = Instant::now();
    while start.elapsed() < GRACE {
        let children = children();
        if children.is_empty() {
            return;
        }
        for child in children {
            // It may be gone by now, which is what is wanted.
            let _ = kill_process(child, Signal::KILL);
            let _ = waitpid(Some(child), WaitOptions::NOHANG);
        }
        std::thread::sleep(PERIOD_OF_END);
    }
}

/// The processes whose parent we are, as `/proc` has them.
fn children() -> Vec<Pid> {
    let us = rustix::process::getpid().as_raw_nonzero().get();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let ours = numbers.filter(|number| {
        std::fs::read_to_string(format!("/proc/{number}/stat")).is_ok_and(|stat| parent(&stat) == Some(us))
    });
    ours.filter_map(Pid::from_raw).collect()
}

/// The parent in a line of `/proc/N/stat`: the second field after the name, which may hold spaces and brackets.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests;
