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
#[cfg(feature = "s3")]
mod s3;

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
        _ => None,
    }
}

fn opening<Opening>(open: fn(OpenRequest) -> Opening) -> Opener
where
    Opening: Future<Output = Result<Storage>> + Send + 'static,
{
    Arc::new(move |request| open(request).boxed())
}
