//! `log`, `stats`, `compact`, `expire` and `verify`.

use std::fs;

use serde_json::{Value, json};

use super::append::walkers;
use super::desk::{Desk, code_of, errors_of};

const FORMATS: [&str; 2] = ["lance", "iceberg"];

/// A world with six ticks, each of them a state.
fn grown(tables: &str) -> Desk {
    let desk = Desk::new();
    desk.ok(&["init", "world", "--tables", tables]);
    for tick in 1..=6 {
        desk.write("rows.csv", format!("entity,x\n1,{tick}\n2,0\n"));
        desk.ok(&["append", "world", "position=rows.csv"]);
    }
    desk
}

/// The last line of a command that prints lines of JSON.
fn last(desk: &Desk, args: &[&str]) -> Value {
    desk.lines(&[args, &["--json"]].concat()).pop().unwrap()
}

#[test]
fn the_log_tells_what_each_state_changed() {
    let desk = walkers();
    let states = desk.json(&["log", "world"]);
    assert_eq!(states.len(), 2, "those in which something changed");
    let (newest, first) = (&states[0], &states[1]);
    assert_eq!((&newest["seq"], &newest["rows"], &newest["kept_by"]), (&json!(2), &json!(7), &json!([])));
    assert_eq!(newest["tables"]["position"]["change"], "changed");
    assert_eq!(
        (&newest["tables"]["health"]["change"], &first["tables"]["health"]["change"]),
        (&json!("same"), &json!("added"))
    );
    assert!(newest["epoch"].as_u64() > first["epoch"].as_u64(), "another process wrote it");
    assert!(newest["time"].as_str().unwrap().ends_with('Z'));
    assert!(desk.json(&["log", "world", "--all"]).len() > 2);
    assert_eq!(desk.json(&["log", "world", "--limit", "1"]), states[..1]);
    desk.ok(&["compact", "world", "position"]);
    let number = newest["state"].to_string();
    desk.ok(&["snapshot", "create", "world", "before", "--manifest", &number]);
    let table = desk.ok(&["log", "world"]);
    assert!(table.contains("┆ ~position ") && table.contains("┆ +health +position ┆"), "{table}");
    assert!(table.contains("┆ before "), "{table}");
    desk.refused(&["log", "nowhere"], &["not found", "nowhere"]);
    desk.refused(&["log", "world", "--limit", "some"], &["some", "--limit"]);
}

#[test]
fn stats_tell_sizes() {
    for tables in FORMATS {
        let desk = grown(tables);
        let lines = desk.lines(&["stats", "world", "--json"]);
        let (table, world) = (&lines[0], &lines[1]);
        assert_eq!(
            (&table["kind"], &table["table"], &table["rows"]),
            (&json!("table"), &json!("position"), &json!(12))
        );
        assert_eq!((&table["seq"], &table["waiting_rows"]), (&json!(6), &json!(0)));
        assert!(table["files"].as_u64() >= Some(6) && table["bytes"].as_u64() > Some(1_000), "{table}");
        assert_eq!((&world["kind"], &world["tables"], &world["rows"]), (&json!("world"), &json!(tables), &json!(12)));
        assert_eq!((&world["runs"], &world["seq"], &world["log"]["rows"]), (&json!(1), &json!(6), &json!(0)));
        assert_eq!(world["bytes"], table["bytes"]);
        let said = desk.ok(&["stats", "world"]);
        assert!(said.starts_with("position: 12 rows, "), "{said}");
        assert!(said.contains(&format!("\nworld world with {tables} tables: 12 rows, ")), "{said}");
        assert!(said.trim_end().ends_with("all of them published"), "{said}");
    }
}

#[test]
fn tables_are_compacted_and_nothing_is_lost() {
    for tables in FORMATS {
        let desk = grown(tables);
        let state = || desk.json(&["scan", "world", "position", "--columns", "tick,entity,x", "--as-of", "4"]);
        let before = state();
        desk.refused(&["compact", "world", "trains"], &["no such table", "table: trains"]);
        desk.refused(&["compact", "world", "--file-rows", "0"], &["a file has 1 row at least"]);
        desk.refused(&["compact", "nowhere"], &["not found", "nowhere"]);
        let said = desk.ok(&["compact", "world"]);
        assert!(said.starts_with("position: 6 files to 1, version "), "{tables}: {said}");
        assert_eq!(state(), before, "{tables}");
        let again = last(&desk, &["compact", "world", "position"]);
        assert_eq!(
            (&again["table"], &again["files_before"], &again["files_after"]),
            (&json!("position"), &json!(1), &json!(1))
        );
        assert_eq!(last(&desk, &["verify", "world", "--all"])["findings"], 0);
    }
}

