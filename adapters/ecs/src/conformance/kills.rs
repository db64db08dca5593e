//! Processes that are killed in the middle of batches: what is left is what a prefix of the batches makes, and all that
//! was acknowledged is in it. A test binary starts itself again as the process that is killed.

pub use worldstore_core::conformance::Kills;
use worldstore_core::conformance::{acknowledge, place_of_victim};
use worldstore_core::{Error, Result};

use super::steps::{Agent, Counters, Name, Position, shown};
use crate::{Batch, ComponentValue, Entity, Local, Storage, Updates};

/// Opens what is kept at a place.
pub type Open<'a> = dyn Fn(&str) -> Result<Box<dyn Storage>> + 'a;

/// Kills one process after the other, between or in batches, and looks at what is left each time.
///
/// # Errors
/// `Unexpected` if a batch that was acknowledged is not there, or something else is. Those of the storage and of
/// processes.
pub fn survive(kills: &Kills<'_>, place: &str, open: &Open<'_>) -> Result<()> {
    let mut expected = Local::new();
    kills.each(place, |acknowledged| {
        let storage = open(place)?;
        let tick = storage.tick()?.0;
        let differs = |what| Error::unexpected(what).with("tick", tick);
        if tick != acknowledged && tick != acknowledged + 1 {
            return Err(differs("another tick is there than was acknowledged"));
        }
        while expected.tick()?.0 < tick {
            step(&mut expected)?;
        }
        let (found, wanted) = (shown(&storage.export()?)?, shown(&expected.export()?)?);
        if found != wanted {
            return Err(differs("something else is there than was applied")
                .with("found", format!("{found:?}"))
                .with("wanted", format!("{wanted:?}")));
        }
        Ok(())
    })
}

/// What a process does until it is killed: it applies batches and says so. Nothing in a process that nobody kills.
///
/// # Errors
/// Those of the storage.
pub fn victim(open: &Open<'_>) -> Result<()> {
    let Some(place) = place_of_victim() else { return Ok(()) };
    let mut storage = open(&place)?;
    loop {
        acknowledge(step(&mut *storage)?);
    }
}

fn step(storage: &mut dyn Storage) -> Result<u64> {
    let number = storage.tick()?.0 + 1;
    let alive: Vec<Entity> = storage.export()?.allocator.alive().collect();
    Ok(storage.apply(&batch(number, &alive)?)?.tick.0)
}

/// Batch number `number`, which follows from what the storage holds before: rows of several components, all of which say
/// the number, entities that come, move and go, shared values, and something that a reserved entity has.
fn batch(number: u64, alive: &[Entity]) -> Result<Batch> {
    let mut updates = Updates::new();
    let counters = Counters { entity: number, small: 1, block: [0; 3], flag: None, raw: vec![number as u8; 20] };
    updates.insert_value(Entity::WORLD, ComponentValue::of(&counters)?);
    for entity in alive {
        updates.insert_value(*entity, ComponentValue::of(&Position { x: number as f32, y: 1.0 })?);
        match (u64::from(entity.index()) + number) % 7 {
            0 => updates.destroy(*entity),
            1 => updates.insert_value(*entity, ComponentValue::of(&Agent)?),
            2 => updates.remove_named(*entity, "agent"),
            _ => &mut updates,
        };
    }
    let name = Name { text: format!("{}", number / 3), nick: None };
    for _ in 0..9 {
        let position = ComponentValue::of(&Position { x: number as f32, y: 0.0 })?;
        updates.spawn_values(vec![position, ComponentValue::of(&name)?.shared()]);
    }
    updates.to_batch()
}
