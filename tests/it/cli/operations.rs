//! The quick start and the guides of snapshots and operations: their command lines do what they say, in the order in which they stand.

use std::process::Command;

use super::desk::{COMMAND, Desk, code_of, errors_of};
use super::snapshot::publish;

/// The blocks of a page that are marked as shell, joined.
fn shell(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == "```sh" {
            blocks.push(lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n"));
        }
    }
    blocks
}

/// Runs a block of a page in a shell in which `worldstore` is the command. Every line of it must succeed.
fn run(desk: &Desk, block: &str) -> String {
    let script = format!("set -euo pipefail\nworldstore() {{ '{COMMAND}' \"$@\"; }}\n{block}");
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).current_dir(desk.path("")).env_remove("WORLDSTORE_CONFIG");
    let output = bash.env("XDG_CONFIG_HOME", desk.path("no-config")).output().unwrap();
    assert_eq!(code_of(&output), 0, "{block}\n{}{}", String::from_utf8_lossy(&output.stdout), errors_of(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_commands_of_the_snapshot_page_work() {
    let desk = Desk::new();
    publish(&desk, "world", "calm");
    let blocks = shell(include_str!("../../../src/docs/snapshots.md"));
    assert!(blocks.len() >= 2, "{blocks:?}");
    blocks.iter().for_each(|block| drop(run(&desk, block)));
    assert!(desk.ok(&["snapshot", "verify", "copy", "--all"]).contains("all right"));
}

#[test]
fn the_commands_of_the_quick_start_work() {
    let desk = Desk::new();
    let told: Vec<String> =
        shell(include_str!("../../../src/docs/quickstart.md")).iter().map(|block| run(&desk, block)).collect();
    assert_eq!(told.len(), 3);
    for (block, words) in [(0, "3 rows"), (1, "-9.0"), (2, "5.0")] {
        assert!(told[block].contains(words), "{words} in\n{}", told[block]);
    }
}

#[test]
fn the_commands_of_the_operations_page_work() {
    let desk = Desk::new();
    publish(&desk, "world", "calm");
    publish(&desk, "world", "storm");
    desk.ok(&["init", "town", "--tables", "lance"]);
    let cars = desk.write("cars.csv", "entity,speed\n1,2.5\n");
    desk.ok(&["append", "town", &format!("car={cars}"), "--tick", "1"]);
    let blocks = shell(include_str!("../../../src/docs/operations.md"));
    assert!(blocks.len() >= 5, "{blocks:?}");
    let mut damaged = 0;
    for block in &blocks {
        // The page heals a block that is damaged: this one.
        if block.contains("$BLOCK") {
            let listed = desk.ok(&["fs", "ls", "-r", "world"]);
            let name = listed.lines().find(|name| name.starts_with("blocks/")).unwrap();
            desk.write(&format!("world/{name}"), "rotten");
            let healed = run(&desk, &format!("BLOCK={name}\n{block}"));
            assert!(healed.contains("all right"), "{healed}");
            damaged += 1;
            continue;
        }
        run(&desk, block);
    }
    assert_eq!(damaged, 1);
    assert!(desk.ok(&["snapshot", "verify", "restored", "--all"]).contains("all right"));
    // The copy of a world is one that can be written.
    desk.ok(&["append", "backup/town", &format!("car={cars}"), "--tick", "2"]);
    assert_eq!(desk.json(&["ticks", "backup/town", "car"]).len(), 2);
}
