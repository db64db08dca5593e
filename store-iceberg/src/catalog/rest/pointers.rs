//! Where the server says that the newest metadata of a table is.

use async_trait::async_trait;
use worldstore_core::Result;
use worldstore_core::table::TableName;

use super::RestCatalog;
use crate::catalog::Pointers;
use crate::outside::Named;

#[async_trait]
impl Pointers for RestCatalog {
    /// The server knows one namespace, that of its URI.
    async fn pointer_of(&self, table: Named<'_>) -> Result<Option<String>> {
        let name = TableName::new(table.table)?;
        let Some(loaded) = self.get(name.as_str()).await? else { return Ok(None) };
        Ok(loaded.metadata_location)
    }
}
