//! Examples of all crates: built and run as a reader would, each in an empty folder. One that fails fails the step.

use std::process::{Command, Output};

use cargo_metadata::{Package, TargetKind};

use crate::failure::{Context, Failure, Result};
use crate::release::order::is_published;
use crate::services::{self, Services};
use crate::workspace::Workspace;
use crate::{process, protoc, test};

/// Examples of clients of servers, and the variable that names the server for them.
const SERVERS: [(&str, &str); 3] = [
    ("postgres", "WORLDSTORE_TEST_POSTGRES_URL"),
    ("redis", "WORLDSTORE_TEST_REDIS_URL"),
    ("sftp", "WORLDSTORE_TEST_SFTP_URL"),
];

/// Examples in a workspace of their own, for they bring what changes features for all others: their folders, and what their
/// output has to hold.
const ALONE: [(&str, &[&str]); 1] = [(
    "examples/telemetry",
    &[
        "6 rows",
        // Spans, with a parent and a field.
        "cache.append",
        "cache.flush",
        "append position",
        "db.collection.name",
        // Metrics, with a unit.
        "worldstore.cache.flushed.rows",
        "worldstore.table.version",
        "{row}",
    ],
)];

/// Not run here: its answers are compared in a step of their own.
const DEMO: &str = "demo";

/// Runs the examples that need no server, and names the others.
pub fn without_servers(workspace: &Workspace) -> Result<()> {
    let left = run(workspace, None)?;
    left.iter().for_each(|what| println!("NOT RUN: {what}"));
    Ok(())
}

/// A crate that is an example, and its feature: alone, because what it brings changes features below everything.
const BEVY: [&str; 4] = ["-p", "worldstore-bevy", "--features", "bevy"];

/// Runs all examples, and tells those that had no server.
pub fn run(workspace: &Workspace, services: Option<&Services>) -> Result<Vec<String>> {
    let mut build = protoc::cargo(workspace)?;
    process::run("building the examples", build.arg("build").args(test::EVERYTHING).arg("--examples"))?;
    let folder = workspace.cache("examples");
    let mut left = Vec::new();
    for name in names(workspace) {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).during(format_args!("removing {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder).during(format_args!("making {}", folder.display()))?;
        let program = workspace.debug_build(&format!("examples/{name}{}", std::env::consts::EXE_SUFFIX));
        let mut command = Command::new(program);
        command.current_dir(&folder);
        if let Some((_, variable)) = SERVERS.iter().find(|(example, _)| *example == name) {
            let Some(services) = services.filter(|services| services.variable(variable).is_some()) else {
                left.push(format!("the example {name}, which needs a server"));
                continue;
            };
            services.show_to(&mut command);
        }
        println!("example {name}");
        let output = command.output().during(format_args!("starting the example {name}"))?;
        said(&name, output)?;
    }
    ALONE.iter().try_for_each(|(folder, expected)| alone(workspace, folder, expected))?;
    for verb in ["test", "run"] {
        println!("example worldstore-bevy: {verb}");
        process::run("the example worldstore-bevy", protoc::cargo(workspace)?.args([verb, "--quiet"]).args(BEVY))?;
    }
    match left.first() {
        Some(first) if services.is_some() && services::must_be_there() => {
            Err(Failure::new(format!("{first}, did not run")))
        }
        _ => Ok(left),
    }
}

/// Runs an example in its own workspace, with the versions that it was written with.
fn alone(workspace: &Workspace, folder: &str, expected: &[&str]) -> Result<()> {
    println!("example {folder}");
    let mut command = protoc::cargo(workspace)?;
    command.current_dir(workspace.root.join(folder)).args(["run", "--quiet", "--locked", "--target-dir"]);
    command.arg(workspace.cache("examples-alone"));
    let output = command.output().during(format_args!("starting the example {folder}"))?;
    let text = said(folder, output)?;
    match expected.iter().find(|wanted| !text.contains(**wanted)) {
        Some(missing) => Err(Failure::new(format!("the example {folder} does not say `{missing}`:\n{text}"))),
        None => Ok(()),
    }
}

/// What an example wrote, if it succeeded.
fn said(name: &str, output: Output) -> Result<String> {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.success() {
        true => Ok(out.into_owned()),
        false => Err(Failure::new(format!("the example {name} failed ({}):\n{out}\n{err}", output.status))),
    }
}

/// The names of the examples of published crates.
pub fn names(workspace: &Workspace) -> Vec<String> {
    let published = workspace.packages().into_iter().filter(|package| is_published(package));
    published.flat_map(of).filter(|name| name != DEMO).collect()
}

/// The names of the examples of a crate.
pub fn of(package: &Package) -> Vec<String> {
    let is_example = |target: &&cargo_metadata::Target| target.kind.contains(&TargetKind::Example);
    package.targets.iter().filter(is_example).map(|target| target.name.clone()).collect()
}
