//! Worlds for those who do not await: the same types and methods, on a small runtime behind them.
//!
//! ```
//! use std::sync::Arc;
//! use worldstore::WorldOptions;
//! use worldstore::arrow::array::{ArrayRef, RecordBatch, UInt64Array};
//! use worldstore::blocking::World;
//!
//! # fn main() -> worldstore::Result<()> {
//! let world = World::create("memory:", &WorldOptions::default())?;
//! let run = world.run("main")?;
//! for tick in 1..=3 {
//!     let entity: ArrayRef = Arc::new(UInt64Array::from(vec![7, 8]));
//!     let state = RecordBatch::try_from_iter([("entity", entity)]).expect("columns of one length");
//!     let _ = run.append(tick, "position", &state)?;
//! }
//! assert_eq!(run.as_of(2).count("position")?, 4);
//! for tick in run.replay(1..=3)? {
//!     assert_eq!(tick?.rows(), 2);
//! }
//! world.shutdown()?;
//! # Ok(()) }
//! ```
//!
//! Each type here has the name of the async one, and its methods with the same arguments; options and results are those of
//! [`world`](crate::world) and [`context`](crate::context). What is a stream there is an iterator here: an item is made when it
//! is asked for, and after an error it ends.
//!
//! A world that is opened here, or a [`StorageContext`] with its worlds, has a runtime of its own with two threads for async
//! work. It ends with the last handle, iterator or table backend; what is on disk is as it is when the process ends, so
//! [`World::shutdown`] comes first. [`Mirror::over`] shows a world of an async program here, on its runtime.
//!
//! Queries in SQL and graphs hand out types of DataFusion, which are async themselves: [`Mirror::asynchronous`] leads to the
//! async view, and [`Bridge::run`] waits for what it answers.
//!
//! # Errors
//! Methods that give a `Result` wait, and waiting would block a runtime: in async code they fail with `Unsupported`. Threads of
//! `spawn_blocking` may call. Whatever is dropped in async code ends without waiting. See [`Bridge`].

mod context;
#[cfg(feature = "ecs")]
mod entities;
mod run;
mod state;
mod tick;
mod upkeep;
mod view;
mod world;

use std::num::NonZeroUsize;

pub use worldstore_async::Bridge;

pub use context::{StorageContext, StorageContextBuilder};
#[cfg(feature = "ecs")]
pub use entities::WorldTables;
pub use run::{Run, Ticks};
pub use state::{SeqAt, State};
pub use tick::{Tick, TickWriter};
pub use view::View;
pub use world::World;

use crate::Result;

/// A flush on one of them does not keep appends waiting on the other.
const THREADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// A type of this module over the async one whose mirror it is.
pub trait Mirror {
    /// The async type.
    type Async;

    /// Shows what is async, on the runtime of a bridge: that on which it was opened.
    ///
    /// ```
    /// use worldstore::WorldOptions;
    /// use worldstore::blocking::{Bridge, Mirror, World};
    ///
    /// # fn main() -> worldstore::Result<()> {
    /// let runtime = tokio::runtime::Runtime::new().expect("threads start");
    /// let bridge = Bridge::with_handle(runtime.handle().clone())?;
    /// let opened = bridge.run(async { worldstore::World::create("memory:", &WorldOptions::default()).await })?;
    /// let world = World::over(opened, &bridge);
    /// assert_eq!(world.runs()?.len(), 1);
    /// # Ok(()) }
    /// ```
    fn over(other: Self::Async, bridge: &Bridge) -> Self;

    /// What it is the mirror of.
    fn asynchronous(&self) -> &Self::Async;

    /// The way to the runtime that it works on.
    fn bridge(&self) -> &Bridge;
}

/// A runtime for a world or a context.
fn start() -> Result<Bridge> {
    Bridge::new(THREADS)
}

/// Waits for work on what a mirror shows.
fn call<Shown, Value, Work>(mirror: &Shown, work: impl FnOnce(Shown::Async) -> Work) -> Result<Value>
where
    Shown: Mirror<Async: Clone>,
    Value: Send + 'static,
    Work: Future<Output = Result<Value>> + Send + 'static,
{
    mirror.bridge().run(work(mirror.asynchronous().clone()))
}
