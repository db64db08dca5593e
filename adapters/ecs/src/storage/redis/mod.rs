//! Entities on a Redis server: each call is one script, so that nothing comes between its parts.

mod answers;
mod config;
mod server;

use std::fmt;
use std::sync::Arc;

use redis::{Script, ScriptInvocation, Value};
use worldstore_core::{Error, Result};
use worldstore_db_common::redis::Pool;

use crate::allocator::AllocatorState;
use crate::batch::{Applied, Batch, WriteMode};
use crate::chunk::Chunks;
use crate::component::ComponentType;
use crate::error::{corrupt, forgotten};
use crate::local::Local;
use crate::planted::{Bug, Planted};
use crate::query::Query;
use crate::state::State;
use crate::storage::gather::{chunks_of, chunks_of_rows};
use crate::storage::types::Types;
use crate::storage::{Durability, Storage, StorageInfo};
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

pub use config::{NAMESPACE, Persistence, RedisConfig};

use answers::{bytes, done, entities, entity, list, number, other, part, string, text};
use server::Server;

/// The version of the keys.
const VERSION: u64 = 1;
/// Rows of a chunk of a query.
const CHUNK_ROWS: usize = 8_192;

/// A storage on a Redis server. Any number of processes may use it at once: the server runs one script after the other.
///
/// A query is answered at once, by one script that makes a copy of all that it finds; the server does nothing else
/// meanwhile. Keys and their meaning are told in `lua/shared.lua`; all carry the namespace as their hash tag.
pub struct Redis {
    server: Server,
    scripts: Scripts,
    name: String,
    shard: u16,
    durability: Durability,
    /// The Rust types that this program has registered.
    types: Types,
    planted: Planted,
}

struct Scripts {
    apply: Script,
    register: Script,
    alive: Script,
    types: Script,
    get: Script,
    query: Script,
    changes: Script,
    export: Script,
    import: Script,
}

fn script(own: &str) -> Script {
    Script::new(&[include_str!("lua/shared.lua"), own].concat())
}

impl Scripts {
    fn new() -> Self {
        Self {
            apply: script(include_str!("lua/apply.lua")),
            register: script(include_str!("lua/register.lua")),
            alive: script(include_str!("lua/alive.lua")),
            types: script(include_str!("lua/types.lua")),
            get: script(include_str!("lua/get.lua")),
            query: script(include_str!("lua/query.lua")),
            changes: script(include_str!("lua/changes.lua")),
            export: script(include_str!("lua/export.lua")),
            import: script(include_str!("lua/import.lua")),
        }
    }
}

impl Redis {
    fn connect(config: RedisConfig) -> Result<Self> {
        let name = format!("redis({}, {})", config.info.addr(), config.namespace);
        let (wanted, persistence, planted) = (config.shard, config.persistence, config.planted);
        let pool = Pool::new(config.info, config.limits)?;
        let durability = match persistence {
            Persistence::Unknown => Durability::Volatile,
            Persistence::Always => {
                pool.check_synced()?;
                Durability::Durable
            }
        };
        let server = Server::new(pool, &config.namespace);
        let answer = server.change(&script(include_str!("lua/prepare.lua")), |call| {
            call.arg(VERSION).arg(wanted);
        })?;
        let answer = list(&answer)?;
        let (version, shard) = (number(part(answer, 0)?)?, number(part(answer, 1)?)?);
        if version != VERSION {
            let error = Error::invalid("the namespace is of another version of this format").with("version", version);
            return Err(error.with("known", VERSION));
        }
        let shard = u16::try_from(shard).map_err(|_| corrupt("the shard is out of range").with("shard", shard))?;
        if wanted != 0 && wanted != shard {
            let error = Error::invalid("the namespace is of another shard").with("shard", shard);
            return Err(error.with("wanted", wanted));
        }
        Ok(Self { server, scripts: Scripts::new(), name, shard, durability, types: Types::default(), planted })
    }

    /// A component of these fields: in the Rust type that this program has, if it has one.
    fn component(&self, name: &str, fields: &Value) -> Result<Arc<ComponentType>> {
        Ok(self.types.of(ComponentType::from_text(name, string(fields)?)?))
    }
}

