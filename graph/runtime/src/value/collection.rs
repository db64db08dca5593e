//! Lists and maps, which know how large and how deep they are.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use super::Value;

/// A list of values; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct List(Arc<ListBody>);

#[derive(Debug, Default)]
struct ListBody {
    items: Vec<Value>,
    bytes: u64,
    depth: u32,
}

/// A map from names to values, ordered by name; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Map(Arc<MapBody>);

#[derive(Debug, Default)]
struct MapBody {
    entries: BTreeMap<Arc<str>, Value>,
    bytes: u64,
    depth: u32,
}

impl List {
    /// A list of `items`.
    pub fn new(items: Vec<Value>) -> Self {
        let bytes = items.iter().fold(0u64, |bytes, item| bytes.saturating_add(item.bytes()));
        let depth = items.iter().map(Value::depth).max().unwrap_or(0) + 1;
        Self(Arc::new(ListBody { items, bytes, depth }))
    }

    /// About how many bytes it takes, with everything in it, counted again wherever it is shared.
    pub fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// True if it is the very same list, not only an equal one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// How deep lists and maps are nested; 1 for a list of numbers.
    pub fn depth(&self) -> u32 {
        self.0.depth
    }
}

impl Map {
    /// A map of `entries`.
    pub fn new(entries: BTreeMap<Arc<str>, Value>) -> Self {
        let size = |(name, value): (&Arc<str>, &Value)| (name.len() as u64 + 32).saturating_add(value.bytes());
        let bytes = entries.iter().map(size).fold(0u64, u64::saturating_add);
        let depth = entries.values().map(Value::depth).max().unwrap_or(0) + 1;
        Self(Arc::new(MapBody { entries, bytes, depth }))
    }

    /// About how many bytes it takes, with everything in it, counted again wherever it is shared.
    pub fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// How deep lists and maps are nested; 1 for a map of numbers.
    pub fn depth(&self) -> u32 {
        self.0.depth
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0.items
    }
}

impl Deref for Map {
    type Target = BTreeMap<Arc<str>, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0.entries
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::new(items.into_iter().collect())
    }
}

impl FromIterator<(Arc<str>, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(entries: I) -> Self {
        Self::new(entries.into_iter().collect())
    }
}
