//! The conformance kit for byte stores: what the author of a backend runs in a test.
//!
//! A [`Case`] is data: a list of [`Step`]s, each with the [`Answer`]s that the contract allows. A driver makes each
//! step on the backend and notes the answer in a normalised form: names below the folder of the case, versions
//! numbered per key, no times. [`run`] is the driver for [`Backend`](crate::Backend); that for async backends is in
//! `worldstore-async`, and both note the same.
//!
//! [`play`] is the same for one case of your own, made of steps and answers.
//!
//! A case that needs what the backend does not declare is skipped, but not before the undeclared call was made: it must
//! be refused with `Unsupported` and change nothing.
//!
//! Objects that outlive their backend are for [`reopen`], which opens it again and again, and for [`Kills`], which kills
//! processes that write.
//!
//! The kit stays below the folder that it is given, begins no case in a folder that holds anything, and removes what
//! it wrote.
//!
//! ```
//! use std::sync::Arc;
//! use worldstore_core::{Memory, Prefix, conformance};
//!
//! # fn main() -> worldstore_core::Result<()> {
//! let backend = Arc::new(Memory::new());
//! let report = conformance::run(&*backend, &Prefix::new("kit")?);
//! println!("{report}");
//! report.into_result()?;
//! conformance::race(backend, &Prefix::new("kit")?).into_result()?;
//! # Ok(()) }
//! ```

#![allow(clippy::single_range_in_vec_init, reason = "a list of one range is meant: one part of an object")]

mod answer;
mod body;
mod cases;
pub mod keys;
mod kills;
mod observed;
mod player;
mod race;
mod refusal;
mod reopen;
mod report;
mod scripted;
mod session;
mod step;

pub use answer::{Answer, Fate, Gone, Seen};
pub use body::{Body, digest};
pub use cases::cases;
pub use kills::{Kills, acknowledge, place_of_victim, victim};
pub use observed::Observed;
pub use player::{play, run};
pub use race::{RACERS, ROUNDS, Race, race, race_rounds, uniform};
pub use reopen::reopen;
pub use report::{CaseReport, CaseResult, Failure, Report};
#[doc(hidden)]
pub use scripted::{Event, Scripted};
pub use session::{Call, PAGES_MAX, Reply, Session};
pub use step::{Case, Planned, Step, When};

#[cfg(test)]
mod tests;
