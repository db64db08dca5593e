//! Random batches, and what a storage shows of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use worldstore::ecs::{
    AllocatorState, Component, ComponentType, ComponentValue, Entity, Field, FieldKind, FieldValue, State, Tick,
    Updates,
};

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "position", crate = worldstore::ecs)]
pub struct Position {
    pub x: f32,
    pub y: f64,
}

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "Name-1.a", crate = worldstore::ecs)]
pub struct Name {
    pub text: String,
    pub nick: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "agent", crate = worldstore::ecs)]
pub struct Agent;

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "Counters", crate = worldstore::ecs)]
pub struct Counters {
    pub number: u64,
    pub small: i8,
    pub block: [u16; 3],
    pub flag: Option<bool>,
    pub raw: Vec<u8>,
}

/// Numbers without a visible pattern, the same for the same seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    pub fn pick<'a, Item>(&mut self, items: &'a [Item]) -> Option<&'a Item> {
        items.get(self.roll(items.len().max(1) as u64) as usize)
    }
}

/// A component that no Rust type stands for.
pub fn dynamic() -> Arc<ComponentType> {
    let fields = vec![
        Field::new("word", FieldKind::Json),
        Field::new("big", FieldKind::U64).nullable(),
        Field::new("low", FieldKind::I64),
    ];
    Arc::new(ComponentType::dynamic("dyn:a", fields).unwrap())
}

fn value(dice: &mut Dice) -> ComponentValue {
    let odd = [0.0, -0.0, 1.5, f64::NAN, f64::INFINITY, f64::from_bits(0xfff8_0000_dead_beef)];
    let value = match dice.roll(5) {
        0 => {
            let y = *dice.pick(&odd).unwrap();
            ComponentValue::of(&Position { x: y as f32, y })
        }
        1 => {
            let nick = (dice.roll(2) == 0).then(|| format!("n{}", dice.roll(3)));
            ComponentValue::of(&Name { text: "äö'\"\u{0}".repeat(dice.roll(4) as usize), nick })
        }
        2 => ComponentValue::of(&Agent),
        3 => ComponentValue::of(&Counters {
            number: u64::MAX - dice.roll(3),
            small: -128 + dice.roll(3) as i8,
            block: [1, dice.roll(60_000) as u16, 3],
            flag: [None, Some(false), Some(true)][dice.roll(3) as usize],
            raw: vec![0, 255, dice.roll(256) as u8],
        }),
        _ => {
            let big = if dice.roll(2) == 0 { FieldValue::Null } else { FieldValue::U64(1 << 63) };
            let fields = [FieldValue::Text("{\"b\": [1,  2]}"), big, FieldValue::I64(i64::MIN)];
            ComponentValue::from_fields(&dynamic(), &fields)
        }
    };
    let value = value.unwrap();
    if dice.roll(4) == 0 { value.shared() } else { value }
}

const NAMES: [&str; 5] = ["position", "Name-1.a", "agent", "Counters", "dyn:a"];

/// Changes of which most can be applied and some cannot.
pub fn updates(dice: &mut Dice, alive: &[Entity]) -> Updates {
    let mut updates = Updates::new();
    for _ in 0..dice.roll(6) {
        let entity = match dice.roll(20) {
            0 => Entity::WORLD,
            1 => Entity::CLOCK,
            _ => *dice.pick(alive).unwrap_or(&Entity::WORLD),
        };
        match dice.roll(12) {
            0 => updates.update_value(entity, value(dice)),
            1..=4 => updates.insert_value(entity, value(dice)),
            5 | 6 => updates.remove_named(entity, *dice.pick(&NAMES).unwrap()),
            7 | 8 if !entity.is_reserved() => updates.destroy(entity),
            9 => {
                let guest = Entity::new(7, 1_000 + dice.roll(9) as u32, dice.roll(2) as u32).unwrap();
                let values = (0..dice.roll(3)).map(|_| value(dice)).collect();
                updates.place_values(guest, values)
            }
            _ => {
                let values = (0..dice.roll(4)).map(|_| value(dice)).collect();
                updates.spawn_values(values)
            }
        };
    }
    updates
}

type Row = BTreeMap<String, (Vec<u8>, bool)>;

/// All that can be seen of a storage, in an order of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub tick: Tick,
    pub allocator: AllocatorState,
    pub components: Vec<String>,
    pub rows: BTreeMap<Entity, Row>,
}

pub fn shown(state: &State<'_>) -> Shown {
    state.check().unwrap();
    let mut components: Vec<String> = state.components.iter().map(|one| format!("{one:?}")).collect();
    components.sort();
    let mut rows = BTreeMap::new();
    for chunk in &state.chunks {
        for (row, entity) in chunk.entities().iter().enumerate() {
            let values = chunk.columns().iter().map(|column| column.value(row).unwrap());
            let values = values.map(|value| (value.name().to_string(), (value.bytes().to_vec(), value.is_shared())));
            assert!(rows.insert(*entity, values.collect()).is_none(), "{entity} twice");
        }
    }
    Shown { tick: state.tick, allocator: state.allocator.clone(), components, rows }
}
