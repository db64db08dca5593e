//! Each command as it is meant to be used.

use serde_json::json;

use super::desk::{COMMAND, Desk, FEBRUARY, code_of, data, errors_of};

#[test]
fn a_month_is_imported_day_by_day() {
    for tables in ["lance", "iceberg"] {
        let desk = Desk::new();
        let made = desk.ok(&["init", "world", "--tables", tables, "--name", "air"]);
        assert!(made.starts_with(&format!("made world air with {tables} tables at file:///")), "{made}");
        let month = data("flights/month=2");
        let imported = desk.ok(&["import", "world", "flights", &month, "--tick-per-file"]);
        assert_eq!(imported, format!("imported {FEBRUARY} rows in 28 ticks into flights of run main\n"));
        let listed = desk.json(&["tables", "world"]);
        assert_eq!((&listed[0]["table"], &listed[0]["rows"]), (&json!("flights"), &json!(FEBRUARY)));
        assert!(listed[0]["columns"].as_str().unwrap().contains("dep_delay Int32"), "{}", listed[0]["columns"]);
        let ticks = desk.json(&["ticks", "world", "flights"]);
        assert_eq!(ticks.len(), 28);
        assert_eq!(ticks[0], json!({"tick": 1, "rows": 926}), "as many as on 1 February");
        assert_eq!(ticks[27]["tick"], 28);
        assert_eq!(ticks.iter().map(|tick| tick["rows"].as_u64().unwrap()).sum::<u64>(), FEBRUARY);
        let days =
            desk.json(&["scan", "world", "flights", "--columns", "day,tick", "--as-of", "12", "--limit", "9000"]);
        assert_eq!(days.len(), 9_000);
        assert!(days.iter().all(|row| row["day"] == row["tick"]), "day=2 comes before day=10");
    }
}

/// A script reads what the text tells a person, whoever makes a world.
#[test]
fn what_makes_and_fills_a_world_answers_as_json() {
    let desk = Desk::new();
    let made = desk.lines(&["init", "world", "--name", "air", "--tables", "iceberg", "--json"]);
    let location = made[0]["location"].as_str().unwrap();
    assert!(location.starts_with("file:///") && location.ends_with("/world"), "{location}");
    assert_eq!(made, [json!({"world": "air", "tables": "iceberg", "location": location})]);
    let month = data("flights/month=2");
    let imported = desk.lines(&["import", "world", "flights", &month, "--tick", "40", "--tick-per-file", "--json"]);
    let told = json!({
        "run": "main", "table": "flights", "rows": FEBRUARY, "ticks": 28, "first_tick": 40, "last_tick": 67,
    });
    assert_eq!(imported, [told]);
    let forked = desk.lines(&["fork", "world", "storm", "--at", "50", "--json"]);
    assert_eq!(forked, [json!({"run": "storm", "forked_from": "main", "at_tick": 50})]);
    assert_eq!(forked[0], desk.lines(&["runs", "world", "--json"])[1], "as it is listed");
    desk.write("none.csv", "speed,x\n");
    let nothing = desk.lines(&["import", "world", "empty", "none.csv", "--json"]);
    assert_eq!((&nothing[0]["ticks"], &nothing[0]["first_tick"]), (&json!(0), &json!(null)));
}

#[test]
fn scan_filters_projects_and_limits() {
    let desk = Desk::with_world();
    let count = |conditions: &[&str]| {
        let wheres: Vec<&str> = conditions.iter().flat_map(|condition| ["--where", condition]).collect();
        desk.json(&[&["scan", "world", "flights", "--columns", "carrier,dep_delay"], &wheres[..]].concat()).len()
    };
    let all = count(&[]);
    let united = desk.json(&["scan", "world", "flights", "--where", "carrier = 'UA'", "--as-of", "2"]);
    assert!(united.iter().all(|row| row["carrier"] == "UA" && row["tick"].as_i64() <= Some(2)));
    assert_eq!(count(&["carrier = UA"]) + count(&["carrier <> 'UA'"]), all);
    assert_eq!(count(&["dep_delay > 60"]) + count(&["dep_delay <= 60.0"]) + count(&["dep_delay is null"]), all);
    assert_eq!(count(&["dep_delay is not null"]), all - count(&["dep_delay IS NULL"]));
    assert_eq!(count(&["tick >= 2", "tick != 3"]), desk.json(&["ticks", "world", "flights"])[1]["rows"]);
    let few = desk.json(&["scan", "world", "flights", "--columns", "tick,carrier", "--limit", "5"]);
    assert_eq!(few.len(), 5);
    assert_eq!(few[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["carrier", "tick"]);
    assert_eq!(desk.json(&["scan", "world", "flights", "--as-of", "-1"]).len(), 0);
}

#[test]
fn scan_reads_old_versions() {
    let desk = Desk::with_world();
    let version = desk.json(&["tables", "world"])[0]["version"].clone();
    desk.ok(&["import", "world", "airlines", &data("airlines.parquet")]);
    let scan = ["scan", "world", "airlines"];
    assert_eq!(desk.json(&scan).len(), 32);
    assert_eq!(desk.json(&[&scan[..], &["--version", &version.to_string()]].concat()).len(), 16);
    desk.refused(&[&scan[..], &["--version", "99"]].concat(), &["no such version", "99", "airlines"]);
}

#[test]
fn forks_share_and_diverge() {
    let desk = Desk::with_world();
    let said = desk.ok(&["fork", "world", "storm", "--at", "2"]);
    assert_eq!(said, "run storm shares the ticks of main up to 2\n");
    let third = data("flights/month=2/day=9/part-0.parquet");
    desk.ok(&["import", "world", "flights", &third, "--run", "storm"]);
    let rows = |run: &str| {
        let ticks = desk.json(&["ticks", "world", "flights", "--run", run]);
        ticks.iter().map(|tick| tick["rows"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let (main, storm) = (rows("main"), rows("storm"));
    assert_eq!((main.len(), storm.len()), (3, 3));
    assert_eq!(main[..2], storm[..2]);
    assert_ne!(main[2], storm[2], "the 3rd here, the 9th there");
    assert_eq!(
        desk.json(&["runs", "world"]),
        [
            json!({"run": "main", "forked_from": null, "at_tick": null}),
            json!({"run": "storm", "forked_from": "main", "at_tick": 2}),
        ]
    );
    let tails = desk.json(&["scan", "world", "flights", "--run", "storm", "--where", "tick = 3"]);
    assert_eq!(tails.len() as u64, storm[2]);
    desk.ok(&["fork", "world", "later", "--at", "3", "--from", "storm"]);
    assert_eq!(rows("later"), storm);
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let desk = Desk::with_world();
    let flights = "MATCH (f:flights) RETURN f.carrier, f.dep_delay";
    for format in ["table", "json", "csv", "arrow"] {
        for command in [["scan", "world", "flights"].as_slice(), &["query", flights, "--world", "world"]] {
            // Much more than a pipe holds goes to a reader that wants one byte.
            let shell = r#""$0" "$@" | head -c 1; exit "${PIPESTATUS[0]}""#;
            let mut bash = std::process::Command::new("bash");
            bash.args(["-c", shell, COMMAND]).args(command).args(["--format", format]).current_dir(desk.path(""));
            let output = bash.output().unwrap();
            assert_eq!((code_of(&output), errors_of(&output).as_str()), (0, ""), "{command:?} {format}");
            assert_eq!(output.stdout.len(), 1);
        }
    }
}
