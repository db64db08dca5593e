//! The catalog: its durability, its fence, commits that fail, and catalogs that are lost.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;
use worldstore_core::{DeleteOptions, ErrorKind, Key, Outcome, WriteOptions};
use worldstore_iceberg::{CatalogLocation, IcebergConfig, IcebergTables};

use crate::{Fixture, bytes_of, ids, memory_backend, name, objects, on_disk, open, rows, schema};

async fn connect(fixture: &Fixture) -> SqliteConnection {
    let path = fixture.folder.as_ref().unwrap().path().join("catalog.db");
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap()
}

async fn with_rows(fixture: &Fixture, table: &TableName, steps: u64) {
    fixture.tables.create(table, &CreateOptions::new(schema())).await.unwrap();
    for step in 0..steps {
        let once = AppendOptions::exactly_once(step, step + 1);
        let _ = fixture.tables.append(table, vec![rows([step as i64])], &once).await.unwrap();
    }
}

/// Another handle on the same files with its catalog under another name.
async fn with_catalog(fixture: &Fixture, file: &str) -> IcebergTables {
    let path = fixture.folder.as_ref().unwrap().path().join(file);
    let config = IcebergConfig::new(CatalogLocation::File(path), crate::LOCATION)
        .with_prefix(worldstore_core::Prefix::new("tables").unwrap());
    IcebergTables::open(fixture.backend.clone(), config).await.unwrap()
}

#[tokio::test]
async fn the_file_is_in_wal_mode() {
    let fixture = on_disk().await;
    with_rows(&fixture, &name("items"), 1).await;
    let mut other = connect(&fixture).await;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut other).await.unwrap();
    assert_eq!(journal, "wal");
}

#[tokio::test]
async fn an_epoch_once_claimed_shuts_out_smaller_ones() {
    let fixture = on_disk().await;
    let other = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    let table = name("items");
    with_rows(&fixture, &table, 1).await;
    let append = |epoch| AppendOptions::default().with_epoch(epoch);
    fixture.tables.claim(3).await.unwrap();
    let _ = fixture.tables.append(&table, vec![rows([1])], &append(3)).await.unwrap();
    // The other one takes over, and has not appended yet.
    other.claim(4).await.unwrap();
    let before = objects(&fixture.backend).await;
    let fenced = fixture.tables.append(&table, vec![rows([2])], &append(3)).await.unwrap_err();
    assert_eq!(fenced.kind(), ErrorKind::Fenced);
    assert_eq!(objects(&fixture.backend).await, before, "nothing is left of it");
    assert_eq!(fixture.tables.claim(3).await.unwrap_err().kind(), ErrorKind::Fenced);
    let _ = other.append(&table, vec![rows([2])], &append(4)).await.unwrap();
    // Who names no epoch is not asked for one, and claiming the same one again does nothing.
    let _ = other.append(&table, vec![rows([3])], &AppendOptions::default()).await.unwrap();
    other.claim(4).await.unwrap();
    assert_eq!(ids(&other, &table, &Scan::all()).await, [0, 1, 2, 3]);
}

/// The control of the next test: what SQLite does to a client that takes no notice of the error of a commit.
async fn a_careless_commit(path: &std::path::Path, location: &str) -> bool {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_millis(100));
    let mut careless = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut careless).await.unwrap();
    let update = sqlx::query("UPDATE iceberg_tables SET metadata_location = ?").bind(location);
    let changed = update.execute(&mut careless).await.unwrap().rows_affected();
    drop(sqlx::query("COMMIT").execute(&mut careless).await);
    drop(sqlx::query("ROLLBACK").execute(&mut careless).await);
    changed == 1
}

