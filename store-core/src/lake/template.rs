//! Templates: paths with variables, parsed and printed.

mod fit;
mod parse;

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::hive::HiveType;

pub(super) use fit::distinct;
pub(super) use parse::{parse, shown};

/// The most variables of a template.
pub const VARIABLES_MAX: usize = 32;

/// A path with variables: which keys are meant, and what their names tell.
///
/// ```text
/// tracks / {season:int} / week={week} / part-{n}.parquet
/// text     variable       Hive key      variable with text around it: objects, not folders
/// ```
///
/// - Text is the text of the key as it is stored: nothing is decoded. It cannot hold `{`, `}`, `*`, `?`, `#`, and `%`
///   only before two hexadecimal digits; stored names escape those.
/// - `{name}` is any text without `/`; behind a colon its type may be given: `int`, `bool`, `date` or `text`. Otherwise
///   the type is what fits all values that are found, see [`hive::infer`](crate::hive::infer). A name is of letters,
///   digits and `_`.
/// - Values are stored as module [`hive`](crate::hive) writes them, with escapes, and
///   [`NULL`](crate::hive::NULL) for a missing one.
/// - Two variables need text between them; a value ends where that text comes first.
/// - If the last segment is a variable alone or a Hive key, or the template ends in `/`, it stands for a folder, and
///   everything below it is meant, at any depth: folders `name=value` in there tell values too. If it is text, it stands for the
///   folder of this name, or else for the object. A variable with other text around it stands for objects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template {
    pub(super) segments: Vec<Segment>,
    pub(super) variables: Vec<Variable>,
    /// It was written with a `/` at its end.
    pub(super) is_folder: bool,
}

/// A variable of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type, if it was given.
    pub kind: Option<HiveType>,
}

/// One level: never empty, and no two variables stand next to each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Segment {
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Text(String),
    /// Its number among the variables.
    Variable(usize),
}

impl Template {
    /// Reads a template. The empty one means everything.
    ///
    /// # Errors
    /// `Invalid`, with the rule that is broken and, as `at`, where in the text, counted in bytes from 0.
    pub fn parse(text: &str) -> Result<Self> {
        parse(text).map_err(|wrong| Error::invalid(wrong.why).with("at", wrong.at).with("template", shown(text)))
    }

    /// The variables, in their order.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// True if everything below the last segment is meant, so that folders in there may tell further values.
    pub fn is_open(&self) -> bool {
        self.is_folder || self.segments.last().is_none_or(|last| last.is_folder() || last.text().is_some())
    }

    /// True if the last segment may be the name of an object.
    pub(super) fn ends_in_object(&self) -> bool {
        !self.is_folder && self.segments.last().is_some_and(|last| !last.is_folder())
    }
}

impl Segment {
    /// The text, if there is no variable.
    pub fn text(&self) -> Option<&str> {
        match &self.parts[..] {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// True for `{name}` and `key={name}`, which stand for folders.
    pub fn is_folder(&self) -> bool {
        match &self.parts[..] {
            [Part::Variable(_)] => true,
            [Part::Text(key), Part::Variable(_)] => key.ends_with('='),
            _ => false,
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            for part in &segment.parts {
                match part {
                    Part::Text(text) => f.write_str(text)?,
                    Part::Variable(number) => match self.variables.get(*number) {
                        Some(variable) => variable.fmt(f)?,
                        None => f.write_str("{}")?,
                    },
                }
            }
        }
        f.write_str(if self.is_folder { "/" } else { "" })
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            None => write!(f, "{{{}}}", self.name),
            Some(kind) => write!(f, "{{{}:{}}}", self.name, word_of(kind)),
        }
    }
}

impl FromStr for Template {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// The word for a type in a template.
fn word_of(kind: HiveType) -> &'static str {
    match kind {
        HiveType::Bool => "bool",
        HiveType::Int => "int",
        HiveType::Date => "date",
        HiveType::Text => "text",
    }
}

#[cfg(test)]
mod tests;
