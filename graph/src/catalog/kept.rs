//! Corrections that were given as rows, kept in the stored catalog as an Arrow stream.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use tokio::sync::OnceCell;
use worldstore_core::blocks::Content;
use worldstore_core::manifest::Manifests;
use worldstore_core::{Error, ErrorKind, Result};

use super::store::blocking;

/// Rows, in memory once they are read.
pub(crate) type Batches = (Arc<[RecordBatch]>, SchemaRef);

/// See the module.
#[derive(Debug)]
pub(crate) struct KeptRows {
    manifests: Manifests,
    content: Content,
    read: OnceCell<Batches>,
}

impl KeptRows {
    /// Nothing is read.
    pub fn new(manifests: Manifests, content: Content) -> Self {
        Self { manifests, content, read: OnceCell::new() }
    }

    /// The rows.
    ///
    /// # Errors
    /// `Corrupt` if they cannot be read; `Conflict` if they were replaced and collected before they were read; those of
    /// the store.
    pub async fn rows(&self) -> Result<Batches> {
        let (manifests, content) = (self.manifests.clone(), self.content.clone());
        let read = || blocking(move || read(&manifests, &content));
        let (batches, schema) = self.read.get_or_try_init(read).await?;
        Ok((Arc::clone(batches), Arc::clone(schema)))
    }
}

fn read(manifests: &Manifests, content: &Content) -> Result<Batches> {
    let bytes = manifests.blocks()?.get(content).and_then(|reader| reader.bytes());
    match bytes {
        Err(error)
            if error.is_not_found() && !manifests.latest()?.entries.iter().any(|one| one.content == content.hash) =>
        {
            Err(Error::new(ErrorKind::Conflict, "corrections were replaced before they were read").caused_by(error))
        }
        bytes => decode(&bytes?),
    }
}

/// Rows as bytes.
///
/// # Errors
/// `Unsupported` for columns that no stream can hold.
pub(super) fn encode(rows: &RecordBatch) -> Result<Vec<u8>> {
    let failed = |source: ArrowError| Error::unsupported("these corrections cannot be stored").caused_by(source);
    let mut writer = StreamWriter::try_new(Vec::new(), &rows.schema()).map_err(failed)?;
    writer.write(rows).map_err(failed)?;
    writer.into_inner().map_err(failed)
}

fn decode(bytes: &[u8]) -> Result<Batches> {
    let failed =
        |source: ArrowError| Error::new(ErrorKind::Corrupt, "the stored corrections cannot be read").caused_by(source);
    let reader = StreamReader::try_new(bytes, None).map_err(failed)?;
    let schema = reader.schema();
    let batches = reader.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
    Ok((batches.into(), schema))
}
