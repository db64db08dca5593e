//! Where the log of a world lies: in a folder elsewhere, as objects of the world, or nowhere.

use std::sync::Arc;

use worldstore::arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use worldstore::{LogPlace, World, WorldOptions};

use super::desk::{Desk, code_of, data, errors_of};

#[test]
fn the_log_lies_where_it_is_told() {
    for (place, in_world, elsewhere) in [("elsewhere", false, true), ("store", true, false), ("none", false, false)] {
        let desk = Desk::new();
        desk.ok(&["init", "world", "--log", place]);
        desk.ok(&["import", "world", "airlines", &data("airlines.parquet"), "--log", place]);
        assert_eq!(desk.json(&["scan", "world", "airlines", "--log", place]).len(), 16);
        desk.ok(&["verify", "world", "--log", place]);
        let found = (desk.path("world/log").exists(), desk.path("elsewhere").exists());
        assert_eq!(found, (in_world, elsewhere), "{place}");
    }
    let desk = Desk::with_world();
    desk.refused(&["import", "world", "airlines", &data("airlines.parquet"), "--log", ""], &["a folder has a name"]);
}

/// A world with a log `elsewhere`, in which three rows wait.
fn with_waiting() -> Desk {
    let desk = Desk::new();
    let (world, log) = (desk.path("world").display().to_string(), desk.path("elsewhere"));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let options = WorldOptions::default().with_log(LogPlace::Folder(log));
        let world = World::create(&world, &options).await.unwrap();
        let entity: ArrayRef = Arc::new(UInt64Array::from(vec![1, 2, 3]));
        let rows = RecordBatch::try_from_iter([("entity", entity)]).unwrap();
        let _ = world.run("main").await.unwrap().append(1, "agents", &rows).await.unwrap();
    });
    desk
}

/// Nobody is told that all is published where it is not.
#[test]
fn what_waits_in_a_log_elsewhere_is_not_told_of_another() {
    let desk = with_waiting();
    let place = desk.path("elsewhere").display().to_string();
    let told = |args: &[&str]| desk.ok(&[&["stats", "world"], args].concat());
    let none = told(&[]);
    assert!(none.contains("\nlog not read") && none.contains("there is none in this place"), "{none}");
    // A writer that is refused leaves a log behind.
    desk.refused(&["fork", "world", "storm", "--at", "1"], &["another log"]);
    for args in [vec![], vec!["--log", "none"]] {
        let other = told(&args);
        assert!(other.contains("the world has another log") && other.contains(&place), "{other}");
    }
    let json = desk.lines(&["stats", "world", "--json"]).pop().unwrap();
    assert!(json["log"].is_null() && json["log_problem"].as_str().unwrap().contains(&place), "{json}");
    let own = told(&["--log", "elsewhere"]);
    assert!(own.contains(": 1 append with 3 rows wait for the next writer"), "{own}");
    assert!(desk.lines(&["stats", "world", "--log", "elsewhere", "--json"])[0]["log_problem"].is_null());
    let output = desk.run(&["tables", "world"]);
    assert_eq!(code_of(&output), 0, "what is published needs no log");
    assert!(errors_of(&output).contains(&place), "{}", errors_of(&output));
    let doctor = desk.ok(&["doctor", "world"]);
    let found = doctor.lines().find(|line| line.starts_with("note    world")).unwrap();
    assert!(found.contains(&place), "{doctor}");
    let output = desk.run(&["expire", "world", "--dry-run"]);
    assert_eq!(code_of(&output), 0, "what is only tried needs no log");
    assert!(errors_of(&output).contains("another log") && errors_of(&output).contains(&place));
}

/// What a writer has left there is found there.
#[test]
fn what_waits_in_a_log_elsewhere_is_taken_over() {
    let desk = with_waiting();
    // Without that log nobody would know of the rows.
    desk.refused(&["fork", "world", "storm", "--at", "1"], &["another log", "elsewhere"]);
    desk.refused(&["fork", "world", "storm", "--at", "1", "--log", "none"], &["another log", "elsewhere"]);
    let output = desk.run(&["fork", "world", "storm", "--at", "1", "--log", "elsewhere"]);
    assert_eq!(code_of(&output), 0, "{}", errors_of(&output));
    assert!(errors_of(&output).contains("took over 3 rows"), "{}", errors_of(&output));
    assert_eq!(desk.json(&["scan", "world", "agents", "--log", "elsewhere"]).len(), 3);
}
