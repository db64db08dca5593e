//! Tables from which other programs have deleted rows by delete files, and whose data files have no field ids.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use iceberg::TableCreation;
use iceberg::io::FileIO;
use iceberg::spec::{
    DataContentType, DataFile, DataFileBuilder, DataFileFormat, Literal, ManifestFile, ManifestListWriter,
    ManifestWriterBuilder, NestedField, Operation, PartitionSpec, PrimitiveType, Schema as IcebergSchema, Snapshot,
    SortOrder, Struct, Summary, TableMetadata, TableMetadataBuilder, Type,
};
use parquet::arrow::{ArrowWriter, PARQUET_FIELD_ID_META_KEY};
use worldstore_async::AsyncBackend;
use worldstore_async::table::AsyncTableBackend;
use worldstore_core::table::{CompactOptions, CompareOp, DescribeOptions, Predicate, Scan};
use worldstore_core::{ErrorKind, Key, WriteOptions};
use worldstore_iceberg::IcebergTables;

use crate::{ids, lines, memory_backend, read};

const PATH_ID: i32 = 2_147_483_546;
const PLACE_ID: i32 = 2_147_483_545;

/// A table as another program would make it, snapshot by snapshot.
struct Foreign {
    backend: Arc<dyn AsyncBackend>,
    io: FileIO,
    metadata: TableMetadata,
    _folder: tempfile::TempDir,
    manifests: Vec<ManifestFile>,
    written: usize,
}

/// Columns with field ids, or without.
fn batch(columns: Vec<(&str, Option<i32>, ArrayRef)>) -> RecordBatch {
    let field = |(name, id, column): &(&str, Option<i32>, ArrayRef)| {
        let id = id.iter().map(|id| (PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string()));
        Field::new(*name, column.data_type().clone(), true).with_metadata(id.collect::<HashMap<_, _>>())
    };
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(.., column)| column).collect()).unwrap()
}

fn integers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Rows of `id`, and of `kind`: "even", "odd", or null for every fifth.
fn rows(range: std::ops::Range<i64>, with_ids: bool) -> RecordBatch {
    let kind = |id: i64| (id % 5 != 0).then_some(if id % 2 == 0 { "even" } else { "odd" });
    let kinds: Vec<_> = range.clone().map(kind).collect();
    let id = |id| with_ids.then_some(id);
    batch(vec![("id", id(1), integers(range)), ("kind", id(2), texts(&kinds))])
}

impl Foreign {
    fn new(properties: HashMap<String, String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = format!("{}/t", folder.path().display());
        let schema = IcebergSchema::builder().with_fields([
            NestedField::optional(1, "id", Type::Primitive(PrimitiveType::Long)).into(),
            NestedField::optional(2, "kind", Type::Primitive(PrimitiveType::String)).into(),
        ]);
        let creation = TableCreation::builder()
            .name("t".to_owned())
            .location(location)
            .schema(schema.build().unwrap())
            .partition_spec(PartitionSpec::unpartition_spec())
            .sort_order(SortOrder::unsorted_order())
            .properties(properties)
            .build();
        let metadata = TableMetadataBuilder::from_table_creation(creation).unwrap().build().unwrap().metadata;
        let io = FileIO::new_with_fs();
        Self { backend: memory_backend(), io, metadata, _folder: folder, manifests: Vec::new(), written: 0 }
    }

    fn path(&mut self, ending: &str) -> String {
        self.written += 1;
        format!("{}/{}.{ending}", self.metadata.location(), self.written)
    }

