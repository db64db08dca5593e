//! `lake://mount/path/{variable}/key={value}`: which files are meant, and what their path says about them.

use std::fmt;

use worldstore_core::{Error, Key, Prefix, Result};

const SCHEME: &str = "lake://";
/// What Hive writes for a missing value.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A mount and a path below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// What the graph knows as a byte store.
    pub mount: String,
    /// The path below the mount, without slashes at its ends.
    pub path: String,
}

impl Address {
    /// Takes `lake://mount/path` apart.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::invalid(why).with("address", text).with("form", "lake://mount/path");
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| wrong("address does not begin with lake://"))?;
        let (mount, path) = rest.split_once('/').unwrap_or((rest, ""));
        if mount.is_empty() {
            return Err(wrong("address has no mount"));
        }
        Ok(Self { mount: mount.to_owned(), path: path.trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.mount, self.path)
    }
}

/// One folder of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// Exactly this.
    Literal(String),
    /// `{name}`, or `key={name}`: any value, behind `key=` if it is given.
    Variable { before: String, name: String },
}

/// A path with variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    segments: Vec<Segment>,
}

/// A value of the path; none where Hive says that it is missing.
pub(crate) type PathValue = Option<String>;

impl Template {
    /// Parses the path of an address.
    pub fn parse(path: &str) -> Result<Self> {
        let mut segments: Vec<Segment> = Vec::new();
        for text in path.split('/').filter(|_| !path.is_empty()) {
            let segment = segment(text).map_err(|error| error.with("template", path))?;
            if let Segment::Variable { name, .. } = &segment
                && segments.iter().any(|other| matches!(other, Segment::Variable { name: taken, .. } if taken == name))
            {
                return Err(Error::invalid("template names a variable twice").with("variable", name));
            }
            segments.push(segment);
        }
        Ok(Self { segments })
    }

    /// The folder that all files are below: everything before the first variable.
    pub fn folder(&self) -> Result<Prefix> {
        let literal = self.segments.iter().map_while(|segment| match segment {
            Segment::Literal(text) => Some(text.as_str()),
            Segment::Variable { .. } => None,
        });
        Prefix::new(literal.collect::<Vec<_>>().join("/"))
    }

    /// What the path says, if the file fits: variables first, then folders of the form `key=value` further down.
    pub fn values(&self, key: &Key) -> Result<Option<Vec<(String, PathValue)>>> {
        let parent = key.parent();
        let folders: Vec<&str> = parent.as_str().split('/').filter(|folder| !folder.is_empty()).collect();
        if folders.len() < self.segments.len() {
            return Ok(None);
        }
        let (fixed, rest) = folders.split_at(self.segments.len());
        let mut values = Vec::new();
        for (segment, folder) in self.segments.iter().zip(fixed) {
            match segment {
                Segment::Literal(text) if text == folder => {}
                Segment::Literal(_) => return Ok(None),
                Segment::Variable { before, name } => match folder.strip_prefix(before.as_str()) {
                    Some(value) => values.push((name.clone(), decode(value, key)?)),
                    None => return Ok(None),
                },
            }
        }
        for folder in rest {
            if let Some((name, value)) = folder.split_once('=') {
                values.push((name.to_owned(), decode(value, key)?));
            }
        }
        Ok(Some(values))
    }
}

fn segment(text: &str) -> Result<Segment> {
    let wrong = |why: &str| Err(Error::invalid(why).with("segment", text));
    let Some((before, rest)) = text.split_once('{') else {
        return match text {
            "" => wrong("template has an empty segment"),
            _ if text.contains('}') => wrong("template has a `}` without `{`"),
            _ => Ok(Segment::Literal(text.to_owned())),
        };
    };
    let Some((name, after)) = rest.split_once('}') else { return wrong("template has a `{` without `}`") };
    let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    if !is_name || !after.is_empty() || !(before.is_empty() || before.ends_with('=')) {
        return wrong("a variable stands as `{name}` or `key={name}`");
    }
    Ok(Segment::Variable { before: before.to_owned(), name: name.to_owned() })
}

/// Undoes Hive's escapes, `%20` and the like.
fn decode(value: &str, key: &Key) -> Result<PathValue> {
    if value == HIVE_NULL {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|source| Error::invalid("path value is no text").with("file", key).caused_by(source))
}

#[cfg(test)]
mod tests;
