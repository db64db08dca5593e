//! `cargo xtask test`: every check, one after the other, each announced and timed; the first failure ends it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::failure::{Context, Failure, Result};
use crate::release::{self, git};
use crate::services::{self, Service, Services};
use crate::tools::Missing;
use crate::workspace::Workspace;
use crate::{audit, demo, examples, features, peers, process, protoc, tidy};

/// How much is checked.
#[derive(clap::Args)]
pub struct Options {
    /// Leaves out features, peers, the rehearsal of a release and the demo's answers.
    #[arg(long)]
    fast: bool,
}

/// What every cargo command of the tests builds: all crates, with the same features, so that dependencies are built once.
pub const EVERYTHING: [&str; 3] = [
    "--workspace",
    "--features",
    "worldstore/cli,worldstore/iceberg-rest,worldstore/s3,worldstore/sqlite,worldstore/postgres,worldstore/redis,worldstore/redb,\
     worldstore/sled,worldstore/sftp,worldstore-sql-query/postgres,worldstore/zset,worldstore/ecs",
];

/// What is built beside that: features that change the crate object_store, on which everything else depends. Alone they
/// cost one small build, and not DataFusion and Lance anew.
const CLOUDS: [&str; 3] = ["-p", "worldstore-object-store", "--all-features"];

/// Runs the checks. Peers are started before the tests and stopped when this returns, however it returns.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("fmt", || process::run("cargo fmt", workspace.cargo().args(["fmt", "--all", "--check"])))?;
    steps.run("tidy", || tidy::run(workspace))?;
    if !steps.run("spelling", || audit::spelling(workspace, Missing::Skips))? {
        steps.skipped("spelling");
    }
    steps.run("dependencies", || audit::if_there(workspace))?;
    steps.run("clippy", || clippy(workspace))?;
    let peers = match options.fast {
        true => None,
        false => Some(steps.run("peers", || Peers::start(workspace))?),
    };
    steps.run("tests", || tests(workspace, peers.as_ref(), &EVERYTHING))?;
    steps.run("tests of clouds", || tests(workspace, peers.as_ref(), &CLOUDS))?;
    steps.run("doctests", || doctests(workspace))?;
    steps.run("docs", || docs(workspace))?;
    let left = steps.run("examples", || examples::run(workspace, peers.as_ref().map(|peers| &peers.services)))?;
    left.into_iter().for_each(|what| steps.skipped(what));
    match options.fast {
        true => steps.skipped("features: each crate without any, and with each one alone; the rehearsal of a release"),
        false => {
            steps.run("features", || features::each_alone(workspace))?;
            steps.run("release", || release::run(workspace, &release::Options::rehearsal()))?;
        }
    }
    match peers.as_ref().and_then(|peers| peers.python.as_ref()) {
        Some(python) => steps.run("answers of the demo", || answers(workspace, python))?,
        None => steps.skipped("the answers of the demo, and tests against pylance, LanceDB, PyIceberg and DuckDB"),
    }
    if peers.as_ref().is_none_or(|peers| peers.older_python.is_none()) {
        steps.skipped("tests against Daft and extensions of DuckDB");
    }
    match &peers {
        Some(peers) => peers.services.missing().for_each(|name| steps.skipped(format!("tests against {name}"))),
        None => steps.skipped("tests against servers"),
    }
    steps.report();
    if steps.skipped.is_empty() {
        passed(workspace)?;
    }
    Ok(())
}

/// Notes that everything was checked and passed for the last commit, unless files differ from it.
fn passed(workspace: &Workspace) -> Result<()> {
    if !git::changed(&workspace.root)?.is_empty() {
        return Ok(());
    }
    let path = workspace.cache("passed.txt");
    std::fs::write(&path, git::head(&workspace.root)?).during(format_args!("writing {}", path.display()))
}

