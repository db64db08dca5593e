//! How the entities of a run are opened.

use worldstore_core::table::Level;

/// How the entities of a run are opened for writing.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct WorldTablesOptions {
    /// The shard of a run without entities, 0 by default. A run that has them keeps its own, and may not be opened as
    /// another.
    pub shard: u16,
    /// How safe a batch is when it is applied. By default it is durable where the world keeps a log, else buffered.
    pub level: Option<Level>,
}

impl WorldTablesOptions {
    /// Sets the shard of a run without entities.
    #[must_use]
    pub fn with_shard(mut self, shard: u16) -> Self {
        self.shard = shard;
        self
    }

    /// Sets how safe a batch is when it is applied. [`Level::Committed`] commits the tables and publishes with each batch.
    #[must_use]
    pub fn with_level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }
}
