//! `--help` tells what there is.

use expect_test::expect;

use super::desk::Desk;

#[test]
fn every_command_has_help() {
    let desk = Desk::new();
    let help = desk.ok(&["--help"]);
    let commands = [
        "init",
        "import",
        "append",
        "tables",
        "runs",
        "ticks",
        "scan",
        "history",
        "diff",
        "log",
        "query",
        "explain",
        "sql",
        "fork",
        "merge",
        "drop-run",
        "compact",
        "expire",
        "verify",
        "stats",
        "fs",
        "lake",
        "snapshot",
        "blocks",
        "wal",
        "doctor",
        "completions",
        "man",
    ];
    for command in commands {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))), "{command} in\n{help}");
        let own = desk.ok(&[command, "--help"]);
        assert!(own.contains(&format!("Usage: worldstore {command}")), "{own}");
        if !["fs", "lake", "snapshot", "blocks", "wal"].contains(&command) {
            let example = own.split("Example:").nth(1).unwrap_or_else(|| panic!("no example in\n{own}"));
            assert!(example.contains(&format!("worldstore {command} ")), "{own}");
            assert_eq!(own.contains("--json"), !["explain", "completions", "man"].contains(&command), "{own}");
        }
    }
    let commands =
        ["ls", "tree", "cat", "head", "cp", "sync", "mv", "rm", "stat", "du", "glob", "ping", "caps", "schemes"];
    for command in commands {
        let own = desk.ok(&["fs", command, "--help"]);
        assert!(own.contains(&format!("Usage: worldstore fs {command}")), "{own}");
        assert_eq!(own.contains("--json"), !["cat", "head"].contains(&command), "{own}");
    }
    for (name, commands) in [
        (
            "snapshot",
            ["list", "create", "pin", "release", "verify", "export", "import", "restore", "expire"].as_slice(),
        ),
        ("blocks", &["collect", "verify"]),
        ("wal", &["inspect", "verify", "salvage"]),
        ("lake", &["resolve", "list"]),
    ] {
        for command in commands {
            let own = desk.ok(&[name, command, "--help"]);
            assert!(own.contains(&format!("Usage: worldstore {name} {command}")) && own.contains("--json"), "{own}");
        }
    }
    assert!(desk.ok(&["--version"]).starts_with("worldstore "));
}

#[test]
fn the_arguments_of_commands_that_change_a_world() {
    let desk = Desk::new();
    let usage = |command: &str| {
        let help = desk.ok(&[command, "-h"]);
        let options = help.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
        let options = options.map(|line| line.split("  ").next().unwrap_or_default().to_owned());
        let usage = help.lines().find(|line| line.starts_with("Usage: ")).unwrap();
        format!(
            "{usage}\n  {}\n",
            options.filter(|option| !option.starts_with("config")).collect::<Vec<_>>().join(", ")
        )
    };
    let commands = ["init", "append", "history", "diff", "log", "fork", "merge", "drop-run", "compact", "expire"];
    let told: String = commands.iter().chain(&["verify", "stats", "tables"]).map(|command| usage(command)).collect();
    expect![[r#"
        Usage: worldstore init [OPTIONS] <WORLD>
          catalog <PLACE>, log <PLACE>, tables <FORMAT>, name <NAME>, json
        Usage: worldstore append [OPTIONS] <WORLD> <TABLE=FILE>...
          catalog <PLACE>, log <PLACE>, take-over, set-aside, input <INPUT>, run <RUN>, tick <TICK>, entity-column <COLUMN>, json
        Usage: worldstore history [OPTIONS] <WORLD> <ENTITY>
          catalog <PLACE>, log <PLACE>, run <RUN>, as-of <TICK>, format <FORMAT>, json
        Usage: worldstore diff [OPTIONS] <WORLD> <FROM> <TO>
          catalog <PLACE>, log <PLACE>, run <RUN>, table <TABLE>, summary, format <FORMAT>, json
        Usage: worldstore log [OPTIONS] <WORLD>
          catalog <PLACE>, log <PLACE>, all, limit <STATES>, format <FORMAT>, json
        Usage: worldstore fork [OPTIONS] --at <TICK> <WORLD> <NAME>
          catalog <PLACE>, log <PLACE>, take-over, set-aside, at <TICK>, from <RUN>, json
        Usage: worldstore merge [OPTIONS] <WORLD> <FROM>
          catalog <PLACE>, log <PLACE>, take-over, set-aside, into <RUN>, tick <TICK>, prefer <PREFER>, json
        Usage: worldstore drop-run [OPTIONS] <WORLD> <RUN>
          catalog <PLACE>, log <PLACE>, take-over, set-aside, json
        Usage: worldstore compact [OPTIONS] <WORLD> [TABLE]...
          catalog <PLACE>, log <PLACE>, take-over, set-aside, file-rows <ROWS>, json
        Usage: worldstore expire [OPTIONS] <WORLD>
          catalog <PLACE>, log <PLACE>, take-over, set-aside, keep <STATES>, older-than <TIME>, spare <TIME>, labels, dry-run, json
        Usage: worldstore verify [OPTIONS] <WORLD>
          catalog <PLACE>, log <PLACE>, all, json
        Usage: worldstore stats [OPTIONS] <WORLD>
          catalog <PLACE>, log <PLACE>, json
        Usage: worldstore tables [OPTIONS] <WORLD>
          catalog <PLACE>, log <PLACE>, format <FORMAT>, json
    "#]]
    .assert_eq(&told);
}
