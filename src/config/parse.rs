//! From TOML to profiles, with the line of each key.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use worldstore_core::lake;
use worldstore_core::{Error, Result};

use super::section::{IO, Section};
use super::{Config, Lookup, Profile, Value};

pub(super) fn config(text: &str, file: &str, lookup: &Lookup) -> Result<Config> {
    let place = Place { text, file };
    let document = DeTable::parse(text).map_err(|error| {
        // The message of the parser shows the line, which may hold a secret: only its place is told.
        let start = error.span().map_or(0, |span| span.start);
        place.wrong("the configuration is no TOML", start).with("reason", error.message())
    })?;
    let (mut profiles, mut lakes, mut sections) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (key, value) in document.get_ref() {
        let found = match key.get_ref().as_ref() {
            PROFILE => &mut profiles,
            LAKE => &mut lakes,
            name => {
                let Some(section) = Section::named(name) else {
                    return Err(place.unknown(name, key.span().start, "cache lake profile storage"));
                };
                sections.insert(section, place.section(section, value)?);
                continue;
            }
        };
        for (name, entry) in place.table(key.get_ref(), value)? {
            let line = place.line(name.span().start);
            let entry = place.entry(key.get_ref(), name.get_ref(), line, entry, lookup)?;
            found.insert(name.get_ref().to_string(), entry);
        }
    }
    Ok(Config { file: file.to_owned(), lookup: lookup.clone(), profiles, lakes, sections })
}

/// What a table `[profile.NAME]` or `[lake.BUCKET]` is.
const PROFILE: &str = "profile";
const LAKE: &str = "lake";

/// The keys of `[lake.BUCKET]` besides its URI.
const LAKE_KEYS: [&str; 4] = ["cache", "cache_bytes_max", "object_bytes_max", "residency"];

/// A file and its text.
struct Place<'text> {
    text: &'text str,
    file: &'text str,
}

impl Place<'_> {
    fn entry(
        &self,
        kind: &str,
        name: &str,
        line: usize,
        value: &Spanned<DeValue<'_>>,
        lookup: &Lookup,
    ) -> Result<Profile> {
        let (what, start) = (if kind == LAKE { LAKE } else { PROFILE }, value.span().start);
        if what == PROFILE && (name.is_empty() || name.contains(['/', ':'])) {
            return Err(self
                .wrong("name of a profile holds neither / nor : and is not empty", start)
                .with("profile", name));
        }
        if what == LAKE && lake::check_bucket(name).is_err() {
            return Err(self.wrong("a bucket is named by letters, digits, `-`, `_` and `.`", start).with("lake", name));
        }
        let mut values = BTreeMap::new();
        for (key, value) in self.table(name, value)? {
            let line = self.line(key.span().start);
            if what == LAKE && key.get_ref() != "uri" && !LAKE_KEYS.contains(&key.get_ref().as_ref()) {
                let unknown = self.unknown(key.get_ref(), key.span().start, &format!("uri {}", LAKE_KEYS.join(" ")));
                return Err(unknown.with(what, name));
            }
            let text = self.scalar(key.get_ref(), value).map_err(|error| error.with(what, name))?;
            values.insert(key.get_ref().to_string(), Value { text, line });
        }
        let Some(uri) = values.remove("uri") else {
            return Err(Error::invalid(format!("{what} has no uri")).with(what, name).with("at", self.at(line)));
        };
        let (name, file, lookup) = (name.to_owned(), Arc::from(self.file), lookup.clone());
        Ok(Profile { name, file, line, lookup, uri, values })
    }

    /// The settings of `[storage]` or `[cache]`, those of `[storage.io]` as `io.NAME`.
    fn section(&self, section: Section, value: &Spanned<DeValue<'_>>) -> Result<BTreeMap<String, Value>> {
        let mut values = BTreeMap::new();
        for (key, value) in self.table(section.as_str(), value)? {
            let start = key.span().start;
            if section == Section::Storage && key.get_ref() == IO {
                for (name, value) in self.table("storage.io", value)? {
                    let text = self.scalar(name.get_ref(), value)?;
                    let line = self.line(name.span().start);
                    values.insert(format!("{IO}.{}", name.get_ref()), Value { text, line });
                }
                continue;
            }
            let name = format!("{}.{}", section.as_str(), key.get_ref());
            if !section.keys().contains(&key.get_ref().as_ref()) {
                return Err(self.unknown(&name, start, &section.keys().join(" ")));
            }
            let text = match value.get_ref() {
                DeValue::Float(number) => number.as_str().to_owned(),
                _ => self.scalar(&name, value)?,
            };
            values.insert(key.get_ref().to_string(), Value { text, line: self.line(start) });
        }
        Ok(values)
    }

    fn table<'value, 'text>(
        &self,
        key: &str,
        value: &'value Spanned<DeValue<'text>>,
    ) -> Result<&'value DeTable<'text>> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.wrong("key is no table, write `[profile.NAME]`", value.span().start).with("key", key)),
        }
    }

    fn scalar(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<String> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Boolean(value) => Ok(value.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
            _ => Err(self
                .wrong("value is no text, decimal whole number, true or false", value.span().start)
                .with("key", key)),
        }
    }

    fn unknown(&self, key: &str, start: usize, known: &str) -> Error {
        self.wrong("unknown key", start).with("key", key).with("known", known)
    }

    fn wrong(&self, rule: &str, start: usize) -> Error {
        Error::invalid(rule).with("at", self.at(self.line(start)))
    }

    fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.file)
    }

    /// The number of the line, from 1.
    fn line(&self, start: usize) -> usize {
        1 + self.text.bytes().take(start).filter(|byte| *byte == b'\n').count()
    }
}