    /// Writes a file of Parquet.
    fn file(&mut self, content: DataContentType, rows: &RecordBatch, equality: Option<Vec<i32>>) -> DataFile {
        let path = self.path("parquet");
        std::fs::create_dir_all(self.metadata.location()).unwrap();
        let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), rows.schema(), None).unwrap();
        // Batches end within a file of several row groups, so that places go on.
        for start in (0..rows.num_rows()).step_by(7) {
            writer.write(&rows.slice(start, 7.min(rows.num_rows() - start))).unwrap();
            writer.flush().unwrap();
        }
        writer.close().unwrap();
        let mut file = DataFileBuilder::default();
        file.content(content).file_path(path.clone()).file_format(DataFileFormat::Parquet).partition(Struct::empty());
        file.record_count(rows.num_rows() as u64).file_size_in_bytes(std::fs::metadata(&path).unwrap().len());
        file.partition_spec_id(0).equality_ids(equality);
        file.build().unwrap()
    }

    /// A snapshot that adds these files.
    async fn commit(&mut self, files: Vec<DataFile>) {
        let (schema, spec) = (self.metadata.current_schema().clone(), self.metadata.default_partition_spec().clone());
        let id = self.metadata.next_sequence_number() + 100;
        let (deletes, data): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| file.content_type() != DataContentType::Data);
        for (files, is_data) in [(data, true), (deletes, false)] {
            if files.is_empty() {
                continue;
            }
            let path = self.path("avro");
            let output = self.io.new_output(path).unwrap();
            let builder = ManifestWriterBuilder::new(output, Some(id), schema.clone(), (*spec).clone());
            let mut writer = if is_data { builder.build_v2_data() } else { builder.build_v2_deletes() };
            for file in files {
                writer.add_file(file, -1).unwrap();
            }
            self.manifests.push(writer.write_manifest_file().await.unwrap());
        }
        let path = self.path("avro");
        let parent = self.metadata.current_snapshot_id();
        let sequence = self.metadata.next_sequence_number();
        let output = self.io.new_output(&path).unwrap();
        let mut list = ManifestListWriter::v2(output.writer().await.unwrap(), id, parent, sequence);
        list.add_manifests(self.manifests.clone().into_iter()).unwrap();
        list.close().await.unwrap();
        self.manifests = self.read_back(&path, sequence, id).await;
        let summary = Summary { operation: Operation::Overwrite, additional_properties: HashMap::new() };
        let snapshot = Snapshot::builder()
            .with_snapshot_id(id)
            .with_parent_snapshot_id(parent)
            .with_sequence_number(sequence)
            .with_timestamp_ms(self.metadata.last_updated_ms())
            .with_manifest_list(path)
            .with_schema_id(0)
            .with_summary(summary)
            .build();
        let builder = self.metadata.clone().into_builder(None).set_branch_snapshot(snapshot, "main").unwrap();
        self.metadata = builder.build().unwrap().metadata;
    }

    /// The manifests with the sequence numbers that the list gave them.
    async fn read_back(&self, path: &str, _sequence: i64, _id: i64) -> Vec<ManifestFile> {
        let bytes = std::fs::read(path).unwrap();
        let list = iceberg::spec::ManifestList::parse_with_version(&bytes, iceberg::spec::FormatVersion::V2).unwrap();
        list.consume_entries().into_iter().collect()
    }

    /// The table as it is now.
    async fn open(&mut self) -> IcebergTables {
        for file in std::fs::read_dir(self.metadata.location()).unwrap() {
            let file = file.unwrap();
            let key = Key::new(format!("t/{}", file.file_name().to_str().unwrap())).unwrap();
            let _ =
                self.backend.write(&key, std::fs::read(file.path()).unwrap().into(), &WriteOptions::default()).await;
        }
        self.written += 1;
        let key = Key::new(format!("t/metadata/{:05}-x.metadata.json", self.written)).unwrap();
        let text = serde_json::to_vec(&self.metadata).unwrap();
        let _ = self.backend.write(&key, text.into(), &WriteOptions::default()).await.unwrap();
        IcebergTables::of_metadata(Arc::clone(&self.backend), &key).await.unwrap()
    }

    /// Deletes rows of a data file by their places.
    fn places(&mut self, of: &DataFile, places: impl IntoIterator<Item = i64>) -> DataFile {
        let places = integers(places);
        let paths: ArrayRef = Arc::new(StringArray::from_iter_values(vec![of.file_path(); places.len()]));
        let rows = batch(vec![("file_path", Some(PATH_ID), paths), ("pos", Some(PLACE_ID), places)]);
        self.file(DataContentType::PositionDeletes, &rows, None)
    }
}

