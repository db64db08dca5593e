//! Places that cannot be written: a folder without permission, a full disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use super::desk::{COMMAND, Desk, code_of, data, errors_of};

/// Says that a test could not be made here. Where everything is meant to be tested, that is a failure.
#[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
fn cannot_test(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} cannot be tested here");
    eprintln!("SKIPPED: {what} cannot be tested here");
}

/// The command as somebody for whom modes bind: for root they do without its capabilities.
fn unprivileged(desk: &Desk) -> Option<Command> {
    let probe = desk.path("probe");
    fs::create_dir(&probe).unwrap();
    fs::set_permissions(&probe, fs::Permissions::from_mode(0o555)).unwrap();
    let is_bound = fs::write(probe.join("file"), "").is_err();
    if is_bound {
        return Some(Command::new(COMMAND));
    }
    fs::remove_file(probe.join("file")).unwrap();
    let drop = ["--bounding-set=-all", "--inh-caps=-all"];
    let touched =
        Command::new("setpriv").args(drop).arg("touch").arg(probe.join("file")).stderr(Stdio::null()).status();
    if !touched.is_ok_and(|status| status.code() == Some(1)) {
        return None;
    }
    let mut command = Command::new("setpriv");
    command.args(drop).arg(COMMAND);
    Some(command)
}

#[test]
fn a_folder_without_permission() {
    for tables in ["lance", "iceberg"] {
        without_permission(tables);
    }
}

fn without_permission(tables: &str) {
    let desk = Desk::new();
    desk.ok(&["init", "world", "--tables", tables]);
    desk.ok(&["import", "world", "airlines", &data("airlines.parquet")]);
    if unprivileged(&desk).is_none() {
        return cannot_test("a folder without permission");
    }
    let refused = |args: &[&str], named: &str| {
        let before = desk.listing();
        fs::remove_dir(desk.path("probe")).unwrap();
        let output = unprivileged(&desk).unwrap().args(args).current_dir(desk.path("")).output().unwrap();
        let errors = errors_of(&output);
        assert_eq!(code_of(&output), 2, "{args:?}: {errors}");
        for message in ["permission denied", named, "help: check the owner and the mode"] {
            assert!(errors.contains(message), "{args:?} should say {message:?}:\n{errors}");
        }
        assert_eq!(desk.listing(), before);
    };
    let close = |name: &str, mode| fs::set_permissions(desk.path(name), fs::Permissions::from_mode(mode)).unwrap();
    fs::create_dir(desk.path("closed")).unwrap();
    close("closed", 0o555);
    refused(&["init", "closed/world"], "closed/world");
    refused(&["fs", "cp", "world/world.json", "closed/copy"], "closed");
    for folder in ["world/.worldstore-staging", "world/runs", "world"] {
        close(folder, 0o555);
    }
    if tables == "iceberg" {
        close("world/catalog.db", 0o444);
    }
    let airlines = data("airlines.parquet");
    refused(&["import", "world", "airlines", &airlines], "world");
    refused(&["import", "world", "new", &airlines], "world");
    refused(&["fork", "world", "storm", "--at", "1"], "world");
    close("world", 0o000);
    refused(&["tables", "world"], "world");
    close("world", 0o755);
    assert_eq!(desk.json(&["scan", "world", "airlines"]).len(), 16);
}

/// Runs a script in a small file system of its own, at `$DISK`, if that can be made here.
fn on_a_small_disk(desk: &Desk, tables: &str, script: &str) -> Option<Output> {
    let disk = desk.path("disk");
    fs::create_dir(&disk).unwrap();
    let script = format!("mount -t tmpfs -o size=2m tmpfs \"$DISK\" || exit 99\n{LIST}\n{script}");
    for namespace in [["--mount", "--user", "--map-root-user"].as_slice(), &["--mount"]] {
        let mut command = Command::new("unshare");
        command.args(namespace).args(["sh", "-c", &script]).current_dir(desk.path(""));
        command.env("DISK", &disk).env("WORLDSTORE", COMMAND).env("AIRLINES", data("airlines.parquet"));
        match command.env("FLIGHTS", data("flights")).env("TABLES", tables).output() {
            Ok(output) if !matches!(output.status.code(), Some(99 | 1)) => return Some(output),
            _ => {}
        }
    }
    None
}

/// Prints the hashes of all files but those that SQLite touches when it reads, and those that opening a world for writing
/// touches.
const LIST: &str = r#"list() {
    (cd "$DISK" && find . -type f -not -name filler -not -name 'catalog.db*' -not -path '*/log/*' -not -path '*/manifests/*' -not -path '*/.worldstore-staging/*' -exec sha256sum {} + | sort -k 2)
}"#;

