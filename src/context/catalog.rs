//! The catalog of an Iceberg world whose bytes are remote: a file on this machine, and beside it whose it is.
//!
//! Stores of one name may be at several services: a bucket at Amazon and one at a server in the house. The folder of a
//! catalog is named by the name of the store alone, so the file `catalog.service` says at which service its world is. A
//! catalog from before there was such a file gets one as soon as its world could be opened with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use worldstore_core::{Error, ErrorKind, Local, Result, Store, WriteOptions};

use super::StorageConfig;
use super::place::file_name;
use crate::storage::Storage;

const CATALOG: &str = "catalog.db";
const SERVICE: &str = "catalog.service";
/// What the file says of the service that the location itself means.
const DEFAULT: &str = "default";

/// Where the catalog of a world is, and at which service the world.
pub(super) struct LocalCatalog {
    folder: PathBuf,
    service: String,
}

impl LocalCatalog {
    /// The one of a world: below the metadata folder, by the location of the byte store. No I/O.
    pub fn of(config: &StorageConfig, storage: &Storage, world: &str) -> Self {
        let folder = config.metadata.join(file_name(&storage.location)).join(&config.namespace).join(world);
        Self { folder, service: storage.service.clone().unwrap_or_else(|| DEFAULT.to_owned()) }
    }

    /// The catalog file.
    pub fn file(&self) -> PathBuf {
        self.folder.join(CATALOG)
    }

    /// Takes the place for a world that is to be made. It is durable then.
    ///
    /// # Errors
    /// `Invalid` if a catalog is there that belongs to another service, or to one that is not known.
    pub async fn begin(&self) -> Result<()> {
        match self.noted()? {
            // A note of a world that never came to be.
            Some(noted) if noted != self.service && !self.file().exists() => self.note(&WriteOptions::default()).await,
            Some(noted) => self.expect(&noted),
            None if self.file().exists() => {
                let message = "a catalog of a world with this name is on this machine, and nothing tells its service, \
                               set another folder as `storage.metadata`";
                Err(self.about(Error::invalid(message)))
            }
            None => self.note(&WriteOptions::if_absent()).await,
        }
    }

    /// Looks whether it is there, and not that of another service.
    ///
    /// # Errors
    /// `NotFound` and `Invalid` if not.
    pub fn find(&self) -> Result<()> {
        match self.file().exists() {
            true => self.noted()?.map_or(Ok(()), |noted| self.expect(&noted)),
            false => Err(self.about(Error::not_found("the catalog of this Iceberg world is not on this machine"))),
        }
    }

    /// Notes the service of a world that was opened, if nothing tells it yet.
    pub async fn keep(&self) -> Result<()> {
        match self.noted()? {
            Some(noted) => self.expect(&noted),
            None => self.note(&WriteOptions::if_absent()).await,
        }
    }

    fn noted(&self) -> Result<Option<String>> {
        let path = self.folder.join(SERVICE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim_end().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::io("read whose a catalog is", source).with("file", path.display())),
        }
    }

    async fn note(&self, options: &WriteOptions) -> Result<()> {
        let (folder, text, options) = (self.folder.clone(), format!("{}\n", self.service), options.clone());
        let noting = tokio::task::spawn_blocking(move || write(&folder, text, &options)).await;
        match noting.map_err(|source| Error::unexpected("noting a service was stopped").caused_by(source))? {
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.noted()?.map_or(Err(error), |noted| self.expect(&noted))
            }
            noted => noted.map_err(|error| self.about(error)),
        }
    }

    fn expect(&self, noted: &str) -> Result<()> {
        if noted == self.service {
            return Ok(());
        }
        let message = "the catalog on this machine is that of a world at another service, set another folder as \
                       `storage.metadata`";
        let error = self.about(Error::invalid(message));
        Err(error.with("service", &self.service).with("noted", noted).with("in", self.folder.join(SERVICE).display()))
    }

    fn about(&self, error: Error) -> Error {
        error.with("catalog", self.file().display())
    }
}

fn write(folder: &Path, text: String, options: &WriteOptions) -> Result<()> {
    let store = Store::new(Arc::new(Local::new(folder)?));
    store.write_with(SERVICE, text, options).map(drop)
}
