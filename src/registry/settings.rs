//! Settings of a scheme: texts by name, which may be secrets and are never shown.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use worldstore_core::{Error, Result};

/// Settings by name. No value is ever shown, neither by `Debug` nor in errors: each may be a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<String, Value>,
}

#[derive(Clone, PartialEq, Eq)]
struct Value {
    text: String,
    /// Where it was set: file and line.
    origin: Option<String>,
}

impl Settings {
    /// Adds a setting, or replaces it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.insert(name.into(), Value { text: value.into(), origin: None });
        self
    }

    pub(crate) fn with_origin(mut self, name: &str, text: String, origin: String) -> Self {
        self.values.insert(name.to_owned(), Value { text, origin: Some(origin) });
        self
    }

    /// Adds all of others, which win.
    #[must_use]
    pub fn with_all(mut self, others: &Self) -> Self {
        self.values.extend(others.values.iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    /// True if both have the same values, wherever they were set.
    pub(super) fn has_values_of(&self, other: &Self) -> bool {
        let texts =
            |settings: &Self| settings.names().map(|name| settings.text(name).map(str::to_owned)).collect::<Vec<_>>();
        self.names().eq(other.names()) && texts(self) == texts(other)
    }

    /// The names that are set, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The text of a setting.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.text.as_str())
    }

    /// A setting that is `true` or `false`.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(self.wrong(name, "setting is neither true nor false")),
        }
    }

    /// A setting that is a whole number.
    ///
    /// # Errors
    /// `Invalid` for anything else, and for what is larger than 2^64 - 1.
    pub fn number(&self, name: &str) -> Result<Option<u64>> {
        let parse = |text: &str| text.parse().map_err(|_| self.wrong(name, "setting is no whole number"));
        self.text(name).map(parse).transpose()
    }

    /// A setting that is a time in milliseconds, at least 1.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn millis(&self, name: &str) -> Result<Option<Duration>> {
        match self.number(name)? {
            Some(0) => Err(self.wrong(name, "setting is no time of at least 1 millisecond")),
            number => Ok(number.map(Duration::from_millis)),
        }
    }

    /// A setting that needs another one too, as a pair.
    ///
    /// # Errors
    /// `Invalid` if only one of them is set.
    pub fn pair(&self, one: &str, other: &str) -> Result<Option<(&str, &str)>> {
        match (self.text(one), self.text(other)) {
            (Some(first), Some(second)) => Ok(Some((first, second))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(self.wrong(one, "setting needs another one").with("needs", other)),
            (None, Some(_)) => Err(self.wrong(other, "setting needs another one").with("needs", one)),
        }
    }

    /// At most one of these settings, by its name.
    ///
    /// # Errors
    /// `Invalid` if several are set.
    pub fn one_of<'name>(&self, names: &[&'name str]) -> Result<Option<(&'name str, &str)>> {
        let mut set = names.iter().filter_map(|name| Some((*name, self.text(name)?)));
        match (set.next(), set.next()) {
            (Some(_), Some((name, _))) => {
                Err(self.wrong(name, "only one of these settings can be set").with("of", names.join(" ")))
            }
            (one, _) => Ok(one),
        }
    }

    /// An error about a setting. It names where it was set, and never its value.
    pub fn wrong(&self, name: &str, rule: &str) -> Error {
        self.about(name, Error::invalid(rule).with("setting", name))
    }

    pub(super) fn about(&self, name: &str, error: Error) -> Error {
        match self.values.get(name).and_then(|value| value.origin.as_ref()) {
            Some(origin) => error.with("at", origin),
            None => error,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.values.keys().map(|name| (name, format_args!("***")))).finish()
    }
}

#[cfg(test)]
mod tests;
