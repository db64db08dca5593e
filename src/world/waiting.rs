//! What was acknowledged and is not published yet, told without opening the world for writing.

use std::fs;
use std::path::Path;

use worldstore_cache::{Waiting, manifest_seq};
use worldstore_core::vfs::OsVfs;
use worldstore_core::wal::{ObjectWalReader, Record, WalReader};
use worldstore_core::{Error, Result};

use super::World;
use super::open::{LogStore, blocking, place_of_log};

/// The largest log that is read to find out whether something waits in it, in bytes.
const LOOK_BYTES_MAX: u64 = 256 << 20;

/// Whether something waits in the log for the next writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogState {
    /// All that was acknowledged is published.
    Clean,
    /// Appends were acknowledged, and are not published yet.
    Waiting,
    /// The log is large, and was not read. It holds so many bytes.
    Large(u64),
}

impl World {
    /// What the log holds that is not published: the next writer takes it over. None where the world keeps no log. It
    /// reads the whole log, locks nothing, and may be called while another writes.
    ///
    /// # Errors
    /// `Corrupt` if the log is damaged; those of the byte store.
    pub async fn waiting(&self) -> Result<Option<Waiting>> {
        self.with_log(|log, published| match log {
            LogStore::None => Ok(None),
            LogStore::Folder { parent, name } => {
                let reader = WalReader::open(&OsVfs::open(&parent)?, &name)?;
                let first = reader.headers()?.first().map_or(1, |(_, header)| header.first);
                Waiting::read(reader.replay(first.saturating_sub(1))?, published).map(Some)
            }
            LogStore::Objects { backend, folder } => {
                let reader = ObjectWalReader::open(backend, folder)?;
                Waiting::read(reader.replay(reader.first().saturating_sub(1))?, published).map(Some)
            }
        })
        .await
    }

    /// Whether something waits in the log. As [`waiting`](Self::waiting), but it leaves a large log alone, and stops at
    /// the first append that waits.
    ///
    /// # Errors
    /// As for [`waiting`](Self::waiting).
    pub async fn log_state(&self) -> Result<LogState> {
        let state = self.with_log(|log, published| match log {
            LogStore::None => Ok(Some(LogState::Clean)),
            LogStore::Folder { parent, name } => {
                let bytes = bytes_of(&parent.join(&name))?;
                if bytes > LOOK_BYTES_MAX {
                    return Ok(Some(LogState::Large(bytes)));
                }
                let reader = WalReader::open(&OsVfs::open(&parent)?, &name)?;
                let first = reader.headers()?.first().map_or(1, |(_, header)| header.first);
                any(reader.replay(first.saturating_sub(1))?, published).map(Some)
            }
            LogStore::Objects { backend, folder } => {
                let reader = ObjectWalReader::open(backend, folder)?;
                any(reader.replay(reader.first().saturating_sub(1))?, published).map(Some)
            }
        });
        Ok(state.await?.unwrap_or(LogState::Clean))
    }

    /// Works on the log away from the runtime's threads; none if there is no log.
    async fn with_log<Value: Send + 'static>(
        &self,
        work: impl FnOnce(LogStore, u64) -> Result<Option<Value>> + Send + 'static,
    ) -> Result<Option<Value>> {
        let log = place_of_log(self.storage(), &self.inner.log)?;
        let manifests = self.manifests().clone();
        let told = blocking(move || {
            let published = manifest_seq(&*manifests.latest()?)?;
            work(log, published)
        });
        match told.await {
            Err(error) if error.is_not_found() => Ok(None),
            told => told,
        }
    }
}

/// Whether one of the records waits.
fn any(records: impl Iterator<Item = Result<Record>>, published: u64) -> Result<LogState> {
    for record in records {
        if Waiting::read([record], published)?.appends > 0 {
            return Ok(LogState::Waiting);
        }
    }
    Ok(LogState::Clean)
}

/// The bytes of the files in a folder.
fn bytes_of(folder: &Path) -> Result<u64> {
    let failed = |source| Error::io("list", source).with("folder", folder.display());
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        bytes += match entry.and_then(|entry| entry.metadata()) {
            Ok(metadata) => metadata.len(),
            // Trimmed since it was listed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(source) => return Err(failed(source)),
        };
    }
    Ok(bytes)
}
