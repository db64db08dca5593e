//! `cargo xtask test`: every check, one after the other, each announced and timed; the first failure ends it.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::{Context, Failure, Result};
use crate::peers::Peers;
use crate::workspace::Workspace;
use crate::{demo, features, process, protoc, tidy};

/// How much is checked.
#[derive(clap::Args)]
pub struct Options {
    /// Leaves out features, peers and the demo's answers.
    #[arg(long)]
    fast: bool,
}

/// What every cargo command here builds: all crates, S3 included, so that dependencies are built once for all steps.
const EVERYTHING: [&str; 3] = ["--workspace", "--features", "worldstore/s3"];

/// Runs the checks. Peers are started before the tests and stopped when this returns, however it returns.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("fmt", || process::run("cargo fmt", workspace.cargo().args(["fmt", "--all", "--check"])))?;
    steps.run("tidy", || tidy::run(workspace))?;
    steps.run("clippy", || clippy(workspace))?;
    let peers = match options.fast {
        true => None,
        false => steps.run("peers", || start_peers(workspace))?,
    };
    steps.run("tests", || tests(workspace, peers.as_ref()))?;
    steps.run("doctests", || doctests(workspace))?;
    match options.fast {
        true => steps.skipped("features: each crate without any, and with each one alone"),
        false => steps.run("features", || features::run(workspace))?,
    }
    match &peers {
        Some(peers) => steps.run("answers of the demo", || answers(workspace, peers))?,
        None => steps.skipped("peers: tests against pylance, PyIceberg and S3, and the answers of the demo"),
    }
    steps.report();
    Ok(())
}

/// Steps that were run, with their times, and what was not.
#[derive(Default)]
struct Steps {
    done: Vec<(&'static str, Duration)>,
    skipped: Vec<&'static str>,
}

impl Steps {
    /// Announces a step, runs it and notes its time. A failure says which step it was.
    fn run<T>(&mut self, name: &'static str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = step();
        let time = start.elapsed();
        match outcome {
            Ok(value) => {
                println!("== {name}: {:.1} s", time.as_secs_f64());
                self.done.push((name, time));
                Ok(value)
            }
            Err(failure) => {
                let message = format!("{name} failed after {:.1} s: {failure}", time.as_secs_f64());
                Err(Failure::new(message).with_exit_code(failure.exit_code))
            }
        }
    }

    fn skipped(&mut self, what: &'static str) {
        self.skipped.push(what);
    }

    fn report(&self) {
        println!();
        for (name, time) in &self.done {
            println!("{name:20} {:8.1} s", time.as_secs_f64());
        }
        for what in &self.skipped {
            println!("NOT CHECKED: {what}");
        }
        println!("passed{}", if self.skipped.is_empty() { "" } else { ", but for what was not checked" });
    }
}

fn clippy(workspace: &Workspace) -> Result<()> {
    let mut command = protoc::cargo(workspace)?;
    command.arg("clippy").args(EVERYTHING).args(["--all-targets", "--", "-D", "warnings"]);
    process::run("clippy", &mut command)
}

/// Starts the peers, or says what will be missing. On a machine that integrates, where `CI` is set, they must be there.
fn start_peers(workspace: &Workspace) -> Result<Option<Peers>> {
    let failure = match Peers::start(workspace) {
        Ok(peers) => return Ok(Some(peers)),
        Err(failure) => failure,
    };
    if std::env::var_os("CI").is_some() {
        return Err(failure);
    }
    eprintln!("SKIPPED: {failure}");
    eprintln!("SKIPPED: without peers, nothing checks our tables from outside, S3, and the answers of the demo.");
    eprintln!("SKIPPED: they need Python 3.11 or later with venv and pip, and once the network; then run this again.");
    Ok(None)
}

/// Runs all tests but those in the docs, with nextest where it is installed: it runs them in parallel across crates.
fn tests(workspace: &Workspace, peers: Option<&Peers>) -> Result<()> {
    let nextest = process::works(workspace.cargo().args(["nextest", "--version"]));
    let mut command = protoc::cargo(workspace)?;
    match nextest {
        true => command.args(["nextest", "run"]).args(EVERYTHING),
        false => command.arg("test").args(EVERYTHING).args(["--lib", "--bins", "--tests", "--examples"]),
    };
    match peers {
        Some(peers) => peers.show_to(&mut command),
        // Tests that need peers insist on them where `CI` is set; here they were left out on purpose.
        None => drop(command.env_remove("CI")),
    }
    process::run("the tests", &mut command)
}

fn doctests(workspace: &Workspace) -> Result<()> {
    let mut command = protoc::cargo(workspace)?;
    process::run("the doctests", command.args(["test", "--doc"]).args(EVERYTHING))
}

/// Runs the demo and has its answers, and its tables, compared with an independent reading of the same data.
fn answers(workspace: &Workspace, peers: &Peers) -> Result<()> {
    let folder = workspace.cache("demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).during(format_args!("removing {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).during(format_args!("making {}", folder.display()))?;
    let answers = folder.join("answers.json");
    let mut demo = demo::command(workspace)?;
    demo.arg("--folder").arg(folder.join("worlds")).arg("--answers").arg(&answers);
    process::run("the demo", &mut demo)?;
    let mut check = Command::new(&peers.python);
    check.arg(workspace.python_file("check_demo.py")).arg(&answers);
    process::run("check_demo.py", &mut check)
}
