//! A virtual label: a template, and what was learnt of its files.

use std::sync::Arc;

use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::ParquetMetaData;
use worldstore_async::AsyncBackend;
use worldstore_core::{Error, Key, Result};

use super::footer::{Footers, corrupt};
use super::listing::list;
use super::provider::LakeTable;
use super::template::{Address, Template};
use crate::io_stats::Counters;

/// Rows in Parquet files that stay where they are.
#[derive(Debug)]
pub(crate) struct LakeLabel {
    pub address: Address,
    pub backend: Arc<dyn AsyncBackend>,
    template: Template,
    /// The columns in the files: those of the first file when the label was made.
    pub columns: SchemaRef,
    /// The columns in the path.
    pub path_columns: Fields,
    pub footers: Footers,
}

impl LakeLabel {
    /// Looks at what is there now and learns the schema from it.
    ///
    /// # Errors
    /// `NotFound` if nothing fits the template; `Corrupt` if the first file is no Parquet file.
    pub async fn open(address: Address, backend: Arc<dyn AsyncBackend>) -> Result<Self> {
        let template = Template::parse(&address.path)?;
        let listing = list(&backend, &template).await?;
        let Some(first) = listing.files.first() else {
            return Err(Error::not_found("no Parquet file fits this address").with("address", &address));
        };
        let footers = Footers::default();
        let footer = footers.load(&backend, first, &Counters::default()).await?;
        let columns = schema_of(&footer, &first.key)?;
        let taken = listing.fields.iter().find(|field| columns.index_of(field.name()).is_ok());
        if let Some(field) = taken {
            return Err(Error::invalid("column is in the path and in the file")
                .with("column", field.name())
                .with("file", &first.key));
        }
        Ok(Self { address, backend, template, columns, path_columns: listing.fields, footers })
    }

    /// Lists again and fixes the files that a query reads.
    ///
    /// # Errors
    /// `Invalid` if the paths no longer have the columns that they had.
    pub async fn pin(self: &Arc<Self>, counters: Arc<Counters>) -> Result<LakeTable> {
        let listing = list(&self.backend, &self.template).await?;
        if !listing.files.is_empty() && listing.fields != self.path_columns {
            return Err(Error::invalid("partition columns have changed since the label was made")
                .with("address", &self.address)
                .with("expected", describe(&self.path_columns))
                .with("got", describe(&listing.fields)));
        }
        Ok(LakeTable::new(Arc::clone(self), listing, counters))
    }

    /// Checks that a file has the columns of the label, each with its type. Columns may be missing, which reads as
    /// null, and others may be there, which are not seen.
    pub fn check(&self, footer: &ParquetMetaData, key: &Key) -> Result<()> {
        let schema = schema_of(footer, key)?;
        for field in self.columns.fields() {
            if let Ok(found) = schema.field_with_name(field.name())
                && found.data_type() != field.data_type()
            {
                return Err(Error::invalid("column has another type in this file")
                    .with("file", key)
                    .with("column", field.name())
                    .with("expected", field.data_type())
                    .with("got", found.data_type()));
            }
        }
        Ok(())
    }
}

/// The columns of a file, all of them nullable, for another file may miss them.
pub(super) fn schema_of(footer: &ParquetMetaData, key: &Key) -> Result<SchemaRef> {
    let file = footer.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata());
    let schema = schema.map_err(|source| corrupt(key, source))?;
    let fields = schema.fields().iter().map(|field| Field::new(field.name(), field.data_type().clone(), true));
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

fn describe(fields: &Fields) -> String {
    let texts: Vec<_> = fields.iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect();
    texts.join(", ")
}