/// Whether that was so for this very commit; if not, everything is run now.
pub fn ensure_passed(workspace: &Workspace) -> Result<()> {
    let head = git::head(&workspace.root)?;
    if std::fs::read_to_string(workspace.cache("passed.txt")).is_ok_and(|commit| commit == head) {
        println!("every check passed for {head} before");
        return Ok(());
    }
    run(workspace, &Options { fast: false })?;
    match std::fs::read_to_string(workspace.cache("passed.txt")).is_ok_and(|commit| commit == head) {
        true => Ok(()),
        false => Err(Failure::new("not everything could be checked, see above: a release needs all of it")),
    }
}

/// Steps that were run, with their times, and what was not.
#[derive(Default)]
struct Steps {
    done: Vec<(&'static str, Duration)>,
    skipped: Vec<String>,
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

    fn skipped(&mut self, what: impl Into<String>) {
        self.skipped.push(what.into());
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

/// Whatever tests talk to that is not ours.
struct Peers {
    /// The interpreter that has those in Python.
    python: Option<PathBuf>,
    /// The one that has those which ask for older packages.
    older_python: Option<PathBuf>,
    services: Services,
}

impl Peers {
    /// Starts the peers, or says what will be missing. On a machine that integrates, where `CI` is set, they must be
    /// there.
    fn start(workspace: &Workspace) -> Result<Self> {
        let python = Self::installed(peers::python(workspace))?;
        let older_python = Self::installed(peers::older_python(workspace))?;
        Ok(Self { python, older_python, services: Services::start(workspace, Service::value_variants())? })
    }

    fn installed(python: Result<PathBuf>) -> Result<Option<PathBuf>> {
        match python {
            Ok(python) => Ok(Some(python)),
            Err(failure) if services::must_be_there() => Err(failure),
            Err(failure) => {
                eprintln!("SKIPPED: {failure}");
                eprintln!("SKIPPED: without peers in Python, nothing checks our tables from outside.");
                Ok(None)
            }
        }
    }

    /// Tells the tests that a command runs where the peers are.
    fn show_to(&self, command: &mut Command) {
        if let Some(python) = &self.python {
            command.env(peers::PYTHON, python);
        }
        if let Some(python) = &self.older_python {
            command.env(peers::PYTHON_OLDER, python);
        }
        self.services.show_to(command);
    }
}

/// Runs all tests but those in the docs, with nextest where it is installed: it runs them in parallel across crates.
fn tests(workspace: &Workspace, peers: Option<&Peers>, selection: &[&str]) -> Result<()> {
    let nextest = process::works(workspace.cargo().args(["nextest", "--version"]));
    let mut command = protoc::cargo(workspace)?;
    match nextest {
        true => command.args(["nextest", "run"]).args(selection),
        false => command.arg("test").args(selection).args(["--lib", "--bins", "--tests", "--examples"]),
    };
    match peers {
        Some(peers) => {
            peers.show_to(&mut command);
            services::show_strace(workspace, &mut command);
        }
        // Tests that need peers insist on them where `CI` is set; here they were left out on purpose.
        None => drop(command.env_remove("CI")),
    }
    process::run("the tests", &mut command)
}

fn doctests(workspace: &Workspace) -> Result<()> {
    let mut command = protoc::cargo(workspace)?;
    process::run("the doctests", command.args(["test", "--doc"]).args(EVERYTHING))
}

/// Builds the documentation: a link that leads nowhere fails.
fn docs(workspace: &Workspace) -> Result<()> {
    let mut command = protoc::cargo(workspace)?;
    command.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--no-deps"]).args(EVERYTHING);
    process::run("the documentation", &mut command)
}

/// Runs the demo and has its answers, and its tables, compared with an independent reading of the same data.
fn answers(workspace: &Workspace, python: &Path) -> Result<()> {
    let folder = workspace.cache("demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).during(format_args!("removing {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).during(format_args!("making {}", folder.display()))?;
    let answers = folder.join("answers.json");
    let mut demo = demo::command(workspace, &EVERYTHING)?;
    demo.arg("--folder").arg(folder.join("worlds")).arg("--answers").arg(&answers);
    process::run("the demo", &mut demo)?;
    let mut check = Command::new(python);
    check.arg(workspace.python_file("check_demo.py")).arg(&answers);
    process::run("check_demo.py", &mut check)
}
