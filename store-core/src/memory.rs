//! stub
/// x
#[derive(Debug)]
pub struct Memory;
