//! Storages outside of memory: each does what `Local` does, and survives what may happen to it.

mod agreement;
mod kills;
#[cfg(feature = "backend")]
mod log;
mod planted;
mod promises;
mod routers;
mod several;
mod steps;
mod support;
#[cfg(feature = "sqlite")]
mod wide;
