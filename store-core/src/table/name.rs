//! Names of tables: safe as a folder, as an SQL identifier and as a label.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};

/// The longest table name in bytes.
pub const TABLE_NAME_BYTES_MAX: usize = 128;

/// A table's name: a letter or `_`, then letters, digits and `_`, ASCII only, at most [`TABLE_NAME_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName(Arc<str>);

impl TableName {
    /// Checks the text and makes a name of it.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if a character or the length is not allowed.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let made_well = text.chars().all(|each| each.is_ascii_alphanumeric() || each == '_');
        if !starts_well || !made_well || text.len() > TABLE_NAME_BYTES_MAX {
            let rule = "table name must be a letter or _, then letters, digits and _, at most 128 bytes";
            return Err(Error::invalid(rule).with("name", format!("{text:?}")));
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
