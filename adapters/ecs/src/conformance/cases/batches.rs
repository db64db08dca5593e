//! Batches happen whole or not at all, and are counted.

use std::sync::Arc;

use worldstore_core::{ErrorKind, Result};

use super::{AsyncMake, fresh, kind, same};
use crate::conformance::components::{Asleep, Health, Name, Position};
use crate::{ComponentType, ComponentValue, Entity, Field, FieldKind, FieldValue, Tick, Updates};

pub async fn a_batch_applies_in_order(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let one = world.spawn((Health(1), Asleep)).await?;
    let two = world.spawn(Name("two".to_owned())).await?;
    let gone = world.spawn(Health(9)).await?;
    let mut updates = Updates::new();
    updates.destroy(gone).remove::<Asleep>(one);
    updates.update(one, Health(5))?.insert(two, (Health(2), Position { x: 1.0, y: 1.0 }))?;
    // A component that is added and removed in one batch is not there; one of an entity that goes is gone.
    updates.insert(one, Name("short".to_owned()))?.remove::<Name>(one);
    updates.insert(gone, Name("shorter".to_owned()))?;
    updates.spawn((Health(7), Asleep))?.spawn(())?.spawn(Name("three".to_owned()))?;
    let spawned = world.apply_updates(&updates).await?;
    same!(spawned.len(), 3);
    let healths = world.get_many::<Health>(&[one, two, gone, spawned[0]]).await?;
    same!(healths, [Some(5), Some(2), None, Some(7)].map(|health| health.map(Health)).to_vec());
    same!(world.types(one).await?, vec![Arc::<str>::from("health")]);
    same!([world.exists(gone).await?, world.exists(spawned[1]).await?], [false, true]);
    same!(world.types(spawned[1]).await?.len(), 0);
    same!(world.get::<Name>(spawned[2]).await?, Some(Name("three".to_owned())));
    same!(spawned.contains(&gone), false);
    Ok(())
}

/// What is wrong with a batch.
type Spoil<'a> = &'a (dyn Fn(&mut Updates) -> Result<()> + Sync);

