//! Where the tables lie, and how much is cached of them.

use worldstore_core::Prefix;

/// Settings of [`LanceTables`](crate::LanceTables).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LanceConfig {
    /// The folder of the tables below the backend's root. Default: the root.
    pub prefix: Prefix,
    /// Bound of the cache of indexes in bytes. Default 64 MiB.
    pub index_cache_bytes: usize,
    /// Bound of the cache of manifests and file metadata in bytes. Default 64 MiB.
    pub metadata_cache_bytes: usize,
}

impl Default for LanceConfig {
    fn default() -> Self {
        Self { prefix: Prefix::root(), index_cache_bytes: 64 << 20, metadata_cache_bytes: 64 << 20 }
    }
}

impl LanceConfig {
    /// Sets the folder of the tables.
    #[must_use]
    pub fn with_prefix(mut self, prefix: Prefix) -> Self {
        self.prefix = prefix;
        self
    }
}
