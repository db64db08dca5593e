//! The backend over real redb files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod openings;

use std::path::Path;
use std::sync::Arc;

use worldstore_core::Result;
use worldstore_core::conformance::Body;
use worldstore_redb::{Redb, RedbConfig};

fn open(folder: &Path) -> Result<Arc<Redb>> {
    config(folder).open().map(Arc::new)
}

fn config(folder: &Path) -> RedbConfig {
    RedbConfig::new(folder.join("objects.redb")).with_cache_bytes(8 << 20)
}

/// Bytes of which no two pieces are alike.
fn bytes(length: usize) -> bytes::Bytes {
    Body::Stretch { from: 0, length }.bytes()
}
