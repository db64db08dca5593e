//! `[storage]` and `[cache]`: which keys they have, in the file and in the environment.

use std::collections::BTreeMap;

use worldstore_core::{Error, Result};

use super::{Config, Lookup, Value, expand};

/// The table of settings of the scheme in `[storage]`.
pub(crate) const IO: &str = "io";

/// A table of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    /// Where worlds are.
    Storage,
    /// How rows are buffered.
    Cache,
}

/// A setting as it was found: its text, and where.
#[derive(Clone)]
pub(crate) struct Found {
    pub text: String,
    /// File and line, or the name of the variable.
    pub origin: String,
}

impl Section {
    pub fn named(name: &str) -> Option<Self> {
        [Self::Storage, Self::Cache].into_iter().find(|section| section.as_str() == name)
    }

    /// Its name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Cache => "cache",
        }
    }

    /// Its keys, besides those of `io`.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Storage => &["uri", "namespace", "backend", "metadata"],
            Self::Cache => &["flush_rows", "flush_mb", "global_mb", "idle_sec", "direct_mb", "durability"],
        }
    }

    /// What its variables begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Storage => "WORLDSTORE_STORAGE_",
            Self::Cache => "WORLDSTORE_CACHE_",
        }
    }

    /// Its settings by key: what the environment sets wins over the file. Those of `io` are `io.NAME`.
    ///
    /// # Errors
    /// `Invalid` for a variable of no known key, and for one in the file that is not set.
    pub fn settings(self, file: Option<&Config>, lookup: &Lookup) -> Result<BTreeMap<String, Found>> {
        let mut settings = file.map_or_else(|| Ok(BTreeMap::new()), |file| file.section(self))?;
        for variable in lookup.names_with(self.prefix()) {
            let key = self.key_of(&variable)?;
            let text = lookup
                .get(&variable)
                .ok_or_else(|| Error::invalid("the variable is no UTF-8").with("at", &variable))?;
            settings.insert(key, Found { text, origin: variable });
        }
        Ok(settings)
    }

    fn key_of(self, variable: &str) -> Result<String> {
        let name = variable.strip_prefix(self.prefix()).unwrap_or(variable).to_ascii_lowercase();
        if self.keys().contains(&name.as_str()) {
            return Ok(name);
        }
        match name.strip_prefix("io_") {
            Some(name) if self == Self::Storage && !name.is_empty() => Ok(format!("{IO}.{name}")),
            _ => Err(Error::invalid("unknown key")
                .with("at", variable)
                .with("key", format!("{}.{name}", self.as_str()))
                .with("known", self.keys().join(" "))),
        }
    }
}

impl Config {
    fn section(&self, section: Section) -> Result<BTreeMap<String, Found>> {
        let Some(values) = self.sections.get(&section) else { return Ok(BTreeMap::new()) };
        let expanded = |(key, value): (&String, &Value)| {
            let origin = format!("{}:{}", self.file, value.line);
            let text = expand::expand(&value.text, &self.lookup)
                .map_err(|error| error.with("key", format!("{}.{key}", section.as_str())).with("at", &origin))?;
            Ok((key.clone(), Found { text, origin }))
        };
        values.iter().map(expanded).collect()
    }
}