async fn ids_of(tables: &IcebergTables) -> Vec<i64> {
    let name = IcebergTables::any_name().unwrap();
    let counted = tables.scan(&name, &Scan::all().with_columns([""; 0])).await.unwrap();
    let counted: Vec<RecordBatch> = futures::TryStreamExt::try_collect(counted.batches).await.unwrap();
    let counted: usize = counted.iter().map(RecordBatch::num_rows).sum();
    let described = tables.describe(&name, &DescribeOptions::default()).await.unwrap();
    let found = ids(tables, &name, &Scan::all()).await;
    assert_eq!((counted, described.rows), (found.len(), found.len() as u64));
    found
}

#[tokio::test]
async fn rows_that_are_deleted_by_their_places_are_left_out() {
    let mut table = Foreign::new(HashMap::new());
    let first = table.file(DataContentType::Data, &rows(0..20, true), None);
    table.commit(vec![first.clone()]).await;
    let second = table.file(DataContentType::Data, &rows(20..30, true), None);
    // In one snapshot with what it is about, in two files, one place twice, one behind the end.
    let gone = [table.places(&first, [3, 0, 19, 7]), table.places(&second, [9, 99]), table.places(&first, [7, 8])];
    table.commit([vec![second], gone.to_vec()].concat()).await;
    let left: Vec<i64> = (0..29).filter(|id| ![0, 3, 7, 8, 19].contains(id)).collect();
    let tables = table.open().await;
    assert_eq!(ids_of(&tables).await, left);
    let name = IcebergTables::any_name().unwrap();
    let above = Predicate::compare("id", CompareOp::Gt, 17_i64);
    let scan = Scan::all().with_predicate(above).with_limit(3);
    assert_eq!(ids(&tables, &name, &scan).await, [18, 20, 21]);
    let error = tables.compact(&name, &CompactOptions::default()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error}");
}

