//! What other programs and other hosts do to the tables beside appending: clocks that differ, upkeep, and new columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use iceberg::io::FileIO;
use iceberg::spec::{
    DataContentType, DataFile, DataFileBuilder, DataFileFormat, Literal, MAIN_BRANCH, ManifestListWriter,
    ManifestWriterBuilder, NestedField, NestedFieldRef, PrimitiveType, Schema as IcebergSchema, SnapshotReference,
    SnapshotRetention, Struct, TableMetadata, Transform, Type, UnboundPartitionSpec,
};
use parquet::arrow::{ArrowWriter, PARQUET_FIELD_ID_META_KEY};
use sqlx::sqlite::SqlitePool;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::*;
use worldstore_core::{ErrorKind, Outcome, WriteOptions};

use crate::foreign::{commit, edit, key, listed, metadata, next_snapshot, put, shared};
use crate::{Fixture, ids, lines, open, read, rows, schema};

#[tokio::test]
async fn what_changes_under_a_clock_that_is_behind_stays_readable() {
    let (fixture, table, pool) = shared().await;
    let mut ahead = serde_json::to_value(metadata(&fixture, &pool).await).unwrap();
    let time = ahead["last-updated-ms"].as_i64().unwrap() + 600_000;
    ahead["last-updated-ms"] = time.into();
    put(&fixture, &pool, &ahead).await;
    let expired = fixture.tables.expire(&table, &ExpireOptions::default()).await.unwrap();
    assert_eq!(expired.versions, [1]);
    let fresh = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    assert_eq!(ids(&fresh, &table, &Scan::all()).await, [0, 1]);
    assert!(metadata(&fixture, &pool).await.last_updated_ms() >= time);

    // A snapshot has a time that is ahead, too, and stands in the logs with it.
    let _ = fresh.append(&table, vec![rows([2])], &AppendOptions::exactly_once(20, 30)).await.unwrap();
    let column = EvolveOptions::add(vec![Field::new("new", DataType::Int64, true)]);
    assert_eq!(fresh.evolve(&table, &column).await.unwrap().schema.fields().len(), 4);
    assert_eq!(fresh.expire(&table, &ExpireOptions::default()).await.unwrap().versions, [2, 3]);
    let after = metadata(&fixture, &pool).await;
    assert!(after.history().iter().all(|entry| entry.timestamp_ms >= time), "{:?}", after.history());
    let fresh = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    assert_eq!(ids(&fresh, &table, &Scan::all()).await, [0, 1, 2]);
}

async fn write(fixture: &Fixture, path: &str, bytes: Bytes) {
    let outcome = fixture.backend.write(&key(path), bytes, &WriteOptions::if_absent()).await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)));
}

/// A file with the column `id` alone, whose `note` is that of its partition.
async fn hive_file(fixture: &Fixture, metadata: &TableMetadata, id: i64, note: Option<&str>) -> DataFile {
    let field_id = metadata.current_schema().field_id_by_name("id").unwrap().to_string();
    let field = Field::new("id", DataType::Int64, false);
    let field = field.with_metadata(HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), field_id)]));
    let rows: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![id]))];
    let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), rows).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let path = format!("{}/data/note={}/{id}.parquet", metadata.location(), note.unwrap_or("none"));
    let mut file = DataFileBuilder::default();
    file.content(DataContentType::Data).file_path(path.clone()).file_format(DataFileFormat::Parquet);
    file.partition(Struct::from_iter([note.map(Literal::string)])).record_count(1);
    file.file_size_in_bytes(bytes.len() as u64).partition_spec_id(metadata.default_partition_spec_id());
    write(fixture, &path, bytes.into()).await;
    file.build().unwrap()
}

/// A list of the manifests that are there, and of a new one with these files.
async fn list_with(fixture: &Fixture, metadata: &TableMetadata, files: Vec<DataFile>) -> String {
    let (io, folder) = (FileIO::new_with_memory(), format!("{}/metadata", metadata.location()));
    let (schema, spec) = (metadata.current_schema().clone(), metadata.default_partition_spec().as_ref().clone());
    let output = io.new_output("memory:/manifest.avro").unwrap();
    let mut writer = ManifestWriterBuilder::new(output, Some(4711), schema, spec).build_v2_data();
    for file in files {
        writer.add_file(file, -1).unwrap();
    }
    let mut manifest = writer.write_manifest_file().await.unwrap();
    manifest.manifest_path = format!("{folder}/hive-m0.avro");
    let written = io.new_input("memory:/manifest.avro").unwrap().read().await.unwrap();
    write(fixture, &manifest.manifest_path, written).await;
    let output = io.new_output("memory:/list.avro").unwrap().writer().await.unwrap();
    let (parent, sequence) = (metadata.current_snapshot_id(), metadata.next_sequence_number());
    let mut list = ManifestListWriter::v2(output, 4711, parent, sequence);
    let before = listed(fixture, metadata).await.consume_entries();
    list.add_manifests(before.into_iter().chain([manifest])).unwrap();
    list.close().await.unwrap();
    let path = format!("{folder}/hive.avro");
    write(fixture, &path, io.new_input("memory:/list.avro").unwrap().read().await.unwrap()).await;
    path
}

