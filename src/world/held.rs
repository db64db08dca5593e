//! Whether the tables still have what was published.

use futures::{StreamExt, TryStreamExt, stream};
use worldstore_async::table::AsyncTableBackend;
use worldstore_cache::manifest_appended;
use worldstore_core::manifest::Manifest;
use worldstore_core::table::{DescribeOptions, TableName};
use worldstore_core::{Error, ErrorKind, Result};

/// Tables that are looked at at once.
const TABLES_AT_ONCE: usize = 8;

/// Compares the newest version of each table with the one that a manifest names.
///
/// # Errors
/// `Corrupt` for a table that is gone, or that went back behind that version; those of describing the tables.
pub(super) async fn check(tables: &dyn AsyncTableBackend, manifest: &Manifest) -> Result<()> {
    let looks = manifest_appended(manifest)?.into_iter().map(|(table, published)| look(tables, table, published));
    stream::iter(looks.collect::<Vec<_>>()).buffered(TABLES_AT_ONCE).try_collect().await
}

async fn look(tables: &dyn AsyncTableBackend, table: TableName, published: u64) -> Result<()> {
    let lost = |message: &'static str| {
        let error = Error::new(ErrorKind::Corrupt, message).with("table", &table).with("published", published);
        error.with("instead", "put it back, or take the world over as it is")
    };
    match tables.describe(&table, &DescribeOptions::default()).await {
        Ok(info) if info.version < published => {
            Err(lost("the table went back behind what was published").with("version", info.version))
        }
        Err(error) if error.is_not_found() => Err(lost("a table that was published is gone").caused_by(error)),
        described => described.map(drop),
    }
}