/// A value that a script gave: 0, or 1 if it is shared, and its bytes.
fn value(component: &Arc<ComponentType>, stored: &Value) -> Result<ComponentValue> {
    match bytes(stored)?.split_first() {
        Some((b'0', bytes)) => ComponentValue::from_bytes(component, bytes),
        Some((b'1', bytes)) => Ok(ComponentValue::from_bytes(component, bytes)?.shared()),
        _ => Err(other()),
    }
}

/// A name and fields in front of what a component has.
fn named(answer: &Value) -> Result<(&str, &Value)> {
    let head = list(answer)?;
    Ok((string(part(head, 0)?)?, part(head, 1)?))
}

/// Components as names and fields.
fn described(components: &[&Arc<ComponentType>]) -> Result<Vec<(Arc<str>, String)>> {
    components.iter().map(|component| Ok((Arc::clone(component.name()), component.fields_text()?))).collect()
}

fn add_components(call: &mut ScriptInvocation<'_>, components: &[(Arc<str>, String)]) {
    call.arg(components.len());
    for (name, fields) in components {
        call.arg(&**name).arg(fields);
    }
}

fn add_values(call: &mut ScriptInvocation<'_>, values: &[ComponentValue], planted: Planted) {
    call.arg(values.len());
    for value in values {
        let is_shared = value.is_shared() && !planted.has(Bug::SharedIsOwn);
        call.arg(&**value.name()).arg(u8::from(is_shared)).arg(value.bytes());
    }
}

fn add_batch(call: &mut ScriptInvocation<'_>, batch: &Batch, planted: Planted) {
    call.arg(batch.writes().len());
    for write in batch.writes() {
        let mode =
            if write.mode == WriteMode::Update && !planted.has(Bug::UpdateIsInsert) { "update" } else { "insert" };
        call.arg(text(write.entity)).arg(&**write.value.name()).arg(mode);
        let is_shared = write.value.is_shared() && !planted.has(Bug::SharedIsOwn);
        call.arg(u8::from(is_shared)).arg(write.value.bytes());
    }
    call.arg(batch.removes().len());
    for (entity, name) in batch.removes() {
        call.arg(text(*entity)).arg(&**name);
    }
    call.arg(batch.destroys().len());
    for entity in batch.destroys() {
        call.arg(text(*entity));
    }
    call.arg(batch.spawns().len());
    for values in batch.spawns() {
        add_values(call, values, planted);
    }
    call.arg(batch.places().len());
    for (entity, values) in batch.places() {
        call.arg(text(*entity));
        add_values(call, values, planted);
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("name", &self.name).field("shard", &self.shard).finish_non_exhaustive()
    }
}

impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Storage for Redis {
    fn info(&self) -> StorageInfo {
        StorageInfo::new("redis", self.shard, self.durability)
    }

    fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        Ok(self.export()?.components)
    }

    fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        let all = described(&components.iter().collect::<Vec<_>>())?;
        let answer = self.server.change(&self.scripts.register, |call| add_components(call, &all))?;
        done(&answer)?;
        self.types.learn(components);
        Ok(())
    }

    fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        let components = described(&batch.components())?;
        if self.planted.has(Bug::SplitBatch) {
            let first = Batch { writes: batch.writes().to_vec(), ..Batch::default() };
            let _ = self.server.change(&self.scripts.apply, |call| {
                add_components(call, &components);
                add_batch(call, &first, self.planted);
            })?;
        }
        let answer = self.server.change(&self.scripts.apply, |call| {
            add_components(call, &components);
            add_batch(call, batch, self.planted);
        })?;
        let answer = done(&answer)?;
        let (tick, removed) = (number(part(answer, 0)?)?, number(part(answer, 1)?)?);
        let spawned = answer.iter().skip(2).map(entity).collect::<Result<_>>()?;
        self.types.learn(batch.components());
        Ok(Applied::new(Tick(tick), spawned, removed))
    }

    fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        let answer = self.server.look(&self.scripts.alive, |call| {
            entities.iter().for_each(|entity| {
                call.arg(text(*entity));
            });
        })?;
        list(&answer)?.iter().map(|one| Ok(number(one)? == 1)).collect()
    }

    fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        let answer = self.server.look(&self.scripts.types, |call| {
            call.arg(text(entity));
        })?;
        let (alive, names) = list(&answer)?.split_first().ok_or_else(other)?;
        if number(alive)? == 0 {
            return Ok(None);
        }
        let mut names = names.iter().map(|name| Ok(string(name)?.into())).collect::<Result<Vec<Arc<str>>>>()?;
        names.sort();
        Ok(Some(names))
    }

    fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        Ok(self.get_many(&[entity], component)?.pop().flatten())
    }

    fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        let answer = self.server.look(&self.scripts.get, |call| {
            call.arg(component);
            entities.iter().for_each(|entity| {
                call.arg(text(*entity));
            });
        })?;
        let (fields, values) = list(&answer)?.split_first().ok_or_else(other)?;
        if *fields == Value::Nil {
            return Ok(vec![None; entities.len()]);
        }
        let known = self.component(component, fields)?;
        values.iter().map(|one| if *one == Value::Nil { Ok(None) } else { value(&known, one).map(Some) }).collect()
    }

    fn query(&self, query: &Query) -> Result<Chunks<'_>> {
        let answer = self.server.look(&self.scripts.query, |call| {
            for names in [query.components(), query.required(), query.excluded()] {
                call.arg(names.len());
                names.iter().for_each(|name| {
                    call.arg(&**name);
                });
            }
        })?;
        let Some((fields, rows)) = list(&answer)?.split_first() else { return Ok(Box::new(std::iter::empty())) };
        let components = query.components().iter().zip(list(fields)?);
        let components = components.map(|(name, fields)| self.component(name, fields)).collect::<Result<Vec<_>>>()?;
        let mut chunks = Vec::new();
        let count = if self.planted.has(Bug::OnePage) { 1 } else { usize::MAX };
        for rows in rows.chunks(CHUNK_ROWS).take(count) {
            let found = rows.iter().map(|row| {
                let (first, values) = list(row)?.split_first().ok_or_else(other)?;
                let values = components.iter().zip(values).map(|(component, one)| value(component, one));
                Ok((entity(first)?, values.collect::<Result<Vec<_>>>()?))
            });
            chunks.extend(chunks_of_rows(&components, found.collect::<Result<Vec<_>>>()?)?);
        }
        Ok(Box::new(chunks.into_iter().map(Ok)))
    }

    fn tick(&self) -> Result<Tick> {
        let answer = self.server.look(&self.scripts.changes, |call| {
            call.arg(u64::MAX >> 11);
        })?;
        let head = list(part(list(&answer)?, 0)?)?;
        Ok(Tick(number(part(head, 0)?)?))
    }

    fn changes(&self, since: Tick) -> Result<Changes> {
        let answer = self.server.look(&self.scripts.changes, |call| {
            call.arg(since.0);
        })?;
        let answer = list(&answer)?;
        let head = list(part(answer, 0)?)?;
        let (tick, oldest) = (number(part(head, 0)?)?, number(part(head, 1)?)?);
        if since.0 > tick {
            return Err(Error::invalid("the tick is not there yet").with("since", since).with("tick", tick));
        }
        if since.0 < oldest {
            return Err(forgotten(since.0, oldest));
        }
        let mut changes = Changes::none(since, Tick(tick));
        changes.created = entities(part(answer, 1)?)?;
        changes.destroyed = entities(part(answer, 2)?)?;
        for one in answer.iter().skip(3) {
            let one = list(one)?;
            let (name, fields) = named(part(one, 0)?)?;
            let component = self.component(name, fields)?;
            for pair in list(part(one, 1)?)?.chunks_exact(2) {
                changes.written.push((entity(part(pair, 0)?)?, value(&component, part(pair, 1)?)?));
            }
            let removed = entities(part(one, 2)?)?;
            changes.removed.extend(removed.into_iter().map(|entity| (entity, Arc::clone(component.name()))));
        }
        changes.sort();
        Ok(changes)
    }

    fn export(&self) -> Result<State<'_>> {
        let answer = self.server.look(&self.scripts.export, |_| {})?;
        let answer = list(&answer)?;
        let alive = entities(part(answer, 1)?)?;
        let (tick, allocator) = allocator(answer, &alive)?;
        let (mut components, mut values) = (Vec::new(), Vec::new());
        for one in answer.iter().skip(5) {
            let one = list(one)?;
            let (name, fields) = named(part(one, 0)?)?;
            let component = self.component(name, fields)?;
            let pairs = list(part(one, 1)?)?.chunks_exact(2);
            let rows = pairs.map(|pair| Ok((entity(part(pair, 0)?)?, value(&component, part(pair, 1)?)?)));
            values.push(rows.collect::<Result<Vec<_>>>()?);
            components.push(component);
        }
        let chunks = chunks_of(alive, &components, values)?;
        Ok(State::new(tick, allocator, components, chunks))
    }

    fn import(&mut self, state: &State<'_>) -> Result<()> {
        state.check()?;
        let components = described(&state.components.iter().collect::<Vec<_>>())?;
        let rows = crate::storage::gather::rows_of(state)?;
        let allocator = &*self.planted.restored(&state.allocator);
        let is_dead = |word: &u32| word & AllocatorState::slot(0, true) == 0;
        let dead: Vec<(u32, u32)> =
            (Entity::RESERVED..).zip(allocator.slots.iter().copied()).filter(|(_, word)| is_dead(word)).collect();
        let alive: Vec<Entity> = allocator.alive().collect();
        let answer = self.server.change(&self.scripts.import, |call| {
            call.arg(allocator.shard).arg(state.tick.0).arg(Entity::RESERVED as usize + allocator.slots.len());
            add_components(call, &components);
            for list in [&alive, &allocator.guests] {
                call.arg(list.len());
                list.iter().for_each(|entity| {
                    call.arg(text(*entity));
                });
            }
            call.arg(dead.len());
            dead.iter().for_each(|(index, generation)| {
                call.arg(*index).arg(*generation);
            });
            call.arg(allocator.free.len());
            allocator.free.iter().for_each(|index| {
                call.arg(*index);
            });
            call.arg(rows.writes().len());
            for write in rows.writes() {
                call.arg(text(write.entity)).arg(&**write.value.name());
                call.arg(u8::from(write.value.is_shared())).arg(write.value.bytes());
            }
        })?;
        done(&answer)?;
        self.shard = allocator.shard;
        self.types.learn(&state.components);
        Ok(())
    }

    fn local(&self) -> Option<&Local> {
        None
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        None
    }
}

