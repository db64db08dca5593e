//! Ids of what is in tables: which label or edge type, and which row of it. They are valid within one query.

use worldstore_cypher_runtime::NodeId;

/// Set in all ids of tables, and in no other.
const TABLES: u64 = 1 << 63;
const ROW_BITS: u32 = 40;

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    /// The place of the label or edge type.
    pub source: usize,
    pub row: usize,
}

impl Id {
    pub fn pack(self) -> u64 {
        TABLES | (self.source as u64) << ROW_BITS | self.row as u64
    }

    pub fn node(self) -> NodeId {
        NodeId(self.pack())
    }

    /// None if it is an id of something else.
    pub fn unpack(id: u64) -> Option<Self> {
        let (source, row) = ((id & !TABLES) >> ROW_BITS, id & ((1 << ROW_BITS) - 1));
        (id & TABLES != 0).then_some(Self { source: source as usize, row: row as usize })
    }
}
