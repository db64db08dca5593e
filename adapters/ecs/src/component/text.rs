//! The fields of a component as JSON text: what storages keep beside the values.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use worldstore_core::{Error, Result};

use super::ComponentType;
use crate::error::corrupt;
use crate::field::{Field, FieldKind};

#[derive(Debug, Serialize, Deserialize)]
struct StoredField {
    name: String,
    kind: FieldKind,
    nullable: bool,
}

impl ComponentType {
    /// The fields as JSON text: a list of objects with `name`, `kind` and `nullable`.
    ///
    /// # Errors
    /// `Unexpected` if serde does not write it.
    pub fn fields_text(&self) -> Result<String> {
        let field =
            |field: &Field| StoredField { name: field.name.to_string(), kind: field.kind, nullable: field.nullable };
        let fields: Vec<StoredField> = self.fields().iter().map(field).collect();
        serde_json::to_string(&fields).map_err(|source| Error::unexpected("fields cannot be written").caused_by(source))
    }

    /// A component that no Rust type stands for, from its name and what [`fields_text`](Self::fields_text) gave.
    ///
    /// # Errors
    /// `Corrupt` if the text is none; those of [`dynamic`](Self::dynamic).
    pub fn from_text(name: &str, fields: &str) -> Result<Arc<Self>> {
        let broken = |source: serde_json::Error| corrupt("the fields of a component cannot be read").caused_by(source);
        let fields: Vec<StoredField> = serde_json::from_str(fields).map_err(broken)?;
        let field = |stored: StoredField| {
            let field = Field::new(stored.name, stored.kind);
            if stored.nullable { field.nullable() } else { field }
        };
        Ok(Arc::new(Self::dynamic(name, fields.into_iter().map(field).collect())?))
    }
}
