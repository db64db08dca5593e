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

/// What a writer has left there is found there.
#[test]
fn what_waits_in_a_log_elsewhere_is_taken_over() {
    let desk = Desk::new();
    let (world, log) = (desk.path("world").display().to_string(), desk.path("elsewhere"));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let options = WorldOptions::default().with_log(LogPlace::Folder(log));
        let world = World::create(&world, &options).await.unwrap();
        let entity: ArrayRef = Arc::new(UInt64Array::from(vec![1, 2, 3]));
        let rows = RecordBatch::try_from_iter([("entity", entity)]).unwrap();
        let _ = world.run("main").await.unwrap().append(1, "agents", &rows).await.unwrap();
    });
    // Without that log nobody would know of the rows.
    desk.refused(&["fork", "world", "storm", "--at", "1"], &["another log", "elsewhere"]);
    desk.refused(&["fork", "world", "storm", "--at", "1", "--log", "none"], &["another log", "elsewhere"]);
    let output = desk.run(&["fork", "world", "storm", "--at", "1", "--log", "elsewhere"]);
    assert_eq!(code_of(&output), 0, "{}", errors_of(&output));
    assert!(errors_of(&output).contains("took over 3 rows"), "{}", errors_of(&output));
    assert_eq!(desk.json(&["scan", "world", "agents", "--log", "elsewhere"]).len(), 3);
}
