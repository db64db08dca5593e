//! The async mirror of `worldstore-core`: the same nouns, the same verbs, awaited.
//!
//! - [`AsyncStore`] mirrors [`worldstore_core::Store`] and is what callers use.
//! - [`AsyncBackend`] mirrors [`worldstore_core::Backend`]; [`table::AsyncTableBackend`] mirrors
//!   [`worldstore_core::table::TableBackend`] (feature `table`).
//! - [`SyncBackendAdapter`] and [`table::SyncTableAdapter`] make async what is sync, on tokio's blocking pool.
//! - [`AsyncBackendAdapter`] and [`table::AsyncTableAdapter`] make sync what is async, on a runtime of their own or a
//!   borrowed one; [`Bridge`] does so for any work.
//! - [`AsyncMemory`] is `worldstore_core::Memory` without a hop to another thread.
//! - [`AsyncWal`] is the write-ahead log of `worldstore_core::wal`, awaited.
//! - [`lake`] lists what lies below an address like `lake://bucket/season={season}`, many folders at once.
//! - [`CountingBackend`] counts calls and bytes.
//! - [`object_store`] (feature `object-store`) shows any backend as an `object_store::ObjectStore`, for Lance,
//!   DataFusion and whatever else reads through that trait.

pub mod async_adapter;
pub mod backend;
mod blocking;
mod bridge;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod counting;
pub mod lake;
pub mod memory;
#[cfg(feature = "object-store")]
pub mod object_store;
pub mod store;
pub mod sync_adapter;
#[cfg(feature = "table")]
pub mod table;
#[cfg(feature = "tracing")]
pub mod trace;
mod transfer;
mod wal;
pub mod wrap;

pub use async_adapter::AsyncBackendAdapter;
pub use backend::{AsyncBackend, AsyncChunks, AsyncPresign, AsyncWriter};
pub use bridge::{Asker, Bridge, Pulled};
pub use counting::{CountingBackend, Counts};
pub use memory::AsyncMemory;
pub use store::{AsyncAtomicWriter, AsyncEntries, AsyncSeekReader, AsyncStore};
pub use sync_adapter::SyncBackendAdapter;
pub use wal::{AsyncReplay, AsyncWal};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
