//! What opens the schemes that are compiled in, one file each. To add one: its row in `known.rs`, a file here with its
//! `open`, its line below, its feature.

#[cfg(feature = "azure")]
mod azure;
#[cfg(any(feature = "s3", feature = "azure", feature = "gcs", feature = "http"))]
mod connection;
#[cfg(unix)]
mod file;
#[cfg(feature = "gcs")]
mod gcs;
#[cfg(feature = "http")]
mod http;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "sftp")]
mod sftp;
#[cfg(feature = "sled")]
mod sled;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;

use futures::future::FutureExt;
use worldstore_core::Result;

use super::scheme::{OpenRequest, Opener};
use crate::storage::Storage;

/// What opens the scheme of this name, if it is compiled in.
pub(super) fn opener(name: &str) -> Option<Opener> {
    match name {
        "memory" => Some(opening(memory::open)),
        #[cfg(unix)]
        "file" => Some(opening(file::open)),
        #[cfg(feature = "s3")]
        "s3" => Some(opening(s3::open)),
        #[cfg(feature = "azure")]
        "az" => Some(opening(azure::open)),
        #[cfg(feature = "gcs")]
        "gs" => Some(opening(gcs::open)),
        #[cfg(feature = "http")]
        "http" => Some(opening(http::open)),
        #[cfg(feature = "sftp")]
        "sftp" => Some(opening(sftp::open)),
        #[cfg(feature = "sqlite")]
        "sqlite" => Some(opening(sqlite::open)),
        #[cfg(feature = "postgres")]
        "postgres" => Some(opening(postgres::open)),
        #[cfg(feature = "redis")]
        "redis" => Some(opening(redis::open)),
        #[cfg(feature = "sled")]
        "sled" => Some(opening(sled::open)),
        #[cfg(feature = "redb")]
        "redb" => Some(opening(redb::open)),
        _ => None,
    }
}

fn opening<Opening>(open: fn(OpenRequest) -> Opening) -> Opener
where
    Opening: Future<Output = Result<Storage>> + Send + 'static,
{
    Arc::new(move |request| open(request).boxed())
}

/// Opens a sync backend where it may block. What the storage shows of its place holds no secrets.
#[cfg(any(feature = "sqlite", feature = "redis", feature = "sled", feature = "redb"))]
async fn blocking<Opened: worldstore_core::Backend>(
    uri: &str,
    open: impl FnOnce() -> Result<Opened> + Send + 'static,
) -> Result<Storage> {
    let opened = tokio::task::spawn_blocking(open).await;
    let backend = opened.map_err(|source| worldstore_core::Error::unexpected("opening failed").caused_by(source))??;
    Ok(Storage::from_sync(Arc::new(backend), super::masked(uri)))
}
