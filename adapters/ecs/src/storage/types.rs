//! The Rust types that a program has registered, for components as a database gives them back.

use std::collections::HashMap;
use std::sync::Arc;

use crate::component::ComponentType;

/// Rust types by the names of their components.
#[derive(Debug, Default)]
pub(crate) struct Types {
    known: HashMap<Arc<str>, Arc<ComponentType>>,
}

impl Types {
    /// A component that is stored: in the Rust type that this program has, if that has the same fields.
    pub fn of(&self, stored: Arc<ComponentType>) -> Arc<ComponentType> {
        match self.known.get(stored.name()) {
            Some(known) if known.is_same(&stored) => Arc::clone(known),
            _ => stored,
        }
    }

    /// Notes the types of components that are stored, and tells whether one was new. One whose fields were others is that
    /// of a program before.
    pub fn learn<'a>(&mut self, components: impl IntoIterator<Item = &'a Arc<ComponentType>>) -> bool {
        let mut is_new = false;
        for component in components.into_iter().filter(|component| component.is_typed()) {
            if !self.known.get(component.name()).is_some_and(|known| known.is_same(component)) {
                self.known.insert(Arc::clone(component.name()), Arc::clone(component));
                is_new = true;
            }
        }
        is_new
    }
}