#[test]
fn a_dry_run_tells_exactly_what_expires() {
    for tables in FORMATS {
        let desk = grown(tables);
        desk.ok(&["compact", "world"]);
        let expire = ["expire", "world", "--keep", "2", "--spare", "0s"];
        let before = desk.listing();
        let plan = last(&desk, &[&expire[..], &["--dry-run"]].concat());
        assert_eq!(desk.listing(), before, "a dry run changes nothing");
        let told = desk.ok(&[&expire[..], &["--dry-run"]].concat());
        assert!(told.contains("would expire "), "{told}");
        let done = last(&desk, &expire);
        assert_eq!(
            (&plan["versions"], &plan["files"], &plan["bytes"]),
            (&done["versions"], &done["files"], &done["bytes"]),
            "{tables}"
        );
        assert_eq!((plan["dry_run"].clone(), done["dry_run"].clone()), (json!(true), json!(false)));
        assert!(done["versions"].as_u64() >= Some(5) && done["files"].as_u64() >= Some(5), "{tables}: {done}");
        assert_eq!(plan["states"], done["states"], "{tables}");
        assert_eq!(desk.json(&["scan", "world", "position"]).len(), 12, "ticks stay");
        assert_eq!(desk.json(&["ticks", "world", "position"]).len(), 6);
        let again = last(&desk, &expire);
        assert_eq!((&again["versions"], &again["files"]), (&json!(0), &json!(0)), "{tables}");
        assert_eq!(last(&desk, &["verify", "world", "--all"])["findings"], 0);
    }
}

#[test]
fn what_is_young_or_has_a_name_stays() {
    let desk = grown("lance");
    let kept = |more: &[&str]| last(&desk, &[&["expire", "world", "--dry-run"], more].concat())["states"].clone();
    assert_eq!(kept(&[]), json!([]), "64 by default");
    assert_eq!(kept(&["--older-than", "1h"]), json!([]));
    assert_ne!(kept(&["--older-than", "0s"]), json!([]));
    let spared = last(&desk, &["expire", "world", "--dry-run", "--keep", "1"]);
    assert_eq!(spared["versions"], 0, "someone may be reading them");
    let third = desk.json(&["log", "world"])[3]["state"].to_string();
    desk.ok(&["snapshot", "create", "world", "third", "--manifest", &third]);
    desk.ok(&["expire", "world", "--keep", "1", "--spare", "0s"]);
    desk.ok(&["snapshot", "verify", "world", "third"]);
    assert_eq!(last(&desk, &["verify", "world", "--all"])["findings"], 0);
    desk.refused(&["expire", "world", "--keep", "0"], &["one state at least must be kept"]);
    desk.refused(
        &["expire", "world", "--older-than", "7"],
        &["a time is a whole number with ms, s, m, h or d behind it", "7"],
    );
    desk.refused(&["expire", "nowhere"], &["not found", "nowhere"]);
}

/// A data file of the world.
fn data_file(desk: &Desk, tables: &str) -> String {
    let ending = if tables == "lance" { ".lance" } else { ".parquet" };
    let listing = desk.listing();
    listing.keys().rfind(|name| name.ends_with(ending)).unwrap().clone()
}

#[test]
fn verification_finds_what_is_damaged() {
    for tables in FORMATS {
        let desk = grown(tables);
        let said = desk.ok(&["verify", "world"]);
        assert!(said.starts_with("read 1 state, ") && said.ends_with("of the log: all right\n"), "{said}");
        let sound = last(&desk, &["verify", "world", "--all"]);
        assert!(sound["states"].as_u64() > Some(6) && sound["versions"].as_u64() >= Some(6), "{sound}");
        assert_eq!(sound["findings"], 0);
        let file = data_file(&desk, tables);
        let bytes = fs::read(desk.path(&file)).unwrap();
        let mut rotten = bytes.clone();
        rotten[10] ^= 1;
        desk.write(&file, rotten);
        assert_found(&desk, "file ", 2);
        fs::remove_file(desk.path(&file)).unwrap();
        assert_found(&desk, "missing", 2);
        assert_found(&desk, "table position of state ", 2);
        desk.write(&file, &bytes);
        assert_eq!(last(&desk, &["verify", "world", "--all"])["findings"], 0, "healed");
        desk.refused(&["verify", "nowhere"], &["not found", "nowhere"]);
    }
}

