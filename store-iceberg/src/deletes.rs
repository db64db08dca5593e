//! Rows that delete files take away: by their places in a data file, or by the values of some of their columns.
//!
//! A delete of places is for files that were there before it or came with it; one of values for those before it, in its
//! partition, or in all if its partition spec has no fields. What is deleted is compared as it is stored: a null equals a
//! null. See "Row-level Deletes" in the [specification](https://iceberg.apache.org/spec/#row-level-deletes).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use arrow::row::{OwnedRow, RowConverter, SortField};
use futures::TryStreamExt;
use iceberg::spec::{DataContentType, DataFileFormat, SnapshotRef, Struct, TableMetadata};
use worldstore_core::{Error, ErrorKind, Result};

use crate::absent::Origin;
use crate::files::{Found, delete_files};
use crate::partition::Specs;
use crate::scan::{Projected, Source, field_id, open, places};
use crate::shelf::Shelf;
use crate::types::{Column, columns};

/// The ids that Iceberg reserves for the columns of a delete of places.
const PATH_ID: i32 = 2_147_483_546;
const PLACE_ID: i32 = 2_147_483_545;

/// What the delete files of a snapshot say.
#[derive(Debug, Default)]
pub(crate) struct Deletes {
    /// Places by the path of their data file, with the sequence number of the delete.
    places: HashMap<String, Vec<(i64, i64)>>,
    values: Vec<Arc<Values>>,
}

/// Values of which no row is left.
#[derive(Debug)]
struct Values {
    sequence: i64,
    spec: i32,
    /// None if it is for all partitions.
    partition: Option<Struct>,
    columns: Vec<Column>,
    converter: RowConverter,
    rows: HashSet<OwnedRow>,
}

/// What is taken away from one data file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    /// In order, each once.
    places: Vec<i64>,
    values: Vec<Arc<Values>>,
}

impl Deletes {
    /// Reads the delete files of a snapshot.
    ///
    /// # Errors
    /// `Unsupported` for delete files that are not Parquet, such as deletion vectors; `Corrupt` for what is none.
    pub async fn read(source: &Source, metadata: &TableMetadata, snapshot: &SnapshotRef) -> Result<Self> {
        let mut deletes = Self::default();
        for found in delete_files(&source.shelf, snapshot, metadata.format_version()).await? {
            let about = |error: Error| error.with("delete_file", found.file_path());
            if found.file_format() != DataFileFormat::Parquet {
                return Err(about(Error::unsupported("only delete files of Parquet can be read")));
            }
            match found.content_type() {
                DataContentType::PositionDeletes => deletes.add_places(source, &found).await.map_err(about)?,
                DataContentType::EqualityDeletes => {
                    deletes.add_values(source, metadata, &found).await.map_err(about)?
                }
                DataContentType::Data => return Err(about(corrupt("a manifest of deletes has a data file"))),
            }
        }
        deletes.places.values_mut().for_each(|places| places.sort_unstable());
        Ok(deletes)
    }

    async fn add_places(&mut self, source: &Source, found: &Found) -> Result<()> {
        let sequence = found.sequence_number().unwrap_or(0);
        let mut batches = whole(source, found).await?;
        while let Some(batch) = batches.try_next().await.map_err(crate::error::from_parquet)? {
            let of = |id: i32| {
                let column = place_of(&batch.schema(), id).map(|place| Arc::clone(batch.column(place)));
                column.ok_or_else(|| corrupt("a delete of places has not the columns of one"))
            };
            let (paths, places) = (of(PATH_ID)?, of(PLACE_ID)?);
            let paths = arrow::compute::cast(&paths, &arrow::datatypes::DataType::Utf8).map_err(misfit)?;
            let (paths, places) = (paths.as_string::<i32>(), places.as_primitive_opt::<Int64Type>());
            let places = places.ok_or_else(|| corrupt("places of rows are no integers"))?;
            for (path, place) in paths.iter().zip(places.iter()) {
                let (Some(path), Some(place)) = (path, place) else {
                    return Err(corrupt("a delete of places has no place"));
                };
                match self.places.get_mut(path) {
                    Some(all) => all.push((place, sequence)),
                    None => _ = self.places.insert(path.to_owned(), vec![(place, sequence)]),
                }
            }
        }
        Ok(())
    }

