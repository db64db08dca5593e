//! One data file, read by ranges: its footer once, then row group by row group the columns that are wanted.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::Schema;
use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use worldstore_core::{Ability, Error, ErrorKind, ReadOptions, ReadRange, ReadRangesOptions, Result, Store, Version};

use crate::error;
use crate::manifest::DataFile;
use crate::options::ReadStats;

/// Bytes from the end that are read for the footer; a longer one takes a second read.
const TAIL_BYTES: u64 = 64 << 10;

/// An open data file.
#[derive(Debug)]
pub(crate) struct OpenFile {
    path: String,
    bytes: u64,
    version: Option<Version>,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    next_row_group: usize,
}

impl OpenFile {
    /// Reads the footer and checks that the file is what the manifest says.
    ///
    /// # Errors
    /// `Corrupt` if it is not, or no Parquet; `NotFound` if it is gone; those of the store.
    pub fn open(store: &Store, file: &DataFile, columns: &Schema, stats: &mut ReadStats) -> Result<Self> {
        let (tail, version) = tail(store, file, TAIL_BYTES, stats)?;
        let metadata = match parse(&tail, file) {
            Err(ParquetError::NeedMoreData(needed)) if needed as u64 <= file.bytes => {
                let (tail, _) = self::tail(store, file, needed as u64, stats)?;
                parse(&tail, file)
            }
            parsed => parsed,
        };
        let corrupt = |source| error::corrupt(&file.path, source);
        let metadata = Arc::new(metadata.map_err(corrupt)?);
        let metadata = ArrowReaderMetadata::try_new(metadata, ArrowReaderOptions::new()).map_err(corrupt)?;
        let rows = metadata.metadata().file_metadata().num_rows();
        if u64::try_from(rows) != Ok(file.rows) {
            return Err(differs(&file.path, "rows", file.rows, rows));
        }
        let roots = roots(&metadata, columns, &file.path)?;
        let mask = ProjectionMask::roots(metadata.parquet_schema(), roots);
        stats.files_opened += 1;
        Ok(Self { path: file.path.clone(), bytes: file.bytes, version, metadata, mask, next_row_group: 0 })
    }

    /// The next row group, with the wanted columns in memory as they are in the file; none at the end.
    ///
    /// # Errors
    /// `Corrupt` for damage, `ConditionFailed` if the file was replaced; those of the store.
    pub fn next_row_group(
        &mut self,
        store: &Store,
        batch_rows: usize,
        stats: &mut ReadStats,
    ) -> Result<Option<ParquetRecordBatchReader>> {
        let index = self.next_row_group;
        let metadata = self.metadata.metadata();
        if index >= metadata.num_row_groups() {
            return Ok(None);
        }
        self.next_row_group += 1;
        let wanted = |(leaf, _): &(usize, _)| self.mask.leaf_included(*leaf);
        let chunks = metadata.row_group(index).columns().iter().enumerate().filter(wanted);
        let ranges: Vec<Range<u64>> = chunks
            .map(|(_, chunk)| {
                let (start, length) = chunk.byte_range();
                start..start.saturating_add(length)
            })
            .collect();
        if let Some(range) = ranges.iter().find(|range| range.end > self.bytes) {
            return Err(differs(&self.path, "bytes", self.bytes, range.end as i64));
        }
        let mut pinned = ReadRangesOptions::default();
        pinned.version = self.version.clone();
        let parts = store.read_ranges_with(&self.path, &ranges, &pinned)?;
        stats.row_groups += 1;
        stats.bytes += parts.iter().map(|part| part.len() as u64).sum::<u64>();
        let parts = ranges.iter().map(|range| range.start).zip(parts).collect();
        let source = RowGroupBytes { file_bytes: self.bytes, parts };
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, self.metadata.clone());
        let reader = builder
            .with_row_groups(vec![index])
            .with_projection(self.mask.clone())
            .with_batch_size(batch_rows)
            .build()
            .map_err(|source| error::corrupt(&self.path, source))?;
        Ok(Some(reader))
    }

    pub fn path(&self) -> &str {
        &self.path
    }
}

