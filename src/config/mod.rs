//! Configuration: profiles in a TOML file, with values from the environment.
//!
//! A profile is a URI and settings under a name, a lake what a bucket of `lake://` URIs is; `[storage]` and `[cache]` say
//! where worlds are and how they are buffered, see [`context`](crate::context). The chapter
//! [`docs::config`](crate::docs::config) tells the format.
//!
//! ```
//! use worldstore::config::{Config, Lookup};
//!
//! # fn main() -> worldstore::Result<()> {
//! let text = "[profile.lab]\nuri = 's3://bucket/${PLACE:-lab}'\nregion = 'eu-central-1'\n";
//! let config = Config::parse(text, "worldstore.toml", &Lookup::none())?;
//! assert_eq!(config.profile("lab")?.uri()?, "s3://bucket/lab");
//!
//! let error = Config::parse("[profile.lab]\nurl = 's3://bucket'\n", "worldstore.toml", &Lookup::none()).unwrap_err();
//! assert!(error.to_string().contains("profile has no uri"));
//! # Ok(()) }
//! ```

pub(crate) mod expand;
mod parse;
mod section;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use worldstore_core::{Error, Result};

pub use expand::Lookup;
pub(crate) use section::{Found, IO, Section};

/// The environment variable that names a file.
pub const VARIABLE: &str = "WORLDSTORE_CONFIG";

/// The name of the file in the working folder.
pub const FILE: &str = "worldstore.toml";

/// Profiles by name. Neither `Debug` nor any error shows a value.
#[derive(Clone)]
pub struct Config {
    file: String,
    lookup: Lookup,
    profiles: BTreeMap<String, Profile>,
    lakes: BTreeMap<String, Profile>,
    sections: BTreeMap<Section, BTreeMap<String, Value>>,
}

/// A URI and settings under a name.
#[derive(Clone)]
pub struct Profile {
    name: String,
    file: Arc<str>,
    line: usize,
    lookup: Lookup,
    uri: Value,
    values: BTreeMap<String, Value>,
}

/// A value as it is written, before variables are read.
#[derive(Clone)]
struct Value {
    text: String,
    line: usize,
}

impl Config {
    /// Reads the file that is named explicitly, or by `WORLDSTORE_CONFIG`, or `worldstore.toml` in the working folder, or
    /// `$XDG_CONFIG_HOME/worldstore/config.toml` (`$HOME/.config` where that is not set). The first that is named or
    /// exists counts alone; none if there is none.
    ///
    /// # Errors
    /// `NotFound` if a file that is named does not exist; as for [`load`](Self::load).
    pub fn find(explicit: Option<&Path>, lookup: &Lookup) -> Result<Option<Self>> {
        if let Some(path) = explicit {
            return Self::load(path, lookup).map(Some);
        }
        if let Some(path) = lookup.get(VARIABLE).filter(|path| !path.is_empty()) {
            return Self::load(Path::new(&path), lookup).map(Some).map_err(|error| error.with("variable", VARIABLE));
        }
        let folder = match lookup.get("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()) {
            Some(folder) => Some(PathBuf::from(folder)),
            None => lookup.get("HOME").map(|home| Path::new(&home).join(".config")),
        };
        let files = [Some(PathBuf::from(FILE)), folder.map(|folder| folder.join("worldstore/config.toml"))];
        for file in files.into_iter().flatten() {
            match Self::load(&file, lookup) {
                Err(error) if error.is_not_found() => {}
                loaded => return loaded.map(Some),
            }
        }
        Ok(None)
    }

    /// Reads a file. Its variables are looked up when a profile is opened.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` and the like; as for [`parse`](Self::parse).
    pub fn load(path: &Path, lookup: &Lookup) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::io("read the configuration", source).with("file", path.display()))?;
        Self::parse(&text, &path.display().to_string(), lookup)
    }

    /// Reads a text, which errors name as `file`.
    ///
    /// # Errors
    /// `Invalid` for what is no TOML, for a key that is unknown and for a value that is no text, number or truth; it
    /// names the key and, as `at`, file and line.
    pub fn parse(text: &str, file: &str, lookup: &Lookup) -> Result<Self> {
        parse::config(text, file, lookup)
    }

    /// Where it was read from: the path, or what [`parse`](Self::parse) was told.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The profiles, by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }

    /// What buckets of `lake://` URIs are, by name: a URI, and how it is kept.
    pub fn lakes(&self) -> impl Iterator<Item = &Profile> {
        self.lakes.values()
    }

    /// A profile.
    ///
    /// # Errors
    /// `NotFound`, with the names that there are.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        self.profiles.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
            Error::not_found("there is no such profile")
                .with("profile", name)
                .with("known", known.join(" "))
                .with("file", &self.file)
        })
    }
}

impl Profile {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URI, with variables replaced. It may hold a password: show it by [`masked`](crate::registry::masked).
    ///
    /// # Errors
    /// `Invalid` for a variable that is not set and has no default, and for what is no variable.
    pub fn uri(&self) -> Result<String> {
        self.expanded("uri", &self.uri)
    }

    /// The names of its settings, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// A setting, with variables replaced.
    ///
    /// # Errors
    /// As for [`uri`](Self::uri); `NotFound` if there is none.
    pub fn value(&self, key: &str) -> Result<String> {
        match self.values.get(key) {
            Some(value) => self.expanded(key, value),
            None => {
                Err(Error::not_found("profile has no such setting").with("setting", key).with("profile", &self.name))
            }
        }
    }

    /// File and line of the profile.
    pub fn origin(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    pub(crate) fn origin_of(&self, key: &str) -> String {
        let line = self.values.get(key).map_or(self.line, |value| value.line);
        format!("{}:{line}", self.file)
    }

    /// The URI as it is written, if its scheme does not depend on variables.
    pub(crate) fn plain_uri(&self) -> Option<&str> {
        let scheme = self.uri.text.split(':').next().unwrap_or_default();
        (!scheme.contains('$')).then_some(&self.uri.text)
    }

    fn expanded(&self, key: &str, value: &Value) -> Result<String> {
        expand::expand(&value.text, &self.lookup).map_err(|error| {
            error.with("key", key).with("profile", &self.name).with("at", format!("{}:{}", self.file, value.line))
        })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("file", &self.file)
            .field("profiles", &self.profiles)
            .field("lakes", &self.lakes)
            .field("sections", &self.sections.keys())
            .finish()
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = crate::masked::masked(&self.uri.text);
        let mut shown = f.debug_struct("Profile");
        shown.field("name", &self.name).field("uri", &uri).field("keys", &self.values.keys().collect::<Vec<_>>());
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