#[tokio::test]
async fn a_commit_that_a_reader_keeps_from_the_file_is_an_error() {
    let fixture = on_disk().await;
    let (table, folder) = (name("items"), fixture.folder.as_ref().unwrap().path());
    with_rows(&fixture, &table, 1).await;
    // As another program may have it: a rollback journal, and a reader in the middle of its transaction.
    fixture.tables.shutdown(&ShutdownOptions::default()).await.unwrap();
    let mut reader = connect(&fixture).await;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode = TRUNCATE").fetch_one(&mut reader).await.unwrap();
    assert_eq!(journal, "truncate");
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    let pointer = "SELECT metadata_location FROM iceberg_tables";
    let before: String = sqlx::query_scalar(pointer).fetch_one(&mut reader).await.unwrap();

    assert!(a_careless_commit(&folder.join("catalog.db"), "lost").await, "one row is said to be changed");
    let found: String = sqlx::query_scalar(pointer).fetch_one(&mut reader).await.unwrap();
    assert_eq!(found, before, "and none is: the careless client has lost its commit");

    let tables = open(&fixture.backend, folder).await;
    let files = objects(&fixture.backend).await;
    let refused = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused:?}");
    assert_eq!(objects(&fixture.backend).await, files, "nothing is left of it");
    sqlx::query("COMMIT").execute(&mut reader).await.unwrap();
    let _ = tables.append(&table, vec![rows([1])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    assert_eq!(ids(&tables, &table, &Scan::all()).await, [0, 1]);
}

#[tokio::test]
async fn a_lost_catalog_is_no_empty_store() {
    let fixture = on_disk().await;
    let (table, folder) = (name("items"), fixture.folder.as_ref().unwrap().path());
    with_rows(&fixture, &table, 3).await;
    with_rows(&fixture, &name("others"), 1).await;
    fixture.tables.shutdown(&ShutdownOptions::default()).await.unwrap();
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = std::fs::remove_file(folder.join(file));
    }
    let again = open(&fixture.backend, folder).await;
    let errors = [
        again.list(&ListTablesOptions::default()).await.map(|_| ()).unwrap_err(),
        again.describe(&table, &DescribeOptions::default()).await.map(|_| ()).unwrap_err(),
        again.create(&table, &CreateOptions::new(schema())).await.map(|_| ()).unwrap_err(),
        again.create(&name("new"), &CreateOptions::new(schema()).or_keep()).await.map(|_| ()).unwrap_err(),
        again.claim(7).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Corrupt), "{errors:?}");
    assert!(!folder.join("catalog.db").exists());

    let recovery = again.recover_catalog().await.unwrap();
    let found: Vec<_> = recovery.tables.iter().map(|one| (one.table.as_str(), one.version, one.watermark)).collect();
    assert_eq!((found, recovery.unclear.len()), (vec![("items", 3, 3), ("others", 1, 1)], 0));
    let _ = again.append(&table, vec![rows([3])], &AppendOptions::exactly_once(3, 4)).await.unwrap();
    assert_eq!(ids(&again, &table, &Scan::all()).await, [0, 1, 2, 3]);
    // Nothing is left to be done.
    let recovery = again.recover_catalog().await.unwrap();
    assert!(recovery.tables.is_empty() && recovery.unclear.is_empty());
}

