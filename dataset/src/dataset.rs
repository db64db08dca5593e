//! The dataset: what callers use.

use std::fmt;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use worldstore_core::{Error, ErrorKind, Result, Store};

use crate::commit::{expect_swaps, load, swap};
use crate::layout::Layout;
use crate::manifest::{Body, DataFile, Manifest};
use crate::options::{Commit, DatasetReadOptions, DatasetWriteOptions};
use crate::read::DatasetReader;
use crate::schema::{StoredSchema, expect_fit, expect_same, plain};
use crate::stage::{Stage, begun_ms, now_ms};

/// Rows in Parquet files below a folder of a store, with one manifest that says which files count.
///
/// Reading needs nothing but reads. Writing needs create-if-absent and compare-and-swap, and is `Unsupported` without.
/// Any number of threads and processes may read and write at once.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub(crate) store: Store,
}

/// Whether new files come to the old ones or in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Append,
    Replace,
}

impl Dataset {
    /// The dataset in a folder of a store; the empty text is the store's root. No I/O: it need not exist.
    ///
    /// # Errors
    /// `Invalid` for what is no folder.
    pub fn open(store: &Store, folder: &str) -> Result<Self> {
        let store = match folder {
            "" => store.clone(),
            folder => store.child(folder)?,
        };
        Ok(Self { store })
    }

    /// True if there is a dataset: it was written and not deleted since.
    ///
    /// # Errors
    /// As for [`manifest`](Self::manifest), `NotFound` excepted.
    pub fn exists(&self) -> Result<bool> {
        Ok(load(&self.store)?.is_some_and(|(manifest, _)| manifest.layout().is_some()))
    }

    /// What the dataset holds now: one read of one object.
    ///
    /// # Errors
    /// `NotFound` if there is none, `Corrupt` if the manifest is damaged, `Unsupported` if it is of another version of
    /// the format; those of the store.
    pub fn manifest(&self) -> Result<Manifest> {
        match load(&self.store)? {
            Some((manifest, _)) if manifest.layout().is_some() => Ok(manifest),
            _ => Err(Error::not_found("no such dataset").with("dataset", self)),
        }
    }

    /// Puts rows in place of whatever the dataset holds, or makes it. What was there stays readable until all is
    /// written, and for those who read it until it is [collected](Self::collect).
    ///
    /// # Errors
    /// `Invalid` without a batch, for batches of different columns, or for a partition column that cannot be one, naming
    /// it; `Unsupported` before any I/O if the backend has no compare-and-swap; `Conflict` if it took so long that its
    /// files have been collected; those of the store. The dataset is then as it was.
    pub fn write(&self, batches: &[RecordBatch], options: &DatasetWriteOptions) -> Result<Commit> {
        self.write_from(schema_of(batches)?, batches.iter().cloned().map(Ok), options)
    }

    /// As [`write`](Self::write), with rows that come one batch at a time; without any the dataset has columns and no
    /// rows.
    ///
    /// # Errors
    /// As for [`write`](Self::write), and those of the batches.
    pub fn write_from(
        &self,
        schema: SchemaRef,
        batches: impl IntoIterator<Item = Result<RecordBatch>>,
        options: &DatasetWriteOptions,
    ) -> Result<Commit> {
        self.put(Mode::Replace, schema, batches, options)
    }

    /// Adds rows, or makes the dataset. Of several that append at once, all rows are there, each once.
    ///
    /// # Errors
    /// `Invalid`, naming the column, for rows that do not fit the dataset; as for [`write`](Self::write).
    pub fn append(&self, batches: &[RecordBatch], options: &DatasetWriteOptions) -> Result<Commit> {
        self.append_from(schema_of(batches)?, batches.iter().cloned().map(Ok), options)
    }

    /// As [`append`](Self::append), with rows that come one batch at a time.
    ///
    /// # Errors
    /// As for [`append`](Self::append), and those of the batches.
    pub fn append_from(
        &self,
        schema: SchemaRef,
        batches: impl IntoIterator<Item = Result<RecordBatch>>,
        options: &DatasetWriteOptions,
    ) -> Result<Commit> {
        self.put(Mode::Append, schema, batches, options)
    }

