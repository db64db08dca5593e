//! Examples of all crates: built and run as a reader would, each in an empty folder. One that fails fails the step.

use std::process::Command;

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

/// Not run here: its answers are compared in a step of their own.
const DEMO: &str = "demo";

/// A crate that is an example, and its feature: alone, because what it brings changes features below everything.
const ALONE: [&str; 4] = ["-p", "worldstore-bevy", "--features", "bevy"];

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
        if !output.status.success() {
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            return Err(Failure::new(format!("the example {name} failed ({}):\n{out}\n{err}", output.status)));
        }
    }
    for verb in ["test", "run"] {
        println!("example worldstore-bevy: {verb}");
        process::run("the example worldstore-bevy", protoc::cargo(workspace)?.args([verb, "--quiet"]).args(ALONE))?;
    }
    match left.first() {
        Some(first) if services.is_some() && services::must_be_there() => {
            Err(Failure::new(format!("{first}, did not run")))
        }
        _ => Ok(left),
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
