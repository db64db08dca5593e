//! Longer texts: how it is built, how bytes are kept, how stores are configured and a backend is written, how lakes are
//! addressed, what survives what, what worlds can do, how they are asked in SQL and read by other programs, how states are kept and carried
//! elsewhere, what to do when something breaks, what can be left out, how it is released.

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("backends.md")]
pub mod backends {}

#[doc = include_str!("bytes.md")]
pub mod bytes {}

#[doc = include_str!("config.md")]
pub mod config {}

#[doc = include_str!("durability.md")]
pub mod durability {}

#[doc = include_str!("entities.md")]
pub mod entities {}

#[doc = include_str!("features.md")]
pub mod features {}

#[doc = include_str!("log.md")]
pub mod log {}

#[doc = include_str!("manifests.md")]
pub mod manifests {}

#[doc = include_str!("lake.md")]
pub mod lake {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("releasing.md")]
pub mod releasing {}

#[doc = include_str!("snapshots.md")]
pub mod snapshots {}

#[doc = include_str!("sql.md")]
pub mod sql {}

#[doc = include_str!("tables.md")]
pub mod tables {}

#[doc = include_str!("worlds.md")]
pub mod worlds {}

#[doc = include_str!("zsets.md")]
pub mod zsets {}