#[tokio::test]
async fn a_table_whose_newest_metadata_cannot_be_told_is_not_guessed() {
    let fixture = on_disk().await;
    let (table, damaged) = (name("items"), name("damaged"));
    with_rows(&fixture, &table, 2).await;
    with_rows(&fixture, &damaged, 2).await;
    // Another catalog that knows an older state, as after a race whose loser could not clean up.
    let keys = objects(&fixture.backend).await;
    let metadata = |table: &str, serial: &str| {
        let folder = format!("tables/world/{table}/metadata/{serial}-");
        let mut found = keys.iter().filter(|key| key.starts_with(&folder));
        (found.next().unwrap().clone(), found.next().is_none())
    };
    let older = with_catalog(&fixture, "older.db").await;
    let (first, _) = metadata("items", "00001");
    older.adopt(&table, &format!("{}/{first}", crate::LOCATION)).await.unwrap();
    let _ = older.append(&table, vec![rows([9])], &AppendOptions::exactly_once(1, 2)).await.unwrap();
    let (newest, _) = metadata("damaged", "00002");
    fixture.backend.delete(&[Key::new(&newest).unwrap()], &DeleteOptions::default()).await.unwrap();
    let list = keys.iter().rfind(|key| key.contains("/damaged/metadata/snap-")).unwrap();
    fixture.backend.delete(&[Key::new(list).unwrap()], &DeleteOptions::default()).await.unwrap();

    let again = with_catalog(&fixture, "again.db").await;
    let recovery = again.recover_catalog().await.unwrap();
    let unclear = recovery.unclear.iter().find(|one| one.table == table).unwrap();
    assert_eq!(unclear.candidates.len(), 2, "{unclear:?}");
    assert!(unclear.candidates.iter().all(|candidate| candidate.contains("/00002-")));
    assert!(again.describe(&table, &DescribeOptions::default()).await.unwrap_err().is_not_found());
    // The one that was acknowledged is known to the caller.
    let chosen = unclear.candidates.iter().find(|candidate| keys.iter().any(|key| candidate.ends_with(key))).unwrap();
    assert_eq!(again.adopt(&table, chosen).await.unwrap().watermark, 2);
    assert_eq!(ids(&again, &table, &Scan::all()).await, [0, 1]);
    assert_eq!(again.adopt(&table, chosen).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_table_whose_folder_has_files_of_a_removed_one_is_not_guessed() {
    let fixture = on_disk().await;
    let table = name("items");
    with_rows(&fixture, &table, 3).await;
    let mut removed = Vec::new();
    for key in objects(&fixture.backend).await {
        let key = Key::new(key).unwrap();
        removed.push((bytes_of(&fixture.backend, &key).await, key));
    }
    fixture.tables.remove(&table, &RemoveTableOptions::default()).await.unwrap();
    with_rows(&fixture, &table, 1).await;
    // As if the removal had been interrupted before it deleted them.
    for (bytes, key) in removed {
        let outcome = fixture.backend.write(&key, bytes.into(), &WriteOptions::if_absent()).await.unwrap();
        assert!(matches!(outcome, Outcome::Applied(_)));
    }
    let again = with_catalog(&fixture, "again.db").await;
    let recovery = again.recover_catalog().await.unwrap();
    assert!(recovery.tables.is_empty(), "{recovery:?}");
    let [unclear] = &recovery.unclear[..] else { panic!("{recovery:?}") };
    assert_eq!((&unclear.table, unclear.candidates.len()), (&table, 2));
    assert!(unclear.candidates[0].contains("/00001-") && unclear.candidates[1].contains("/00003-"), "{unclear:?}");
    assert_eq!(again.adopt(&table, &unclear.candidates[0]).await.unwrap().watermark, 1);
    assert_eq!(ids(&again, &table, &Scan::all()).await, [0]);
}

#[tokio::test]
async fn secrets_of_a_uri_are_not_shown() {
    let location = CatalogLocation::Postgres("postgres://user:hidden@127.0.0.1:1/none".to_owned());
    let config = IcebergConfig::new(location, crate::LOCATION);
    assert!(!format!("{config:?}").contains("hidden"));
    let tables = IcebergTables::open(memory_backend(), config).await.unwrap();
    assert!(!format!("{tables:?} {tables}").contains("hidden"));
    let unreachable = tables.list(&ListTablesOptions::default()).await.unwrap_err();
    assert_eq!(unreachable.kind(), ErrorKind::Unavailable, "{unreachable:?}");
    assert!(!format!("{unreachable:?}").contains("hidden"));
    let location = CatalogLocation::Postgres("postgres://user:hidden@[/none".to_owned());
    let wrong = IcebergTables::open(memory_backend(), IcebergConfig::new(location, crate::LOCATION)).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Invalid);
    assert!(!format!("{wrong:?}").contains("hidden"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_of_the_same_step_have_one_winner() {
    let fixture = on_disk().await;
    let table = name("items");
    with_rows(&fixture, &table, 0).await;
    let folder = fixture.folder.as_ref().unwrap().path();
    let mut handles = Vec::new();
    for _ in 0..8 {
        handles.push(Arc::new(open(&fixture.backend, folder).await));
    }
    crate::race::one_winner_each(&handles, &table, 5).await;
    assert_eq!(ids(&*handles[0], &table, &Scan::all()).await.len(), 5);
}
