//! Random batches, what a storage shows of itself, and what a query finds: for tests that compare storages.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore_core::{Error, Result};

use crate::{
    AllocatorState, Component, ComponentType, ComponentValue, Entity, Field, FieldKind, FieldValue, Query, State,
    Storage, Tick, Updates,
};

/// Two numbers of different widths.
#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "position")]
#[expect(missing_docs, reason = "the fields are examples")]
pub struct Position {
    pub x: f32,
    pub y: f64,
}

/// Texts, one of which may be missing, under a name that no table can have.
#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "Name-1.a")]
#[expect(missing_docs, reason = "the fields are examples")]
pub struct Name {
    pub text: String,
    pub nick: Option<String>,
}

/// Nothing but that it is there.
#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "agent")]
pub struct Agent;

/// Numbers at the bounds of their kinds, and bytes.
#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "Counters")]
#[expect(missing_docs, reason = "the fields are examples")]
pub struct Counters {
    pub entity: u64,
    pub small: i8,
    pub block: [u16; 3],
    pub flag: Option<bool>,
    pub raw: Vec<u8>,
}

/// Numbers without a visible pattern, the same for the same seed.
pub struct Dice(u64);

impl Dice {
    /// Dice that begin at a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below a bound.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    /// One of several, if there are any.
    pub fn pick<'a, Item>(&mut self, items: &'a [Item]) -> Option<&'a Item> {
        items.get(self.roll(items.len().max(1) as u64) as usize)
    }
}

/// A component that no Rust type stands for.
///
/// # Errors
/// None: its fields are legal.
pub fn dynamic() -> Result<Arc<ComponentType>> {
    let fields = vec![
        Field::new("word", FieldKind::Json),
        Field::new("big", FieldKind::U64).nullable(),
        Field::new("low", FieldKind::I64),
    ];
    Ok(Arc::new(ComponentType::dynamic("dyn:a", fields)?))
}

/// A value of one of the components, one in four of them shared.
///
/// # Errors
/// None: the values are legal.
pub fn value(dice: &mut Dice) -> Result<ComponentValue> {
    let odd = [0.0, -0.0, 1.5, f64::NAN, f64::INFINITY, f64::from_bits(0xfff8_0000_dead_beef)];
    let value = match dice.roll(5) {
        0 => {
            let y = dice.pick(&odd).copied().unwrap_or_default();
            ComponentValue::of(&Position { x: y as f32, y })
        }
        1 => {
            let nick = (dice.roll(2) == 0).then(|| format!("n{}", dice.roll(3)));
            ComponentValue::of(&Name { text: "äö'\"\u{0}".repeat(dice.roll(4) as usize), nick })
        }
        2 => ComponentValue::of(&Agent),
        3 => ComponentValue::of(&Counters {
            entity: u64::MAX - dice.roll(3),
            small: -128 + dice.roll(3) as i8,
            block: [1, dice.roll(60_000) as u16, 3],
            flag: dice.pick(&[None, Some(false), Some(true)]).copied().flatten(),
            raw: vec![0, 255, dice.roll(256) as u8],
        }),
        _ => {
            let big = if dice.roll(2) == 0 { FieldValue::Null } else { FieldValue::U64(1 << 63) };
            let fields = [FieldValue::Text("{\"b\": [1,  2]}"), big, FieldValue::I64(i64::MIN)];
            ComponentValue::from_fields(&dynamic()?, &fields)
        }
    };
    let value = value?;
    Ok(if dice.roll(4) == 0 { value.shared() } else { value })
}

/// The names of the components, and one that nobody has.
pub const NAMES: [&str; 6] = ["position", "Name-1.a", "agent", "Counters", "dyn:a", "unknown"];

/// Entities to choose from: those that are alive, a reserved one, dead ones, and one of another shard.
fn someone(dice: &mut Dice, alive: &[Entity], dead: &[Entity]) -> Entity {
    match dice.roll(40) {
        0 => *dice.pick(dead).unwrap_or(&Entity::CLOCK),
        1 | 2 => Entity::WORLD,
        3 => Entity::CLOCK,
        _ => *dice.pick(alive).unwrap_or(&Entity::WORLD),
    }
}

/// Changes of which most can be applied and some cannot.
///
/// # Errors
/// None: the values are legal.
pub fn updates(dice: &mut Dice, alive: &[Entity], dead: &[Entity]) -> Result<Updates> {
    let mut updates = Updates::new();
    for _ in 0..dice.roll(6) {
        let entity = someone(dice, alive, dead);
        match dice.roll(12) {
            0 => updates.update_value(entity, value(dice)?),
            1..=4 => updates.insert_value(entity, value(dice)?),
            5 | 6 => updates.remove_named(entity, dice.pick(&NAMES).copied().unwrap_or_default()),
            7 | 8 if !entity.is_reserved() || dice.roll(10) == 0 => updates.destroy(entity),
            9 => {
                let guest = Entity::new(7, 1_000 + dice.roll(9) as u32, dice.roll(2) as u32)?;
                let values = (0..dice.roll(3)).map(|_| value(dice)).collect::<Result<_>>()?;
                updates.place_values(guest, values)
            }
            _ => {
                let values = (0..dice.roll(4)).map(|_| value(dice)).collect::<Result<_>>()?;
                updates.spawn_values(values)
            }
        };
    }
    Ok(updates)
}

/// The components of an entity by name: their bytes, and whether they are shared.
pub type Row = BTreeMap<String, (Vec<u8>, bool)>;

/// All that can be seen of a storage, in an order of its own.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of a state")]
pub struct Shown {
    pub tick: Tick,
    pub allocator: AllocatorState,
    pub components: Vec<String>,
    pub rows: BTreeMap<Entity, Row>,
}

/// What a state shows.
///
/// # Errors
/// Those of [`State::check`]; `Unexpected` if an entity is there twice.
pub fn shown(state: &State<'_>) -> Result<Shown> {
    state.check()?;
    let mut components: Vec<String> = state.components.iter().map(|one| format!("{one:?}")).collect();
    components.sort();
    let mut rows = BTreeMap::new();
    for chunk in &state.chunks {
        for (row, entity) in chunk.entities().iter().enumerate() {
            let mut values = Row::new();
            for column in chunk.columns() {
                let value = column.value(row)?;
                values.insert(value.name().to_string(), (value.bytes().to_vec(), value.is_shared()));
            }
            once(*entity, rows.insert(*entity, values))?;
        }
    }
    Ok(Shown { tick: state.tick, allocator: state.allocator.clone(), components, rows })
}

/// What a query finds, in the order of the ids.
///
/// # Errors
/// Those of the storage; `Unexpected` if an entity is found twice, or a chunk is empty.
pub fn found(storage: &dyn Storage, query: &Query) -> Result<BTreeMap<Entity, Vec<ComponentValue>>> {
    let mut found = BTreeMap::new();
    for chunk in storage.query(query)? {
        let chunk = chunk?;
        if chunk.is_empty() {
            return Err(Error::unexpected("a chunk of a query is empty"));
        }
        for (row, entity) in chunk.entities().iter().enumerate() {
            let values = chunk.columns().iter().map(|column| column.value(row)).collect::<Result<_>>()?;
            once(*entity, found.insert(*entity, values))?;
        }
    }
    Ok(found)
}

fn once<Other>(entity: Entity, other: Option<Other>) -> Result<()> {
    other.map_or(Ok(()), |_| Err(Error::unexpected("an entity is there twice").with("entity", entity)))
}
