//! Reading: what is pinned, what is left out, and batch by batch what remains.

use std::sync::Arc;
use std::vec::IntoIter;

use arrow::array::{ArrayRef, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use worldstore_core::{Error, Result, Store};

use crate::error;
use crate::file::OpenFile;
use crate::layout::Layout;
use crate::manifest::{DataFile, Manifest};
use crate::options::{DatasetReadOptions, ReadStats};
use crate::partition::{constant, prune};

/// Rows of a dataset as of one manifest, batch by batch: file by file as they were committed, and in a file in their
/// order. What is written meanwhile is not seen. In memory are the wanted columns of one row group, as they are in the
/// file, and one batch. After an error it ends.
pub struct DatasetReader {
    store: Store,
    layout: Layout,
    /// What comes out.
    schema: SchemaRef,
    /// Where each column of it comes from.
    sources: Vec<Source>,
    /// The columns that are read from files.
    in_files: SchemaRef,
    batch_rows: usize,
    sequence: u64,
    files: IntoIter<DataFile>,
    current: Option<Current>,
    stats: ReadStats,
    ended: bool,
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// This column of those that are read from files.
    File(usize),
    /// This partition column.
    Path(usize),
}

/// The file that is being read.
struct Current {
    file: DataFile,
    rows: Rows,
}

enum Rows {
    /// From the file.
    Stored { open: Box<OpenFile>, row_group: Option<ParquetRecordBatchReader> },
    /// So many rows of which nothing is wanted that is in the file.
    Counted(u64),
}

impl DatasetReader {
    pub(crate) fn new(
        store: &Store,
        manifest: &Manifest,
        layout: &Layout,
        options: &DatasetReadOptions,
    ) -> Result<Self> {
        let wanted = match &options.columns {
            None => (0..layout.schema.fields().len()).collect(),
            Some(names) => positions(&layout.schema, names)?,
        };
        let (mut sources, mut in_files) = (Vec::new(), Vec::new());
        for at in &wanted {
            sources.push(match layout.partitions_at.iter().position(|partition| partition == at) {
                Some(partition) => Source::Path(partition),
                None => {
                    in_files.push(*at);
                    Source::File(in_files.len() - 1)
                }
            });
        }
        let files = prune(layout, manifest.files(), options.partitions.as_ref())?;
        let (all, kept) = (manifest.files().len() as u64, files.len() as u64);
        Ok(Self {
            store: store.clone(),
            schema: Arc::new(layout.schema.project(&wanted).map_err(error::arrow)?),
            in_files: Arc::new(layout.schema.project(&in_files).map_err(error::arrow)?),
            layout: layout.clone(),
            sources,
            batch_rows: options.batch_rows.max(1),
            sequence: manifest.sequence(),
            files: files.into_iter(),
            current: None,
            stats: ReadStats { files: all, files_pruned: all - kept, ..ReadStats::default() },
            ended: false,
        })
    }

    /// The columns that come out.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The number of the manifest that is read.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// What it has cost so far. What was pruned is known from the beginning.
    pub fn stats(&self) -> ReadStats {
        self.stats
    }

    fn advance(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(current) = &mut self.current else {
                match self.files.next() {
                    Some(file) => self.current = Some(self.open(file)?),
                    None => return Ok(None),
                }
                continue;
            };
            let rows = next_rows(&self.store, current, &self.in_files, self.batch_rows, &mut self.stats)?;
            match rows {
                Some(rows) => {
                    let file = current.file.clone();
                    return self.complete(&rows, &file).map(Some);
                }
                None => self.current = None,
            }
        }
    }

    fn open(&mut self, file: DataFile) -> Result<Current> {
        let rows = match self.in_files.fields().is_empty() {
            true => Rows::Counted(file.rows),
            false => {
                let open = OpenFile::open(&self.store, &file, &self.in_files, &mut self.stats)?;
                Rows::Stored { open: Box::new(open), row_group: None }
            }
        };
        Ok(Current { file, rows })
    }

    /// Adds the columns that are in the path.
    fn complete(&self, rows: &RecordBatch, file: &DataFile) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            columns.push(match source {
                Source::File(at) => Arc::clone(rows.column(*at)),
                Source::Path(at) => {
                    let value = file.partition.get(*at).and_then(Option::as_deref);
                    constant(&self.layout, *at, value, rows.num_rows())?
                }
            });
        }
        let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(self.schema(), columns, &count).map_err(error::arrow)
    }
}

impl Iterator for DatasetReader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.advance().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// The next rows of a file, with the columns in the order in which they are wanted.
fn next_rows(
    store: &Store,
    current: &mut Current,
    wanted: &SchemaRef,
    batch_rows: usize,
    stats: &mut ReadStats,
) -> Result<Option<RecordBatch>> {
    match &mut current.rows {
        Rows::Counted(0) => Ok(None),
        Rows::Counted(left) => {
            let rows = (*left).min(batch_rows as u64);
            *left -= rows;
            let count = RecordBatchOptions::new().with_row_count(Some(rows as usize));
            RecordBatch::try_new_with_options(Arc::clone(wanted), Vec::new(), &count).map(Some).map_err(error::arrow)
        }
        Rows::Stored { open, row_group } => loop {
            let Some(reader) = row_group else {
                match open.next_row_group(store, batch_rows, stats)? {
                    Some(reader) => *row_group = Some(reader),
                    None => return Ok(None),
                }
                continue;
            };
            match reader.next() {
                Some(Ok(rows)) => return in_order(&rows, wanted).map(Some),
                Some(Err(source)) => {
                    let source = parquet::errors::ParquetError::External(Box::new(source));
                    return Err(error::corrupt(open.path(), source));
                }
                None => *row_group = None,
            }
        },
    }
}

fn in_order(rows: &RecordBatch, wanted: &SchemaRef) -> Result<RecordBatch> {
    let found = wanted.fields().iter().map(|field| rows.schema_ref().index_of(field.name()));
    let found = found.collect::<std::result::Result<Vec<_>, _>>().map_err(error::arrow)?;
    rows.project(&found).map_err(error::arrow)
}

fn positions(schema: &Schema, names: &[String]) -> Result<Vec<usize>> {
    let mut positions = Vec::with_capacity(names.len());
    for name in names {
        let at =
            schema.index_of(name).map_err(|_| Error::invalid("dataset has no such column").with("column", name))?;
        if positions.contains(&at) {
            return Err(Error::invalid("column is asked for twice").with("column", name));
        }
        positions.push(at);
    }
    Ok(positions)
}
