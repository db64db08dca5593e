//! Reading one version: data files that may hold rows of the scan, one after the other.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use futures::lock::Mutex;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, future, stream};
use iceberg::spec::{ManifestFile, SnapshotRef, TableMetadata};
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::async_reader::ParquetObjectReader;
use parquet::arrow::{PARQUET_FIELD_ID_META_KEY, ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::schema::types::SchemaDescriptor;
use tokio::sync::OnceCell;
use worldstore_async::object_store::BackendObjectStore;
use worldstore_async::table::AsyncBatches;
use worldstore_async::{AsyncBackend, CountingBackend};
use worldstore_core::table::{Predicate, Reader, Scan, TableScan};
use worldstore_core::{Error, ErrorKind, Result};

use crate::absent::Origin;
use crate::deletes::{Deletes, count_left, has_deletes};
use crate::error::from_parquet;
use crate::files::{Found, OfDeletes, data_files};
use crate::partition::Specs;
use crate::pruning::{may_match, of_file};
use crate::shelf::Shelf;
use crate::state::{Columns, State, number};
use crate::storage::Root;
use crate::types::Column;

/// Rows of a batch at most.
const BATCH_ROWS: usize = 8192;

/// The data files that no part of a scan has taken yet.
type Queue = Arc<Mutex<BoxStream<'static, Result<Found>>>>;

/// Where data is read.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub root: Root,
    pub shelf: Shelf,
    pub store: Arc<dyn ObjectStore>,
}

impl Source {
    /// The same, whose reads are counted. What is known already is not read.
    fn counted(self, bytes: &Arc<AtomicU64>) -> Self {
        let counting = CountingBackend::with_bytes_read(self.root.backend, Arc::clone(bytes));
        let backend: Arc<dyn AsyncBackend> = Arc::new(counting);
        let store = Arc::new(BackendObjectStore::new(Arc::clone(&backend)));
        let root = Root { backend, location: self.root.location };
        Self { shelf: self.shelf.with_io(root.file_io()), store, root }
    }
}

/// Plans a scan; nothing is read before the first batch is asked for.
pub(crate) fn scan(source: Source, state: &State, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
    let source = match &scan.bytes_read {
        Some(bytes) => source.counted(bytes),
        None => source,
    };
    let snapshot = state.snapshot(scan.version)?;
    let columns = columns(state, snapshot.as_ref(), scan)?;
    let schema = scan.schema(&columns.schema)?;
    let filter = scan.filter();
    if let Some(filter) = &filter {
        // What cannot be compared is refused, even if no row would be looked at.
        filter.evaluate(&RecordBatch::new_empty(Arc::clone(&columns.schema)))?;
    }
    let (version, watermark) = (snapshot.as_deref().map_or(0, number), state.watermark_at(snapshot.as_ref())?);
    let table = Arc::new(Table { source, metadata: state.metadata.clone(), deletes: OnceCell::new() });
    let parts = match snapshot {
        None => Vec::new(),
        Some(snapshot) if schema.fields().is_empty() && filter.is_none() => {
            vec![counted(table, snapshot, Arc::clone(&schema))]
        }
        Some(snapshot) => {
            let files = Files::new(columns, Specs::new(&state.metadata), scan, filter)?;
            rows(&table, snapshot, files, scan.parts.most())
        }
    };
    let mut parts = parts.into_iter().map(|batches| limited(batches, scan.limit));
    let first = parts.next().unwrap_or_else(|| stream::empty().boxed());
    Ok(TableScan::new(schema, version, watermark, first).with_others(parts.collect()))
}

/// The columns of a scan. Those of the newest version are the newest ones, or, if it is asked for by its number and they do
/// not have what is asked for, those that it was made with.
fn columns(state: &State, snapshot: Option<&SnapshotRef>, scan: &Scan) -> Result<Columns> {
    let columns = state.columns_at(snapshot)?;
    if scan.version.is_none() {
        return Ok(columns);
    }
    let own = state.own_columns(snapshot)?;
    let (newest, before) = (scan.schema(&columns.schema), scan.schema(&own.schema));
    match (newest, before) {
        (Ok(newest), Ok(_)) => match newest.fields().iter().find(|field| !columns.has_as(&own, field.name())) {
            None => Ok(columns),
            Some(field) => {
                let message = "the column is another one now, ask for the newest version";
                Err(Error::new(ErrorKind::Conflict, message).with("column", field.name()))
            }
        },
        (Err(_), Ok(_)) => Ok(own),
        _ => Ok(columns),
    }
}

