//! The table in `src/docs/features.md`: what sets of features bring, counted and measured.

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
    measured: Option<Measured>,
}

/// What a cold build takes, and makes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    /// Of processors, all of them together: what other programs do meanwhile does not count.
    seconds: f64,
    /// Of the example, where there is one.
    kib: Option<u64>,
}

/// Writes the table. Times and sizes are measured for the crates that are named, for all if none is, and stay as they are
/// for the others. Each row is written when it is measured: what was measured is kept if a later row fails.
pub fn write(workspace: &Workspace, timed: Option<&[String]>, programs: bool) -> Result<()> {
    let path = workspace.root.join(PAGE);
    let page = std::fs::read_to_string(&path).during(format_args!("reading {PAGE}"))?;
    let sets: Vec<Set> = sets::all(workspace)?.into_iter().filter(|set| set.shown).collect();
    if let Some(unknown) = timed.unwrap_or_default().iter().find(|name| !sets.iter().any(|set| set.package == **name)) {
        return Err(Failure::new(format!("no set of {unknown} is shown, see {}", sets::FILE)));
    }
    let mut rows = Vec::new();
    for set in &sets {
        let packages = set.packages(workspace)?.len();
        let measured = before(&page, set);
        rows.push(Row { package: set.package.clone(), features: set.title(), packages, measured });
    }
    let save = |rows: &[Row]| std::fs::write(&path, put(&page, &table(rows))?).during(format_args!("writing {PAGE}"));
    save(&rows)?;
    let is_timed = |set: &Set| timed.is_some_and(|names| names.is_empty() || names.contains(&set.package));
    for (place, set) in sets.iter().enumerate().filter(|(_, set)| is_timed(set)) {
        let mut measured = measure(workspace, set, programs)?;
        println!("{} with {}: {measured:?}", set.package, set.title());
        if let Some(row) = rows.get_mut(place) {
            measured.kib = measured.kib.or(row.measured.and_then(|before| before.kib));
            row.measured = Some(measured);
        }
        save(&rows)?;
    }
    Ok(())
}

fn table(rows: &[Row]) -> String {
    let mut text = "| crate | features | packages | cold build | program |\n|---|---|---:|---:|---:|\n".to_owned();
    for Row { package, features, packages, measured } in rows {
        let seconds = measured.map_or(String::new(), |measured| format!(" {:.0} s", measured.seconds));
        let kib = measured.and_then(|measured| measured.kib).map_or(String::new(), |kib| format!(" {kib} KiB"));
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
fn before(page: &str, set: &Set) -> Option<Measured> {
    let start = format!("| `{}` | {} |", set.package, set.title());
    let line = page.lines().find(|line| line.starts_with(&start))?;
    let mut cells = line[start.len()..].split('|').map(str::trim).skip(1);
    let seconds = cells.next()?.strip_suffix(" s")?.parse().ok()?;
    let kib = cells.next()?.strip_suffix(" KiB").and_then(|kib| kib.parse().ok());
    Some(Measured { seconds, kib })
}

/// Builds a set in release mode from sources that were fetched before and nothing else: the library without dependencies of
/// tests, whose time is taken, and then its example without symbols if programs are wanted.
fn measure(workspace: &Workspace, set: &Set, programs: bool) -> Result<Measured> {
    let folder = workspace.cache("features");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).during(format_args!("removing {}", folder.display()))?;
    }
    let build = |what: &[&str]| {
        let mut command = protoc::cargo(workspace)?;
        command.env("CARGO_PROFILE_RELEASE_STRIP", "symbols").args(["build", "--quiet", "--release", "-p"]);
        command.arg(&set.package).args(what).args(set.arguments()).arg("--target-dir").arg(&folder);
        process::run("the cold build", &mut command)
    };
    let start = process::seconds_of_children()?;
    build(&["--lib"])?;
    let seconds = process::seconds_of_children()? - start;
    let kib = match set.program.as_ref().filter(|_| programs) {
        None => None,
        Some(program) => {
            build(&["--example", program])?;
            let program = format!("{program}{}", std::env::consts::EXE_SUFFIX);
            let program = folder.join("release").join("examples").join(program);
            let bytes = std::fs::metadata(&program).during(format_args!("looking at {}", program.display()))?.len();
            Some(bytes >> 10)
        }
    };
    std::fs::remove_dir_all(&folder).during(format_args!("removing {}", folder.display()))?;
    Ok(Measured { seconds, kib })
}

#[cfg(test)]
mod tests;