    async fn add_values(&mut self, source: &Source, metadata: &TableMetadata, found: &Found) -> Result<()> {
        let ids = found.data_file().equality_ids().unwrap_or_default();
        if ids.is_empty() {
            return Err(corrupt("a delete of values says not of which columns"));
        }
        let columns = ids.iter().map(|id| column(metadata, *id)).collect::<Result<Vec<_>>>()?;
        let fields = columns.iter().map(|column| SortField::new(column.field.data_type().clone())).collect();
        let failed = |source| Error::unsupported("values of this type cannot be compared").caused_by(source);
        let converter = RowConverter::new(fields).map_err(failed)?;
        let is_global = metadata.partition_spec_by_id(found.spec).is_none_or(|spec| spec.is_unpartitioned());
        let partition = (!is_global).then(|| found.data_file().partition().clone());
        let (sequence, spec) = (found.sequence_number().unwrap_or(0), found.spec);
        let mut values = Values { sequence, spec, partition, columns, converter, rows: HashSet::new() };
        let mut batches = whole(source, found).await?;
        while let Some(batch) = batches.try_next().await.map_err(crate::error::from_parquet)? {
            let schema = batch.schema();
            let origin = |column: &Column| Some((column.id, Origin::Batch(place_of(&schema, column.id)?)));
            let origins: Option<HashMap<_, _>> = values.columns.iter().map(origin).collect();
            let origins = origins.ok_or_else(|| corrupt("a delete of values has not all of its columns"))?;
            let rows = values.of(&batch, &origins)?;
            let rows = values.converter.convert_columns(&rows).map_err(misfit)?;
            values.rows.extend(rows.iter().map(|row| row.owned()));
        }
        self.values.push(Arc::new(values));
        Ok(())
    }

    /// What is taken away from a data file.
    pub fn of(&self, found: &Found) -> Taken {
        let sequence = found.sequence_number().unwrap_or(0);
        let places = self.places.get(found.file_path()).map_or(&[][..], Vec::as_slice);
        let mut places: Vec<i64> = places.iter().filter(|(_, of)| *of >= sequence).map(|(place, _)| *place).collect();
        places.dedup();
        let is_for = |values: &&Arc<Values>| {
            let is_there = values.partition.as_ref();
            let is_there = is_there.is_none_or(|own| values.spec == found.spec && own == found.data_file().partition());
            values.sequence > sequence && is_there
        };
        Taken { places, values: self.values.iter().filter(is_for).cloned().collect() }
    }
}

impl Values {
    /// The columns that are compared, of a batch of a file in which they come from these places, by their ids.
    fn of(&self, batch: &RecordBatch, origins: &HashMap<i32, Origin>) -> Result<Vec<ArrayRef>> {
        let values = |column: &Column| match origins.get(&column.id) {
            Some(origin) => origin.values(batch, column),
            None => Origin::Null.values(batch, column),
        };
        self.columns.iter().map(values).collect()
    }
}

