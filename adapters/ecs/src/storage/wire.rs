//! Batches as bytes: what logs keep of them.
//!
//! ```text
//! version   u8 (1)
//! components count, then for each: name, fields as JSON text
//! writes     count, then for each: entity, component, mode (0 update, 1 insert), value
//! removes    count, then for each: entity, name
//! destroys   count, then for each: entity
//! spawns     count, then for each: count of values, then each: component, value
//! places     count, then for each: entity, then as a spawn
//! ```
//!
//! Numbers are u32, entities u64, little-endian; a component is its place in the list. Texts and values have their length
//! in front; a value has one byte behind it, 1 if it is shared.

use std::collections::HashMap;
use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::batch::{Batch, Updates, Write, WriteMode};
use crate::component::ComponentType;
use crate::error::corrupt;
use crate::{ComponentValue, Entity};

const VERSION: u8 = 1;

/// The bytes of a batch.
///
/// # Errors
/// `Invalid` if something has more than 2³² parts.
pub(crate) fn encode(batch: &Batch) -> Result<Vec<u8>> {
    let mut out = Out(vec![VERSION]);
    let places = out.components(batch.components())?;
    out.count(batch.writes().len())?;
    for Write { entity, value, mode, .. } in batch.writes() {
        out.entity(*entity);
        out.value(value, &places, Some(*mode))?;
    }
    out.count(batch.removes().len())?;
    for (entity, name) in batch.removes() {
        out.entity(*entity);
        out.bytes(name.as_bytes())?;
    }
    out.count(batch.destroys().len())?;
    batch.destroys().iter().for_each(|entity| out.entity(*entity));
    out.count(batch.spawns().len())?;
    for values in batch.spawns() {
        out.values(values, &places)?;
    }
    out.count(batch.places().len())?;
    for (entity, values) in batch.places() {
        out.entity(*entity);
        out.values(values, &places)?;
    }
    Ok(out.0)
}

/// The bytes of a list of components.
///
/// # Errors
/// As [`encode`].
pub(crate) fn encode_components(components: &[Arc<ComponentType>]) -> Result<Vec<u8>> {
    let mut out = Out(vec![VERSION]);
    out.components(components.iter().collect())?;
    Ok(out.0)
}

/// The batch that these bytes are.
///
/// # Errors
/// `Corrupt` if they are none; nothing is allocated that the bytes do not hold. `Unsupported` for a later version.
pub(crate) fn decode(bytes: &[u8]) -> Result<Batch> {
    let (mut input, components) = begin(bytes)?;
    let mut updates = Updates::new();
    for _ in 0..input.count(8 + 4 + 1 + 5)? {
        let (entity, component) = (input.entity()?, input.component(&components)?);
        let mode = input.byte()?;
        let value = input.value(component)?;
        match mode {
            0 => updates.update_value(entity, value),
            1 => updates.insert_value(entity, value),
            _ => return Err(corrupt("a write is neither an update nor an insert")),
        };
    }
    for _ in 0..input.count(8 + 4)? {
        let entity = input.entity()?;
        updates.remove_named(entity, input.text()?);
    }
    for _ in 0..input.count(8)? {
        updates.destroy(input.entity()?);
    }
    for _ in 0..input.count(4)? {
        updates.spawn_values(input.values(&components)?);
    }
    for _ in 0..input.count(8 + 4)? {
        let entity = input.entity()?;
        updates.place_values(entity, input.values(&components)?);
    }
    input.end()?;
    updates.to_batch()
}

/// The components that these bytes list.
///
/// # Errors
/// As [`decode`].
pub(crate) fn decode_components(bytes: &[u8]) -> Result<Vec<Arc<ComponentType>>> {
    let (input, components) = begin(bytes)?;
    input.end().map(|()| components)
}

