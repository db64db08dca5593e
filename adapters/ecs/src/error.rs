//! Errors that several parts of the crate give, each in one wording.

use worldstore_core::{Error, ErrorKind};

use crate::Entity;

/// An entity that is not alive: never made, or destroyed.
pub fn dead(entity: Entity) -> Error {
    Error::not_found("the entity is not alive").with("entity", entity)
}

/// An entity that is alive already.
pub fn exists(entity: Entity) -> Error {
    Error::new(ErrorKind::AlreadyExists, "the entity is alive already").with("entity", entity)
}

/// An entity of a reserved index, which nobody destroys.
pub fn reserved(entity: Entity) -> Error {
    Error::invalid("a reserved entity cannot be destroyed").with("entity", entity)
}

/// An update of a component that the entity does not have.
pub fn missing(entity: Entity, component: &str) -> Error {
    Error::not_found("the entity has no such component to update").with("entity", entity).with("component", component)
}

/// A component that is known with other fields.
pub fn other_fields(component: &str) -> Error {
    Error::invalid("the component has other fields here").with("component", component)
}

/// A component that is registered in one Rust type and asked for in another.
pub fn other_type(component: &str, wanted: &'static str) -> Error {
    Error::invalid("the component belongs to another type").with("component", component).with("type", wanted)
}

/// Changes since a tick that is no longer remembered. Take everything instead.
pub fn forgotten(since: u64, oldest: u64) -> Error {
    let error = Error::not_found("changes since that tick are no longer known");
    error.with("since", since).with("oldest", oldest)
}

/// Bytes that are not what they should be.
pub fn corrupt(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, what)
}
