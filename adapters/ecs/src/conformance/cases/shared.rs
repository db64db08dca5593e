//! Shared values: stored once, read by all that have them.

use worldstore_core::Result;

use super::{AsyncMake, fresh, same};
use crate::conformance::components::{Health, Name};
use crate::{Column, ComponentValue, Entity, Query};

fn name(text: &str) -> Name {
    Name(text.to_owned())
}

pub async fn a_shared_value_is_read_by_all(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entities = [world.create().await?, world.spawn(Health(1)).await?, world.create().await?];
    world.set_shared(&entities, name("team")).await?;
    same!(world.get_many::<Name>(&entities).await?, vec![Some(name("team")); 3]);
    let wanted = ComponentValue::of(&name("team"))?.shared();
    same!(world.get_named(entities[0], "name").await?, Some(wanted));
    same!(world.has::<Name>(entities[1]).await?, true);
    world.remove::<Name>(entities[0]).await?;
    world.destroy(entities[1]).await?;
    same!(world.get::<Name>(entities[2]).await?, Some(name("team")));
    same!(world.found(&Query::new(["name"])).await?, vec![entities[2]]);
    world.destroy(entities[2]).await?;
    same!(world.found(&Query::new(["name"])).await?, vec![]);
    Ok(())
}

pub async fn a_write_makes_it_ones_own(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let [one, two] = [world.create().await?, world.create().await?];
    world.set_shared(&[one, two], name("team")).await?;
    world.set(one, name("alone")).await?;
    same!(world.get_many::<Name>(&[one, two]).await?, vec![Some(name("alone")), Some(name("team"))]);
    let is_shared = |value: Option<ComponentValue>| value.map(|value| value.is_shared());
    same!(is_shared(world.get_named(one, "name").await?), Some(false));
    same!(is_shared(world.get_named(two, "name").await?), Some(true));
    // And back again, with another value for one of them.
    world.set_shared(&[one], name("team")).await?;
    world.set_shared(&[two], name("other team")).await?;
    same!(world.get_many::<Name>(&[one, two]).await?, vec![Some(name("team")), Some(name("other team"))]);
    same!(world.found(&Query::new(["name"])).await?.len(), 2);
    Ok(())
}

pub async fn shared_values_survive_a_restore(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entities = [world.create().await?, world.spawn(Health(1)).await?, world.spawn(name("own")).await?];
    world.set_shared(&entities[..2], name("team")).await?;
    let state = world.storage().export().await?.into_owned()?;
    let mut other = fresh(make).await?;
    other.storage_mut().import(&state).await?;
    let shared = Some(ComponentValue::of(&name("team"))?.shared());
    let own = Some(ComponentValue::of(&name("own"))?);
    same!(other.storage().get_many(&entities, "name").await?, vec![shared.clone(), shared, own]);
    other.set(entities[0], name("alone")).await?;
    same!(other.get::<Name>(entities[1]).await?, Some(name("team")));
    Ok(())
}

pub async fn shared_by_thousands(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entities: Vec<Entity> = world.spawn_many((0..2_000).map(Health)).await?;
    let long = name(&"x".repeat(10_000));
    world.set_shared(&entities, long.clone()).await?;
    let found = world.get_many::<Name>(&entities).await?;
    same!(found.iter().filter(|name| name.as_ref() == Some(&long)).count(), 2_000);
    // 20 MB if each had its own.
    let state = world.storage().export().await?.into_owned()?;
    let kept: usize = state.chunks.iter().flat_map(|chunk| chunk.columns()).map(Column::bytes_kept).sum();
    same!(kept < 1_000_000, true);
    Ok(())
}
