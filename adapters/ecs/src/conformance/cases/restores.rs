//! Everything out, and in again.

use std::sync::Arc;

use worldstore_core::{ErrorKind, Result};

use super::{AsyncMake, fresh, kind, same};
use crate::conformance::components::{Asleep, Everything, Health, Name, Position};
use crate::{AllocatorState, Chunk, Column, Component, ComponentValue, Entity, Query, State, Tick, Updates};

pub async fn a_restore_into_a_fresh_storage_brings_all_back(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let bare = world.create().await?;
    let used = world.spawn(Health(0)).await?;
    world.destroy(used).await?;
    let again = world.spawn((Health(1), Everything::example(1))).await?;
    let other = world.spawn((Position { x: 1.0, y: 2.0 }, Asleep)).await?;
    world.set_singleton(Name("earth".to_owned())).await?;
    let free = world.create().await?;
    let others = world.spawn_many((0..3).map(Health)).await?;
    for entity in [others[1], free, others[0]] {
        world.destroy(entity).await?;
    }
    world.remove::<Health>(others[2]).await?;
    let state = world.storage().export().await?.into_owned()?;
    state.check()?;
    let mut restored = fresh(make).await?;
    restored.storage_mut().import(&state).await?;
    same!(restored.entities().await?, world.entities().await?);
    for entity in [bare, again, other] {
        same!(restored.exists(entity).await?, true);
        same!(restored.types(entity).await?, world.types(entity).await?);
    }
    same!([restored.exists(used).await?, restored.exists(free).await?], [false, false]);
    same!(restored.get::<Everything>(again).await?, Some(Everything::example(1)));
    same!(restored.get::<Position>(other).await?, Some(Position { x: 1.0, y: 2.0 }));
    same!(restored.singleton::<Name>().await?, Some(Name("earth".to_owned())));
    same!(restored.found(&Query::new(["health"])).await?, vec![again]);
    same!(restored.storage().export().await?.allocator, state.allocator);
    let new = restored.create().await?;
    same!([bare, used, again, other, free].contains(&new), false);
    same!(new.index(), others[0].index());
    restored.destroy(again).await?;
    same!(kind(restored.destroy(again).await), Some(ErrorKind::NotFound));
    Ok(())
}

pub async fn a_rewind_leaves_no_ghosts(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let kept = world.spawn(Health(1)).await?;
    let destroyed = world.spawn((Health(2), Name("back".to_owned()))).await?;
    let wanted = world.entities().await?;
    let state = world.storage().export().await?.into_owned()?;
    world.destroy(destroyed).await?;
    let later = world.spawn(Name("ghost".to_owned())).await?;
    world.set(kept, Name("later".to_owned())).await?;
    world.set(kept, Health(10)).await?;
    world.storage_mut().import(&state).await?;
    same!(world.entities().await?, wanted);
    same!(world.get::<Health>(kept).await?, Some(Health(1)));
    same!(world.get::<Name>(kept).await?, None);
    same!(world.get::<Name>(destroyed).await?, Some(Name("back".to_owned())));
    same!(world.get::<Name>(later).await?, None);
    same!(world.found(&Query::new(["name"])).await?, vec![destroyed]);
    world.destroy(destroyed).await?;
    let next = world.create().await?;
    same!(world.types(next).await?.len(), 0);
    same!(next == destroyed, false);
    Ok(())
}

pub async fn a_wrong_state_changes_nothing(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.spawn(Health(1)).await?;
    let tick = world.tick().await?;
    let alive = AllocatorState::slot(0, true);
    let someone = Entity::new(0, Entity::RESERVED, 0)?;
    let health = Health::component()?;
    let chunk = || -> Result<Chunk<'static>> {
        let values = [ComponentValue::of(&Health(9))?];
        Chunk::new(vec![someone], vec![Column::from_values(health, &values)?])
    };
    let state = |slots: Vec<u32>, free: Vec<u32>, chunks| {
        State::new(Tick(1), AllocatorState::new(0, slots, free), vec![Arc::clone(health)], chunks)
    };
    let wrong = [
        state(vec![alive], vec![], vec![]),
        state(vec![], vec![], vec![chunk()?]),
        state(vec![alive], vec![], vec![chunk()?, chunk()?]),
        state(vec![alive], vec![Entity::RESERVED], vec![chunk()?]),
        state(vec![u32::MAX], vec![], vec![chunk()?]),
    ];
    for state in wrong {
        same!(kind(world.storage_mut().import(&state).await), Some(ErrorKind::Corrupt));
    }
    same!(world.tick().await?, tick);
    same!(world.get::<Health>(entity).await?, Some(Health(1)));
    same!(world.entities().await?, vec![entity]);
    Ok(())
}

pub async fn a_restore_is_the_end_of_the_history(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.spawn(Health(1)).await?;
    let before = world.tick().await?;
    let state = world.storage().export().await?.into_owned()?;
    world.storage_mut().import(&state).await?;
    let after = world.tick().await?;
    same!(after > before, true);
    same!(kind(world.changes(before).await), Some(ErrorKind::NotFound));
    same!(world.changes(after).await?.is_empty(), true);
    let mut updates = Updates::new();
    updates.update(entity, Health(2))?;
    world.apply(&updates).await?;
    same!(world.changes(after).await?.written.len(), 1);
    Ok(())
}
