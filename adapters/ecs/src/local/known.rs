//! Components that are registered, and where entities are.

use std::sync::Arc;

use super::pool::Pool;
use crate::component::ComponentType;

/// A component that is registered.
#[derive(Debug)]
pub struct Known {
    pub component: Arc<ComponentType>,
    /// Its shared values.
    pub pool: Pool,
}

/// Where an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The archetype; the first one has no components.
    pub archetype: u32,
    pub row: u32,
}

impl Default for Place {
    /// Nowhere: where a reserved entity without components is.
    fn default() -> Self {
        Self { archetype: 0, row: NO_ROW }
    }
}

/// The row of a reserved entity without components, which has none.
pub const NO_ROW: u32 = u32::MAX;
