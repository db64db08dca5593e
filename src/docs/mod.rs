//! Longer texts: how it is built, how bytes are kept, how stores are configured and a backend is written, what survives what,
//! what can be left out.

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

#[doc = include_str!("features.md")]
pub mod features {}

#[doc = include_str!("log.md")]
pub mod log {}
