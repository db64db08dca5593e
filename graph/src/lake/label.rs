//! A virtual label: a template, and what was learnt of its files.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::ParquetMetaData;
use worldstore_async::{AsyncBackend, lake};
use worldstore_core::lake::{Filter, LakeColumn, LakeUri};
use worldstore_core::{Error, Key, ListOptions, Prefix, Result, StatOptions};

use super::footer::{Footers, corrupt};
use super::listing::{Listing, options, settled};
use super::memo::Memo;
use super::provider::LakeTable;
use crate::io_stats::Counters;

/// Rows in Parquet files that stay where they are.
#[derive(Debug)]
pub(crate) struct LakeLabel {
    pub address: LakeUri,
    pub backend: Arc<dyn AsyncBackend>,
    /// The columns in the files: those of the first file when the label was made.
    pub columns: SchemaRef,
    /// The columns in the path, with the types that they had when the label was made.
    pub path_columns: Vec<LakeColumn>,
    pub path_fields: Fields,
    pub footers: Footers,
    /// The last listing of everything: what is known of folders that are not listed.
    known: Mutex<Arc<Listing>>,
}

impl LakeLabel {
    /// Looks at what is there now and learns the schema from it.
    ///
    /// # Errors
    /// `NotFound` if nothing fits the template; `Corrupt` if the first file is no Parquet file.
    pub async fn open(address: LakeUri, backend: Arc<dyn AsyncBackend>) -> Result<Self> {
        let nothing = || Error::not_found("no Parquet file fits this address").with("address", &address);
        let mut listed = match lake::list(&*backend, &address.template, &options()).await {
            Ok(listed) => listed,
            Err(error) if error.is_not_found() => return Err(nothing().caused_by(error)),
            Err(error) => return Err(error),
        };
        let Some(first) = listed.files.first().map(|file| file.meta.clone()) else {
            let (stats, unfit) = (listed.stats, listed.unfit.join(" "));
            let error = nothing().with("files_seen", stats.files_seen).with("folders_seen", stats.folders_seen);
            return Err(if unfit.is_empty() { error } else { error.with("unfit", unfit) });
        };
        let path_columns = settled(std::mem::take(&mut listed.columns), &address.template);
        listed.columns.clone_from(&path_columns);
        let listing = Listing::new(listed)?;
        let footers = Footers::default();
        let footer = footers.load(&backend, &first, &Counters::default()).await?;
        let columns = schema_of(&footer, &first.key)?;
        if let Some(taken) = path_columns.iter().find(|column| columns.index_of(&column.name).is_ok()) {
            return Err(Error::invalid("column is in the path and in the file")
                .with("column", &taken.name)
                .with("file", &first.key));
        }
        let path_fields = listing.fields();
        let known = Mutex::new(Arc::new(listing));
        Ok(Self { address, backend, columns, path_columns, path_fields, footers, known })
    }

    /// The label for one query, whose scans see the same files. No I/O.
    pub fn pin(self: &Arc<Self>, counters: Arc<Counters>) -> LakeTable {
        LakeTable::new(Arc::clone(self), counters)
    }

    /// Lists again: the files that a condition on the path does not rule out.
    ///
    /// # Errors
    /// `NotFound` if nothing at all is left; `Invalid` if the paths no longer have the columns that they had; `Conflict` if
    /// they change while one query is planned.
    pub async fn list(&self, filter: Option<Filter>, memo: &Memo, counters: &Counters) -> Result<Arc<Listing>> {
        let is_whole = filter.is_none();
        let mut options = options().with_columns(self.path_columns.clone());
        options.filter = filter;
        let list = |folder: Prefix, options: ListOptions| memo.list(&*self.backend, folder, options, counters);
        let stat = |key: Key| async move { self.backend.stat(&key, &StatOptions::default()).await };
        let listed = lake::list_by(list, stat, &self.address.template, &options).await;
        let listed = listed.map_err(|error| error.with("address", &self.address))?;
        counters.add_folders_pruned(listed.stats.folders_pruned);
        let listing = Arc::new(Listing::new(listed)?);
        if is_whole {
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&listing);
        }
        Ok(listing)
    }

    /// The last listing of everything.
    pub fn known(&self) -> Arc<Listing> {
        Arc::clone(&self.known.lock().unwrap_or_else(PoisonError::into_inner))
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
