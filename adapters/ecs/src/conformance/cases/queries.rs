//! Queries find what they should.

use std::collections::BTreeSet;

use futures::StreamExt;
use worldstore_core::Result;

use super::{AsyncMake, World, fresh, same};
use crate::conformance::components::{Asleep, Health, Name, Position, Velocity};
use crate::{Bundle, Entity, Query};

async fn rows<Items: Bundle>(world: &World, filter: &Query) -> Result<Vec<(Entity, Items)>> {
    let mut found = Vec::new();
    let mut rows = world.query_where::<Items>(filter).await?;
    while let Some(row) = rows.next().await {
        found.push(row?);
    }
    found.sort_by_key(|(entity, _)| *entity);
    Ok(found)
}

async fn found(world: &World, query: Query) -> Result<Vec<Entity>> {
    let mut found = world.found(&query).await?;
    found.sort_unstable();
    Ok(found)
}

pub async fn components_come_in_the_order_of_the_query(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let one = world.spawn((Health(1), Name("one".to_owned()))).await?;
    let two = world.spawn((Name("two".to_owned()), Asleep, Health(2))).await?;
    world.spawn(Health(3)).await?;
    let found = rows::<(Name, Health)>(&world, &Query::all()).await?;
    let wanted = vec![(one, (Name("one".to_owned()), Health(1))), (two, (Name("two".to_owned()), Health(2)))];
    same!(found, wanted);
    let found = rows::<(Health, Name)>(&world, &Query::all()).await?;
    same!(found.iter().map(|(_, (health, _))| health.0).collect::<Vec<_>>(), vec![1, 2]);
    let mut chunks = world.chunks(&Query::new(["name", "health"])).await?;
    while let Some(chunk) = chunks.next().await {
        let names: Vec<String> = chunk?.columns().iter().map(|column| column.component().name().to_string()).collect();
        same!(names, vec!["name", "health"]);
    }
    drop(chunks);
    let mut single: Vec<u32> = Vec::new();
    let mut found = world.query_single::<Health>().await?;
    while let Some(row) = found.next().await {
        single.push(row?.1.0);
    }
    single.sort_unstable();
    same!(single, vec![1, 2, 3]);
    Ok(())
}

pub async fn having_and_excluding(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let still = world.spawn(Position { x: 1.0, y: 0.0 }).await?;
    let moving = world.spawn((Position { x: 2.0, y: 0.0 }, Velocity { x: 1.0, y: 0.0 })).await?;
    let asleep = world.spawn((Position { x: 3.0, y: 0.0 }, Velocity { x: 1.0, y: 0.0 }, Asleep)).await?;
    let position = || Query::new(["position"]);
    same!(found(&world, position()).await?, vec![still, moving, asleep]);
    same!(found(&world, position().having(["velocity"])).await?, vec![moving, asleep]);
    same!(found(&world, position().having(["velocity"]).excluding(["asleep"])).await?, vec![moving]);
    same!(found(&world, position().excluding(["velocity"])).await?, vec![still]);
    same!(found(&world, Query::all().having(["asleep"])).await?, vec![asleep]);
    same!(found(&world, position().excluding(["position"])).await?, vec![]);
    let rows = rows::<Position>(&world, &Query::all().having(["velocity"]).excluding(["asleep"])).await?;
    same!(rows, vec![(moving, Position { x: 2.0, y: 0.0 })]);
    Ok(())
}

pub async fn all_entities_are_listed(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let bare = world.create().await?;
    let full = world.spawn(Health(1)).await?;
    world.set_singleton(Health(2)).await?;
    let mut wanted = vec![world.world(), bare, full];
    wanted.sort_unstable();
    same!(world.entities().await?, wanted);
    same!(world.found(&Query::all().excluding(["health"])).await?, vec![bare]);
    Ok(())
}

pub async fn unknown_components_find_nothing(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.spawn(Health(1)).await?;
    same!(world.found(&Query::new(["nobody-has-this"])).await?, vec![]);
    same!(world.found(&Query::new(["health", "nobody-has-this"])).await?, vec![]);
    same!(world.found(&Query::new(["health"]).having(["nobody-has-this"])).await?, vec![]);
    same!(world.found(&Query::new(["health"]).excluding(["nobody-has-this"])).await?, vec![entity]);
    same!(world.get_named(entity, "nobody-has-this").await?, None);
    same!(world.remove_named(entity, "nobody-has-this").await?, false);
    Ok(())
}

pub async fn chunks_hold_each_entity_once(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let values = (0..2_500_u32).map(|number| (Health(number), Position { x: number as f32, y: 0.0 }));
    let made = world.spawn_many(values).await?;
    for entity in made.iter().step_by(25) {
        world.set(*entity, Asleep).await?;
    }
    let mut seen = BTreeSet::new();
    let mut chunks = world.chunks(&Query::new(["health", "position"])).await?;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        same!(chunk.is_empty(), false);
        for (row, entity) in chunk.entities().iter().enumerate() {
            same!(seen.insert(*entity), true);
            let (health, position) = <(Health, Position)>::read(&chunk, row)?;
            same!(position.x, health.0 as f32);
            same!(made.get(health.0 as usize), Some(entity));
        }
    }
    same!(seen.len(), made.len());
    Ok(())
}

pub async fn many_archetypes(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let mut wanted = 0;
    for number in 0..48_u32 {
        let entity = world.spawn(Health(number)).await?;
        if number % 2 == 0 {
            world.set(entity, Asleep).await?;
        }
        if number % 3 == 0 {
            world.set(entity, Name(number.to_string())).await?;
        }
        if number % 5 == 0 {
            world.set(entity, Velocity { x: 0.0, y: 0.0 }).await?;
        }
        wanted += usize::from(number % 3 == 0 && number % 5 != 0);
    }
    let found = rows::<(Health, Name)>(&world, &Query::all().excluding(["velocity"])).await?;
    same!(found.len(), wanted);
    same!(found.iter().all(|(_, (health, name))| name.0 == health.0.to_string()), true);
    Ok(())
}

/// More than any storage gives at once.
pub async fn a_query_of_many_finds_all(make: &mut AsyncMake<'_>) -> Result<()> {
    const COUNT: u32 = 20_000;
    let mut world = fresh(make).await?;
    let mut made = world.spawn_many((0..COUNT).map(Health)).await?;
    made.sort_unstable();
    let rows = rows::<Health>(&world, &Query::all()).await?;
    same!(rows.len(), made.len());
    same!(rows.iter().map(|(entity, _)| *entity).eq(made.iter().copied()), true);
    same!(world.entities().await? == made, true);
    Ok(())
}
