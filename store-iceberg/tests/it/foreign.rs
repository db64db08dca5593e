//! What other programs do to the tables, done with Iceberg's own types and raw SQL.

use std::path::Path;
use std::str::FromStr;

use bytes::Bytes;
use iceberg::io::FileIO;
use iceberg::spec::{
    FormatVersion, MAIN_BRANCH, ManifestList, ManifestListWriter, Operation, Snapshot, SnapshotReference,
    SnapshotRetention, Summary, TableMetadata, TableMetadataBuilder,
};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;
use worldstore_core::{DeleteOptions, ErrorKind, Key, ReadOptions, WriteOptions};
use worldstore_iceberg::{CATALOG, NAMESPACE, OrphanOptions, WATERMARK_KEY};

use crate::{Fixture, LOCATION, ids, name, objects, on_disk, open, read, rows, schema};

const POINTER: &str = "SELECT metadata_location FROM iceberg_tables
    WHERE catalog_name = 'worldstore' AND table_namespace = 'world' AND table_name = 'shared'";

/// A table with two steps, and the catalog as another program opens it.
pub(crate) async fn shared() -> (Fixture, TableName, SqlitePool) {
    let fixture = on_disk().await;
    let table = name("shared");
    fixture.tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    for step in 0..2_u64 {
        let options = AppendOptions::exactly_once(step * 10, step * 10 + 10);
        let _ = fixture.tables.append(&table, vec![rows([step as i64])], &options).await.unwrap();
    }
    let pool = catalog(fixture.folder.as_ref().unwrap().path()).await;
    (fixture, table, pool)
}

async fn catalog(folder: &Path) -> SqlitePool {
    SqlitePool::connect_with(SqliteConnectOptions::new().filename(folder.join("catalog.db"))).await.unwrap()
}

pub(crate) fn key(uri: &str) -> Key {
    Key::new(uri.strip_prefix(LOCATION).unwrap().strip_prefix('/').unwrap()).unwrap()
}

async fn pointer(pool: &SqlitePool) -> String {
    sqlx::query_scalar(POINTER).fetch_one(pool).await.unwrap()
}

async fn point(pool: &SqlitePool, to: &str) {
    let update = "UPDATE iceberg_tables SET metadata_location = ? WHERE table_name = 'shared'";
    assert_eq!(sqlx::query(update).bind(to).execute(pool).await.unwrap().rows_affected(), 1);
}

pub(crate) async fn metadata(fixture: &Fixture, pool: &SqlitePool) -> TableMetadata {
    use futures::TryStreamExt;
    let reply = fixture.backend.read(&key(&pointer(pool).await), &ReadOptions::default()).await.unwrap();
    let chunks: Vec<Bytes> = reply.body.try_collect().await.unwrap();
    serde_json::from_reader(flate2::read::GzDecoder::new(chunks.concat().as_slice())).unwrap()
}

/// Commits metadata as another program would.
pub(crate) async fn commit(fixture: &Fixture, pool: &SqlitePool, builder: TableMetadataBuilder) {
    put(fixture, pool, &builder.build().unwrap().metadata).await;
}

/// Commits what is written down like this.
pub(crate) async fn put(fixture: &Fixture, pool: &SqlitePool, new: &impl serde::Serialize) {
    let old = iceberg::MetadataLocation::from_str(&pointer(pool).await).unwrap();
    let location = old.with_next_version().to_string();
    let mut body = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    serde_json::to_writer(&mut body, new).unwrap();
    let body = body.finish().unwrap();
    let outcome = fixture.backend.write(&key(&location), body.into(), &WriteOptions::if_absent()).await.unwrap();
    assert!(matches!(outcome, worldstore_core::Outcome::Applied(_)));
    point(pool, &location).await;
}

pub(crate) async fn edit(fixture: &Fixture, pool: &SqlitePool) -> TableMetadataBuilder {
    metadata(fixture, pool).await.into_builder(Some(pointer(pool).await))
}

