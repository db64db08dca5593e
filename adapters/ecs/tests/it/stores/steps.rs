//! Random batches, and what a storage shows of itself, where whatever fails fails the test.

use std::collections::BTreeMap;

use worldstore_ecs::conformance::steps;
use worldstore_ecs::{ComponentValue, Entity, Query, Storage, Updates};

pub use worldstore_ecs::conformance::steps::{Agent, Counters, Dice, NAMES, Name, Position};

pub fn updates(dice: &mut Dice, alive: &[Entity], dead: &[Entity]) -> Updates {
    steps::updates(dice, alive, dead).unwrap()
}

pub fn found(storage: &dyn Storage, query: &Query) -> BTreeMap<Entity, Vec<ComponentValue>> {
    steps::found(storage, query).unwrap()
}
