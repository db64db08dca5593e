//! Random changes on a storage and on a model that cannot be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use worldstore_core::{Error, ErrorKind, Result};

use super::components::{Asleep, Everything, Health, Name, Position};
use crate::async_entities::AsyncEntities;
use crate::async_storage::AsyncStorage;
use crate::{ComponentType, ComponentValue, Entity, Query, State, Updates};

/// The names of the components that are used.
const NAMES: [&str; 5] = ["asleep", "everything", "health", "name", "position"];

/// The shard of guests: of no storage that is looked at.
const GUEST_SHARD: u16 = 2_001;

/// Every entity that is alive, with its components.
type Model = BTreeMap<Entity, BTreeMap<Arc<str>, ComponentValue>>;

/// Numbers that follow from a seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Makes a storage.
pub type Make<'a, Store> = dyn FnMut() -> BoxFuture<'static, Result<Store>> + Send + 'a;

/// Ends a storage and opens what is left of it.
pub type Reopen<'a, Store> = dyn FnMut(Store) -> BoxFuture<'static, Result<Store>> + Send + 'a;

/// A run of random changes.
struct Run<Store> {
    world: AsyncEntities<Store>,
    model: Model,
    /// All that were ever destroyed, and not brought back.
    dead: BTreeSet<Entity>,
    /// A state from before, and the model of then.
    saved: Option<(State<'static>, Model)>,
    /// Components that nobody has, and that were made known.
    known: BTreeSet<String>,
    numbers: Numbers,
}

pub async fn run<Store: AsyncStorage>(
    make: &mut Make<'_, Store>,
    mut reopen: Option<&mut Reopen<'_, Store>>,
    seed: u64,
    steps: usize,
) -> Result<()> {
    let world = AsyncEntities::new(make().await?);
    let numbers = Numbers(seed);
    let mut run =
        Run { world, model: Model::new(), dead: BTreeSet::new(), saved: None, known: BTreeSet::new(), numbers };
    for step in 0..steps {
        let explain = |error: Error| error.with("step", step).with("seed", seed);
        let kind = run.numbers.below(40);
        let done = match (kind, &mut reopen) {
            (0, Some(reopen)) => {
                run.world = AsyncEntities::new(reopen(run.world.into_storage()).await.map_err(explain)?);
                run.compare().await
            }
            (0..=1, _) => run.save().await,
            (2, _) => run.rewind(None).await,
            (3, _) => run.rewind(Some(make().await.map_err(explain)?)).await,
            (4..=7, _) => run.bad_batch().await,
            (8, _) => run.register(step).await,
            _ => run.batch().await,
        };
        done.map_err(explain)?;
        if step % 8 == 7 || step + 1 == steps {
            run.compare().await.map_err(explain)?;
        }
    }
    Ok(())
}

impl<Store: AsyncStorage> Run<Store> {
    fn value(&mut self) -> Result<ComponentValue> {
        let number = self.numbers.next();
        let value = match number % 5 {
            0 => ComponentValue::of(&Asleep),
            1 => ComponentValue::of(&Everything::example(number >> 32)),
            2 => ComponentValue::of(&Health((number >> 40) as u32)),
            3 => ComponentValue::of(&Name(format!("name {}", number >> 60))),
            _ => ComponentValue::of(&Position { x: (number >> 40) as f32, y: 0.5 }),
        }?;
        Ok(if number >> 16 & 7 == 0 { value.shared() } else { value })
    }

    fn someone(&mut self) -> Option<Entity> {
        let place = self.numbers.below(self.model.len());
        self.model.keys().nth(place).copied()
    }

