//! stub
/// x
#[derive(Debug)]
pub struct Local;
