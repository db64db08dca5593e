//! Entities that are hit and fall: components by type, changes that all happen or none, a snapshot to go back to.
//!
//! `cargo run -p worldstore-ecs --example entities`
#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use worldstore_ecs::{Component, Entities, Local, Updates};

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "position")]
struct Position {
    x: f32,
    y: f32,
}

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "health")]
struct Health(u32);

fn main() -> worldstore_core::Result<()> {
    // Any storage: a database, a file, the tables of a world.
    let mut entities = Entities::new(Local::new());
    for x in [0.0, 1.0, 5.0] {
        entities.spawn((Position { x, y: 0.0 }, Health(20)))?;
    }
    let before = entities.snapshot()?;

    // A blast at the origin: who is near loses health, who has none left is gone, and something grows there.
    let mut updates = Updates::new();
    for row in entities.query::<(Position, Health)>()? {
        let (entity, (position, health)) = row?;
        match health.0.saturating_sub((20.0 / (1.0 + position.x)) as u32) {
            0 => updates.destroy(entity),
            left => updates.insert(entity, Health(left))?,
        };
    }
    updates.spawn(Position { x: 0.0, y: 0.0 })?;
    let spawned = entities.apply_updates(&updates)?;
    println!("{} grew; {} are left with health", spawned.len(), entities.query::<Health>()?.count());

    entities.restore(before, &[])?;
    println!("before: {} had health", entities.query::<Health>()?.count());
    Ok(())
}