impl Taken {
    /// True if nothing is.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.values.is_empty()
    }

    /// How many rows of a file are left, if that can be told without reading it.
    pub fn left_of(&self, rows: u64) -> Option<u64> {
        let gone = self.places.iter().filter(|place| u64::try_from(**place).is_ok_and(|place| place < rows)).count();
        self.values.is_empty().then(|| rows - gone as u64)
    }

    /// The columns that must be read to tell.
    pub fn columns(&self) -> impl Iterator<Item = &Column> + Clone {
        self.values.iter().flat_map(|values| &values.columns)
    }

    /// The rows of a batch that are left. The first of them has this place in its file; `origins` tells where the columns
    /// with these ids come from.
    pub fn left(&self, batch: &RecordBatch, first: i64, origins: &HashMap<i32, Origin>) -> Result<RecordBatch> {
        if self.is_empty() {
            return Ok(batch.clone());
        }
        let rows = i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
        let mut left = vec![true; batch.num_rows()];
        let begin = self.places.partition_point(|place| *place < first);
        for place in self.places.iter().skip(begin).take_while(|place| **place - first < rows) {
            if let Some(row) = usize::try_from(place - first).ok().and_then(|row| left.get_mut(row)) {
                *row = false;
            }
        }
        for values in &self.values {
            let rows = values.converter.convert_columns(&values.of(batch, origins)?).map_err(misfit)?;
            for (row, left) in rows.iter().zip(&mut left) {
                *left = *left && !values.rows.contains(&row.owned());
            }
        }
        filter_record_batch(batch, &BooleanArray::from(left)).map_err(misfit)
    }
}

/// The rows of a snapshot that are left.
///
/// # Errors
/// As for [`Deletes::read`], and those of reading data files of which values are deleted.
pub(crate) async fn count_left(
    source: &Source,
    specs: &Specs,
    deletes: &Deletes,
    files: impl futures::Stream<Item = Result<Found>>,
) -> Result<u64> {
    let counted = files.and_then(async |found| {
        let taken = deletes.of(&found);
        match taken.left_of(found.record_count()) {
            Some(rows) => Ok(rows),
            None => counted(source, specs, &found, &taken).await,
        }
    });
    counted.try_fold(0, async |sum: u64, rows| Ok(sum + rows)).await
}

/// The rows of a file that are left, of which the columns that decide it are read.
async fn counted(source: &Source, specs: &Specs, found: &Found, taken: &Taken) -> Result<u64> {
    let opened = open(source, found).await?;
    let places = places(opened.schema(), taken.columns())?;
    let read = Projected::of(places.iter().copied());
    let deciding = read.by_id(taken.columns(), &places, specs, found)?;
    let mask = read.mask(opened.parquet_schema());
    let built = opened.with_projection(mask).build().map_err(crate::error::from_parquet)?;
    let mut batches = built.map_err(crate::error::from_parquet);
    let (mut first, mut left) = (0, 0);
    while let Some(batch) = batches.try_next().await? {
        left += taken.left(&batch, first, &deciding)?.num_rows() as u64;
        first += batch.num_rows() as i64;
    }
    Ok(left)
}

async fn whole(
    source: &Source,
    found: &Found,
) -> Result<parquet::arrow::async_reader::ParquetRecordBatchStream<parquet::arrow::async_reader::ParquetObjectReader>> {
    open(source, found).await?.build().map_err(crate::error::from_parquet)
}

fn place_of(schema: &Schema, id: i32) -> Option<usize> {
    schema.fields().iter().position(|field| field_id(field) == Some(id))
}

/// A column that the table has or had.
fn column(metadata: &TableMetadata, id: i32) -> Result<Column> {
    let newest = std::iter::once(metadata.current_schema());
    for schema in newest.chain(metadata.schemas_iter()) {
        let found = columns(schema, metadata.properties())?.into_iter().find(|column| column.id == id);
        if let Some(found) = found {
            return Ok(found);
        }
    }
    Err(Error::unsupported("values are deleted of a column within another, or of none").with("field_id", id))
}

fn corrupt(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

fn misfit(source: arrow::error::ArrowError) -> Error {
    corrupt("a delete file does not fit the table").caused_by(source)
}

/// Whether the snapshot has delete files.
pub(crate) async fn has_deletes(shelf: &Shelf, metadata: &TableMetadata, snapshot: &SnapshotRef) -> Result<bool> {
    let list = shelf.manifests(snapshot, metadata.format_version()).await?;
    Ok(list.iter().any(crate::files::is_of_deletes))
}
