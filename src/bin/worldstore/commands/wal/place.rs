//! Where a log is, and of which kind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use worldstore::asynchronous::AsyncBackendAdapter;
use worldstore::core::vfs::OsVfs;
use worldstore::core::wal::{ObjectReport, SegmentReport, SegmentState};
use worldstore::core::{Backend, Prefix};
use worldstore::storage::Root;
use worldstore::{Error, Registry, Result};

use crate::commands::fs::address::Address;

/// A log.
pub enum Log {
    /// In a folder of this machine.
    Files {
        /// The folder that the log's folder is in.
        vfs: OsVfs,
        /// Its name there.
        name: String,
    },
    /// As objects below a folder of a store.
    Objects {
        /// The store.
        backend: Arc<dyn Backend>,
        /// The folder.
        folder: Prefix,
    },
}

impl Log {
    /// Finds out what the URI names.
    pub async fn find(uri: &str, registry: &Registry) -> Result<Self> {
        let address = Address::folder(registry, uri, Root::Existing).await?;
        if let Some(folder) = address.folder.as_ref().map(|root| root.join(&address.path)).filter(is_of_files) {
            let (vfs, name) = split(&folder)?;
            return Ok(Self::Files { vfs, name });
        }
        let backend = AsyncBackendAdapter::new(Arc::clone(address.store.backend()))?;
        Ok(Self::Objects { backend: Arc::new(backend), folder: Prefix::new(&address.path)? })
    }
}

/// The folder above, which has to be there, and the name in it.
pub fn split(folder: &Path) -> Result<(OsVfs, String)> {
    let failed = |source| Error::io("open folder", source).with("folder", folder.display());
    // `.` and `..` at the end are no names.
    let real = folder.canonicalize().or_else(|_| std::path::absolute(folder)).map_err(failed)?;
    match (real.parent(), real.file_name().and_then(|name| name.to_str())) {
        (Some(parent), Some(name)) => Ok((OsVfs::open(parent)?, name.to_owned())),
        _ => Err(Error::invalid("folder of a log has no name").with("folder", folder.display())),
    }
}

/// True if the folder holds files that only a log in files has.
fn is_of_files(folder: &PathBuf) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).any(|name| name == "EPOCH" || name.to_string_lossy().ends_with(".wal"))
}

/// A segment or an object.
#[derive(Debug)]
pub struct Part {
    pub name: String,
    pub number: u64,
    pub epoch: u64,
    pub first: u64,
    pub last: u64,
    pub records: u64,
    pub bytes: u64,
    pub state: &'static str,
    pub end: Option<u64>,
    pub torn_bytes: u64,
}

impl From<&SegmentReport> for Part {
    fn from(report: &SegmentReport) -> Self {
        let state = match report.state {
            SegmentState::Sealed => "sealed",
            SegmentState::Fenced => "fenced",
            SegmentState::Open => "open",
            SegmentState::Torn => "torn",
            _ => "unknown",
        };
        Self {
            name: report.name.clone(),
            number: report.header.number,
            epoch: report.header.epoch,
            first: report.header.first,
            last: report.last,
            records: report.records,
            bytes: report.bytes,
            state,
            end: Some(report.end),
            torn_bytes: report.torn_bytes,
        }
    }
}

impl From<&ObjectReport> for Part {
    fn from(report: &ObjectReport) -> Self {
        Self {
            name: report.name.clone(),
            number: report.header.number,
            epoch: report.header.epoch,
            first: report.header.first,
            last: report.last,
            records: report.records,
            bytes: report.bytes,
            state: if report.records == 0 { "fence" } else { "group" },
            end: None,
            torn_bytes: 0,
        }
    }
}

/// What the parts come to.
#[derive(Debug, Default)]
pub struct Sum {
    pub parts: u64,
    pub records: u64,
    pub bytes: u64,
    pub epoch: u64,
    pub torn_bytes: u64,
    first: Option<u64>,
    last: u64,
}

impl Sum {
    pub fn add(&mut self, part: &Part) {
        self.parts += 1;
        self.records += part.records;
        self.bytes += part.bytes;
        self.epoch = self.epoch.max(part.epoch);
        self.torn_bytes += part.torn_bytes;
        self.first.get_or_insert(part.first);
        self.last = part.last;
    }

    /// The first record that is kept, or that will be.
    pub fn first(&self) -> u64 {
        self.first.unwrap_or(1)
    }

    /// The last record; one less than the first if there is none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// As `3..=9`, or `none`.
    pub fn range(&self) -> String {
        match self.records {
            0 => "none".to_owned(),
            _ => format!("{}..={}", self.first(), self.last()),
        }
    }
}