/// The tick and what the allocator knows, from what the script for everything answers.
fn allocator(answer: &[Value], alive: &[Entity]) -> Result<(Tick, AllocatorState)> {
    let head = list(part(answer, 0)?)?;
    let (shard, tick, next) = (number(part(head, 0)?)?, number(part(head, 1)?)?, number(part(head, 2)?)?);
    let broken = || corrupt("the server holds an allocator that cannot be");
    let small = |value: &Value| number(value).and_then(|number| u32::try_from(number).map_err(|_| broken()));
    let shard = u16::try_from(shard).map_err(|_| broken())?;
    let count = u32::try_from(next).ok().and_then(|next| next.checked_sub(Entity::RESERVED)).ok_or_else(broken)?;
    let mut slots = vec![0; count as usize];
    let mut set = |index: u32, word: u32| {
        let place = index.checked_sub(Entity::RESERVED).and_then(|place| slots.get_mut(place as usize));
        place.map(|slot| *slot = word).ok_or_else(broken)
    };
    let mut guests = entities(part(answer, 2)?)?;
    guests.sort_unstable();
    for entity in alive.iter().filter(|entity| guests.binary_search(entity).is_err()) {
        set(entity.index(), AllocatorState::slot(entity.generation(), true))?;
    }
    for pair in list(part(answer, 3)?)?.chunks_exact(2) {
        set(small(part(pair, 0)?)?, AllocatorState::slot(small(part(pair, 1)?)?, false))?;
    }
    let free = list(part(answer, 4)?)?.iter().map(small).collect::<Result<_>>()?;
    Ok((Tick(tick), AllocatorState::new(shard, slots, free).with_guests(guests)))
}
