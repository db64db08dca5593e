//! Whether the tables still have what was published.

use worldstore_async::table::AsyncTableBackend;
use worldstore_cache::manifest_tables;
use worldstore_core::manifest::Manifest;
use worldstore_core::table::DescribeOptions;
use worldstore_core::{Error, ErrorKind, Result};

/// Compares the newest version of each table with the one that a manifest names.
///
/// # Errors
/// `Corrupt` for a table that is gone, or that went back behind that version; those of describing the tables.
pub(super) async fn check(tables: &dyn AsyncTableBackend, manifest: &Manifest) -> Result<()> {
    for (table, published) in manifest_tables(manifest)? {
        let lost = |message: &'static str| {
            Error::new(ErrorKind::Corrupt, message).with("table", &table).with("published", published)
        };
        match tables.describe(&table, &DescribeOptions::default()).await {
            Ok(info) if info.version < published => {
                return Err(lost("the table went back behind what was published").with("version", info.version));
            }
            Err(error) if error.is_not_found() => {
                return Err(lost("a table that was published is gone").caused_by(error));
            }
            described => drop(described?),
        }
    }
    Ok(())
}
