//! Where bytes behind a bucket are.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Where the bytes behind a bucket are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Residency {
    /// On this machine.
    Local,
    /// Elsewhere; each read goes there.
    Remote,
    /// Elsewhere, with whole objects kept on this machine once they were read.
    Tiered,
}

impl Residency {
    /// The word for it in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Tiered => "tiered",
        }
    }
}

impl fmt::Display for Residency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Residency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = [Self::Local, Self::Remote, Self::Tiered];
        known.into_iter().find(|each| each.as_str() == text).ok_or_else(|| {
            Error::invalid("unknown residency").with("residency", text).with("known", known.map(Self::as_str).join(" "))
        })
    }
}
