//! The backend over real sled databases.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod openings;

use std::path::Path;
use std::sync::Arc;

use worldstore_core::Result;
use worldstore_sled::{Sled, SledConfig};

fn open(folder: &Path) -> Result<Arc<Sled>> {
    config(folder).open().map(Arc::new)
}

fn config(folder: &Path) -> SledConfig {
    SledConfig::new(folder.join("objects")).with_cache_bytes(8 << 20)
}
