//! What each package takes to compile, measured around every run of a compiler in one build of all of them.
//!
//! Cargo starts `rustc`, and build scripts start the C compiler, through this very program: it runs them, and notes what
//! processors spent. So all sets of features are measured in the time that the largest of them takes to build, and what
//! was built before is not built again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::failure::{Context, Failure, Result};
use crate::workspace::Workspace;
use crate::{process, protoc};

/// Where a compiler that is run through us leaves what it took. Whoever has it set is a compiler.
const NOTES: &str = "WORLDSTORE_COMPILER_NOTES";

/// Seconds of processors, by `name v1.2.3`.
pub type Seconds = BTreeMap<String, f64>;

/// Builds packages with all their features, as a release, and tells what each one that they need took. The folder keeps
/// the build: another call compiles what has changed since.
pub fn measure(workspace: &Workspace, packages: &[&str]) -> Result<Seconds> {
    let folder = workspace.cache("features");
    std::fs::create_dir_all(&folder).during(format_args!("making {}", folder.display()))?;
    let notes = folder.join("seconds.txt");
    let program = std::env::current_exe().during("asking where this program is")?;
    let mut build = protoc::cargo(workspace)?;
    build.env("RUSTC_WRAPPER", &program).env("CC", compiler(&folder, &program)?).env(NOTES, &notes);
    build.args(["build", "--release", "--lib", "--all-features", "--target-dir"]).arg(&folder);
    build.args(packages.iter().flat_map(|package| ["-p", package]));
    process::run("the build of all crates", &mut build)?;
    println!("the build stays in {}", folder.display());
    read(&std::fs::read_to_string(&notes).during(format_args!("reading {}", notes.display()))?)
}

/// A script that is the C compiler, run through us: build scripts take one program.
fn compiler(folder: &Path, program: &Path) -> Result<PathBuf> {
    let script = folder.join("cc");
    let real = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let text = format!("#!/bin/sh\nexec '{}' {real} \"$@\"\n", program.display());
    std::fs::write(&script, text).during(format_args!("writing {}", script.display()))?;
    process::run("chmod", Command::new("chmod").arg("+x").arg(&script))?;
    Ok(script)
}

/// Runs the compiler that the arguments are, if this program was started as one, and gives its exit code.
pub fn as_compiler() -> Option<ExitCode> {
    let notes = std::env::var_os(NOTES)?;
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next()?;
    Some(compile(&program, arguments.collect(), Path::new(&notes)).unwrap_or_else(|failure| {
        eprintln!("xtask: {failure}");
        ExitCode::FAILURE
    }))
}

fn compile(program: &OsString, arguments: Vec<OsString>, notes: &Path) -> Result<ExitCode> {
    let status = Command::new(program).args(&arguments).status();
    let status = status.during(format_args!("starting {}", program.display()))?;
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let package = std::env::var("CARGO_PKG_NAME").ok().zip(std::env::var("CARGO_PKG_VERSION").ok());
    if let (true, Some(unit), Some((name, version))) = (status.success(), unit(&words), package) {
        let line = format!("{name} v{version} {unit} {:.2}\n", process::seconds_of_children()?);
        let mut file = OpenOptions::new().create(true).append(true).open(notes);
        let file = file.as_mut().map_err(|error| Failure::new(format!("opening {}: {error}", notes.display())))?;
        file.write_all(line.as_bytes()).during(format_args!("writing {}", notes.display()))?;
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// What a run of a compiler makes, by a word that is the same when it is made again: cargo's suffix of the file, or the
/// file itself. None for a run that only asks.
fn unit(words: &[String]) -> Option<String> {
    let suffix =
        words.iter().find_map(|word| word.strip_prefix("extra-filename=").or(word.strip_prefix("-Cextra-filename=")));
    let after = |flag: &str| words.iter().position(|word| word == flag).and_then(|place| words.get(place + 1));
    let unit = suffix.or_else(|| after("-o").map(String::as_str))?;
    Some(unit.replace(char::is_whitespace, "_"))
}

/// Sums notes up by package. What was compiled again counts as it was the last time.
fn read(notes: &str) -> Result<Seconds> {
    let mut units = BTreeMap::new();
    for line in notes.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, version, unit, seconds] = words.as_slice() else {
            return Err(Failure::new(format!("no note of a compiler: {line}")));
        };
        let seconds: f64 = seconds.parse().during(format_args!("reading {line}"))?;
        units.insert((format!("{name} {version}"), (*unit).to_owned()), seconds);
    }
    let mut sums = Seconds::new();
    for ((package, _), seconds) in units {
        *sums.entry(package).or_default() += seconds;
    }
    Ok(sums)
}

#[cfg(test)]
mod tests;
