//! Changes as they were written.

use std::sync::Arc;

use crate::chunk::Chunk;
use crate::component::ComponentType;
use crate::{AllocatorState, Entity, Tick};

/// What changed from one tick to another.
#[derive(Debug)]
pub struct Recorded {
    pub since: Tick,
    pub tick: Tick,
    pub allocator: AllocatorState,
    pub components: Vec<Arc<ComponentType>>,
    pub created: Vec<Entity>,
    pub destroyed: Vec<Entity>,
    pub removed: Vec<(String, Vec<Entity>)>,
    /// Component by component.
    pub written: Vec<Chunk<'static>>,
}
