//! Entities in memory: archetypes of columns.

pub(crate) mod erased;
pub(crate) mod untyped;

/// Entities in memory.
#[derive(Debug)]
pub struct Local {}
