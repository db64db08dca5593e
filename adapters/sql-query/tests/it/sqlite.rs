//! Queries of a SQLite file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use rusqlite::Connection;
use worldstore_async::{SyncBackendAdapter, conformance as async_conformance};
use worldstore_core::{
    Backend, CheckOptions, DeleteOptions, ErrorKind, ListOptions, Prefix, ReadOptions, ReadRange, ReadRangesOptions,
    Result, Retry, StatOptions, conformance,
};
use worldstore_sql_query::{SqlQueryConfig, SqliteQueries};

use crate::support::{from_arrow, from_csv, from_parquet, key};

struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl File {
    fn new(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b.db");
        let file = Self { _folder: folder, path };
        file.run(sql);
        file
    }

    fn run(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    fn config(&self, queries: &[(&str, &str)]) -> SqlQueryConfig {
        let uri = format!("sqlite://{}", self.path.display().to_string().replace(' ', "%20"));
        let config = SqlQueryConfig::from_uri(&uri).unwrap();
        queries.iter().fold(config, |config, (name, sql)| config.with_query(name, sql).unwrap())
    }

    fn open(&self, queries: &[(&str, &str)]) -> SqliteQueries {
        self.config(queries).open_sqlite().unwrap()
    }
}

fn bytes(backend: &dyn Backend, name: &str, options: ReadOptions) -> Result<Vec<u8>> {
    let reply = backend.read(&key(name), &options)?;
    Ok(reply.body.collect::<Result<Vec<_>>>()?.concat())
}

fn all(backend: &dyn Backend, name: &str) -> Result<Vec<u8>> {
    bytes(backend, name, ReadOptions::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_finds_an_honest_read_only_backend_on_both_sides() {
    let file = File::new("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)");
    let below = Prefix::new("kit").unwrap();
    let queries = [("t", "SELECT a FROM t")];
    let sync = conformance::run(&file.open(&queries), &below).into_result().unwrap().transcript();
    let adapted = SyncBackendAdapter::new(Arc::new(file.open(&queries)));
    let adapted = async_conformance::run(&adapted, &below).await.into_result().unwrap().transcript();
    assert_eq!(sync, adapted);
    assert!(!sync.is_empty());
}

#[test]
fn every_value_comes_back_as_it_was() {
    let file = File::new("CREATE TABLE t (i INTEGER, r REAL, s TEXT, b BLOB)");
    let integers = [Some(i64::MIN), None, Some(0), Some(i64::MAX)];
    let reals = [None, Some(0.1), Some(f64::MIN_POSITIVE), Some(f64::MAX)];
    let texts = [Some("é, \"quoted\"\nand 🌍"), Some("NULL"), None, Some("x")];
    let blobs: [Option<&[u8]>; 4] = [Some(&[0, 255]), Some(b"text"), Some(&[]), None];
    let connection = Connection::open(&file.path).unwrap();
    for at in 0..4 {
        let row = rusqlite::params![integers[at], reals[at], texts[at], blobs[at]];
        connection.execute("INSERT INTO t VALUES (?, ?, ?, ?)", row).unwrap();
    }
    let expected: [ArrayRef; 4] = [
        Arc::new(Int64Array::from(integers.to_vec())),
        Arc::new(Float64Array::from(reals.to_vec())),
        Arc::new(StringArray::from(texts.to_vec())),
        Arc::new(BinaryArray::from(blobs.to_vec())),
    ];
    let backend =
        file.open(&[("t", "SELECT * FROM t ORDER BY rowid"), ("no_blobs", "SELECT i, r, s FROM t ORDER BY rowid")]);
    for batch in [from_arrow(all(&backend, "t.arrow").unwrap()), from_parquet(all(&backend, "t.parquet").unwrap())] {
        assert_eq!(
            batch.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
            ["i", "r", "s", "b"]
        );
        assert_eq!(batch.columns(), expected);
    }
    let schema = from_arrow(all(&backend, "no_blobs.arrow").unwrap()).schema();
    let csv = from_csv(all(&backend, "no_blobs.csv").unwrap(), schema);
    assert_eq!(csv.columns(), &expected[..3]);
    let text = String::from_utf8(all(&backend, "t.csv").unwrap()).unwrap();
    assert!(
        text.starts_with("i,r,s,b\n-9223372036854775808,,\"é, \"\"quoted\"\"\nand 🌍\",00ff\n,0.1,NULL,74657874\n"),
        "{text}"
    );
}

#[test]
fn a_column_of_several_types_is_refused_with_its_place() {
    let file = File::new("CREATE TABLE t (a); INSERT INTO t VALUES (NULL), (1), (2), ('3')");
    let backend = file.open(&[
        ("t", "SELECT a FROM t ORDER BY rowid"),
        ("cast", "SELECT CAST(a AS TEXT) AS a FROM t ORDER BY rowid"),
    ]);
    for name in ["t.arrow", "t.csv", "t.parquet"] {
        let error = backend.stat(&key(name), &StatOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let shown = error.to_string();
        assert!(shown.contains("column: a, row: 3, type: Text, type_before: Integer, query: t"), "{shown}");
    }
    let batch = from_arrow(all(&backend, "cast.arrow").unwrap());
    assert_eq!(batch.column(0).as_string::<i32>(), &StringArray::from(vec![None, Some("1"), Some("2"), Some("3")]));
}

#[test]
fn columns_without_values_have_the_type_of_their_table() {
    let file = File::new("CREATE TABLE t (i BIGINT, r DOUBLE, s VARCHAR(3), b BLOB, n NUMERIC)");
    let backend = file.open(&[("t", "SELECT *, NULL AS x FROM t")]);
    let types =
        |batch: RecordBatch| batch.schema().fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>();
    let expected =
        [DataType::Int64, DataType::Float64, DataType::Utf8, DataType::Binary, DataType::Null, DataType::Null];
    assert_eq!(types(from_arrow(all(&backend, "t.arrow").unwrap())), expected);
    assert_eq!(types(from_parquet(all(&backend, "t.parquet").unwrap())), expected);
    file.run("INSERT INTO t (r) VALUES (NULL)");
    let batch = from_parquet(all(&backend, "t.parquet").unwrap());
    assert_eq!((types(batch.clone()), batch.num_rows()), (expected.to_vec(), 1));
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().null_count(), 1);
}

#[test]
fn a_version_is_its_bytes_and_pins_one_result() {
    let file = File::new("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    let queries = [("t", "SELECT a FROM t ORDER BY a")];
    for cache in [0, 1 << 20] {
        let backend = file.config(&queries).with_cache_bytes_max(cache).open_sqlite().unwrap();
        let meta = backend.stat(&key("t.csv"), &StatOptions::default()).unwrap();
        assert_eq!(backend.stat(&key("t.csv"), &StatOptions::default()).unwrap(), meta);
        assert_eq!(meta.size, 4);
        let pinned = ReadOptions::default().with_version(meta.version.clone().unwrap());
        let ranges = ReadRangesOptions::default().with_version(meta.version.clone().unwrap());
        assert_eq!(bytes(&backend, "t.csv", pinned.clone()).unwrap(), b"a\n1\n");
        file.run("INSERT INTO t VALUES (2)");
        let tail = pinned.clone().with_range(ReadRange::Last(2));
        if cache == 0 {
            assert_eq!(bytes(&backend, "t.csv", tail).unwrap_err().kind(), ErrorKind::ConditionFailed);
            let error = backend.read_ranges(&key("t.csv"), &[0..1], &ranges).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConditionFailed);
        } else {
            assert_eq!(bytes(&backend, "t.csv", tail).unwrap(), b"1\n", "the result that was begun with");
            assert_eq!(backend.read_ranges(&key("t.csv"), &[2..4, 0..1], &ranges).unwrap(), ["1\n", "a"]);
        }
        assert_eq!(all(&backend, "t.csv").unwrap(), b"a\n1\n2\n");
        assert_ne!(backend.stat(&key("t.csv"), &StatOptions::default()).unwrap().version, meta.version);
        let error = backend.read_ranges(&key("t.csv"), &[0..99], &ReadRangesOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        file.run("DELETE FROM t WHERE a = 2");
        assert_eq!(backend.stat(&key("t.csv"), &StatOptions::default()).unwrap(), meta, "the same bytes again");
    }
}

#[test]
fn a_listing_shows_every_name_in_every_format() {
    let file = File::new("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    let sql = "SELECT a FROM t";
    let backend = file.open(&[("t", sql), ("day/é %_", sql), ("t.b", sql)]);
    let page = backend.list(&Prefix::root(), &ListOptions::default()).unwrap();
    let names: Vec<_> = page.objects.iter().map(|meta| meta.key.as_str()).collect();
    let expected = [
        "day/é %_.arrow",
        "day/é %_.csv",
        "day/é %_.parquet",
        "t.arrow",
        "t.b.arrow",
        "t.b.csv",
        "t.b.parquet",
        "t.csv",
        "t.parquet",
    ];
    assert_eq!(names, expected);
    for meta in &page.objects {
        assert_eq!(backend.stat(&meta.key, &StatOptions::default()).unwrap(), *meta);
    }
    let level = backend.list(&Prefix::root(), &ListOptions::default().one_level().with_limit(2)).unwrap();
    assert_eq!((level.folders, level.objects[0].key.as_str()), (vec![Prefix::new("day").unwrap()], "t.arrow"));
    let next = ListOptions::default().one_level().with_token(level.next.unwrap());
    assert_eq!(backend.list(&Prefix::root(), &next).unwrap().objects.len(), 5);
    assert_eq!(backend.list(&Prefix::new("day").unwrap(), &ListOptions::default()).unwrap().objects.len(), 3);
    for name in ["none.csv", "t", "t.txt", "T.csv", "day"] {
        assert_eq!(
            backend.stat(&key(name), &StatOptions::default()).unwrap_err().kind(),
            ErrorKind::NotFound,
            "{name}"
        );
    }
}

#[test]
fn what_is_no_query_is_refused_and_changes_nothing() {
    let file = File::new("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    let other = file.path.with_file_name("other.db");
    let attach = format!("ATTACH '{}' AS other", other.display());
    let wrong = [
        "INSERT INTO t VALUES (2) RETURNING a",
        "DELETE FROM t",
        "DROP TABLE t",
        "SELECT 1; DELETE FROM t",
        "",
        "--",
        "PRAGMA user_version = 7",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = WAL",
        "BEGIN IMMEDIATE",
        &attach,
        "SELECT ?1",
        "SELECT * FROM none",
        "SELEC 1",
        "VACUUM",
        "SELECT 1 AS a, 2 AS a",
    ];
    let before = std::fs::read(&file.path).unwrap();
    for sql in wrong {
        let backend = file.open(&[("q", sql)]);
        let error = backend.stat(&key("q.csv"), &StatOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{sql}: {error:?}");
        assert!(error.to_string().contains("query: q") || sql.contains("AS a"), "{error}");
    }
    assert_eq!(std::fs::read(&file.path).unwrap(), before);
    assert!(!other.exists());
    let backend = file.open(&[("q", "SELECT a FROM t")]);
    backend.check(&CheckOptions::default()).unwrap();
    let error = backend.delete(&[key("q.csv")], &DeleteOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let broken = file.open(&[("q", "SELECT a FROM none")]).check(&CheckOptions::default()).unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::Invalid);
}

#[test]
fn time_and_size_are_bounded_and_files_are_what_they_say() {
    let file = File::new("CREATE TABLE t (a)");
    let endless = "WITH RECURSIVE n (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) SELECT max(a) FROM n";
    let config = file.config(&[("endless", endless)]).with_timeout(Duration::from_millis(50));
    let error = all(&config.open_sqlite().unwrap(), "endless.csv").unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Later), "{error:?}");
    let large = file.config(&[("large", "SELECT zeroblob(2000) AS a")]);
    assert!(all(&large.clone().open_sqlite().unwrap(), "large.arrow").is_ok());
    let error = all(&large.with_result_bytes_max(2_000).open_sqlite().unwrap(), "large.arrow").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    std::fs::write(&file.path, "no database ".repeat(100)).unwrap();
    assert_eq!(all(&file.open(&[("q", "SELECT 1")]), "q.csv").unwrap_err().kind(), ErrorKind::Corrupt);
    std::fs::remove_file(&file.path).unwrap();
    assert_eq!(all(&file.open(&[("q", "SELECT 1")]), "q.csv").unwrap_err().kind(), ErrorKind::NotFound);
    let error = file.config(&[]).open_sqlite().unwrap().check(&CheckOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
