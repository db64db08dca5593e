//! A world that another process has open, and one whose last writer was killed.

use std::sync::Arc;

use tokio::runtime::Runtime;
use worldstore::arrow::array::{Float64Array, Int64Array, RecordBatch, UInt64Array};
use worldstore::{CacheConfig, World, WorldOptions};

use super::append::walkers;
use super::desk::{Desk, code_of, errors_of};

/// Opens the world of a desk, as a writer that flushes nothing by itself.
fn open(desk: &Desk, runtime: &Runtime) -> World {
    let options = WorldOptions::default().with_cache(CacheConfig::default().with_idle_sec(3_600.0));
    runtime.block_on(World::open(&desk.path("world").display().to_string(), &options)).unwrap()
}

/// Appends a tick that is in the log and in no table.
fn append(world: &World, runtime: &Runtime, tick: i64) {
    let columns: [(&str, worldstore::arrow::array::ArrayRef, bool); 3] = [
        ("entity", Arc::new(UInt64Array::from(vec![1, 2])), false),
        ("x", Arc::new(Float64Array::from(vec![0.25, 0.75])), true),
        ("y", Arc::new(Int64Array::from(vec![1, 2])), true),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let _receipt = runtime.block_on(async { world.run("main").await?.append(tick, "position", &rows).await }).unwrap();
}

const READING: [&[&str]; 12] = [
    &["tables", "world"],
    &["runs", "world"],
    &["ticks", "world", "position"],
    &["scan", "world", "position"],
    &["history", "world", "1"],
    &["diff", "world", "1", "2"],
    &["log", "world"],
    &["sql", "world", "select 1"],
    &["query", "--world", "world", "MATCH (p:position) RETURN count(*)"],
    &["explain", "--world", "world", "MATCH (p:position) RETURN count(*)"],
    &["verify", "world"],
    &["stats", "world"],
];

const WRITING: [&[&str]; 8] = [
    &["import", "world", "position", "position.csv", "--entity-column", "entity"],
    &["append", "world", "position=position.csv"],
    &["fork", "world", "storm", "--at", "1"],
    &["merge", "world", "storm"],
    &["drop-run", "world", "sunny"],
    &["compact", "world"],
    &["expire", "world"],
    &["expire", "world", "--keep", "1"],
];

#[test]
fn readers_work_while_another_writes_and_writers_are_refused() {
    let desk = walkers();
    let runtime = Runtime::new().unwrap();
    let world = open(&desk, &runtime);
    append(&world, &runtime, 3);
    for command in READING {
        let output = desk.run(command);
        assert_eq!(code_of(&output), 0, "{command:?}: {}", errors_of(&output));
        let is_noted = errors_of(&output).contains("acknowledged and not published yet");
        assert_eq!(is_noted, !matches!(command[0], "verify" | "stats"), "{command:?}: {}", errors_of(&output));
    }
    assert_eq!(code_of(&desk.run(&["expire", "world", "--dry-run"])), 0, "a dry run takes no lock");
    for command in WRITING {
        let output = desk.run(command);
        assert_eq!(code_of(&output), 1, "it may help to try again: {command:?}: {}", errors_of(&output));
        let said = errors_of(&output);
        assert!(said.contains("another process has the world open for writing, world: world"), "{command:?}: {said}");
        assert!(said.contains("--take-over"), "{command:?}: {said}");
    }
    append(&world, &runtime, 4);
    runtime.block_on(world.shutdown()).unwrap();
    assert_eq!(desk.json(&["ticks", "world", "position"]).len(), 4, "the writer was not disturbed");
}

#[test]
fn what_a_killed_writer_left_is_told_and_taken_over() {
    let desk = walkers();
    let runtime = Runtime::new().unwrap();
    let world = open(&desk, &runtime);
    append(&world, &runtime, 3);
    drop(world);
    drop(runtime);
    let output = desk.run(&["ticks", "world", "position", "--format", "csv"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "tick,rows\n1,3\n2,2\n", "what is published");
    assert!(errors_of(&output).starts_with("note: the log has rows that are acknowledged"), "{}", errors_of(&output));
    let stats = desk.lines(&["stats", "world", "--json"]);
    let waiting = |name: &str| stats.iter().find(|line| line["table"] == name).unwrap()["waiting_rows"].clone();
    assert_eq!((waiting("position"), waiting("health")), (2.into(), 0.into()));
    let log = &stats.last().unwrap()["log"];
    assert_eq!((&log["appends"], &log["rows"], &log["last_seq"]), (&1.into(), &2.into(), &3.into()));
    assert!(desk.ok(&["stats", "world"]).ends_with("1 append with 2 rows wait for the next writer\n"));
    let output = desk.run(&["append", "world", "position=position.csv"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "appended 3 rows to 1 table as tick 4 of run main, seq 4\n");
    assert_eq!(errors_of(&output), "note: took over 2 rows that a writer before had not published\n");
    assert_eq!(desk.ok(&["ticks", "world", "position", "--format", "csv"]), "tick,rows\n1,3\n2,2\n3,2\n4,3\n");
}

#[test]
fn a_dry_run_counts_the_state_that_waits() {
    let desk = walkers();
    desk.write("more.csv", "entity,x,y\n1,9,9\n");
    desk.ok(&["append", "world", "position=more.csv"]);
    let runtime = Runtime::new().unwrap();
    let world = open(&desk, &runtime);
    append(&world, &runtime, 4);
    append(&world, &runtime, 5);
    drop(world);
    drop(runtime);
    let states = |args: &[&str]| {
        let output = desk.run(args);
        assert_eq!(code_of(&output), 0, "{}", errors_of(&output));
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let done: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        (done["states"].clone(), errors_of(&output))
    };
    let expire = ["expire", "world", "--keep", "3", "--spare", "0s", "--json"];
    let (planned, said) = states(&[&expire[..], &["--dry-run"]].concat());
    assert!(said.contains("4 rows of the log will be published first"), "{said}");
    let (expired, _) = states(&expire);
    assert!(expired.as_array().unwrap().len() > 1, "{expired}");
    assert_eq!(planned, expired);
}

#[test]
fn a_world_is_taken_over_from_a_writer_that_hangs() {
    let desk = walkers();
    let runtime = Runtime::new().unwrap();
    let hanging = open(&desk, &runtime);
    append(&hanging, &runtime, 3);
    let output = desk.run(&["append", "world", "position=position.csv", "--take-over"]);
    assert_eq!(code_of(&output), 0, "{}", errors_of(&output));
    assert!(errors_of(&output).contains("took over 2 rows"), "{}", errors_of(&output));
    let run = runtime.block_on(hanging.run("main")).unwrap();
    let columns: [(&str, worldstore::arrow::array::ArrayRef, bool); 3] = [
        ("entity", Arc::new(UInt64Array::from(vec![1])), false),
        ("x", Arc::new(Float64Array::from(vec![0.0])), true),
        ("y", Arc::new(Int64Array::from(vec![0])), true),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let refused = runtime.block_on(run.append(9, "position", &rows)).unwrap_err();
    assert_eq!(refused.kind(), worldstore::ErrorKind::Fenced);
    assert_eq!(desk.json(&["ticks", "world", "position"]).len(), 4);
}

#[test]
fn the_catalog_of_an_iceberg_world_may_be_elsewhere() {
    let desk = Desk::new();
    let catalog = ["--catalog", "elsewhere.db"];
    desk.ok(&[&["init", "world", "--tables", "iceberg"], &catalog[..]].concat());
    desk.write("rows.csv", "entity,x\n1,1\n");
    desk.ok(&[&["append", "world", "position=rows.csv"], &catalog[..]].concat());
    assert!(desk.path("elsewhere.db").exists() && !desk.path("world/catalog.db").exists());
    for command in READING {
        if ["diff", "ticks"].contains(&command[0]) {
            continue;
        }
        let output = desk.run(&[command, &catalog[..]].concat());
        assert_eq!(code_of(&output), 0, "{command:?}: {}", errors_of(&output));
    }
    assert_eq!(desk.json(&[&["ticks", "world", "position"], &catalog[..]].concat()).len(), 1);
    for forgotten in [
        &["scan", "world", "position"][..],
        &["append", "world", "position=rows.csv"],
        &["append", "world", "position=rows.csv", "--take-over"],
    ] {
        desk.refused(forgotten, &["made with a catalog elsewhere, say where it is, catalog: sqlite, world: world"]);
    }
    assert!(!desk.path("world/catalog.db").exists(), "no second catalog is begun");
    desk.refused(&[&["init", "other"], &catalog[..]].concat(), &["only Iceberg tables have a catalog", "elsewhere.db"]);
    desk.ok(&["init", "lance"]);
    desk.refused(&[&["tables", "lance"], &catalog[..]].concat(), &["only Iceberg tables have a catalog"]);
}
