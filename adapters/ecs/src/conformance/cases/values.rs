//! Components are set, read and removed.

use std::sync::Arc;

use worldstore_core::{ErrorKind, Result};

use super::{AsyncMake, fresh, kind, same};
use crate::conformance::components::{Asleep, Everything, Health, Mood, Name, Position, Velocity};
use crate::{ComponentType, ComponentValue, Field, FieldKind, FieldValue};

pub async fn components_are_set_and_removed(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.create().await?;
    same!(world.get::<Health>(entity).await?, None);
    world.set(entity, Health(1)).await?;
    world.set(entity, Name("ann".to_owned())).await?;
    world.set(entity, Asleep).await?;
    world.set(entity, Health(2)).await?;
    same!(world.get::<Health>(entity).await?, Some(Health(2)));
    same!(world.get::<Name>(entity).await?, Some(Name("ann".to_owned())));
    same!([world.has::<Asleep>(entity).await?, world.has::<Position>(entity).await?], [true, false]);
    same!(world.types(entity).await?, ["asleep", "health", "name"].map(Arc::<str>::from).to_vec());
    same!(world.remove::<Health>(entity).await?, true);
    same!(world.remove::<Health>(entity).await?, false);
    same!(world.get::<Health>(entity).await?, None);
    same!(world.types(entity).await?.len(), 2);
    Ok(())
}

pub async fn all_kinds_come_back(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let mut entities = Vec::new();
    for number in 0..3 {
        entities.push(world.spawn((Everything::example(number), Mood::Angry, Asleep)).await?);
    }
    for (number, entity) in entities.iter().enumerate() {
        same!(world.get::<Everything>(*entity).await?, Some(Everything::example(number as u64)));
        same!(world.get::<Mood>(*entity).await?, Some(Mood::Angry));
        same!(world.get::<Asleep>(*entity).await?, Some(Asleep));
    }
    let not_a_number = f32::from_bits(0x7FC0_0001);
    world.set(entities[0], Position { x: not_a_number, y: f32::INFINITY }).await?;
    let seen = world.get::<Position>(entities[0]).await?.map(|position| (position.x.is_nan(), position.y));
    same!(seen, Some((true, f32::INFINITY)));
    Ok(())
}

pub async fn values_are_copies(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let mut name = Name("ann".to_owned());
    let entity = world.spawn(name.clone()).await?;
    name.0.push_str(" changed by the caller");
    same!(world.get::<Name>(entity).await?, Some(Name("ann".to_owned())));
    if let Some(mut read) = world.get::<Name>(entity).await? {
        read.0.clear();
    }
    same!(world.get::<Name>(entity).await?, Some(Name("ann".to_owned())));
    Ok(())
}

pub async fn components_without_a_type(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let fields = vec![Field::new("degrees", FieldKind::F64), Field::new("source", FieldKind::Text).nullable()];
    let weather = Arc::new(ComponentType::dynamic("weather", fields)?);
    let value = |degrees, source| ComponentValue::from_fields(&weather, &[FieldValue::F64(degrees), source]);
    let entity = world.create().await?;
    world.set_value(entity, value(21.5, FieldValue::Null)?).await?;
    same!(world.get_named(entity, "weather").await?, Some(value(21.5, FieldValue::Null)?));
    world.set_value(entity, value(-3.0, FieldValue::Text("station 7"))?).await?;
    let read = world.get_named(entity, "weather").await?;
    let fields = read.as_ref().map(ComponentValue::fields).transpose()?;
    same!(fields, Some(vec![FieldValue::F64(-3.0), FieldValue::Text("station 7")]));
    same!(world.has_named(entity, "weather").await?, true);
    same!(world.remove_named(entity, "weather").await?, true);
    // A component of a type is the same by name, and the other way round.
    world.set(entity, Velocity { x: 1.0, y: -1.0 }).await?;
    let read = world.get_named(entity, "velocity").await?.map(|value| value.bytes().to_vec());
    same!(read, Some([1.0_f32.to_le_bytes(), (-1.0_f32).to_le_bytes()].concat()));
    let plain = vec![Field::new("x", FieldKind::F32), Field::new("y", FieldKind::F32)];
    let plain = Arc::new(ComponentType::dynamic("velocity", plain)?);
    let value = ComponentValue::from_fields(&plain, &[FieldValue::F32(4.0), FieldValue::F32(5.0)])?;
    world.set_value(entity, value).await?;
    same!(world.get::<Velocity>(entity).await?, Some(Velocity { x: 4.0, y: 5.0 }));
    Ok(())
}

pub async fn other_fields_are_refused(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let entity = world.spawn(Health(1)).await?;
    let other = Arc::new(ComponentType::dynamic("health", vec![Field::new("value", FieldKind::U64)])?);
    let value = ComponentValue::from_fields(&other, &[FieldValue::U64(2)])?;
    same!(kind(world.set_value(entity, value).await), Some(ErrorKind::Invalid));
    let asleep = Arc::clone(<Asleep as crate::Component>::component()?);
    same!(kind(world.storage_mut().register(&[asleep, other]).await), Some(ErrorKind::Invalid));
    same!(world.storage().components().await?.len(), 1);
    same!(world.get::<Health>(entity).await?, Some(Health(1)));
    Ok(())
}

pub async fn many_are_read_at_once(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let one = world.spawn(Health(1)).await?;
    let none = world.create().await?;
    let two = world.spawn((Health(2), Asleep)).await?;
    let dead = world.spawn(Health(3)).await?;
    world.destroy(dead).await?;
    let read = world.get_many::<Health>(&[two, none, one, dead, two]).await?;
    same!(read, vec![Some(Health(2)), None, Some(Health(1)), None, Some(Health(2))]);
    same!(world.get_many::<Name>(&[one, two]).await?, vec![None, None]);
    same!(world.get_many::<Health>(&[]).await?, vec![]);
    Ok(())
}

pub async fn a_component_goes_from_all(make: &mut AsyncMake<'_>) -> Result<()> {
    let mut world = fresh(make).await?;
    let one = world.spawn((Health(1), Asleep)).await?;
    let two = world.spawn(Asleep).await?;
    let three = world.spawn(Health(3)).await?;
    same!(world.remove_from_all::<Asleep>().await?, 2);
    same!(world.remove_from_all::<Asleep>().await?, 0);
    same!(world.get_many::<Asleep>(&[one, two, three]).await?, vec![None; 3]);
    same!(world.get_many::<Health>(&[one, three]).await?, vec![Some(Health(1)), Some(Health(3))]);
    Ok(())
}
