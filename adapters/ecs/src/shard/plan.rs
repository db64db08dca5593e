//! A batch as one batch for each shard that it changes.

use std::collections::{BTreeMap, HashSet};

use worldstore_core::{Error, Result};

use super::{NOTE_INDEX, Router, is_unclear};
use crate::batch::{Applied, Batch, Updates, WriteMode, check_known};
use crate::planted::Bug;
use crate::{ComponentValue, Entity};

/// What a batch does to the shards and to the router.
#[derive(Default)]
struct Plan {
    shards: BTreeMap<usize, Updates>,
    /// Where entities are from now on: the home, and bits of other shards.
    settled: Vec<(Entity, usize, u64)>,
    /// What existing entities get in one more shard of components.
    spread: BTreeMap<(usize, Entity), Vec<ComponentValue>>,
    /// Components that are written and removed again.
    removed: u64,
}

impl Plan {
    fn shard(&mut self, shard: usize) -> &mut Updates {
        self.shards.entry(shard).or_default()
    }
}

impl Router {
    /// Applies a batch, all or nothing.
    pub(super) fn apply_batch(&mut self, batch: &Batch) -> Result<Applied> {
        self.check(batch)?;
        let mut allocator = self.allocator.clone();
        batch.destroys().iter().try_for_each(|entity| allocator.free(*entity))?;
        let spawned = batch.spawns().iter().map(|_| allocator.allocate()).collect::<Result<Vec<_>>>()?;
        batch.places().iter().try_for_each(|(entity, _)| allocator.admit(*entity))?;
        let mut plan = self.plan(batch, &spawned)?;
        for ((shard, entity), values) in &plan.spread {
            plan.shards.entry(*shard).or_default().place_values(*entity, values.clone());
        }
        let next = spawned.iter().map(|entity| entity.index() + 1).fold(self.next, u32::max);
        let removed = plan.removed + self.carry_out(std::mem::take(&mut plan.shards), next)?;
        (self.allocator, self.next) = (allocator, next);
        for entity in batch.destroys().iter().filter(|_| !self.planted.has(Bug::HomeKept)) {
            self.homes.remove(entity);
            self.spread.remove(entity);
        }
        for (shard, entity) in plan.spread.into_keys() {
            *self.spread.entry(entity).or_default() |= 1 << shard;
        }
        for (entity, home, bits) in plan.settled {
            self.homes.insert(entity, home);
            if bits != 0 && !self.planted.has(Bug::SpreadUnnoted) {
                self.spread.insert(entity, bits);
            }
        }
        for component in batch.components() {
            self.components.entry(component.name().clone()).or_insert_with(|| component.clone());
        }
        self.remember();
        Ok(Applied::new(self.tick, spawned, removed))
    }

    fn check(&self, batch: &Batch) -> Result<()> {
        for component in batch.components() {
            if super::is_note(component.name()) {
                return Err(Error::invalid("the component is the router's own").with("component", component));
            }
            self.components.get(component.name()).map_or(Ok(()), |known| check_known(known, component))?;
        }
        let mut present = HashSet::new();
        let updates = batch.writes().iter().filter(|write| write.mode == WriteMode::Update);
        for write in updates {
            let name = write.value.name();
            if let Some(shard) = self.place_of(write.entity, name) {
                let entity = self.inside(shard, write.entity);
                if self.storage(shard)?.get(entity, name)?.is_some() {
                    present.insert((write.entity, &**name));
                }
            }
        }
        batch.check(
            |entity| self.shard_of(entity).is_some(),
            |entity, component| present.contains(&(entity, &**component.name())),
        )
    }

