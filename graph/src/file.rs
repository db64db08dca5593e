//! Files that are read whole into memory: Parquet, Arrow IPC and Feather, safetensors. What a file is, its first bytes say.

mod ipc;
mod parquet;
mod safetensors;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use tokio::sync::OnceCell;
use worldstore_async::AsyncBackend;
use worldstore_core::lake::LakeUri;
use worldstore_core::{Error, ErrorKind, Key, ReadOptions, ReadRange, Result};

use crate::io_stats::Counters;

/// Bytes from which the kind of a file can be told.
const START_BYTES: u64 = 8;

/// The rows of one file, which the graph owns once they are read: at the declaration, or, where the declaration was opened
/// from a stored catalog, when they are first asked for.
#[derive(Debug)]
pub(crate) struct FileRows {
    /// Its address.
    pub from: LakeUri,
    /// Its columns, all of them nullable.
    pub schema: SchemaRef,
    backend: Arc<dyn AsyncBackend>,
    batches: OnceCell<Arc<[RecordBatch]>>,
}

impl FileRows {
    /// Reads a file.
    ///
    /// # Errors
    /// As for [`read_file`].
    pub async fn read(from: LakeUri, backend: Arc<dyn AsyncBackend>, counters: &Counters) -> Result<Self> {
        let (schema, batches) = read_file(&backend, &key(&from)?, counters).await?;
        Ok(Self { from, schema, backend, batches: OnceCell::new_with(Some(batches.into())) })
    }

    /// A file that had these columns when it was declared. Nothing is read.
    pub fn recorded(from: LakeUri, backend: Arc<dyn AsyncBackend>, schema: SchemaRef) -> Self {
        Self { from, schema, backend, batches: OnceCell::new() }
    }

    /// Its rows.
    ///
    /// # Errors
    /// As for [`read_file`]; `Conflict` if it has other columns than when it was declared.
    pub async fn batches(&self, counters: &Counters) -> Result<Arc<[RecordBatch]>> {
        let read = || async {
            let (schema, batches) = read_file(&self.backend, &key(&self.from)?, counters).await?;
            match schema == self.schema {
                true => Ok(batches.into()),
                false => Err(Error::new(ErrorKind::Conflict, "the file has other columns than when it was declared")
                    .with("file", &self.from)
                    .with("help", "drop what is declared over it, and declare it again")),
            }
        };
        self.batches.get_or_try_init(read).await.cloned()
    }

    /// Its rows, if they were read.
    pub fn known(&self) -> Option<&Arc<[RecordBatch]>> {
        self.batches.get()
    }
}

fn key(from: &LakeUri) -> Result<Key> {
    Key::new(from.template.expand(&[])?)
}

/// The kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Parquet,
    IpcFile,
    IpcStream,
    Safetensors,
}

impl Kind {
    /// What a file that begins so is.
    fn of(start: &[u8], key: &Key) -> Result<Self> {
        let refused = |error: Error| Err(error.with("file", key));
        match start {
            [b'P', b'A', b'R', b'1', ..] => Ok(Self::Parquet),
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Ok(Self::IpcFile),
            [0xff, 0xff, 0xff, 0xff, ..] => Ok(Self::IpcStream),
            [b'F', b'E', b'A', b'1', ..] => {
                refused(Error::unsupported("this is Feather of version 1, write it as version 2"))
            }
            // A length of less than 16 MiB times 256, in little-endian.
            [_, _, _, _, 0, 0, 0, 0] => Ok(Self::Safetensors),
            _ => {
                let error = Error::new(ErrorKind::Corrupt, "the file is of no kind that is known");
                refused(error.with("known", "Parquet, Arrow IPC, Feather, safetensors"))
            }
        }
    }
}

/// Reads a file into memory.
///
/// # Errors
/// `NotFound`; `Corrupt` if it is damaged or of no kind that is known; `Unsupported` for what a kind has and we do not read.
pub(crate) async fn read_file(
    backend: &Arc<dyn AsyncBackend>,
    key: &Key,
    counters: &Counters,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let start = read(backend, key, ReadOptions::default().with_range(ReadRange::Bounded(0..START_BYTES))).await?;
    let mut bytes_read = start.bytes.len() as u64;
    let kind = Kind::of(&start.bytes, key)?;
    if kind == Kind::Safetensors {
        safetensors::check_length(&start.bytes, start.size).map_err(|error| error.with("file", key))?;
    }
    let whole = read(backend, key, ReadOptions::default()).await?;
    bytes_read += whole.bytes.len() as u64;
    counters.add_data(key, Vec::new(), bytes_read);
    let read = match kind {
        Kind::Parquet => parquet::read(whole.bytes, key),
        Kind::IpcFile => ipc::read_file(&whole.bytes),
        Kind::IpcStream => ipc::read_stream(&whole.bytes),
        Kind::Safetensors => safetensors::read(&whole.bytes),
    };
    read.map_err(|error| error.with("file", key))
}

/// Readers assert what they believe of a file; of one that is damaged, that must not end the process.
fn guarded<Rows>(unreadable: &'static str, read: impl FnOnce() -> Result<Rows>) -> Result<Rows> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(Error::new(ErrorKind::Corrupt, unreadable)))
}

/// Bytes of an object, and the length of the whole.
struct Piece {
    bytes: Bytes,
    size: u64,
}

async fn read(backend: &Arc<dyn AsyncBackend>, key: &Key, options: ReadOptions) -> Result<Piece> {
    let reply = backend.read(key, &options).await?;
    let append = |mut all: BytesMut, chunk: Bytes| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    };
    let bytes = reply.body.try_fold(BytesMut::new(), append).await?.freeze();
    Ok(Piece { bytes, size: reply.meta.size })
}

/// The same columns, all of them nullable, and without notes.
fn plain(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| Field::new(field.name(), field.data_type().clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Batches as they were read, with those columns.
fn batches(
    read: impl Iterator<Item = arrow::error::Result<RecordBatch>>,
    schema: &SchemaRef,
) -> Result<Vec<RecordBatch>> {
    let failed = |source| Error::new(ErrorKind::Corrupt, "rows of the file cannot be read").caused_by(source);
    let plain = |batch: RecordBatch| RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec());
    read.map(|batch| batch.and_then(plain).map_err(failed)).collect()
}

#[cfg(test)]
mod tests;