/// What is read: a table, and what its delete files say once they are read.
struct Table {
    source: Source,
    metadata: TableMetadata,
    deletes: OnceCell<Option<Arc<Deletes>>>,
}

impl Table {
    /// What is taken away from the data files of a snapshot; none if nothing is.
    async fn deletes(&self, snapshot: &SnapshotRef) -> Result<Option<Arc<Deletes>>> {
        let read = async || match has_deletes(&self.source.shelf, &self.metadata, snapshot).await? {
            true => Ok(Some(Arc::new(Deletes::read(&self.source, &self.metadata, snapshot).await?))),
            false => Ok(None),
        };
        Ok(self.deletes.get_or_try_init(read).await?.clone())
    }

    async fn count(&self, snapshot: SnapshotRef) -> Result<u64> {
        let deletes = self.deletes(&snapshot).await?.unwrap_or_default();
        let (shelf, format) = (self.source.shelf.clone(), self.metadata.format_version());
        let files = data_files(shelf, snapshot, format, OfDeletes::Passed, |_| true);
        count_left(&self.source, &Specs::new(&self.metadata), &deletes, files).await
    }
}

/// The number of rows of a snapshot. Without delete files the manifests alone tell it.
pub(crate) async fn count(source: Source, metadata: &TableMetadata, snapshot: SnapshotRef) -> Result<u64> {
    Table { source, metadata: metadata.clone(), deletes: OnceCell::new() }.count(snapshot).await
}

/// The number of rows as a batch without columns.
fn counted(table: Arc<Table>, snapshot: SnapshotRef, schema: SchemaRef) -> AsyncBatches {
    let counted = async move {
        let rows = usize::try_from(table.count(snapshot).await?);
        let rows = rows.map_err(|source| Error::unsupported("more rows than can be counted here").caused_by(source))?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema, Vec::new(), &options).map_err(misfit)
    };
    stream::once(counted).boxed()
}

/// The rows in parts that take the files from one list: each part takes the next when it is done with the last.
fn rows(table: &Arc<Table>, snapshot: SnapshotRef, files: Files, parts: usize) -> Vec<AsyncBatches> {
    let files = Arc::new(files);
    let (pruning, wanted) = (Arc::clone(&files), Arc::clone(&files));
    let (shelf, format) = (table.source.shelf.clone(), table.metadata.format_version());
    let in_manifest = move |manifest: &ManifestFile| wanted.may_be_in(manifest);
    let found = data_files(shelf, Arc::clone(&snapshot), format, OfDeletes::Passed, in_manifest)
        .try_filter(move |entry| future::ready(pruning.may_match(entry)))
        .boxed();
    let found: Queue = Arc::new(Mutex::new(found));
    let part = |_| {
        let (table, files, snapshot) = (Arc::clone(table), Arc::clone(&files), Arc::clone(&snapshot));
        let taken = stream::try_unfold(Arc::clone(&found), |found| async move {
            let next = found.lock().await.try_next().await?;
            Ok(next.map(|entry| (entry, found)))
        });
        let opened = move |entry| {
            let (table, files, snapshot) = (Arc::clone(&table), Arc::clone(&files), Arc::clone(&snapshot));
            async move {
                let deletes = table.deletes(&snapshot).await?;
                read(table.source.clone(), files, entry, deletes).await
            }
        };
        taken.and_then(opened).try_flatten().boxed()
    };
    (0..parts).map(part).collect()
}

