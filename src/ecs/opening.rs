//! What opening the entities of a run took.

use worldstore_ecs::Tick;

/// What opening the entities of a run took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Opening {
    /// The tick of the checkpoint that it began with; none if all ticks were folded.
    pub checkpoint: Option<Tick>,
    /// How many rows were folded: of all tables but those of checkpoints, from the tick behind it.
    pub rows: u64,
}
