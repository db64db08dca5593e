//! What two runs have in common: the rows that both of them see because of where they were forked.

use std::sync::Arc;

use worldstore_core::table::Segment;
use worldstore_core::{Error, Result};

use super::{Run, View};

impl Run {
    /// The state that this run and a view both come from: where their histories part.
    ///
    /// # Errors
    /// `Invalid` where they have no ancestor in common.
    pub fn common_ancestor(&self, other: &View) -> Result<View> {
        let apart = || {
            Error::invalid("the runs have no common ancestor")
                .with("run", self.name())
                .with("other", other.run().name())
        };
        if !Arc::ptr_eq(&self.world().inner, &other.run().world().inner) {
            return Err(apart());
        }
        let theirs = other.run().lineage().segments();
        let shared = |segment: &&Segment| theirs.iter().any(|their| their.run == segment.run);
        if !self.lineage().segments().iter().any(|segment| shared(&segment)) {
            return Err(apart());
        }
        let now = self.now();
        let both = now.map_segments(|segment| {
            let their = other.segments().iter().find(|their| their.run == segment.run)?;
            intersection(segment, their)
        });
        Ok(both)
    }
}

/// The rows of a run that are in both stretches.
fn intersection(one: &Segment, other: &Segment) -> Option<Segment> {
    let start = *one.ticks.start().max(other.ticks.start());
    let end = *one.ticks.end().min(other.ticks.end());
    let seq_max = match (one.seq_max, other.seq_max) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let mut both = one.clone().with_ticks(start..=end);
    both.seq_max = seq_max;
    (start <= end).then_some(both)
}