/// A snapshot with the files of this manifest list, as a program makes it that knows nothing of watermarks.
pub(crate) fn next_snapshot(metadata: &TableMetadata, list: &str, id: i64) -> Snapshot {
    let current = metadata.current_snapshot().unwrap();
    let mut properties = current.summary().additional_properties.clone();
    properties.remove(WATERMARK_KEY);
    properties.remove("total-records");
    Snapshot::builder()
        .with_snapshot_id(id)
        .with_parent_snapshot_id(Some(current.snapshot_id()))
        .with_sequence_number(metadata.next_sequence_number())
        .with_timestamp_ms(metadata.last_updated_ms())
        .with_manifest_list(list)
        .with_schema_id(metadata.current_schema_id())
        .with_summary(Summary { operation: Operation::Append, additional_properties: properties })
        .build()
}

#[tokio::test]
async fn the_catalog_is_laid_out_as_other_programs_expect() {
    let (fixture, _, pool) = shared().await;
    let row: (String, String, String, String, String, String) =
        sqlx::query_as("SELECT * FROM iceberg_tables").fetch_one(&pool).await.unwrap();
    assert_eq!((row.0.as_str(), row.1.as_str(), row.2.as_str()), (CATALOG, NAMESPACE, "shared"));
    let folder = "test://root/tables/world/shared/metadata/";
    assert!(row.3.starts_with(&format!("{folder}00002-")) && row.3.ends_with(".gz.metadata.json"), "{}", row.3);
    assert!(row.4.starts_with(&format!("{folder}00001-")), "{}", row.4);
    assert_eq!(row.5, "TABLE");
    let namespace: (String, String, String, String) =
        sqlx::query_as("SELECT * FROM iceberg_namespace_properties").fetch_one(&pool).await.unwrap();
    assert_eq!(namespace, (CATALOG.into(), NAMESPACE.into(), "exists".into(), "true".into()));
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&pool).await.unwrap();
    assert_eq!(journal, "wal");

    let metadata = metadata(&fixture, &pool).await;
    assert_eq!(metadata.location(), "test://root/tables/world/shared");
    assert_eq!(metadata.properties()[WATERMARK_KEY], "20");
    let summary = &metadata.current_snapshot().unwrap().summary().additional_properties;
    for (name, value) in [
        (WATERMARK_KEY, "20"),
        ("added-records", "1"),
        ("total-records", "2"),
        ("added-data-files", "1"),
        ("total-data-files", "2"),
        ("total-delete-files", "0"),
        ("total-position-deletes", "0"),
        ("total-equality-deletes", "0"),
    ] {
        assert_eq!(summary[name], value, "{name}");
    }
    let size: u64 = summary["total-files-size"].parse().unwrap();
    assert!(size > summary["added-files-size"].parse().unwrap());
}