    /// A batch that can be applied, and the model behind it, without the entities that it makes.
    fn changes(&mut self) -> Result<(Updates, Model, Vec<Vec<ComponentValue>>)> {
        let mut updates = Updates::new();
        let (mut inserts, mut removes, mut destroys) = (Vec::new(), Vec::new(), BTreeSet::new());
        for _ in 0..self.numbers.below(6) {
            let (Some(entity), value) = (self.someone(), self.value()?) else { break };
            let has = self.model.get(&entity).is_some_and(|components| components.contains_key(value.name()));
            match self.numbers.below(6) {
                0 => {
                    let name: Arc<str> = NAMES[self.numbers.below(NAMES.len())].into();
                    updates.remove_named(entity, Arc::clone(&name));
                    removes.push((entity, name));
                }
                1 if !entity.is_reserved() && destroys.insert(entity) => _ = updates.destroy(entity),
                2 if has && !inserts.iter().any(|(other, _): &(Entity, _)| *other == entity) => {
                    updates.update_value(entity, value.clone());
                    inserts.push((entity, value));
                }
                _ if !inserts.iter().any(|(other, _)| *other == entity) => {
                    updates.insert_value(entity, value.clone());
                    inserts.push((entity, value));
                }
                _ => {}
            }
        }
        let mut model = self.model.clone();
        for (entity, value) in inserts {
            model.entry(entity).or_default().insert(Arc::clone(value.name()), value);
        }
        for (entity, name) in removes {
            model.entry(entity).or_default().remove(&name);
        }
        model.retain(|entity, _| !destroys.contains(entity));
        let mut spawns = Vec::new();
        for _ in 0..self.numbers.below(3) {
            let mut values: Vec<ComponentValue> = Vec::new();
            for _ in 0..self.numbers.below(4) {
                let value = self.value()?;
                if values.iter().all(|other| other.name() != value.name()) {
                    values.push(value);
                }
            }
            updates.spawn_values(values.clone());
            spawns.push(values);
        }
        if let Some((guest, values)) = self.guest(&model)? {
            updates.place_values(guest, values.clone());
            model.insert(guest, values.into_iter().map(|value| (Arc::clone(value.name()), value)).collect());
        }
        Ok((updates, model, spawns))
    }

    /// Now and then an entity of another shard that is not there.
    fn guest(&mut self, model: &Model) -> Result<Option<(Entity, Vec<ComponentValue>)>> {
        if self.numbers.below(8) > 0 {
            return Ok(None);
        }
        let (index, value) = (Entity::RESERVED + self.numbers.below(5) as u32, self.value()?);
        let guest = Entity::new(GUEST_SHARD, index, 0)?;
        Ok((!model.contains_key(&guest) && !self.model.contains_key(&guest)).then(|| (guest, vec![value])))
    }

    async fn batch(&mut self) -> Result<()> {
        let (updates, mut model, spawns) = self.changes()?;
        let spawned = self.world.apply_updates(&updates).await?;
        if spawned.len() != spawns.len() {
            return Err(Error::unexpected("another number of entities was made"));
        }
        self.dead.extend(self.model.keys().filter(|entity| !model.contains_key(entity)).copied());
        self.dead.retain(|entity| !model.contains_key(entity));
        for (entity, values) in spawned.into_iter().zip(spawns) {
            if self.dead.contains(&entity) || self.model.contains_key(&entity) {
                return Err(Error::unexpected("an id was given twice").with("entity", entity));
            }
            model.insert(entity, values.into_iter().map(|value| (Arc::clone(value.name()), value)).collect());
        }
        self.model = model;
        Ok(())
    }

    /// A batch with something wrong in it: refused, and nothing is changed.
    async fn bad_batch(&mut self) -> Result<()> {
        let Some(dead) = self.dead.iter().nth(self.numbers.below(self.dead.len())).copied() else { return Ok(()) };
        let value = self.value()?;
        let (mut updates, _, _) = self.changes()?;
        match self.numbers.below(3) {
            0 => updates.destroy(dead),
            1 => updates.insert_value(dead, value),
            _ => updates.remove_named(dead, "health"),
        };
        match self.world.apply(&updates).await {
            Err(error) if error.kind() == ErrorKind::NotFound => self.compare().await,
            Err(error) => Err(error),
            Ok(_) => Err(Error::unexpected("a change of a dead entity was applied").with("entity", dead)),
        }
    }

