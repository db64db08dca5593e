//! Reading one version: data files that may hold rows of the scan, one after the other.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::new_null_array;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use futures::lock::Mutex;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, future, stream};
use iceberg::spec::{FormatVersion, ManifestContentType, ManifestFile, SnapshotRef};
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::async_reader::ParquetObjectReader;
use parquet::arrow::{PARQUET_FIELD_ID_META_KEY, ParquetRecordBatchStreamBuilder, ProjectionMask};
use worldstore_async::table::AsyncBatches;
use worldstore_core::table::{Predicate, Reader, Scan, TableScan};
use worldstore_core::{Error, ErrorKind, Result};

use crate::error::from_parquet;
use crate::files::{Found, count, data_files};
use crate::partition::Specs;
use crate::pruning::{may_match, of_file};
use crate::shelf::Shelf;
use crate::state::{Columns, State, number};
use crate::storage::Root;
use crate::types::{Column, from_stored};

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

/// Plans a scan; nothing is read before the first batch is asked for.
pub(crate) fn scan(source: Source, state: &State, scan: &Scan) -> Result<TableScan<AsyncBatches>> {
    let snapshot = state.snapshot(scan.version)?;
    let columns = state.columns_at(snapshot.as_ref())?;
    let schema = scan.schema(&columns.schema)?;
    let filter = scan.filter();
    if let Some(filter) = &filter {
        // What cannot be compared is refused, even if no row would be looked at.
        filter.evaluate(&RecordBatch::new_empty(Arc::clone(&columns.schema)))?;
    }
    let (version, watermark) = (snapshot.as_deref().map_or(0, number), state.watermark_at(snapshot.as_ref())?);
    let format = state.metadata.format_version();
    let parts = match snapshot {
        None => Vec::new(),
        Some(snapshot) if schema.fields().is_empty() && filter.is_none() => {
            vec![counted(source.shelf, snapshot, format, Arc::clone(&schema))]
        }
        Some(snapshot) => {
            let files = Files::new(columns, Specs::new(&state.metadata), scan, filter)?;
            rows(source, snapshot, format, files, scan.parts.most())
        }
    };
    let mut parts = parts.into_iter().map(|batches| limited(batches, scan.limit));
    let first = parts.next().unwrap_or_else(|| stream::empty().boxed());
    Ok(TableScan::new(schema, version, watermark, first).with_others(parts.collect()))
}

/// The number of rows as a batch without columns, from the manifests alone.
fn counted(shelf: Shelf, snapshot: SnapshotRef, format: FormatVersion, schema: SchemaRef) -> AsyncBatches {
    let counted = async move {
        let rows = usize::try_from(count(shelf, snapshot, format).await?);
        let rows = rows.map_err(|source| Error::unsupported("more rows than can be counted here").caused_by(source))?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema, Vec::new(), &options).map_err(misfit)
    };
    stream::once(counted).boxed()
}

/// The rows in parts that take the files from one list: each part takes the next when it is done with the last.
fn rows(source: Source, snapshot: SnapshotRef, format: FormatVersion, files: Files, parts: usize) -> Vec<AsyncBatches> {
    let files = Arc::new(files);
    let (pruning, wanted) = (Arc::clone(&files), Arc::clone(&files));
    let found = data_files(source.shelf.clone(), snapshot, format, move |manifest| wanted.may_be_in(manifest))
        .try_filter(move |entry| future::ready(pruning.may_match(entry)))
        .boxed();
    let found: Queue = Arc::new(Mutex::new(found));
    let part = |_| {
        let (source, files) = (source.clone(), Arc::clone(&files));
        let taken = stream::try_unfold(Arc::clone(&found), |found| async move {
            let next = found.lock().await.try_next().await?;
            Ok(next.map(|entry| (entry, found)))
        });
        taken.and_then(move |entry| read(source.clone(), Arc::clone(&files), entry)).try_flatten().boxed()
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
        // Those with deletes are looked at, and refused, in any case.
        if manifest.content != ManifestContentType::Data {
            return true;
        }
        let (spec, summaries) = (manifest.partition_spec_id, manifest.partitions.as_ref());
        let known = |column| self.specs.of_manifest(spec, summaries, column);
        self.filter.as_ref().is_none_or(|filter| may_match(filter, &self.columns, &known))
    }

    /// Where each needed column is in a file, found by its id; none where the file is older than the column.
    ///
    /// # Errors
    /// `Unsupported` if the file has no field ids.
    fn places(&self, file: &Schema) -> Result<Vec<Option<usize>>> {
        let id_of = |field: &arrow::datatypes::FieldRef| field.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse().ok();
        let ids: Vec<Option<i32>> = file.fields().iter().map(id_of).collect();
        if ids.iter().all(Option::is_none) {
            return Err(Error::unsupported("a data file without field ids cannot be read"));
        }
        Ok(self.needed.iter().map(|column| ids.iter().position(|id| *id == Some(column.id))).collect())
    }

    /// Rows of a file as rows of the scan. `places` are those of the columns in this batch.
    fn conform(&self, batch: &RecordBatch, places: &[Option<usize>]) -> Result<RecordBatch> {
        let column = |(column, place): (&Column, &Option<usize>)| match place {
            Some(place) => from_stored(batch.column(*place), column),
            None => Ok(new_null_array(column.field.data_type(), batch.num_rows())),
        };
        let columns = self.needed.iter().zip(places).map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let whole = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(misfit)?;
        self.reader.read(&whole)
    }
}

/// Opens a data file: its footer is read at once, its rows as they are asked for.
pub(crate) async fn read(source: Source, files: Arc<Files>, found: Found) -> Result<AsyncBatches> {
    let file = found.data_file();
    let at = |error: Error| error.with("file", found.file_path());
    let key = source.root.key(file.file_path())?;
    let path = Path::parse(key.as_str()).map_err(|error| Error::invalid("key is no path").caused_by(error))?;
    let bytes = ParquetObjectReader::new(source.store, path).with_file_size(file.file_size_in_bytes());
    let opened = ParquetRecordBatchStreamBuilder::new(bytes).await;
    let opened = opened.map_err(|error| at(from_parquet(error)))?;
    let places = files.places(opened.schema()).map_err(at)?;
    let mut read: Vec<usize> = places.iter().flatten().copied().collect();
    read.sort_unstable();
    let mask = ProjectionMask::roots(opened.parquet_schema(), read.iter().copied());
    let built = opened.with_projection(mask).with_batch_size(BATCH_ROWS).build();
    let batches = built.map_err(|error| at(from_parquet(error)))?;
    // The file's batches hold only what is read, in the file's order.
    let places: Vec<_> = places.iter().map(|place| read.binary_search(&(*place)?).ok()).collect();
    let name = file.file_path().to_owned();
    let conformed = batches.map(move |batch| {
        let batch = batch.map_err(from_parquet).and_then(|batch| files.conform(&batch, &places));
        batch.map_err(|error| error.with("file", &name))
    });
    Ok(conformed.boxed())
}

fn misfit(source: ArrowError) -> Error {
    Error::new(ErrorKind::Corrupt, "a data file does not fit the table").caused_by(source)
}
