//! The subjects over one folder, or in memory, opened alike.

use std::path::Path;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use opendal::{Operator, blocking, services};
use tokio::runtime::Runtime;
use worldstore_async::{AsyncBackend, AsyncMemory, SyncBackendAdapter};
use worldstore_core::{Backend, Local, Memory, Store};

use crate::Failure;

/// Every implementation on one place, and the runtime that the async ones run on.
pub struct Peers {
    /// Two workers, as the machine that the figures are quoted for has two cores.
    pub runtime: Runtime,
    /// Ours.
    pub backend: Arc<dyn Backend>,
    /// Ours, behind the rules of the kernel.
    pub store: Store,
    /// Ours, async.
    pub async_backend: Arc<dyn AsyncBackend>,
    /// The crate object_store.
    pub object_store: Arc<dyn object_store::ObjectStore>,
    /// OpenDAL.
    pub opendal: Operator,
    /// OpenDAL's blocking face.
    pub opendal_blocking: blocking::Operator,
}

impl Peers {
    /// On a folder.
    pub fn local(folder: &Path) -> Result<Self, Failure> {
        let staging = folder.join(".opendal-staging");
        let fs = services::Fs::default().root(&text(folder)?).atomic_write_dir(&text(&staging)?);
        let object_store = Arc::new(LocalFileSystem::new_with_prefix(folder)?);
        let backend: Arc<dyn Backend> = Arc::new(Local::new(folder)?);
        let adapted = Arc::new(SyncBackendAdapter::new(Arc::clone(&backend)));
        Self::new(backend, adapted, object_store, Operator::new(fs)?)
    }

    /// In memory, each on its own.
    pub fn memory() -> Result<Self, Failure> {
        let (memory, opendal) = (Arc::new(Memory::new()), Operator::new(services::Memory::default())?);
        Self::new(memory.clone(), Arc::new(AsyncMemory::from(memory)), Arc::new(InMemory::new()), opendal)
    }

    fn new(
        backend: Arc<dyn Backend>,
        async_backend: Arc<dyn AsyncBackend>,
        object_store: Arc<dyn object_store::ObjectStore>,
        opendal: Operator,
    ) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let entered = runtime.enter();
        let opendal_blocking = blocking::Operator::new(opendal.clone())?;
        drop(entered);
        let store = Store::new(Arc::clone(&backend));
        Ok(Self { runtime, backend, store, async_backend, object_store, opendal, opendal_blocking })
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    Ok(path.to_str().ok_or("the folder's name is not UTF-8")?.to_owned())
}

/// Bytes without visible period.
pub fn body(size: usize, seed: u64) -> Vec<u8> {
    let at = |place: u64| (place.wrapping_add(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8;
    (0..size as u64).map(at).collect()
}
