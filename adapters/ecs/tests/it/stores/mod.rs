//! Storages outside of memory: each does what `Local` does, and survives what may happen to it.

#[cfg(any(feature = "backend", feature = "postgres", feature = "redis", feature = "sqlite"))]
mod agreement;
#[cfg(any(feature = "backend", feature = "postgres", feature = "redis", feature = "sqlite"))]
mod kills;
#[cfg(feature = "backend")]
mod log;
mod planted;
mod promises;
mod routers;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod several;
mod steps;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod support;
#[cfg(feature = "sqlite")]
mod wide;
