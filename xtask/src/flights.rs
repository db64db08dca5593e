//! `cargo xtask flights`: makes the data set that the demo and the tests read.

use std::path::Path;
use std::process::Command;

use crate::failure::{Context, Result};
use crate::workspace::Workspace;
use crate::{process, python};

/// What is replaced in `data/flights/`. The README there stays.
const MADE: [&str; 5] = ["flights", "airports.parquet", "planes.parquet", "airlines.parquet", "weather.parquet"];

/// Makes the data set aside, checks it there, and puts it in place only then.
pub fn run(workspace: &Workspace) -> Result<()> {
    // The package's own dependency, pandas, is not needed to read its files.
    let environment = python::environment(workspace, "flights", include_str!("../python/flights.txt"), &["--no-deps"])?;
    let made = workspace.cache("flights-made");
    process::run("flights.py", Command::new(environment).arg(workspace.python_file("flights.py")).arg(&made))?;
    let folder = workspace.root.join("data").join("flights");
    std::fs::create_dir_all(&folder).during(format_args!("making {}", folder.display()))?;
    for name in MADE {
        replace(&made.join(name), &folder.join(name))?;
    }
    println!("in {}", folder.display());
    Ok(())
}

/// Puts a file or a folder in the place of an older one, also from another disk.
fn replace(from: &Path, to: &Path) -> Result<()> {
    match to.is_dir() {
        true => std::fs::remove_dir_all(to).during(format_args!("removing {}", to.display()))?,
        false if to.exists() => std::fs::remove_file(to).during(format_args!("removing {}", to.display()))?,
        false => {}
    }
    copy(from, to)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return std::fs::copy(from, to).map(drop).during(format_args!("copying to {}", to.display()));
    }
    std::fs::create_dir_all(to).during(format_args!("making {}", to.display()))?;
    for entry in std::fs::read_dir(from).during(format_args!("listing {}", from.display()))? {
        let entry = entry.during(format_args!("listing {}", from.display()))?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
