//! The mirrors of a state, and of what knows how far a world had come at a time.

use std::time::SystemTime;

use arrow::datatypes::SchemaRef;
use worldstore_core::table::Batches;

use super::{Bridge, World, call};
use crate::Result;
use crate::world::SeqAt as _;

/// A state: one row per entity, in the order of the entities.
#[non_exhaustive]
pub struct State {
    /// Columns of the batches.
    pub schema: SchemaRef,
    /// How many rows there are.
    pub rows: u64,
    /// How many rows of history were folded for it.
    pub folded_rows: u64,
    /// The rows.
    pub batches: Batches,
}

impl State {
    pub(super) fn over(state: crate::world::State, bridge: &Bridge) -> Self {
        let crate::world::State { schema, rows, folded_rows, batches } = state;
        Self { schema, rows, folded_rows, batches: Box::new(bridge.pull(batches)) }
    }
}

/// What knows how far a world had come at a time.
pub trait SeqAt: Send + Sync {
    /// The greatest sequence number that is known to have been there at that time, together with all before it.
    ///
    /// # Errors
    /// `NotFound` if nothing is known of that time or before.
    fn seq_at(&self, time: SystemTime) -> Result<u64>;
}

impl SeqAt for World {
    /// From the versions that the tables still have: what was committed by then, and all that was appended before it.
    fn seq_at(&self, time: SystemTime) -> Result<u64> {
        call(self, |world| async move { world.seq_at(time).await })
    }
}
