//! The catalog of one table whose newest state is known from elsewhere: a metadata file. Nothing can be changed by it.

use std::sync::Arc;

use async_trait::async_trait;
use iceberg::spec::TableMetadata;
use worldstore_core::table::TableName;
use worldstore_core::{Error, Result};

use super::{Catalog, Fenced, Prepared, Swap};
use crate::commit::Place;
use crate::error::from_iceberg;
use crate::state::State;
use crate::storage::Root;

/// See the module. Every name means the one table.
#[derive(Debug)]
pub(crate) struct FileCatalog {
    /// The location of the metadata file.
    pub pointer: String,
}

fn refused() -> Error {
    Error::unsupported("a table that is known by its metadata file alone can only be read")
}

#[async_trait]
impl Catalog for FileCatalog {
    async fn exists(&self) -> Result<bool> {
        Ok(true)
    }

    async fn make(&self) -> Result<()> {
        Err(refused())
    }

    async fn names(&self) -> Result<Vec<String>> {
        Err(Error::unsupported("one table stands for every name, there is no list of them"))
    }

    async fn location_of(&self, root: &Root, _name: &str) -> Result<String> {
        let metadata = TableMetadata::read_from(&root.file_io(), &self.pointer).await.map_err(from_iceberg)?;
        Ok(metadata.location().to_owned())
    }

    /// Watermarks are not compared: what another program made of the table is what is asked for.
    async fn load(&self, root: &Root, _table: &TableName, held: Option<Arc<State>>) -> Result<Arc<State>> {
        if let Some(held) = held {
            return Ok(held);
        }
        let metadata = TableMetadata::read_from(&root.file_io(), &self.pointer).await.map_err(from_iceberg)?;
        State::new(metadata, self.pointer.clone()).map(Arc::new)
    }

    async fn settled(&self, _table: &TableName) -> Result<String> {
        Ok(self.pointer.clone())
    }

    async fn create(&self, _root: &Root, _table: &TableName, _metadata: TableMetadata) -> Result<State> {
        Err(refused())
    }

    async fn enter(&self, _table: &TableName, _metadata: &str) -> Result<()> {
        Err(refused())
    }

    async fn commit(
        &self,
        _place: Place<'_>,
        _base: &State,
        _prepared: Prepared,
        _written: &mut Vec<String>,
    ) -> Result<Option<State>> {
        Err(refused())
    }

    async fn remove(&self, _table: &TableName, _state: &State) -> Result<Swap> {
        Err(refused())
    }

    async fn claim(&self, _epoch: u64) -> Result<Fenced> {
        Err(refused())
    }

    fn leaves_metadata_to_us(&self) -> bool {
        false
    }

    async fn close(&self) {}
}
