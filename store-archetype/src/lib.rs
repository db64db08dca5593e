//! Archetypes: tables whose columns come from components, and rows of typed components both ways.
//!
//! A [`Component`] is a Rust type that serde knows, or an Arrow schema with a name ([`ComponentSchema`]). An
//! [`Archetype`] is a set of components and one table: component `Position` with fields `x` and `y` has the columns
//! `position__x` and `position__y`. A [`Codec`] turns slices of components into record batches and back.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use worldstore_archetype::{Archetype, Codec, Component};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Position { x: f64, y: f64 }
//! impl Component for Position { const NAME: &'static str = "Position"; }
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Health(u32);
//! impl Component for Health { const NAME: &'static str = "Health"; }
//!
//! # fn main() -> worldstore_core::Result<()> {
//! let codec = Codec::<(Position, Health)>::new()?;
//! let batch = codec.encode(&[(7, (Position { x: 1.0, y: 2.0 }, Health(90)))])?;
//! let names: Vec<&str> = batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
//! assert_eq!(names, ["entity", "health__value", "position__x", "position__y"]);
//! assert_eq!(codec.decode_live(&batch)?, [(7, (Position { x: 1.0, y: 2.0 }, Health(90)))]);
//!
//! // The order of the components does not matter.
//! assert_eq!(codec.archetype().table(), Archetype::of::<(Health, Position)>()?.table());
//! # Ok(()) }
//! ```
//!
//! # Names and identities
//! - The **table** of an archetype is `a{n}_{hash}`: the number of components, and 16 hex digits over their names and
//!   [generations](Component::GENERATION). Columns are not part of it: they are added and renamed in place, so a hash
//!   over them would move the archetype to another table with each change and leave its history behind. Two programs
//!   that mean different columns by one name meet in one table, and [`plan`] refuses the second with an error that
//!   names the column and both types. Who wants a fresh table raises the generation.
//! - The **stable id** of a column is the first name that it ever had: that of the field, or the oldest of its former
//!   names. [`Archetype::fingerprint`] is a hash over (stable id, type) of all columns: equal fingerprints, equal
//!   columns. How both hashes are made is told byte by byte in [`canonical`].
//!
//! # How columns change
//! Every component column of a table may be null; what is never null is up to the Rust type. [`plan`] compares a table
//! with the wanted archetype and tells the changes, as core's table backends take them:
//!
//! | change of the type | what happens |
//! |---|---|
//! | a field `Option<T>` is new | the column is added, rows that are there have null |
//! | a field that is no `Option` is new | refused: rows that are there have no value |
//! | a field has a new name, the former one [declared](ComponentSchema::with_former) | the column is renamed |
//! | a field is gone | the column stays, new rows have null in it |
//! | `T` becomes `Option<T>` | nothing; back again, rows with null are refused when they are decoded |
//! | a field has another type | refused; so is a change inside of a nested struct |
//!
//! # Types
//!
//! | Rust | Arrow |
//! |---|---|
//! | `bool`, `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, `char` (as `u32`) | the same |
//! | `String`, enums without data | `Utf8` |
//! | `Vec<T>` | `List` |
//! | `[T; N]` and tuples of one type | `FixedSizeList` |
//! | other tuples, structs | `Struct` |
//! | maps | `Map` |
//! | bytes as serde means them | `Binary` |
//! | `Option<T>` | that of `T`, with null |
//!
//! Other Arrow types that serde can fill are set with [`ComponentSchema::with_type`]: a `Timestamp` for an `i64` field,
//! `Binary` for `Vec<u8>`, a dictionary for an enum. What has no type (unit fields, enums with data, 128-bit integers)
//! is refused as `Unsupported`. Whether a table format can hold a type is for the format to say.

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod archetype;
mod bundle;
pub mod canonical;
mod codec;
mod component;
mod error;
mod find;
mod plan;
mod probe;
mod trace;
mod types;

pub use archetype::Archetype;
pub use bundle::Bundle;
pub use codec::{Codec, Row};
pub use component::{COMPONENT_NAME_BYTES_MAX, Column, Component, ComponentSchema, Presence};
pub use find::{Conflict, Matches, find};
pub use plan::{fit, plan};