    fn plan(&self, batch: &Batch, spawned: &[Entity]) -> Result<Plan> {
        let mut plan = Plan::default();
        let nowhere = |entity: Entity| Error::unexpected("the entity is in no shard").with("entity", entity);
        for write in batch.writes() {
            let home = self.shard_of(write.entity).ok_or_else(|| nowhere(write.entity))?;
            let shard = self.shard_for(write.value.name()).unwrap_or(home);
            if self.is_own_reserved(write.entity) && shard != 0 {
                let error = Error::unsupported("components of reserved entities are in shard 0 only");
                return Err(error.with("component", write.value.name()));
            }
            let value = write.value.clone();
            if self.place_of(write.entity, write.value.name()).is_some() {
                plan.shard(shard).insert_value(self.inside(shard, write.entity), value);
            } else if !batch.destroys().contains(&write.entity) {
                plan.spread.entry((shard, write.entity)).or_default().push(value);
            }
        }
        for (entity, name) in batch.removes() {
            if let Some(shard) = self.place_of(*entity, name) {
                plan.shard(shard).remove_named(self.inside(shard, *entity), name.clone());
            } else if let Some(values) = self.shard_for(name).and_then(|shard| plan.spread.get_mut(&(shard, *entity))) {
                let before = values.len();
                values.retain(|value| value.name() != name);
                plan.removed += (before - values.len()) as u64;
            }
        }
        for entity in batch.destroys() {
            let home = self.shard_of(*entity).ok_or_else(|| nowhere(*entity))?;
            plan.shard(home).destroy(*entity);
            let bits = self.spread.get(entity).copied().unwrap_or_default();
            for shard in (0..self.shards.len()).filter(|shard| bits & (1 << shard) != 0) {
                plan.shard(shard).destroy(*entity);
            }
        }
        let placed = batch.places().iter().map(|(entity, values)| (*entity, values));
        for (entity, values) in spawned.iter().copied().zip(batch.spawns()).chain(placed) {
            self.settle_new(&mut plan, entity, values)?;
        }
        Ok(plan)
    }

    /// A new entity in its home, and with routing by component in the shards of its components.
    fn settle_new(&self, plan: &mut Plan, entity: Entity, values: &[ComponentValue]) -> Result<()> {
        let home = self.routing.home(entity, values, self.shards.len())?;
        let mut parts: BTreeMap<usize, Vec<ComponentValue>> = BTreeMap::from([(home, Vec::new())]);
        for value in values {
            let shard = self.shard_for(value.name()).unwrap_or(home);
            parts.entry(shard).or_default().push(value.clone());
        }
        let others = parts.keys().filter(|shard| **shard != home).fold(0, |bits, shard| bits | 1 << shard);
        for (shard, values) in parts {
            plan.shard(shard).place_values(entity, values);
        }
        plan.settled.push((entity, home, others));
        Ok(())
    }

    /// Has every shard apply its part. If there are several, all are in memory, and can.
    pub(super) fn carry_out(&mut self, mut parts: BTreeMap<usize, Updates>, next: u32) -> Result<u64> {
        self.check_whole()?;
        if parts.is_empty() {
            parts.insert(0, Updates::new());
        }
        self.check_together(parts.keys().copied())?;
        let tick = self.tick.next();
        let mut batches = Vec::with_capacity(parts.len());
        for (shard, mut updates) in parts {
            let number = self.storage(shard)?.info().shard;
            updates.insert_value(Entity::pack(number, NOTE_INDEX, 0), self.note(tick, next)?);
            batches.push((shard, updates.to_batch()?));
        }
        let unchecked = self.planted.has(Bug::UncheckedParts) || self.planted.has(Bug::UncheckedShards);
        if batches.len() > 1 && !unchecked {
            for (shard, batch) in &batches {
                let local = self.storage(*shard)?.local().ok_or_else(|| several(&[*shard]))?;
                local.check_batch(batch)?;
            }
        }
        let mut removed = 0;
        for (place, (shard, batch)) in batches.iter().enumerate() {
            let applied = self.storage_mut(*shard)?.apply(batch);
            // The ids of the batch may be in use now, and nobody knows.
            let applied = applied.inspect_err(|error| self.is_cut_off |= place > 0 || is_unclear(error))?;
            removed += applied.removed;
        }
        self.tick = tick;
        Ok(removed)
    }

    /// Looks whether these shards can be changed together, all or nothing.
    pub(super) fn check_together(&mut self, shards: impl IntoIterator<Item = usize>) -> Result<()> {
        let shards: Vec<usize> = shards.into_iter().collect();
        let mut all = true;
        for shard in &shards {
            all &= self.storage_mut(*shard)?.local_mut().is_some();
        }
        if shards.len() < 2 || all || self.planted.has(Bug::UncheckedShards) { Ok(()) } else { Err(several(&shards)) }
    }
}

fn several(shards: &[usize]) -> Error {
    let named: Vec<String> = shards.iter().map(usize::to_string).collect();
    let message = "the batch changes several shards, which is all or nothing only where all of them are in memory";
    Error::unsupported(message).with("shards", named.join(" "))
}
