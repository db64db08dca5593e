//! What takes part: something that appends records durably, and can be opened and read afterwards.

use std::path::Path;

use crate::Failure;

use super::load::Load;
use super::race::Run;

/// One log, or something that serves as one.
pub trait Peer {
    /// Its name, with the durability that an append waits for where that is not a flush of the device.
    fn name(&self) -> &'static str;

    /// Opens it in an empty folder, lets the writers append, each waiting until its record is durable, and closes it.
    /// Only the appends are timed.
    fn run(&self, folder: &Path, load: &Load) -> Result<Run, Failure>;

    /// Opens it again and gives every record to `each`, in any order.
    fn read(&self, folder: &Path, load: &Load, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure>;
}
