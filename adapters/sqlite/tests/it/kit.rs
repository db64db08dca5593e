//! The conformance kit, sync and async, and its races.

use std::sync::Arc;
use std::time::Duration;

use worldstore_async::{SyncBackendAdapter, conformance as async_conformance};
use worldstore_core::conformance::Kills;
use worldstore_core::{Memory, Prefix, Result, conformance};
use worldstore_sqlite::{OpenMode, SqliteBackend, SqliteConfig};

use crate::support::{File, number};

fn below() -> Prefix {
    Prefix::new("kit").unwrap()
}

/// What does not depend on whether an object can be a folder: memory is a tree, this is flat.
fn alike(transcript: &str) -> Vec<&str> {
    let flat = |line: &&str| !line.starts_with("object_below_object") && !line.starts_with("object_above_objects");
    transcript.lines().filter(flat).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_answer_as_memory_does() {
    let expected = conformance::run(&Memory::new(), &below()).into_result().unwrap().transcript();
    let (one, other) = (File::new(), File::new());
    let sync = conformance::run(&one.open(), &below()).into_result().unwrap().transcript();
    let adapted = SyncBackendAdapter::new(Arc::new(other.open()));
    let adapted = async_conformance::run(&adapted, &below()).await.into_result().unwrap().transcript();
    assert!(sync == adapted, "sync and async differ");
    assert_eq!(alike(&sync), alike(&expected));
    assert!(sync.lines().count() > 400, "{}", sync.lines().count());
    // The kit removes what it wrote: rows, chunks, and what its writers left.
    for table in ["objects", "chunks", "staged"] {
        assert_eq!(number(&one.path, &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
}

#[test]
fn races_have_one_winner() {
    let file = File::new();
    conformance::race(Arc::new(file.open()), &below()).into_result().unwrap();
}

fn open(path: &str) -> Result<Arc<SqliteBackend>> {
    SqliteConfig::new(path).open().map(Arc::new)
}

#[test]
fn what_was_acknowledged_is_there_when_the_file_is_opened_again() {
    let file = File::new();
    let path = file.path.to_str().unwrap();
    let report = conformance::reopen(|| open(path), &below()).unwrap().into_result().unwrap();
    assert_eq!(report.cases.len(), 4, "{report}");
}

#[test]
fn objects_outlive_processes_that_are_killed() {
    let file = File::new();
    let kills = Kills { victim: "kit::is_killed", count: 20, step: Duration::from_micros(1_700) };
    kills.survive(file.path.to_str().unwrap(), open).unwrap();
}

/// The process that is killed.
#[test]
fn is_killed() {
    conformance::victim(open).unwrap();
}

#[test]
fn what_is_only_read_refuses_every_change() {
    let file = File::new();
    drop(file.open());
    let backend = SqliteConfig::new(&file.path).with_mode(OpenMode::ReadOnly).open().unwrap();
    conformance::run(&backend, &below()).into_result().unwrap();
    assert!(!backend.sweep().unwrap_err().message().is_empty());
}
