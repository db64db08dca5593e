//! Errors of SQLite in our terms.

use rusqlite::ffi;
use worldstore_core::Retry;

use super::failed;

#[test]
fn without_memory_a_step_can_be_tried_again() {
    let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None);
    assert_eq!(failed(error).retry(), Retry::Later);
}
