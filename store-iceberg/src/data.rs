//! Writing rows as Parquet files.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use iceberg::io::FileIO;
use iceberg::spec::{DataFile, Struct};
use iceberg::writer::file_writer::location_generator::{DefaultLocationGenerator, LocationGenerator};
use iceberg::writer::file_writer::{FileWriter, FileWriterBuilder, ParquetWriter, ParquetWriterBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use uuid::Uuid;
use worldstore_core::{Error, Result};

use crate::error::from_iceberg;
use crate::fit::stored;
use crate::partition::Splitter;
use crate::state::State;

/// Rows of a data file at most. A file is one row group: Iceberg's writer takes the bounds of a file from those of its
/// row groups that have exact ones, which is wrong as soon as another row group has none.
const FILE_ROWS_MAX: usize = 1 << 20;
const ZSTD_LEVEL: i32 = 3;
/// Files that are written at once: each holds its rows in memory until it is finished.
const OPEN_FILES_MAX: usize = 64;

/// The data files of one append: nothing refers to them before the commit.
pub(crate) struct DataWriter<'append> {
    io: &'append FileIO,
    state: &'append State,
    schema: SchemaRef,
    folder: DefaultLocationGenerator,
    builder: ParquetWriterBuilder,
    /// Makes the names of this append's files unique.
    unique: Uuid,
    /// Rows of a file at most.
    file_rows: usize,
    /// None for a table without partitions.
    splitter: Option<Splitter>,
    /// The file of each partition that is being written, and its rows.
    open: HashMap<Struct, (ParquetWriter, usize)>,
    /// The files that are finished.
    pub files: Vec<DataFile>,
    /// Where files were begun: what to delete if the append comes to nothing.
    pub paths: Vec<String>,
}

impl<'append> DataWriter<'append> {
    /// No I/O.
    pub fn new(io: &'append FileIO, state: &'append State) -> Result<Self> {
        let level = ZstdLevel::try_new(ZSTD_LEVEL)
            .map_err(|source| Error::unexpected("compression level is not known").caused_by(source))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(FILE_ROWS_MAX))
            .build();
        let fields: Vec<_> = state.columns.iter().map(|column| Arc::clone(&column.stored)).collect();
        Ok(Self {
            io,
            state,
            schema: Arc::new(Schema::new(fields)),
            folder: DefaultLocationGenerator::new(&state.metadata).map_err(from_iceberg)?,
            builder: ParquetWriterBuilder::new(properties, Arc::clone(state.metadata.current_schema())),
            unique: Uuid::now_v7(),
            file_rows: FILE_ROWS_MAX,
            splitter: Splitter::new(state)?,
            open: HashMap::new(),
            files: Vec::new(),
            paths: Vec::new(),
        })
    }

    /// Sets the rows of a file at most.
    pub fn with_file_rows(mut self, rows: usize) -> Self {
        self.file_rows = rows.min(FILE_ROWS_MAX);
        self
    }

    /// Writes rows. After an error, `paths` tells what has to be deleted.
    ///
    /// # Errors
    /// `Invalid` if a value does not fit its column's type in Iceberg; else those of the backend.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for batch in stored(&self.state.columns, &self.schema, batch)? {
            let parts = match &self.splitter {
                Some(splitter) => splitter.split(&batch)?,
                None => vec![(Struct::empty(), batch)],
            };
            for (partition, rows) in parts {
                self.write_part(partition, &rows).await?;
            }
        }
        Ok(())
    }

    async fn write_part(&mut self, partition: Struct, batch: &RecordBatch) -> Result<()> {
        let mut from = 0;
        while from < batch.num_rows() {
            let (mut writer, held) = match self.open.remove(&partition) {
                Some(open) => open,
                None => (self.start().await?, 0),
            };
            let rows = (batch.num_rows() - from).min(self.file_rows - held);
            writer.write(&batch.slice(from, rows)).await.map_err(from_iceberg)?;
            from += rows;
            match held + rows == self.file_rows {
                true => self.finish(partition.clone(), writer).await?,
                false => drop(self.open.insert(partition.clone(), (writer, held + rows))),
            }
        }
        Ok(())
    }

    /// Ends the last files.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn close(&mut self) -> Result<()> {
        for (partition, (writer, _)) in std::mem::take(&mut self.open) {
            self.finish(partition, writer).await?;
        }
        Ok(())
    }

    async fn start(&mut self) -> Result<ParquetWriter> {
        while self.open.len() >= OPEN_FILES_MAX {
            let fullest = self.open.iter().max_by_key(|(_, (_, rows))| *rows).map(|(partition, _)| partition.clone());
            let Some((partition, (writer, _))) = fullest.and_then(|partition| self.open.remove_entry(&partition))
            else {
                break;
            };
            self.finish(partition, writer).await?;
        }
        // The partition is not part of the name: values may be longer than a name, and hold what none may.
        let name = format!("{}-{:05}.parquet", self.unique, self.paths.len());
        let path = self.folder.generate_location(None, &name);
        self.paths.push(path.clone());
        let output = self.io.new_output(path).map_err(from_iceberg)?;
        self.builder.build(output).await.map_err(from_iceberg)
    }

    async fn finish(&mut self, partition: Struct, writer: ParquetWriter) -> Result<()> {
        for mut file in writer.close().await.map_err(from_iceberg)? {
            file.partition_spec_id(self.state.metadata.default_partition_spec_id()).partition(partition.clone());
            let built = file.build();
            self.files.push(built.map_err(|source| Error::unexpected("data file is incomplete").caused_by(source))?);
        }
        Ok(())
    }
}
