//! Errors of SQLite in our terms, and files that several open.

use std::time::Duration;

use rusqlite::ffi;
use worldstore_core::Retry;

use super::{SqliteConfig, failed};

#[test]
fn without_memory_a_step_can_be_tried_again() {
    let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None);
    assert_eq!(failed(error).retry(), Retry::Later);
}

#[test]
fn a_step_may_wait_for_any_time() {
    let folder = tempfile::tempdir().unwrap();
    SqliteConfig::new(folder.path().join("state.db")).with_busy_wait(Duration::MAX).open().unwrap();
}

#[test]
fn openers_of_a_new_file_wait_for_each_other() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        std::thread::scope(|scope| {
            let openers: Vec<_> = (0..4).map(|_| scope.spawn(|| SqliteConfig::new(&path).open().map(drop))).collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
        });
    }
}
