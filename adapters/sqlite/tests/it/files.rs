//! Files: missing, foreign, damaged, of another version, locked, only read.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use worldstore_core::{Backend, CheckOptions, Condition, Durability, ErrorKind, ReadOptions, WriteOptions};
use worldstore_sqlite::{OpenMode, SqliteConfig};

use crate::support::{File, applied, bytes, key, write};

fn refused(config: SqliteConfig) -> ErrorKind {
    let error = config.open().unwrap_err();
    assert_eq!(error.operation().map(str::is_empty), Some(false), "{error}");
    error.kind()
}

#[test]
fn a_file_that_is_no_database_is_corrupt_and_stays_as_it_is() {
    let file = File::new();
    let text = "this is a text of more than the hundred bytes that the header of a database has. ".repeat(50);
    std::fs::write(&file.path, &text).unwrap();
    assert_eq!(refused(SqliteConfig::new(&file.path)), ErrorKind::Corrupt);
    assert_eq!(std::fs::read_to_string(&file.path).unwrap(), text);
}

#[test]
fn a_foreign_database_is_left_alone() {
    let file = File::new();
    Connection::open(&file.path).unwrap().execute_batch("CREATE TABLE objects (key)").unwrap();
    let before = std::fs::read(&file.path).unwrap();
    for mode in [OpenMode::Create, OpenMode::Existing, OpenMode::ReadOnly] {
        assert_eq!(refused(SqliteConfig::new(&file.path).with_mode(mode)), ErrorKind::Invalid);
    }
    assert_eq!(std::fs::read(&file.path).unwrap(), before);
}

#[test]
fn another_version_of_the_tables_is_refused() {
    let file = File::new();
    drop(file.open());
    Connection::open(&file.path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    assert_eq!(refused(SqliteConfig::new(&file.path)), ErrorKind::Invalid);
}

#[test]
fn a_missing_file_is_made_only_if_that_is_wanted() {
    let file = File::new();
    for mode in [OpenMode::Existing, OpenMode::ReadOnly] {
        assert_eq!(refused(SqliteConfig::new(&file.path).with_mode(mode)), ErrorKind::NotFound);
        assert!(!file.path.exists());
    }
    assert_eq!(refused(SqliteConfig::new(file.folder.path().join("none/a.db"))), ErrorKind::NotFound);
    file.open().check(&CheckOptions::default()).unwrap();
    #[cfg(unix)]
    {
        let metadata = std::fs::metadata(&file.path).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o600);
    }
}

#[test]
fn what_is_only_read_sees_the_changes_of_others() {
    let file = File::new();
    let writer = file.open();
    let uri = format!("sqlite://{}?mode=ro", file.path.display());
    let reader = SqliteConfig::from_uri(&uri).unwrap().open().unwrap();
    applied(write(&writer, "a", "x", Condition::None));
    assert_eq!(bytes(&reader, "a", ReadOptions::default()).unwrap(), b"x");
    reader.check(&CheckOptions::default()).unwrap();
    let error = reader.write(&key("a"), "y".into(), &WriteOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.to_string().matches("operation: write").count(), 1, "{error}");
}

#[test]
fn a_file_that_another_keeps_locked_is_a_conflict_and_goes_on_after() {
    let file = File::new();
    let backend = SqliteConfig::new(&file.path).with_busy_timeout(Duration::from_millis(20)).open().unwrap();
    let other = Connection::open(&file.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = backend.write(&key("a"), "x".into(), &WriteOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(backend.check(&CheckOptions::default()).unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(bytes(&backend, "a", ReadOptions::default()).unwrap_err().kind(), ErrorKind::NotFound);
    other.execute_batch("ROLLBACK").unwrap();
    for durability in [Durability::None, Durability::File, Durability::Full] {
        let options = WriteOptions::default().with_durability(durability);
        applied(backend.write(&key("a"), "x".into(), &options).unwrap());
    }
}

#[test]
fn lost_bytes_are_corrupt_and_a_lost_file_is_missed() {
    let file = File::new();
    let backend = file.open();
    applied(write(&backend, "a", vec![7; 600_000], Condition::None));
    Connection::open(&file.path).unwrap().execute_batch("DELETE FROM chunks WHERE at = 1").unwrap();
    let error = bytes(&backend, "a", ReadOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    std::fs::remove_file(&file.path).unwrap();
    assert_eq!(backend.check(&CheckOptions::default()).unwrap_err().kind(), ErrorKind::NotFound);
}

/// Whoever looks while another makes the tables sees none of them or all.
#[test]
fn many_may_open_a_new_file_at_once() {
    for round in 0..100 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.db");
        let together = Barrier::new(4);
        let open = || {
            together.wait();
            SqliteConfig::new(&path).open().map(drop)
        };
        let opened = thread::scope(|scope| [(); 4].map(|()| scope.spawn(open)).map(|opening| opening.join().unwrap()));
        for result in opened {
            assert!(result.is_ok(), "round {round}: {result:?}");
        }
    }
}