    /// Reads rows of what the dataset holds now. Files that the condition on partitions rules out are not opened, and
    /// of the others only the wanted columns are read.
    ///
    /// # Errors
    /// As for [`manifest`](Self::manifest); `Invalid` for a column that there is not, or a condition on one that is no
    /// partition column. Among the batches: `Corrupt` for a file that is not what the manifest says, `NotFound` if it
    /// was collected meanwhile.
    pub fn read(&self, options: &DatasetReadOptions) -> Result<DatasetReader> {
        let manifest = self.manifest()?;
        match manifest.layout() {
            Some(layout) => DatasetReader::new(&self.store, &manifest, layout, options),
            None => Err(Error::not_found("no such dataset").with("dataset", self)),
        }
    }

    fn put(
        &self,
        mode: Mode,
        schema: SchemaRef,
        batches: impl IntoIterator<Item = Result<RecordBatch>>,
        options: &DatasetWriteOptions,
    ) -> Result<Commit> {
        expect_swaps(&self.store)?;
        let current = load(&self.store)?;
        let layout =
            self.layout(mode, current.as_ref().and_then(|(manifest, _)| manifest.layout()), &schema, options)?;
        let mut stage = Stage::new(&self.store, layout, options);
        for batch in batches {
            stage.push(&batch?)?;
        }
        let (layout, files) = stage.finish()?;
        let stored = StoredSchema::of(&layout.schema)?;
        let change = |current: Option<&Manifest>| merge(mode, current, &layout, &stored, &files);
        let (manifest, attempts) = swap(&self.store, change).map_err(|error| error.with("dataset", self))?;
        Ok(Commit {
            sequence: manifest.sequence(),
            files: files.len() as u64,
            rows: files.iter().map(|file| file.rows).sum(),
            bytes: files.iter().map(|file| file.bytes).sum(),
            attempts,
        })
    }

    /// How the rows that come will be stored.
    fn layout(
        &self,
        mode: Mode,
        current: Option<&Layout>,
        schema: &SchemaRef,
        options: &DatasetWriteOptions,
    ) -> Result<Layout> {
        let asked = options.partition_by.as_deref();
        match (mode, current) {
            (Mode::Append, Some(layout)) => {
                expect_fit(&layout.schema, schema)?;
                match asked {
                    Some(asked) if asked != layout.partition_by => {
                        Err(Error::invalid("dataset has other partition columns")
                            .with("expected", layout.partition_by.join(", "))
                            .with("got", asked.join(", ")))
                    }
                    _ => Ok(layout.clone()),
                }
            }
            (_, current) => {
                let kept = current.map(|layout| layout.partition_by.as_slice()).unwrap_or_default();
                Layout::new(&plain(schema)?, asked.unwrap_or(kept))
            }
        }
    }
}

/// The manifest with the new files.
fn merge(
    mode: Mode,
    current: Option<&Manifest>,
    layout: &Layout,
    schema: &StoredSchema,
    files: &[DataFile],
) -> Result<Body> {
    let mut body = current.map(|manifest| manifest.body().clone()).unwrap_or_default();
    // What is older than the horizon may have been collected: then it must not be named.
    if let Some(file) = files.iter().find(|file| begun_ms(&file.path).is_none_or(|begun| begun < body.horizon_ms)) {
        let error = Error::new(ErrorKind::Conflict, "files were collected before they were committed, write again");
        return Err(error.with("file", &file.path));
    }
    match (mode, current.and_then(Manifest::layout)) {
        (Mode::Append, Some(there)) => {
            expect_same(&there.schema, &layout.schema)?;
            if there.partition_by != layout.partition_by {
                return Err(Error::invalid("dataset has got other partition columns meanwhile"));
            }
        }
        _ => {
            body.retire_all(now_ms());
            body.schema = Some(schema.clone());
            body.partition_by = layout.partition_by.clone();
        }
    }
    body.files.extend_from_slice(files);
    Ok(body)
}

fn schema_of(batches: &[RecordBatch]) -> Result<SchemaRef> {
    let none = || Error::invalid("without a batch nothing tells the columns");
    Ok(batches.first().ok_or_else(none)?.schema())
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.store)
    }
}
