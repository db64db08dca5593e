//! stub
/// x
#[derive(Debug)]
pub struct MemoryTables;
