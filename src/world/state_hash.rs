//! The hash of a state: equal for equal states, however they are stored.

use std::fmt;

use worldstore_core::Result;

use super::canon::{Cells, write_bytes};
use super::{StateOptions, View};

/// What every hash begins with. Another encoding would begin with another text.
const DOMAIN: &[u8] = b"worldstore state 1\n";
/// Bytes that are gathered before they are hashed.
const CHUNK_BYTES: usize = 1 << 16;

/// The hash of a state: 32 bytes, printed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateHash([u8; 32]);

impl StateHash {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateHash({self})")
    }
}

impl View {
    /// The BLAKE3 hash of the state: of all active entities of all tables, with name, type and value of their components.
    /// World, run, ticks and sequence numbers are not part of it, nor is the order or the place in which rows are kept.
    /// [`docs::worlds`](crate::docs::worlds) defines it byte by byte.
    ///
    /// # Errors
    /// `Unsupported` for a column of a type without canonical encoding; those of the byte store.
    pub async fn state_hash(&self) -> Result<StateHash> {
        let view = self.pinned().await?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(DOMAIN);
        let mut bytes = Vec::new();
        for info in self.run().world().world_tables().await? {
            let sorted = view.sorted(&info.name, &StateOptions::default()).await?;
            let cells = sorted.chunks.iter().map(Cells::new).collect::<Result<Vec<_>>>()?;
            let Some(first) = sorted.order.first().and_then(|(_, chunk, _)| cells.get(*chunk)) else { continue };
            bytes.push(1);
            write_bytes(info.name.as_str().as_bytes(), &mut bytes);
            first.write_columns(&mut bytes).map_err(|error| error.with("table", &info.name))?;
            for (entity, chunk, row) in &sorted.order {
                bytes.push(2);
                bytes.extend(entity.to_le_bytes());
                cells[*chunk].write_row(*row, &mut bytes)?;
                if bytes.len() >= CHUNK_BYTES {
                    hasher.update(&bytes);
                    bytes.clear();
                }
            }
        }
        bytes.push(0);
        hasher.update(&bytes);
        Ok(StateHash(*hasher.finalize().as_bytes()))
    }
}

#[cfg(test)]
mod tests;
