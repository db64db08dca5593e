//! Versions as they are released: three numbers, and which of them goes up.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use crate::failure::Failure;

/// `1.2.3`: major, minor, patch. Pre-releases are not made here. Ordered as semantic versions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64, pub u64, pub u64);

/// What a release changes for its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// Mends.
    Patch,
    /// Adds; below 1.0.0 it may also break.
    Minor,
    /// Breaks; below 1.0.0 it says that from now on only this breaks.
    Major,
}

impl Version {
    /// The version after this one.
    #[must_use]
    pub fn next(self, level: Level) -> Self {
        let Self(major, minor, patch) = self;
        match level {
            Level::Patch => Self(major, minor, patch + 1),
            Level::Minor => Self(major, minor + 1, 0),
            Level::Major => Self(major + 1, 0, 0),
        }
    }

    /// What users write to get this version and those that are compatible with it: `0.1`, and `1` from 1.0.0 on.
    pub fn requirement(self) -> String {
        match self {
            Self(0, minor, _) => format!("0.{minor}"),
            Self(major, ..) => major.to_string(),
        }
    }

    /// The name of its tag.
    pub fn tag(self) -> String {
        format!("v{self}")
    }
}

impl Display for Version {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl FromStr for Version {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        // A sign is no digit, though `parse` takes one.
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        let numbers: Option<Vec<u64>> = text.split('.').map(number).collect();
        match numbers.as_deref() {
            Some([major, minor, patch]) => Ok(Self(*major, *minor, *patch)),
            _ => Err(Failure::new(format!("`{text}` is no version to release: three numbers, as in 0.1.0"))),
        }
    }
}

#[cfg(test)]
mod tests;
