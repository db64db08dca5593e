//! Tables of formats that the graph does not know by itself: whoever builds the graph gives it a way to read them.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use worldstore_async::AsyncBackend;
use worldstore_core::Result;
use worldstore_core::lake::LakeUri;
use worldstore_datafusion::PinnedTable;

/// A format of tables that lie in a byte store: what `FROM FORMAT 'lake://mount/place'` means.
#[async_trait]
pub trait TableFormat: Debug + Send + Sync {
    /// Fixes the newest state of the table at this place below the root of the mount.
    ///
    /// # Errors
    /// `NotFound` if there is no table, `Corrupt` if it cannot be read, `Unsupported` for what it has and the format's
    /// reader has not.
    async fn pin(&self, backend: &Arc<dyn AsyncBackend>, place: &str) -> Result<Arc<dyn PinnedTable>>;
}

/// A table of a format.
#[derive(Debug)]
pub(crate) struct FormatTable {
    /// The format, as it was declared.
    pub name: String,
    pub from: LakeUri,
    pub format: Arc<dyn TableFormat>,
    pub backend: Arc<dyn AsyncBackend>,
}

impl FormatTable {
    /// Its newest state.
    ///
    /// # Errors
    /// As for [`TableFormat::pin`].
    pub async fn pin(&self) -> Result<Arc<dyn PinnedTable>> {
        let place = self.from.template.expand(&[])?;
        self.format.pin(&self.backend, &place).await.map_err(|error| error.with("table", &self.from))
    }
}
