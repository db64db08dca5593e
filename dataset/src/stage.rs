//! Data files in the making: under names of their own, seen by nobody until a manifest names them.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use uuid::Uuid;
use worldstore_core::{Ability, AtomicWriter, Error, Result, Store, WriteOptions};

use crate::error;
use crate::layout::Layout;
use crate::manifest::{DATA, DataFile};
use crate::options::DatasetWriteOptions;
use crate::partition::{Values, folders, split};
use crate::schema::arrange;

/// Writes rows to files, one or more for each partition.
pub(crate) struct Stage<'dataset> {
    store: &'dataset Store,
    layout: Layout,
    options: DatasetWriteOptions,
    open: BTreeMap<Values, OpenFile>,
    done: Vec<DataFile>,
}

struct OpenFile {
    path: String,
    writer: ArrowWriter<AtomicWriter>,
    rows: u64,
}

impl<'dataset> Stage<'dataset> {
    pub fn new(store: &'dataset Store, layout: Layout, options: &DatasetWriteOptions) -> Self {
        Self { store, layout, options: options.clone(), open: BTreeMap::new(), done: Vec::new() }
    }

    /// Takes rows.
    ///
    /// # Errors
    /// `Invalid`, naming the column, for rows that do not fit; those of the store.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = arrange(batch, &self.layout.schema)?;
        for (values, rows) in split(&batch, &self.layout)? {
            if rows.num_rows() > 0 {
                self.push_part(values, &rows)?;
            }
        }
        Ok(())
    }

    /// Ends all files; they have their bytes now, and no manifest names them.
    ///
    /// # Errors
    /// Those of the store.
    pub fn finish(mut self) -> Result<(Layout, Vec<DataFile>)> {
        while let Some((values, file)) = self.open.pop_first() {
            self.end(values, file)?;
        }
        Ok((self.layout, self.done))
    }

    fn push_part(&mut self, values: Values, rows: &RecordBatch) -> Result<()> {
        if !self.open.contains_key(&values) {
            if self.open.len() >= self.options.open_files.max(1) {
                self.end_largest()?;
            }
            let file = self.begin(&values)?;
            self.open.insert(values.clone(), file);
        }
        let Some(file) = self.open.get_mut(&values) else {
            return Err(Error::unexpected("file that was begun is gone"));
        };
        file.writer.write(rows).map_err(|source| error::unwritten(&file.path, source))?;
        file.rows += rows.num_rows() as u64;
        Ok(())
    }

    fn begin(&self, values: &Values) -> Result<OpenFile> {
        let name = format!("{}.parquet", Uuid::now_v7());
        let path = match folders(&self.layout, values)?.as_str() {
            "" => format!("{DATA}/{name}"),
            folders => format!("{DATA}/{folders}/{name}"),
        };
        let options = match self.store.supports(Ability::WriteIfAbsent) {
            true => WriteOptions::if_absent(),
            false => WriteOptions::default(),
        };
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(self.options.row_group_rows.max(1)))
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_bytes(Some(self.options.row_group_bytes.max(1)))
            .build();
        let object = self.store.open_atomic(&path, &options)?;
        let writer = ArrowWriter::try_new(object, self.layout.in_files.clone(), Some(properties));
        let writer = writer.map_err(|source| error::unwritten(&path, source))?;
        Ok(OpenFile { path, writer, rows: 0 })
    }

    /// Makes room for another file: the one that is nearest to its full size goes.
    fn end_largest(&mut self) -> Result<()> {
        let largest = self.open.iter().max_by_key(|(_, file)| file.rows).map(|(values, _)| values.clone());
        match largest.and_then(|values| self.open.remove_entry(&values)) {
            Some((values, file)) => self.end(values, file),
            None => Ok(()),
        }
    }

    fn end(&mut self, values: Values, file: OpenFile) -> Result<()> {
        let OpenFile { path, writer, rows } = file;
        let object = writer.into_inner().map_err(|source| error::unwritten(&path, source))?;
        let meta = object.commit()?;
        self.done.push(DataFile::new(path, rows, meta.size, values));
        Ok(())
    }
}

/// When a data file was begun, by the clock of its writer: its name tells, in milliseconds since 1970. None for a file
/// that is not of this crate.
pub(crate) fn begun_ms(path: &str) -> Option<u64> {
    let name = path.rsplit('/').next()?.strip_suffix(".parquet")?;
    let name = Uuid::try_parse(name).ok().filter(|name| name.get_version_num() == 7)?;
    let (seconds, nanos) = name.get_timestamp()?.to_unix();
    Some(seconds * 1000 + u64::from(nanos) / 1_000_000)
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
