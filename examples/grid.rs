//! Agents on a grid: they walk, get hungry, eat what grows, multiply and die. The storage is one line.
//!
//! `cargo run --example grid --features ecs`

use std::collections::HashMap;

use worldstore::blocking::{World, WorldTables};
use worldstore::ecs::{Component, Entities, Entity, Query, Storage, Updates};
use worldstore::{Result, WorldOptions};

const SIDE: i32 = 32;
const TICKS: u64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Component)]
#[component(crate = worldstore::ecs, name = "cell")]
struct Cell {
    column: i32,
    row: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(crate = worldstore::ecs, name = "energy", combine = Energy::add)]
struct Energy(i32);

impl Energy {
    /// Two agents that eat in one tick: what each takes is added up.
    fn add(earlier: &Self, later: Self) -> Self {
        Self(earlier.0 + later.0)
    }
}

/// What an agent is: the same for all of a kind, and stored once.
#[derive(Debug, Clone, PartialEq, Component)]
#[component(crate = worldstore::ecs, name = "kind")]
struct Kind {
    name: String,
    appetite: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(crate = worldstore::ecs, name = "plant")]
struct Plant;

/// How often the dice were thrown: there once per world, so that a run that goes on throws the same.
#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(crate = worldstore::ecs, name = "dice")]
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: i32) -> i32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i32 % sides
    }
}

fn main() -> Result<()> {
    let world = World::create("memory:", &WorldOptions::default())?;
    // This line. `Local::new()` keeps the entities in memory; `SqliteConfig::new("grid.db").open()?`, a log on any byte store,
    // Redis and Postgres are storages of the crate `worldstore-ecs`. A path in the place of `memory:` keeps the world.
    let storage = WorldTables::open(&world.run("main")?)?;

    let entities = simulate(Entities::new(storage))?;
    show(&entities)?;

    // Because each tick is one of the world, any of them can be looked at again.
    show(&Entities::new(WorldTables::at(&world.run("main")?.as_of(TICKS as i64 / 2))?))
}

fn simulate<Store: Storage>(mut world: Entities<Store>) -> Result<Entities<Store>> {
    populate(&mut world)?;
    for _ in 0..TICKS {
        tick(&mut world)?;
    }
    Ok(world)
}

fn show<Store: Storage>(world: &Entities<Store>) -> Result<()> {
    let agents = world.found(&Query::new(["kind"]))?.len();
    let plants = world.found(&Query::new(["plant"]))?.len();
    #[expect(clippy::print_stdout, reason = "an example shows what it did")]
    {
        println!("{}: {agents} agents, {plants} plants after {} ticks", world.storage(), world.tick()?);
    }
    Ok(())
}

fn populate<Store: Storage>(world: &mut Entities<Store>) -> Result<()> {
    let mut dice = Dice(7);
    let anywhere = |dice: &mut Dice| Cell { column: dice.throw(SIDE), row: dice.throw(SIDE) };
    let agents = (0..100).map(|_| (anywhere(&mut dice), Energy(20))).collect::<Vec<_>>();
    let agents = world.spawn_many(agents)?;
    world.set_shared(&agents[..70], Kind { name: "grazer".to_owned(), appetite: 1 })?;
    world.set_shared(&agents[70..], Kind { name: "glutton".to_owned(), appetite: 2 })?;
    let plants = (0..200).map(|_| (anywhere(&mut dice), Plant)).collect::<Vec<_>>();
    world.spawn_many(plants)?;
    world.set_singleton(dice)
}

/// One tick: everybody sees the world as it was, and all that they do happens at once.
fn tick<Store: Storage>(world: &mut Entities<Store>) -> Result<()> {
    let mut dice = world.singleton::<Dice>()?.unwrap_or(Dice(7));
    let mut updates = Updates::new();
    let mut plants: HashMap<Cell, Entity> = HashMap::new();
    for plant in world.query::<(Cell, Plant)>()? {
        let (entity, (cell, Plant)) = plant?;
        plants.insert(cell, entity);
    }
    let mut agents = world.query::<(Cell, Energy, Kind)>()?.collect::<Result<Vec<_>>>()?;
    agents.sort_by_key(|(entity, _)| *entity);
    for (entity, (cell, energy, kind)) in agents {
        let step = |place: i32, dice: &mut Dice| (place + dice.throw(3) - 1).rem_euclid(SIDE);
        let next = Cell { column: step(cell.column, &mut dice), row: step(cell.row, &mut dice) };
        let meal = plants.remove(&next);
        let left = energy.0 - kind.appetite + if meal.is_some() { 8 } else { 0 };
        if let Some(plant) = meal {
            updates.destroy(plant);
        }
        match left {
            ..=0 => _ = updates.destroy(entity),
            40.. => {
                updates.update(entity, Energy(left / 2))?.update(entity, next)?;
                updates.spawn((next, Energy(left / 2), kind))?;
            }
            _ => _ = updates.update(entity, Energy(left))?.update(entity, next)?,
        }
    }
    for _ in 0..12 {
        let cell = Cell { column: dice.throw(SIDE), row: dice.throw(SIDE) };
        updates.spawn((cell, Plant))?;
    }
    let home = world.world();
    updates.insert(home, dice)?;
    world.apply_updates(&updates)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use worldstore::ecs::Local;

    use super::*;

    fn cells<Store: Storage>(world: &Entities<Store>) -> Vec<(Entity, Cell)> {
        let mut cells = world.query::<Cell>().unwrap().collect::<Result<Vec<_>>>().unwrap();
        cells.sort_by_key(|(entity, _)| *entity);
        cells
    }

    #[test]
    fn the_simulation_is_the_same_in_memory_and_in_tables() {
        main().unwrap();
        let world = World::create("memory:", &WorldOptions::default()).unwrap();
        let run = world.run("main").unwrap();
        let tables = simulate(Entities::new(WorldTables::open(&run).unwrap())).unwrap();
        let memory = simulate(Entities::new(Local::new())).unwrap();
        assert!(cells(&memory).len() > 100);
        assert_eq!(cells(&tables), cells(&memory));
        // What is in the tables goes on as memory does.
        let mut again = Entities::new(WorldTables::open(&run).unwrap());
        let mut memory = memory;
        tick(&mut again).unwrap();
        tick(&mut memory).unwrap();
        assert_eq!(cells(&again), cells(&memory));
    }
}
