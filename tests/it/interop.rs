//! Our tables in the hands of other programs: read by each, appended to by those that can, always exact.

mod append;
mod docs;
pub mod peers;
mod read;
mod rows;
mod stage;