#[tokio::test]
async fn a_column_that_only_the_partition_has_is_read_from_it() {
    let (fixture, table, pool) = shared().await;
    let before = metadata(&fixture, &pool).await;
    let note = before.current_schema().field_id_by_name("note").unwrap();
    let spec = UnboundPartitionSpec::builder().add_partition_field(note, "note", Transform::Identity).unwrap();
    let builder = edit(&fixture, &pool).await.add_default_partition_spec(spec.build()).unwrap();
    commit(&fixture, &pool, builder).await;
    let before = metadata(&fixture, &pool).await;
    let mut files = Vec::new();
    for (id, note) in [(10, Some("eu")), (11, Some("eu")), (20, Some("us")), (30, None)] {
        files.push(hive_file(&fixture, &before, id, note).await);
    }
    let snapshot = next_snapshot(&before, &list_with(&fixture, &before, files).await, 4711);
    commit(&fixture, &pool, edit(&fixture, &pool).await.set_branch_snapshot(snapshot, MAIN_BRANCH).unwrap()).await;

    let eu = Scan::all().with_predicate(Predicate::eq("note", "eu"));
    assert_eq!(ids(&fixture.tables, &table, &eu).await, [10, 11]);
    let notes = Scan::all().with_columns(["id", "note"]);
    let found = lines(&read(&fixture.tables, &table, &notes).await.unwrap());
    assert_eq!(found, ["0|null", "10|eu", "11|eu", "1|note 1", "20|us", "30|null"]);
    // Compaction writes them down.
    let drop_us = CompactOptions::default().with_drop(Predicate::eq("note", "us"));
    let packed = fixture.tables.compact(&table, &drop_us).await.unwrap();
    assert_eq!(packed.dropped_rows, 1);
    let found = lines(&read(&fixture.tables, &table, &notes).await.unwrap());
    assert_eq!(found, ["0|null", "10|eu", "11|eu", "1|note 1", "30|null"]);
    assert_eq!(ids(&fixture.tables, &table, &eu).await, [10, 11]);
}

/// A snapshot with this id that has the files of the current one and no mark.
async fn unmarked(fixture: &Fixture, pool: &SqlitePool, id: i64) {
    let before = metadata(fixture, pool).await;
    let current = before.current_snapshot().unwrap();
    let snapshot = next_snapshot(&before, current.manifest_list(), id);
    commit(fixture, pool, edit(fixture, pool).await.set_branch_snapshot(snapshot, MAIN_BRANCH).unwrap()).await;
}

/// Takes out all snapshots but these, and where the parents' ids are taken out with them, those too.
async fn keep_only(fixture: &Fixture, pool: &SqlitePool, kept: &[i64], with_parents: bool) {
    let before = metadata(fixture, pool).await;
    let gone: Vec<i64> =
        before.snapshots().map(|one| one.snapshot_id()).filter(|snapshot| !kept.contains(snapshot)).collect();
    let built = edit(fixture, pool).await.remove_snapshots(&gone).build().unwrap().metadata;
    let mut written = serde_json::to_value(&built).unwrap();
    for snapshot in written["snapshots"].as_array_mut().unwrap() {
        let parent = snapshot["parent-snapshot-id"].as_i64();
        if with_parents && parent.is_some_and(|parent| gone.contains(&parent)) {
            snapshot.as_object_mut().unwrap().remove("parent-snapshot-id");
        }
    }
    put(fixture, pool, &written).await;
}

#[tokio::test]
async fn a_table_of_which_others_let_all_our_versions_expire_keeps_its_marks() {
    for with_parents in [false, true] {
        let (fixture, table, pool) = shared().await;
        let folder = fixture.folder.as_ref().unwrap().path();
        unmarked(&fixture, &pool, 4711).await;
        keep_only(&fixture, &pool, &[4711], with_parents).await;
        let fresh = open(&fixture.backend, folder).await;
        for tables in [&fixture.tables, &fresh] {
            let info = tables.describe(&table, &DescribeOptions::default()).await.unwrap();
            assert_eq!((info.version, info.watermark, info.rows), (3, 20, 2), "{with_parents}");
            assert_eq!(ids(tables, &table, &Scan::all()).await, [0, 1]);
        }
        let again = fresh.append(&table, vec![rows([1])], &AppendOptions::exactly_once(10, 20)).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::ConditionFailed, "{again:?}");
        let _ = fresh.append(&table, vec![rows([2])], &AppendOptions::exactly_once(20, 30)).await.unwrap();
        let history = fresh.history(&table, &HistoryOptions::default()).await.unwrap();
        let history: Vec<_> = history.iter().map(|version| (version.version, version.watermark)).collect();
        assert_eq!(history.last(), Some(&(4, 30)));
    }
}

