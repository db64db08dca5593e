//! The manifest: the one object that says what a dataset holds.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use worldstore_core::{Error, ErrorKind, Result};

use crate::layout::Layout;
use crate::schema::StoredSchema;

/// The key of the manifest, in the folder of the dataset.
pub(crate) const MANIFEST: &str = "_manifest.json";
/// The folder of the data files, in the folder of the dataset.
pub(crate) const DATA: &str = "data";
const FORMAT: &str = "worldstore-dataset";
const VERSION: u32 = 1;
/// How many commits a manifest remembers, so that a writer whose answer was lost finds its own.
const RECENT_MAX: usize = 256;

/// A data file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DataFile {
    /// The key, in the folder of the dataset.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// The values of the partition columns as texts, none where one is missing.
    pub partition: Vec<Option<String>>,
}

impl DataFile {
    pub(crate) fn new(path: String, rows: u64, bytes: u64, partition: Vec<Option<String>>) -> Self {
        Self { path, rows, bytes, partition }
    }
}

/// A data file that no longer counts, and is there for those who still read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Retired {
    /// The key, in the folder of the dataset.
    pub path: String,
    /// When it was replaced: milliseconds since 1970, by the clock of the writer.
    pub at_ms: u64,
}

/// What a dataset holds, as of one commit.
#[derive(Debug, Clone)]
pub struct Manifest {
    body: Body,
    layout: Option<Layout>,
}

/// What is stored, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// Counts commits from 1.
    pub sequence: u64,
    /// The commits up to this one, newest last, at most [`RECENT_MAX`].
    pub recent: Vec<String>,
    /// Files whose name is older may be gone: they can no longer be committed. Milliseconds since 1970.
    pub horizon_ms: u64,
    /// None if the dataset was deleted.
    pub schema: Option<StoredSchema>,
    pub partition_by: Vec<String>,
    pub files: Vec<DataFile>,
    pub retired: Vec<Retired>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    format: String,
    version: u32,
    /// Of the body as JSON without spaces.
    blake3: String,
    body: Body,
}

/// What can be read of every version.
#[derive(Debug, Deserialize)]
struct Header {
    format: String,
    version: u32,
}

impl Manifest {
    /// Counts commits from 1.
    pub fn sequence(&self) -> u64 {
        self.body.sequence
    }

    /// All columns, in their order, partition columns included.
    pub fn schema(&self) -> SchemaRef {
        self.layout.as_ref().map_or_else(|| Arc::new(arrow::datatypes::Schema::empty()), |layout| layout.schema.clone())
    }

    /// The partition columns, outermost folder first.
    pub fn partition_by(&self) -> &[String] {
        &self.body.partition_by
    }

    /// The data files, in the order in which they were committed.
    pub fn files(&self) -> &[DataFile] {
        &self.body.files
    }

    /// Files that no longer count and are still there, as far as the manifest knows.
    pub fn retired(&self) -> &[Retired] {
        &self.body.retired
    }

    /// Rows of all files.
    pub fn rows(&self) -> u64 {
        self.body.files.iter().map(|file| file.rows).sum()
    }

    pub(crate) fn new(body: Body) -> Result<Self> {
        let layout = match &body.schema {
            Some(schema) => Some(Layout::new(&schema.read()?, &body.partition_by).map_err(damaged)?),
            None => None,
        };
        let wrong = body.files.iter().find(|file| {
            file.partition.len() != body.partition_by.len() || !file.path.starts_with(&format!("{DATA}/"))
        });
        match wrong {
            Some(file) => Err(damaged(Error::invalid("file does not fit the dataset").with("file", &file.path))),
            None => Ok(Self { body, layout }),
        }
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    /// None if the dataset was deleted.
    pub(crate) fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }

    /// True if this commit is among the recent ones.
    pub(crate) fn remembers(&self, commit: Uuid) -> bool {
        let commit = commit.to_string();
        self.body.recent.contains(&commit)
    }

    /// True if the commit with this number is no longer among the recent ones.
    pub(crate) fn has_forgotten(&self, sequence: u64) -> bool {
        self.body.sequence >= sequence + self.body.recent.len() as u64
    }

    /// Reads what is stored.
    ///
    /// # Errors
    /// `Corrupt` if it is damaged, `Unsupported` for another version of the format.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let header: Header = serde_json::from_slice(bytes).map_err(damaged)?;
        if header.format != FORMAT {
            return Err(damaged(Error::invalid("format has another name").with("format", header.format)));
        }
        if header.version != VERSION {
            return Err(Error::unsupported("manifest is of another version of the format")
                .with("version", header.version)
                .with("known_version", VERSION));
        }
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(damaged)?;
        let sum = envelope.body.sum()?;
        if sum != envelope.blake3 {
            let error = Error::invalid("checksum is another").with("stored", envelope.blake3).with("computed", sum);
            return Err(damaged(error));
        }
        Self::new(envelope.body)
    }
}

impl Body {
    /// What follows this one: with the next number, and the commit's name among the recent.
    pub fn next(&self, commit: Uuid) -> Self {
        let mut next = self.clone();
        next.sequence += 1;
        next.recent.push(commit.to_string());
        let surplus = next.recent.len().saturating_sub(RECENT_MAX);
        next.recent.drain(..surplus);
        next
    }

    /// Moves all files to those that no longer count.
    pub fn retire_all(&mut self, at_ms: u64) {
        let retired = self.files.drain(..).map(|file| Retired { path: file.path, at_ms });
        self.retired.extend(retired);
    }

    pub fn encode(self) -> Result<Bytes> {
        let envelope = Envelope { format: FORMAT.to_owned(), version: VERSION, blake3: self.sum()?, body: self };
        serde_json::to_vec(&envelope).map(Bytes::from).map_err(unencodable)
    }

    fn sum(&self) -> Result<String> {
        let bytes = serde_json::to_vec(self).map_err(unencodable)?;
        Ok(blake3::hash(&bytes).to_hex().to_string())
    }
}

fn damaged(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Corrupt, "manifest of the dataset is damaged").with("key", MANIFEST).caused_by(source)
}

fn unencodable(source: serde_json::Error) -> Error {
    Error::unexpected("manifest cannot be encoded").caused_by(source)
}

#[cfg(test)]
mod tests;
