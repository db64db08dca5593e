//! What was acknowledged and is not published yet, told without opening the world for writing.

use std::fs;
use std::path::{Path, PathBuf};

use worldstore_cache::{Waiting, manifest_seq};
use worldstore_core::vfs::OsVfs;
use worldstore_core::wal::{ObjectWalReader, Record, WalReader};
use worldstore_core::{Error, ErrorKind, Result};

use super::open::{LogStore, blocking, place_of_log};
use super::own_log::OwnLog;
use super::{IfOpen, World};

/// The largest log that is read to find out whether something waits in it, in bytes.
const LOOK_BYTES_MAX: u64 = 256 << 20;
/// What a world knows a log by that is in its store.
const IN_STORE: &str = "store";

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

/// A log that is open for reading.
enum LogReader {
    Folder { reader: WalReader<OsVfs>, folder: PathBuf },
    Objects(ObjectWalReader),
}

impl LogReader {
    /// Opens the log at a place where there is to be one; none where there is to be none.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    fn open(place: LogStore) -> Result<Option<Self>> {
        match place {
            LogStore::None => Ok(None),
            LogStore::Folder { parent, name } => {
                let reader = WalReader::open(&OsVfs::open(&parent)?, &name)?;
                Ok(Some(Self::Folder { reader, folder: parent.join(name) }))
            }
            LogStore::Objects { backend, folder } => {
                ObjectWalReader::open(backend, folder).map(Self::Objects).map(Some)
            }
        }
    }

    /// What a world knows it by.
    fn own(&self, location: &str) -> OwnLog {
        match self {
            Self::Folder { reader, folder } => {
                OwnLog { id: reader.log().to_string(), place: folder.display().to_string() }
            }
            Self::Objects(_) => OwnLog { id: IN_STORE.to_owned(), place: in_store(location) },
        }
    }

    /// All that it holds, from the first record on.
    fn records(&self) -> Result<Box<dyn Iterator<Item = Result<Record>>>> {
        let records: Box<dyn Iterator<Item = Result<Record>>> = match self {
            Self::Folder { reader, .. } => {
                let first = reader.headers()?.first().map_or(1, |(_, header)| header.first);
                Box::new(reader.replay(first.saturating_sub(1))?)
            }
            Self::Objects(reader) => Box::new(reader.replay(reader.first().saturating_sub(1))?),
        };
        Ok(records)
    }

    /// The bytes of one in a folder; none of another, of which they are not known before it is read.
    fn bytes(&self) -> Result<u64> {
        match self {
            Self::Folder { folder, .. } => bytes_of(folder),
            Self::Objects(_) => Ok(0),
        }
    }
}

/// Where a log is that is in the store of its world, for people.
fn in_store(location: &str) -> String {
    format!("{location} (store)")
}

impl World {
    /// What the log holds that is not published: the next writer takes it over. None where the world keeps no log. It
    /// reads the whole log, locks nothing, and may be called while another writes.
    ///
    /// # Errors
    /// `ConditionFailed` if the world has another log, with its place, or has one and there is none here; `Corrupt` if the
    /// log is damaged; those of the byte store.
    pub async fn waiting(&self) -> Result<Option<Waiting>> {
        self.with_log(|log, published| Waiting::read(log.records()?, published)).await
    }

    /// Whether something waits in the log. As [`waiting`](Self::waiting), but it leaves a large log alone, and stops at
    /// the first append that waits.
    ///
    /// # Errors
    /// As for [`waiting`](Self::waiting).
    pub async fn log_state(&self) -> Result<LogState> {
        let state = self.with_log(|log, published| match log.bytes()? {
            bytes if bytes > LOOK_BYTES_MAX => Ok(LogState::Large(bytes)),
            _ => any(log.records()?, published),
        });
        Ok(state.await?.unwrap_or(LogState::Clean))
    }

    /// Works on the log away from the runtime's threads; none if there is no log, and is to be none.
    async fn with_log<Value: Send + 'static>(
        &self,
        work: impl FnOnce(&LogReader, u64) -> Result<Value> + Send + 'static,
    ) -> Result<Option<Value>> {
        let Some(log) = self.open_log().await? else { return Ok(None) };
        let manifests = self.manifests().clone();
        let told = blocking(move || {
            let published = manifest_seq(&*manifests.latest()?)?;
            work(&log, published)
        });
        match told.await {
            // Trimmed meanwhile.
            Err(error) if error.is_not_found() => Ok(None),
            told => told.map(Some),
        }
    }

    /// Opens the log for reading, which has to be the one that the world has; none where it has none.
    async fn open_log(&self) -> Result<Option<LogReader>> {
        let storage = self.storage();
        let place = place_of_log(storage, &self.inner.log)?;
        let given = match &place {
            LogStore::None => "none".to_owned(),
            LogStore::Folder { parent, name } => parent.join(name).display().to_string(),
            LogStore::Objects { .. } => in_store(&storage.location),
        };
        match blocking(move || LogReader::open(place)).await {
            Err(absent) if absent.is_not_found() => {
                let checked = OwnLog::check(None, storage, IfOpen::Refuse).await;
                checked.map(|_| None).map_err(|refused| missing(refused, absent, &given))
            }
            opened => {
                let log = opened?;
                let own = log.as_ref().map(|log| log.own(&storage.location));
                OwnLog::check(own, storage, IfOpen::Refuse).await.map(|_| log)
            }
        }
    }
}

/// The error where a world has a log, and there is none at the place that was given. One of another kind stays.
fn missing(refused: Error, absent: Error, given: &str) -> Error {
    if refused.kind() != ErrorKind::ConditionFailed {
        return refused;
    }
    let place = refused.context().find(|(key, _)| *key == "log").map_or("unknown", |(_, place)| place);
    let message = "the world has a log, which may hold rows that were acknowledged, and there is none in this place";
    let error = Error::new(ErrorKind::ConditionFailed, message).with("log", place).with("given", given);
    error.caused_by(absent)
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
