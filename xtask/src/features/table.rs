//! The table in `src/docs/features.md`: what sets of features bring, counted and measured.

use std::collections::BTreeSet;

use super::seconds::{self, Seconds};
use super::sets::{self, Set};
use crate::failure::{Context, Failure, Result};
use crate::workspace::Workspace;
use crate::{process, protoc};

/// The page, and what the table stands between in it.
const PAGE: &str = "src/docs/features.md";
const BEGIN: &str = "<!-- made by `cargo xtask features --table` -->\n";
const END: &str = "<!-- end of what was made -->\n";

/// A row: what was counted, and what was measured now or before.
struct Row {
    package: String,
    features: String,
    packages: usize,
    measured: Measured,
}

/// What a cold build takes, and makes; each where it was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Measured {
    /// Of processors, all of them together: what other programs do meanwhile does not count.
    seconds: Option<f64>,
    /// Of the program, where one is named.
    kib: Option<u64>,
}

/// What is measured beside counting.
pub struct Wanted<'a> {
    /// What packages take to compile.
    pub times: bool,
    /// The sizes of programs, of the sets of these crates; of all if none is named.
    pub programs: Option<&'a [String]>,
}

/// Writes the table. What is not measured now stays as it was. A row is written as soon as its program is measured: it is
/// kept if a later one fails.
pub fn write(workspace: &Workspace, wanted: &Wanted) -> Result<()> {
    let path = workspace.root.join(PAGE);
    let page = std::fs::read_to_string(&path).during(format_args!("reading {PAGE}"))?;
    let sets: Vec<Set> = sets::all(workspace)?.into_iter().filter(|set| set.shown).collect();
    let named = wanted.programs.unwrap_or_default();
    if let Some(unknown) = named.iter().find(|name| !sets.iter().any(|set| set.package == **name)) {
        return Err(Failure::new(format!("no set of {unknown} is shown, see {}", sets::FILE)));
    }
    let seconds = match wanted.times {
        true => Some(seconds::measure(workspace, &sets::crates(&sets))?),
        false => None,
    };
    let mut rows = Vec::new();
    for set in &sets {
        let mut measured = before(&page, set);
        if let Some(seconds) = &seconds {
            measured.seconds = Some(sum(&set.compiled(workspace)?, seconds)?);
        }
        let packages = set.packages(workspace)?.len();
        rows.push(Row { package: set.package.clone(), features: set.title(), packages, measured });
    }
    let save = |rows: &[Row]| std::fs::write(&path, put(&page, &table(rows))?).during(format_args!("writing {PAGE}"));
    save(&rows)?;
    let is_wanted = |set: &Set| wanted.programs.is_some_and(|names| names.is_empty() || names.contains(&set.package));
    for (set, place) in sets.iter().zip(0..).filter(|(set, _)| is_wanted(set)) {
        let (Some(program), Some(row)) = (&set.program, rows.get_mut(place)) else { continue };
        row.measured.kib = Some(size(workspace, set, program)?);
        save(&rows)?;
    }
    Ok(())
}

/// What packages take together. One that no compiler told of would make the sum too small.
fn sum(packages: &BTreeSet<String>, seconds: &Seconds) -> Result<f64> {
    let of = |package: &String| {
        let untold = || Failure::new(format!("no compiler told of {package}: remove the build, and measure anew"));
        seconds.get(package).copied().ok_or_else(untold)
    };
    packages.iter().map(of).sum()
}

fn table(rows: &[Row]) -> String {
    let mut text = "| crate | features | packages | cold build | program |\n|---|---|---:|---:|---:|\n".to_owned();
    for Row { package, features, packages, measured } in rows {
        let seconds = measured.seconds.map_or(String::new(), |seconds| format!(" {seconds:.0} s"));
        let kib = measured.kib.map_or(String::new(), |kib| format!(" {kib} KiB"));
        text.push_str(&format!("| `{package}` | {features} | {packages} |{seconds} |{kib} |\n"));
    }
    text
}

/// The page with another table.
fn put(page: &str, table: &str) -> Result<String> {
    let whole = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = whole else {
        return Err(Failure::new(format!("{PAGE} has no place for the table: {BEGIN} and {END}")));
    };
    Ok(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

/// What the page says of a set.
fn before(page: &str, set: &Set) -> Measured {
    let start = format!("| `{}` | {} |", set.package, set.title());
    let row = page.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default();
    let mut cells = row.split('|').map(str::trim).skip(1);
    let mut cell = |unit: &str| cells.next()?.strip_suffix(unit);
    let seconds = cell(" s").and_then(|seconds| seconds.parse().ok());
    Measured { seconds, kib: cell(" KiB").and_then(|kib| kib.parse().ok()) }
}

/// Whoever brings this is built beside others, see [`sets::beside`].
const HEAVY: &str = "datafusion ";

/// The size of a set's program, built as a release without symbols, with the features of the set.
fn size(workspace: &Workspace, set: &Set, program: &str) -> Result<u64> {
    let folder = workspace.cache("programs");
    let packages = workspace.packages();
    let package = packages.iter().find(|package| *package.name == *set.package);
    let is_binary = package.is_some_and(|package| sets::has_binary(package, program));
    let (kind, place) = if is_binary { ("--bin", "release") } else { ("--example", "release/examples") };
    let mut build = protoc::cargo(workspace)?;
    build.env("CARGO_PROFILE_RELEASE_STRIP", "symbols").args(["build", "--quiet", "--release", "-p", &set.package]);
    let is_heavy = set.packages(workspace)?.iter().any(|package| package.starts_with(HEAVY));
    let arguments = if is_heavy { set.arguments_beside() } else { set.arguments() };
    build.args([kind, program]).args(arguments).arg("--target-dir").arg(&folder);
    process::run("the build of a program", &mut build)?;
    let program = folder.join(place).join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
    let bytes = std::fs::metadata(&program).during(format_args!("looking at {}", program.display()))?.len();
    println!("{} with {}: {} KiB", set.package, set.title(), bytes >> 10);
    Ok(bytes >> 10)
}

#[cfg(test)]
mod tests;
