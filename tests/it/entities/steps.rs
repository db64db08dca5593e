//! Random batches, and what a storage shows of itself, where whatever fails fails the test.

use worldstore::ecs::conformance::steps;
use worldstore::ecs::{Entity, State, Updates};

pub use worldstore::ecs::conformance::steps::{Agent, Dice, Position, Shown};

/// Changes of which most can be applied and some cannot.
pub fn updates(dice: &mut Dice, alive: &[Entity]) -> Updates {
    steps::updates(dice, alive, &[]).unwrap()
}

pub fn shown(state: &State<'_>) -> Shown {
    steps::shown(state).unwrap()
}
