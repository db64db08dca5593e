//! What a check found, where, and why it matters.

use std::fmt::{Display, Formatter};

/// One thing to mend. Ordered by place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// A file, relative to the root.
    pub path: String,
    /// The line, from 1; 0 if the whole file is meant.
    pub line: usize,
    /// The check, as in `links`.
    pub check: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Finding {
    /// A finding at a line, or about a whole file with line 0.
    pub fn new(check: &'static str, path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, check, message: message.into() }
    }
}

impl Display for Finding {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}: {}", self.path, self.check, self.message),
            line => write!(formatter, "{}:{line}: {}: {}", self.path, self.check, self.message),
        }
    }
}
