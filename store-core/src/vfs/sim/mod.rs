//! A file system in memory that loses power on demand, and whose calls fail on demand: for tests of durable code.
//!
//! [`SimVfs`] keeps apart what is seen and what is durable, for each file and for the names in each folder. An
//! [`image`](SimVfs::image) is what a crash may leave: all that was synced, and of the rest what a [`Choice`] says.
//! [`Explorer`] crashes a piece of work at each of its calls, takes many images each time, and has them checked.
//!
//! # What may be left
//! - A write that was not synced is there wholly, not at all, up to any byte, or sector by sector of 512 bytes; the file
//!   may have grown without it, and reads as zeros there. Several writes survive independently of each other.
//! - A name is there once its folder was synced, whatever was synced of its file; and the other way round. A file whose
//!   name survives and whose bytes were never synced may be empty, short or full of zeros.
//! - Changes of one name survive in their order; those of different names independently.
//! - A rename in a folder is there or not. One to another folder may leave both names, and never neither.
//! - Times and attributes survive a `sync_all`; before that in their order.
//! - A failed sync leaves what it covered visible and for ever uncertain: no later sync makes it durable.
//! - Locks are gone.
//!
//! Nothing here reorders across a sync that has returned, tears a sector, or damages what is durable: a test of damage
//! writes damage.

mod choice;
mod explore;
mod fault;
mod file;
mod folder;
mod handle;
mod image;
mod log;
mod node;
mod pages;
mod random;
mod room;
mod state;
mod trace;

use std::fmt::{Debug, Display, Formatter};
use std::io::Result;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use choice::{Choice, Effect, Effects};
pub use explore::{CrashFailure, Explorer, Report};
pub use fault::{Activation, Fault, FaultKind, Operation};
pub use file::SimFile;
pub use folder::SimFolder;
pub use random::Random;

use super::Vfs;
use choice::Chooser;
use handle::Shared;
use state::State;

/// A file system in memory. Clones are the same one.
///
/// ```
/// use worldstore_core::vfs::sim::{Choice, SimVfs};
/// use worldstore_core::vfs::{File, Folder, Vfs};
///
/// let vfs = SimVfs::new();
/// let root = vfs.root()?;
/// let file = root.create("a")?;
/// file.write_at(b"kept", 0)?;
/// file.sync_data()?;
/// file.write_at(b" or not", 4)?;
/// root.sync()?;
///
/// let after = vfs.image(Choice::Nothing).vfs.root()?;
/// assert_eq!(after.stat("a")?.length, 4);
/// let after = vfs.image(Choice::Everything).vfs.root()?;
/// assert_eq!(after.stat("a")?.length, 11);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct SimVfs(Arc<Shared>);

impl Default for SimVfs {
    fn default() -> Self {
        Self::new()
    }
}

impl Debug for SimVfs {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let state = self.0.state();
        let (nodes, changes, crashed) = (state.nodes.len(), state.changes, state.crashed);
        formatter
            .debug_struct("SimVfs")
            .field("nodes", &nodes)
            .field("changes", &changes)
            .field("crashed", &crashed)
            .finish()
    }
}

impl Display for SimVfs {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("sim")
    }
}

/// Settings of a [`SimVfs`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SimOptions {
    /// Bytes that all files together can take. Default: no limit. Names take none.
    pub capacity: Option<u64>,
}

impl SimOptions {
    /// Sets [`capacity`](Self::capacity).
    #[must_use]
    pub fn with_capacity(mut self, bytes: u64) -> Self {
        self.capacity = Some(bytes);
        self
    }
}

/// What a crash has left.
#[derive(Debug)]
#[non_exhaustive]
pub struct Image {
    /// The file system as the next process finds it: nothing is uncertain in it, nobody holds a lock, no fault waits.
    pub vfs: SimVfs,
    /// What became of the changes that were not synced.
    pub effects: Effects,
    /// Changes that could have gone either way.
    pub uncertain: usize,
    /// The same for two images of one crash that were made of the same decisions.
    pub print: u64,
}

impl SimVfs {
    /// An empty one.
    pub fn new() -> Self {
        Self::with_options(&SimOptions::default())
    }

    /// An empty one with settings.
    pub fn with_options(options: &SimOptions) -> Self {
        let mut state = State::default();
        state.capacity = options.capacity;
        Self(Arc::new(Shared::new(state)))
    }

    /// Calls up to now that could change what a crash leaves, failed ones too.
    pub fn operations(&self) -> u64 {
        self.0.state().changes
    }

    /// Calls up to now of one kind.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.0.state().calls.get(&operation).copied().unwrap_or(0)
    }

    /// Crashes just before the call after `operation` calls in all that could change something: 0 before the first.
    /// That call and every later one fails with `EIO`, and changes nothing.
    pub fn crash_at(&self, operation: u64) {
        let mut state = self.0.state();
        state.crash_at = Some(operation);
        state.crashed |= state.changes > operation;
    }

    /// Crashes now.
    pub fn crash(&self) {
        self.0.state().crashed = true;
        self.0.wake();
    }

    /// True after a crash.
    pub fn has_crashed(&self) -> bool {
        self.0.state().crashed
    }

    /// What a crash now, or the one that there was, may leave. This file system stays as it is.
    pub fn image(&self, choice: Choice) -> Image {
        let state = self.0.state();
        let mut orders = image::uncertain(&state);
        let chooser = Chooser::new(choice, &mut orders);
        let built = image::build(&state, &chooser, orders.len());
        drop(state);
        let vfs = Self(Arc::new(Shared::new(built.state)));
        Image { vfs, effects: built.effects, uncertain: built.uncertain, print: built.print }
    }

    /// Calls up to now of all kinds.
    pub fn all_calls(&self) -> u64 {
        self.0.state().calls.values().sum()
    }

    /// Has calls fail.
    pub fn inject(&self, fault: Fault) -> Activation {
        self.0.state().faults.add(fault)
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.0.state().faults.clear();
    }

    /// Sets the bytes that all files together can take.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.0.state().capacity = bytes;
    }

    /// Bytes that files take now.
    pub fn used(&self) -> u64 {
        self.0.state().used
    }

    /// Moves the clock.
    pub fn advance(&self, time: Duration) {
        self.0.state().clock += time.as_nanos() as u64;
    }

    /// The last calls that could change something, oldest first, one line each.
    pub fn trace(&self) -> Vec<String> {
        self.0.state().trace.last().map(ToString::to_string).collect()
    }

    /// A number that is the same for the same calls in the same order.
    pub fn trace_print(&self) -> u64 {
        self.0.state().trace.print()
    }
}

impl Vfs for SimVfs {
    type Folder = SimFolder;

    fn root(&self) -> Result<SimFolder> {
        SimFolder::root(&self.0)
    }

    fn path(&self) -> &Path {
        Path::new("/sim")
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.0.state().now())
    }
}

#[cfg(test)]
mod tests;
