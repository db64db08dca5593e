//! An async storage as a sync one.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use tokio::sync::{RwLock, mpsc};
use worldstore_async::Bridge;
use worldstore_core::Result;

use super::gather::shorter;
use super::{Storage, StorageInfo};
use crate::async_storage::AsyncStorage;
use crate::batch::{Applied, Batch};
use crate::chunk::{Chunk, Chunks};
use crate::component::ComponentType;
use crate::local::Local;
use crate::query::Query;
use crate::state::State;
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

/// Chunks that wait between the storage and the reader.
const CHUNKS_QUEUED: usize = 1;

/// Any [`AsyncStorage`] as a [`Storage`]: the reverse of [`SyncStorageAdapter`](super::SyncStorageAdapter).
///
/// The work runs on a runtime's threads while the caller's thread waits. Chunks of a query are copied, two of them ahead
/// of the reader.
///
/// # Errors
/// In async code, where waiting would block a runtime, every call fails as that of a [`Bridge`] does.
pub struct AsyncStorageAdapter {
    storage: Arc<RwLock<Box<dyn AsyncStorage>>>,
    name: String,
    info: Mutex<StorageInfo>,
    bridge: Bridge,
}

impl AsyncStorageAdapter {
    /// Adapts a storage, on a runtime of the adapter's own with one worker thread.
    ///
    /// # Errors
    /// Those of the system if the thread does not start.
    pub fn new(storage: Box<dyn AsyncStorage>) -> Result<Self> {
        Ok(Self::with_bridge(storage, Bridge::new(NonZeroUsize::MIN)?))
    }

    /// Adapts a storage, on the runtime of a bridge: that on which it was opened, if it is bound to one.
    pub fn with_bridge(storage: Box<dyn AsyncStorage>, bridge: Bridge) -> Self {
        let (name, info) = (storage.to_string(), Mutex::new(storage.info()));
        Self { storage: Arc::new(RwLock::new(storage)), name, info, bridge }
    }

    fn look<Value: Send + 'static>(
        &self,
        work: impl for<'call> FnOnce(&'call dyn AsyncStorage) -> BoxFuture<'call, Result<Value>> + Send + 'static,
    ) -> Result<Value> {
        let storage = Arc::clone(&self.storage);
        self.bridge.run(async move { work(&**storage.read().await).await })
    }

    fn change<Value: Send + 'static>(
        &self,
        work: impl for<'call> FnOnce(&'call mut dyn AsyncStorage) -> BoxFuture<'call, Result<Value>> + Send + 'static,
    ) -> Result<Value> {
        let storage = Arc::clone(&self.storage);
        self.bridge.run(async move { work(&mut **storage.write().await).await })
    }
}

impl fmt::Debug for AsyncStorageAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncStorageAdapter").field(&self.name).finish()
    }
}

impl fmt::Display for AsyncStorageAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Storage for AsyncStorageAdapter {
    fn info(&self) -> StorageInfo {
        *self.info.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        self.look(|storage| storage.components())
    }

    fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        let components = components.to_vec();
        self.change(move |storage| Box::pin(async move { storage.register(&components).await }))
    }

    fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        let batch = batch.clone();
        self.change(move |storage| Box::pin(async move { storage.apply(&batch).await }))
    }

    fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        let entities = entities.to_vec();
        self.look(move |storage| Box::pin(async move { storage.alive(&entities).await }))
    }

    fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        self.look(move |storage| storage.types(entity))
    }

    fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        let component = component.to_owned();
        self.look(move |storage| Box::pin(async move { storage.get(entity, &component).await }))
    }

    fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        let (entities, component) = (entities.to_vec(), component.to_owned());
        self.look(move |storage| Box::pin(async move { storage.get_many(&entities, &component).await }))
    }

    fn query(&self, query: &Query) -> Result<Chunks<'_>> {
        let (storage, query) = (Arc::clone(&self.storage), query.clone());
        let (sender, chunks) = mpsc::channel(CHUNKS_QUEUED);
        let pump = async move {
            let storage = storage.read().await;
            match storage.query(&query).await {
                Ok(mut found) => {
                    while let Some(chunk) = found.next().await {
                        let chunk = chunk.and_then(Chunk::into_owned);
                        let failed = chunk.is_err();
                        // Nobody reads any more, or there is nothing more to read.
                        if sender.send(chunk).await.is_err() || failed {
                            break;
                        }
                    }
                }
                Err(error) => drop(sender.send(Err(error)).await),
            }
        };
        self.bridge.run(async move {
            tokio::spawn(pump);
            Ok(())
        })?;
        let next = |mut chunks: mpsc::Receiver<Result<Chunk<'static>>>| async {
            chunks.recv().await.map(|chunk| (chunk, chunks))
        };
        Ok(Box::new(self.bridge.pull(stream::unfold(chunks, next).boxed()).map(shorter)))
    }

    fn tick(&self) -> Result<Tick> {
        self.look(|storage| storage.tick())
    }

    fn changes(&self, since: Tick) -> Result<Changes> {
        self.look(move |storage| storage.changes(since))
    }

    fn export(&self) -> Result<State<'_>> {
        self.look(|storage| Box::pin(async move { storage.export().await?.into_owned() }))
    }

    fn import(&mut self, state: &State<'_>) -> Result<()> {
        let state = state.clone().into_owned()?;
        let info = self.change(move |storage| {
            Box::pin(async move {
                storage.import(&state).await?;
                Ok(storage.info())
            })
        })?;
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) = info;
        Ok(())
    }

    fn local(&self) -> Option<&Local> {
        None
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        None
    }
}
