//! What writes to a world, and what whoever writes has to know of others.

use worldstore_cache::TableCache;
use worldstore_core::{Error, ErrorKind, Result};

use super::World;
use super::open::blocking;

/// What writes to a world, under the epoch that it has claimed.
pub(super) struct Writer {
    pub cache: TableCache,
    pub epoch: u64,
}

impl World {
    fn writing(&self) -> Result<&Writer> {
        let refused = || Error::unsupported("the world is open for reading only").with("world", self.name());
        self.inner.writer.as_ref().ok_or_else(refused)
    }

    /// What writes, where something may be written.
    pub(super) fn cache(&self) -> Result<&TableCache> {
        self.writing().map(|writer| &writer.cache)
    }

    /// Looks whether another has taken the world over: before a change that no commit of a table would find out about.
    pub(super) async fn expect_unfenced(&self) -> Result<()> {
        let (epoch, manifests) = (self.writing()?.epoch, self.manifests().clone());
        let newest = blocking(move || Ok(manifests.latest()?.epoch)).await?;
        match newest == epoch {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Fenced, "another writer has taken the world over")
                .with("epoch", epoch)
                .with("newest_epoch", newest)),
        }
    }

    /// Waits until all rows that were taken so far can be read, or never will be.
    pub(crate) async fn settled(&self) -> Result<()> {
        match &self.inner.writer {
            Some(writer) => writer.cache.settled().await,
            None => Ok(()),
        }
    }
}
