//! `cargo xtask torture`: the crash suites with far more images, kills and faults than in the tests.

mod figures;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::services::{self, Service, Services};
use crate::workspace::Workspace;
use figures::Figures;

/// How long, and what.
///
/// Runs, with optimisation, every test of worldstore-core with `crash`, `planted` or `_sim` in its name: crashes and faults at every call, in memory, and real
/// processes that are killed or whose system calls fail. Prints what was covered: images, what was lost in them, the
/// share of faults that struck, planted bugs that were caught. A failure comes with its seed and the command that shows
/// it again.
///
/// `torture worlds` kills, stops and starves processes that write a world instead, for each table format, and for Iceberg with
/// a catalog at a PostgreSQL server too, which it starts.
#[derive(clap::Args)]
pub struct Options {
    /// Crash images of all suites together; each takes its share.
    #[arg(long, default_value_t = 2_000_000)]
    images: u64,
    /// Kills of processes at random moments; of worlds, for each table format.
    #[arg(long, default_value_t = 2_000)]
    kills: u64,
    /// The first so many calls of each kind that strace fails, or kills at, each in a process of its own. Of worlds, how
    /// many places of each kind of fault.
    #[arg(long, default_value_t = 60)]
    calls: u64,
    /// Where chance begins. Default: another one each time, which is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Only tests with this in their name, as in `wal`; or `worlds`.
    suite: Option<String>,
}

/// A profile that exists only here: as fast as a release, and with all assertions. The manifest need not know it, and
/// what others build is not built anew.
const PROFILE: [&str; 3] = [
    "profile.torture.inherits='release'",
    "profile.torture.debug-assertions=true",
    "profile.torture.overflow-checks=true",
];

/// The suite of the package that composes worlds. As the tests build it: a process spends its time in the kernel, and an
/// optimised build of the table formats takes longer than thousands of kills.
const WORLDS: &str = "worlds";

/// Runs the suites and tells what they covered.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(any_seed);
    println!("commit {}, seed {seed}", commit(workspace));
    let folder = workspace.cache("torture");
    std::fs::create_dir_all(&folder).during(format_args!("making {}", folder.display()))?;
    let report = folder.join(format!("{}.txt", std::process::id()));
    let start = Instant::now();
    let mut figures = Figures::default();
    let services = servers(workspace, options)?;
    let once = |options: &Options, seed: u64, figures: &mut Figures| {
        run_once(suites(workspace, options, seed, &report, &services), &report, figures)
    };
    let mut outcome = once(options, seed, &mut figures);
    // Suites may run out of images that differ: another seed gives others.
    for more in 1..ROUNDS_MAX {
        let missing = options.images.saturating_sub(figures.images());
        if outcome.is_err() || missing == 0 || figures.images() == 0 || options.suite.is_some() {
            break;
        }
        println!("{missing} images are missing: again with another seed");
        let rest = Options { images: missing.max(options.images / 20), suite: None, ..*options };
        outcome = once(&rest, seed.wrapping_add(more), &mut figures);
    }
    println!("\n{figures}");
    println!("{:.0} s; again with: cargo xtask torture {}", start.elapsed().as_secs_f64(), again(options, seed));
    outcome?;
    figures.check(options.suite.is_none().then_some(options.images))
}

/// How often suites are run at most, until there are as many images as were asked for.
const ROUNDS_MAX: u64 = 8;

fn run_once(mut suites: Command, report: &PathBuf, figures: &mut Figures) -> Result<()> {
    let outcome = process::run("the crash suites", &mut suites);
    figures.read(&take(report)?)?;
    outcome
}

/// The servers that suites need: worlds have catalogs at one.
fn servers(workspace: &Workspace, options: &Options) -> Result<Services> {
    let wanted: &[Service] = if options.suite.as_deref() == Some(WORLDS) { &[Service::Postgres] } else { &[] };
    Services::start(workspace, wanted)
}

fn suites(workspace: &Workspace, options: &Options, seed: u64, report: &Path, services: &Services) -> Command {
    let mut command = workspace.cargo();
    let has_nextest = process::works(workspace.cargo().args(["nextest", "--version"]));
    match options.suite.as_deref() {
        Some(WORLDS) => choose_worlds(&mut command, has_nextest),
        suite => choose(&mut command, has_nextest, suite),
    }
    for (variable, number) in [
        ("WORLDSTORE_CRASH_IMAGES", options.images),
        ("WORLDSTORE_CRASH_KILLS", options.kills),
        ("WORLDSTORE_CRASH_CALLS", options.calls),
        ("WORLDSTORE_CRASH_PLACES", options.calls),
        ("WORLDSTORE_CRASH_SEED", seed),
    ] {
        command.env(variable, number.to_string());
    }
    command.env("WORLDSTORE_CRASH_REPORT", report).env_remove("WORLDSTORE_CRASH_REPLAY");
    services.show_to(&mut command);
    services::show_strace(workspace, &mut command);
    command
}

/// The suites of worldstore-core, or those with a name.
fn choose(command: &mut Command, has_nextest: bool, suite: Option<&str>) {
    match has_nextest {
        true => {
            let suite = suite.map(|suite| format!(" & test({suite})")).unwrap_or_default();
            command.args(["nextest", "run", "--profile", "torture", "--no-fail-fast", "--cargo-profile", "torture"]);
            command.args(["-p", "worldstore-core", "-E", &format!("test(/crash|planted|_sim/){suite}")]);
        }
        false => {
            command.args(["test", "--profile", "torture", "--no-fail-fast", "-p", "worldstore-core"]);
            command.args(["--lib", "--tests", "--"]);
            match suite {
                Some(suite) => command.arg(suite),
                None => command.args(["crash", "planted", "_sim"]),
            };
        }
    }
    command.args(PROFILE.iter().flat_map(|setting| ["--config", setting]));
}

fn choose_worlds(command: &mut Command, has_nextest: bool) {
    match has_nextest {
        true => command.args(["nextest", "run", "--profile", "torture", "--no-fail-fast", "-E", "test(/^kills::/)"]),
        false => command.args(["test", "--no-fail-fast", "--test", "it", "kills::"]),
    };
    command.args(["-p", "worldstore", "--features", "worldstore/cli"]);
}

/// The lines that the suites have left. There are none if nothing was built.
fn take(report: &PathBuf) -> Result<String> {
    if !report.is_file() {
        return Ok(String::new());
    }
    let told = std::fs::read_to_string(report).during(format_args!("reading {}", report.display()))?;
    std::fs::remove_file(report).during(format_args!("removing {}", report.display()))?;
    Ok(told)
}

fn any_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs())
}

fn commit(workspace: &Workspace) -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty"]).current_dir(&workspace.root);
    process::capture("git", &mut git).map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

fn again(options: &Options, seed: u64) -> String {
    let Options { images, kills, calls, suite, .. } = options;
    let suite = suite.as_deref().map(|suite| format!(" {suite}")).unwrap_or_default();
    format!("--images {images} --kills {kills} --calls {calls} --seed {seed}{suite}")
}

/// Fails if a run has shown less than it should.
impl Figures {
    fn check(&self, images: Option<u64>) -> Result<()> {
        if self.suites() == 0 {
            return Err(Failure::new("no suite has told anything: is there a test of this name?"));
        }
        if let Some(bug) = self.missed() {
            return Err(Failure::new(format!("the planted bug {bug} was not caught")));
        }
        match images {
            Some(wanted) if self.images() < wanted => {
                Err(Failure::new(format!("{} images were taken, fewer than {wanted}", self.images())))
            }
            _ => Ok(()),
        }
    }
}
