//! Entities in memory: archetypes of columns, queries in time proportional to what they find.
//!
//! Neither hecs nor bevy_ecs is underneath. Both give out their own ids, and ours carry a shard and come back from a
//! snapshot; neither takes over a restored column without a copy, stores a shared value once, or reads and writes a
//! component of which only the name is known; hecs tells no changes since a tick. What is left, columns and moves, is
//! this module. It has no unsafe code.

mod apply;
pub(crate) mod archetype;
mod async_storage;
mod changes;
mod edit;
pub(crate) mod erased;
pub(crate) mod fetch;
pub(crate) mod insert;
mod journal;
pub(crate) mod known;
mod named;
mod pool;
#[cfg(feature = "arrow")]
mod replay;
mod stamps;
mod state;
mod storage;
mod typed;
pub(crate) mod untyped;

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use worldstore_core::Result;

use crate::allocator::Allocator;
use crate::batch::check_known;
use crate::component::{Component, ComponentType};
use crate::error::{other_fields, other_type};
use crate::planted::Planted;

use archetype::{Archetype, Slot, Step, Values};
use erased::ErasedColumn;
use fetch::Spots;
use insert::Plan;
use journal::Journal;
use known::{Known, NO_ROW, Place};
use pool::Pool;

pub use named::ValueRef;

pub use fetch::{Archetypes, Changing, Fetch, FetchMut, Found, Lanes, Reading, Term, TermMut, Terms, TermsMut};

/// How many removed components and destroyed entities are remembered for [`changes`](crate::Storage::changes).
pub const HISTORY_ENTRIES: usize = 1 << 20;

/// Entities in memory. It is a [`Storage`](crate::Storage); these are the methods that only memory can have, without
/// names, copies or batches in between. Use them through [`Entities::storage`](crate::Entities::storage), or alone.
///
/// ```
/// use worldstore_ecs::{Component, Local};
///
/// #[derive(Debug, Clone, PartialEq, Component)]
/// struct Position { x: f32, y: f32 }
/// #[derive(Debug, Clone, PartialEq, Component)]
/// struct Velocity { x: f32, y: f32 }
///
/// # fn main() -> worldstore_core::Result<()> {
/// let mut local = Local::new();
/// let entity = local.insert_entity((Position { x: 0.0, y: 0.0 }, Velocity { x: 1.0, y: 2.0 }))?;
/// for (_, (position, velocity)) in local.select_mut::<(&mut Position, &Velocity)>()? {
///     position.x += velocity.x;
///     position.y += velocity.y;
/// }
/// assert_eq!(local.component::<Position>(entity)?, Some(&Position { x: 1.0, y: 2.0 }));
/// # Ok(()) }
/// ```
///
/// Changes through these methods belong to the tick in progress, which [`advance`](Self::advance) ends.
#[derive(Debug)]
pub struct Local {
    allocator: Allocator<Place>,
    known: Vec<Known>,
    by_name: HashMap<Arc<str>, u32, BuildHasherDefault<NameHasher>>,
    archetypes: Vec<Archetype>,
    by_type: HashMap<TypeId, u32, BuildHasherDefault<TypeHasher>>,
    by_slots: HashMap<Vec<Slot>, u32>,
    plans: HashMap<TypeId, Plan, BuildHasherDefault<TypeHasher>>,
    /// By the types of their components.
    spots: HashMap<TypeId, Spots, BuildHasherDefault<TypeHasher>>,
    /// The tick in progress.
    now: u64,
    /// Whether something was changed in place in it.
    is_touched: bool,
    journal: Journal,
    planted: Planted,
}