#[tokio::test]
async fn a_rollback_of_the_snapshot_is_noticed() {
    let (fixture, table, pool) = shared().await;
    let first = metadata(&fixture, &pool).await.current_snapshot().unwrap().parent_snapshot_id().unwrap();
    let retention =
        SnapshotRetention::Branch { min_snapshots_to_keep: None, max_snapshot_age_ms: None, max_ref_age_ms: None };
    let builder = edit(&fixture, &pool).await.set_ref(MAIN_BRANCH, SnapshotReference::new(first, retention)).unwrap();
    commit(&fixture, &pool, builder).await;

    let fresh = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    for tables in [&fixture.tables, &fresh] {
        let options = AppendOptions::exactly_once(10, 20);
        let error = tables.append(&table, vec![rows([1])], &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let context: Vec<_> = error.context().collect();
        assert!(context.contains(&("property", "20")) && context.contains(&("snapshot", "10")), "{error}");
        assert_eq!(read(tables, &table, &Scan::all()).await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn a_catalog_that_went_back_is_noticed_by_who_saw_more() {
    let (fixture, table, pool) = shared().await;
    let update: String =
        sqlx::query_scalar("SELECT previous_metadata_location FROM iceberg_tables").fetch_one(&pool).await.unwrap();
    point(&pool, &update).await;
    let error = fixture.tables.describe(&table, &DescribeOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    // Who never saw more cannot know.
    let fresh = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    assert_eq!(fresh.describe(&table, &DescribeOptions::default()).await.unwrap().watermark, 10);
}

#[tokio::test]
async fn a_changed_property_is_noticed() {
    let (fixture, table, pool) = shared().await;
    let builder = edit(&fixture, &pool).await;
    let builder = builder.set_properties([(WATERMARK_KEY.to_owned(), "77".to_owned())].into()).unwrap();
    commit(&fixture, &pool, builder).await;
    let error = fixture.tables.describe(&table, &DescribeOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

/// Where others use its files too, an owner says so in this property.
#[tokio::test]
async fn files_of_a_table_that_keeps_them_are_not_deleted() {
    let (fixture, table, pool) = shared().await;
    let keeps = [("gc.enabled".to_owned(), "false".to_owned())];
    commit(&fixture, &pool, edit(&fixture, &pool).await.set_properties(keeps.into()).unwrap()).await;
    let before = objects(&fixture.backend).await;
    let expiry = fixture.tables.expire(&table, &ExpireOptions::default().with_keep(1)).await.unwrap_err();
    let orphans = fixture.tables.remove_orphans(&table, &OrphanOptions::default()).await.unwrap_err();
    for error in [expiry, orphans] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("gc.enabled"), "{error}");
    }
    assert_eq!(objects(&fixture.backend).await, before);
}

#[tokio::test]
async fn a_foreign_append_is_read_and_appended_to() {
    let (fixture, table, pool) = shared().await;
    let before = metadata(&fixture, &pool).await;
    let snapshot = next_snapshot(&before, before.current_snapshot().unwrap().manifest_list(), 4711);
    commit(&fixture, &pool, edit(&fixture, &pool).await.set_branch_snapshot(snapshot, MAIN_BRANCH).unwrap()).await;

    let info = fixture.tables.describe(&table, &DescribeOptions::default()).await.unwrap();
    assert_eq!((info.version, info.watermark, info.rows), (3, 20, 2));
    let options = AppendOptions::exactly_once(20, 30);
    let receipt = fixture.tables.append(&table, vec![rows([2])], &options).await.unwrap();
    assert_eq!(receipt.version, Some(4));
    assert_eq!(ids(&fixture.tables, &table, &Scan::all()).await, [0, 1, 2]);
    let history = fixture.tables.history(&table, &HistoryOptions::default()).await.unwrap();
    let history: Vec<_> = history.iter().map(|version| (version.version, version.watermark)).collect();
    assert_eq!(history, [(0, 0), (1, 10), (2, 20), (3, 20), (4, 30)]);
    // The totals are not known from the foreign snapshot on, so rows are counted.
    assert_eq!(fixture.tables.describe(&table, &DescribeOptions::default()).await.unwrap().rows, 3);
}

/// The manifests of the current snapshot.
pub(crate) async fn listed(fixture: &Fixture, metadata: &TableMetadata) -> ManifestList {
    let list = key(metadata.current_snapshot().unwrap().manifest_list());
    let chunks = fixture.backend.read(&list, &ReadOptions::default()).await.unwrap().body;
    let chunks: Vec<Bytes> = futures::TryStreamExt::try_collect(chunks).await.unwrap();
    ManifestList::parse_with_version(&chunks.concat(), FormatVersion::V2).unwrap()
}

/// Its list as a program of format version 1 may write it, without a count.
async fn uncounted(fixture: &Fixture, metadata: &TableMetadata) -> String {
    let list = listed(fixture, metadata).await;
    let manifests = list.consume_entries().into_iter().map(|mut manifest| {
        (manifest.added_files_count, manifest.existing_files_count, manifest.deleted_files_count) = (None, None, None);
        (manifest.added_rows_count, manifest.existing_rows_count, manifest.deleted_rows_count) = (None, None, None);
        manifest
    });
    let (io, place) = (FileIO::new_with_memory(), "memory:/list.avro");
    let mut writer = ManifestListWriter::v1(io.new_output(place).unwrap().writer().await.unwrap(), 4711, None);
    writer.add_manifests(manifests).unwrap();
    writer.close().await.unwrap();
    let place_here = format!("{}/metadata/uncounted.avro", metadata.location());
    let written = io.new_input(place).unwrap().read().await.unwrap();
    let _ = fixture.backend.write(&key(&place_here), written, &WriteOptions::if_absent()).await.unwrap();
    place_here
}

#[tokio::test]
async fn manifests_that_were_not_counted_are_counted_by_the_next_commit() {
    let (fixture, table, pool) = shared().await;
    let before = metadata(&fixture, &pool).await;
    let list = uncounted(&fixture, &before).await;
    let snapshot = next_snapshot(&before, &list, 4711);
    commit(&fixture, &pool, edit(&fixture, &pool).await.set_branch_snapshot(snapshot, MAIN_BRANCH).unwrap()).await;
    assert_eq!(ids(&fixture.tables, &table, &Scan::all()).await, [0, 1]);
    let options = AppendOptions::exactly_once(20, 30);
    let receipt = fixture.tables.append(&table, vec![rows([2])], &options).await.unwrap();
    assert_eq!(receipt.version, Some(4));
    assert_eq!(ids(&fixture.tables, &table, &Scan::all()).await, [0, 1, 2]);

    let after = metadata(&fixture, &pool).await;
    let list = listed(&fixture, &after).await;
    for manifest in list.entries() {
        let added = (manifest.added_files_count, manifest.added_rows_count);
        let others = (manifest.existing_files_count, manifest.existing_rows_count, manifest.deleted_files_count);
        assert_eq!((added, others), ((Some(1), Some(1)), (Some(0), Some(0), Some(0))), "{}", manifest.manifest_path);
    }
    assert_eq!(list.entries().len(), 3);
}

#[tokio::test]
async fn a_missing_file_is_an_error_not_an_empty_table() {
    for ending in [".parquet", "-m0.avro", ".metadata.json"] {
        let (fixture, table, _pool) = shared().await;
        for gone in objects(&fixture.backend).await.iter().filter(|key| key.ends_with(ending)) {
            fixture.backend.delete(&[Key::new(gone).unwrap()], &DeleteOptions::default()).await.unwrap();
        }
        let fresh = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
        let error = read(&fresh, &table, &Scan::all()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{ending}: {error:?}");
        let error = fresh.create(&table, &CreateOptions::new(schema())).await.unwrap_err();
        let expected = if ending == ".metadata.json" { ErrorKind::Corrupt } else { ErrorKind::AlreadyExists };
        assert_eq!(error.kind(), expected, "{ending}");
    }
}

#[tokio::test]
async fn damaged_data_is_an_error() {
    let (fixture, table, _pool) = shared().await;
    let keys = objects(&fixture.backend).await;
    let data = Key::new(keys.iter().find(|key| key.ends_with(".parquet")).unwrap()).unwrap();
    let outcome = fixture.backend.write(&data, Bytes::from(vec![7; 2000]), &WriteOptions::default()).await.unwrap();
    assert!(matches!(outcome, worldstore_core::Outcome::Applied(_)));
    assert_eq!(read(&fixture.tables, &table, &Scan::all()).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_catalog_of_the_older_layout_is_extended() {
    let fixture = on_disk().await;
    let folder = fixture.folder.as_ref().unwrap().path();
    let options = SqliteConnectOptions::new().filename(folder.join("catalog.db")).create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let old = "CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,
        table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000),
        PRIMARY KEY (catalog_name, table_namespace, table_name))";
    sqlx::query(old).execute(&pool).await.unwrap();
    pool.close().await;
    let table = name("later");
    assert!(fixture.tables.list(&ListTablesOptions::default()).await.unwrap().is_empty());
    fixture.tables.create(&table, &CreateOptions::new(schema())).await.unwrap();
    let _ = fixture.tables.append(&table, vec![rows(0..2)], &AppendOptions::exactly_once(0, 1)).await.unwrap();
    assert_eq!(ids(&fixture.tables, &table, &Scan::all()).await, [0, 1]);
}

#[tokio::test]
async fn versions_that_a_branch_or_a_tag_names_do_not_expire() {
    let (fixture, table, pool) = shared().await;
    let _ = fixture.tables.append(&table, vec![rows([2])], &AppendOptions::exactly_once(20, 30)).await.unwrap();
    let first =
        metadata(&fixture, &pool).await.snapshots().map(|each| (each.sequence_number(), each.snapshot_id())).min();
    let (number, id) = first.unwrap();
    let tag = SnapshotReference::new(id, SnapshotRetention::Tag { max_ref_age_ms: None });
    let builder = edit(&fixture, &pool).await.set_ref("audited", tag).unwrap();
    commit(&fixture, &pool, builder).await;
    let expired = fixture.tables.expire(&table, &ExpireOptions::default()).await.unwrap();
    assert_eq!(expired.versions, [2]);
    let after = metadata(&fixture, &pool).await;
    assert_eq!(after.snapshot_for_ref("audited").map(|kept| kept.snapshot_id()), Some(id));
    assert_eq!(ids(&fixture.tables, &table, &Scan::all().with_version(number as u64)).await, [0]);
}

#[tokio::test]
async fn a_table_in_whose_folder_another_lies_is_not_removed() {
    let (fixture, table, pool) = shared().await;
    fixture.tables.create(&name("other"), &CreateOptions::new(schema())).await.unwrap();
    let _ = fixture.tables.append(&name("other"), vec![rows([7])], &AppendOptions::default()).await.unwrap();
    let above = metadata(&fixture, &pool).await.location().rsplit_once('/').unwrap().0.to_owned();
    let builder = edit(&fixture, &pool).await.set_location(above);
    commit(&fixture, &pool, builder).await;
    let refused = fixture.tables.remove(&table, &RemoveTableOptions::default()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert_eq!(ids(&fixture.tables, &name("other"), &Scan::all()).await, [7]);
    assert_eq!(ids(&fixture.tables, &table, &Scan::all()).await, [0, 1], "nor is it half gone");
}

#[tokio::test]
async fn a_table_of_a_name_that_is_none_of_ours_is_seen_in_the_folder() {
    let (fixture, table, pool) = shared().await;
    fixture.tables.create(&name("other"), &CreateOptions::new(schema())).await.unwrap();
    let register =
        "INSERT INTO iceberg_tables SELECT catalog_name, table_namespace, 'shared-backup', metadata_location,
        previous_metadata_location, iceberg_type FROM iceberg_tables WHERE table_name = 'shared'";
    sqlx::query(register).execute(&pool).await.unwrap();
    let at_once = OrphanOptions::default().with_older_than(std::time::Duration::ZERO);
    let refused = fixture.tables.remove_orphans(&table, &at_once).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.context().any(|told| told == ("other", "shared-backup")), "{refused}");

    let move_to = |place: Option<&'static str>| {
        let update = "UPDATE iceberg_tables SET metadata_location = ? WHERE table_name = 'shared-backup'";
        sqlx::query(update).bind(place).execute(&pool)
    };
    // Where nobody can look, it may be anywhere.
    for place in [Some("s3://elsewhere/metadata/00000-x.metadata.json"), None] {
        move_to(place).await.unwrap();
        let refused = fixture.tables.remove_orphans(&table, &at_once).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.context().any(|told| told == ("other", "shared-backup")), "{refused}");
    }
    // In another folder it is in nobody's way.
    let rename = "UPDATE iceberg_tables SET table_name = 'other-backup' WHERE table_name = 'other'";
    sqlx::query("DELETE FROM iceberg_tables WHERE table_name = 'shared-backup'").execute(&pool).await.unwrap();
    sqlx::query(rename).execute(&pool).await.unwrap();
    fixture.tables.remove_orphans(&table, &at_once).await.unwrap();
    assert_eq!(ids(&fixture.tables, &table, &Scan::all()).await, [0, 1]);
}