#[tokio::test]
async fn rows_that_are_deleted_by_their_values_are_left_out_of_files_before() {
    let mut table = Foreign::new(HashMap::new());
    let first = table.file(DataContentType::Data, &rows(0..20, true), None);
    table.commit(vec![first]).await;
    let odd = batch(vec![("kind", Some(2), texts(&[Some("odd"), Some("other")]))]);
    let odd = table.file(DataContentType::EqualityDeletes, &odd, Some(vec![2]));
    // What comes with the delete, and what comes later, stays.
    let second = table.file(DataContentType::Data, &rows(20..30, true), None);
    table.commit(vec![second.clone(), odd]).await;
    let left: Vec<i64> = (0..30).filter(|id| *id >= 20 || id % 2 == 0 || id % 5 == 0).collect();
    assert_eq!(ids_of(&table.open().await).await, left);
    // A null equals a null; both columns together; and places beside it.
    let none = batch(vec![("id", Some(1), integers([5, 6])), ("kind", Some(2), texts(&[None, None]))]);
    let none = table.file(DataContentType::EqualityDeletes, &none, Some(vec![1, 2]));
    let places = table.places(&second, [0]);
    table.commit(vec![none, places]).await;
    let left: Vec<i64> = left.into_iter().filter(|id| ![5, 20].contains(id)).collect();
    let tables = table.open().await;
    assert_eq!(ids_of(&tables).await, left);
    // The column that decides is not among those that are asked for.
    let name = IcebergTables::any_name().unwrap();
    let kinds = read(&tables, &name, &Scan::all().with_columns(["kind"])).await.unwrap();
    assert!(!lines(&kinds).contains(&"other".to_owned()) && lines(&kinds).len() == left.len());
    // The version before knows nothing of it.
    let before = ids(&tables, &name, &Scan::all().with_version(1)).await;
    assert_eq!(before, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_no_delete_file_of_parquet_is_refused() {
    let mut table = Foreign::new(HashMap::new());
    let first = table.file(DataContentType::Data, &rows(0..5, true), None);
    let mut vector = DataFileBuilder::default();
    vector.content(DataContentType::PositionDeletes).file_path(first.file_path().to_owned());
    vector.file_format(DataFileFormat::Puffin).partition(Struct::empty()).record_count(1).file_size_in_bytes(10);
    let vector = vector.partition_spec_id(0).build().unwrap();
    table.commit(vec![first, vector]).await;
    let tables = table.open().await;
    let name = IcebergTables::any_name().unwrap();
    assert_eq!(read(&tables, &name, &Scan::all()).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let nothing = batch(vec![("other", Some(9), integers([1]))]);
    let nothing = table.file(DataContentType::EqualityDeletes, &nothing, Some(vec![1]));
    table.manifests.truncate(1);
    table.commit(vec![nothing]).await;
    let tables = table.open().await;
    assert_eq!(read(&tables, &name, &Scan::all()).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn files_without_field_ids_are_read_by_the_names_that_the_table_maps() {
    let mapping = r#"[{"field-id":1,"names":["number","id"]},{"field-id":2,"names":["kind"]}]"#;
    let mapped = HashMap::from([("schema.name-mapping.default".to_owned(), mapping.to_owned())]);
    for (properties, is_read) in [(mapped, true), (HashMap::new(), false)] {
        let mut table = Foreign::new(properties);
        let plain = rows(0..6, false);
        let plain = RecordBatch::try_from_iter_with_nullable([
            ("kind", Arc::clone(plain.column(1)), true),
            ("number", Arc::clone(plain.column(0)), true),
        ])
        .unwrap();
        assert_eq!(*plain.schema().field(1).data_type(), DataType::Int64);
        let plain = table.file(DataContentType::Data, &plain, None);
        let gone = table.places(&plain, [2]);
        let usual = table.file(DataContentType::Data, &rows(6..8, true), None);
        table.commit(vec![plain, usual, gone]).await;
        let (tables, name) = (table.open().await, IcebergTables::any_name().unwrap());
        match is_read {
            true => assert_eq!(ids_of(&tables).await, [0, 1, 3, 4, 5, 6, 7]),
            false => {
                let error = read(&tables, &name, &Scan::all()).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_column_has_its_first_value_in_files_that_are_older() {
    let mut table = Foreign::new(HashMap::new());
    let first = table.file(DataContentType::Data, &rows(0..4, true), None);
    table.commit(vec![first]).await;
    let level = NestedField::optional(3, "level", Type::Primitive(PrimitiveType::Long));
    let level = level.with_initial_default(Literal::long(7));
    let fields = table.metadata.current_schema().as_struct().fields().iter().cloned().chain([level.into()]);
    let wider = IcebergSchema::builder().with_fields(fields.collect::<Vec<_>>()).build().unwrap();
    let builder = table.metadata.clone().into_builder(None).add_current_schema(wider).unwrap();
    table.metadata = builder.build().unwrap().metadata;
    let second = batch(vec![("id", Some(1), integers([4, 5])), ("level", Some(3), integers([7, 8]))]);
    let second = table.file(DataContentType::Data, &second, None);
    table.commit(vec![second]).await;
    let (tables, name) = (table.open().await, IcebergTables::any_name().unwrap());
    assert_eq!(ids(&tables, &name, &Scan::all().with_predicate(Predicate::eq("level", 7_i64))).await, [0, 1, 2, 3, 4]);
    let levels = read(&tables, &name, &Scan::all().with_columns(["level"])).await.unwrap();
    assert_eq!(lines(&levels), ["7", "7", "7", "7", "7", "8"]);

    // A delete of this value is one of rows that do not have it in their file.
    let seven = batch(vec![("level", Some(3), integers([7]))]);
    let seven = table.file(DataContentType::EqualityDeletes, &seven, Some(vec![3]));
    table.commit(vec![seven]).await;
    assert_eq!(ids_of(&table.open().await).await, [5]);
}
