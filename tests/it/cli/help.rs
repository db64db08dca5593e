//! `--help` tells what there is.

use super::desk::Desk;

#[test]
fn every_command_has_help() {
    let desk = Desk::new();
    let help = desk.ok(&["--help"]);
    let commands = [
        "init", "import", "tables", "runs", "ticks", "scan", "query", "explain", "sql", "fork", "fs", "lake",
        "snapshot", "blocks", "wal",
    ];
    for command in commands {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))), "{command} in\n{help}");
        let own = desk.ok(&[command, "--help"]);
        assert!(own.contains(&format!("Usage: worldstore {command}")), "{own}");
    }
    let commands =
        ["ls", "tree", "cat", "head", "cp", "sync", "mv", "rm", "stat", "du", "glob", "ping", "caps", "schemes"];
    for command in commands {
        assert!(desk.ok(&["fs", command, "--help"]).contains(&format!("Usage: worldstore fs {command}")));
    }
    for command in ["list", "create", "pin", "release", "verify", "export", "import", "restore", "expire"] {
        assert!(desk.ok(&["snapshot", command, "--help"]).contains(&format!("Usage: worldstore snapshot {command}")));
    }
    for command in ["collect", "verify"] {
        assert!(desk.ok(&["blocks", command, "--help"]).contains(&format!("Usage: worldstore blocks {command}")));
    }
    for command in ["inspect", "verify", "salvage"] {
        assert!(desk.ok(&["wal", command, "--help"]).contains(&format!("Usage: worldstore wal {command}")));
    }
    assert!(desk.ok(&["--version"]).starts_with("worldstore "));
}
