//! `world.json`: what a world is, written once, if absent.

use serde::{Deserialize, Serialize};
use worldstore_core::{Error, ErrorKind, Result};

use super::format::TableFormat;
use super::lineage::RunRecord;
use super::{MAIN_RUN, WorldOptions, check_name};
use crate::storage::Storage;
use crate::world::document;

const KEY: &str = "world.json";
/// The layout that this code writes and reads.
const LAYOUT: u32 = 1;

/// The document at the root of a world.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorldManifest {
    layout: u32,
    pub name: String,
    pub tables: TableFormat,
    /// The kind of the Iceberg catalog, if it was elsewhere than in the world's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    catalog: Option<String>,
}

impl WorldManifest {
    /// The document of a world with this name.
    pub fn new(name: &str, tables: TableFormat) -> Self {
        Self { layout: LAYOUT, name: name.to_owned(), tables, catalog: None }
    }

    /// Decides what a new world is. No I/O: what is wrong is refused before anything is made.
    pub fn for_new(uri: &str, options: &WorldOptions) -> Result<Self> {
        let place = options.registry.residence(uri)?;
        let name = match &options.name {
            Some(name) => name.clone(),
            None => default_name(uri),
        };
        check_name("world", &name)?;
        let tables = options.format.unwrap_or_else(|| TableFormat::default_for(place));
        tables.check(uri, place, options)?;
        let catalog = options.catalog.as_ref().map(|catalog| catalog.kind().to_owned());
        Ok(Self { catalog, ..Self::new(&name, tables) })
    }

    /// Refuses to begin a second catalog in the folder of a world that has its own elsewhere.
    pub fn check(&self, options: &WorldOptions) -> Result<()> {
        match (&self.catalog, &options.catalog) {
            (Some(kind), None) => {
                Err(Error::invalid("the world was made with a catalog elsewhere, say where it is")
                    .with("catalog", kind))
            }
            _ => Ok(()),
        }
    }

    /// Writes the main run first: once the manifest is there, the world is complete.
    pub async fn write(&self, storage: &Storage) -> Result<()> {
        match RunRecord::root(MAIN_RUN).create(&storage.backend).await {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        document::create(&storage.backend, KEY, self).await.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::new(ErrorKind::AlreadyExists, "there is a world already"),
            _ => error,
        })
    }

    pub async fn read(storage: &Storage) -> Result<Self> {
        let manifest: Self =
            document::read(&storage.backend, KEY).await.map_err(|error| match error.is_not_found() {
                true => Error::not_found("there is no world, make one first"),
                false => error,
            })?;
        match manifest.layout {
            LAYOUT => Ok(manifest),
            other => Err(Error::unsupported("the world has a layout of another release").with("layout", other)),
        }
    }
}

fn default_name(uri: &str) -> String {
    let last = uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    match check_name("world", last) {
        Ok(()) => last.to_owned(),
        Err(_) => "world".to_owned(),
    }
}
