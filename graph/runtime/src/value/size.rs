//! How large and how deep a value is.

use super::Value;
use crate::error::{ErrorClass, ErrorDetail, Result, RuntimeError};

/// How deep lists and maps may be nested, so that no walk through them exhausts the stack.
pub(crate) const DEPTH_MAX: u32 = 100;

impl Value {
    /// About how many bytes the value takes, with everything in it, counted again wherever it is shared.
    pub fn bytes(&self) -> u64 {
        let beyond = match self {
            Self::Text(text) => text.len() as u64,
            Self::List(list) => list.bytes(),
            Self::Map(map) => map.bytes(),
            Self::Node(node) => 64 + node.properties.bytes(),
            Self::Relationship(relationship) => 80 + relationship.properties.bytes(),
            Self::Path(path) => {
                let nodes = path.nodes.iter().map(|node| 72 + node.properties.bytes());
                let relationships = path.relationships.iter().map(|one| 88 + one.properties.bytes());
                nodes.chain(relationships).fold(0u64, u64::saturating_add)
            }
            Self::DateTime(_) | Self::Duration(_) => 48,
            _ => 0,
        };
        beyond.saturating_add(size_of::<Self>() as u64)
    }

    /// How deep lists and maps are nested; 0 for anything else.
    pub(crate) fn depth(&self) -> u32 {
        match self {
            Self::List(list) => list.depth(),
            Self::Map(map) => map.depth(),
            _ => 0,
        }
    }

    /// The value, if it takes at most `limit` bytes and is not nested too deeply.
    ///
    /// # Errors
    /// `LimitError`: it is larger or deeper.
    pub(crate) fn bounded(self, limit: u64) -> Result<Self> {
        if self.depth() > DEPTH_MAX {
            let message = format!("lists and maps are nested more than {DEPTH_MAX} deep");
            return Err(RuntimeError::new(ErrorClass::LimitError, ErrorDetail::ValueTooLarge, message));
        }
        if self.bytes() > limit {
            return Err(RuntimeError::too_large(limit));
        }
        Ok(self)
    }
}