pub async fn a_bad_batch_changes_nothing(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.spawn((Health(1), Asleep)).await?;
    let other = world.spawn(Health(2)).await?;
    let dead = world.create().await?;
    world.destroy(dead).await?;
    let (before, tick, reserved) = (world.entities().await?, world.tick().await?, world.world());
    let good = || -> Result<Updates> {
        let mut updates = Updates::new();
        updates.update(entity, Health(50))?.insert(other, Name("new".to_owned()))?.remove::<Asleep>(entity);
        updates.destroy(other).spawn(Health(3))?;
        Ok(updates)
    };
    let strange = Arc::new(ComponentType::dynamic("health", vec![Field::new("value", FieldKind::Text)])?);
    let strange = ComponentValue::from_fields(&strange, &[FieldValue::Text("much")])?;
    let bad: [(Spoil<'_>, ErrorKind); 6] = [
        (&|updates| updates.insert(dead, Health(1)).map(|_| ()), ErrorKind::NotFound),
        (&|updates| Ok(updates.remove::<Health>(dead)).map(|_: &mut Updates| ()), ErrorKind::NotFound),
        (&|updates| Ok(updates.destroy(dead)).map(|_: &mut Updates| ()), ErrorKind::NotFound),
        (&|updates| Ok(updates.destroy(reserved)).map(|_: &mut Updates| ()), ErrorKind::Invalid),
        (&|updates| updates.update(other, Asleep).map(|_| ()), ErrorKind::NotFound),
        (&|updates| Ok(updates.spawn_values(vec![strange.clone()])).map(|_: &mut Updates| ()), ErrorKind::Invalid),
    ];
    for (spoil, wanted) in bad {
        let mut updates = good()?;
        spoil(&mut updates)?;
        same!(kind(world.apply(&updates).await), Some(wanted));
        same!(world.entities().await?, before);
        same!(world.tick().await?, tick);
        same!(world.get_many::<Health>(&[entity, other]).await?, vec![Some(Health(1)), Some(Health(2))]);
        same!([world.has::<Asleep>(entity).await?, world.has::<Name>(other).await?], [true, false]);
    }
    world.apply(&good()?).await?;
    same!(world.get::<Health>(entity).await?, Some(Health(50)));
    Ok(())
}

pub async fn two_writes_are_combined(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.spawn((Health(1), Name("old".to_owned()))).await?;
    let mut updates = Updates::new();
    updates.update(entity, Health(10))?.update(entity, Name("first".to_owned()))?;
    updates.insert(entity, Health(5))?.insert(entity, Name("last".to_owned()))?.update(entity, Health(2))?;
    updates.spawn_values(vec![ComponentValue::of(&Health(3))?, ComponentValue::of(&Health(4))?]);
    let spawned = world.apply_updates(&updates).await?;
    same!(world.get::<Health>(entity).await?, Some(Health(17)));
    same!(world.get::<Name>(entity).await?, Some(Name("last".to_owned())));
    same!(world.get::<Health>(spawned[0]).await?, Some(Health(7)));
    Ok(())
}

pub async fn updates_need_the_component(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.spawn(Health(1)).await?;
    let mut updates = Updates::new();
    updates.update(entity, Name("none".to_owned()))?.update(entity, Health(2))?;
    same!(kind(world.apply(&updates).await), Some(ErrorKind::NotFound));
    same!(world.get::<Health>(entity).await?, Some(Health(1)));
    Ok(())
}

pub async fn a_batch_of_many(make: &mut AsyncMake<'_>) -> Result<()> {
    const COUNT: u32 = 3_000;
    let mut world = fresh(make).await?;
    let made = world.spawn_many((0..COUNT).map(|number| (Health(number), Name(number.to_string())))).await?;
    let mut updates = Updates::new();
    for (number, entity) in (0..COUNT).zip(&made) {
        match number % 3 {
            0 => _ = updates.update(*entity, Health(number + 1))?,
            1 => _ = updates.remove::<Name>(*entity),
            _ => _ = updates.destroy(*entity),
        }
    }
    let applied = world.apply(&updates).await?;
    same!(applied.removed, 1_000);
    same!(world.entities().await?.len(), 2_000);
    let wanted = (0..COUNT).map(|number| match number % 3 {
        0 => Some(Health(number + 1)),
        1 => Some(Health(number)),
        _ => None,
    });
    same!(world.get_many::<Health>(&made).await?, wanted.collect::<Vec<_>>());
    Ok(())
}

pub async fn ticks_count_what_was_applied(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let start = world.tick().await?;
    let entity = world.create().await?;
    same!(world.tick().await?, start.next());
    let applied = world.apply(&Updates::new()).await?;
    same!(applied.tick, start.next().next());
    same!(world.tick().await?, applied.tick);
    world.destroy(entity).await?;
    same!(kind(world.destroy(entity).await), Some(ErrorKind::NotFound));
    same!(world.tick().await?, applied.tick.next());
    Ok(())
}

pub async fn changes_since_a_tick(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    world.spawn((Health(1), Name("still".to_owned()))).await?;
    let changed = world.spawn((Health(2), Asleep)).await?;
    let gone = world.spawn(Health(3)).await?;
    let since = world.tick().await?;
    same!(world.changes(since).await?.is_empty(), true);
    let mut updates = Updates::new();
    updates.update(changed, Health(20))?.remove::<Asleep>(changed).destroy(gone).spawn(Health(4))?;
    let new = world.apply_updates(&updates).await?[0];
    let changes = world.changes(since).await?;
    same!((changes.since, changes.tick), (since, world.tick().await?));
    same!(changes.created, vec![new]);
    same!(changes.destroyed, vec![gone]);
    same!(changes.removed, vec![(changed, Arc::<str>::from("asleep"))]);
    let mut wanted: Vec<(Entity, ComponentValue)> =
        vec![(changed, ComponentValue::of(&Health(20))?), (new, ComponentValue::of(&Health(4))?)];
    wanted.sort_by_key(|(entity, _)| *entity);
    same!(changes.written, wanted);
    same!(kind(world.changes(Tick(changes.tick.0 + 1)).await), Some(ErrorKind::Invalid));
    Ok(())
}

pub async fn what_was_undone_is_no_change(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.spawn(Health(1)).await?;
    let since = world.tick().await?;
    let short = world.spawn(Health(2)).await?;
    world.destroy(short).await?;
    world.remove::<Health>(entity).await?;
    world.set(entity, Health(3)).await?;
    let changes = world.changes(since).await?;
    same!((changes.created.len(), changes.destroyed.len(), changes.removed.len()), (0, 0, 0));
    same!(changes.written, vec![(entity, ComponentValue::of(&Health(3))?)]);
    Ok(())
}
