//! stub
/// x
#[derive(Debug)]
pub struct Store;