#[test]
fn a_full_disk() {
    let desk = Desk::new();
    let script = r#"
        "$WORLDSTORE" init "$DISK/world" >/dev/null || exit 3
        "$WORLDSTORE" import "$DISK/world" airlines "$AIRLINES" >/dev/null || exit 4
        dd if=/dev/zero of="$DISK/filler" bs=1k >/dev/null 2>&1
        list >before
        for table in airlines new; do
            "$WORLDSTORE" import "$DISK/world" $table "$AIRLINES" 2>$table.errors; echo $table $?
        done
        "$WORLDSTORE" fork "$DISK/world" storm --at 1 2>fork.errors; echo fork $?
        "$WORLDSTORE" init "$DISK/other" 2>init.errors; echo init $?
        list >after
        "$WORLDSTORE" scan "$DISK/world" airlines --format csv | wc -l
        rm "$DISK/filler"
        "$WORLDSTORE" import "$DISK/world" airlines "$AIRLINES"
        exit 7
    "#;
    let Some(output) = on_a_small_disk(&desk, "lance", script) else { return cannot_test("a full disk") };
    assert_eq!(code_of(&output), 7, "{}", errors_of(&output));
    let said = String::from_utf8(output.stdout).unwrap();
    let again = "imported 16 rows in 1 tick into airlines of run main\n";
    assert_eq!(said, format!("airlines 2\nnew 2\nfork 2\ninit 2\n17\n{again}"));
    for name in ["airlines", "new", "fork", "init"] {
        assert_storage_full(&desk, name);
    }
    let read = |name| fs::read_to_string(desk.path(name)).unwrap();
    assert_eq!(read("before"), read("after"), "nothing changed");
}

#[test]
fn a_disk_that_fills_up() {
    for tables in ["lance", "iceberg"] {
        let desk = Desk::new();
        let script = r#"
            "$WORLDSTORE" init "$DISK/world" --tables $TABLES >/dev/null || exit 3
            "$WORLDSTORE" import "$DISK/world" flights "$FLIGHTS/month=1/day=1" >/dev/null || exit 4
            list >before
            "$WORLDSTORE" import "$DISK/world" flights "$FLIGHTS/month=1/day=1" "$FLIGHTS" 2>columns.errors && exit 5
            list >after
            "$WORLDSTORE" import "$DISK/world" flights "$FLIGHTS"/*/* --tick-per-file 2>flights.errors; echo $?
            "$WORLDSTORE" stats "$DISK/world" --json >stats
            "$WORLDSTORE" scan "$DISK/world" flights --where 'tick = 1' --format csv 2>/dev/null | wc -l
            exit 7
        "#;
        let Some(output) = on_a_small_disk(&desk, tables, script) else { return cannot_test("a full disk") };
        assert_eq!(code_of(&output), 7, "{tables}: {}", errors_of(&output));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "2\n843\n", "{tables}");
        assert_storage_full(&desk, "flights");
        // What was acknowledged is kept, in the table or in the log, and the failure has told how much that is.
        let errors = fs::read_to_string(desk.path("flights.errors")).unwrap();
        let (_, kept) = errors.split_once("rows_kept: ").unwrap_or_else(|| panic!("{tables}: {errors}"));
        let kept: u64 = kept.split(|each: char| !each.is_ascii_digit()).next().unwrap().parse().unwrap();
        let stats = fs::read_to_string(desk.path("stats")).unwrap();
        let world: serde_json::Value = serde_json::from_str(stats.lines().last().unwrap()).unwrap();
        let there = world["rows"].as_u64().unwrap() + world["log"]["rows"].as_u64().unwrap();
        assert_eq!(there, 842 + kept, "{tables}: {stats}{errors}");
        let columns = fs::read_to_string(desk.path("columns.errors")).unwrap();
        assert!(columns.contains("files have different columns"), "{columns}");
        let read = |name| fs::read_to_string(desk.path(name)).unwrap();
        assert_eq!(read("before"), read("after"), "{tables}: nothing changed");
    }
}

fn assert_storage_full(desk: &Desk, name: &str) {
    let errors = fs::read_to_string(desk.path(&format!("{name}.errors"))).unwrap();
    assert!(errors.contains("storage full"), "{name}: {errors}");
    assert!(errors.contains("help: free some space"), "{name}: {errors}");
}