#[tokio::test]
async fn a_rollback_is_noticed_though_no_version_has_a_mark() {
    let (fixture, table, pool) = shared().await;
    unmarked(&fixture, &pool, 4711).await;
    unmarked(&fixture, &pool, 4712).await;
    keep_only(&fixture, &pool, &[4711, 4712], false).await;
    let info = fixture.tables.describe(&table, &DescribeOptions::default()).await.unwrap();
    assert_eq!((info.version, info.watermark), (4, 20));
    let retention =
        SnapshotRetention::Branch { min_snapshots_to_keep: None, max_snapshot_age_ms: None, max_ref_age_ms: None };
    let older = SnapshotReference::new(4711, retention);
    commit(&fixture, &pool, edit(&fixture, &pool).await.set_ref(MAIN_BRANCH, older).unwrap()).await;
    let fresh = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    for tables in [&fixture.tables, &fresh] {
        let error = tables.describe(&table, &DescribeOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    }
}

#[tokio::test]
async fn a_version_that_is_asked_for_has_the_columns_that_it_was_made_with() {
    let (fixture, table, pool) = shared().await;
    let before = metadata(&fixture, &pool).await;
    let added = NestedField::optional(before.last_column_id() + 1, "later", Type::Primitive(PrimitiveType::Long));
    let renamed = |field: &NestedFieldRef| {
        let name = if field.name == "note" { "remark".to_owned() } else { field.name.clone() };
        Arc::new(NestedField { name, ..field.as_ref().clone() })
    };
    let fields = before.current_schema().as_struct().fields().iter().map(renamed).chain([added.into()]);
    let wider = IcebergSchema::builder().with_fields(fields.collect::<Vec<_>>()).build().unwrap();
    commit(&fixture, &pool, edit(&fixture, &pool).await.add_current_schema(wider).unwrap()).await;

    let fresh = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    for tables in [&fixture.tables, &fresh] {
        let named = tables.describe(&table, &DescribeOptions::default().with_version(2)).await.unwrap();
        assert_eq!((named.version, &named.schema), (2, &schema()));
        let newest = tables.describe(&table, &DescribeOptions::default()).await.unwrap();
        assert_eq!((newest.version, newest.schema.fields().len()), (2, 4));
        // Either can be read by the names that it tells.
        for schema in [named.schema, newest.schema] {
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let batches = read(tables, &table, &Scan::all().with_version(2).with_columns(names)).await.unwrap();
            assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
            assert!(batches.iter().all(|batch| batch.schema() == schema));
        }
    }
    let empty = fresh.describe(&table, &DescribeOptions::default().with_version(0)).await.unwrap();
    assert_eq!(empty.schema, schema());
}

#[tokio::test]
async fn a_column_that_took_the_name_of_another_is_not_read_for_it() {
    let (fixture, table, pool) = shared().await;
    let before = metadata(&fixture, &pool).await;
    let next = before.last_column_id() + 1;
    let replaced = |field: &NestedFieldRef| {
        let id = if field.name == "note" { next } else { field.id };
        Arc::new(NestedField { id, ..field.as_ref().clone() })
    };
    let fields: Vec<_> = before.current_schema().as_struct().fields().iter().map(replaced).collect();
    let other = IcebergSchema::builder().with_fields(fields).build().unwrap();
    commit(&fixture, &pool, edit(&fixture, &pool).await.add_current_schema(other).unwrap()).await;

    // Who knows the version from before reads it by the columns of then.
    assert_eq!(read(&fixture.tables, &table, &Scan::all().with_version(2)).await.unwrap().len(), 2);
    let fresh = open(&fixture.backend, fixture.folder.as_ref().unwrap().path()).await;
    let refused = read(&fresh, &table, &Scan::all().with_version(2)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    assert!(refused.context().any(|(key, value)| (key, value) == ("column", "note")), "{refused}");
    let others = Scan::all().with_version(2).with_columns(["id"]);
    assert_eq!(read(&fresh, &table, &others).await.unwrap().len(), 2);
    assert!(read(&fresh, &table, &Scan::all()).await.is_ok(), "the newest is what it says");
}
