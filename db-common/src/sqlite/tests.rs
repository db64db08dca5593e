//! Codes, files of others, and openers that race.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;

const MARK: Mark = Mark { application_id: 0x636e_7472, version: 2 };
const WAIT: Duration = Duration::from_secs(10);

/// A folder, and a file in it that is not there yet.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("counters.db");
    (folder, path)
}

fn open(path: &Path) -> Connection {
    connect(path, OpenFlags::default(), WAIT).unwrap()
}

fn prepare(connection: &Connection) -> Result<()> {
    MARK.prepare(connection, WAIT, |transaction| transaction.execute_batch("CREATE TABLE counters (name TEXT) STRICT"))
}

#[test]
fn codes_have_kinds() {
    for (code, kind) in [
        (rusqlite::ffi::SQLITE_BUSY, ErrorKind::Conflict),
        (rusqlite::ffi::SQLITE_LOCKED, ErrorKind::Conflict),
        (rusqlite::ffi::SQLITE_NOTADB, ErrorKind::Corrupt),
        (rusqlite::ffi::SQLITE_CORRUPT, ErrorKind::Corrupt),
        (rusqlite::ffi::SQLITE_READONLY, ErrorKind::PermissionDenied),
        (rusqlite::ffi::SQLITE_PERM, ErrorKind::PermissionDenied),
        (rusqlite::ffi::SQLITE_FULL, ErrorKind::StorageFull),
        (rusqlite::ffi::SQLITE_CANTOPEN, ErrorKind::NotFound),
        (rusqlite::ffi::SQLITE_IOERR_FSYNC, ErrorKind::Unavailable),
        (rusqlite::ffi::SQLITE_NOMEM, ErrorKind::Unavailable),
        (rusqlite::ffi::SQLITE_TOOBIG, ErrorKind::Invalid),
        (rusqlite::ffi::SQLITE_ERROR, ErrorKind::Unexpected),
    ] {
        let failure = || SqliteError::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        assert_eq!(translate(failure()).kind(), kind, "{code}");
        assert_eq!(is_unclear(&failure()), kind == ErrorKind::Unavailable && code != rusqlite::ffi::SQLITE_NOMEM);
    }
}

#[test]
fn own_meanings_come_first_and_see_errors_of_statements() {
    let connection = Connection::open_in_memory().unwrap();
    let missing = || connection.prepare("SELECT * FROM counters").unwrap_err();
    let own = |code| (code == ErrorCode::Unknown).then_some((ErrorKind::Invalid, "the query is wrong"));
    assert_eq!(translate_with(missing(), own).message(), "the query is wrong");
    assert_eq!(translate(missing()).kind(), ErrorKind::Unexpected);
    assert_eq!(translate_with(SqliteError::QueryReturnedNoRows, own).kind(), ErrorKind::Unexpected);
}

#[test]
fn tables_are_made_once_and_the_mark_stays() {
    let (_folder, path) = place();
    let connection = open(&path);
    assert!(MARK.is_fresh(&connection).unwrap());
    prepare(&connection).unwrap();
    assert!(!MARK.is_fresh(&connection).unwrap());
    prepare(&open(&path)).unwrap();
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn openers_race_and_none_is_refused() {
    for _ in 0..50 {
        let (_folder, path) = place();
        std::thread::scope(|scope| {
            let openers: Vec<_> = (0..4).map(|_| scope.spawn(|| prepare(&open(&path)))).collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
        });
    }
}

#[test]
fn what_belongs_to_others_is_refused_and_stays() {
    let (_folder, path) = place();
    let other = open(&path);
    other.execute_batch("CREATE TABLE theirs (a INTEGER); PRAGMA user_version = 7").unwrap();
    let error = prepare(&other).unwrap_err();
    assert_eq!(error.to_string(), "invalid: the database belongs to another program, application_id: 0");
    let mode: String = other.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete");

    let (_folder, path) = place();
    let newer = open(&path);
    Mark { version: 3, ..MARK }.prepare(&newer, WAIT, |_| Ok(())).unwrap();
    let error = prepare(&newer).unwrap_err();
    assert_eq!(error.to_string(), "invalid: the file is of another version of this format, version: 3, known: 2");

    let (_folder, path) = place();
    std::fs::write(&path, "no database at all, and longer than the header of one: ".repeat(20)).unwrap();
    assert_eq!(prepare(&open(&path)).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn tables_that_fail_leave_a_fresh_file() {
    let (_folder, path) = place();
    let connection = open(&path);
    let broken = "CREATE TABLE counters (name TEXT) STRICT; CREATE TABLE counters (name TEXT) STRICT";
    assert!(MARK.prepare(&connection, WAIT, |transaction| transaction.execute_batch(broken)).is_err());
    assert!(MARK.is_fresh(&connection).unwrap());
}

#[test]
fn a_reader_sees_one_state_and_its_connection_is_used_again() {
    let (_folder, path) = place();
    let (writer, readers) = (open(&path), Arc::new(Readers::default()));
    prepare(&writer).unwrap();
    let opened = Cell::new(0);
    let begin = || {
        let reader = readers.begin(|| {
            opened.set(opened.get() + 1);
            connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY, WAIT)
        });
        reader.unwrap()
    };
    let count = |reader: &Reader| -> i64 {
        let connection = reader.connection().unwrap();
        connection.query_row("SELECT count(*) FROM counters", [], |row| row.get(0)).unwrap()
    };
    let before = begin();
    assert_eq!(count(&before), 0);
    writer.execute_batch("INSERT INTO counters VALUES ('a')").unwrap();
    let after = begin();
    assert_eq!((count(&before), count(&after), opened.get()), (0, 1, 2));
    drop(before);
    drop(after);
    let many: Vec<_> = (0..20).map(|_| begin()).collect();
    assert_eq!((many.iter().map(count).sum::<i64>(), opened.get()), (20, 20));
    drop(many);
    // Eight of the twenty were kept.
    let again: Vec<_> = (0..20).map(|_| begin()).collect();
    assert_eq!((again.iter().map(count).sum::<i64>(), opened.get()), (20, 32));
}

#[test]
fn a_lock_is_waited_for_no_longer_than_told() {
    let (_folder, path) = place();
    let holder = open(&path);
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let waiting = connect(&path, OpenFlags::default(), Duration::ZERO).unwrap();
    assert_eq!(write_ahead(&waiting, Duration::ZERO).unwrap_err().kind(), ErrorKind::Conflict);
    holder.execute_batch("COMMIT").unwrap();
    write_ahead(&waiting, Duration::ZERO).unwrap();
}

#[test]
fn any_time_can_be_waited() {
    let (_folder, path) = place();
    let connection = connect(&path, OpenFlags::default(), Duration::MAX).unwrap();
    let wait: i64 = connection.query_row("PRAGMA busy_timeout", [], |row| row.get(0)).unwrap();
    assert_eq!(wait, i64::from(i32::MAX));
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, path) = place();
    create_file(&path).unwrap();
    prepare(&open(&path)).unwrap();
    let kept = open(&path);
    kept.execute_batch("INSERT INTO counters VALUES ('a')").unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()).collect();
    assert!(files.len() > 1, "the log is there");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
    create_file(&path).unwrap();
    assert!(!MARK.is_fresh(&kept).unwrap());
    assert_eq!(create_file(&folder.path().join("absent/file")).unwrap_err().kind(), ErrorKind::NotFound);
}
