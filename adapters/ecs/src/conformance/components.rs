//! Components of all kinds, for the cases and for tests of storages.

use serde::{Deserialize, Serialize};

use crate::{Component, Entity};

/// Where something is. Its memory is its bytes.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Component,
    zerocopy::FromBytes,
    zerocopy::Immutable,
    zerocopy::IntoBytes,
    zerocopy::KnownLayout,
)]
#[component(name = "position", plain)]
#[repr(C)]
pub struct Position {
    /// To the right.
    pub x: f32,
    /// Up.
    pub y: f32,
}

/// Where something goes.
#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(name = "velocity")]
pub struct Velocity {
    /// To the right.
    pub x: f32,
    /// Up.
    pub y: f32,
}

/// A number that two writes add to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Component)]
#[component(name = "health", combine = Health::add)]
pub struct Health(pub u32);

impl Health {
    fn add(earlier: &Self, later: Self) -> Self {
        Self(earlier.0.wrapping_add(later.0))
    }
}

/// Text.
#[derive(Debug, Clone, PartialEq, Eq, Component)]
#[component(name = "name")]
pub struct Name(pub String);

/// Nothing but that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Component)]
#[component(name = "asleep")]
pub struct Asleep;

/// One of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Component)]
#[component(name = "mood")]
pub enum Mood {
    /// One.
    Calm,
    /// Another.
    Angry,
}

/// Fields of all kinds.
#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "everything")]
#[expect(missing_docs, reason = "the fields are named after their kinds")]
pub struct Everything {
    pub bool: bool,
    pub i8: i8,
    pub i16: i16,
    pub i32: i32,
    pub i64: i64,
    pub u8: u8,
    pub u16: u16,
    pub u32: u32,
    pub u64: u64,
    pub f32: f32,
    pub f64: f64,
    pub char: char,
    pub entity: Entity,
    pub text: String,
    pub bytes: Vec<u8>,
    pub array: [i16; 3],
    pub none: Option<f64>,
    pub some: Option<String>,
    #[component(json)]
    pub json: Vec<Plan>,
}

/// What serde writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the variants are examples")]
pub enum Plan {
    Wait,
    Go { to: Entity, steps: u32 },
}

impl Everything {
    /// A value at the bounds of its kinds, different for each number.
    pub fn example(number: u64) -> Self {
        Self {
            bool: number % 2 == 1,
            i8: i8::MIN,
            i16: i16::MAX,
            i32: i32::MIN,
            i64: i64::MIN,
            u8: u8::MAX,
            u16: u16::MAX,
            u32: u32::MAX,
            u64: u64::MAX - number,
            f32: f32::MIN_POSITIVE,
            f64: -0.0,
            char: '\u{1F300}',
            entity: Entity::CLOCK,
            text: format!("'\"\\ \u{0} été {number}"),
            bytes: vec![0, 255, number as u8],
            array: [-1, 0, 1],
            none: None,
            some: Some(String::new()),
            json: vec![Plan::Wait, Plan::Go { to: Entity::WORLD, steps: 3 }],
        }
    }
}
