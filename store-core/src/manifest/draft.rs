//! What a writer may change in the next manifest.

use std::collections::BTreeMap;

use super::format::Stored;
use super::model::{Entry, Manifest};

/// The next manifest in the making: entries and properties of the newest one, to be changed.
#[derive(Debug)]
pub struct Draft<'base> {
    base: &'base Stored,
    entries: BTreeMap<String, Entry>,
    /// Free texts.
    pub properties: BTreeMap<String, String>,
}

impl<'base> Draft<'base> {
    pub(super) fn new(base: &'base Stored) -> Self {
        let entries = base.entries.iter().map(|entry| (entry.name.clone(), entry.clone())).collect();
        Self { base, entries, properties: base.properties.clone() }
    }

    /// The manifest on which this one will follow.
    pub fn base(&self) -> &'base Stored {
        self.base
    }

    /// The entry with this name, as it is in the draft.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// All entries of the draft, sorted by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Adds an entry, or replaces the one with its name. Returns that.
    pub fn put(&mut self, entry: Entry) -> Option<Entry> {
        self.entries.insert(entry.name.clone(), entry)
    }

    /// Removes an entry. Returns it.
    pub fn remove(&mut self, name: &str) -> Option<Entry> {
        self.entries.remove(name)
    }

    pub(super) fn write_to(self, manifest: &mut Manifest) {
        manifest.entries = self.entries.into_values().collect();
        manifest.properties = self.properties;
    }
}
