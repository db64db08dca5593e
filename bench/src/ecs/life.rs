//! Entities are made, and get and lose components.

use worldstore_ecs::Local;

use super::{Acceleration, Position, Velocity};
use crate::Failure;
use crate::measure::{Seen, Subject};

type Subjects = Result<Vec<Subject<'static>>, Failure>;

fn seen(count: usize) -> Seen {
    Seen { count: count as u64, ..Seen::default() }
}

/// One by one, with two components.
pub fn create(size: usize) -> Subjects {
    Ok(vec![
        Subject::new("worldstore", move || {
            let mut local = Local::new();
            for number in 0..size {
                local.insert_entity((Position::new(number), Velocity::new(number)))?;
            }
            Ok(seen(local.count()))
        }),
        Subject::new("hecs", move || {
            let mut world = hecs::World::new();
            for number in 0..size {
                world.spawn((Position::new(number), Velocity::new(number)));
            }
            Ok(seen(world.len() as usize))
        }),
        Subject::new("bevy_ecs", move || {
            let mut world = bevy_ecs::world::World::new();
            let mut made = 0;
            for number in 0..size {
                world.spawn((Position::new(number), Velocity::new(number)));
                made += 1;
            }
            Ok(seen(made))
        }),
    ])
}

/// All at once.
pub fn create_many(size: usize) -> Subjects {
    let bundles = move || (0..size).map(|number| (Position::new(number), Velocity::new(number)));
    Ok(vec![
        Subject::new("worldstore", move || {
            let mut local = Local::new();
            Ok(seen(local.insert_entities(bundles())?.len()))
        }),
        Subject::new("hecs", move || {
            let mut world = hecs::World::new();
            Ok(seen(world.spawn_batch(bundles()).count()))
        }),
        Subject::new("bevy_ecs", move || {
            let mut world = bevy_ecs::world::World::new();
            Ok(seen(world.spawn_batch(bundles()).count()))
        }),
    ])
}

/// Each entity gets a third component and loses it.
pub fn add_and_remove(size: usize) -> Subjects {
    let mut local = Local::new();
    let locals = local.insert_entities((0..size).map(|number| (Position::new(number), Velocity::new(number))))?;
    let mut hecs = hecs::World::new();
    let hecs_entities: Vec<_> =
        hecs.spawn_batch((0..size).map(|number| (Position::new(number), Velocity::new(number)))).collect();
    let mut bevy = bevy_ecs::world::World::new();
    let bevies: Vec<_> =
        bevy.spawn_batch((0..size).map(|number| (Position::new(number), Velocity::new(number)))).collect();
    Ok(vec![
        Subject::new("worldstore", move || {
            for (number, entity) in locals.iter().enumerate() {
                local.insert(*entity, Acceleration::new(number))?;
            }
            for entity in &locals {
                local.remove_component::<Acceleration>(*entity)?;
            }
            Ok(seen(locals.len()))
        }),
        Subject::new("hecs", move || {
            for (number, entity) in hecs_entities.iter().enumerate() {
                hecs.insert_one(*entity, Acceleration::new(number))?;
            }
            for entity in &hecs_entities {
                hecs.remove_one::<Acceleration>(*entity)?;
            }
            Ok(seen(hecs_entities.len()))
        }),
        Subject::new("bevy_ecs", move || {
            for (number, entity) in bevies.iter().enumerate() {
                bevy.entity_mut(*entity).insert(Acceleration::new(number));
            }
            for entity in &bevies {
                bevy.entity_mut(*entity).remove::<Acceleration>();
            }
            Ok(seen(bevies.len()))
        }),
    ])
}