/// The last bytes, and the version that they are of.
fn tail(store: &Store, file: &DataFile, bytes: u64, stats: &mut ReadStats) -> Result<(Bytes, Option<Version>)> {
    let last = ReadOptions::default().with_range(ReadRange::Last(bytes));
    let reply = store.read(&file.path, &last).map_err(|error| match error.is_not_found() {
        true => Error::not_found("data file of the manifest is gone").with("file", &file.path).caused_by(error),
        false => error,
    })?;
    if reply.meta.size != file.bytes {
        return Err(differs(&file.path, "bytes", file.bytes, reply.meta.size as i64));
    }
    let tail = reply.body.collect::<Result<Vec<_>>>()?.concat();
    if tail.len() as u64 != reply.range.end - reply.range.start {
        return Err(
            Error::new(ErrorKind::Unavailable, "body ended before its announced length").with("file", &file.path)
        );
    }
    stats.bytes += tail.len() as u64;
    Ok((tail.into(), reply.meta.version.filter(|_| store.supports(Ability::Versions))))
}

fn parse(tail: &Bytes, file: &DataFile) -> std::result::Result<ParquetMetaData, ParquetError> {
    let mut reader = ParquetMetaDataReader::new();
    reader.try_parse_sized(tail, file.bytes)?;
    let metadata = reader.finish()?;
    check_chunks(&metadata)?;
    Ok(metadata)
}

/// Tests that the columns of all row groups have a place in a file: readers assert it, whatever a damaged footer says.
fn check_chunks(metadata: &ParquetMetaData) -> std::result::Result<(), ParquetError> {
    let mut chunks = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    match chunks.find(|chunk| !has_place(chunk)) {
        Some(chunk) => Err(ParquetError::General(format!("column {} has no place in a file", chunk.column_path()))),
        None => Ok(()),
    }
}

fn has_place(chunk: &ColumnChunkMetaData) -> bool {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let length = chunk.compressed_size();
    start >= 0 && length >= 0 && start.checked_add(length).is_some()
}

/// Where the wanted columns are in the file.
fn roots(metadata: &ArrowReaderMetadata, columns: &Schema, path: &str) -> Result<Vec<usize>> {
    let in_file = metadata.schema();
    let root = |field: &Arc<arrow::datatypes::Field>| match in_file.index_of(field.name()) {
        Ok(index) if in_file.field(index).data_type() == field.data_type() => Ok(index),
        _ => Err(Error::new(ErrorKind::Corrupt, "data file does not have the column of the manifest")
            .with("file", path)
            .with("column", field.name())),
    };
    columns.fields().iter().map(root).collect()
}

fn differs(path: &str, what: &'static str, expected: u64, got: i64) -> Error {
    Error::new(ErrorKind::Corrupt, "data file is not what the manifest says")
        .with("file", path)
        .with("of", what)
        .with("expected", expected)
        .with("got", got)
}

/// The column chunks of one row group, at their places in the file.
struct RowGroupBytes {
    file_bytes: u64,
    parts: Vec<(u64, Bytes)>,
}

impl RowGroupBytes {
    /// What is there from here on.
    fn from(&self, start: u64) -> parquet::errors::Result<Bytes> {
        let holds = |(at, part): &&(u64, Bytes)| *at <= start && start - at < part.len() as u64;
        match self.parts.iter().find(holds) {
            Some((at, part)) => Ok(part.slice((start - at) as usize..)),
            None => Err(ParquetError::EOF(format!("byte {start} is in no column that was read"))),
        }
    }
}

impl Length for RowGroupBytes {
    fn len(&self) -> u64 {
        self.file_bytes
    }
}

impl ChunkReader for RowGroupBytes {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if length == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.from(start)?;
        match length <= bytes.len() {
            true => Ok(bytes.slice(..length)),
            false => Err(ParquetError::EOF(format!("{length} bytes at {start} end past their column"))),
        }
    }
}
