//! From texts of settings to values, with errors that name the setting and where it was set.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use worldstore_cache::CacheConfig;
use worldstore_core::{Error, Result};

use crate::config::{Config, Found, Lookup, Section};

/// Where what a program sets comes from, in errors.
pub(super) const CODE: &str = "the program";

/// The settings of a section.
pub(super) struct Values {
    section: Section,
    found: BTreeMap<String, Found>,
}

impl Values {
    pub fn load(section: Section, file: Option<&Config>, lookup: &Lookup) -> Result<Self> {
        Ok(Self { section, found: section.settings(file, lookup)? })
    }

    /// Where a setting was set.
    pub fn origin(&self, key: &str) -> &str {
        self.found.get(key).map_or(CODE, |found| &found.origin)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.found.get(key).map(|found| found.text.as_str())
    }

    /// Settings of a table in this one, by name.
    pub fn below<'values>(&'values self, table: &str) -> impl Iterator<Item = (&'values str, &'values Found)> {
        let prefix = format!("{table}.");
        self.found.iter().filter_map(move |(key, found)| Some((key.strip_prefix(&prefix)?, found)))
    }

    /// Reads a setting; `rule` says what it must be.
    pub fn parse<T: FromStr>(&self, key: &'static str, rule: &str) -> Result<Option<T>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.wrong(key, rule).with("got", text))
    }

    /// Reads a setting that is one of few words.
    pub fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Result<Option<T>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let known = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" ");
        let found = words.iter().find(|(word, _)| *word == text);
        let unknown = || self.wrong(key, "setting is none of the known words").with("got", text).with("known", known());
        found.map(|(_, value)| Some(*value)).ok_or_else(unknown)
    }

    fn wrong(&self, key: &str, rule: &str) -> Error {
        wrong(self.section, key, rule, self.origin(key))
    }
}

/// An error about a setting.
pub(super) fn wrong(section: Section, key: &str, rule: &str, origin: impl Display) -> Error {
    Error::invalid(rule).with("key", format!("{}.{key}", section.as_str())).with("at", origin)
}

/// Checks what a cache is told; `origin` says where a key was set.
///
/// # Errors
/// `Invalid`, with `key`, `at` and `got`, for zero and for what must be in another unit.
pub(super) fn check_cache<'a>(config: &CacheConfig, origin: impl Fn(&str) -> &'a str) -> Result<()> {
    config.check().map_err(|error| {
        let told = |name: &str| error.context().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        let (key, got) = (told("setting"), told("got"));
        wrong(Section::Cache, key, error.message(), origin(key)).with("got", got)
    })
}