/// Ends after `limit` rows and after an error. Batches without rows are left out.
fn limited(batches: AsyncBatches, limit: Option<usize>) -> AsyncBatches {
    let filled = batches.try_filter(|batch| future::ready(batch.num_rows() > 0)).boxed();
    let next = |(mut batches, left): (AsyncBatches, usize)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(batch) = batches.try_next().await? else { return Ok(None) };
        let taken = batch.num_rows().min(left);
        Ok(Some((batch.slice(0, taken), (batches, left - taken))))
    };
    stream::try_unfold((filled, limit.unwrap_or(usize::MAX)), next).boxed()
}

/// What is done with each data file of a scan.
pub(crate) struct Files {
    /// All columns of the table.
    columns: Vec<Column>,
    /// Those that are read: asked for, or named by the filter.
    needed: Vec<Column>,
    schema: SchemaRef,
    filter: Option<Predicate>,
    specs: Specs,
    reader: Reader,
}

impl Files {
    pub fn new(table: Columns, specs: Specs, scan: &Scan, filter: Option<Predicate>) -> Result<Self> {
        let mut names: HashSet<&str> = filter.iter().flat_map(Predicate::columns).collect();
        match &scan.columns {
            Some(columns) => names.extend(columns.iter().map(String::as_str)),
            None => names.extend(table.schema.fields().iter().map(|field| field.name().as_str())),
        }
        let needed = table.columns.iter().filter(|column| names.contains(column.field.name().as_str()));
        let needed: Vec<Column> = needed.cloned().collect();
        let schema = Arc::new(Schema::new(needed.iter().map(|column| Arc::clone(&column.field)).collect::<Vec<_>>()));
        let reader = Reader::new(scan, &table.schema)?;
        Ok(Self { columns: table.columns.clone(), needed, schema, filter, specs, reader })
    }

    /// Whether a file may have rows of the scan.
    pub fn may_match(&self, found: &Found) -> bool {
        let file = found.data_file();
        let known = |column| of_file(file, column).or(|| self.specs.of_values(found.spec, file.partition(), column));
        self.filter.as_ref().is_none_or(|filter| may_match(filter, &self.columns, &known))
    }

    /// Whether a file of a manifest may have rows of the scan.
    fn may_be_in(&self, manifest: &ManifestFile) -> bool {
        let (spec, summaries) = (manifest.partition_spec_id, manifest.partitions.as_ref());
        let known = |column| self.specs.of_manifest(spec, summaries, column);
        self.filter.as_ref().is_none_or(|filter| may_match(filter, &self.columns, &known))
    }

    /// Rows of a file as rows of the scan.
    fn conform(&self, batch: &RecordBatch, origins: &[Origin]) -> Result<RecordBatch> {
        let columns = self.needed.iter().zip(origins).map(|(column, origin)| origin.values(batch, column));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let whole = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(misfit)?;
        self.reader.read(&whole)
    }
}

/// Where columns are in a file, found by their ids, or, in a file that has none, by the names that the table maps them
/// from; none where the file is older than the column.
///
/// # Errors
/// `Unsupported` if the file has no field ids, and the table maps no names, or a column has others within.
pub(crate) fn places<'columns>(
    file: &Schema,
    columns: impl Iterator<Item = &'columns Column> + Clone,
) -> Result<Vec<Option<usize>>> {
    let ids: Vec<Option<i32>> = file.fields().iter().map(|field| field_id(field)).collect();
    if ids.iter().any(Option::is_some) {
        return Ok(columns.map(|column| ids.iter().position(|id| *id == Some(column.id))).collect());
    }
    let mut by_name = columns.clone();
    if by_name.any(|column| column.mapped.is_empty() || column.field.data_type().is_nested()) {
        return Err(Error::unsupported("a data file without field ids cannot be read")
            .with("help", "plain columns can, if the table's `schema.name-mapping.default` has them"));
    }
    let is = |column: &Column, name: &String| column.mapped.contains(name);
    Ok(columns.map(|column| file.fields().iter().position(|field| is(column, field.name()))).collect())
}

/// The columns of a file that are read, in its order. Its batches hold only these.
pub(crate) struct Projected(Vec<usize>);

