//! Shared values of a component: each stored once, and counted.

use std::collections::HashMap;
use std::sync::Arc;

use worldstore_core::{Error, Result};

use super::erased::ErasedColumn;

/// The shared values of one component.
#[derive(Debug)]
pub struct Pool {
    /// The values by place. A place that is free holds the value that was there last.
    pub values: Box<dyn ErasedColumn>,
    /// How many rows have each value.
    counts: Vec<Count>,
    places: HashMap<Arc<[u8]>, u32>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Count {
    rows: usize,
    bytes: Arc<[u8]>,
}

impl Pool {
    /// A pool without values.
    pub fn new(values: Box<dyn ErasedColumn>) -> Self {
        Self { values, counts: Vec::new(), places: HashMap::new(), free: Vec::new() }
    }

    /// How many values are stored.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True if no value is stored.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The values in a column of another kind, an empty one. A place that is free holds one that is in use: what was there
    /// last may be no value of the other kind, and nobody has it.
    ///
    /// # Errors
    /// `Corrupt` if a value is refused.
    pub fn retyped(&self, mut to: Box<dyn ErasedColumn>) -> Result<Box<dyn ErasedColumn>> {
        if let Some(used) = self.counts.iter().find(|count| count.rows > 0) {
            for count in &self.counts {
                to.push(if count.rows > 0 { &count.bytes } else { &used.bytes })?;
            }
        }
        Ok(to)
    }

    /// Puts the same values in another kind in place of these.
    pub fn replace(&mut self, values: Box<dyn ErasedColumn>) {
        self.values = values;
        if self.is_empty() {
            self.counts.clear();
            self.free.clear();
        }
    }

    /// The place of a value for one more row. The value is stored if it is new.
    pub fn intern(&mut self, bytes: &[u8]) -> Result<u32> {
        if let Some(place) = self.places.get(bytes) {
            if let Some(count) = self.counts.get_mut(*place as usize) {
                count.rows += 1;
            }
            return Ok(*place);
        }
        let bytes: Arc<[u8]> = bytes.into();
        let count = Count { rows: 1, bytes: Arc::clone(&bytes) };
        let place = match self.free.last() {
            Some(place) => {
                self.values.set(*place as usize, &bytes)?;
                if let Some(free) = self.counts.get_mut(*place as usize) {
                    *free = count;
                }
                let place = *place;
                self.free.pop();
                place
            }
            None => {
                let place = u32::try_from(self.counts.len()).map_err(|_| Error::unexpected("too many values"))?;
                self.values.push(&bytes)?;
                self.counts.push(count);
                place
            }
        };
        self.places.insert(bytes, place);
        Ok(place)
    }

    /// One row has the value no longer. With the last one it goes.
    pub fn release(&mut self, place: u32) {
        let Some(count) = self.counts.get_mut(place as usize) else { return };
        count.rows = count.rows.saturating_sub(1);
        if count.rows > 0 {
            return;
        }
        self.places.remove(&count.bytes);
        count.bytes = Arc::default();
        if place as usize + 1 == self.counts.len() {
            self.values.swap_remove(place as usize);
            self.counts.pop();
        } else {
            self.free.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    //! What was released is nobody's value.

    use std::sync::Arc;

    use crate::{Component, ComponentType, ComponentValue, Entity, Field, FieldKind, FieldValue, Local};

    #[derive(Debug, Clone, PartialEq, Component)]
    #[component(name = "mood")]
    enum Mood {
        Calm,
        Glad,
    }

    #[test]
    fn a_type_does_not_mind_values_that_nobody_has_any_more() {
        let untyped = Arc::new(ComponentType::dynamic("mood", vec![Field::new("value", FieldKind::Text)]).unwrap());
        let share = |local: &mut Local, entity: Entity, text| {
            let value = ComponentValue::from_fields(&untyped, &[FieldValue::Text(text)]).unwrap();
            local.insert_value(entity, &value.shared()).unwrap();
        };
        for is_used in [true, false] {
            let mut local = Local::new();
            let made = [0, 1].map(|_| local.insert_entity(()).unwrap());
            share(&mut local, made[0], "Sad");
            share(&mut local, made[1], "Calm");
            local.destroy_entity(made[0]).unwrap();
            if !is_used {
                local.destroy_entity(made[1]).unwrap();
            }
            local.know::<Mood>().unwrap();
            let new = local.insert_entity(()).unwrap();
            local.insert_value(new, &ComponentValue::of(&Mood::Glad).unwrap().shared()).unwrap();
            assert_eq!(local.component::<Mood>(new).unwrap(), Some(&Mood::Glad));
            let kept = is_used.then_some(&Mood::Calm);
            assert_eq!(local.component::<Mood>(made[1]).unwrap(), kept);
            assert_eq!(local.shared_count("mood"), 1 + usize::from(is_used));
        }
    }
}
