//! Incremental queries over Z-sets, with their state in a database.
//!
//! A [`Circuit`] is a query as a graph of operators, built by plain Rust functions. An [`Engine`] keeps it open on a
//! [`Store`](store::Store): each change of an input is a step that updates the results by what changed, in one
//! transaction. Results that are kept as a [`Cache`] or an [`Index`] are tables that other processes query.
//!
//! ```
//! use worldstore_zset::store::{Memory, Mode};
//! use worldstore_zset::{Builder, Engine, Stream};
//!
//! /// The sum of the amounts of each account.
//! fn balances<'b>(bookings: Stream<'b, (String, i64)>) -> Stream<'b, (String, i64)> {
//!     bookings.sum("balances", |booking| booking.0.clone(), |booking| booking.1)
//! }
//!
//! # fn main() -> worldstore_core::Result<()> {
//! let builder = Builder::new();
//! let (bookings, rows) = builder.input("bookings");
//! let changes = balances(rows).output("changes");
//! let mut engine = Engine::open(builder.build()?, Memory::new(), Mode::CreateTables)?;
//!
//! engine.insert(&bookings, [("rent".to_owned(), -700), ("rent".to_owned(), 50)])?;
//! let deltas = engine.insert(&bookings, [("rent".to_owned(), 100)])?;
//! assert_eq!(deltas.get(&changes)?, [(("rent".to_owned(), -650), -1), (("rent".to_owned(), -550), 1)]);
//! # Ok(()) }
//! ```
//!
//! # What a step costs
//!
//! The changes and what they meet: a join costs the matches, a window what enters and leaves, a recursion the rows whose
//! derivations change. It does not cost what is stored, with these exceptions, which cannot do otherwise:
//!
//! - [`integrate`](Stream::integrate) gives the whole sum in each step, so it costs the whole sum;
//! - [`delay`](Stream::delay) and [`differentiate`](Stream::differentiate) cost what came in the step before too;
//! - [`aggregate`](Stream::aggregate) costs the groups that change, because its function sees whole groups;
//! - [`top_k`](Stream::top_k) and [`first_n`](Stream::first_n) cost the first rows of the groups that change.
//!
//! # Correctness
//!
//! For all operators but the three of streams as such (delay, integrate, differentiate), any sequence of steps gives the
//! same state as one big step, and as computing the query from scratch.

mod batch;
mod changes;
mod check;
mod circuit;
mod columns;
pub mod encode;
mod engine;
mod flush;
mod index;
mod migrate;
mod op;
mod rebuild;
mod recursion;
mod row;
mod shape;
mod step;
pub mod store;
mod table;
mod time;
mod weight;
mod zset;

pub use changes::{Changes, Deltas};
pub use check::{BackgroundCheck, Checked};
pub use circuit::{Builder, Circuit, Input, Output, Stream};
pub use columns::{Column, ColumnKind, Datum};
pub use encode::Desc;
pub use engine::{Engine, EngineOptions};
pub use index::{Cache, Index, Reading};
pub use op::{Additive, Average, Grouped};
pub use recursion::{Inner, Scope};
pub use row::{Real, Row};
pub use step::StepStats;
pub use table::{Access, Table, TableKind};
pub use time::Time;
pub use weight::Weight;
pub use zset::ZSet;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