impl Projected {
    /// Columns by their places in the file; those that it does not have are left out.
    pub fn of(places: impl IntoIterator<Item = Option<usize>>) -> Self {
        let mut read: Vec<usize> = places.into_iter().flatten().collect();
        read.sort_unstable();
        read.dedup();
        Self(read)
    }

    /// Where the values of columns with these places in the file come from.
    ///
    /// # Errors
    /// As for [`Origin::absent`].
    pub fn origins<'columns>(
        &self,
        columns: impl Iterator<Item = &'columns Column>,
        in_file: &[Option<usize>],
        specs: &Specs,
        found: &Found,
    ) -> Result<Vec<Origin>> {
        let origin = |(column, place): (&Column, &Option<usize>)| {
            let in_batch = place.and_then(|place| self.0.binary_search(&place).ok());
            in_batch.map_or_else(|| Origin::absent(column, specs, found), |place| Ok(Origin::Batch(place)))
        };
        columns.zip(in_file).map(origin).collect()
    }

    /// The same by the ids of the columns.
    pub fn by_id<'columns>(
        &self,
        columns: impl Iterator<Item = &'columns Column> + Clone,
        in_file: &[Option<usize>],
        specs: &Specs,
        found: &Found,
    ) -> Result<HashMap<i32, Origin>> {
        let origins = self.origins(columns.clone(), in_file, specs, found)?;
        Ok(columns.map(|column| column.id).zip(origins).collect())
    }

    pub fn mask(&self, file: &SchemaDescriptor) -> ProjectionMask {
        ProjectionMask::roots(file, self.0.iter().copied())
    }
}

/// The id of a column in a file.
pub(crate) fn field_id(field: &Field) -> Option<i32> {
    field.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse().ok()
}

/// Opens a file of Parquet: its footer is read at once.
pub(crate) async fn open(
    source: &Source,
    found: &Found,
) -> Result<ParquetRecordBatchStreamBuilder<ParquetObjectReader>> {
    let file = found.data_file();
    let key = source.root.key(file.file_path())?;
    let path = Path::parse(key.as_str()).map_err(|error| Error::invalid("key is no path").caused_by(error))?;
    let bytes = ParquetObjectReader::new(Arc::clone(&source.store), path).with_file_size(file.file_size_in_bytes());
    let opened = ParquetRecordBatchStreamBuilder::new(bytes).await;
    Ok(opened.map_err(from_parquet)?.with_batch_size(BATCH_ROWS))
}

/// Opens a data file: its rows are read as they are asked for, without those that are deleted.
pub(crate) async fn read(
    source: Source,
    files: Arc<Files>,
    found: Found,
    deletes: Option<Arc<Deletes>>,
) -> Result<AsyncBatches> {
    let at = |error: Error| error.with("file", found.file_path());
    let opened = open(&source, &found).await.map_err(at)?;
    let gone = deletes.map(|deletes| deletes.of(&found)).unwrap_or_default();
    let in_file = places(opened.schema(), files.needed.iter()).map_err(at)?;
    let deciding = places(opened.schema(), gone.columns()).map_err(at)?;
    let read = Projected::of(in_file.iter().chain(&deciding).copied());
    let deciding = read.by_id(gone.columns(), &deciding, &files.specs, &found).map_err(at)?;
    let origins = read.origins(files.needed.iter(), &in_file, &files.specs, &found).map_err(at)?;
    let mask = read.mask(opened.parquet_schema());
    let batches = opened.with_projection(mask).build().map_err(|error| at(from_parquet(error)))?;
    let (name, mut first) = (found.file_path().to_owned(), 0);
    let conformed = batches.map(move |batch| {
        let batch = batch.map_err(from_parquet).and_then(|batch| {
            let left = gone.left(&batch, first, &deciding)?;
            first += batch.num_rows() as i64;
            files.conform(&left, &origins)
        });
        batch.map_err(|error| error.with("file", &name))
    });
    Ok(conformed.boxed())
}

fn misfit(source: ArrowError) -> Error {
    Error::new(ErrorKind::Corrupt, "a data file does not fit the table").caused_by(source)
}
