//! How the entities of a run are opened.

use worldstore_core::table::Level;
use worldstore_ecs::planted::Planted;

/// How the entities of a run are opened for writing.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct WorldTablesOptions {
    /// The shard of a run without entities, 0 by default. A run that has them keeps its own, and may not be opened as
    /// another.
    pub shard: u16,
    /// How safe a batch is when it is applied. By default it is durable where the world keeps a log, else buffered.
    pub level: Option<Level>,
    /// A checkpoint is written behind a batch when so many rows were written since the last one, and at least twice as
    /// many as there are entities. Default 65,536. Opening reads a checkpoint and the rows behind it.
    pub checkpoint_rows: u64,
    #[doc(hidden)]
    pub planted: Planted,
}

impl Default for WorldTablesOptions {
    fn default() -> Self {
        Self { shard: 0, level: None, checkpoint_rows: 65_536, planted: Planted::default() }
    }
}

impl WorldTablesOptions {
    /// Sets the shard of a run without entities.
    #[must_use]
    pub fn with_shard(mut self, shard: u16) -> Self {
        self.shard = shard;
        self
    }

    /// Sets after how many rows a checkpoint is written; with `u64::MAX` none is.
    #[must_use]
    pub fn with_checkpoint_rows(mut self, rows: u64) -> Self {
        self.checkpoint_rows = rows;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_planted(mut self, planted: impl Into<Planted>) -> Self {
        self.planted = planted.into();
        self
    }

    /// Sets how safe a batch is when it is applied. [`Level::Committed`] commits the tables and publishes with each batch.
    #[must_use]
    pub fn with_level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }
}
