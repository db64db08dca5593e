//! A sync storage as an async one.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use worldstore_core::{Error, Result};

use super::{Storage, StorageInfo};
use crate::async_storage::AsyncStorage;
use crate::batch::{Applied, Batch};
use crate::chunk::{AsyncChunks, Chunk};
use crate::component::ComponentType;
use crate::local::Local;
use crate::query::Query;
use crate::state::State;
use crate::tick::{Changes, Tick};
use crate::{ComponentValue, Entity};

/// Chunks that wait between the storage and the reader.
const CHUNKS_QUEUED: usize = 1;

/// Any [`Storage`] as an [`AsyncStorage`], on tokio's blocking pool.
///
/// A change whose future is dropped still happens whole. Chunks of a query are copied, two of them ahead of the reader,
/// and a change waits until the query was read or dropped. Outside of a tokio runtime every call fails with
/// [`Unsupported`](worldstore_core::ErrorKind::Unsupported).
pub struct SyncStorageAdapter {
    storage: Arc<RwLock<Box<dyn Storage>>>,
    name: String,
    info: Mutex<StorageInfo>,
}

impl SyncStorageAdapter {
    /// Adapts a storage.
    pub fn new(storage: Box<dyn Storage>) -> Self {
        let (name, info) = (storage.to_string(), Mutex::new(storage.info()));
        Self { storage: Arc::new(RwLock::new(storage)), name, info }
    }

    async fn look<Value: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Storage) -> Result<Value> + Send + 'static,
    ) -> Result<Value> {
        let storage = Arc::clone(&self.storage);
        run(move || work(&**storage.read().unwrap_or_else(PoisonError::into_inner))).await
    }

    async fn change<Value: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Storage) -> Result<Value> + Send + 'static,
    ) -> Result<Value> {
        let storage = Arc::clone(&self.storage);
        run(move || work(&mut **storage.write().unwrap_or_else(PoisonError::into_inner))).await
    }
}

async fn run<Value: Send + 'static>(work: impl FnOnce() -> Result<Value> + Send + 'static) -> Result<Value> {
    let handle = runtime()?;
    handle.spawn_blocking(work).await.map_err(|source| Error::unexpected("blocking work failed").caused_by(source))?
}

fn runtime() -> Result<Handle> {
    let missing = |source| Error::unsupported("sync storages need a tokio runtime around them").caused_by(source);
    Handle::try_current().map_err(missing)
}

impl fmt::Debug for SyncStorageAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SyncStorageAdapter").field(&self.name).finish()
    }
}

impl fmt::Display for SyncStorageAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl AsyncStorage for SyncStorageAdapter {
    fn info(&self) -> StorageInfo {
        *self.info.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        self.look(|storage| storage.components()).await
    }

    async fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        let components = components.to_vec();
        self.change(move |storage| storage.register(&components)).await
    }

    async fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        let batch = batch.clone();
        self.change(move |storage| storage.apply(&batch)).await
    }

    async fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        let entities = entities.to_vec();
        self.look(move |storage| storage.alive(&entities)).await
    }

    async fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        self.look(move |storage| storage.types(entity)).await
    }

    async fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        let component = component.to_owned();
        self.look(move |storage| storage.get(entity, &component)).await
    }

    async fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        let (entities, component) = (entities.to_vec(), component.to_owned());
        self.look(move |storage| storage.get_many(&entities, &component)).await
    }

    async fn query(&self, query: &Query) -> Result<AsyncChunks<'_>> {
        let (storage, query) = (Arc::clone(&self.storage), query.clone());
        let (sender, chunks) = mpsc::channel(CHUNKS_QUEUED);
        runtime()?.spawn_blocking(move || {
            let storage = storage.read().unwrap_or_else(PoisonError::into_inner);
            match storage.query(&query) {
                Ok(found) => {
                    for chunk in found {
                        let chunk = chunk.and_then(Chunk::into_owned);
                        let failed = chunk.is_err();
                        // Nobody reads any more, or there is nothing more to read.
                        if sender.blocking_send(chunk).is_err() || failed {
                            break;
                        }
                    }
                }
                Err(error) => drop(sender.blocking_send(Err(error))),
            }
        });
        let next = |mut chunks: mpsc::Receiver<Result<Chunk<'static>>>| async {
            chunks.recv().await.map(|chunk| (chunk, chunks))
        };
        Ok(stream::unfold(chunks, next).map(|chunk| chunk).boxed())
    }

    async fn tick(&self) -> Result<Tick> {
        self.look(|storage| storage.tick()).await
    }

    async fn changes(&self, since: Tick) -> Result<Changes> {
        self.look(move |storage| storage.changes(since)).await
    }

    async fn export(&self) -> Result<State<'_>> {
        self.look(|storage| storage.export()?.into_owned()).await
    }

    async fn import(&mut self, state: &State<'_>) -> Result<()> {
        let state = state.clone().into_owned()?;
        let info = self.change(move |storage| storage.import(&state).map(|()| storage.info())).await?;
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
