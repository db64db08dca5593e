//! Time travel: a view at a sequence number or at a time, and a view that later appends do not change.

use std::ops::RangeInclusive;
use std::time::SystemTime;

use futures::future::{BoxFuture, FutureExt};
use worldstore_core::table::HistoryOptions;
use worldstore_core::{Error, Result};

use super::{View, World};

/// What knows how far a world had come at a time.
pub trait SeqAt: Send + Sync {
    /// The greatest sequence number that is known to have been there at that time, together with all before it.
    ///
    /// # Errors
    /// `NotFound` if nothing is known of that time or before.
    fn seq_at(&self, time: SystemTime) -> BoxFuture<'_, Result<u64>>;
}

impl SeqAt for World {
    /// From the versions that the tables still have: what was committed by then, and all that was appended before it.
    fn seq_at(&self, time: SystemTime) -> BoxFuture<'_, Result<u64>> {
        let time_ms = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        async move {
            let mut seq = None;
            for table in self.tables().await? {
                let versions = match self.inner.tables.history(&table, &HistoryOptions::default()).await {
                    Err(error) if error.is_not_found() => continue,
                    found => found?,
                };
                let by_then = versions.iter().filter(|version| i128::from(version.committed_ms) <= time_ms as i128);
                seq = seq.max(by_then.map(|version| version.watermark).max());
            }
            seq.ok_or_else(|| {
                Error::not_found("no commit of that time or before is known").with("milliseconds_since_1970", time_ms)
            })
        }
        .boxed()
    }
}

impl View {
    /// The same view as it was when the append of this sequence number was the last.
    #[must_use]
    pub fn at_seq(&self, seq: u64) -> Self {
        self.map_segments(|segment| {
            let seq = segment.seq_max.map_or(seq, |seq_max| seq_max.min(seq));
            Some(segment.clone().with_seq_max(seq))
        })
    }

    /// The same view as it was at a time. `source` says which sequence number that was; a [`World`] knows it as exactly as
    /// its tables' commits do.
    ///
    /// # Errors
    /// `NotFound` if nothing is known of that time or before.
    pub async fn at_time(&self, time: SystemTime, source: &dyn SeqAt) -> Result<Self> {
        Ok(self.at_seq(source.seq_at(time).await?))
    }

    /// The same view with what is there now, which later appends do not change: all tables at one sequence number.
    ///
    /// # Errors
    /// Those of the byte store.
    pub async fn pinned(&self) -> Result<Self> {
        let tables = self.run().world().world_tables().await?;
        Ok(self.at_seq(tables.iter().map(|info| info.watermark).max().unwrap_or(0)))
    }

    /// The same view without what is outside of these ticks.
    pub(crate) fn between(&self, ticks: RangeInclusive<i64>) -> Self {
        self.map_segments(|segment| {
            let start = *segment.ticks.start().max(ticks.start());
            let end = *segment.ticks.end().min(ticks.end());
            (start <= end).then(|| segment.clone().with_ticks(start..=end))
        })
    }
}

#[cfg(test)]
mod tests;
