//! Entities come and go.

use worldstore_core::{ErrorKind, Result};

use super::{AsyncMake, fresh, kind, same};
use crate::conformance::components::{Health, Name, Position};
use crate::{ComponentValue, Entity, Query, Updates};

pub async fn entities_are_made_and_destroyed(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    same!(world.entities().await?, vec![]);
    let first = world.create().await?;
    let second = world.spawn((Health(1), Position { x: 1.0, y: 2.0 })).await?;
    same!(first.is_reserved() || second.is_reserved(), false);
    same!([world.exists(first).await?, world.exists(second).await?], [true, true]);
    world.destroy(first).await?;
    same!([world.exists(first).await?, world.exists(second).await?], [false, true]);
    same!(world.entities().await?, vec![second]);
    Ok(())
}

pub async fn a_missing_entity_answers_nothing(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let dead = world.spawn(Health(1)).await?;
    world.destroy(dead).await?;
    let never = Entity::new(world.world().shard(), 77_777, 3)?;
    for entity in [dead, never] {
        same!(world.exists(entity).await?, false);
        same!(world.get::<Health>(entity).await?, None);
        same!(world.has::<Health>(entity).await?, false);
        same!(world.types(entity).await?.len(), 0);
        same!(world.storage().types(entity).await?, None);
    }
    Ok(())
}

pub async fn a_second_destroy_is_refused(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.create().await?;
    world.destroy(entity).await?;
    same!(kind(world.destroy(entity).await), Some(ErrorKind::NotFound));
    let [one, other] = [world.create().await?, world.create().await?];
    same!(one == other, false);
    let mut updates = Updates::new();
    updates.destroy(one).destroy(one);
    same!(kind(world.apply(&updates).await), Some(ErrorKind::NotFound));
    same!(world.exists(one).await?, true);
    Ok(())
}

pub async fn writes_to_the_dead_are_refused(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let dead = world.spawn(Health(1)).await?;
    world.destroy(dead).await?;
    let next = world.spawn(Health(5)).await?;
    same!(kind(world.set(dead, Health(2)).await), Some(ErrorKind::NotFound));
    same!(kind(world.set(dead, Name("ghost".to_owned())).await), Some(ErrorKind::NotFound));
    same!(kind(world.remove::<Health>(dead).await), Some(ErrorKind::NotFound));
    same!(kind(world.set_shared(&[next, dead], Health(9)).await), Some(ErrorKind::NotFound));
    same!(world.get::<Health>(dead).await?, None);
    same!(world.get::<Health>(next).await?, Some(Health(5)));
    same!(world.found(&Query::new(["health"])).await?, vec![next]);
    Ok(())
}

pub async fn an_id_is_never_given_twice(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let mut seen = std::collections::BTreeSet::new();
    let mut last = None;
    for round in 0..12 {
        let entity = world.spawn(Health(round)).await?;
        same!(seen.insert(entity), true);
        if let Some(last) = last.replace(entity) {
            world.destroy(last).await?;
        }
    }
    for entity in &seen {
        same!(world.exists(*entity).await?, Some(*entity) == last);
    }
    Ok(())
}

pub async fn reserved_entities_live_for_ever(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let clock = Entity::new(world.world().shard(), Entity::CLOCK.index(), 0)?;
    same!(world.exists(clock).await?, true);
    world.set(clock, Health(3)).await?;
    same!(world.get::<Health>(clock).await?, Some(Health(3)));
    same!(kind(world.destroy(clock).await), Some(ErrorKind::Invalid));
    same!(world.exists(Entity::new(clock.shard(), clock.index(), 1)?).await?, false);
    same!(world.remove::<Health>(clock).await?, true);
    same!(world.exists(clock).await?, true);
    same!(world.entities().await?, vec![]);
    Ok(())
}

pub async fn singletons_are_found_by_queries(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    same!(world.singleton::<Name>().await?, None);
    world.set_singleton(Name("earth".to_owned())).await?;
    same!(world.singleton::<Name>().await?, Some(Name("earth".to_owned())));
    same!(world.found(&Query::new(["name"])).await?, vec![world.world()]);
    same!(world.entities().await?, vec![world.world()]);
    same!(world.remove_singleton::<Name>().await?, true);
    same!(world.remove_singleton::<Name>().await?, false);
    same!(world.entities().await?, vec![]);
    Ok(())
}

pub async fn entities_of_other_shards_are_not_alive(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.spawn(Health(1)).await?;
    let foreign = Entity::new(entity.shard() + 1, entity.index(), entity.generation())?;
    same!(world.storage().alive(&[foreign, entity, foreign]).await?, vec![false, true, false]);
    same!(kind(world.destroy(foreign).await), Some(ErrorKind::NotFound));
    same!(kind(world.set(foreign, Health(2)).await), Some(ErrorKind::NotFound));
    same!(world.get::<Health>(entity).await?, Some(Health(1)));
    Ok(())
}

pub async fn placed_entities_keep_their_ids(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let own = world.spawn(Health(1)).await?;
    let guest = Entity::new(own.shard() + 1, own.index(), 4)?;
    let place = |entity: Entity, health: u32| -> Result<Updates> {
        let mut updates = Updates::new();
        updates.place_values(entity, vec![ComponentValue::of(&Health(health))?]);
        Ok(updates)
    };
    world.apply(&place(guest, 2)?).await?;
    same!(kind(world.apply(&place(guest, 3)?).await), Some(ErrorKind::AlreadyExists));
    same!(kind(world.apply(&place(own, 3)?).await), Some(ErrorKind::AlreadyExists));
    let unborn = Entity::new(own.shard(), own.index() + 50_000, 0)?;
    same!(kind(world.apply(&place(unborn, 3)?).await), Some(ErrorKind::Invalid));
    same!(world.get_many::<Health>(&[own, guest]).await?, vec![Some(Health(1)), Some(Health(2))]);
    world.set(guest, Name("guest".to_owned())).await?;
    same!(world.entities().await?, vec![own, guest]);
    // An own entity goes and comes back, while its index is in use again.
    world.destroy(own).await?;
    let next = world.spawn(Health(7)).await?;
    world.apply(&place(own, 8)?).await?;
    same!(world.get_many::<Health>(&[own, next]).await?, vec![Some(Health(8)), Some(Health(7))]);
    world.destroy(guest).await?;
    same!(kind(world.destroy(guest).await), Some(ErrorKind::NotFound));
    same!(world.exists(guest).await?, false);
    let state = world.storage().export().await?.into_owned()?;
    let mut other = fresh(make).await?;
    other.storage_mut().import(&state).await?;
    same!(other.get::<Health>(own).await?, Some(Health(8)));
    same!(other.entities().await?, world.entities().await?);
    same!(other.storage().export().await?.allocator, state.allocator);
    Ok(())
}

pub async fn the_id_that_was_freed_last_comes_first(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let made = world.spawn_many((0..4).map(Health)).await?;
    let (first, rest) = made.split_at(2);
    world.destroy(first[1]).await?;
    world.destroy(first[0]).await?;
    let mut updates = Updates::new();
    rest.iter().for_each(|entity| _ = updates.destroy(*entity));
    world.apply(&updates).await?;
    let freed = [first[1], first[0], rest[0], rest[1]];
    let wanted: Vec<u32> = freed.iter().rev().map(|entity| entity.index()).collect();
    let again = world.spawn_many((0..4).map(Health)).await?;
    same!(again.iter().map(|entity| entity.index()).collect::<Vec<_>>(), wanted);
    Ok(())
}
