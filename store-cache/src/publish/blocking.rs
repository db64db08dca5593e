//! Chains of manifests are sync: their work goes to the blocking pool.

use tokio::runtime::Handle;
use worldstore_core::{Error, Result};

/// Runs `work` on the blocking pool. If the caller goes away, the work still ends as it began.
pub(crate) async fn run<Value: Send + 'static>(work: impl FnOnce() -> Result<Value> + Send + 'static) -> Result<Value> {
    let missing = |source| Error::unsupported("manifests need a tokio runtime around them").caused_by(source);
    let runtime = Handle::try_current().map_err(missing)?;
    let failed = |source| Error::unexpected("blocking work failed").caused_by(source);
    runtime.spawn_blocking(work).await.map_err(failed)?
}
