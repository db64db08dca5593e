//! The tables in which operators keep their state.

use worldstore_core::{Error, Result};

use crate::columns::{Column, Layout};
use crate::shape::Shape;

/// The longest name of a table, in bytes: what PostgreSQL takes.
const NAME_BYTES_MAX: usize = 63;

/// What a table maps encoded keys to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Weights; a key whose weight is 0 is not there.
    Weights,
    /// Encoded values.
    Values,
}

/// How an operator reads a table: a hint for stores that can lay it out in several ways. All reads work on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// From the ends of ranges, mostly a few entries of each.
    Ends,
    /// Whole ranges.
    Ranges,
    /// By whole keys.
    Keys,
}

/// A table of operator state: an ordered map from encoded keys to weights or values.
///
/// It is plain data for a [`Store`](crate::store::Store) to make a table from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Table {
    /// The name, unique in its circuit: lower-case letters, digits and `_`, at most 63 bytes.
    pub name: String,
    /// The operator whose state it is.
    pub operator: String,
    /// What it maps to.
    pub kind: TableKind,
    /// The typed columns beside the encoded bytes, those of the key first.
    pub columns: Vec<Column>,
    /// How many of the columns, from the front, other programs search by: a store with SQL indexes them.
    pub indexed: usize,
    /// What must be equal for the table to fit a circuit: kind of operator, types, and what flows into it.
    pub signature: String,
    /// How its operator reads it. It is not a part of what must fit.
    pub access: Access,
    key: Layout,
    value: Option<Layout>,
}

impl Table {
    /// A table of weights whose keys are the parts one after another.
    pub(crate) fn weights(name: String, parts: &[(&str, Shape)]) -> Self {
        Self::new(name, TableKind::Weights, parts, None)
    }

    /// The same table, read in another way than from the ends of ranges.
    pub(crate) fn read_by(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// A table from keys of one shape to values of another.
    pub(crate) fn values(name: String, key: (&str, Shape), value: (&str, Shape)) -> Self {
        Self::new(name, TableKind::Values, &[key], Some(value))
    }

    fn new(name: String, kind: TableKind, parts: &[(&str, Shape)], value: Option<(&str, Shape)>) -> Self {
        let mut columns = Vec::new();
        for (label, shape) in parts {
            Layout::new(shape.clone()).columns(label, &mut columns);
        }
        let key = match parts {
            [(_, only)] => only.clone(),
            several => Shape::Tuple(several.iter().map(|(_, shape)| shape.clone()).collect()),
        };
        let mut signature = key.text();
        let value = value.map(|(label, shape)| {
            signature = format!("{signature} -> {}", shape.text());
            let layout = Layout::new(shape);
            layout.columns(label, &mut columns);
            layout
        });
        let (operator, indexed) = (String::new(), 0);
        let access = if kind == TableKind::Values { Access::Keys } else { Access::Ends };
        Self { name, operator, kind, columns, indexed, signature, access, key: Layout::new(key), value }
    }

    /// A table that belongs to no operator.
    pub(crate) fn about_steps(self, operator: &str) -> Result<Self> {
        self.owned_by(operator, "steps", 0)
    }

    /// The layout of the key's columns.
    pub(crate) fn key(&self) -> &Layout {
        &self.key
    }

    /// The layout of the value's columns, if it maps to values.
    pub(crate) fn value(&self) -> Option<&Layout> {
        self.value.as_ref()
    }

    /// Says whose table it is, and completes the signature with what flows into the operator. Refuses a table whose entries
    /// could not be read again.
    pub(crate) fn owned_by(mut self, operator: &str, kind: &str, lineage: u64) -> Result<Self> {
        if self.name.len() > NAME_BYTES_MAX {
            let error = Error::invalid("the name of a table would be longer than 63 bytes");
            return Err(error.with("operator", operator).with("table", self.name));
        }
        if self.key.is_undescribed() || self.value.as_ref().is_some_and(Layout::is_undescribed) {
            let message =
                "a type needs a format that describes itself (untagged, tagged, flatten): it cannot be read again";
            return Err(Error::invalid(message).with("operator", operator).with("table", self.name));
        }
        self.operator = operator.to_owned();
        self.signature = format!("{kind} {} after {lineage:016x}", self.signature);
        Ok(self)
    }
}