#[test]
fn verification_finds_a_damaged_log_and_a_damaged_state() {
    let desk = grown("lance");
    let segment = fs::read_dir(desk.path("world/log")).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| path.extension().is_some_and(|ending| ending == "wal")).max().unwrap();
    let bytes = fs::read(&segment).unwrap();
    let mut rotten = bytes.clone();
    rotten[8] ^= 0xFF;
    fs::write(&segment, rotten).unwrap();
    assert_found(&desk, "log: ", 2);
    let output = desk.run(&["tables", "world"]);
    assert_eq!(code_of(&output), 0, "what is published can be read");
    assert!(errors_of(&output).contains("note: the log cannot be read"), "{}", errors_of(&output));
    fs::write(&segment, bytes).unwrap();
    desk.ok(&["verify", "world", "--all"]);
    let state = fs::read_dir(desk.path("world/manifests")).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    fs::write(&state, "no state").unwrap();
    let output = desk.run(&["verify", "world", "--all"]);
    assert_eq!(code_of(&output), 2, "{}", errors_of(&output));
}

#[test]
fn verification_finds_damaged_documents() {
    let desk = grown("lance");
    desk.ok(&["fork", "world", "f", "--at", "2"]);
    desk.ok(&["fork", "world", "g", "--at", "1", "--from", "f"]);
    desk.ok(&["verify", "world", "--all"]);
    for (name, damage, said) in [
        ("runs/main.json", None, "document runs/main.json: not found: the main run is missing"),
        ("runs/main.json", None, "document runs/f.json: corrupt: the run that this one was forked from is missing"),
        ("runs/f.json", None, "document runs/g.json: corrupt: the run that this one was forked from is missing"),
        ("runs/f.json", Some("{\"name\": \"f"), "document runs/f.json: corrupt: document cannot be understood"),
        (
            "runs/f.json",
            Some(r#"{"name": "h", "parent": null}"#),
            "document runs/f.json: corrupt: the document is that of",
        ),
        ("runs/no run.json", Some("{}"), "document runs/no run.json: invalid: name must be"),
        ("histories/position.json", Some("{}"), "document histories/position.json: corrupt: document cannot be"),
        ("histories/1.json", Some("{}"), "document histories/1.json: invalid: table name must be"),
        ("log.json", Some(""), "log: corrupt: document cannot be understood"),
    ] {
        let file = format!("world/{name}");
        let before = fs::read(desk.path(&file));
        match damage {
            Some(damage) => drop(desk.write(&file, damage)),
            None => fs::remove_file(desk.path(&file)).unwrap(),
        }
        assert_found(&desk, said, 2);
        match before {
            Ok(before) => drop(desk.write(&file, before)),
            Err(_) => fs::remove_file(desk.path(&file)).unwrap(),
        }
    }
    assert_eq!(last(&desk, &["verify", "world", "--all"])["findings"], 0, "healed");
}

/// The world could not be opened for writing: there is a log that it has, and it is not here.
#[test]
fn verification_finds_that_the_log_is_missing_or_another() {
    let desk = grown("lance");
    let place = desk.path("world/log");
    let kept: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()).collect();
    let kept: Vec<_> = kept.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    let missing = format!("and there is none in this place, log: {}", place.display());
    let is = |path: &std::path::Path, ending: &str| path.display().to_string().ends_with(ending);
    let told = [
        ("EPOCH", missing.as_str()),
        ("", missing.as_str()),
        (".wal", "log: corrupt: segments of the log are missing"),
    ];
    for (ending, said) in told {
        kept.iter().filter(|(_, path)| is(path, ending)).for_each(|(_, path)| fs::remove_file(path).unwrap());
        if ending.is_empty() {
            fs::remove_dir(&place).unwrap();
        }
        assert_found(&desk, said, 2);
        fs::create_dir_all(&place).unwrap();
        kept.iter().for_each(|(bytes, path)| fs::write(path, bytes).unwrap());
    }
    desk.ok(&["verify", "world"]);
    desk.ok(&["init", "other"]);
    let log = desk.path("other/log").display().to_string();
    let output = desk.run(&["verify", "world", "--log", &log]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(code_of(&output), 2, "{told}");
    assert!(told.contains("log: condition failed: the world has another log") && told.contains(&log), "{told}");
}

/// The command must find it, say so, and fail.
fn assert_found(desk: &Desk, what: &str, code: i32) {
    let output = desk.run(&["verify", "world"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(code_of(&output), code, "{said}{}", errors_of(&output));
    assert!(said.contains(what), "{what}: {said}");
    assert!(errors_of(&output).contains("damaged or missing"), "{}", errors_of(&output));
    let lines = desk.run(&["verify", "world", "--json"]);
    for line in String::from_utf8(lines.stdout).unwrap().lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}
