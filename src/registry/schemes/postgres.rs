//! `postgres://user@host/database`.

use std::sync::Arc;

use tokio::runtime::Handle;
use worldstore_core::{Error, Result};
use worldstore_postgres::PostgresConfig;

use crate::registry::{OpenRequest, masked};
use crate::storage::Storage;

pub async fn open(request: OpenRequest) -> Result<Storage> {
    let config = PostgresConfig::from_uri(&request.uri)?;
    let runtime = Handle::try_current()
        .map_err(|source| Error::unsupported("PostgreSQL needs a tokio runtime around it").caused_by(source))?;
    // The future of the connection borrows in a way that the compiler cannot see to be sendable between threads.
    let connected = tokio::task::spawn_blocking(move || runtime.block_on(config.connect())).await;
    let backend = connected.map_err(|source| Error::unexpected("connecting failed").caused_by(source))??;
    Ok(Storage::from_async(Arc::new(backend), masked(&request.uri)))
}