    /// Makes a component known that nobody has.
    async fn register(&mut self, step: usize) -> Result<()> {
        let name = format!("unused_{step}");
        let component = Arc::new(ComponentType::dynamic(name.clone(), Vec::new())?);
        self.world.storage_mut().register(&[component]).await?;
        self.known.insert(name);
        Ok(())
    }

    async fn save(&mut self) -> Result<()> {
        let state = self.world.storage().export().await?.into_owned()?;
        state.check()?;
        self.saved = Some((state, self.model.clone()));
        Ok(())
    }

    /// Restores what was saved, here or in a fresh storage.
    async fn rewind(&mut self, fresh: Option<Store>) -> Result<()> {
        let Some((state, model)) = &self.saved else { return Ok(()) };
        if let Some(fresh) = fresh {
            self.world = AsyncEntities::new(fresh);
        }
        let before = self.world.tick().await?;
        self.world.storage_mut().import(state).await?;
        let (tick, wanted) = (self.world.tick().await?, before.max(state.tick).next());
        if tick != wanted {
            return Err(Error::unexpected("a restore took another tick").with("tick", tick).with("wanted", wanted));
        }
        let ids = self.world.storage().export().await?.allocator;
        if ids != state.allocator {
            return Err(Error::unexpected("a restore brought other ids back")
                .with("seen", format!("{ids:?}"))
                .with("wanted", format!("{:?}", state.allocator)));
        }
        self.known.clear();
        self.model = model.clone();
        // What was made after the saved state was never there: its ids may be given out anew.
        self.dead.clear();
        self.compare().await
    }

    /// Compares all that can be asked.
    async fn compare(&self) -> Result<()> {
        let state = self.world.storage().export().await?;
        state.check()?;
        let mut seen = Model::new();
        for chunk in &state.chunks {
            for (row, entity) in chunk.entities().iter().enumerate() {
                let mut values = BTreeMap::new();
                for column in chunk.columns() {
                    values.insert(Arc::clone(column.component().name()), column.value(row)?);
                }
                seen.insert(*entity, values);
            }
        }
        let differ = |what: &str, seen: String, wanted: String| {
            Err(Error::unexpected("storage and model differ")
                .with("what", what)
                .with("seen", seen)
                .with("wanted", wanted))
        };
        if seen != self.model {
            let one = seen.iter().find(|(entity, values)| self.model.get(entity) != Some(*values));
            let other = self.model.iter().find(|(entity, values)| seen.get(entity) != Some(*values));
            return differ("state", format!("{one:?}"), format!("{other:?}"));
        }
        for name in NAMES {
            let query = Query::new([name]).excluding(["asleep"]).having(["health"]);
            let mut found = self.world.found(&query).await?;
            found.sort_unstable();
            let matches =
                |values: &BTreeMap<Arc<str>, ComponentValue>| query.matches(values.keys().map(|name| &**name));
            let wanted: Vec<Entity> =
                self.model.iter().filter(|(_, values)| matches(values)).map(|(entity, _)| *entity).collect();
            if found != wanted {
                return differ(name, format!("{found:?}"), format!("{wanted:?}"));
            }
            let entities: Vec<Entity> = self.model.keys().copied().collect();
            let read = self.world.storage().get_many(&entities, name).await?;
            let wanted: Vec<Option<ComponentValue>> =
                self.model.values().map(|values| values.get(name).cloned()).collect();
            if read != wanted {
                return differ(name, format!("{read:?}"), format!("{wanted:?}"));
            }
        }
        let components = self.world.storage().components().await?;
        let is_known = |name: &&String| components.iter().any(|component| **component.name() == ***name);
        if let Some(lost) = self.known.iter().find(|name| !is_known(name)) {
            return differ("components", format!("{components:?}"), lost.clone());
        }
        let dead: Vec<Entity> = self.dead.iter().copied().collect();
        let alive = self.world.storage().alive(&dead).await?;
        match alive.iter().position(|alive| *alive) {
            Some(place) => differ("alive", format!("{:?}", dead.get(place)), "dead".to_owned()),
            None => Ok(()),
        }
    }
}
