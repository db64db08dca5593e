//! A storage of which other handles are kept, as a database has them: it cannot be changed in place, outlives the router
//! over it, and can be told to fail.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use worldstore_core::{Error, ErrorKind, Result};
use worldstore_ecs::{
    Applied, Batch, Changes, Chunks, ComponentType, ComponentValue, Durability, Entity, Local, Query, State, Storage,
    StorageInfo, Tick,
};

#[derive(Debug, Clone)]
pub struct Handle {
    shard: u16,
    local: Arc<Mutex<Local>>,
    /// So many batches are applied before one fails.
    left: Arc<AtomicUsize>,
    /// Whether it does not tell its tick.
    is_silent: Arc<AtomicBool>,
    /// Whether it applies batches and loses the answers.
    is_lost: Arc<AtomicBool>,
}

impl Handle {
    pub fn new(shard: u16) -> Self {
        let local = Arc::new(Mutex::new(Local::with_shard(shard).unwrap()));
        let (left, is_silent, is_lost) = (AtomicUsize::new(usize::MAX), AtomicBool::default(), AtomicBool::default());
        Self { shard, local, left: Arc::new(left), is_silent: Arc::new(is_silent), is_lost: Arc::new(is_lost) }
    }

    /// Whether it tells its tick from now on.
    pub fn be_silent(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::SeqCst);
    }

    /// Whether the answers to batches are lost from now on.
    pub fn lose_answers(&self, is_lost: bool) {
        self.is_lost.store(is_lost, Ordering::SeqCst);
    }

    /// The batch behind so many fails, and those behind it.
    pub fn fail_after(&self, batches: usize) {
        self.left.store(batches, Ordering::SeqCst);
    }

    fn look<Value>(&self, work: impl FnOnce(&Local) -> Result<Value>) -> Result<Value> {
        work(&self.local.lock().unwrap())
    }

    fn change<Value>(&self, work: impl FnOnce(&mut Local) -> Result<Value>) -> Result<Value> {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(Error::new(ErrorKind::Unavailable, "the storage is gone"));
        }
        self.left.store(left.saturating_sub(usize::from(left < usize::MAX)), Ordering::SeqCst);
        work(&mut self.local.lock().unwrap())
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "handle({})", self.shard)
    }
}

impl Storage for Handle {
    fn info(&self) -> StorageInfo {
        StorageInfo::new("handle", self.shard, Durability::Durable)
    }

    fn components(&self) -> Result<Vec<Arc<ComponentType>>> {
        self.look(Storage::components)
    }

    fn register(&mut self, components: &[Arc<ComponentType>]) -> Result<()> {
        self.change(|local| Storage::register(local, components))
    }

    fn apply(&mut self, batch: &Batch) -> Result<Applied> {
        let applied = self.change(|local| Storage::apply(local, batch))?;
        match self.is_lost.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::OutcomeUnknown, "the answer is lost")),
            false => Ok(applied),
        }
    }

    fn alive(&self, entities: &[Entity]) -> Result<Vec<bool>> {
        self.look(|local| Storage::alive(local, entities))
    }

    fn types(&self, entity: Entity) -> Result<Option<Vec<Arc<str>>>> {
        self.look(|local| Storage::types(local, entity))
    }

    fn get(&self, entity: Entity, component: &str) -> Result<Option<ComponentValue>> {
        self.look(|local| Storage::get(local, entity, component))
    }

    fn get_many(&self, entities: &[Entity], component: &str) -> Result<Vec<Option<ComponentValue>>> {
        self.look(|local| Storage::get_many(local, entities, component))
    }

    fn query(&self, query: &Query) -> Result<Chunks<'_>> {
        let chunks = self.look(|local| {
            let chunks = Storage::query(local, query)?;
            chunks.map(|chunk| chunk?.into_owned()).collect::<Result<Vec<_>>>()
        });
        Ok(Box::new(chunks?.into_iter().map(Ok)))
    }

    fn tick(&self) -> Result<Tick> {
        match self.is_silent.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Unavailable, "the storage is gone")),
            false => self.look(Storage::tick),
        }
    }

    fn changes(&self, since: Tick) -> Result<Changes> {
        self.look(|local| Storage::changes(local, since))
    }

    fn export(&self) -> Result<State<'_>> {
        self.look(|local| Storage::export(local)?.into_owned())
    }

    fn import(&mut self, state: &State<'_>) -> Result<()> {
        self.change(|local| Storage::import(local, state))
    }

    fn local(&self) -> Option<&Local> {
        None
    }

    fn local_mut(&mut self) -> Option<&mut Local> {
        None
    }
}
