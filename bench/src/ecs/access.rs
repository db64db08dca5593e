//! Components of single entities, in an order that no cache foresees.

use worldstore_ecs::{Entities, Local};

use super::{Position, Velocity, shuffled};
use crate::Failure;
use crate::measure::{Seen, Subject};

type Subjects = Result<Vec<Subject<'static>>, Failure>;

fn seen(count: usize, sum: f64) -> Seen {
    Seen { count: count as u64, bytes: sum.to_bits(), sampled: 0 }
}

fn lost() -> Failure {
    "a component is not there".into()
}

struct Worlds {
    local: Local,
    locals: Vec<worldstore_ecs::Entity>,
    hecs: hecs::World,
    hecs_entities: Vec<hecs::Entity>,
    bevy: bevy_ecs::world::World,
    bevies: Vec<bevy_ecs::entity::Entity>,
}

fn worlds(size: usize) -> Result<Worlds, Failure> {
    let bundles = || (0..size).map(|number| (Position::new(number % 1_000), Velocity::new(number % 1_000)));
    let order = shuffled(size);
    let mut local = Local::new();
    let made = local.insert_entities(bundles())?;
    let locals = order.iter().map(|place| made[*place]).collect();
    let mut hecs = hecs::World::new();
    let made: Vec<_> = hecs.spawn_batch(bundles()).collect();
    let hecs_entities = order.iter().map(|place| made[*place]).collect();
    let mut bevy = bevy_ecs::world::World::new();
    let made: Vec<_> = bevy.spawn_batch(bundles()).collect();
    let bevies = order.iter().map(|place| made[*place]).collect();
    Ok(Worlds { local, locals, hecs, hecs_entities, bevy, bevies })
}

/// Reads.
pub fn get(size: usize) -> Subjects {
    let Worlds { local, locals, hecs, hecs_entities, bevy, bevies } = worlds(size)?;
    Ok(vec![
        Subject::new("worldstore", move || {
            let mut sum = 0.0;
            for entity in &locals {
                sum += f64::from(local.component::<Position>(*entity)?.ok_or_else(lost)?.x);
            }
            Ok(seen(locals.len(), sum))
        }),
        Subject::new("hecs", move || {
            let mut sum = 0.0;
            for entity in &hecs_entities {
                sum += f64::from(hecs.get::<&Position>(*entity)?.x);
            }
            Ok(seen(hecs_entities.len(), sum))
        }),
        Subject::new("bevy_ecs", move || {
            let mut sum = 0.0;
            for entity in &bevies {
                sum += f64::from(bevy.get::<Position>(*entity).ok_or_else(lost)?.x);
            }
            Ok(seen(bevies.len(), sum))
        }),
    ])
}

/// Reads by the name of the component, where it lies and as a value of its own, against reads by its type.
pub fn get_by_name(size: usize) -> Subjects {
    let Worlds { local, locals, .. } = worlds(size)?;
    let Worlds { local: other, locals: others, .. } = worlds(size)?;
    let Worlds { local: third, locals: thirds, .. } = worlds(size)?;
    let (other, third) = (Entities::new(other), Entities::new(third));
    let first_field = |bytes: &[u8]| bytes.first_chunk().map(|x| f64::from(f32::from_le_bytes(*x))).ok_or_else(lost);
    Ok(vec![
        Subject::new("worldstore, by type", move || {
            let mut sum = 0.0;
            for entity in &locals {
                sum += f64::from(local.component::<Position>(*entity)?.ok_or_else(lost)?.x);
            }
            Ok(seen(locals.len(), sum))
        }),
        Subject::new("worldstore, by name", move || {
            let mut sum = 0.0;
            for entity in &others {
                let value = other.storage().component_named(*entity, "Position").ok_or_else(lost)?;
                sum += first_field(value.bytes().ok_or_else(lost)?)?;
            }
            Ok(seen(others.len(), sum))
        }),
        Subject::new("worldstore, by name, copied", move || {
            let mut sum = 0.0;
            for entity in &thirds {
                sum += first_field(third.get_named(*entity, "Position")?.ok_or_else(lost)?.bytes())?;
            }
            Ok(seen(thirds.len(), sum))
        }),
    ])
}

/// Writes of components that are there.
pub fn set(size: usize) -> Subjects {
    let Worlds { mut local, locals, mut hecs, hecs_entities, mut bevy, bevies } = worlds(size)?;
    Ok(vec![
        Subject::new("worldstore", move || {
            for (number, entity) in locals.iter().enumerate() {
                local.insert(*entity, Position::new(number))?;
            }
            Ok(seen(locals.len(), 0.0))
        }),
        Subject::new("hecs", move || {
            for (number, entity) in hecs_entities.iter().enumerate() {
                *hecs.query_one_mut::<&mut Position>(*entity)? = Position::new(number);
            }
            Ok(seen(hecs_entities.len(), 0.0))
        }),
        Subject::new("bevy_ecs", move || {
            for (number, entity) in bevies.iter().enumerate() {
                *bevy.get_mut::<Position>(*entity).ok_or_else(lost)? = Position::new(number);
            }
            Ok(seen(bevies.len(), 0.0))
        }),
    ])
}
