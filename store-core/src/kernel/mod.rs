//! What the kernel decides, without the I/O: shared by [`Store`](crate::Store) and its async mirror, so that both
//! give the same answers.
//!
//! Callers use a store. This is for whoever writes another front over a backend: [`Kernel`] holds the scope of a store
//! and its rules, [`Walk`] plans listings request by request, [`Collector`] and [`ReadAhead`] keep what was read.

mod ability;
mod body;
mod fault;
pub mod glob;
mod options;
mod plan;
mod rules;
mod scope;
mod seek;
mod walk;

pub use ability::Ability;
pub use body::Collector;
pub use fault::{Fault, io_error};
pub use glob::Pattern;
pub use options::{
    Child, Content, FolderInfo, FolderInfoOptions, ListFilesOptions, ListFoldersOptions, Missing, SeekOptions,
};
pub use plan::{Atomicity, Consistency, Cost, Operation, OperationPlan, ResolutionPlan};
pub use rules::Deletion;
pub use scope::Kernel;
pub use seek::{ReadAhead, expect_state};
pub use walk::{Step, Walk};