/// The columns of a component in another type.
struct Retyped {
    pool: Box<dyn ErasedColumn>,
    /// With the numbers of the archetype and of the column in it.
    columns: Vec<(usize, usize, Box<dyn ErasedColumn>)>,
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Local {
    /// Without entities, as shard 0.
    pub fn new() -> Self {
        Self::with_allocator(Allocator::first())
    }

    /// Without entities, as a shard of several.
    ///
    /// # Errors
    /// `Invalid` if the shard is out of range.
    pub fn with_shard(shard: u16) -> Result<Self> {
        Ok(Self::with_allocator(Allocator::new(shard)?))
    }

    fn with_allocator(allocator: Allocator<Place>) -> Self {
        Self {
            allocator,
            known: Vec::new(),
            by_name: HashMap::default(),
            archetypes: vec![Archetype::new(Vec::new(), Vec::new())],
            by_type: HashMap::default(),
            by_slots: HashMap::from([(Vec::new(), 0)]),
            plans: HashMap::default(),
            spots: HashMap::default(),
            now: 1,
            is_touched: false,
            journal: Journal::new(HISTORY_ENTRIES),
            planted: Planted::default(),
        }
    }

    /// Remembers so many removed components and destroyed entities, 1,048,576 by default.
    #[must_use]
    pub fn with_history(mut self, entries: usize) -> Self {
        self.journal = Journal::new(entries);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_planted(mut self, planted: impl Into<Planted>) -> Self {
        self.planted = planted.into();
        self
    }

    /// The shard whose entities it makes.
    pub fn shard(&self) -> u16 {
        self.allocator.shard()
    }

    /// How many entities are alive, without those that are reserved.
    pub fn count(&self) -> usize {
        self.allocator.count()
    }

    /// How many shared values of a component are stored.
    pub fn shared_count(&self, component: &str) -> usize {
        let known = self.by_name.get(component).and_then(|number| self.known.get(*number as usize));
        known.map_or(0, |known| known.pool.len())
    }

    /// The number of a Rust type's component, which is registered if it is not.
    #[inline]
    fn number_of<Type: Component>(&mut self) -> Result<u32> {
        match self.by_type.get(&TypeId::of::<Type>()) {
            Some(number) => Ok(*number),
            None => self.learn(Type::component()?),
        }
    }

    /// Looks whether a component can become known, so far as that needs no look at its values.
    fn check_learn(&self, component: &Arc<ComponentType>) -> Result<()> {
        let Some(known) = self.component_type(component.name()) else { return Ok(()) };
        check_alike(known, component)?;
        match (known.typed(), component.typed()) {
            (None, Some(_)) => self.retype(component).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Looks whether components can become known together, so far as that needs no look at values that come with them. If
    /// so, [`register`](crate::Storage::register) does it.
    ///
    /// # Errors
    /// Those of [`register`](crate::Storage::register).
    pub fn check_components(&self, components: &[&Arc<ComponentType>]) -> Result<()> {
        for (place, component) in components.iter().enumerate() {
            self.check_learn(component)?;
            let mut before = components.iter().take(place).filter(|before| before.name() == component.name());
            before.try_for_each(|before| check_alike(before, component))?;
        }
        Ok(())
    }

    /// Makes a component known, and gives its number. If only now its Rust type is known, its values become of it.
    fn learn(&mut self, component: &Arc<ComponentType>) -> Result<u32> {
        let Some(number) = self.by_name.get(component.name()).copied() else {
            let number = u32::try_from(self.known.len()).unwrap_or(NO_ROW);
            let pool = Pool::new(untyped::column(component));
            self.by_type.extend(component.typed().map(|typed| (typed.id, number)));
            self.known.push(Known { component: Arc::clone(component), pool });
            self.by_name.insert(Arc::clone(component.name()), number);
            return Ok(number);
        };
        let Some(known) = self.known.get(number as usize) else { return Err(other_fields(component.name())) };
        check_alike(&known.component, component)?;
        match (known.component.typed(), component.typed()) {
            (None, Some(_)) => self.give_type(number, component).map(|()| number),
            _ => Ok(number),
        }
    }

    /// Makes columns of bytes columns of a Rust type: all or, if one value is refused, none.
    fn give_type(&mut self, number: u32, component: &Arc<ComponentType>) -> Result<()> {
        let Some(typed) = component.typed() else { return Ok(()) };
        let retyped = self.retype(component)?;
        if let Some(known) = self.known.get_mut(number as usize) {
            known.pool.replace(retyped.pool);
            known.component = Arc::clone(component);
            self.by_type.insert(typed.id, number);
        }
        for (place, column, values) in retyped.columns {
            if let Some(archetype) = self.archetypes.get_mut(place) {
                archetype.replace(column, typed.id, values);
            }
        }
        Ok(())
    }

    /// The columns of a component in a Rust type that it does not have yet.
    fn retype(&self, component: &Arc<ComponentType>) -> Result<Retyped> {
        let missing = || other_fields(component.name());
        let number = *self.by_name.get(component.name()).ok_or_else(missing)?;
        let known = self.known.get(number as usize).ok_or_else(missing)?;
        let pool = known.pool.retyped(untyped::column(component))?;
        let mut columns = Vec::new();
        for (place, archetype) in self.archetypes.iter().enumerate() {
            let Some(column) = archetype.find(number) else { continue };
            if let Some(Values::Own(values)) = archetype.columns.get(column).map(|store| &store.values) {
                columns.push((place, column, erased::retyped(&**values, untyped::column(component))?));
            }
        }
        Ok(Retyped { pool, columns })
    }

    /// The archetype with these components, sorted, which is made if there is none.
    fn archetype(&mut self, slots: Vec<Slot>) -> u32 {
        if let Some(found) = self.by_slots.get(&slots) {
            return *found;
        }
        let columns = slots.iter().map(|slot| {
            let known = self.known.get(slot.component as usize);
            match known {
                Some(known) if !slot.is_shared => {
                    (known.component.typed().map(|typed| typed.id), Values::Own(untyped::column(&known.component)))
                }
                _ => (None, Values::Shared(Vec::new())),
            }
        });
        let archetype = Archetype::new(slots.clone(), columns.collect());
        let number = u32::try_from(self.archetypes.len()).unwrap_or(NO_ROW);
        self.archetypes.push(archetype);
        self.by_slots.insert(slots, number);
        number
    }

    /// Where a step from an archetype leads.
    #[inline]
    fn step(&mut self, from: u32, step: Step) -> u32 {
        match self.archetypes.get(from as usize).and_then(|archetype| archetype.edge(step)) {
            Some(to) => to,
            None => self.first_step(from, step),
        }
    }

    #[cold]
    fn first_step(&mut self, from: u32, step: Step) -> u32 {
        let Some(archetype) = self.archetypes.get(from as usize) else { return from };
        let mut slots = archetype.slots.clone();
        match step {
            Step::Add(slot) => {
                slots.retain(|other| other.component != slot.component);
                slots.push(slot);
                slots.sort_unstable();
            }
            Step::Remove(component) => slots.retain(|other| other.component != component),
        }
        let to = self.archetype(slots);
        if let Some(archetype) = self.archetypes.get_mut(from as usize) {
            archetype.edges.push((step, to));
        }
        to
    }
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "local(shard {})", self.shard())
    }
}

/// Looks whether two of one name have the same fields, and no two Rust types.
fn check_alike(known: &ComponentType, component: &ComponentType) -> Result<()> {
    check_known(known, component)?;
    match (known.typed(), component.typed()) {
        (Some(one), Some(other)) if one.id != other.id => Err(other_type(component.name(), other.type_name)),
        _ => Ok(()),
    }
}

/// What cannot be: a row for other components.
pub(crate) fn mismatched() -> worldstore_core::Error {
    edit::broken()
}

/// For ids of types, which are hashes already.
#[derive(Debug, Default)]
struct TypeHasher(u64);

impl Hasher for TypeHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// For names of components, of which there are few: short, and not from strangers in number.
#[derive(Debug, Default)]
struct NameHasher(u64);

impl Hasher for NameHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        // The last eight, some of them a second time: a copy of so many as are left would take longer.
        let last = match bytes.last_chunk() {
            Some(last) => u64::from_le_bytes(*last),
            None => rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        for word in words.iter().map(|word| u64::from_le_bytes(*word)).chain([last]) {
            self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
        self.0 ^= self.0 >> 29;
    }

    /// What ends a text, which tells nothing here: no name is followed by another.
    #[inline]
    fn write_u8(&mut self, _: u8) {}
}

#[cfg(test)]
mod tests;
