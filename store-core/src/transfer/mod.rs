//! Moving much at once: many keys in one call, files in and out, objects between stores, whole folders.
//!
//! - [`Store::delete_many`](crate::Store::delete_many), [`copy_many`](crate::Store::copy_many) and
//!   [`exists_many`](crate::Store::exists_many) answer for each key, in the order given, with bounded concurrency.
//! - [`Store::upload`](crate::Store::upload), [`download`](crate::Store::download) and
//!   [`transfer`](crate::Store::transfer) stream with bounded memory, count and check what goes through, and appear
//!   whole at the target or not at all.
//! - [`Store::sync_folder`](crate::Store::sync_folder) makes one folder like another.
//!
//! Not here: transfers in several streams at once, and uploads that go on where they broke off, for which the contract
//! of backends has no verb. [`LocalSource`], [`LocalTarget`], [`Meter`] and [`SyncPlan`] are the parts that do not
//! depend on a store, for whoever writes another front; the async mirror is one.

mod batch;
mod crc;
mod folder;
mod local;
mod many;
mod meter;
mod options;
mod partial;
mod plan;
mod pool;
mod stream;
mod sync;

pub use batch::{BatchOptions, BatchResult, DeletePlan, OnError, Removal};
pub use crc::Crc32c;
pub use local::{LocalSource, LocalTarget};
pub use meter::Meter;
pub use options::{Progress, Resume, Route, Taken, TransferOptions, TransferReport, Verify, Watcher};
pub use plan::{SyncAction, SyncPlan, SyncStep};
pub use sync::{Compare, EmptySource, Extras, Run, SyncOptions, SyncReport};
