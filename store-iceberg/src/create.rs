//! New tables.

use std::sync::Arc;

use iceberg::spec::{FormatVersion, SortOrder, TableMetadata, TableMetadataBuilder, TableProperties};
use worldstore_core::table::schema::check_schema;
use worldstore_core::table::{CreateOptions, TableName};
use worldstore_core::{Error, Prefix, Result};

use crate::catalog::NAMESPACE;
use crate::config::IcebergConfig;
use crate::error::from_iceberg;
use crate::partition::new_spec;
use crate::state::{Columns, State};
use crate::tables::IcebergTables;
use crate::types::to_iceberg_schema;

impl IcebergTables {
    /// The folder that has one of each table.
    pub(crate) fn folder(&self) -> Result<Prefix> {
        self.config().prefix.join(NAMESPACE)
    }

    /// A new table. `AlreadyExists` if another writer made it meanwhile.
    pub(crate) async fn make(&self, table: &TableName, options: &CreateOptions) -> Result<Arc<State>> {
        let folder = self.folder()?.key(table.as_str())?;
        let location = format!("{}/{folder}", self.root().location);
        let metadata = new_metadata(self.config(), options, location.clone())?;
        let columns = Columns::of_metadata(&metadata)?;
        check_schema(&options.schema, &columns.schema)
            .map_err(|error| Error::unsupported("Iceberg tables cannot hold this schema unchanged").caused_by(error))?;
        // Metadata without a catalog means that the catalog was lost.
        self.catalog().make().await?;
        let state = Arc::new(self.catalog().create(self.root(), table, metadata).await?);
        self.hold(table, &state);
        Ok(state)
    }
}

fn new_metadata(config: &IcebergConfig, options: &CreateOptions, location: String) -> Result<TableMetadata> {
    let (schema, mut properties) = to_iceberg_schema(&options.schema)?;
    // It is written whole with every commit, and grows with each.
    let compression = config.metadata_compression.as_str().to_owned();
    properties.insert(TableProperties::PROPERTY_METADATA_COMPRESSION_CODEC.to_owned(), compression);
    let spec = new_spec(config.partitioning, &options.schema, &schema)?;
    TableMetadataBuilder::new(schema, spec, SortOrder::unsorted_order(), location, FormatVersion::V2, properties)
        .and_then(TableMetadataBuilder::build)
        .map(|built| built.metadata)
        .map_err(from_iceberg)
}
