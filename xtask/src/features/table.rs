//! The table in `src/docs/features.md`: what sets of features bring, counted and measured.

use std::time::Instant;

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
    measured: Option<(f64, u64)>,
}

/// Writes the table. Times and sizes are measured for the crates that are named, and stay as they are for the others.
pub fn write(workspace: &Workspace, timed: &[String]) -> Result<()> {
    let path = workspace.root.join(PAGE);
    let page = std::fs::read_to_string(&path).during(format_args!("reading {PAGE}"))?;
    let mut rows = Vec::new();
    for set in sets::all(workspace)?.into_iter().filter(|set| set.shown) {
        let packages = set.packages(workspace)?.len();
        let measured = match timed.contains(&set.package) {
            true => set.program.as_deref().map(|program| measure(workspace, &set, program)).transpose()?,
            false => before(&page, &set),
        };
        println!("{} with {}: {packages} packages", set.package, set.title());
        rows.push(Row { package: set.package.clone(), features: set.title(), packages, measured });
    }
    std::fs::write(&path, put(&page, &table(&rows))?).during(format_args!("writing {PAGE}"))
}

fn table(rows: &[Row]) -> String {
    let mut text = "| crate | features | packages | cold build | program |\n|---|---|---:|---:|---:|\n".to_owned();
    for Row { package, features, packages, measured } in rows {
        let measured = measured.map_or("| | |".to_owned(), |(seconds, kib)| format!("| {seconds:.0} s | {kib} KiB |"));
        text.push_str(&format!("| `{package}` | {features} | {packages} {measured}\n"));
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
fn before(page: &str, set: &Set) -> Option<(f64, u64)> {
    let start = format!("| `{}` | {} |", set.package, set.title());
    let line = page.lines().find(|line| line.starts_with(&start))?;
    let mut cells = line[start.len()..].split('|').map(str::trim).skip(1);
    let seconds = cells.next()?.strip_suffix(" s")?.parse().ok()?;
    Some((seconds, cells.next()?.strip_suffix(" KiB")?.parse().ok()?))
}

/// Builds a set in release mode from sources that were fetched before and nothing else. Gives the seconds, without
/// dependencies of tests, and the KiB of its program without symbols.
fn measure(workspace: &Workspace, set: &Set, program: &str) -> Result<(f64, u64)> {
    let folder = workspace.cache("features");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).during(format_args!("removing {}", folder.display()))?;
    }
    let build = |what: &[&str]| {
        let mut command = protoc::cargo(workspace)?;
        command.env("CARGO_PROFILE_RELEASE_STRIP", "symbols").args([
            "build",
            "--quiet",
            "--release",
            "-p",
            &set.package,
        ]);
        process::run("the cold build", command.args(what).args(set.arguments()).arg("--target-dir").arg(&folder))
    };
    let start = Instant::now();
    build(&["--lib"])?;
    let seconds = start.elapsed().as_secs_f64();
    build(&["--example", program])?;
    let program = folder.join("release").join("examples").join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
    let bytes = std::fs::metadata(&program).during(format_args!("looking at {}", program.display()))?.len();
    std::fs::remove_dir_all(&folder).during(format_args!("removing {}", folder.display()))?;
    Ok((seconds, bytes >> 10))
}

#[cfg(test)]
mod tests;