fn begin(bytes: &[u8]) -> Result<(In<'_>, Vec<Arc<ComponentType>>)> {
    let mut input = In(bytes);
    match input.byte()? {
        VERSION => {}
        other => return Err(Error::unsupported("the batch is of a later version").with("version", other)),
    }
    let count = input.count(4 + 4)?;
    let mut components = Vec::with_capacity(count);
    for _ in 0..count {
        let (name, fields) = (input.text()?, input.text()?);
        let broken = |source| corrupt("a component cannot be").caused_by(source);
        components.push(ComponentType::from_text(name, fields).map_err(broken)?);
    }
    Ok((input, components))
}

struct Out(Vec<u8>);

impl Out {
    fn count(&mut self, count: usize) -> Result<()> {
        let count = u32::try_from(count).map_err(|_| Error::invalid("the batch has too many parts"))?;
        self.0.extend_from_slice(&count.to_le_bytes());
        Ok(())
    }

    fn entity(&mut self, entity: Entity) {
        self.0.extend_from_slice(&entity.to_bits().to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.count(bytes.len())?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn components<'a>(&mut self, components: Vec<&'a Arc<ComponentType>>) -> Result<HashMap<&'a str, usize>> {
        let mut places = HashMap::new();
        let mut distinct = Vec::new();
        for component in components {
            if !places.contains_key(&**component.name()) {
                places.insert(&**component.name(), distinct.len());
                distinct.push(component);
            }
        }
        self.count(distinct.len())?;
        for component in distinct {
            self.bytes(component.name().as_bytes())?;
            self.bytes(component.fields_text()?.as_bytes())?;
        }
        Ok(places)
    }

    fn value(&mut self, value: &ComponentValue, places: &HashMap<&str, usize>, mode: Option<WriteMode>) -> Result<()> {
        let missing = || Error::unexpected("a value is of no listed component");
        self.count(*places.get(&**value.name()).ok_or_else(missing)?)?;
        self.0.extend(mode.map(|mode| u8::from(mode == WriteMode::Insert)));
        self.bytes(value.bytes())?;
        self.0.push(u8::from(value.is_shared()));
        Ok(())
    }

    fn values(&mut self, values: &[ComponentValue], places: &HashMap<&str, usize>) -> Result<()> {
        self.count(values.len())?;
        values.iter().try_for_each(|value| self.value(value, places, None))
    }
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| corrupt("a batch ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn number(&mut self) -> Result<usize> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(bytes) as usize)
    }

    /// A count of things that take at least so many bytes each: never more than the bytes can hold.
    fn count(&mut self, least: usize) -> Result<usize> {
        let count = self.number()?;
        match count.checked_mul(least).is_some_and(|bytes| bytes <= self.0.len()) {
            true => Ok(count),
            false => Err(corrupt("a batch says that it has more than it holds").with("count", count)),
        }
    }

    fn entity(&mut self) -> Result<Entity> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Entity::from_bits(u64::from_le_bytes(bytes))
            .map_err(|source| corrupt("a number is no entity").caused_by(source))
    }

    fn text(&mut self) -> Result<&'a str> {
        let count = self.number()?;
        std::str::from_utf8(self.take(count)?).map_err(|source| corrupt("a text is not UTF-8").caused_by(source))
    }

    fn component<'b>(&mut self, components: &'b [Arc<ComponentType>]) -> Result<&'b Arc<ComponentType>> {
        let place = self.number()?;
        components.get(place).ok_or_else(|| corrupt("a value is of no listed component").with("place", place))
    }

    fn value(&mut self, component: &Arc<ComponentType>) -> Result<ComponentValue> {
        let count = self.number()?;
        let value = ComponentValue::from_bytes(component, self.take(count)?)?;
        match self.byte()? {
            0 => Ok(value),
            1 => Ok(value.shared()),
            _ => Err(corrupt("a value is neither shared nor not")),
        }
    }

    fn values(&mut self, components: &[Arc<ComponentType>]) -> Result<Vec<ComponentValue>> {
        let count = self.count(4 + 5)?;
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            let component = self.component(components)?;
            values.push(self.value(component)?);
        }
        Ok(values)
    }

    fn end(&self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(corrupt("a batch has bytes behind its end")) }
    }
}

#[cfg(test)]
mod tests;
