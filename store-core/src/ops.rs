//! Arguments and results of the operations of a backend: option structs, replies, outcomes.

mod change;
mod info;
mod list;
mod object;
mod presign;
mod read;
mod write;

pub use change::*;
pub use info::*;
pub use list::*;
pub use object::*;
pub use presign::*;
pub use read::*;
pub use write::*;
