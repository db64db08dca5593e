//! `cargo xtask fuzz`: feeds the readers of foreign bytes with what libFuzzer makes up, and keeps the corpora small.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::workspace::Workspace;

/// What is fuzzed, and for how long.
#[derive(clap::Args)]
pub struct Options {
    /// The targets; all of them if none is named.
    targets: Vec<String>,
    /// Minutes for each target.
    #[arg(long, default_value_t = 1)]
    minutes: u64,
    /// Afterwards, keeps of each corpus what reaches code that nothing else in it does.
    #[arg(long)]
    minimize: bool,
}

/// The release of cargo-fuzz that is installed if there is none.
const VERSION: &str = "0.13.2";
/// The longest input, in bytes.
const INPUT_BYTES_MAX: &str = "-max_len=65536";
/// The seconds that an input may take.
const TIMEOUT: &str = "-timeout=5";
/// The target that has DataFusion in it, which is compiled for no other.
const BINDER: &str = "binder";

/// Fuzzes one target after the other. The first input that breaks a promise ends it, and is named.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let fuzz = Fuzz { folder: workspace.root.join("fuzz"), tools: tools(workspace)?, build: workspace.cache("fuzz") };
    let known = fuzz.targets()?;
    if let Some(unknown) = options.targets.iter().find(|target| !known.contains(target)) {
        return Err(Failure::new(format!("there is no target {unknown}; there are {}", known.join(", "))));
    }
    let targets = if options.targets.is_empty() { &known } else { &options.targets };
    for target in targets {
        println!("\n== {target}: {} min", options.minutes);
        let seconds = format!("-max_total_time={}", options.minutes * 60);
        let mut command = fuzz.command("run", target);
        command.arg("--").args([INPUT_BYTES_MAX, &seconds, "-print_final_stats=1", TIMEOUT, memory_max(target)]);
        command.args(words(target));
        process::run(target, &mut command)?;
        if options.minimize {
            process::run(target, &mut fuzz.command("cmin", target))?;
        }
    }
    Ok(())
}

/// Where things are.
struct Fuzz {
    /// The crate with the checks and the corpora.
    folder: PathBuf,
    /// Where cargo-fuzz is installed.
    tools: PathBuf,
    /// Where the instrumented programs are built.
    build: PathBuf,
}

impl Fuzz {
    /// The targets, by name: each has a program.
    fn targets(&self) -> Result<Vec<String>> {
        let folder = self.folder.join("libfuzzer/targets");
        let entries = std::fs::read_dir(&folder).during(format_args!("reading {}", folder.display()))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut targets: Vec<String> = names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect();
        targets.sort();
        Ok(targets)
    }

    /// A command of cargo-fuzz on a target and its corpus. Our code is safe Rust, which needs no sanitizer; without it
    /// ten times as much is tried.
    fn command(&self, verb: &str, target: &str) -> Command {
        let mut command = Command::new("cargo");
        // Not the toolchain that runs us.
        command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env("PATH", with_path(&self.tools.join("bin")));
        command.current_dir(&self.folder).args(["+nightly", "fuzz", verb, "--fuzz-dir", "libfuzzer"]);
        command.args(["--sanitizer", "none", "--target-dir"]).arg(&self.build);
        if target == BINDER {
            command.args(["--features", "graph"]);
        }
        command.arg(target).arg(self.folder.join("corpus").join(target));
        command
    }
}

/// What all of the process may take.
fn memory_max(target: &str) -> &'static str {
    if target == BINDER { "-rss_limit_mb=2048" } else { "-rss_limit_mb=512" }
}

/// What inputs of a target that takes statements are made of.
fn words(target: &str) -> Option<&'static str> {
    matches!(target, BINDER | "cypher").then_some("-dict=libfuzzer/cypher.dict")
}

/// Installs cargo-fuzz below the target folder, once. It needs a nightly compiler and C++.
fn tools(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.cache("cargo-fuzz");
    if folder.join("bin/cargo-fuzz").is_file() {
        return Ok(folder);
    }
    let mut command = workspace.cargo();
    command.args(["install", "cargo-fuzz", "--locked", "--version", VERSION, "--root"]).arg(&folder);
    process::run("installing cargo-fuzz", &mut command)?;
    Ok(folder)
}

fn with_path(first: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(first.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap_or(path)
}
