//! What components are called in tables, and the tables that are there besides those of archetypes.

use worldstore_core::Error;

/// A row for each tick: the shard, and the version of this layout. Its entity is 0.
pub const TICKS: &str = "ecs_ticks";
/// A row for each component that is known: its name and its fields.
pub const COMPONENTS: &str = "ecs_components";
/// A row for each table of an archetype: its name, and its components.
pub const ARCHETYPES: &str = "ecs_archetypes";
/// A row for each id that is free, by the entity that it will be: its place in the stack.
pub const FREE: &str = "ecs_free";
/// A row for each entity that is alive under an id that was given out elsewhere.
pub const GUESTS: &str = "ecs_guests";
/// A row for each entity without components.
pub const BARE: &str = "ecs_bare";

/// Rows for all entities as they are after a tick, now and then.
pub const CHECKPOINTS: &str = "ecs_checkpoints";

/// The longest name of a component that a table takes as it is.
const NAME_BYTES_MAX: usize = 64;
/// As much of a longer name is kept.
const SLUG_BYTES_MAX: usize = 48;

/// The name of a component in tables: in small letters. One that has other signs than letters, digits and single `_`
/// has `_` for them, and eight digits of its hash behind it.
pub fn stored_name(component: &str) -> String {
    let small = component.to_ascii_lowercase();
    let plain = small.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain && !small.contains("__") && !small.ends_with('_') && small.len() <= NAME_BYTES_MAX {
        return small;
    }
    let mut slug = String::new();
    for letter in small.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }) {
        if (letter != '_' || !slug.ends_with('_')) && slug.len() < SLUG_BYTES_MAX {
            slug.push(letter);
        }
    }
    let hash = blake3::hash(component.as_bytes()).to_hex();
    format!("{}_{}", slug.trim_end_matches('_'), hash.as_str().get(..8).unwrap_or_default())
}

/// The table of the values of a component that are stored once.
pub fn shared_table(stored: &str) -> String {
    format!("shared_{stored}")
}

/// What a name is known by as an entity of a catalog: 63 bits of its hash.
pub fn key(name: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(blake3::hash(name.as_bytes()).as_bytes().first_chunk::<8>().unwrap_or(&[0; 8]));
    u64::from_le_bytes(bytes) & (u64::MAX >> 1)
}

/// Two components that would be one in tables.
pub fn taken(component: &str, other: &str) -> Error {
    Error::invalid("two components have one name in tables, where small and large letters are the same")
        .with("component", component)
        .with("other", other)
}

#[cfg(test)]
mod tests;
