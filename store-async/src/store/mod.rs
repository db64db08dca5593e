//! The async store: the mirror of `worldstore_core::store`. Its decisions are those of the
//! [`kernel`](worldstore_core::kernel); here are the calls.
//!
//! The surface is in files by what it does: reading, writing, listing, moving and deleting.

mod atomic;
mod change;
mod list;
mod read;
mod seek;
mod write;

use std::fmt;
use std::sync::Arc;

use futures::stream::BoxStream;
use worldstore_core::Result;
use worldstore_core::kernel::{Ability, Kernel, ResolutionPlan};

use crate::backend::AsyncBackend;

pub use atomic::AsyncAtomicWriter;
pub use seek::AsyncSeekReader;

/// Items of a listing, fetched page by page as they are asked for. After an error it ends.
pub type AsyncEntries<Item> = BoxStream<'static, Result<Item>>;

/// A backend behind the rules of the kernel, optionally below a folder of it. Clones share the backend.
///
/// Keys and folders are relative to the store's root, and so is everything that it returns. The empty text is the root:
/// a folder that always exists and is never written or deleted. Every write appears whole or not at all.
///
/// ```
/// use std::sync::Arc;
/// use futures::TryStreamExt;
/// use worldstore_async::{AsyncStore, SyncBackendAdapter};
/// use worldstore_core::{ListFilesOptions, Memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> worldstore_core::Result<()> {
/// let store = AsyncStore::new(Arc::new(SyncBackendAdapter::new(Arc::new(Memory::new()))));
/// store.write("notes/greeting.txt", "hello").await?;
/// assert_eq!(store.read_text("notes/greeting.txt").await?, "hello");
/// assert!(store.write("notes/greeting.txt", "again").await.is_err(), "nothing is overwritten unless asked for");
///
/// let mut files = store.list_files("notes", &ListFilesOptions::default().with_pattern("*.txt"))?;
/// while let Some(file) = files.try_next().await? {
///     assert_eq!(file.size, 5);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct AsyncStore {
    pub(crate) backend: Arc<dyn AsyncBackend>,
    pub(crate) kernel: Kernel,
}

impl AsyncStore {
    /// All of a backend. No I/O.
    pub fn new(backend: Arc<dyn AsyncBackend>) -> Self {
        let kernel = Kernel::new(backend.info(), backend.to_string());
        Self { backend, kernel }
    }

    /// A folder of this store as a store of its own. No I/O: the folder need not exist.
    ///
    /// The child does not own the backend: closing it closes nothing else, and it ends with its parent.
    ///
    /// # Errors
    /// `Invalid` if the text is no folder, or the root.
    pub fn child(&self, folder: &str) -> Result<Self> {
        Ok(Self { backend: Arc::clone(&self.backend), kernel: self.kernel.child(folder)? })
    }

    /// The backend behind the store, which knows nothing of the store's root. No I/O.
    pub fn backend(&self) -> &Arc<dyn AsyncBackend> {
        &self.backend
    }

    /// True if the backend can do this. No I/O; a closed store answers too.
    pub fn supports(&self, ability: Ability) -> bool {
        self.kernel.info().capability.has(ability)
    }

    /// Tells where a key or a folder leads to, and what each operation costs and promises there. No I/O; a closed
    /// store answers too.
    ///
    /// # Errors
    /// `Invalid` for what is neither key nor folder.
    pub fn resolve(&self, key: &str) -> Result<ResolutionPlan> {
        self.kernel.resolve(key)
    }

    /// The path in the file system or the URI of a key or a folder. No I/O; a closed store answers too.
    ///
    /// # Errors
    /// `Invalid` for what is neither key nor folder.
    pub fn native_path(&self, key: &str) -> Result<String> {
        self.kernel.native_path(key)
    }

    /// The key that a native path belongs to: undoes [`native_path`](Self::native_path). No I/O; a closed store answers
    /// too.
    ///
    /// # Errors
    /// `Invalid` for a path that is not below the root of the store, or no key.
    pub fn to_key(&self, native_path: &str) -> Result<String> {
        self.kernel.to_key(native_path)
    }

    /// Ends the store, its clones and its children: whatever needs I/O is `Poisoned` afterwards, for readers with a
    /// position, atomic writers and listings that are open as well. A body that is being read goes on, and so does a
    /// writer of the backend. The backend is released when the last of them is dropped. No I/O; closing twice is
    /// closing once.
    pub fn close(&self) {
        self.kernel.close();
    }
}

impl fmt::Display for AsyncStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kernel.root().is_root() {
            true => write!(f, "{}", self.backend),
            false => write!(f, "{}/{}", self.backend, self.kernel.root()),
        }
    }
}
